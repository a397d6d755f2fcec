-- Whoever was suppressed, and whatever is not welcome any more, does not leave. All three in one go: each
-- statement of its own is a change of thread there and back, as long as the work itself.
update outreach
set state = 'sending', lease_until = $2
from (
    select
        cast(value->>0 as bigint) as outreach_id,
        cast(value->>1 as bigint) as token,
        value->>2 as known_state
    from json_each($1)
) as mark
where
    outreach.id = mark.outreach_id
    and state = mark.known_state
    and lease_token = mark.token
    and not_after > $3
    and not exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id)
returning id;

insert into bodies (outreach_id, written_at, message)
select
    outreach.id,
    $3,
    substr($4, cast(value->>3 as integer), cast(value->>4 as integer))
from json_each($1)
cross join outreach on outreach.id = cast(value->>0 as bigint)
where outreach.lease_token = cast(value->>1 as bigint) and outreach.state = 'sending'
on conflict (outreach_id) do nothing;

insert into links (outreach_id, urls)
select outreach.id, value->>5
from json_each($1)
cross join outreach on outreach.id = cast(value->>0 as bigint)
where
    value->>5 is not null
    and outreach.lease_token = cast(value->>1 as bigint)
    and outreach.state = 'sending'
on conflict (outreach_id) do nothing
