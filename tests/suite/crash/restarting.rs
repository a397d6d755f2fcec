//! A PostgreSQL that is restarted, or throws its clients out, while mails leave.
use std::time::Duration;

use super::{assert_audit_holds, count, number, seed, settle};
use crate::support::{
    chaos::{ChaosRelay, Dice, Mix},
    cluster::Cluster,
    daemon::{Sending, Site},
    database::texts,
};

const SENDING: Sending = Sending { connections: 4, content_seconds: 5, lease_seconds: 8 };
/// Contents between two disturbances at most.
const BETWEEN: u64 = 25;
/// A daemon that does not go on for so long has not got over it. Longer than from tick to tick.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_costs_a_moment_and_no_outcome_postgres() {
    let (seed, rounds) = (seed(), number("PERENNIAL_TEST_RESTARTS").unwrap_or(1_u64));
    println!("{} disturbances with PERENNIAL_TEST_SEED={seed}", 3 * rounds);
    let mix = Mix { seed, faults: 0, delay_ms: (20, 80) };
    let relay = ChaosRelay::start(move |moment| mix.answer(moment));
    let cluster = Cluster::start();
    let url = cluster.url();
    let site = Site::new(&url, relay.address, SENDING);
    let mails = usize::try_from(rounds * 3 * (BETWEEN + 40) + 50).unwrap();
    site.import(0..mails);
    let mut dice = Dice::new(seed);
    let mut daemon = site.start();
    for round in 0..3 * rounds {
        let goal = relay.answered() + 5 + dice.below(BETWEEN);
        assert!(relay.wait_for(goal, PATIENCE), "it goes on by itself:\n{}", daemon.log());
        match round % 3 {
            0 => cluster.restart("fast"),
            1 => cluster.restart("immediate"),
            _ => throw_everybody_out(&url).await,
        }
    }
    let goal = relay.answered() + 5;
    assert!(relay.wait_for(goal, PATIENCE), "it goes on by itself:\n{}", daemon.log());
    assert!(daemon.is_alive());
    daemon.signal("-TERM");
    let log = daemon.log();
    let (status, _) = daemon.wait(Duration::from_mins(1));
    assert!(status.success(), "{status}: {log}");
    settle(&url, &site, SENDING).await;
    let found = assert_audit_holds(&site, &relay, (3 * rounds, 1));
    println!(
        "{} disturbances: marks refused {} times; taken by the relay {}, in doubt {}, duplicates {}, \
         losses {}",
        3 * rounds,
        log.matches("The ledger could not be written").count(),
        found["accepted"],
        found["doubts"],
        found["duplicates"],
        found["missing"],
    );
    assert_eq!(found["duplicates"], 0);
    assert_eq!(count(&url, "state in ('sent', 'in_doubt')").await, mails);
}

async fn throw_everybody_out(url: &str) {
    let sql = "select cast(pg_terminate_backend(pid) as text) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()";
    texts(url, sql).await;
}
