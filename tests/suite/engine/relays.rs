use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use perennial::{
    daemon::Round,
    domain::{OutreachState as State, Suppression},
};

use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Step},
    database::Database,
    on_both_databases,
    rows::{ledger, snapshot},
    world::{Setup, World, birthdays_at},
};

on_both_databases!(
    two_relays_share_the_mail_by_their_weights,
    what_a_dead_relay_cannot_take_goes_through_the_other,
    a_dead_relay_is_left_alone_after_five_connections_and_a_restart_knows_it,
    no_more_mail_leaves_in_a_day_than_a_relay_may_have,
    when_very_many_are_due_at_once_each_moment_has_its_share_and_nobody_is_forgotten,
    a_group_that_is_told_to_slow_down_waits_and_the_others_go_on,
    a_provider_gets_no_more_connections_and_messages_than_it_takes,
    a_long_queue_for_one_provider_leaves_the_others_their_turns,
    every_depth_and_window_sends_each_mail_once,
    a_mailbox_that_is_full_time_and_again_is_given_up,
    a_mail_that_was_put_off_goes_back_to_the_relay_that_did,
);

/// A world with the relay `main`, whose section goes on with `keys`.
fn through(db: &Database, main: &ChaosRelay, keys: &str) -> World {
    let setup = Setup { relay: Some(main.address), sections: keys, ..Setup::default() };
    World::with(db, &setup)
}

fn second(relay: &ChaosRelay, keys: &str) -> String {
    let (ip, port) = (relay.address.ip(), relay.address.port());
    format!("\n[delivery.relay.second]\nhost = '{ip}'\nport = {port}\nsecurity = 'none'\n{keys}\n")
}

async fn round(world: &World) -> Round {
    world.round().await
}

async fn two_relays_share_the_mail_by_their_weights(db: &Database) {
    let relays = [(); 2].map(|()| ChaosRelay::start(|_| Answer::good()));
    let keys = format!("weight = 1\n{}", second(&relays[1], "weight = 3"));
    let world = through(db, &relays[0], &keys);
    world.contacts(birthdays_at(40, |_| "example.org")).await;
    assert_eq!(round(&world).await.dispatched.sent, 40);
    assert_eq!([relays[0].accepted(), relays[1].accepted()], [10, 30]);
    let by = "select relay || ' ' || count(*) from attempts group by relay order by relay";
    assert_eq!(db.texts(by).await, ["main 10", "second 30"]);
}

async fn what_a_dead_relay_cannot_take_goes_through_the_other(db: &Database) {
    let dead = ChaosRelay::start(|_| Act::Close.into());
    let alive = ChaosRelay::start(|_| Answer::good());
    let world = through(db, &dead, &second(&alive, ""));
    world.contacts(birthdays_at(40, |_| "example.org")).await;
    let mut sent = round(&world).await.dispatched.sent;
    assert!(sent >= 20, "{sent}");
    for _ in 0..3 {
        world.wait(TimeDelta::minutes(7));
        sent += round(&world).await.dispatched.sent;
    }
    assert_eq!((sent, alive.accepted()), (40, 40));
    assert_eq!(ledger(world.store()).await, [(State::Sent, 40)]);
}

async fn a_dead_relay_is_left_alone_after_five_connections_and_a_restart_knows_it(db: &Database) {
    let dead = ChaosRelay::start(|_| Act::Close.into());
    let world = through(db, &dead, "connections = 20");
    world.contacts(birthdays_at(40, |_| "example.org")).await;
    let done = round(&world).await.dispatched;
    assert_eq!((done.sent, done.failed, dead.connections()), (0, 0, 5));
    assert!(done.wait_until.is_some() && done.trouble.is_some(), "{done:?}");
    let restarted = through(db, &dead, "connections = 20");
    restarted.wait(TimeDelta::minutes(4));
    round(&restarted).await;
    assert_eq!(dead.connections(), 5, "it stays shut for five minutes");
    for _ in 0..20 {
        restarted.wait(TimeDelta::minutes(3));
        round(&restarted).await;
    }
    assert!(dead.connections() <= 12, "{} connections within 64 minutes", dead.connections());
    assert_eq!(ledger(restarted.store()).await, [(State::Ready, 40)]);
}

async fn no_more_mail_leaves_in_a_day_than_a_relay_may_have(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = through(db, &relay, "rates = ['10 per day']");
    world.contacts(birthdays_at(25, |_| "example.org")).await;
    let done = round(&world).await.dispatched;
    assert_eq!((done.sent, done.released), (10, 25));
    assert_eq!(done.wait_until, Some(crate::support::at("2026-05-15T00:00:00Z")));
    world.wait(TimeDelta::hours(6));
    assert_eq!(round(&world).await.dispatched.sent, 0);
    world.wait(TimeDelta::hours(2));
    assert_eq!(round(&world).await.dispatched.sent, 10);
    assert_eq!(ledger(world.store()).await, [(State::Ready, 5), (State::Sent, 20)]);
}

