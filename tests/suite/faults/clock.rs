//! Row 22: a clock that is set while a daemon runs.
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use perennial::{
    clock::Clock as _,
    daemon::Daemon,
    engine::{Live, Stop},
    store::HaltCause,
};

use super::world;
use crate::support::{
    at,
    chaos::{Answer, ChaosRelay},
    database::Database,
    on_both_databases,
    world::{World, birthdays},
};

on_both_databases!(
    a_clock_that_is_set_back_has_nothing_sent_again,
    a_clock_that_is_set_ahead_releases_nothing_until_an_operator_says_so,
);

/// A daemon in this process.
struct Running<'a> {
    world: &'a World,
    live: Live,
}

impl Running<'_> {
    /// Has it decide now, and not with the next tick.
    fn wake(&self) {
        self.live.replace(self.live.current());
    }

    async fn is_halted(&self) -> bool {
        self.world.engine.halted().await.unwrap().is_some()
    }
}

/// Runs a daemon for as long as `meanwhile` takes.
async fn run(world: &World, meanwhile: impl AsyncFnOnce(&Running<'_>)) {
    let folder = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    let daemon = Daemon {
        name: "one".to_owned(),
        witness: folder.path().join("witness"),
        inspector: None,
        stop: stop.clone(),
    };
    let running = Running { world, live: Live::from(world.engine.clone()) };
    let live = running.live.clone();
    let meanwhile = async {
        meanwhile(&running).await;
        stop.soon.cancel();
    };
    tokio::join!(Box::pin(daemon.run(&live)), Box::pin(meanwhile));
}

/// Waits until the relay has taken so many.
async fn taken(relay: &ChaosRelay, count: u64) {
    let began = Instant::now();
    while relay.accepted() < count {
        assert!(began.elapsed() < Duration::from_secs(20), "{} of {count}", relay.accepted());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Long enough for a daemon that was woken up to have sent something.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

async fn a_clock_that_is_set_back_has_nothing_sent_again(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(db, relay.address, "");
    world.contacts(birthdays(3)).await;
    let began = world.clock.now();
    run(&world, async |running| {
        taken(&relay, 3).await;
        world.clock.set(began - TimeDelta::days(3));
        running.wake();
        a_while().await;
        assert!(!running.is_halted().await, "a clock that is set back needs no halt");
        // The days come again.
        for _ in 0..6 {
            world.wait(TimeDelta::hours(12));
            db.execute("update decisions_due set at = 0").await;
            running.wake();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    })
    .await;
    assert_eq!(relay.accepted(), 3);
    assert_eq!(db.texts("select cast(count(*) as text) from outreach").await, ["3"]);
}

async fn a_clock_that_is_set_ahead_releases_nothing_until_an_operator_says_so(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(db, relay.address, "");
    let future = "\nlater@example.org,1990-05-18";
    world.contacts(birthdays(3) + future).await;
    run(&world, async |running| {
        taken(&relay, 3).await;
        world.clock.set(at("2026-05-18T16:59:30Z"));
        running.wake();
        a_while().await;
        let halt = world.engine.halted().await.unwrap();
        assert_eq!(halt.map(|halt| halt.why), Some(HaltCause::ClockJumped));
        assert_eq!(relay.accepted(), 3);
        assert!(world.engine.resume().await.unwrap());
        running.wake();
        taken(&relay, 4).await;
        assert!(!running.is_halted().await, "it is said once");
    })
    .await;
    assert_eq!(relay.events("accepted")[3]["to"], "later@example.org");
}
