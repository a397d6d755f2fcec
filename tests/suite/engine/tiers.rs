use chrono::TimeDelta;
use perennial::domain::{Fate, ImportKind, NotMeant};

use crate::support::{
    database::Database,
    on_both_databases,
    records::address,
    world::{Setup, World},
};

on_both_databases!(
    contacts_have_the_place_of_their_account,
    layers_are_each_reps_own,
    a_tier_is_left_after_its_dwell_time_and_the_move_is_kept,
    the_rule_of_an_audience_admits_whom_it_fits,
    a_percentile_counts_the_accounts_with_no_more,
);

/// Where a contact stands in a scheme.
async fn tier(world: &World, email: &str, scheme: &str) -> Option<String> {
    let found = world.engine.explain(&address(email)).await.unwrap();
    let standing = found.contact.standings.into_iter().find(|s| s.scheme == scheme);
    standing.map(|standing| standing.tier)
}

async fn tiers(world: &World, emails: &[&str], scheme: &str) -> Vec<String> {
    let mut all = Vec::new();
    for email in emails {
        all.push(tier(world, &format!("{email}@example.org"), scheme).await.unwrap());
    }
    all
}

const PEOPLE: &str = "email,company\n\
                      ada@example.org,Engines\n\
                      bob@example.org,Engines\n\
                      carl@example.org,Looms\n\
                      dora@example.org,\n";

const ORDERS: &str = "order,account,date,amount\n\
                      1,Engines,2026-05-01,900\n\
                      2,Looms,2026-05-01,500\n\
                      3,Mills,2026-05-01,100\n";

/// A world with one scheme besides `priority`, and these people and orders.
async fn world(db: &Database, scheme: &str) -> World {
    let rules = format!("{PRIORITY}{scheme}");
    let world = World::with(db, &Setup { rules: &[("tiers.toml", &rules)], ..Setup::default() });
    world.contacts(PEOPLE).await;
    world.import(ImportKind::Accounts, "key\nMills\n").await;
    world.import(ImportKind::Orders, ORDERS).await;
    world.engine.refresh().await.unwrap();
    world
}

const PRIORITY: &str = "[[scheme]]\nkey = 'priority'\n\
    [[scheme.tier]]\nkey = 'priority'\nwhen = 'revenue_12m > 1000000'\n\
    [[scheme.tier]]\nkey = 'general'\nwhen = 'revenue_12m > 500000'\n\
    [[scheme.tier]]\nkey = 'last'\n";

const HALF: &str = "[[scheme]]\nkey = 'value'\n\
    [[scheme.tier]]\nkey = 'top'\ntop = { percent = 50, by = 'revenue_12m' }\n\
    [[scheme.tier]]\nkey = 'rest'\n";

async fn contacts_have_the_place_of_their_account(db: &Database) {
    let world = world(db, HALF).await;
    let found = tiers(&world, &["ada", "bob", "carl", "dora"], "value").await;
    assert_eq!(found, ["top", "top", "top", "rest"], "two of three accounts, rounded up");
    let more = "order,account,date,amount\n4,Mills,2026-05-02,600\n";
    world.import(ImportKind::Orders, more).await;
    assert_eq!(world.engine.refresh().await.unwrap().considered, 0, "it has no contacts");
    world.engine.reclassify(false).await.unwrap();
    let found = tiers(&world, &["ada", "carl", "dora"], "value").await;
    assert_eq!(found, ["top", "rest", "rest"]);
    let ada = world.engine.explain(&address("ada@example.org")).await.unwrap();
    assert_eq!(ada.contact.value_cents, 90_000);
    assert_eq!(ada.moves, [], "the first tier is no move");
    let carl = world.engine.explain(&address("carl@example.org")).await.unwrap();
    let gone = &carl.moves[0];
    assert_eq!((gone.from.as_str(), gone.to.as_str()), ("top", "rest"));
}

async fn layers_are_each_reps_own(db: &Database) {
    let world = World::new(db);
    let accounts = "key,rep,potential\n\
                    Engines,rep@example.com,100\n\
                    Looms,rep@example.com,90\n\
                    Mills,other@example.com,80\n\
                    Saws,,70\n";
    world.import(ImportKind::Accounts, accounts).await;
    let people =
        "email,company\nada@example.org,Engines\nmia@example.org,Mills\nsam@example.org,Saws\n";
    world.contacts(people).await;
    world.engine.refresh().await.unwrap();
    let found = tiers(&world, &["ada", "mia", "sam"], "layers").await;
    assert_eq!(found, ["win", "win", "other"]);
}