async fn when_very_many_are_due_at_once_each_moment_has_its_share_and_nobody_is_forgotten(
    db: &Database,
) {
    const MAILS: u64 = 300;
    let relay = ChaosRelay::start(|_| Answer::good());
    let world = through(db, &relay, "rates = ['1200 per minute']");
    world.contacts(birthdays_at(300, |_| "example.org")).await;
    let mut sent = 0;
    for second in 1..=18 {
        let now = round(&world).await.dispatched.sent;
        sent += now;
        // Twenty a second, and those of one second at once after a rest.
        assert!(now <= 20, "{now} in second {second}");
        let left: Vec<_> = ledger(world.store()).await;
        let known: i64 = left.iter().map(|(_, mails)| mails).sum();
        assert_eq!(known, 300, "{left:?}");
        assert!(left.iter().all(|(state, _)| [State::Ready, State::Sent].contains(state)));
        world.wait(TimeDelta::seconds(1));
    }
    assert_eq!((sent, relay.accepted()), (MAILS, MAILS));
}

/// Asks `slow.example` to slow down.
fn slow_domain(moment: &crate::support::chaos::Moment<'_>) -> Answer {
    let is_slow = moment.step == Step::Rcpt && moment.recipient.ends_with("@slow.example");
    if is_slow { Answer::say("450 4.7.28 rate limited") } else { Answer::good() }
}

async fn a_group_that_is_told_to_slow_down_waits_and_the_others_go_on(db: &Database) {
    let relay = ChaosRelay::start(slow_domain);
    let providers = "[provider.slow]\ndomains = ['slow.example']\nconnections = 1\n";
    let setup = Setup {
        relay: Some(relay.address),
        sections: "by_provider = true",
        rules: &[("providers.toml", providers)],
        ..Setup::default()
    };
    let world = World::with(db, &setup);
    world.contacts(birthdays_at(20, |n| ["slow.example", "example.org"][n % 2])).await;
    let done = round(&world).await.dispatched;
    assert_eq!((done.sent, done.failed), (10, 0), "{done:?}");
    let refusals =
        || async { db.texts("select 'x' from attempts where verdict = 'rejected'").await.len() };
    let first = refusals().await;
    assert!((1..=5).contains(&first), "{first} refusals before the group was left alone");
    world.wait(TimeDelta::minutes(15));
    round(&world).await;
    assert_eq!(refusals().await, first, "it waits half an hour");
}

/// Which connections are in the middle of a mail to `few.example`, and the most that ever were.
#[derive(Default)]
struct Few {
    now: BTreeSet<u64>,
    most: usize,
}

impl Few {
    /// A relay that takes 3 ms for each mail.
    fn watch(few: &Arc<Mutex<Self>>) -> ChaosRelay {
        let few = Arc::clone(few);
        ChaosRelay::start(move |moment| {
            let mut few = few.lock().unwrap();
            if moment.step == Step::Rcpt && moment.recipient.ends_with("@few.example") {
                few.now.insert(moment.connection);
                few.most = few.most.max(few.now.len());
            } else if moment.step == Step::Dot {
                few.now.remove(&moment.connection);
            }
            let delay = Duration::from_millis(if moment.step == Step::Data { 3 } else { 0 });
            Answer::good().after(delay)
        })
    }
}

async fn a_provider_gets_no_more_connections_and_messages_than_it_takes(db: &Database) {
    let few = Arc::<Mutex<Few>>::default();
    let relay = Few::watch(&few);
    let providers = "[provider.few]\ndomains = ['few.example']\nconnections = 2\n\
                     messages_per_connection = 8\n";
    let setup = Setup {
        relay: Some(relay.address),
        sections: "by_provider = true\nconnections = 6",
        rules: &[("providers.toml", providers)],
        ..Setup::default()
    };
    let world = World::with(db, &setup);
    let domain = |n: usize| if n.is_multiple_of(4) { "example.org" } else { "few.example" };
    world.contacts(birthdays_at(400, domain)).await;
    let mut sent = 0;
    while sent < 400 {
        sent += round(&world).await.dispatched.sent;
        world.wait(TimeDelta::minutes(1));
    }
    let mut by_connection: BTreeMap<u64, usize> = BTreeMap::new();
    for accepted in relay.events("accepted") {
        if accepted["to"].as_str().unwrap().ends_with("@few.example") {
            *by_connection.entry(accepted["connection"].as_u64().unwrap()).or_default() += 1;
        }
    }
    assert_eq!(by_connection.values().sum::<usize>(), 300);
    assert!(by_connection.values().all(|messages| *messages <= 8), "{by_connection:?}");
    assert_eq!(few.lock().unwrap().most, 2, "connections at the same time");
}

