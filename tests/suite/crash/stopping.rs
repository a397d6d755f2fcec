//! SIGTERM under load.
use std::time::Duration;

use super::{number, seed};
use crate::support::{
    chaos::{Answer, ChaosRelay, Dice, Mix},
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
};

on_both_databases!(a_daemon_that_is_told_to_stop_leaves_nothing_in_doubt);

const SENDING: Sending = Sending { connections: 4, content_seconds: 10, lease_seconds: 15 };
/// Messages before a daemon is told to stop at most; as many again may be on their way.
const MAILS: usize = 30;

async fn a_daemon_that_is_told_to_stop_leaves_nothing_in_doubt(db: &Database) {
    let (seed, stops) = (seed(), number("PERENNIAL_TEST_STOPS").unwrap_or(10));
    println!("{}: {stops} stops with PERENNIAL_TEST_SEED={seed}", db.store.kind());
    let mix = Mix { seed, faults: 0, delay_ms: (1, 50) };
    let relay = ChaosRelay::start(move |moment| -> Answer { mix.answer(moment) });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..stops * 2 * MAILS);
    let mut dice = Dice::new(seed);
    let mut took = Vec::new();
    for _ in 0..stops {
        let daemon = site.start();
        let goal = relay.answered() + 1 + dice.below(MAILS as u64);
        assert!(relay.wait_for(goal, Duration::from_secs(30)), "{}", daemon.log());
        daemon.signal("-TERM");
        let (status, time) = daemon.wait(Duration::from_mins(1));
        assert!(status.success(), "{status}");
        took.push(time);
        let left = "select state || ' ' || strikes from outreach
                    where state in ('claimed', 'sending', 'in_doubt') or strikes > 0";
        let left = db.texts(left).await;
        assert!(left.is_empty(), "{left:?}");
    }
    took.sort_unstable();
    println!(
        "{}: {stops} stops, each with exit status 0 and nothing in doubt; {} ms in the middle, {} ms \
         at most",
        db.store.kind(),
        took[took.len() / 2].as_millis(),
        took[took.len() - 1].as_millis(),
    );
    let found = site.json(&format!("audit --ledger {} --kills 0", relay.ledger().display()));
    assert_eq!(found["holds"], true, "{found}");
    assert_eq!((&found["doubts"], &found["duplicates"]), (&0.into(), &0.into()));
}
