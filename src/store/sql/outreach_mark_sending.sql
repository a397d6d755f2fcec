update outreach
set state = 'sending', lease_until = mark.until
from (
    select
        cast(value->>0 as bigint) as outreach_id,
        cast(value->>1 as bigint) as token,
        cast(value->>2 as bigint) as until
    from json_each($1)
) as mark
where outreach.id = mark.outreach_id and state = 'claimed' and lease_token = mark.token
returning id
