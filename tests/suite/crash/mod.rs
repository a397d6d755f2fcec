//! Daemons that are killed, at any moment, and what is left behind them.
//!
//! `tests/crash` runs these with as many kills as wanted; `docs/delivery-proof.md` says what they
//! prove.
mod beside;
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

use std::{env, str::FromStr, thread, time::Duration};

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
fn assert_audit_holds(site: &Site, relay: &ChaosRelay, (kills, daemons): (u64, usize)) -> Value {
    let (ledger, messages) = (relay.ledger(), relay.messages());
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
