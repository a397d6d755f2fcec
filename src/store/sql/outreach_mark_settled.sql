update outreach
set
    state = mark.next_state,
    next_at = coalesce(mark.try_at, next_at),
    settled_at = mark.settled,
    attempt = attempt - mark.untried,
    lease_token = null,
    lease_until = null
from (
    select
        cast(value->>0 as bigint) as outreach_id,
        cast(value->>1 as bigint) as token,
        value->>2 as known_state,
        value->>3 as next_state,
        cast(value->>4 as bigint) as try_at,
        cast(value->>5 as bigint) as settled,
        cast(value->>6 as bigint) as untried
    from json_each($1)
) as mark
where
    outreach.id = mark.outreach_id
    and lease_token = mark.token
    -- Whoever knows of no mark has sent nothing, even if the mark was made and the answer got lost.
    and (state = mark.known_state or (mark.known_state = 'claimed' and state = 'sending'))
returning id
