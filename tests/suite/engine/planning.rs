use chrono::TimeDelta;
use perennial::domain::{ImportKind, OutreachState as State, Verdict};
use perennial::engine::Readers;

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    records::address,
    rows::ledger,
    world::{Setup, World, birthdays},
};

on_both_databases!(
    planning_twice_adds_nothing,
    four_planners_at_once_add_each_mail_once,
    explain_says_what_plan_does,
    forecast_foresees_what_a_year_of_rounds_sends,
    a_clock_that_is_set_back_and_forth_sends_nothing_twice,
    facts_move_a_contact_to_another_tier,
    new_rules_are_in_force_from_the_next_round_on,
    a_short_budget_goes_to_the_higher_tier_and_the_rest_is_carried_over,
    what_the_budget_holds_back_leaves_in_its_window_once_and_not_against_a_wish,
    looking_at_another_time_or_other_rules_writes_nothing,
);

const LIST: &str = "email,name,birthday\n\
                    ada@example.org,Ada,1990-05-14\n\
                    bob@example.org,Bob,05-14\n\
                    carl@example.org,Carl,\n";

async fn planning_twice_adds_nothing(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    let first = world.engine.plan().await.unwrap();
    assert_eq!((first.considered, first.queued), (3, 2));
    let second = world.engine.plan().await.unwrap();
    assert_eq!((second.considered, second.queued), (0, 0));
    world
        .store()
        .begin()
        .await
        .unwrap()
        .adopt_rules("others", chrono::DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(ledger(world.store()).await, [(State::Planned, 2)]);
}

async fn four_planners_at_once_add_each_mail_once(db: &Database) {
    let world = World::new(db);
    world.contacts(birthdays(300)).await;
    let mut planners = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let engine = world.engine.clone();
        planners.spawn(async move { engine.plan().await.unwrap() });
    }
    // Two that decide on one contact at once replace each other's plan by the same one.
    planners.join_all().await;
    assert_eq!(ledger(world.store()).await, [(State::Planned, 300)]);
}

async fn explain_says_what_plan_does(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    let mut planned = Vec::new();
    let mut observe =
        |_: &_, decision: &perennial::domain::Decision| planned.push(decision.clone());
    let mut explained = Vec::new();
    for name in ["ada", "bob", "carl"] {
        let address = address(&format!("{name}@example.org"));
        explained.push(world.engine.explain(&address).await.unwrap().decision);
    }
    world.engine.plan_observed(&mut observe).await.unwrap();
    assert_eq!(planned, explained);
}

async fn forecast_foresees_what_a_year_of_rounds_sends(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    world.engine.refresh().await.unwrap();
    let mut foreseen = Vec::new();
    let outlook = world
        .engine
        .forecast(
            120,
            Readers::Silent,
            |seen| foreseen.push((seen.contact.id, seen.mail.when)),
            |_| (),
        )
        .await
        .unwrap();
    foreseen.sort_by_key(|(contact, when)| (*when, *contact));

    let end = world.engine.clock.now() + TimeDelta::days(120);
    while let Some(next) = world.store().next_decision_at().await.unwrap()
        && next < end
    {
        world.wait((next - world.engine.clock.now()).max(TimeDelta::zero()));
        world.engine.plan().await.unwrap();
        world.dispatch().await;
    }
    let sent = db
        .texts("select contact_id || ' ' || due_at from outreach where state = 'sent' order by due_at, contact_id")
        .await;
    let foreseen: Vec<_> = foreseen
        .into_iter()
        .map(|(contact, when)| format!("{} {}", contact.0, when.timestamp_millis()))
        .collect();
    assert_eq!(sent, foreseen);
    assert_eq!(outlook.by_day.values().sum::<u64>(), sent.len() as u64);
}

