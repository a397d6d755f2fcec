//! A standby that takes over and has not heard of the last marks.
use std::{thread, time::Duration};

use super::{most_copies, seed, settle};
use crate::support::{
    chaos::{Answer, ChaosRelay, Mix},
    cluster::Cluster,
    daemon::{Sending, Site},
};

const SENDING: Sending = Sending { connections: 4, content_seconds: 5, lease_seconds: 8 };
/// More than leave before the standby takes over.
const MAILS: usize = 2500;
/// Marks that the standby does not hear of.
const LOST: u64 = 40;
/// Longer than from tick to tick.
const PATIENCE: Duration = Duration::from_secs(90);
const MOVED: &str = "the database is in another place than it was";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_has_forgotten_the_last_marks_doubles_nothing_until_an_operator_says_so_postgres()
 {
    let mix = Mix { seed: seed(), faults: 0, delay_ms: (5, 20) };
    let relay = ChaosRelay::start(move |moment| mix.answer(moment));
    let cluster = Cluster::start();
    let url = cluster.url();
    let site = Site::new(&url, relay.address, SENDING);
    site.import(0..MAILS);
    let (mut daemon, mut other) = (site.start(), site.start());
    assert!(relay.wait_for(5, PATIENCE), "{}", daemon.log());
    let standby = cluster.standby();
    assert!(relay.wait_for(relay.answered() + LOST, PATIENCE), "{}", daemon.log());
    let _new = cluster.fail_over_to(standby);
    daemon.wait_to_say("Nothing is decided or sent", PATIENCE);
    assert!(daemon.log().contains(MOVED), "{}", daemon.log());
    // What each of them has in hand, and nobody else had, is finished.
    thread::sleep(Duration::from_secs(2));
    // Past the end of every lease that the new server knows of.
    let taken = relay.accepted();
    thread::sleep(Duration::from_secs(SENDING.lease_seconds + 2));
    assert_eq!(relay.accepted(), taken, "{}", daemon.log());
    assert!(usize::try_from(taken).unwrap() < MAILS, "there was something left to send");
    assert_eq!(most_copies(&relay), 1);
    let found = site.json(&format!("audit --ledger {}", relay.ledger().display()));
    assert_eq!(found["holds"], false, "the ledger of the relay shows what was forgotten");
    assert!(daemon.is_alive() && other.is_alive());
    for daemon in [daemon, other] {
        daemon.signal("-TERM");
        let (status, _) = daemon.wait(Duration::from_mins(1));
        assert!(status.success(), "{status}");
    }
    assert!(site.stdout("resume").contains(MOVED));
    settle(&url, &site, SENDING).await;
    let reached: std::collections::HashSet<_> =
        relay.events("accepted").iter().map(|mail| mail["to"].to_string()).collect();
    assert_eq!(reached.len(), MAILS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_copy_halts_and_the_first_one_goes_on_postgres() {
    let relay = ChaosRelay::start(|_| Answer::good());
    let cluster = Cluster::start();
    let site = Site::new(&cluster.url(), relay.address, SENDING);
    site.import(0..5);
    site.stdout("run --once");
    let copy = cluster.promoted_copy();
    let on_copy = |words: &str| format!("{words} --database {}", copy.url());
    let refused = site.run(&on_copy("run --once"));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains(MOVED), "{said}");
    site.stdout(&on_copy("resume"));
    site.list(5..8);
    site.stdout(&on_copy("import contacts list.csv"));
    site.stdout(&on_copy("run --once"));
    assert_eq!(relay.accepted(), 8);
    // It has come further than the first one, which is nothing to that one.
    site.stdout("run --once");
    assert_eq!(relay.accepted(), 8);
}
