use std::fs;

use chrono::TimeDelta;
use perennial::{
    config::Files,
    daemon::round,
    domain::{Feedback, OutreachId, OutreachState as State, Resolution},
    engine::{Dispatched, EngineError, Resolved, Stop},
    store::HaltCause,
};

use crate::support::{
    chaos::{Answer, ChaosRelay, Step},
    database::Database,
    on_both_databases,
    relay::ScriptedRelay,
    rows::{ledger, write},
    world::{Setup, World, birthdays_at},
};

on_both_databases!(
    a_campaign_that_resends_sends_the_same_bytes_once_for_each_doubt,
    a_campaign_that_assumes_takes_a_mail_as_sent_after_the_grace,
    a_mail_that_is_held_is_taken_as_sent_once_it_is_not_welcome,
    whoever_clicks_in_a_mail_in_doubt_proves_that_it_arrived,
    an_operator_may_have_a_mail_sent_again_while_it_is_welcome,
    a_halted_engine_does_nothing_until_an_operator_resumes_it,
    a_database_that_went_back_or_moved_is_noticed,
    a_backup_that_is_restored_twice_is_noticed_twice,
    daemons_that_share_a_witness_take_no_other_for_a_restored_backup,
    a_halt_that_cannot_be_read_is_a_halt,
    a_round_that_is_stopped_gives_back_what_it_did_not_begin,
    what_nobody_waits_for_any_more_is_in_doubt,
    an_outcome_that_was_kept_ends_the_doubt_that_came_of_it,
    the_record_of_an_attempt_says_when_and_through_what,
);

const ADA: &str = "email,birthday\nada@example.org,1990-05-14\n";
const MAIL: OutreachId = OutreachId(1);

/// The birthday campaign with this policy.
fn birthday(policy: &str) -> String {
    let files = Files::embedded();
    let (_, text) = files.iter().find(|(path, _)| *path == "campaigns/birthday.toml").unwrap();
    let with = text.replace("in_doubt = \"hold\"", &format!("in_doubt = \"{policy}\""));
    assert!(policy == "hold" || with != text);
    with
}

/// A world whose relay takes the first `hang_ups` mails and hangs up.
async fn hanging_up(db: &Database, hang_ups: usize, policy: &str) -> (ScriptedRelay, World) {
    let left = std::sync::atomic::AtomicUsize::new(hang_ups);
    let relay = ScriptedRelay::start(move |command| {
        let step = |left: usize| left.checked_sub(1);
        let order = std::sync::atomic::Ordering::Relaxed;
        (command == "DOT" && left.fetch_update(order, order, step).is_ok()).then_some("")
    })
    .await;
    let text = birthday(policy);
    let rules = [("campaigns/birthday.toml", text.as_str())];
    let world =
        World::with(db, &Setup { relay: Some(relay.address), rules: &rules, ..Setup::default() });
    world.contacts(ADA).await;
    assert_eq!(world.round().await.dispatched.in_doubt, 1);
    (relay, world)
}

async fn a_campaign_that_resends_sends_the_same_bytes_once_for_each_doubt(db: &Database) {
    let (relay, world) = hanging_up(db, 2, "resend").await;
    world.wait(TimeDelta::minutes(14));
    assert_eq!(world.round().await.dispatched, Dispatched::default(), "not within the grace");
    world.wait(TimeDelta::minutes(1));
    assert_eq!(world.round().await.dispatched.in_doubt, 1, "the relay hangs up once more");
    world.wait(TimeDelta::minutes(15));
    assert_eq!(world.round().await.dispatched.sent, 1);
    let contents = relay.contents();
    assert_eq!(contents.len(), 3);
    assert!(contents.iter().all(|content| *content == contents[0]));
    let ends = "select resolution || ' ' || resolved_by from doubts order by attempt_no";
    assert_eq!(db.texts(ends).await, ["resent policy", "resent policy"]);
    let attempts = "select verdict from attempts order by no";
    assert_eq!(db.texts(attempts).await, ["in_doubt", "in_doubt", "accepted"]);
}

async fn a_campaign_that_assumes_takes_a_mail_as_sent_after_the_grace(db: &Database) {
    let (relay, world) = hanging_up(db, 1, "assume-sent").await;
    world.wait(TimeDelta::minutes(15));
    world.round().await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    assert_eq!(relay.contents().len(), 1);
}

