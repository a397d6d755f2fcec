insert into attempts (
    outreach_id, no, lease_token, began_at, sending_at, ended_at, relay, connection, verdict, phase, code,
    enhanced, reply
)
select
    cast(value->>0 as bigint),
    cast(value->>1 as bigint),
    cast(value->>2 as bigint),
    cast(value->>3 as bigint),
    cast(value->>4 as bigint),
    cast(value->>5 as bigint),
    value->>6,
    cast(value->>7 as bigint),
    value->>8,
    value->>9,
    cast(value->>10 as bigint),
    value->>11,
    value->>12
from json_each($1)
where true
on conflict (outreach_id, no) do nothing
