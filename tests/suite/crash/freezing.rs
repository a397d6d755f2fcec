//! SIGSTOP past the lease, and SIGCONT.
use std::{thread, time::Duration};

use super::{Paces, assert_audit_holds, count, most_copies, number, seed, settle};
use crate::support::{
    chaos::{ChaosRelay, Dice, Mix},
    daemon::{Daemon, Sending, Site},
    database::{Database, texts},
};

const SENDING: Sending = Sending { connections: 4, content_seconds: 1, lease_seconds: 2 };
/// Mails that wait when a daemon is started.
const MAILS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(30);

mod a_daemon_that_wakes_up_beside_another_changes_nothing {
    use super::{Database, freeze_beside_another};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn assume_sent_postgres() {
        freeze_beside_another(&Database::postgres().await, ("assume-sent", 1)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn resend_postgres() {
        freeze_beside_another(&Database::postgres().await, ("resend", 2)).await;
    }
}

mod a_daemon_that_wakes_up_alone_doubles_nothing {
    use super::{Database, freeze_alone};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        freeze_alone(&Database::sqlite().await).await;
    }
}

/// Rounds in which a daemon is frozen in the middle of its work.
struct Freezes {
    relay: ChaosRelay,
    site: Site,
    dice: Dice,
    paces: Paces,
    rounds: u64,
}

impl Freezes {
    fn new(db: &Database, policy: &str) -> Self {
        let (seed, rounds) = (seed(), number("PERENNIAL_TEST_FREEZES").unwrap_or(1));
        println!("{}, {policy}: {rounds} freezes, PERENNIAL_TEST_SEED={seed}", db.store.kind());
        let mix = Mix { seed, faults: 0, delay_ms: (5, 60) };
        let relay = ChaosRelay::start(move |moment| mix.answer(moment));
        let site = Site::new(&db.url, relay.address, SENDING);
        site.in_doubt(policy);
        let paces = Paces::new(seed ^ policy.len() as u64);
        Self { relay, site, dice: Dice::new(seed), paces, rounds }
    }

    /// A daemon that was frozen past its leases, after some messages and some moments.
    fn freeze(&mut self, round: usize) -> Daemon {
        self.site.import(round * MAILS..(round + 1) * MAILS);
        let goal = self.relay.answered() + 1 + self.dice.below(MAILS as u64 / 2);
        println!("round {round}: {:?}", self.paces.turn(&self.site));
        let daemon = self.site.start();
        assert!(self.relay.wait_for(goal, PATIENCE), "{}", daemon.log());
        thread::sleep(Duration::from_micros(self.dice.below(30_000)));
        daemon.signal("-STOP");
        thread::sleep(Duration::from_millis(1000 * SENDING.lease_seconds + 100));
        daemon
    }

    async fn end(self, db: &Database) -> serde_json::Value {
        // The grace of what came in doubt last.
        self.paces.end(&self.site);
        thread::sleep(Duration::from_secs(1));
        settle(&db.url, &self.site, SENDING).await;
        thread::sleep(Duration::from_secs(1));
        settle(&db.url, &self.site, SENDING).await;
        assert_eq!(count(&db.url, "state <> 'sent'").await, 0);
        assert_audit_holds(&self.site, &self.relay, (self.rounds, 2))
    }
}

async fn freeze_beside_another(db: &Database, (policy, copies): (&str, usize)) {
    let mut freezes = Freezes::new(db, policy);
    let (mut stale, mut left) = (0, 0);
    for round in 0..usize::try_from(freezes.rounds).unwrap() {
        let daemon = freezes.freeze(round);
        let sql = "select distinct cast(lease_token as text) from outreach
                   where lease_token is not null";
        let tokens = texts(&db.url, sql).await.join(",");
        assert!(!tokens.is_empty(), "it was frozen in the middle of its work");
        let held = format!("lease_token in ({tokens})");
        stale += count(&db.url, &held).await;

        take_over(db, &freezes.site, &held).await;
        let written = format!(
            "select outreach_id || ' ' || no || ' ' || verdict || ' ' || ended_at from attempts
             where {held} order by outreach_id, no"
        );
        let before = texts(&db.url, &written).await;
        daemon.signal("-CONT");
        thread::sleep(Duration::from_millis(1500));
        assert_eq!(texts(&db.url, &written).await, before, "no write by a stale token");
        assert_eq!(count(&db.url, &held).await, 0);
        daemon.signal("-TERM");
        left = daemon.log().matches("was fenced off").count();
        let (status, _) = daemon.wait(PATIENCE);
        assert!(status.success(), "{status}");
    }
    let most = most_copies(&freezes.relay);
    assert!(most <= copies, "{most} copies");
    let found = freezes.end(db).await;
    println!(
        "{policy}: {stale} mails were with frozen daemons, {left} outcomes of theirs fenced off; \
         in doubt {}, copies of one mail at most {most}, duplicates {}, losses {}",
        found["doubts"], found["duplicates"], found["missing"],
    );
}

/// Has another daemon take over what is `held` by a frozen one: all of it, but for the rows of a mark that
/// was being committed, which the server gives free when it ends that transaction, after ten seconds.
async fn take_over(db: &Database, site: &Site, held: &str) {
    loop {
        let open = "select cast(pid as text) from pg_stat_activity
                    where datname = current_database() and state = 'idle in transaction'";
        let is_open = !texts(&db.url, open).await.is_empty();
        let another = site.run("run --once");
        assert!(another.status.success(), "{}", String::from_utf8_lossy(&another.stderr));
        if count(&db.url, held).await == 0 {
            return;
        }
        assert!(is_open, "nothing is left with the frozen one");
        thread::sleep(Duration::from_secs(1));
    }
}

async fn freeze_alone(db: &Database) {
    let mut freezes = Freezes::new(db, "assume-sent");
    for round in 0..usize::try_from(freezes.rounds).unwrap() {
        let daemon = freezes.freeze(round);
        let goal = freezes.relay.answered() + 1;
        daemon.signal("-CONT");
        assert!(freezes.relay.wait_for(goal, PATIENCE), "it goes on: {}", daemon.log());
        daemon.signal("-TERM");
        let (status, _) = daemon.wait(PATIENCE);
        assert!(status.success(), "{status}");
        assert_eq!(count(&db.url, "state in ('claimed', 'sending')").await, 0);
    }
    assert_eq!(most_copies(&freezes.relay), 1);
    let found = freezes.end(db).await;
    println!("alone: in doubt {}, losses {}", found["doubts"], found["missing"]);
    assert_eq!(found["duplicates"], 0);
}
