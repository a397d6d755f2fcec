-- The ledger: one row per outreach, from decision to last word.
create table outreach (
    id integer primary key,
    contact_id bigint not null references contacts (id),
    campaign text not null,
    kind text not null,
    occasion_on text not null,
    years bigint,
    state text not null check (
        state in (
            'planned', 'ready', 'claimed', 'sending', 'sent', 'failed', 'expired', 'suppressed', 'in_doubt',
            'quarantined'
        )
    ),
    created_at bigint not null,
    due_at bigint not null,
    not_after bigint not null,
    -- Who goes first when the budget of a day is short: the lower number.
    precedence bigint not null,
    -- Not claimed before this; later than due_at after a failed attempt.
    next_at bigint not null,
    attempt bigint not null,
    -- How often a daemon broke down with it in hand; such a mail is handled alone.
    strikes bigint not null default 0,
    lease_token bigint,
    lease_until bigint,
    -- Random; makes the Message-ID one of a kind even if the database is made anew.
    nonce bigint not null,
    settled_at bigint,
    -- The occurrence: two planners, a repeated tick or a clock step cannot make a second row of it.
    unique (contact_id, campaign, kind, occasion_on)
);
create index outreach_planned on outreach (due_at, id) where state = 'planned';
create index outreach_ready on outreach (next_at, id) where state = 'ready';
create index outreach_leased on outreach (lease_until) where state in ('claimed', 'sending');

-- How many mails each day has let through, where there is a budget.
create table releases (
    day text primary key,
    mails bigint not null
);

-- The bytes of a message, zstd; written with the durable mark, so that every attempt sends the same.
create table bodies (
    outreach_id bigint primary key references outreach (id),
    message blob not null
);

create table links (
    outreach_id bigint not null references outreach (id),
    no bigint not null,
    url text not null,
    primary key (outreach_id, no)
);

-- Append-only.
create table attempts (
    outreach_id bigint not null references outreach (id),
    no bigint not null,
    lease_token bigint not null,
    began_at bigint,
    -- When the mark was durable, and so the content could leave.
    sending_at bigint,
    ended_at bigint not null,
    relay text,
    -- Which one of the daemon's connections to the relay.
    connection bigint,
    verdict text not null check (verdict in ('accepted', 'rejected', 'not_sent', 'in_doubt')),
    phase text,
    code bigint,
    enhanced text,
    reply text not null,
    primary key (outreach_id, no)
);

-- Attempts of which nobody knows how they ended, and what was made of each.
create table doubts (
    outreach_id bigint not null,
    attempt_no bigint not null,
    since bigint not null,
    resolved_at bigint,
    resolution text check (resolution in ('assumed_sent', 'evidence', 'resent', 'failed')),
    -- What resolved it: policy, operator, or the kind of evidence.
    resolved_by text,
    primary key (outreach_id, attempt_no),
    foreign key (outreach_id, attempt_no) references attempts (outreach_id, no)
);
create index doubts_open on doubts (since) where resolved_at is null;

create table feedback (
    outreach_id bigint not null references outreach (id),
    kind text not null,
    link_no bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    times bigint not null,
    primary key (outreach_id, kind, link_no)
);

-- Lease tokens rise for ever; a write with an old one changes nothing.
create table lease_tokens (
    id bigint primary key,
    last bigint not null
);
insert into lease_tokens (id, last) values (1, 0);
