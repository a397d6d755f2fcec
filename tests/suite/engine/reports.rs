use chrono::TimeDelta;
use perennial::{
    clock::Clock as _,
    domain::{ContactId, Outcome, OutreachState as State, Suppression},
    engine::Reported,
    inbound::{self, Taken},
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    reports::{DISABLED, UNKNOWN, report},
    rows::{LEASE, attempt, begin_sending, claimed, mark, person, settle, snapshot},
    world::World,
};

on_both_databases!(
    a_mail_that_came_back_is_none_that_the_address_took,
    a_mail_that_arrived_clears_what_came_back_before,
    a_report_is_taken_from_a_contact_who_may_not_be_tracked,
    trying_a_report_out_says_the_same_and_writes_nothing,
    reports_at_once_on_one_mail_have_one_effect,
);

const ADA: &str = "ada@example.org";

/// The number of a mail of this day that the relay took in the evening.
async fn sent(world: &World, contact: ContactId, on: &str) -> i64 {
    let store = world.store();
    let claimed = claimed(store, contact, on).await;
    let evening = format!("{on}T16:00:00Z");
    begin_sending(store, &claimed, at(&evening) + LEASE).await;
    let outcome = Outcome::Accepted { text: "queued".to_owned() };
    let mark = perennial::store::Mark {
        attempt: Some(attempt(&claimed, outcome)),
        ..mark(&claimed, State::Sending, State::Sent)
    };
    assert!(settle(store, mark, &evening).await);
    claimed.id.0
}

fn bytes(world: &World, mail: i64, what: (&str, &str, &str)) -> Vec<u8> {
    let local = world.engine.keyring.bounce(mail, world.clock.now().date_naive());
    report(&format!("{local}@bounce.example.com"), ADA, what)
}

async fn take(world: &World, mail: i64, what: (&str, &str, &str), dry_run: bool) -> Reported {
    let bytes = bytes(world, mail, what);
    match inbound::take(&world.engine, &bytes, None, dry_run).await.unwrap() {
        Taken::Report(reported) => reported,
        other => panic!("{other:?}"),
    }
}

async fn a_mail_that_came_back_is_none_that_the_address_took(db: &Database) {
    let world = World::new(db);
    let ada = person(world.store(), ADA).await;
    let first = sent(&world, ada, "2026-05-14").await;
    assert_eq!(take(&world, first, DISABLED, false).await.suppressed, None);
    world.wait(TimeDelta::days(2));
    let second = sent(&world, ada, "2026-05-16").await;
    let reported = take(&world, second, DISABLED, false).await;
    assert_eq!(reported.suppressed, Some(Suppression::NoSuchAddress));
}

async fn a_mail_that_arrived_clears_what_came_back_before(db: &Database) {
    let world = World::new(db);
    let ada = person(world.store(), ADA).await;
    let first = sent(&world, ada, "2026-05-14").await;
    take(&world, first, DISABLED, false).await;
    sent(&world, ada, "2026-05-15").await;
    world.wait(TimeDelta::days(2));
    let third = sent(&world, ada, "2026-05-16").await;
    assert_eq!(take(&world, third, DISABLED, false).await.suppressed, None);
}

async fn a_report_is_taken_from_a_contact_who_may_not_be_tracked(db: &Database) {
    let world = World::new(db);
    world.contacts(format!("email,may_track\n{ADA},no\n")).await;
    let ada = person(world.store(), ADA).await;
    let mail = sent(&world, ada, "2026-05-14").await;
    let before = snapshot(world.store(), ADA, "2026-05-14T17:00:00Z").await;
    assert!(!take(&world, mail, UNKNOWN, false).await.is_known);
    let after = snapshot(world.store(), ADA, "2026-05-14T17:00:00Z").await;
    assert_eq!(before.engagement, after.engagement);
    assert_eq!((before.suppressed, after.suppressed), (None, Some(Suppression::NoSuchAddress)));
}

async fn trying_a_report_out_says_the_same_and_writes_nothing(db: &Database) {
    let world = World::new(db);
    let ada = person(world.store(), ADA).await;
    let mail = sent(&world, ada, "2026-05-14").await;
    let tried = take(&world, mail, UNKNOWN, true).await;
    for table in ["feedback", "suppressions", "address_troubles"] {
        let sql = format!("select 'x' from {table}");
        assert_eq!(db.texts(&sql).await.len(), 0, "{table}");
    }
    assert_eq!(take(&world, mail, UNKNOWN, false).await, tried);
    assert!(take(&world, mail, UNKNOWN, true).await.is_known);
}

async fn reports_at_once_on_one_mail_have_one_effect(db: &Database) {
    let world = World::new(db);
    let ada = person(world.store(), ADA).await;
    let mail = sent(&world, ada, "2026-05-14").await;
    let bytes = bytes(&world, mail, DISABLED);
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (engine, bytes) = (world.engine.clone(), bytes.clone());
        at_once.spawn(async move { inbound::take(&engine, &bytes, None, false).await.unwrap() });
    }
    let taken = at_once.join_all().await;
    let news =
        taken.iter().filter(|taken| matches!(taken, Taken::Report(reported) if !reported.is_known));
    assert_eq!(news.count(), 1, "{taken:?}");
    assert_eq!(db.texts("select kind from address_troubles").await, ["disabled"]);
}
