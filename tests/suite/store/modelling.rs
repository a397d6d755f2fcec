//! The ledger beside a model of it: whatever daemons do, and in whatever order, both say the same.
use chrono::{DateTime, TimeDelta, Utc};
use perennial::{
    domain::{MOST_STRIKES, Outcome, OutreachId, OutreachState as State, Phase, Reply, Resolution},
    store::{Claimed, Mark},
};

use crate::crash::seed;
use crate::support::{
    at,
    chaos::Dice,
    database::Database,
    on_both_databases,
    rows::{LEASE, attempt, begin_sending, enqueue, mail, mark, person, release, write},
};

/// Of a story, in seven hours at most.
const STEPS: u32 = 400;
const MAILS: usize = 12;
const NINE: &str = "2026-05-14T09:00:00Z";

on_both_databases!(whatever_daemons_do_the_ledger_says_what_its_model_says);

/// What the ledger has to say of one mail.
#[derive(Debug, Clone)]
struct Row {
    id: OutreachId,
    state: State,
    lease: Option<(i64, DateTime<Utc>)>,
    attempt: u32,
    strikes: u32,
    next_at: DateTime<Utc>,
    attempts: Vec<Line>,
    /// The number of the attempt in doubt.
    doubt: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    no: u32,
    token: i64,
    /// Whether a daemon lived to see how it ended.
    is_seen: bool,
}

struct Story<'a> {
    db: &'a Database,
    dice: Dice,
    now: DateTime<Utc>,
    rows: Vec<Row>,
    /// All that was ever claimed: daemons that were frozen come back with it.
    held: Vec<Claimed>,
    told: Vec<String>,
}

async fn whatever_daemons_do_the_ledger_says_what_its_model_says(db: &Database) {
    Story::begin(db).await.tell().await;
}

impl<'a> Story<'a> {
    /// Mails that are ready at nine.
    async fn begin(db: &'a Database) -> Self {
        for place in 0..MAILS {
            let contact = person(&db.store, &format!("reader{place}@example.org")).await;
            enqueue(&db.store, &[mail(contact, "2026-05-14")]).await;
        }
        assert_eq!(release(&db.store, NINE).await, MAILS as u64);
        let ids = db.texts("select cast(id as text) from outreach order by outreach.id").await;
        let row = |id: &String| Row {
            id: OutreachId(id.parse().unwrap()),
            state: State::Ready,
            lease: None,
            attempt: 0,
            strikes: 0,
            next_at: at(NINE),
            attempts: Vec::new(),
            doubt: None,
        };
        let rows = ids.iter().map(row).collect();
        let seed = seed();
        println!("{}: PERENNIAL_TEST_SEED={seed}", db.store.kind());
        let (dice, now) = (Dice::new(seed), at(NINE));
        Self { db, dice, now, rows, held: Vec::new(), told: Vec::new() }
    }

    async fn tell(mut self) {
        for _ in 0..STEPS {
            let pause = self.draw(60).cast_signed();
            self.now += TimeDelta::seconds(pause);
            match self.draw(12) {
                0..3 => self.claim().await,
                3..6 => self.begin_sending().await,
                6..9 => self.settle().await,
                9 => self.recover().await,
                10 => self.resolve().await,
                _ => self.testify().await,
            }
            self.compare().await;
        }
        let ended = self.rows.iter().filter(|row| !row.attempts.is_empty()).count();
        assert!(ended > MAILS / 2, "a story in which something happens: {:#?}", self.told);
    }

    async fn claim(&mut self) {
        let (limit, strikes) = (1 + self.draw(3), self.draw(u64::from(MOST_STRIKES)));
        let wave = (u32::try_from(limit).unwrap(), u32::try_from(strikes).unwrap());
        let now = self.now;
        let claim = async |tx: &mut perennial::store::Tx| tx.claim(now, LEASE, wave).await;
        let claimed = write(&self.db.store, claim).await;
        let mut ready: Vec<&mut Row> = self
            .rows
            .iter_mut()
            .filter(|row| row.state == State::Ready && row.strikes == wave.1 && row.next_at <= now)
            .collect();
        ready.sort_by_key(|row| (row.next_at, row.id));
        ready.truncate(wave.0 as usize);
        let mut ids: Vec<_> = ready.iter().map(|row| row.id).collect();
        ids.sort();
        let mut known: Vec<_> = claimed.iter().map(|mail| mail.id).collect();
        known.sort();
        assert_eq!(known, ids, "{wave:?} of {:#?}", self.told);
        for row in ready {
            row.state = State::Claimed;
            row.attempt += 1;
            let token = claimed[0].lease_token;
            assert!(self.held.iter().all(|held| held.lease_token < token), "a newer token");
            row.lease = Some((token, now + LEASE));
        }
        self.told.push(format!("claimed {ids:?}"));
        self.held.extend(claimed);
    }

