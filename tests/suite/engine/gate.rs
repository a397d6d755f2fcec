//! What is noticed while a round is under way.
use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use perennial::{
    clock::{Clock, SystemClock},
    daemon::round,
    domain::OutreachState as State,
    engine::{Engine, Stop},
    store::HaltCause,
};

use crate::support::{
    chaos::{Answer, ChaosRelay, Gate, Step},
    database::Database,
    on_both_databases,
    rows::ledger,
    world::{Setup, World, birthdays},
};

on_both_databases!(
    a_halt_ends_the_round_for_mails_that_daemons_broke_down_with_too,
    a_clock_that_is_set_ahead_within_a_round_has_nothing_expire,
    mails_that_daemons_broke_down_with_leave_before_an_endless_row_of_others,
    a_made_up_time_is_compared_with_nobodys,
);

/// A round of three mails, one of which is leaving `meanwhile`, and no other within a minute.
async fn while_one_leaves(
    db: &Database,
    meanwhile: impl AsyncFnOnce(&World),
) -> (ChaosRelay, World) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Dot { Answer::good().behind(&held) } else { Answer::good() }
    });
    let setup = Setup {
        relay: Some(relay.address),
        sections: "rates = ['1 per minute']",
        ..Setup::default()
    };
    let world = World::with(db, &setup);
    world.contacts(birthdays(3)).await;
    world.engine.plan().await.unwrap();
    let meanwhile = async {
        gate.reached().await;
        meanwhile(&world).await;
        gate.open();
    };
    let stop = Stop::default();
    let (sent, ()) = tokio::join!(world.engine.dispatch(&stop), meanwhile);
    assert_eq!(sent.unwrap().sent, 1);
    (relay, world)
}

async fn a_halt_ends_the_round_for_mails_that_daemons_broke_down_with_too(db: &Database) {
    let struck = "update outreach set strikes = 1
                  where id in (select max(id) from outreach where state = 'ready')";
    let (relay, world) = while_one_leaves(db, async |world| {
        db.execute(struck).await;
        world.engine.halt(HaltCause::Moved).await.unwrap();
        world.wait(TimeDelta::seconds(61));
    })
    .await;
    assert_eq!(relay.accepted(), 1);
    assert_eq!(ledger(world.store()).await, [(State::Ready, 2), (State::Sent, 1)]);
}

async fn a_clock_that_is_set_ahead_within_a_round_has_nothing_expire(db: &Database) {
    let (relay, world) = while_one_leaves(db, async |world| {
        world.wait(TimeDelta::seconds(31));
        world.clock.set(world.clock.now() + TimeDelta::days(3));
    })
    .await;
    let halt = world.engine.halted().await.unwrap();
    assert_eq!(halt.map(|halt| halt.why), Some(HaltCause::ClockJumped));
    assert_eq!(relay.accepted(), 1);
    assert_eq!(ledger(world.store()).await, [(State::Ready, 2), (State::Sent, 1)]);
}

/// More than what is claimed ahead.
const MANY: usize = 1200;

async fn mails_that_daemons_broke_down_with_leave_before_an_endless_row_of_others(db: &Database) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Dot { Answer::good().behind(&held) } else { Answer::good() }
    });
    let world = World::relaying_to(db, relay.address);
    world.contacts(birthdays(MANY)).await;
    world.engine.plan().await.unwrap();
    db.execute("update outreach set strikes = 2 where id = (select min(id) from outreach)").await;
    let half_a_minute = async {
        gate.reached().await;
        world.wait(TimeDelta::seconds(31));
        gate.open();
    };
    let (done, ()) = tokio::join!(world.dispatch(), half_a_minute);
    assert_eq!(done.sent, MANY as u64);
    let order = "select cast(outreach_id as text) from attempts order by lease_token, outreach_id";
    let order = db.texts(order).await;
    let struck = db.texts("select cast(min(id) as text) from outreach").await;
    let behind = order.iter().rev().take_while(|id| **id != struck[0]).count();
    assert!(behind > 0, "it was claimed last of all");
}

/// The host's clock, set wrong by so much.
struct Wrong(TimeDelta);

impl Clock for Wrong {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }

    fn uptime(&self) -> Duration {
        SystemClock.uptime()
    }
}

fn by_a_clock_that_is_wrong(world: &World, by: TimeDelta) -> Engine {
    Engine { clock: Arc::new(Wrong(by)), ..world.engine.clone() }
}

mod a_daemon_whose_clock_is_not_that_of_the_server_sends_nothing {
    use super::{Database, TimeDelta, World, by_a_clock_that_is_wrong, round};
    use perennial::engine::Stop;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let db = Database::postgres().await;
        let world = World::new(&db);
        let stop = Stop::default();
        for (minutes, words) in [(6, "ahead of"), (-6, "behind")] {
            let engine = by_a_clock_that_is_wrong(&world, TimeDelta::minutes(minutes));
            let said = round(&engine, None, &stop).await.unwrap_err().to_string();
            assert!(said.contains(words) && said.contains("set both clocks by NTP"), "{said}");
        }
        let nearly = by_a_clock_that_is_wrong(&world, TimeDelta::minutes(4));
        round(&nearly, None, &stop).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn unless_the_database_is_a_file_sqlite() {
        let db = Database::sqlite().await;
        let engine = by_a_clock_that_is_wrong(&World::new(&db), TimeDelta::minutes(6));
        round(&engine, None, &Stop::default()).await.unwrap();
    }
}

async fn a_made_up_time_is_compared_with_nobodys(db: &Database) {
    World::new(db).round().await;
}
