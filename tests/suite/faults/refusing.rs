//! Rows 6 to 9: a relay that refuses recipients and messages.
use std::{collections::BTreeSet, sync::Mutex};

use chrono::TimeDelta;
use perennial::domain::OutreachState as State;

use super::{assert_sound, settle, world};
use crate::support::{
    chaos::{Answer, ChaosRelay, Step},
    database::Database,
    on_both_databases,
    rows::ledger,
    world::birthdays,
};

on_both_databases!(
    a_relay_that_greylists_gets_every_mail_at_the_second_try,
    unknown_recipients_are_suppressed_and_cost_no_connection,
    a_550_that_speaks_of_frequency_blames_no_address,
    each_refusal_has_the_end_that_its_code_says,
);

async fn a_relay_that_greylists_gets_every_mail_at_the_second_try(db: &Database) {
    let seen = Mutex::new(BTreeSet::new());
    let relay = ChaosRelay::start(move |moment| {
        let is_new =
            moment.step == Step::Rcpt && seen.lock().unwrap().insert(moment.recipient.to_owned());
        if is_new {
            Answer::say("450 4.2.0 greylisted, come back in 5 minutes")
        } else {
            Answer::good()
        }
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(10)).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.retried, done.failed), (0, 10, 0));
    world.wait(TimeDelta::minutes(7));
    assert_eq!(world.round().await.dispatched.sent, 10);
    assert_sound(&world, &relay).await;
}

async fn unknown_recipients_are_suppressed_and_cost_no_connection(db: &Database) {
    let relay = ChaosRelay::start(|moment| {
        let is_unknown = moment.step == Step::Rcpt && moment.recipient.contains("0@");
        if is_unknown { Answer::say("550 5.1.1 no such user") } else { Answer::good() }
    });
    let options = "connections = 1\nmessages_per_connection = 1000";
    let world = world(db, relay.address, options);
    world.contacts(birthdays(50)).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed, done.trouble), (45, 5, None));
    assert_eq!(world.store().totals().await.unwrap().suppressed, 5);
    assert_eq!(relay.connections(), 1);
    assert_sound(&world, &relay).await;
}

async fn a_550_that_speaks_of_frequency_blames_no_address(db: &Database) {
    let relay = ChaosRelay::start(|moment| match moment.step {
        Step::Rcpt => Answer::say("550 Domain frequency limited"),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(5)).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed), (0, 0));
    assert_eq!(ledger(world.store()).await, [(State::Ready, 5)]);
    assert_eq!(world.store().totals().await.unwrap().suppressed, 0);
}

async fn each_refusal_has_the_end_that_its_code_says(db: &Database) {
    let relay = ChaosRelay::start(|moment| match (moment.step, moment.recipient) {
        (Step::Rcpt, "p0@example.org") => Answer::say("452 4.2.2 over quota"),
        (Step::Rcpt, "p1@example.org") => Answer::say("552 5.2.2 over quota"),
        (Step::Dot, "p2@example.org") => Answer::say("550 5.7.26 unauthenticated"),
        (Step::Dot, "p3@example.org") => Answer::say("550 5.7.515 not allowed"),
        (Step::Dot, "p4@example.org") => Answer::say("554 5.6.0 bad content"),
        (Step::Dot, "p5@example.org") => Answer::say("451 4.3.0 later"),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(7)).await;
    world.round().await;
    let states = db
        .texts(
            "select substr(c.email, 1, 2) || ' ' || o.state
             from outreach o join contacts c on c.id = o.contact_id order by c.email",
        )
        .await;
    let expected =
        ["p0 ready", "p1 ready", "p2 failed", "p3 failed", "p4 failed", "p5 ready", "p6 sent"];
    assert_eq!(states, expected);
    assert_eq!(world.store().totals().await.unwrap().suppressed, 0);
    settle(&world).await;
    assert_sound(&world, &relay).await;
}
