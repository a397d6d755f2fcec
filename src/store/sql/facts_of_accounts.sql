-- Sums over the orders since $2 and over those since $4 and before, and the last days of order, delivery
-- and contract, of the accounts in $1 as of $3.
with wanted as (
    select cast(value->>0 as bigint) as account_id from json_each($1)
),
bought as (
    select
        account_id,
        cast(sum(case when ordered_on > $2 then amount_cents else 0 end) as bigint) as amount_cents,
        cast(sum(case when ordered_on > $4 and ordered_on <= $2 then amount_cents else 0 end) as bigint)
            as amount_before_cents,
        cast(sum(case when ordered_on > $2 then coalesce(profit_cents, 0) else 0 end) as bigint) as profit_cents,
        cast(sum(case when ordered_on > $2 then 1 else 0 end) as bigint) as orders,
        count(*) as orders_ever,
        max(ordered_on) as last_order_on,
        max(case when delivered_on <= $3 then delivered_on end) as last_delivery_on
    from orders
    where account_id in (select account_id from wanted) and ordered_on <= $3
    group by account_id
),
agreed as (
    select account_id, max(ends_on) as contract_ends_on
    from contracts
    where account_id in (select account_id from wanted)
    group by account_id
)
select
    wanted.account_id,
    coalesce(bought.amount_cents, 0) as amount_cents,
    coalesce(bought.amount_before_cents, 0) as amount_before_cents,
    coalesce(bought.profit_cents, 0) as profit_cents,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.orders_ever, 0) as orders_ever,
    bought.last_order_on,
    bought.last_delivery_on,
    agreed.contract_ends_on
from wanted
left join bought on bought.account_id = wanted.account_id
left join agreed on agreed.account_id = wanted.account_id
where bought.account_id is not null or agreed.account_id is not null
