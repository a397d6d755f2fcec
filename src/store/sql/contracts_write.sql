-- $2, the time, is not kept for a contract.
insert into contracts (key, account_id, starts_on, ends_on, value_cents)
select
    value->>'key',
    cast(value->>'account_id' as bigint),
    value->>'starts_on',
    value->>'ends_on',
    cast(value->>'value_cents' as bigint)
from json_each($1)
where cast($2 as bigint) is not null
on conflict (key) do update set
    account_id = excluded.account_id,
    starts_on = excluded.starts_on,
    ends_on = excluded.ends_on,
    value_cents = excluded.value_cents
