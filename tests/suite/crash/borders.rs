//! `kill -9` at every border between the phases of a mail, and what the next daemon makes of it.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use super::{assert_audit_of, count, settle};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Gate, Moment, Step},
    daemon::{Sending, Site},
    database::{Database, execute, texts},
    on_both_databases,
};

on_both_databases!(a_kill_at_any_border_is_seen_in_the_row_and_nothing_is_sent_twice);

/// Each connection of a daemon is held at a border of its own, so that one kill is at all of them. Before
/// one connection was good, a daemon tries five at a time at most.
const CONNECTIONS: usize = 4;
/// One for each, so that none has a second one.
const MAILS: usize = CONNECTIONS;
const SENDING: Sending =
    Sending { connections: CONNECTIONS, content_seconds: 30, lease_seconds: 60 };
const PATIENCE: Duration = Duration::from_mins(1);

/// Until when the daemon lives, once the relay holds it at the border.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Until {
    /// The relay has not answered.
    Held,
    /// The relay has said 354, or 250, and nothing can be written into the database.
    Answered,
    /// The relay has taken the mail and not said so.
    Taken,
    /// The mail's last word is in the database.
    Settled,
}

struct Border {
    step: Step,
    act: Act,
    until: Until,
    gate: Gate,
    /// The state of the row after the kill, and the one that the next daemon ends with.
    states: [&'static str; 2],
    /// Copies that the relay has in the end.
    copies: usize,
    /// Whose mail is there, once it is known.
    recipient: Mutex<String>,
}

/// Those of each kill, in the order of the connections.
fn borders() -> [[Border; CONNECTIONS]; 3] {
    use Until::{Answered, Held, Settled, Taken};
    let (untouched, doubtful) = (["claimed", "sent"], ["sending", "in_doubt"]);
    let settled = ["sent", "sent"];
    [
        [
            (Step::Connect, Act::Good, Held, untouched, 1),
            (Step::Ehlo, Act::Good, Held, untouched, 1),
            (Step::Mail, Act::Good, Held, untouched, 1),
            (Step::Rcpt, Act::Good, Held, untouched, 1),
        ],
        [
            (Step::Data, Act::Good, Held, untouched, 1),
            (Step::Data, Act::Good, Answered, untouched, 1),
            (Step::Data, Act::CloseWithin, Held, doubtful, 0),
            (Step::Dot, Act::Close, Held, doubtful, 0),
        ],
        [
            (Step::Dot, Act::Close, Held, doubtful, 0),
            (Step::Dot, Act::TakeAndSilence, Taken, doubtful, 1),
            (Step::Dot, Act::Good, Answered, doubtful, 1),
            (Step::Dot, Act::Good, Settled, settled, 1),
        ],
    ]
    .map(|borders| {
        borders.map(|(step, act, until, states, copies)| Border {
            step,
            act,
            until,
            gate: Gate::new(),
            states,
            copies,
            recipient: Mutex::default(),
        })
    })
}

/// What the relay does; later connections meet a good one.
fn hold(borders: &[Border; CONNECTIONS], moment: &Moment<'_>) -> Answer {
    let place = usize::try_from(moment.connection).unwrap() - 1;
    let Some(border) = borders.get(place) else { return Answer::good() };
    if moment.step == Step::Rcpt {
        moment.recipient.clone_into(&mut border.recipient.lock().unwrap());
    }
    if moment.step == border.step {
        return Answer::from(border.act.clone()).behind(&border.gate);
    }
    Answer::good()
}

async fn a_kill_at_any_border_is_seen_in_the_row_and_nothing_is_sent_twice(db: &Database) {
    let mut records = Records::new();
    for (round, borders) in borders().into_iter().enumerate() {
        let borders = Arc::new(borders);
        let script = Arc::clone(&borders);
        let relay = ChaosRelay::start(move |moment| hold(&script, moment));
        let site = Site::new(&db.url, relay.address, SENDING);
        site.import(round * MAILS..(round + 1) * MAILS);
        kill_at_all(db, &borders, &relay, &site).await;
        assert_states(db, &borders, 0).await;

        // The leases of the dead daemon are over, and so is its duty to decide.
        let over = "update outreach set lease_until = 1 where lease_until is not null";
        execute(&db.url, over).await.unwrap();
        execute(&db.url, "delete from duties").await.unwrap();
        settle(&db.url, &site, SENDING).await;
        assert_states(db, &borders, 1).await;
        assert_copies(&borders, &relay);
        records.assert_audit_holds(&relay, &site);
        // The next relay's connections are counted anew.
        execute(&db.url, "delete from relays").await.unwrap();
    }
}

/// What the relays of all kills wrote down and took.
struct Records {
    folder: TempDir,
    kills: u64,
}

impl Records {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), kills: 0 }
    }

    /// Takes in what this kill's relay has, and holds the database against all that there is.
    fn assert_audit_holds(&mut self, relay: &ChaosRelay, site: &Site) {
        self.kills += 1;
        let (ledger, messages) = (self.folder.path().join("ledger.jsonl"), self.folder.path());
        let before = fs::read_to_string(&ledger).unwrap_or_default();
        fs::write(&ledger, before + &fs::read_to_string(relay.ledger()).unwrap()).unwrap();
        for message in fs::read_dir(relay.messages()).unwrap().map(Result::unwrap) {
            fs::copy(message.path(), messages.join(message.file_name())).unwrap();
        }
        let found = assert_audit_of(site, (&ledger, messages), (self.kills, 1));
        let unchecked = |one: &&Value| one["verdict"] == "not_checked";
        let unchecked = found["invariants"].as_array().unwrap().iter().find(unchecked);
        assert!(unchecked.is_none(), "{unchecked:?}");
    }
}

