-- $2, the time, is not kept for an order.
insert into orders (key, account_id, ordered_on, delivered_on, amount_cents, profit_cents)
select
    value->>'key',
    cast(value->>'account_id' as bigint),
    value->>'ordered_on',
    value->>'delivered_on',
    cast(value->>'amount_cents' as bigint),
    cast(value->>'profit_cents' as bigint)
from json_each($1)
where cast($2 as bigint) is not null
on conflict (key) do update set
    account_id = excluded.account_id,
    ordered_on = excluded.ordered_on,
    delivered_on = excluded.delivered_on,
    amount_cents = excluded.amount_cents,
    profit_cents = excluded.profit_cents
