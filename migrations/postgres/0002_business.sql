-- What was bought, what was agreed, and who spoke with whom.
create table orders (
    id bigint generated always as identity primary key,
    key text not null unique,
    account_id bigint not null references accounts (id),
    ordered_on text not null,
    delivered_on text,
    amount_cents bigint not null,
    profit_cents bigint
);
create index orders_account on orders (account_id, ordered_on);

create table contracts (
    id bigint generated always as identity primary key,
    key text not null unique,
    account_id bigint not null references accounts (id),
    starts_on text not null,
    ends_on text not null,
    value_cents bigint
);
create index contracts_account on contracts (account_id, ends_on);

create table touches (
    id bigint generated always as identity primary key,
    key text not null unique,
    contact_id bigint not null references contacts (id),
    kind text not null,
    at bigint not null,
    rep_id bigint references reps (id),
    outcome text
);
create index touches_contact on touches (contact_id, at);