fn assert_copies(borders: &[Border; CONNECTIONS], relay: &ChaosRelay) {
    let mut copies = BTreeMap::<String, usize>::new();
    for accepted in relay.events("accepted") {
        *copies.entry(accepted["to"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
    for Border { step, until, copies: wanted, recipient, .. } in borders {
        let recipient = recipient.lock().unwrap();
        let copies = copies.get(&*recipient).copied().unwrap_or(0);
        assert!(recipient.is_empty() || copies == *wanted, "{step:?} {until:?}: {copies}");
    }
    let never = borders.iter().filter(|border| border.copies == 0).count();
    assert_eq!(copies.len(), MAILS - never);
}

/// Starts a daemon and kills it when all its connections are at their borders.
async fn kill_at_all(
    db: &Database,
    borders: &[Border; CONNECTIONS],
    relay: &ChaosRelay,
    site: &Site,
) {
    let daemon = site.start();
    for Border { step, until, gate, .. } in borders {
        let reached = tokio::time::timeout(PATIENCE, gate.reached()).await;
        assert!(reached.is_ok(), "nobody comes to {step:?} {until:?}: {}", daemon.log());
    }
    let mut lock = None;
    for (place, Border { step, until, gate, recipient, .. }) in borders.iter().enumerate().rev() {
        if *until == Until::Answered {
            lock = Some(Lock::of(db).await);
        }
        if *until != Until::Held {
            gate.open();
        }
        match until {
            Until::Held => {}
            Until::Taken => wait_for_event(relay, "accepted", place),
            // For the 354: whether it has been heard makes no difference, as nothing can be marked.
            Until::Answered if *step == Step::Data => thread::sleep(Duration::from_millis(200)),
            Until::Answered => wait_for_event(relay, "replied", place),
            Until::Settled => {
                let recipient = recipient.lock().unwrap().clone();
                let of = format!("(select id from contacts where email = '{recipient}')");
                let began = Instant::now();
                while count(&db.url, &format!("state = 'sent' and contact_id = {of}")).await == 0 {
                    assert!(began.elapsed() < PATIENCE, "{}", daemon.log());
                }
            }
        }
    }
    daemon.kill();
    if let Some(lock) = lock {
        lock.end().await;
    }
    for border in borders {
        border.gate.open();
    }
}

/// Waits until the relay has written down this event of the connection at this place.
fn wait_for_event(relay: &ChaosRelay, event: &str, place: usize) {
    let began = Instant::now();
    while !relay.events(event).iter().any(|event| event["connection"] == place + 1) {
        assert!(began.elapsed() < PATIENCE, "connection {} is not {event}", place + 1);
        thread::sleep(Duration::from_millis(5));
    }
}

/// Holds the rows against the states after the kill (0) or in the end (1).
async fn assert_states(db: &Database, borders: &[Border; CONNECTIONS], when: usize) {
    let sql = "select c.email || ' ' || o.state from outreach o
               join contacts c on c.id = o.contact_id";
    let found: BTreeSet<_> = texts(&db.url, sql).await.into_iter().collect();
    for Border { step, until, states, recipient, .. } in borders {
        let recipient = recipient.lock().unwrap();
        let wanted = format!("{recipient} {}", states[when]);
        // Nobody knows whose mail waits for the greeting or EHLO, and all of that kill are alike.
        let is_so = if recipient.is_empty() {
            found.iter().all(|row| row.ends_with(states[when]))
        } else {
            found.contains(&wanted)
        };
        assert!(is_so, "{step:?} {until:?}: no `{wanted}` in {found:?}");
    }
}

/// Keeps everybody else from writing.
enum Lock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Lock {
    async fn of(db: &Database) -> Self {
        if db.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
            sqlx::query("begin immediate").execute(&mut connection).await.unwrap();
            return Self::Sqlite(connection);
        }
        let mut connection = PgConnection::connect(&db.url).await.unwrap();
        sqlx::query("begin").execute(&mut connection).await.unwrap();
        sqlx::query("lock table outreach").execute(&mut connection).await.unwrap();
        Self::Postgres(connection)
    }

    /// What a daemon that is gone has asked for is not done any more.
    async fn end(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres(mut connection) => {
                let sql = "select pg_terminate_backend(pid) from pg_stat_activity
                           where datname = current_database() and pid <> pg_backend_pid()";
                sqlx::query(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}
