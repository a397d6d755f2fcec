with mark as materialized (
    select
        cast(value->>0 as bigint) as outreach_id,
        cast(value->>1 as bigint) as token,
        value->>2 as known_state,
        value->>3 as next_state,
        cast(value->>4 as bigint) as try_at,
        cast(value->>5 as bigint) as settled,
        cast(value->>6 as bigint) as untried,
        value
    from json_each($1)
),

moved as (
    update outreach
    set
        state = mark.next_state,
        next_at = coalesce(mark.try_at, next_at),
        settled_at = mark.settled,
        attempt = attempt - mark.untried,
        lease_token = null,
        lease_until = null
    from mark
    where
        outreach.id = mark.outreach_id
        and lease_token = mark.token
        -- Whoever knows of no mark has sent nothing, even if the mark was made and the answer got lost.
        and (state = mark.known_state or (mark.known_state = 'claimed' and state = 'sending'))
    returning id
),

written as (
    insert into attempts (
        outreach_id, no, lease_token, began_at, sending_at, ended_at, relay, connection, verdict, phase, code,
        enhanced, reply
    )
    select
        moved.id,
        cast(value->>7 as bigint),
        mark.token,
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
    from moved
    join mark on mark.outreach_id = moved.id
    where value->>7 is not null
    on conflict (outreach_id, no) do nothing
)

select id from moved
