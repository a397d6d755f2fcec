//! `kill -9` at random moments under load.
use std::{collections::BTreeSet, thread, time::Duration};

use serde_json::Value;

use super::{Paces, assert_audit_holds, number, seed, settle};
use crate::support::{
    chaos::{ChaosRelay, Dice, Mix},
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
};

on_both_databases!(daemons_that_are_killed_lose_nothing_and_send_nothing_twice);

const SENDING: Sending = Sending { connections: 4, content_seconds: 2, lease_seconds: 3 };

/// Messages between two kills at most, and so how many there must be.
const BETWEEN_KILLS: u64 = 60;
/// Beyond the moment of a message, a daemon lives for this long at most.
const MOMENT: Duration = Duration::from_millis(20);
/// A daemon that has nothing to send for so long is killed all the same.
const PATIENCE: Duration = Duration::from_secs(5);

async fn daemons_that_are_killed_lose_nothing_and_send_nothing_twice(db: &Database) {
    let (seed, kills) = (seed(), number("PERENNIAL_TEST_KILLS").unwrap_or(40));
    println!("{}: {kills} kills with PERENNIAL_TEST_SEED={seed}", db.store.kind());
    let mix = Mix { seed, faults: 60, delay_ms: (1, 50) };
    let relay = ChaosRelay::start(move |moment| mix.answer(moment));
    let site = Site::new(&db.url, relay.address, SENDING);
    let contacts = 100 + usize::try_from(kills * BETWEEN_KILLS * 3 / 4).unwrap();
    site.import(0..contacts);

    let mut run = Run { seen: BTreeSet::new(), doubts: Vec::new(), dice: Dice::new(seed) };
    let mut paces = Paces::new(seed);
    for _ in 0..kills {
        let pace = paces.turn(&site);
        let doubts = run.kill_one(db, &relay, &site).await;
        assert!(doubts <= SENDING.connections * pace.window, "{doubts} in doubt, {pace:?}");
    }
    paces.end(&site);
    settle(&db.url, &site, SENDING).await;
    let found = assert_audit_holds(&site, &relay, (kills, 1));
    run.report(db, &found);
    assert_eq!(
        db.texts("select cast(count(*) as text) from outreach").await,
        [contacts.to_string()]
    );
    let quarantined = "select cast(count(*) as text) from outreach where state = 'quarantined'";
    assert_eq!(db.texts(quarantined).await, ["0"], "no mail is to blame for these breakdowns");
    let codes = found["invariants"].as_array().unwrap().iter();
    let unchecked: Vec<_> = codes.filter(|one| one["verdict"] == "not_checked").collect();
    assert!(unchecked.is_empty(), "{unchecked:?}");
}

struct Run {
    /// Mails that a kill left behind while they were being sent, each with its attempt.
    seen: BTreeSet<String>,
    /// How many of them each kill left.
    doubts: Vec<usize>,
    dice: Dice,
}

impl Run {
    /// Starts a daemon and kills it after some messages and some moments. Returns how many mails that
    /// left in doubt.
    async fn kill_one(&mut self, db: &Database, relay: &ChaosRelay, site: &Site) -> usize {
        let goal = relay.answered() + self.dice.below(BETWEEN_KILLS);
        let moment = self.dice.below(u64::try_from(MOMENT.as_micros()).unwrap());
        let daemon = site.start();
        relay.wait_for(goal, PATIENCE);
        thread::sleep(Duration::from_micros(moment));
        daemon.kill();
        // A server may be about to commit what the daemon asked for last.
        thread::sleep(Duration::from_millis(50));
        let sql = "select cast(id as text) || '/' || cast(attempt as text) from outreach
                   where state = 'sending'";
        let left: BTreeSet<_> = db.texts(sql).await.into_iter().collect();
        let doubts = left.difference(&self.seen).count();
        self.doubts.push(doubts);
        self.seen.extend(left);
        doubts
    }

    fn report(&self, db: &Database, found: &Value) {
        let most = self.doubts.iter().max().unwrap_or(&0);
        let hundredths = 100 * self.doubts.iter().sum::<usize>() / self.doubts.len().max(1);
        let breaches = found["invariants"].as_array().unwrap().iter();
        let breaches: u64 = breaches.filter_map(|one| one["breaches"].as_u64()).sum();
        println!(
            "{}: {} kills; {} taken by the relay; in doubt after a kill: {}.{:02} on average, \
             {most} at most; in doubt in all: {}; breaches: {breaches}; duplicates: {}; losses, all of them in \
             doubt: {}; mails: {}",
            db.store.kind(),
            self.doubts.len(),
            found["accepted"],
            hundredths / 100,
            hundredths % 100,
            found["doubts"],
            found["duplicates"],
            found["missing"],
            found["mails"],
        );
    }
}
