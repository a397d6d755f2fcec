insert into standings (contact_id, value_cents, standings)
select cast(value->>0 as bigint), cast(value->>1 as bigint), value->>2
from json_each($1)
where true
on conflict (contact_id) do update set
    value_cents = excluded.value_cents,
    standings = excluded.standings
