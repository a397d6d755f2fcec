//! A mail that breaks every daemon which comes to it.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{assert_audit_holds, count, settle};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Step},
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
};

on_both_databases!(a_mail_that_breaks_four_daemons_is_left_alone_and_the_others_leave);

const SENDING: Sending = Sending { connections: 2, content_seconds: 1, lease_seconds: 2 };
const MAILS: usize = 40;
const POISON: &str = "p17@d3.example.org";

/// Whoever offers the poison to the relay is killed before the relay has said anything to it.
async fn a_mail_that_breaks_four_daemons_is_left_alone_and_the_others_leave(db: &Database) {
    let is_offered = Arc::new(AtomicBool::new(false));
    let offered = Arc::clone(&is_offered);
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Rcpt && moment.recipient == POISON {
            offered.store(true, Ordering::Relaxed);
            return Act::Silence.into();
        }
        Answer::good().after(Duration::from_millis(if moment.step == Step::Dot { 5 } else { 0 }))
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..MAILS);
    let mut kills = 0;
    while count(&db.url, "state = 'quarantined'").await == 0 {
        assert!(kills < 5, "it is tried once more after {kills} breakdowns");
        let mut daemon = site.start();
        let began = Instant::now();
        while !is_offered.load(Ordering::Relaxed) && daemon.is_alive() {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", daemon.log());
            if count(&db.url, "state = 'quarantined'").await > 0 {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        if !is_offered.swap(false, Ordering::Relaxed) {
            break;
        }
        daemon.kill();
        kills += 1;
        thread::sleep(Duration::from_millis(1000 * SENDING.lease_seconds + 100));
    }
    assert_eq!(kills, 4);
    settle(&db.url, &site, SENDING).await;
    let poison = format!(
        "state = 'quarantined' and contact_id = (select id from contacts where email = '{POISON}')"
    );
    assert_eq!(count(&db.url, &poison).await, 1);
    assert_eq!(count(&db.url, "state in ('sent', 'in_doubt')").await, MAILS - 1);
    let found = assert_audit_holds(&site, &relay, (kills, 1));
    println!(
        "{}: left alone after {kills} breakdowns; taken by the relay {}, in doubt {}",
        db.store.kind(),
        found["accepted"],
        found["doubts"],
    );
}