async fn a_mail_that_is_held_is_taken_as_sent_once_it_is_not_welcome(db: &Database) {
    let (relay, world) = hanging_up(db, 1, "hold").await;
    world.wait(TimeDelta::hours(24));
    world.round().await;
    assert_eq!(ledger(world.store()).await, [(State::InDoubt, 1)]);
    world.wait(TimeDelta::hours(48));
    world.round().await;
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    assert_eq!(relay.contents().len(), 1);
    assert_eq!(world.engine.doubts().await.unwrap(), []);
}

async fn whoever_clicks_in_a_mail_in_doubt_proves_that_it_arrived(db: &Database) {
    let (_relay, world) = hanging_up(db, 1, "hold").await;
    world.engine.record(MAIL, Feedback::Unsubscribe, 0).await.unwrap();
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    let ends = "select resolution || ' ' || resolved_by from doubts";
    assert_eq!(db.texts(ends).await, ["evidence unsubscribe"]);
}

async fn an_operator_may_have_a_mail_sent_again_while_it_is_welcome(db: &Database) {
    let (relay, world) = hanging_up(db, 2, "hold").await;
    let resend = || world.engine.resolve_doubts(&[MAIL, OutreachId(9)], Resolution::Resent);
    let expected = Resolved { done: 1, not_in_doubt: vec![OutreachId(9)], too_late: vec![] };
    assert_eq!(resend().await.unwrap(), expected);
    assert_eq!(world.round().await.dispatched.in_doubt, 1);
    world.wait(TimeDelta::hours(72));
    let late = resend().await.unwrap();
    assert_eq!((late.done, late.too_late), (0, vec![MAIL]));
    assert_eq!(relay.contents().len(), 2);
}

async fn a_halted_engine_does_nothing_until_an_operator_resumes_it(db: &Database) {
    let world = World::new(db);
    world.contacts(ADA).await;
    world.engine.halt(HaltCause::ClockJumped).await.unwrap();
    let refused = round(&world.engine, None, &Stop::default()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Halted(_)), "{refused}");
    let words = "nothing is decided or sent since 2026-05-14 16:59 UTC: the clock has jumped ahead by \
                 more than an hour; look at it, then run `perennial resume`";
    assert_eq!(refused.to_string(), words);
    assert!(world.engine.resume().await.unwrap());
    assert_eq!(world.round().await.dispatched.sent, 1);
}

async fn a_database_that_went_back_or_moved_is_noticed(db: &Database) {
    let world = World::new(db);
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let why = async || world.engine.halted().await.unwrap().map(|halt| halt.why);
    for _ in 0..2 {
        world.engine.settle_in("/here", &witness).await.unwrap();
        assert_eq!(why().await, None);
    }
    world.engine.settle_in("/there", &witness).await.unwrap();
    assert_eq!(why().await, Some(HaltCause::Moved));
    let newest = db.store.newest_token().await.unwrap();
    assert!(newest >= 1_000_000, "its twin goes on from {newest}");
    world.engine.resume().await.unwrap();
    fs::write(&witness, "5000000\n").unwrap();
    world.engine.settle_in("/there", &witness).await.unwrap();
    assert_eq!(why().await, Some(HaltCause::Restored));
    world.engine.resume().await.unwrap();
    world.engine.settle_in("/there", &witness).await.unwrap();
    assert_eq!(why().await, None, "it was said once");
}

async fn a_backup_that_is_restored_twice_is_noticed_twice(db: &Database) {
    let world = World::new(db);
    world.contacts(ADA).await;
    world.round().await;
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    world.engine.bear_witness(&witness).await.unwrap();
    let newest = db.store.newest_token().await.unwrap();
    assert!(newest > 0);
    for _ in 0..2 {
        // What the backup has of it.
        db.execute("update lease_tokens set last = 0").await;
        db.execute("delete from meta where key = 'halt'").await;
        world.engine.bear_witness(&witness).await.unwrap();
        let halt = world.engine.halted().await.unwrap();
        assert_eq!(halt.map(|halt| halt.why), Some(HaltCause::Restored));
        assert_eq!(db.store.newest_token().await.unwrap(), newest, "none is given out twice");
    }
    assert!(world.engine.resume().await.unwrap());
    world.engine.bear_witness(&witness).await.unwrap();
    assert_eq!(world.engine.halted().await.unwrap(), None, "it was said once");
}

