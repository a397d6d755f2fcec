-- The attempts first, while it can still be seen whose rows they are; in one go, as the marks before content.
insert into attempts (
    outreach_id, no, lease_token, began_at, sending_at, ended_at, relay, connection, verdict, phase, code,
    enhanced, reply
)
select
    outreach.id,
    cast(value->>7 as bigint),
    outreach.lease_token,
    cast(value->>8 as bigint),
    cast(value->>9 as bigint),
    cast(value->>10 as bigint),
    value->>11,
    cast(value->>12 as bigint),
    value->>13,
    value->>14,
    cast(value->>15 as bigint),
    value->>16,
    value->>17
from json_each($1)
cross join outreach on outreach.id = cast(value->>0 as bigint)
where
    value->>7 is not null
    and outreach.lease_token = cast(value->>1 as bigint)
    -- Whoever knows of no mark has sent nothing, even if the mark was made and the answer got lost.
    and (
        outreach.state = value->>2
        or (value->>2 = 'claimed' and outreach.state = 'sending')
    )
on conflict (outreach_id, no) do nothing;

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
    and (state = mark.known_state or (mark.known_state = 'claimed' and state = 'sending'))
returning id
