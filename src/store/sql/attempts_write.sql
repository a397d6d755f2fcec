insert into attempts (outreach_id, no, lease_token, ended_at, verdict, phase, code, enhanced, reply)
select
    cast(value->>0 as bigint),
    cast(value->>1 as bigint),
    cast(value->>2 as bigint),
    cast(value->>3 as bigint),
    value->>4,
    value->>5,
    cast(value->>6 as bigint),
    value->>7,
    value->>8
from json_each($1)
where true
on conflict (outreach_id, no) do nothing
