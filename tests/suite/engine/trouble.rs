use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::TimeDelta;
use perennial::domain::{Feedback, OutreachId, OutreachState as State, Suppression};

use crate::support::{
    database::Database,
    on_both_databases,
    relay::ScriptedRelay,
    rows::{ledger, snapshot},
    world::{BIRTHDAY, World},
};

on_both_databases!(
    a_refused_recipient_is_never_written_to_again,
    while_the_relay_is_down_mails_wait_and_none_is_lost,
    a_wrong_password_costs_no_contact_anything,
    a_mail_that_is_put_off_is_sent_again_byte_by_byte,
    who_unsubscribes_while_a_mail_is_put_off_does_not_get_it,
    a_relay_that_hangs_up_after_the_content_is_not_asked_again,
    a_mail_that_is_put_off_until_its_day_is_over_is_given_up,
    a_refused_content_fails_one_mail_and_blames_no_address,
);

const LIST: &str = "email,name,birthday\n\
                    ada@example.org,Ada,1990-05-14\n\
                    bob@example.org,Bob,1990-05-14\n\
                    carl@example.org,Carl,1990-05-14\n";

async fn a_refused_recipient_is_never_written_to_again(db: &Database) {
    let relay = ScriptedRelay::start(|command| {
        command.starts_with("RCPT TO:<bob@").then_some("550 5.1.1 no such user")
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(LIST).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed, done.trouble), (2, 1, None));
    let bob = snapshot(world.store(), "bob@example.org", BIRTHDAY).await;
    assert_eq!(bob.suppressed, Some(Suppression::NoSuchAddress));
    world.wait(TimeDelta::days(365));
    let next_year = world.round().await;
    world.wait(TimeDelta::days(365));
    assert_eq!(world.round().await.held.get("no-such-address"), None, "not even decided on");
    let to_bob = relay.contents().iter().filter(|content| content.contains("bob@")).count();
    assert_eq!((to_bob, next_year.dispatched.sent), (0, 2));
}

async fn while_the_relay_is_down_mails_wait_and_none_is_lost(db: &Database) {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let relay = ScriptedRelay::start(move |_| down.load(Ordering::Relaxed).then_some("")).await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(LIST).await;
    for _ in 0..3 {
        let done = world.round().await.dispatched;
        assert_eq!((done.sent, done.failed, done.in_doubt), (0, 0, 0));
        assert!(done.trouble.is_some());
        assert_eq!(ledger(world.store()).await, [(State::Ready, 3)]);
        world.wait(TimeDelta::minutes(30));
    }
    is_down.store(false, Ordering::Relaxed);
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.trouble), (3, None));
    assert_eq!(relay.contents().len(), 3);
}

async fn a_wrong_password_costs_no_contact_anything(db: &Database) {
    let relay = ScriptedRelay::start(|command| {
        command.starts_with("MAIL").then_some("530 5.7.0 who are you")
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(LIST).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed), (0, 0));
    assert_eq!(done.trouble.as_deref(), Some("main: 530 5.7.0 who are you (mail)"));
    assert_eq!(ledger(world.store()).await, [(State::Ready, 3)]);
    assert_eq!(world.store().totals().await.unwrap().suppressed, 0);
}

async fn a_mail_that_is_put_off_is_sent_again_byte_by_byte(db: &Database) {
    let (relay, world) = putting_off(db).await;
    world.wait(TimeDelta::hours(1));
    assert_eq!(world.round().await.dispatched.sent, 1);
    let contents = relay.contents();
    assert_eq!(contents.len(), 2);
    assert_eq!(contents[0], contents[1]);
}

/// A relay that puts the first message off once it has its content, and one mail that was put off.
async fn putting_off(db: &Database) -> (ScriptedRelay, World) {
    let first = AtomicBool::new(true);
    let relay = ScriptedRelay::start(move |command| {
        (command == "DOT" && first.swap(false, Ordering::Relaxed)).then_some("451 4.3.0 later")
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts("email,birthday\nada@example.org,1990-05-14\n").await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.retried), (0, 1));
    (relay, world)
}

async fn who_unsubscribes_while_a_mail_is_put_off_does_not_get_it(db: &Database) {
    let (relay, world) = putting_off(db).await;
    world.engine.record(OutreachId(1), Feedback::Unsubscribe, 0).await.unwrap();
    world.wait(TimeDelta::hours(1));
    assert_eq!(world.round().await.dispatched.sent, 0);
    assert_eq!(relay.contents().len(), 1);
    assert_eq!(ledger(world.store()).await, [(State::Suppressed, 1)]);
}

async fn a_relay_that_hangs_up_after_the_content_is_not_asked_again(db: &Database) {
    let relay = ScriptedRelay::start(|command| (command == "DOT").then_some("")).await;
    let world = World::relaying_to(db, relay.address);
    world.contacts("email,birthday\nada@example.org,1990-05-14\n").await;
    assert_eq!(world.round().await.dispatched.in_doubt, 1);
    for _ in 0..3 {
        world.wait(TimeDelta::hours(1));
        world.round().await;
    }
    assert_eq!(relay.contents().len(), 1);
    assert_eq!(ledger(world.store()).await, [(State::InDoubt, 1)]);
}

async fn a_mail_that_is_put_off_until_its_day_is_over_is_given_up(db: &Database) {
    let relay = ScriptedRelay::start(|command| {
        command.starts_with("RCPT").then_some("450 4.2.0 greylisted")
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts("email,birthday\nada@example.org,1990-05-14\n").await;
    for _ in 0..24 * 4 {
        world.round().await;
        world.wait(TimeDelta::hours(1));
    }
    assert_eq!(ledger(world.store()).await, [(State::Failed, 1)]);
    let tries = db.texts("select verdict from attempts").await.len();
    assert!((30..60).contains(&tries), "{tries} tries in 53 hours");
}

async fn a_refused_content_fails_one_mail_and_blames_no_address(db: &Database) {
    let first = AtomicBool::new(true);
    let relay = ScriptedRelay::start(move |command| {
        (command == "DOT" && first.swap(false, Ordering::Relaxed)).then_some("554 5.7.1 spam")
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(LIST).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed), (2, 1));
    assert_eq!(world.store().totals().await.unwrap().suppressed, 0);
    let said = db.texts("select code || ' ' || enhanced || ' ' || reply from attempts where verdict = 'rejected'").await;
    assert_eq!(said, ["554 5.7.1 spam"]);
}
