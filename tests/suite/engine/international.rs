//! Addresses that only relays with SMTPUTF8 (RFC 6531) carry.
use chrono::TimeDelta;
use perennial::{domain::OutreachState as State, engine::Dispatched};

use crate::support::{
    chaos::{Answer, ChaosRelay, Step},
    database::Database,
    on_both_databases,
    rows::{ledger, snapshot},
    world::{Setup, World},
};

on_both_databases!(
    an_international_address_is_written_as_it_is_for_a_relay_that_carries_it,
    what_one_relay_cannot_carry_goes_through_another_at_once,
    a_relay_that_offers_smtputf8_and_refuses_all_the_same_is_not_the_last_word,
    what_no_relay_carries_fails_once_and_costs_neither_the_relays_nor_the_address_anything,
);

/// Everything that a relay may offer but SMTPUTF8.
const ASCII_ONLY: &[&str] = &["PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES"];

const LIST: &str =
    "email,name,birthday\n王伟@例子.com,王伟,1990-05-14\nada@example.org,Ada,1990-05-14\n";

fn ascii_only() -> ChaosRelay {
    ChaosRelay::with_extensions(ASCII_ONLY, |_| Answer::good())
}

/// A world with `first`, which has nine turns of ten, and `second`.
async fn world(db: &Database, first: &ChaosRelay, second: Option<&ChaosRelay>) -> World {
    let keys = second.map_or_else(String::new, |second| {
        let (ip, port) = (second.address.ip(), second.address.port());
        format!(
            "weight = 9\n[delivery.relay.second]\nhost = '{ip}'\nport = {port}\nsecurity = 'none'\n"
        )
    });
    let setup = Setup { relay: Some(first.address), sections: &keys, ..Setup::default() };
    let world = World::with(db, &setup);
    world.contacts(LIST.to_owned()).await;
    world
}

/// The only message to the reader with an international address.
fn written(relay: &ChaosRelay) -> String {
    let accepted = relay.events("accepted");
    let mut theirs = accepted.iter().filter(|event| event["to"] == "王伟@例子.com");
    let hash = theirs.next().expect("it was taken")["sha256"].as_str().unwrap();
    assert_eq!(theirs.next(), None);
    std::fs::read_to_string(relay.messages().join(format!("{hash}.eml"))).unwrap()
}

/// Sends what is due, and what was tried in vain once more, be it in the same round: mails that were sent,
/// put off and given up.
async fn two_rounds(world: &World) -> [u64; 3] {
    let rounds = [world.round().await.dispatched, world.round().await.dispatched];
    assert!(rounds.iter().all(|round| round.trouble.is_none()), "{rounds:?}");
    let sum = |of: fn(&Dispatched) -> u64| rounds.iter().map(of).sum();
    [sum(|round| round.sent), sum(|round| round.retried), sum(|round| round.failed)]
}

async fn refusals(db: &Database) -> Vec<String> {
    let sql = "select relay || ' ' || phase || ' ' || code || ' ' || enhanced from attempts
               where verdict = 'rejected' order by outreach_id, no";
    db.texts(sql).await
}

async fn an_international_address_is_written_as_it_is_for_a_relay_that_carries_it(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = world(db, &relay, None).await;
    assert_eq!(world.round().await.dispatched.sent, 2);
    let message = written(&relay);
    let head = message.split("\r\n\r\n").next().unwrap();
    assert!(head.contains("<王伟@例子.com>\r\n"), "{head}");
    let from = head.lines().find(|line| line.starts_with("From:")).unwrap();
    assert!(from.is_ascii(), "{from}");
}

async fn what_one_relay_cannot_carry_goes_through_another_at_once(db: &Database) {
    let (ascii, utf8) = (ascii_only(), ChaosRelay::start(|_| Answer::good()));
    let world = world(db, &ascii, Some(&utf8)).await;
    assert_eq!(two_rounds(&world).await, [2, 1, 0]);
    assert_eq!(refusals(db).await, ["main rcpt 553 5.6.7"]);
    written(&utf8);
    assert_eq!(ascii.accepted() + utf8.accepted(), 2);
}

async fn a_relay_that_offers_smtputf8_and_refuses_all_the_same_is_not_the_last_word(db: &Database) {
    let refuses = ChaosRelay::start(|moment| match moment.step {
        Step::Rcpt if !moment.recipient.is_ascii() => {
            Answer::say("550 5.6.7 not offered by the host")
        }
        _ => Answer::good(),
    });
    let utf8 = ChaosRelay::start(|_| Answer::good());
    let world = world(db, &refuses, Some(&utf8)).await;
    assert_eq!(two_rounds(&world).await, [2, 1, 0]);
    assert_eq!(refusals(db).await, ["main rcpt 550 5.6.7"]);
    written(&utf8);
}

async fn what_no_relay_carries_fails_once_and_costs_neither_the_relays_nor_the_address_anything(
    db: &Database,
) {
    let relays = [(); 2].map(|()| ascii_only());
    let world = world(db, &relays[0], Some(&relays[1])).await;
    assert_eq!(two_rounds(&world).await, [1, 1, 1]);
    assert_eq!(refusals(db).await, ["main rcpt 553 5.6.7", "second rcpt 553 5.6.7"]);
    world.wait(TimeDelta::hours(2));
    assert_eq!(world.round().await.dispatched.failed, 0);
    assert_eq!(refusals(db).await.len(), 2, "it is not tried again");
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1), (State::Failed, 1)]);
    let contact = snapshot(world.store(), "王伟@例子.com", "2026-05-20T00:00:00Z").await;
    assert_eq!(contact.suppressed, None);
}
