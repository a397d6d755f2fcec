//! Rows 28 and 29: what comes back from a mail too early, too often or in the wrong order.
use chrono::TimeDelta;
use perennial::{
    domain::{Feedback, OutreachId, OutreachState as State, Suppression},
    engine::{Recorded, Reported},
    inbound::{self, Taken},
};

use super::{assert_sound, world};
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Gate, Step},
    database::Database,
    on_both_databases,
    reports::{DELAYED, DISABLED, UNKNOWN, report},
    rows::ledger,
    world::{BIRTHDAY, Setup, World, birthdays},
};

on_both_databases!(
    a_click_that_comes_before_the_relays_answer_is_kept,
    a_click_that_comes_before_the_doubt_ends_it,
    the_same_feedback_five_times_is_one,
    feedback_in_any_order_ends_in_the_same_state,
    a_report_that_comes_before_the_relays_answer_is_counted,
    a_report_that_comes_before_the_doubt_ends_it,
    any_report_ends_the_doubt_about_its_mail,
    the_same_report_five_times_has_one_effect,
    a_delay_and_a_failure_in_any_order_end_in_the_same_state,
    a_report_without_a_return_path_of_ours_has_no_effect,
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

/// The return path of a mail of today.
fn return_path(world: &World, mail: i64) -> String {
    let day = crate::support::at(BIRTHDAY).date_naive();
    format!("{}@bounce.example.com", world.engine.keyring.bounce(mail, day))
}

/// Takes in a report on this mail to the contact of its number.
async fn reported(world: &World, mail: i64, what: (&str, &str, &str)) -> Reported {
    let contact = format!("p{}@example.org", mail - 1);
    let bytes = report(&return_path(world, mail), &contact, what);
    match inbound::take(&world.engine, &bytes, None, false).await.unwrap() {
        Taken::Report(reported) => reported,
        other => panic!("{other:?}"),
    }
}

/// One mail that comes back while the relay still holds its answer back.
async fn returned_at_the_dot(db: &Database, act: Act) -> (ChaosRelay, World) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| match moment.step {
        Step::Dot => Answer::from(act.clone()).behind(&held),
        _ => Answer::good(),
    });
    let sender = "bounces = 'bounce.example.com'";
    let world = World::with(db, &Setup { relay: Some(relay.address), sender, ..Setup::default() });
    world.contacts(birthdays(1)).await;
    let comes_back = async {
        gate.reached().await;
        assert_eq!(ledger(world.store()).await, [(State::Sending, 1)]);
        let reported = reported(&world, 1, UNKNOWN).await;
        assert_eq!(reported.suppressed, Some(Suppression::NoSuchAddress));
        assert!(!reported.is_known && !reported.ended_doubt, "{reported:?}");
        gate.open();
    };
    let (_, ()) = tokio::join!(world.round(), comes_back);
    (relay, world)
}

const NOTED: &str = "select f.kind || ' ' || f.times || ' ' || f.refusal || ' ' || s.reason
                     from feedback f, suppressions s";

async fn a_report_that_comes_before_the_relays_answer_is_counted(db: &Database) {
    let (relay, world) = returned_at_the_dot(db, Act::Good).await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    assert_eq!(db.texts(NOTED).await, ["bounce 1 no-such-address no-such-address"]);
    assert_eq!(db.texts("select 'x' from doubts").await.len(), 0);
    assert_sound(&world, &relay).await;
}

async fn a_report_that_comes_before_the_doubt_ends_it(db: &Database) {
    let (relay, world) = returned_at_the_dot(db, Act::TakeAndClose).await;
    world.wait(TimeDelta::minutes(1));
    world.round().await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    let ends = "select resolution || ' ' || resolved_by from doubts";
    assert_eq!(db.texts(ends).await, ["evidence bounce"]);
    assert_eq!(db.texts(NOTED).await, ["bounce 1 no-such-address no-such-address"]);
    assert_eq!(relay.accepted(), 1);
}

