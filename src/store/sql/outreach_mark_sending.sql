-- Whoever was suppressed, and whatever is not welcome any more, does not leave.
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
    -- Not a constant: PostgreSQL would walk its index of all that is leased for each group of marks,
    -- with the dead entries of all that was, instead of looking the rows up by their ids.
    and state = mark.known_state
    and lease_token = mark.token
    and not_after > $3
    and not exists (select 1 from no_mail_to where no_mail_to.contact_id = outreach.contact_id)
returning id