async fn a_clock_that_is_set_back_and_forth_sends_nothing_twice(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    world.round().await;
    let steps =
        [TimeDelta::hours(-5), TimeDelta::hours(6), TimeDelta::days(-3), TimeDelta::days(3)];
    for step in steps {
        world.wait(step);
        let again = address("ada@example.org");
        let ada = world.engine.explain(&again).await.unwrap().contact.id;
        let mut tx = world.store().begin().await.unwrap();
        tx.decide_at_once([ada].into_iter(), world.engine.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.round().await.dispatched.sent, 0, "{step}");
    }
}

async fn facts_move_a_contact_to_another_tier(db: &Database) {
    let world = World::new(db);
    world.contacts("email,company\nada@example.org,Engines\n").await;
    world.engine.refresh().await.unwrap();
    assert_eq!(tier(&world).await, "last");
    let orders = "order,account,date,amount\n1,Engines,2026-05-01,100000\n";
    world.import(ImportKind::Orders, orders).await;
    assert_eq!(world.engine.refresh().await.unwrap().moved, 1);
    assert_eq!(tier(&world).await, "priority");
    assert_eq!(world.engine.refresh().await.unwrap().considered, 0);
    world.wait(TimeDelta::days(366));
    world.engine.reclassify(false).await.unwrap();
    assert_eq!(tier(&world).await, "last", "an order is forgotten after a year");
}

async fn tier(world: &World) -> String {
    let ada = world.engine.explain(&address("ada@example.org")).await.unwrap();
    let standing = ada.contact.standings.iter().find(|standing| standing.scheme == "priority");
    standing.unwrap().tier.clone()
}

const EVERYBODY_IS_DEAR: &str = "[[scheme]]\nkey = 'priority'\n[[scheme.tier]]\nkey = 'priority'\n";
const OFTEN: &str = "scheme = 'priority'\nmin_gap = '1 day'\nmerge_within = '1 day'\n\
                     [fallback]\nevery = '7 days'\nmin = '7 days'\nmax = '7 days'\n\
                     [tier.priority]\nevery = '7 days'\nmin = '7 days'\nmax = '7 days'\n\
                     [category.service]\ncaps = []\nexempt = true\n\
                     [category.marketing]\ncaps = []\nexempt = false\n";

async fn new_rules_are_in_force_from_the_next_round_on(db: &Database) {
    let world = World::new(db);
    world.contacts("email\nada@example.org\n").await;
    world.round().await;
    assert_eq!(tier(&world).await, "last");
    let rules = [("tiers.toml", EVERYBODY_IS_DEAR), ("cadence.toml", OFTEN)];
    let changed = World::with(db, &Setup { rules: &rules, ..Setup::default() });
    assert_eq!(changed.round().await.considered, 1);
    assert_eq!(tier(&changed).await, "priority");
    let ada = changed.engine.explain(&address("ada@example.org")).await.unwrap();
    assert_eq!(ada.contact.standings.len(), 1, "the other schemes are gone");
    assert!(matches!(ada.decision.verdict, Verdict::Send(_)));
    assert_eq!(changed.round().await.considered, 0, "the same rules are adopted once");
}

async fn a_short_budget_goes_to_the_higher_tier_and_the_rest_is_carried_over(db: &Database) {
    let world = short_of_mails(db);
    world.import(ImportKind::Accounts, "key,potential\nBig,900000\nSmall,10\n").await;
    let list = "email,account,birthday,level\n\
                a@example.org,Small,1990-05-14,\n\
                b@example.org,Small,1990-05-14,\n\
                c@example.org,Big,1990-05-14,1\n\
                d@example.org,Big,1990-05-14,1\n\
                e@example.org,Small,1990-05-14,\n";
    world.contacts(list).await;
    world.engine.refresh().await.unwrap();
    let mut sent = Vec::new();
    for _ in 0..4 * 48 {
        world.engine.plan().await.unwrap();
        world.dispatch().await;
        world.wait(TimeDelta::minutes(30));
    }
    let rows =
        "select c.email || ' ' || o.state || ' ' || ((o.settled_at - 1778709600000) / 86400000)
                from outreach o join contacts c on c.id = o.contact_id
                where o.campaign = 'birthday' order by o.settled_at, c.email";
    sent.extend(db.texts(rows).await);
    let first: Vec<_> = sent.iter().filter(|row| row.ends_with("sent 0")).collect();
    assert_eq!(first.len(), 2, "{sent:?}");
    assert!(first.iter().all(|row| row.starts_with('c') || row.starts_with('d')), "{sent:?}");
    let of_day = |day: &str| sent.iter().filter(|row| row.ends_with(day)).count();
    assert_eq!((of_day("sent 1"), of_day("sent 2")), (2, 1), "{sent:?}");
    // A tick decides once on whom it has decided for the day.
    let again = world.engine.plan().await.unwrap();
    assert_eq!(world.engine.plan().await.unwrap().considered, 0, "{again:?}");
}

