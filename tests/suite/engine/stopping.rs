//! What is left when a daemon has to end, and what the next start makes of it.
use std::{fs, time::Duration};

use chrono::TimeDelta;
use perennial::{
    daemon::round,
    domain::{
        EnhancedStatus, Outcome, OutreachId, OutreachState as State, Phase, Reply, Suppression,
    },
    engine::Stop,
    store::{Attempt, Mark},
};

use crate::support::{
    at,
    chaos::{Answer, ChaosRelay, Gate, Step},
    database::Database,
    on_both_databases,
    relay::ScriptedRelay,
    rows::{ledger, snapshot},
    world::{BIRTHDAY, Setup, World, birthdays},
};

on_both_databases!(
    a_line_that_cannot_be_read_hides_no_other_and_is_kept,
    an_outcome_of_an_attempt_that_the_database_does_not_know_is_kept_on,
    a_refusal_that_was_kept_stops_further_mail_to_its_address,
    what_an_answer_says_of_its_address_waits_for_the_database,
    connections_that_were_cut_off_do_not_shut_a_relay,
    a_round_that_is_stopped_decides_no_further,
);

/// A world with one mail in doubt, whose relay hung up.
async fn in_doubt(db: &Database) -> World {
    let relay = ScriptedRelay::start(|command| (command == "DOT").then_some("")).await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(birthdays(1)).await;
    assert_eq!(world.round().await.dispatched.in_doubt, 1);
    world
}

/// The line of the first attempt at the first mail, which was answered after somebody had put it in
/// doubt.
fn line(to: State, outcome: Outcome) -> Vec<u8> {
    let then = at(BIRTHDAY);
    let attempt = Attempt {
        no: 1,
        began_at: then,
        sending_at: Some(then),
        relay: None,
        connection: None,
        ended_at: then + TimeDelta::seconds(30),
        outcome,
    };
    let mark = Mark {
        id: OutreachId(1),
        lease_token: 1,
        from: State::Sending,
        to,
        next_at: None,
        attempt: Some(attempt),
    };
    serde_json::to_vec(&mark).unwrap()
}

async fn a_line_that_cannot_be_read_hides_no_other_and_is_kept(db: &Database) {
    let world = in_doubt(db).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outcomes.jsonl");
    let accepted = line(State::Sent, Outcome::Accepted { text: String::new() });
    let text = [b"{\"id\":\xff\xfe\n{\"cut off\n", accepted.as_slice(), b"\n"].concat();
    fs::write(&path, &text).unwrap();
    assert_eq!(world.engine.take_kept_outcomes(&path).await.unwrap(), 1);
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1)]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(left.len(), 1);
    let name = left[0].file_name().into_string().unwrap();
    assert!(name.starts_with("outcomes.jsonl.strange-"), "{name}");
    assert_eq!(fs::read(left[0].path()).unwrap(), text);
    assert_eq!(world.engine.take_kept_outcomes(&path).await.unwrap(), 0, "it is not read again");
}

async fn an_outcome_of_an_attempt_that_the_database_does_not_know_is_kept_on(db: &Database) {
    let world = in_doubt(db).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outcomes.jsonl");
    let known = String::from_utf8(line(State::Sent, Outcome::Accepted { text: String::new() }));
    let forgotten = known.unwrap().replace("\"lease_token\":1,", "\"lease_token\":77,");
    fs::write(&path, &forgotten).unwrap();
    assert_eq!(world.engine.take_kept_outcomes(&path).await.unwrap(), 0);
    assert_eq!(ledger(world.store()).await, [(State::InDoubt, 1)]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(fs::read_to_string(left[0].path()).unwrap(), forgotten);
}

async fn a_refusal_that_was_kept_stops_further_mail_to_its_address(db: &Database) {
    let world = in_doubt(db).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outcomes.jsonl");
    let enhanced = EnhancedStatus::split("5.1.1 no such user").map(|(status, _)| status);
    let reply = Reply { code: 550, enhanced, text: "no such user".to_owned() };
    let outcome = Outcome::Rejected { phase: Phase::Content, reply };
    fs::write(&path, line(State::Failed, outcome)).unwrap();
    assert_eq!(world.engine.take_kept_outcomes(&path).await.unwrap(), 1);
    assert_eq!(ledger(world.store()).await, [(State::Failed, 1)]);
    let reader = snapshot(world.store(), "p0@example.org", BIRTHDAY).await;
    assert_eq!(reader.suppressed, Some(Suppression::NoSuchAddress));
}

async fn what_an_answer_says_of_its_address_waits_for_the_database(db: &Database) {
    let relay = ScriptedRelay::start(|command| {
        command.starts_with("RCPT").then_some("452 4.2.2 mailbox full")
    })
    .await;
    let world = World::relaying_to(db, relay.address);
    world.contacts(birthdays(1)).await;
    db.execute("alter table address_troubles rename to away").await;
    let back_again = async {
        while db.texts("select verdict from attempts").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        db.execute("alter table away rename to address_troubles").await;
    };
    let (done, ()) = tokio::join!(world.round(), back_again);
    assert_eq!(done.dispatched.retried, 1);
    assert_eq!(db.texts("select kind from address_troubles").await.len(), 1);
}

const CONNECTIONS: usize = 5;

async fn connections_that_were_cut_off_do_not_shut_a_relay(db: &Database) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Dot { Answer::good().behind(&held) } else { Answer::good() }
    });
    let keys = format!("connections = {CONNECTIONS}");
    let setup = Setup { relay: Some(relay.address), sections: &keys, ..Setup::default() };
    let world = World::with(db, &setup);
    world.contacts(birthdays(2 * CONNECTIONS)).await;
    world.engine.plan().await.unwrap();
    let stop = Stop::default();
    let cut_off = async {
        for _ in 0..CONNECTIONS {
            gate.reached().await;
        }
        stop.soon.cancel();
        stop.now.cancel();
    };
    let (done, ()) = tokio::join!(world.engine.dispatch(&stop), cut_off);
    assert_eq!(done.unwrap().in_doubt, CONNECTIONS as u64);
    gate.open();
    let restarted = World::with(db, &setup);
    assert_eq!(restarted.dispatch().await.sent, CONNECTIONS as u64);
}

async fn a_round_that_is_stopped_decides_no_further(db: &Database) {
    const MANY: usize = 4000;
    let world = World::new(db);
    world.contacts(birthdays(MANY)).await;
    let stop = Stop::default();
    let planned = async || db.texts("select 'x' from outreach").await.len();
    let stopping = async {
        while planned().await == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.soon.cancel();
    };
    let engine = world.engine.clone();
    let stopped = stop.clone();
    let deciding = tokio::spawn(async move { round(&engine, None, &stopped).await });
    stopping.await;
    let done = deciding.await.unwrap().unwrap();
    assert_eq!(done.dispatched.sent, 0);
    assert!((1..MANY).contains(&planned().await));
    world.engine.plan().await.unwrap();
    assert_eq!(planned().await, MANY, "the next one goes on");
}