async fn any_report_ends_the_doubt_about_its_mail(db: &Database) {
    let relay = ChaosRelay::start(|moment| match moment.step {
        Step::Dot => Answer::from(Act::TakeAndClose),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(3)).await;
    world.round().await;
    assert_eq!(ledger(world.store()).await, [(State::InDoubt, 3)]);
    let receipt = ("relayed", "2.0.0", "250 2.0.0 queued");
    for (mail, what) in [(1, UNKNOWN), (2, DELAYED), (3, receipt)] {
        assert!(reported(&world, mail, what).await.ended_doubt, "{what:?}");
    }
    assert_eq!(ledger(world.store()).await, [(State::Sent, 3)]);
    let ends = "select resolution || ' ' || resolved_by from doubts order by outreach_id";
    assert_eq!(db.texts(ends).await, ["evidence bounce", "evidence delay", "evidence receipt"]);
    world.wait(TimeDelta::hours(1));
    assert!(!reported(&world, 2, UNKNOWN).await.ended_doubt, "a doubt ends once");
}

/// A world whose relay has taken so many mails, each to a contact of its own.
async fn delivered(db: &Database, mails: usize) -> (ChaosRelay, World) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(db, relay.address, "");
    world.contacts(birthdays(mails)).await;
    world.round().await;
    (relay, world)
}

async fn the_same_report_five_times_has_one_effect(db: &Database) {
    let (_relay, world) = delivered(db, 1).await;
    let mut known = Vec::new();
    for _ in 0..5 {
        known.push(reported(&world, 1, DISABLED).await.is_known);
        world.wait(TimeDelta::hours(25));
    }
    assert_eq!(known, [false, true, true, true, true]);
    let rows = "select kind || ' ' || times from feedback";
    assert_eq!(db.texts(rows).await, ["bounce 1"]);
    assert_eq!(db.texts("select kind from address_troubles").await, ["disabled"]);
    assert_eq!(db.texts("select reason from suppressions").await.len(), 0);
}

async fn a_delay_and_a_failure_in_any_order_end_in_the_same_state(db: &Database) {
    let (relay, world) = delivered(db, 2).await;
    reported(&world, 1, DELAYED).await;
    assert_eq!(db.texts("select reason from suppressions").await.len(), 0);
    for (mail, what) in [(1, UNKNOWN), (2, UNKNOWN), (2, DELAYED)] {
        let reported = reported(&world, mail, what).await;
        assert_eq!(reported.suppressed.is_some(), what == UNKNOWN, "{reported:?}");
    }
    let rows = "select o.id || ' ' || o.state || ' ' || f.kind || ' ' || f.times from feedback f
                join outreach o on o.id = f.outreach_id order by o.id, f.kind";
    let expected = ["1 sent bounce 1", "1 sent delay 1", "2 sent bounce 1", "2 sent delay 1"];
    assert_eq!(db.texts(rows).await, expected);
    assert_eq!(db.texts("select match_key from address_troubles").await.len(), 0);
    assert_eq!(db.texts("select match_key from suppressions").await.len(), 2);
    world.wait(TimeDelta::days(365));
    world.round().await;
    assert_eq!(relay.accepted(), 2);
}

async fn a_report_without_a_return_path_of_ours_has_no_effect(db: &Database) {
    let (_relay, world) = delivered(db, 1).await;
    let genuine = return_path(&world, 1);
    let mut forged = genuine.clone();
    forged.replace_range(40..41, if &genuine[40..41] == "a" { "b" } else { "a" });
    for to in [forged.as_str(), "hello@example.com", "b-1@bounce.example.com"] {
        // It has the Message-ID of a mail of ours all the same.
        let bytes = report(to, "p0@example.org", UNKNOWN);
        let taken = inbound::take(&world.engine, &bytes, Some(to), false).await.unwrap();
        assert_eq!(taken, Taken::Unverified, "{to}");
    }
    let unknown = report(&return_path(&world, 99), "p0@example.org", UNKNOWN);
    let taken = inbound::take(&world.engine, &unknown, None, false).await.unwrap();
    assert_eq!(taken, Taken::NoSuchMail(OutreachId(99)));
    assert_eq!(db.texts("select kind from feedback").await.len(), 0);
    assert_eq!(db.texts("select reason from suppressions").await.len(), 0);
    let bytes = report("hello@example.com", "p0@example.org", UNKNOWN);
    let taken = inbound::take(&world.engine, &bytes, Some(&genuine), false).await.unwrap();
    assert!(matches!(taken, Taken::Report(_)), "{taken:?}: the envelope is as good");
}
