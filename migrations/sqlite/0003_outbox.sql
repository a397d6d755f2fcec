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
-- Few, if any, and looked for while many others are ready.
create index outreach_struck on outreach (next_at) where state = 'ready' and strikes > 0;
create index outreach_leased on outreach (lease_until) where state in ('claimed', 'sending');

-- How many mails each day has let through, where there is a budget.
create table releases (
    day text primary key,
    mails bigint not null
);

-- The bytes of a message, zstd; written with the durable mark, so that every attempt sends the same, and
-- dropped when they are old.
create table bodies (
    outreach_id integer primary key references outreach (id),
    written_at bigint not null,
    message blob not null
);
create index bodies_written on bodies (written_at);

-- What the messages of a campaign have in common, zstd: one that was written to nobody. Stored messages need it
-- and name it; the name is made of the content. Kept for a year after it was used last.
create table dictionaries (
    id bigint primary key,
    used_at bigint not null,
    content blob not null
);

-- Where the tracked links of a message lead, a JSON list in the order of their numbers.
create table links (
    outreach_id integer primary key references outreach (id),
    urls text not null
);

-- Append-only, numbered from 1 without a gap. An attempt that a daemon did not live to see the end of is
-- written down by the one that finds it.
create table attempts (
    outreach_id bigint not null references outreach (id),
    no bigint not null,
    lease_token bigint not null,
    began_at bigint not null,
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
) without rowid;

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

-- Refusals that say something about an address only if they come again.
create table address_troubles (
    match_key text not null,
    kind text not null,
    at bigint not null,
    primary key (match_key, kind, at)
);

-- What is known of each relay beyond a restart: its rates, its faults, what it asked us to wait. JSON.
create table relays (
    name text primary key,
    state text not null
);

-- Work that one daemon does for all, such as planning: who does it, under which token, and until when.
create table duties (
    name text primary key,
    holder text not null,
    token bigint not null,
    held_until bigint not null
);

create table feedback (
    outreach_id bigint not null references outreach (id),
    kind text not null,
    link_no bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    times bigint not null,
    -- Of a delivery report: what was wrong, and the server's words.
    refusal text,
    words text,
    primary key (outreach_id, kind, link_no)
);

-- Lease tokens rise for ever; a write with an old one changes nothing.
create table lease_tokens (
    id bigint primary key,
    last bigint not null
);
insert into lease_tokens (id, last) values (1, 0);

-- The moves that `domain::OutreachState` allows, so that no other program makes one that it does not. One by
-- one: a list in parentheses would be made anew for every row, and that takes longer than to change the row.
create trigger outreach_moves before update of state on outreach
when old.state <> new.state and not (
    (old.state = 'planned' and (new.state = 'ready' or new.state = 'expired' or new.state = 'suppressed'))
    or (old.state = 'ready' and (new.state = 'claimed' or new.state = 'expired' or new.state = 'suppressed'))
    or (old.state = 'claimed' and (
        new.state = 'sending' or new.state = 'ready' or new.state = 'failed' or new.state = 'expired'
        or new.state = 'suppressed' or new.state = 'quarantined'
    ))
    or (old.state = 'sending' and (
        new.state = 'sent' or new.state = 'ready' or new.state = 'failed' or new.state = 'in_doubt'
    ))
    or (old.state = 'in_doubt' and (new.state = 'sent' or new.state = 'ready' or new.state = 'failed'))
)
begin
    select raise(abort, 'the ledger does not allow this move');
end;

create trigger attempts_stay before update on attempts
begin
    select raise(abort, 'an attempt is never changed');
end;
create trigger attempts_remain before delete on attempts
begin
    select raise(abort, 'an attempt is never changed');
end;
