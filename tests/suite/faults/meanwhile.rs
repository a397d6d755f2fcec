//! Rows 20, 26 and 27: what others do while mails are being sent.
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::TimeDelta;
use perennial::{
    domain::{Feedback, OutreachId, OutreachState as State},
    mail::Templates,
};
use sqlx::{Connection as _, SqliteConnection};

use super::{assert_sound, world};
use crate::support::{
    chaos::{Answer, ChaosRelay, Gate, Step},
    database::Database,
    on_both_databases,
    relay::ScriptedRelay,
    rows::ledger,
    world::{Setup, World, birthdays},
};

on_both_databases!(
    who_unsubscribes_before_the_content_leaves_does_not_get_it,
    who_unsubscribes_while_the_content_leaves_gets_that_mail_and_no_other,
    a_template_that_is_edited_does_not_change_a_letter_under_way,
    a_stored_message_that_is_damaged_fails_and_no_other_one_takes_its_place,
    a_stored_message_fails_if_what_it_shares_with_others_is_gone,
    a_stored_message_fails_alone_if_what_it_shares_with_others_is_damaged,
    a_relay_that_says_250_and_forgets_is_found_out,
);

/// One mail that is held at `step`; then its reader unsubscribes.
async fn unsubscribed_at(db: &Database, step: Step) -> (ChaosRelay, World) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == step { Answer::good().behind(&held) } else { Answer::good() }
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(1)).await;
    let unsubscribe = async {
        gate.reached().await;
        world.engine.record(OutreachId(1), Feedback::Unsubscribe, 0).await.unwrap();
        gate.open();
    };
    let (_, ()) = tokio::join!(world.round(), unsubscribe);
    (relay, world)
}

async fn who_unsubscribes_before_the_content_leaves_does_not_get_it(db: &Database) {
    let (relay, world) = unsubscribed_at(db, Step::Data).await;
    assert_eq!(ledger(world.store()).await, [(State::Suppressed, 1)]);
    assert_eq!(relay.accepted(), 0);
}

async fn who_unsubscribes_while_the_content_leaves_gets_that_mail_and_no_other(db: &Database) {
    let (relay, world) = unsubscribed_at(db, Step::Dot).await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    world.wait(TimeDelta::days(365));
    world.round().await;
    assert_eq!(relay.accepted(), 1);
}

async fn a_template_that_is_edited_does_not_change_a_letter_under_way(db: &Database) {
    let first = AtomicBool::new(true);
    let relay = ScriptedRelay::start(move |command| {
        (command == "DOT" && first.swap(false, Ordering::Relaxed)).then_some("451 4.3.0 later")
    })
    .await;
    let before = World::relaying_to(db, relay.address);
    before.contacts(birthdays(1)).await;
    assert_eq!(before.round().await.dispatched.retried, 1);

    let subject = "mail/birthday/en/subject.txt.hbs";
    assert!(Templates::embedded_files().any(|(path, _)| path == subject));
    let templates = [(subject, "Another subject".to_owned())];
    let setup = Setup { relay: Some(relay.address), templates: &templates, ..Setup::default() };
    let after = World::with(db, &setup);
    after.wait(TimeDelta::hours(1));
    assert_eq!(after.round().await.dispatched.sent, 1);
    let contents = relay.contents();
    assert_eq!(contents.len(), 2);
    assert_eq!(contents[0], contents[1]);
}

async fn a_stored_message_that_is_damaged_fails_and_no_other_one_takes_its_place(db: &Database) {
    damaged_by(db, "update bodies set message = substr(message, 1, length(message) - 9)").await;
}

async fn a_stored_message_fails_if_what_it_shares_with_others_is_gone(db: &Database) {
    damaged_by(db, "delete from dictionaries").await;
}

async fn a_stored_message_fails_alone_if_what_it_shares_with_others_is_damaged(db: &Database) {
    let half = "update dictionaries set content = substr(content, 1, length(content) / 2)";
    damaged_by(db, half).await;
}

/// The relay puts a mail off, and this is done before the next attempt.
async fn damaged_by(db: &Database, sql: &str) {
    let relay = ChaosRelay::start(|moment| match (moment.step, moment.message) {
        (Step::Dot, 1) => Answer::say("451 4.3.0 later"),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(1)).await;
    assert_eq!(world.round().await.dispatched.retried, 1);

    db.execute(sql).await;
    world.wait(TimeDelta::hours(1));
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed, relay.answered()), (0, 1, 1));
    let said = db.texts("select phase || ': ' || reply from attempts where no = 2").await;
    assert!(said[0].starts_with("compose: ") && said[0].contains("damaged"), "{said:?}");
    assert_eq!(ledger(world.store()).await, [(State::Failed, 1)]);
}

/// No sender can do anything about it; the audit can.
async fn a_relay_that_says_250_and_forgets_is_found_out(db: &Database) {
    let relay = ChaosRelay::start(|moment| match (moment.step, moment.message) {
        (Step::Dot, 2) => Answer::say("250 2.0.0 queued as 2"),
        _ => Answer::good(),
    });
    let world = world(db, relay.address, "");
    world.contacts(birthdays(3)).await;
    assert_eq!(world.round().await.dispatched.sent, 3);
    let found = super::audited(&world, &relay).await;
    let broken: Vec<_> = found
        .judged
        .iter()
        .filter(|judged| judged.is_broken())
        .map(|judged| (judged.invariant.code(), judged.breaches))
        .collect();
    assert_eq!(broken, [("I1", 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_writers_of_the_same_sqlite_file_cost_no_mark() {
    let db = Database::sqlite().await;
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(&db, relay.address, "");
    world.contacts(birthdays(60)).await;
    let mut reader = SqliteConnection::connect(&db.url).await.unwrap();
    let mut snapshot = reader.begin().await.unwrap();
    let before: i64 = sqlx::query_scalar("select count(*) from outreach")
        .fetch_one(&mut *snapshot)
        .await
        .unwrap();
    let in_the_way = async {
        let mut writer = SqliteConnection::connect(&db.url).await.unwrap();
        for _ in 0..5 {
            let lock = writer.begin_with("begin immediate").await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            lock.rollback().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (round, ()) = tokio::join!(world.round(), in_the_way);
    assert_eq!((round.dispatched.sent, round.dispatched.failed), (60, 0));
    let during: i64 = sqlx::query_scalar("select count(*) from outreach")
        .fetch_one(&mut *snapshot)
        .await
        .unwrap();
    assert_eq!((before, during), (0, 0), "the reader still sees what it began with");
    assert_sound(&world, &relay).await;
}