async fn a_long_queue_for_one_provider_leaves_the_others_their_turns(db: &Database) {
    // Slower than letters are written, so that both groups wait for it.
    let relay = ChaosRelay::start(|_| Answer::good().after(Duration::from_millis(5)));
    let setup = Setup {
        relay: Some(relay.address),
        sections: "by_provider = true\nconnections = 1\npipelining = 'deep'",
        rules: &[("providers.toml", "[provider.small]\ndomains = ['small.example']\n")],
        ..Setup::default()
    };
    let world = World::with(db, &setup);
    let domain = |n: usize| if n.is_multiple_of(31) { "small.example" } else { "example.org" };
    world.contacts(birthdays_at(310, domain)).await;
    assert_eq!(round(&world).await.dispatched.sent, 310);
    let order = relay.events("accepted");
    let is_small =
        |one: &serde_json::Value| one["to"].as_str().unwrap().ends_with("@small.example");
    let last = order.iter().rposition(is_small).unwrap();
    assert!(last < 250, "the last of ten mails was number {last} of 310");
}

async fn every_depth_and_window_sends_each_mail_once(db: &Database) {
    for (depth, window) in [("off", 1), ("rfc2920", 1), ("deep", 1), ("off", 8), ("deep", 8)] {
        // A third of the recipients does not exist, and a fifth of the rest is put off.
        let relay = ChaosRelay::start(|moment| match (moment.step, moment.message % 15) {
            (Step::Rcpt, 0 | 3 | 6 | 9 | 12) => Answer::say("550 5.1.1 no such user"),
            (Step::Dot, 5 | 10) => Answer::say("451 4.3.0 try again"),
            _ => Answer::good(),
        });
        let keys = format!("connections = 2\npipelining = '{depth}'\nwindow = {window}");
        let world = through(db, &relay, &keys);
        let domain = format!("{depth}{window}.example.org");
        world.contacts(birthdays_at(60, |_| &domain)).await;
        let done = round(&world).await.dispatched;
        let shown = format!("{depth} {window}: {done:?}");
        assert_eq!(
            (done.sent, done.retried, done.failed, done.in_doubt),
            (32, 8, 20, 0),
            "{shown}"
        );
        assert_eq!(relay.accepted(), 32, "{shown}");
        // What is put off now is not to meet the next relay.
        db.execute("update outreach set state = 'expired' where state = 'ready'").await;
        let strays = "select state from outreach where state in ('claimed', 'sending', 'ready')";
        assert!(db.texts(strays).await.is_empty(), "{shown}");
        let numbers = db
            .texts("select cast(connection as text) from attempts where connection is null")
            .await;
        assert!(numbers.is_empty(), "every attempt names its connection");
    }
}

async fn a_mailbox_that_is_full_time_and_again_is_given_up(db: &Database) {
    let relay = ChaosRelay::start(|moment| match moment.step {
        Step::Rcpt => Answer::say("452 4.2.2 mailbox full"),
        _ => Answer::good(),
    });
    let world = through(db, &relay, "");
    world.contacts(birthdays_at(1, |_| "example.org")).await;
    let suppressed =
        async || snapshot(world.store(), "p0@example.org", "2026-05-20T00:00:00Z").await.suppressed;
    for attempt in 1..=5 {
        assert_eq!(suppressed().await, None, "before attempt {attempt}");
        round(&world).await;
        world.wait(TimeDelta::minutes([0, 150, 300, 600, 1200, 0][attempt]));
    }
    let attempts = db.texts("select reply from attempts").await.len();
    assert_eq!((attempts, suppressed().await), (5, Some(Suppression::MailboxFull)));
}

async fn a_mail_that_was_put_off_goes_back_to_the_relay_that_did(db: &Database) {
    let greylists = |moment: &crate::support::chaos::Moment<'_>| match moment.step {
        Step::Rcpt if moment.message <= 10 => {
            Answer::say("450 4.2.0 greylisted, try again in 5 minutes")
        }
        _ => Answer::good(),
    };
    let relays = [(); 2].map(|()| ChaosRelay::start(greylists));
    let world = through(db, &relays[0], &second(&relays[1], ""));
    world.contacts(birthdays_at(20, |_| "example.org")).await;
    assert_eq!(round(&world).await.dispatched.retried, 20);
    world.wait(TimeDelta::minutes(10));
    assert_eq!(round(&world).await.dispatched.sent, 20);
    let moved = "select 'x' from attempts a join attempts b on b.outreach_id = a.outreach_id
                 where a.no = 1 and b.no = 2 and a.relay <> b.relay";
    assert!(db.texts(moved).await.is_empty());
}
