//! Rows 28 and 29: what comes back from a mail too early, too often or in the wrong order.
use chrono::TimeDelta;
use perennial::{
    domain::{Feedback, OutreachId, OutreachState as State},
    engine::Recorded,
};

use super::{assert_sound, world};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Gate, Step},
    database::Database,
    on_both_databases,
    rows::ledger,
    world::{World, birthdays},
};

on_both_databases!(
    a_click_that_comes_before_the_relays_answer_is_kept,
    a_click_that_comes_before_the_doubt_ends_it,
    the_same_feedback_five_times_is_one,
    feedback_in_any_order_ends_in_the_same_state,
);

const MAIL: OutreachId = OutreachId(1);

/// One mail whose reader clicks while the relay still holds its answer back.
async fn clicked_at_the_dot(db: &Database, act: Act) -> (ChaosRelay, World) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| match moment.step {
        Step::Dot => Answer::from(act.clone()).behind(&held),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(1)).await;
    let click = async {
        gate.reached().await;
        let recorded = world.engine.record(MAIL, Feedback::Click, 0).await.unwrap();
        assert_eq!(recorded, Recorded::First);
        gate.open();
    };
    let (_, ()) = tokio::join!(world.round(), click);
    (relay, world)
}

async fn a_click_that_comes_before_the_relays_answer_is_kept(db: &Database) {
    let (relay, world) = clicked_at_the_dot(db, Act::Good).await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    assert_sound(&world, &relay).await;
}

async fn a_click_that_comes_before_the_doubt_ends_it(db: &Database) {
    let (relay, world) = clicked_at_the_dot(db, Act::TakeAndClose).await;
    world.wait(TimeDelta::minutes(1));
    world.round().await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    let ends = "select resolution || ' ' || resolved_by from doubts";
    assert_eq!(db.texts(ends).await, ["evidence click"]);
    assert_eq!(relay.accepted(), 1);
}

async fn the_same_feedback_five_times_is_one(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(db, relay.address, "");
    world.contacts(birthdays(1)).await;
    world.round().await;
    for kind in [Feedback::Open, Feedback::Click, Feedback::Unsubscribe] {
        let mut recorded = Vec::new();
        for _ in 0..5 {
            recorded.push(world.engine.record(MAIL, kind, 0).await.unwrap());
        }
        assert_eq!(recorded[0], Recorded::First);
        assert_eq!(recorded[1..], [Recorded::Again; 4], "{kind:?}");
    }
    let rows = "select kind || ' ' || times from feedback order by kind";
    assert_eq!(db.texts(rows).await, ["click 5", "open 5", "unsubscribe 5"]);
    let suppressed = "select cast(count(*) as text) from suppressions";
    assert_eq!(db.texts(suppressed).await, ["1"]);
}

async fn feedback_in_any_order_ends_in_the_same_state(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(db, relay.address, "");
    world.contacts(birthdays(2)).await;
    world.round().await;
    let order = [Feedback::Open, Feedback::Click, Feedback::Unsubscribe];
    for kind in order {
        world.engine.record(OutreachId(1), kind, 0).await.unwrap();
    }
    for kind in order.into_iter().rev() {
        world.engine.record(OutreachId(2), kind, 0).await.unwrap();
    }
    let of = async |id: u8| {
        let sql = format!(
            "select o.state || ' ' || f.kind || ' ' || f.times from feedback f
             join outreach o on o.id = f.outreach_id where o.id = {id} order by f.kind"
        );
        db.texts(&sql).await
    };
    assert_eq!(of(1).await, of(2).await);
    assert_eq!(of(1).await.len(), 3);
    world.wait(TimeDelta::days(365));
    world.round().await;
    assert_eq!(relay.accepted(), 2, "who unsubscribed gets no more, whatever came later");
}
