-- $2, the time, is not kept for an account.
insert into accounts (
    key, name, rep_id, country, industry, cooperation_since, potential_cents, attributes
)
select
    value->>'key',
    value->>'name',
    cast(value->>'rep_id' as bigint),
    value->>'country',
    value->>'industry',
    value->>'cooperation_since',
    cast(value->>'potential_cents' as bigint),
    value->>'attributes'
from json_each($1)
where cast($2 as bigint) is not null
on conflict (key) do update set
    name = excluded.name,
    rep_id = excluded.rep_id,
    country = excluded.country,
    industry = excluded.industry,
    cooperation_since = excluded.cooperation_since,
    potential_cents = excluded.potential_cents,
    attributes = excluded.attributes
