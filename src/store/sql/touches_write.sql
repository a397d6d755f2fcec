-- $2, the time of the import, is not kept: a touch has a time of its own.
insert into touches (key, contact_id, kind, at, rep_id, outcome)
select
    value->>'key',
    cast(value->>'contact_id' as bigint),
    value->>'kind',
    cast(value->>'at' as bigint),
    cast(value->>'rep_id' as bigint),
    value->>'outcome'
from json_each($1)
where cast($2 as bigint) is not null
on conflict (key) do update set
    contact_id = excluded.contact_id,
    kind = excluded.kind,
    at = excluded.at,
    rep_id = excluded.rep_id,
    outcome = excluded.outcome