    async fn begin_sending(&mut self) {
        let Some(held) = self.any_held() else { return };
        let until = self.now + LEASE;
        let marked = begin_sending(&self.db.store, &held, until).await;
        let row = self.row(held.id);
        let expected = row.state == State::Claimed && row.token() == Some(held.lease_token);
        if expected {
            row.state = State::Sending;
            row.lease = Some((held.lease_token, until));
        }
        self.told.push(format!("begins {:?} under {}: {marked}", held.id, held.lease_token));
        assert_eq!(marked, expected, "{:#?}", self.told);
    }

    async fn settle(&mut self) {
        let Some(held) = self.any_held() else { return };
        let mark = self.any_mark(&held);
        let now = self.now;
        let marks = [mark.clone()];
        let settle = async |tx: &mut perennial::store::Tx| tx.mark_settled(&marks, now).await;
        let moved = write(&self.db.store, settle).await.contains(&held.id);
        let (token, line) = (held.lease_token, mark.attempt.as_ref().map(|attempt| attempt.no));
        let row = self.row(held.id);
        let is_ours = row.token() == Some(token)
            && (row.state == mark.from
                || (mark.from == State::Claimed && row.state == State::Sending));
        let line = line.map(|no| Line { no, token, is_seen: true });
        let was_written = line.as_ref().is_some_and(|line| row.attempts.contains(line));
        if is_ours {
            row.state = mark.to;
            row.lease = None;
            row.next_at = mark.next_at.unwrap_or(row.next_at);
            match line {
                Some(line) => {
                    row.doubt = (mark.to == State::InDoubt).then_some(line.no).or(row.doubt);
                    row.attempts.push(line);
                }
                None => row.attempt -= 1,
            }
        }
        self.told.push(format!("ends {:?} under {token} as {:?}: {moved}", held.id, mark.to));
        assert_eq!(moved, is_ours || was_written, "{:#?}", self.told);
    }

    /// Of a sender that knows that its mark was made, or does not.
    fn any_mark(&mut self, held: &Claimed) -> Mark {
        let phase = Phase::Mail;
        let reply = Reply { code: 451, enhanced: None, text: "later".to_owned() };
        let (from, to, outcome) = match self.draw(6) {
            0 => (State::Claimed, State::Ready, None),
            1 => (State::Claimed, State::Failed, Some(Outcome::Rejected { phase, reply })),
            2 => (State::Sending, State::Ready, Some(Outcome::Rejected { phase, reply })),
            3 => (State::Sending, State::Failed, Some(Outcome::Rejected { phase, reply })),
            4 => {
                let cause = "no answer".to_owned();
                (State::Sending, State::InDoubt, Some(Outcome::InDoubt { cause }))
            }
            _ => {
                let text = "queued".to_owned();
                (State::Sending, State::Sent, Some(Outcome::Accepted { text }))
            }
        };
        let again = (to == State::Ready).then(|| self.now + TimeDelta::minutes(3));
        Mark {
            attempt: outcome.map(|outcome| attempt(held, outcome)),
            next_at: again,
            ..mark(held, from, to)
        }
    }

    async fn recover(&mut self) {
        let now = self.now;
        let recover = async |tx: &mut perennial::store::Tx| tx.recover(now).await;
        let recovered = write(&self.db.store, recover).await;
        let (mut ready, mut in_doubt, mut quarantined) = (0, Vec::new(), Vec::new());
        for row in &mut self.rows {
            let Some((token, _)) = row.lease.filter(|(_, until)| *until <= now) else { continue };
            row.lease = None;
            if row.state == State::Sending {
                row.state = State::InDoubt;
                row.doubt = Some(row.attempt);
                row.attempts.push(Line { no: row.attempt, token, is_seen: false });
                in_doubt.push(row.id);
                continue;
            }
            row.attempt -= 1;
            row.strikes += 1;
            if row.strikes >= MOST_STRIKES {
                row.state = State::Quarantined;
                quarantined.push(row.id);
            } else {
                row.state = State::Ready;
                ready += 1;
            }
        }
        self.told.push(format!("takes back {recovered:?}"));
        assert_eq!(recovered.ready, ready, "{:#?}", self.told);
        assert_eq!(sorted(recovered.in_doubt), in_doubt, "{:#?}", self.told);
        assert_eq!(sorted(recovered.quarantined), quarantined, "{:#?}", self.told);
    }

