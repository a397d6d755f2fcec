-- Whoever was suppressed, and whatever is not welcome any more, does not leave.
with mark as materialized (
    select
        cast(value->>0 as bigint) as outreach_id,
        cast(value->>1 as bigint) as token,
        value->>2 as known_state,
        cast(value->>3 as integer) as begins_at,
        cast(value->>4 as integer) as octets,
        value->>5 as urls
    from json_each($1)
),

marked as (
    update outreach
    set state = 'sending', lease_until = $2
    from mark
    where
        outreach.id = mark.outreach_id
        -- Not a constant: its index of all that is leased would be walked for each group of marks, with
        -- the dead entries of all that was, instead of looking the rows up by their ids.
        and state = mark.known_state
        and lease_token = mark.token
        and not_after > $3
        and not exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id)
    returning id
),

kept as (
    insert into bodies (outreach_id, written_at, message)
    select marked.id, $3, substr($4, mark.begins_at, mark.octets)
    from marked
    join mark on mark.outreach_id = marked.id
    on conflict (outreach_id) do nothing
),

linked as (
    insert into links (outreach_id, urls)
    select marked.id, mark.urls
    from marked
    join mark on mark.outreach_id = marked.id
    where mark.urls is not null
    on conflict (outreach_id) do nothing
)

select id from marked