/// A world whose budget is two mails a day.
fn short_of_mails(db: &Database) -> World {
    let embedded = perennial::config::Files::embedded();
    let (_, cadence) = embedded.iter().find(|(path, _)| *path == "cadence.toml").unwrap();
    let cadence = cadence.replace("#per_day = 5000", "per_day = 2");
    let world =
        World::with(db, &Setup { rules: &[("cadence.toml", &cadence)], ..Setup::default() });
    // The night before Ada's birthday.
    world.wait(at("2026-05-13T22:30:00Z") - world.engine.clock.now());
    world
}

async fn what_the_budget_holds_back_leaves_in_its_window_once_and_not_against_a_wish(
    db: &Database,
) {
    let world = short_of_mails(db);
    let people = ["a", "b", "c", "d", "e", "f"];
    let list: Vec<_> =
        people.iter().map(|name| format!("{name}@example.org,Europe/Berlin")).collect();
    world.contacts(format!("email,zone\n{}", list.join("\n"))).await;
    world.engine.refresh().await.unwrap();
    for hour in 0..24 * 40 {
        world.engine.plan().await.unwrap();
        world.dispatch().await;
        if hour == 24 * 20 {
            world.contacts("email,wants\nf@example.org,none\n").await;
        }
        world.wait(TimeDelta::hours(1));
    }
    let sent = db
        .texts(
            "select c.email || ' ' || o.settled_at from outreach o
                join contacts c on c.id = o.contact_id
                where o.state = 'sent' order by o.settled_at",
        )
        .await;
    assert!(sent.len() >= 6, "{sent:?}");
    let mut latest = std::collections::HashMap::new();
    for row in &sent {
        let (who, ms) = row.split_once(' ').unwrap();
        let when = chrono::DateTime::from_timestamp_millis(ms.parse().unwrap()).unwrap();
        let local = when.with_timezone(&chrono_tz::Europe::Berlin);
        let window = &world.engine.config.rules.window;
        assert!(window.is_open_at(local.time()), "{row}: {local}");
        let before = latest.insert(who.to_owned(), when);
        assert!(before.is_none_or(|before| when - before >= TimeDelta::days(10)), "{row}");
    }
    let planned = db.texts("select state from outreach where state = 'planned'").await;
    assert!(planned.len() <= people.len(), "one mail a contact waits at most: {planned:?}");
}

async fn looking_at_another_time_or_other_rules_writes_nothing(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    let all = "select contact_id || ' ' || standings from standings";
    let ada = address("ada@example.org");
    let explained = world.engine.explain(&ada).await.unwrap();
    assert!(!explained.contact.standings.is_empty(), "placed without being written down");
    assert!(db.texts(all).await.is_empty());
    world.round().await;
    let written = db.texts(all).await;
    assert!(!written.is_empty());
    world.wait(TimeDelta::days(2000));
    let later = world.engine.explain(&ada).await.unwrap();
    assert!(!later.contact.standings.is_empty());
    world.engine.forecast(30, Readers::Silent, |_| (), |_| ()).await.unwrap();
    assert_eq!(db.texts(all).await, written);
}
