-- Reps, accounts, contacts, and where each contact stands. Instants are unix milliseconds, days are
-- YYYY-MM-DD, flags are 0 or 1: the same on every database.
create table meta (
    key text primary key,
    value text not null
);

-- The timeline in which the server writes now; the control file has it from the next checkpoint on. A server
-- that keeps its log to itself refuses the former, as Aurora does, and has the latter.
create function server_timeline() returns text language plpgsql as
$$ begin
    return left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
exception when object_not_in_prerequisite_state then
    return (select lpad(upper(to_hex(timeline_id)), 8, '0') from pg_control_checkpoint());
end $$;

create table reps (
    id bigint generated always as identity primary key,
    email text not null unique,
    name text,
    title text,
    phone text,
    locale text,
    zone text
);

create table accounts (
    id bigint generated always as identity primary key,
    key text not null unique,
    name text,
    rep_id bigint references reps (id),
    country text,
    industry text,
    cooperation_since text,
    potential_cents bigint,
    attributes text not null
);
create index accounts_name on accounts (name);
create index accounts_rep on accounts (rep_id);

create table contacts (
    id bigint generated always as identity primary key,
    match_key text not null unique,
    email text not null,
    name text,
    given_name text,
    family_name text,
    honorific text,
    title text,
    phone text,
    account_id bigint references accounts (id),
    locale text,
    zone text,
    country text,
    birthday text,
    level bigint,
    may_send bigint,
    may_track bigint,
    attributes text not null,
    known_since bigint not null,
    -- A rep's last mail; the ledger knows of ours.
    last_mail_at bigint,
    engagement text not null,
    -- What the contact asked for, as JSON.
    wish text not null
);
create index contacts_account on contacts (account_id);

-- When to decide on whom: a table of its own, so that a round of decisions writes narrow rows in one
-- place instead of contacts all over the file. A contact may be in it more than once.
create table decisions_due (
    -- 0 means at once.
    at bigint not null,
    -- A contact, without a foreign key: looking each one up was a tenth of a tick, and an entry of a
    -- contact that is gone is settled like any other.
    contact_id bigint not null,
    -- When a decision at once was asked for, so that one request is not taken for an earlier one;
    -- 0 for the time that a decision named itself.
    asked_at bigint not null,
    primary key (at, contact_id, asked_at)
);

-- Whose facts have changed since the standings were worked out; narrow for the same reason, and with
-- the time of each request, so that a round settles those that it saw and no later one.
create table classify_due (
    contact_id bigint not null references contacts (id),
    asked_at bigint not null,
    primary key (contact_id, asked_at)
);

-- One row for each contact, since deciding reads all of it at once.
create table standings (
    contact_id bigint primary key references contacts (id),
    -- What the account bought within a year.
    value_cents bigint not null,
    -- JSON: scheme, tier, since, and the values that the rule saw, of each scheme.
    standings text not null
);

-- From which tier to which, and why. Append-only.
create table tier_moves (
    id bigint generated always as identity primary key,
    contact_id bigint not null references contacts (id),
    scheme text not null,
    from_tier text not null,
    to_tier text not null,
    at bigint not null,
    reason text not null
);
create index tier_moves_contact on tier_moves (contact_id, at);
create index tier_moves_at on tier_moves (at);

create table suppressions (
    match_key text primary key,
    reason text not null,
    since bigint not null
);

-- To whom no mail may leave, whatever was decided before: the gate, the claim and the mark all ask this.
create view no_mail_to (contact_id) as
select contacts.id
from contacts
where
    contacts.may_send = 0
    or exists (select 1 from suppressions where suppressions.match_key = contacts.match_key);

-- SQLite's json_each, so that one text of a batch statement serves both databases.
create function json_each(rows text) returns table (value jsonb) language sql immutable as
$$ select jsonb_array_elements(rows::jsonb) $$;