async fn daemons_that_share_a_witness_take_no_other_for_a_restored_backup(db: &Database) {
    let world = World::new(db);
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let mut daemons = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (engine, witness) = (world.engine.clone(), witness.clone());
        daemons.spawn(async move {
            for _ in 0..50 {
                let newest = engine.store.newest_token().await.unwrap();
                write(&engine.store, async |tx| tx.skip_tokens(newest + 1).await).await;
                engine.bear_witness(&witness).await.unwrap();
            }
        });
    }
    daemons.join_all().await;
    assert_eq!(world.engine.halted().await.unwrap(), None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

async fn a_halt_that_cannot_be_read_is_a_halt(db: &Database) {
    let world = World::new(db);
    db.execute("insert into meta (key, value) values ('halt', '{\"why\":\"of_tomorrow\"}')").await;
    let refused = round(&world.engine, None, &Stop::default()).await.unwrap_err();
    assert!(refused.to_string().contains("perennial resume"), "{refused}");
    assert!(world.engine.resume().await.unwrap());
    world.round().await;
}

async fn a_round_that_is_stopped_gives_back_what_it_did_not_begin(db: &Database) {
    let stop = Stop::default();
    let stopping = stop.soon.clone();
    let relay = ScriptedRelay::start(move |command| {
        if command == "DOT" {
            stopping.cancel();
        }
        None
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(birthdays_at(80, |_| "example.org")).await;
    world.engine.plan().await.unwrap();
    let done = world.engine.dispatch(&stop).await.unwrap();
    assert!((1..80).contains(&done.sent), "{done:?}");
    let sent = i64::try_from(done.sent).unwrap();
    assert_eq!(ledger(world.store()).await, [(State::Ready, 80 - sent), (State::Sent, sent)]);
    assert_eq!(db.texts("select 'x' from outreach where strikes > 0").await.len(), 0);
    let rest = world.dispatch().await;
    assert_eq!(rest.sent + done.sent, 80);
    assert_eq!(relay.contents().len(), 80);
}

async fn what_nobody_waits_for_any_more_is_in_doubt(db: &Database) {
    let stop = Stop::default();
    let stopping = stop.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step != Step::Dot {
            return Answer::good();
        }
        stopping.soon.cancel();
        stopping.now.cancel();
        Answer::good().after(std::time::Duration::from_secs(3))
    });
    let world = World::relaying_to(db, relay.address);
    world.contacts(ADA).await;
    world.engine.plan().await.unwrap();
    assert_eq!(world.engine.dispatch(&stop).await.unwrap().in_doubt, 1);
    assert_eq!(ledger(world.store()).await, [(State::InDoubt, 1)]);
}

async fn an_outcome_that_was_kept_ends_the_doubt_that_came_of_it(db: &Database) {
    let (_relay, world) = hanging_up(db, 1, "hold").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outcomes.jsonl");
    assert_eq!(world.engine.take_kept_outcomes(&path).await.unwrap(), 0);
    let kept = r#"{"id":1,"lease_token":1,"from":"sending","to":"sent","next_at":null,"attempt":{
        "no":1,"began_at":"2026-05-14T17:00:00Z","sending_at":null,"ended_at":"2026-05-14T17:00:00Z",
        "relay":null,"connection":null,"outcome":{"accepted":{"text":"queued"}}}}"#;
    let line = kept.replace('\n', "");
    fs::write(&path, format!("{line}\n{{\"cut off")).unwrap();
    assert_eq!(world.engine.take_kept_outcomes(&path).await.unwrap(), 1);
    assert!(!path.exists());
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    let ends = "select resolution || ' ' || resolved_by from doubts";
    assert_eq!(db.texts(ends).await, ["evidence outcome"]);
}

async fn the_record_of_an_attempt_says_when_and_through_what(db: &Database) {
    let (_relay, _world) = hanging_up(db, 1, "hold").await;
    let record =
        "select no || ' ' || verdict || ' ' || began_at || ' ' || sending_at || ' ' || ended_at
                  from attempts";
    let at = crate::support::at("2026-05-14T16:59:30Z").timestamp_millis();
    assert_eq!(db.texts(record).await, [format!("1 in_doubt {at} {at} {at}")]);
}