const DWELLING: &str = "[[scheme]]\nkey = 'face'\ndwell = '10 days'\n\
    [[scheme.tier]]\nkey = 'lately'\nwhen = 'days_since_order < 20'\n\
    [[scheme.tier]]\nkey = 'other'\n";

async fn a_tier_is_left_after_its_dwell_time_and_the_move_is_kept(db: &Database) {
    let world = world(db, DWELLING).await;
    assert_eq!(tier(&world, "ada@example.org", "face").await.unwrap(), "lately");
    world.wait(TimeDelta::days(9));
    world.engine.reclassify(false).await.unwrap();
    assert_eq!(tier(&world, "ada@example.org", "face").await.unwrap(), "lately");
    world.wait(TimeDelta::days(2));
    assert_eq!(world.engine.reclassify(false).await.unwrap().moved, 3);
    assert_eq!(tier(&world, "ada@example.org", "face").await.unwrap(), "other");
    let since = world.store().moves_since(now_of(&world)).await.unwrap();
    assert_eq!(since.len(), 3);
    world.wait(TimeDelta::days(1));
    let again = "order,account,date,amount\n9,Engines,2026-05-24,1\n";
    world.import(ImportKind::Orders, again).await;
    world.engine.refresh().await.unwrap();
    let ada = world.engine.explain(&address("ada@example.org")).await.unwrap();
    let told: Vec<_> =
        ada.moves.iter().map(|gone| (gone.to.as_str(), gone.reason.as_str())).collect();
    assert_eq!(told, [("lately", "days_since_order < 20 (days_since_order = 2)"), ("other", "")]);
}

fn now_of(world: &World) -> chrono::DateTime<chrono::Utc> {
    world.engine.clock.now()
}

const CHECK_IN: &str = "occasion = 'check-in'\n[audience]\n\
                        when = 'attr(\"culture\") == \"CN\" || clicks_365d > 0'\n";

async fn the_rule_of_an_audience_admits_whom_it_fits(db: &Database) {
    let rules = [("campaigns/check-in.toml", CHECK_IN)];
    let world = World::with(db, &Setup { rules: &rules, ..Setup::default() });
    world.contacts("email,culture\nada@example.org,CN\nbob@example.org,\n").await;
    world.engine.refresh().await.unwrap();
    let scheme = "campaign:check-in";
    assert_eq!(tier(&world, "ada@example.org", scheme).await.as_deref(), Some("audience"));
    assert_eq!(tier(&world, "bob@example.org", scheme).await, None);
    let place = world.engine.config.rules.campaigns.iter().position(|c| c.key == "check-in");
    let bob = world.engine.explain(&address("bob@example.org")).await.unwrap();
    let fate = bob.decision.considered.iter().find(|entry| Some(entry.campaign) == place);
    assert_eq!(fate.unwrap().fate, Fate::NotMeant(NotMeant::Rule));

    world.contacts("email,culture\nada@example.org,DE\nbob@example.org,CN\n").await;
    assert_eq!(world.engine.refresh().await.unwrap().moved, 2);
    assert_eq!(tier(&world, "ada@example.org", scheme).await, None);
    assert_eq!(tier(&world, "bob@example.org", scheme).await.as_deref(), Some("audience"));
}

const PERCENTILE: &str = "[[scheme]]\nkey = 'value'\n\
    [[scheme.tier]]\nkey = 'best'\nwhen = 'revenue_percentile > 99.0'\n\
    [[scheme.tier]]\nkey = 'middle'\nwhen = 'revenue_percentile >= 66'\n\
    [[scheme.tier]]\nkey = 'rest'\n";

async fn a_percentile_counts_the_accounts_with_no_more(db: &Database) {
    let world = world(db, PERCENTILE).await;
    let found = tiers(&world, &["ada", "carl", "dora"], "value").await;
    assert_eq!(found, ["best", "middle", "rest"]);
}
