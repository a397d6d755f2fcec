insert into standings (contact_id, scheme, tier, since, reason)
select
    cast(value->>0 as bigint), value->>1, value->>2, cast(value->>3 as bigint), value->>4
from json_each($1)
where true
on conflict (contact_id, scheme) do update set
    tier = excluded.tier,
    since = excluded.since,
    reason = excluded.reason
