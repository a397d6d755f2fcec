//! Daemons that are killed, at any moment, and what is left behind them.
//!
//! `tests/crash` runs these with as many kills as wanted; `docs/delivery-proof.md` says what they
//! prove.
mod beside;
mod borders;
mod clock;
mod failing_over;
mod freezing;
mod halting;
mod importing;
mod killing;
mod poison;
mod restarting;
mod restoring;
mod several;
mod starving;
mod stopping;

use std::{env, path::Path, str::FromStr, thread, time::Duration};

use serde_json::Value;

use crate::support::{
    chaos::ChaosRelay,
    daemon::{Sending, Site},
    database::{execute, texts},
};

/// The number in this variable of the environment, if it is there.
fn number<T: FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    let number = text.parse().ok();
    assert!(number.is_some(), "{variable} is to be a number, not `{text}`");
    number
}

/// A number that tells this run from others, or the one in `PERENNIAL_TEST_SEED`.
pub(crate) fn seed() -> u64 {
    number("PERENNIAL_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()))
}

/// How far a daemon goes ahead of the relay's answers.
#[derive(Debug, Clone)]
struct Pace {
    pipelining: String,
    /// How many mails of a connection are marked at a time, and so in doubt after a kill at most.
    window: usize,
}

/// Every depth of pipelining with a window of 1 and of 8, or what `PERENNIAL_TEST_PIPELINING` and
/// `PERENNIAL_TEST_WINDOW` say; the seed decides which is the first.
struct Paces {
    all: Vec<Pace>,
    next: usize,
}

impl Paces {
    fn new(seed: u64) -> Self {
        let depths = env::var("PERENNIAL_TEST_PIPELINING")
            .map_or_else(|_| ["off", "rfc2920", "deep"].map(str::to_owned).into(), |one| vec![one]);
        let windows = number("PERENNIAL_TEST_WINDOW").map_or_else(|| vec![1, 8], |one| vec![one]);
        let pace = |pipelining: &String, window| Pace { pipelining: pipelining.clone(), window };
        let all: Vec<_> = windows
            .into_iter()
            .flat_map(|window| depths.iter().map(move |depth| pace(depth, window)))
            .collect();
        let next = usize::try_from(seed % all.len() as u64).unwrap();
        Self { all, next }
    }

    /// Has the daemons of this site that are started from now on take the next pace.
    fn turn(&mut self, site: &Site) -> &Pace {
        let pace = &self.all[self.next];
        self.next = (self.next + 1) % self.all.len();
        site.go_ahead(&pace.pipelining, pace.window);
        pace
    }

    /// Has an audit allow for the widest window that there was.
    fn end(&self, site: &Site) {
        let widest = self.all.iter().max_by_key(|pace| pace.window).unwrap();
        site.go_ahead(&widest.pipelining, widest.window);
    }
}

/// Sends until every mail has its last word; what was put off is not waited for.
async fn settle(url: &str, site: &Site, sending: Sending) {
    let open = "select distinct state from outreach
                where state in ('planned', 'ready', 'claimed', 'sending')";
    for _ in 0..20 {
        execute(url, "update outreach set next_at = due_at where state = 'ready'").await.unwrap();
        let _ = site.run("run --once");
        if texts(url, open).await.is_empty() {
            return;
        }
        thread::sleep(Duration::from_secs(sending.lease_seconds));
    }
    panic!("mails are still open: {:?}", texts(url, open).await);
}

/// What an audit of everything finds, of which nothing may be broken.
fn assert_audit_holds(site: &Site, relay: &ChaosRelay, counts: (u64, usize)) -> Value {
    assert_audit_of(site, (&relay.ledger(), &relay.messages()), counts)
}

/// The same for a ledger and a folder of messages that may be those of several relays.
fn assert_audit_of(
    site: &Site,
    (ledger, messages): (&Path, &Path),
    (kills, daemons): (u64, usize),
) -> Value {
    let (ledger, messages) = (ledger.display(), messages.display());
    let words = format!(
        "audit --ledger {ledger} --messages {messages} --kills {kills} --daemons {daemons}"
    );
    let found = site.json(&words);
    assert_eq!(found["holds"], true, "{}", String::from_utf8_lossy(&site.run(&words).stdout));
    found
}

/// The most copies of one message that the relay took.
fn most_copies(relay: &ChaosRelay) -> usize {
    let mut copies = std::collections::HashMap::<String, usize>::new();
    for accepted in relay.events("accepted") {
        *copies.entry(accepted["message_id"].to_string()).or_default() += 1;
    }
    copies.into_values().max().unwrap_or(0)
}

/// How many mails are in this state.
async fn count(url: &str, condition: &str) -> usize {
    let sql = format!("select cast(count(*) as text) from outreach where {condition}");
    texts(url, &sql).await[0].parse().unwrap()
}
