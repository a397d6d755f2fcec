insert into outreach (
    contact_id, campaign, kind, occasion_on, years, state, created_at, due_at, not_after, next_at,
    attempt, nonce, precedence
)
select
    cast(value->>0 as bigint),
    value->>1,
    value->>2,
    value->>3,
    cast(value->>4 as bigint),
    'planned',
    cast($2 as bigint),
    cast(value->>5 as bigint),
    cast(value->>6 as bigint),
    cast(value->>5 as bigint),
    0,
    cast(value->>7 as bigint),
    cast(value->>8 as bigint)
from json_each($1)
where true
on conflict (contact_id, campaign, kind, occasion_on) do nothing