    async fn resolve(&mut self) {
        let (place, how, now) = (self.draw(MAILS as u64), self.any_resolution(), self.now);
        let id = self.rows[usize::try_from(place).unwrap()].id;
        let doubts = [(id, how)];
        let resolve =
            async |tx: &mut perennial::store::Tx| tx.resolve_doubts(&doubts, "operator", now).await;
        let resolved = write(&self.db.store, resolve).await;
        let was_open = self.row(id).resolve(how, now);
        self.told.push(format!("resolves {id:?} as {how:?}: {resolved}"));
        assert_eq!(resolved, u64::from(was_open), "{:#?}", self.told);
    }

    /// A daemon that was frozen learns what became of its message.
    async fn testify(&mut self) {
        let Some(held) = self.any_held() else { return };
        let (how, now) = (self.any_resolution(), self.now);
        let (no, token) = (held.attempt, held.lease_token);
        let testify =
            async |tx: &mut perennial::store::Tx| tx.testify(held.id, (no, token), how, now).await;
        let was_believed = write(&self.db.store, testify).await;
        let row = self.row(held.id);
        let is_about_it = row.doubt == Some(no)
            && row.attempts.iter().any(|line| (line.no, line.token) == (no, token));
        let expected = is_about_it && row.resolve(how, now);
        self.told.push(format!("testifies {:?} under {token}: {was_believed}", held.id));
        assert_eq!(was_believed, expected, "{:#?}", self.told);
    }

    /// The ledger, line by line, against the model.
    async fn compare(&self) {
        let sql =
            "select id || ' ' || state || ' ' || attempt || ' ' || strikes || ' ' || next_at || ' '
                 || coalesce(lease_token, 0) || ' ' || coalesce(lease_until, 0)
             from outreach order by id";
        let expected: Vec<String> = self.rows.iter().map(Row::words).collect();
        assert_eq!(self.db.texts(sql).await, expected, "{:#?}", self.told);
        let sql = "select outreach_id || ' ' || no || ' ' || lease_token from attempts
                   order by outreach_id, no";
        let lines = self.rows.iter().flat_map(|row| {
            row.attempts.iter().map(|line| format!("{} {} {}", row.id.0, line.no, line.token))
        });
        assert_eq!(self.db.texts(sql).await, lines.collect::<Vec<_>>(), "{:#?}", self.told);
        let sql = "select outreach_id || ' ' || attempt_no from doubts
                   where resolved_at is null order by outreach_id";
        let doubts =
            self.rows.iter().filter_map(|row| Some(format!("{} {}", row.id.0, row.doubt?)));
        assert_eq!(self.db.texts(sql).await, doubts.collect::<Vec<_>>(), "{:#?}", self.told);
    }

    fn draw(&mut self, end: u64) -> u64 {
        self.dice.below(end)
    }

    /// The latest more often than the oldest.
    fn any_held(&mut self) -> Option<Claimed> {
        let count = self.held.len() as u64;
        let back = self.dice.below(count.max(1)).min(self.dice.below(count.max(1)));
        self.held.iter().rev().nth(usize::try_from(back).unwrap()).cloned()
    }

    fn any_resolution(&mut self) -> Resolution {
        match self.draw(3) {
            0 => Resolution::AssumedSent,
            1 => Resolution::Resent,
            _ => Resolution::Failed,
        }
    }

    fn row(&mut self, id: OutreachId) -> &mut Row {
        self.rows.iter_mut().find(|row| row.id == id).unwrap()
    }
}

impl Row {
    fn token(&self) -> Option<i64> {
        self.lease.map(|(token, _)| token)
    }

    /// Returns whether it was in doubt.
    fn resolve(&mut self, how: Resolution, now: DateTime<Utc>) -> bool {
        if self.state != State::InDoubt {
            return false;
        }
        self.doubt = None;
        self.state = match how {
            Resolution::AssumedSent | Resolution::Evidence => State::Sent,
            Resolution::Failed => State::Failed,
            Resolution::Resent => {
                self.next_at = now;
                State::Ready
            }
        };
        true
    }

    /// As the database is asked for it.
    fn words(&self) -> String {
        let (token, until) =
            self.lease.map_or((0, 0), |(token, until)| (token, until.timestamp_millis()));
        let Self { id, state, attempt, strikes, next_at, .. } = self;
        let (state, next_at) = (state.as_str(), next_at.timestamp_millis());
        format!("{} {state} {attempt} {strikes} {next_at} {token} {until}", id.0)
    }
}

fn sorted(mut ids: Vec<OutreachId>) -> Vec<OutreachId> {
    ids.sort();
    ids
}
