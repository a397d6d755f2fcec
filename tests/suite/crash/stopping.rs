//! SIGTERM under load.
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::{Paces, count, number, seed, settle};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Dice, Gate, Mix, Step},
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
};

on_both_databases!(
    a_daemon_that_is_told_to_stop_leaves_nothing_in_doubt,
    a_daemon_fails_if_a_mail_comes_in_doubt_while_it_stops,
);

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
    let (mut took, mut paces) = (Vec::new(), Paces::new(seed));
    for _ in 0..stops {
        let pace = paces.turn(&site).clone();
        let daemon = site.start();
        let goal = relay.answered() + 1 + dice.below(MAILS as u64);
        assert!(relay.wait_for(goal, Duration::from_secs(30)), "{}", daemon.log());
        daemon.signal("-TERM");
        let (status, time) = daemon.wait(Duration::from_mins(1));
        assert!(status.success(), "{status}, {pace:?}");
        took.push(time);
        let left = "select state || ' ' || strikes from outreach
                    where state in ('claimed', 'sending', 'in_doubt') or strikes > 0";
        let left = db.texts(left).await;
        assert!(left.is_empty(), "{left:?}, {pace:?}");
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

async fn a_daemon_fails_if_a_mail_comes_in_doubt_while_it_stops(db: &Database) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| match moment.step {
        Step::Dot => Answer::from(Act::Close).behind(&held),
        _ => Answer::good(),
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..1);
    let daemon = site.start();
    gate.reached().await;
    daemon.signal("-TERM");
    daemon.wait_to_say("Stopping", Duration::from_secs(10));
    gate.open();
    let (status, _) = daemon.wait(Duration::from_secs(30));
    assert!(!status.success(), "{status}");
    assert_eq!(count(&db.url, "state = 'in_doubt'").await, 1);
}

mod a_database_that_says_nothing_keeps_no_daemon_and_costs_no_outcome {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::stop_while_the_ledger_is_locked().await;
    }
}

async fn stop_while_the_ledger_is_locked() {
    let db = Database::postgres().await;
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Dot { Answer::good().behind(&held) } else { Answer::good() }
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.delivery("stop_timeout = \"1 second\"");
    site.import(0..1);
    let daemon = site.start();
    gate.reached().await;
    let mut other = PgConnection::connect(&db.url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    sqlx::query("lock table outreach").execute(&mut *lock).await.unwrap();
    gate.open();
    assert!(relay.wait_for(1, Duration::from_secs(10)));
    std::thread::sleep(Duration::from_millis(200));
    daemon.signal("-TERM");
    let (status, time) = daemon.wait(Duration::from_secs(40));
    assert!(!status.success(), "{status}");
    println!("it ended after {} ms", time.as_millis());
    lock.rollback().await.unwrap();
    settle(&db.url, &site, SENDING).await;
    assert_eq!((count(&db.url, "state = 'sent'").await, relay.accepted()), (1, 1));
}
