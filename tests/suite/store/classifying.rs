use perennial::{
    domain::{
        AccountRecord, ContactId, ContactRecord, Engagement, Facts, OrderRecord, Standing,
        TierMove, WantedFacts,
    },
    store::{ContactFacts, Stood, Totals},
};

use crate::support::{
    at,
    database::Database,
    day, on_both_databases,
    records::{account, attribute, contact, contract, order},
    rows::{NOW, add_account, add_contacts, contact_id, decided, due, person, write},
};

on_both_databases!(
    facts_sum_the_orders_of_the_last_365_days_only,
    a_contacts_own_word_goes_before_its_accounts,
    of_a_contact_alone_nothing_is_known,
    facts_come_in_pages_and_stale_ones_alone_if_asked_for,
    orders_of_earlier_years_deliveries_and_gaps_are_facts_too,
    what_a_contact_did_is_a_fact,
    an_account_has_facts_without_its_contacts,
    a_contact_stands_where_it_was_put_last,
    moves_are_kept_in_their_order,
    only_those_who_moved_are_decided_on_anew,
    what_is_asked_for_after_the_facts_were_read_is_still_due,
    rules_are_adopted_once_and_then_everybody_is_decided_on,
);

/// Everything that costs a query of its own.
const ALL: WantedFacts = WantedFacts { gaps: true, mails: true, clicks: true };

async fn known(db: &Database, contact: ContactId, today: &str) -> ContactFacts {
    let after = ContactId(contact.0 - 1);
    let known = db.store.facts(after, false, day(today), (1, ALL)).await.unwrap().remove(0);
    assert_eq!(known.contact, contact);
    known
}

async fn facts(db: &Database, contact: ContactId, today: &str) -> Facts {
    known(db, contact, today).await.facts
}

async fn classified(db: &Database, contacts: &[ContactId], moved: &[ContactId]) {
    for contact in contacts {
        let known = [known(db, *contact, "2026-05-14").await];
        write(&db.store, async |tx| tx.classified(&known, moved, at(NOW)).await).await;
    }
}

/// Who is to be classified anew.
async fn stale(db: &Database) -> Vec<ContactId> {
    let page = db.store.facts(ContactId(0), true, day("2026-05-14"), (10, ALL)).await.unwrap();
    page.into_iter().map(|known| known.contact).collect()
}

async fn facts_sum_the_orders_of_the_last_365_days_only(db: &Database) {
    let engines = add_account(&db.store, account("A-1")).await;
    let looms = add_account(&db.store, account("A-2")).await;
    add_contacts(&db.store, &[(contact("ada@example.org"), Some(engines))]).await;
    let profitable = |order| OrderRecord { profit_cents: Some(2_550), ..order };
    let orders = [
        (profitable(order("a year and a day ago", "A-1", "2025-05-14")), engines),
        (profitable(order("the first day of the year", "A-1", "2025-05-15")), engines),
        (order("today", "A-1", "2026-05-14"), engines),
        (OrderRecord { amount_cents: -5_025, ..order("returned", "A-1", "2026-05-13") }, engines),
        (order("tomorrow", "A-1", "2026-05-15"), engines),
        (order("another account's", "A-2", "2026-05-14"), looms),
    ];
    let contracts = [
        (contract("C-1", "A-1", "2026-01-01", "2026-12-31"), engines),
        (contract("C-2", "A-1", "2025-01-01", "2025-12-31"), engines),
    ];
    write(&db.store, async |tx| {
        tx.import_orders(&orders, at(NOW)).await?;
        tx.import_contracts(&contracts, at(NOW)).await
    })
    .await;

    let ada = contact_id(&db.store, "ada@example.org").await;
    let expected = Facts {
        revenue_12m: 149.75,
        revenue_prev_12m: 100.0,
        profit_12m: 25.5,
        orders_12m: 3,
        order_count: 4,
        typical_gap_days: Some(1),
        last_order_on: Some(day("2026-05-14")),
        contract_ends_on: Some(day("2026-12-31")),
        ..Facts::default()
    };
    assert_eq!(facts(db, ada, "2026-05-14").await, expected);
}

async fn a_contacts_own_word_goes_before_its_accounts(db: &Database) {
    let mut attributes = attribute("urgent", "no");
    attributes.extend(attribute("can_pay", "yes"));
    let record = AccountRecord {
        country: Some("GB".to_owned()),
        industry: Some("machines".to_owned()),
        cooperation_since: Some(day("2018-09-25")),
        potential_cents: Some(10_050),
        attributes,
        ..account("A-1")
    };
    let engines = add_account(&db.store, record).await;
    let ada = ContactRecord {
        country: Some("DE".to_owned()),
        locale: Some("de".parse().unwrap()),
        level: Some(2),
        attributes: attribute("urgent", "yes"),
        ..contact("ada@example.org")
    };
    add_contacts(&db.store, &[(ada, Some(engines)), (contact("bob@example.org"), Some(engines))])
        .await;

    let ada = contact_id(&db.store, "ada@example.org").await;
    let mut expected = Facts {
        potential: 100.5,
        cooperation_since: Some(day("2018-09-25")),
        level: Some(2),
        country: "DE".to_owned(),
        locale: "de".to_owned(),
        industry: "machines".to_owned(),
        attributes: attribute("urgent", "yes"),
        ..Facts::default()
    };
    expected.attributes.extend(attribute("can_pay", "yes"));
    assert_eq!(facts(db, ada, "2026-05-14").await, expected);
    let bob = contact_id(&db.store, "bob@example.org").await;
    let bob = facts(db, bob, "2026-05-14").await;
    assert_eq!((bob.country.as_str(), bob.attributes["urgent"].as_str()), ("GB", "no"));
}

async fn of_a_contact_alone_nothing_is_known(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    assert_eq!(facts(db, ada, "2026-05-14").await, Facts::default());
}

async fn facts_come_in_pages_and_stale_ones_alone_if_asked_for(db: &Database) {
    let mut people = Vec::new();
    for name in ["a", "b", "c", "d"] {
        people.push(person(&db.store, &format!("{name}@example.org")).await);
    }
    classified(db, &people[1..2], &[]).await;
    let page = async |after: ContactId, stale, limit| {
        let page = db.store.facts(after, stale, day("2026-05-14"), (limit, ALL)).await.unwrap();
        page.into_iter().map(|known| known.contact).collect::<Vec<_>>()
    };
    assert_eq!(page(ContactId(0), false, 3).await, people[..3]);
    assert_eq!(page(people[2], false, 3).await, people[3..]);
    assert_eq!(page(people[3], false, 3).await, []);
    assert_eq!(page(ContactId(0), true, 10).await, [people[0], people[2], people[3]]);
}

fn standing(scheme: &str, tier: &str, since: &str) -> Standing {
    let reason = format!("{tier}: revenue_12m = 1 ≥ 0");
    Standing { scheme: scheme.to_owned(), tier: tier.to_owned(), since: at(since), reason }
}

async fn standings(db: &Database, contact: ContactId) -> Vec<Standing> {
    let mut found = db.store.standings([contact].into_iter()).await.unwrap();
    found.remove(&contact).unwrap_or_default()
}

fn stood(standings: &[&Standing]) -> Stood {
    Stood { value_cents: 250, standings: standings.iter().map(|s| (*s).clone()).collect() }
}

async fn a_contact_stands_where_it_was_put_last(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    let (last, bonus) = (standing("priority", "last", NOW), standing("readiness", "bonus", NOW));
    let first = [(ada, stood(&[&last, &bonus])), (bob, stood(&[&last]))];
    write(&db.store, async |tx| tx.put_standings(&first).await).await;
    assert_eq!(standings(db, ada).await, [last.clone(), bonus]);

    let moved = standing("priority", "general", "2026-06-01T00:00:00Z");
    write(&db.store, async |tx| tx.put_standings(&[(ada, stood(&[&moved]))]).await).await;
    assert_eq!(standings(db, ada).await, std::slice::from_ref(&moved), "the other is gone");
    assert_eq!(standings(db, bob).await, [last]);
    let known = db.store.stood([ada].into_iter()).await.unwrap().remove(&ada);
    assert_eq!(known, Some(stood(&[&moved])));
}

async fn moves_are_kept_in_their_order(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    let gone = |to: &str, when: &str| TierMove {
        scheme: "priority".to_owned(),
        from: "last".to_owned(),
        to: to.to_owned(),
        at: at(when),
        reason: "orders_12m > 0 (orders_12m = 1)".to_owned(),
    };
    let first = gone("general", "2026-05-14T00:00:00Z");
    let second = gone("priority", "2026-05-15T00:00:00Z");
    let moves = [(ada, first.clone()), (bob, first.clone()), (ada, second.clone())];
    write(&db.store, async |tx| tx.add_moves(&moves).await).await;
    assert_eq!(db.store.moves(ada).await.unwrap(), [second.clone(), first]);
    assert_eq!(db.store.moves_since(second.at).await.unwrap(), [(ada, second)]);
}

async fn orders_of_earlier_years_deliveries_and_gaps_are_facts_too(db: &Database) {
    let engines = add_account(&db.store, account("A-1")).await;
    add_contacts(&db.store, &[(contact("ada@example.org"), Some(engines))]).await;
    let delivered = |order, on| OrderRecord { delivered_on: Some(day(on)), ..order };
    let orders = [
        (order("too old", "A-1", "2024-05-14"), engines),
        (order("before", "A-1", "2024-05-24"), engines),
        (delivered(order("delivered", "A-1", "2026-05-01"), "2026-05-10"), engines),
        (delivered(order("on its way", "A-1", "2026-05-11"), "2026-05-20"), engines),
    ];
    write(&db.store, async |tx| tx.import_orders(&orders, at(NOW)).await).await;
    let ada = contact_id(&db.store, "ada@example.org").await;
    let expected = Facts {
        revenue_12m: 200.0,
        revenue_prev_12m: 100.0,
        orders_12m: 2,
        order_count: 4,
        last_order_on: Some(day("2026-05-11")),
        last_delivery_on: Some(day("2026-05-10")),
        typical_gap_days: Some(10),
        ..Facts::default()
    };
    let known = known(db, ada, "2026-05-14").await;
    assert_eq!((known.facts, known.value_cents, known.account), (expected, 20_000, Some(engines)));
    let few = (1, WantedFacts::default());
    let page = db.store.facts(ContactId(0), false, day("2026-05-14"), few).await.unwrap();
    assert_eq!(page[0].facts.typical_gap_days, None, "nobody asked for it");
}

async fn what_a_contact_did_is_a_fact(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    classified(db, &[ada], &[]).await;
    let engagement =
        Engagement { interval_days: Some(20.5), last_human_at: Some(at("2026-05-01T08:00:00Z")) };
    write(&db.store, async |tx| tx.put_engagement(ada, &engagement, at(NOW)).await).await;
    assert_eq!(stale(db).await, [ada], "its tier may depend on it");
    let expected = Facts {
        last_human_on: Some(day("2026-05-01")),
        interval_days: Some(20.5),
        ..Facts::default()
    };
    assert_eq!(facts(db, ada, "2026-05-14").await, expected);
}

async fn an_account_has_facts_without_its_contacts(db: &Database) {
    let record = AccountRecord {
        rep: Some("rep@example.org".parse().unwrap()),
        attributes: attribute("reach", "yes"),
        ..account("A-1")
    };
    let engines = add_account(&db.store, record).await;
    let orders = [(order("1", "A-1", "2026-05-01"), engines)];
    write(&db.store, async |tx| tx.import_orders(&orders, at(NOW)).await).await;
    let page = db.store.account_facts(perennial::domain::AccountId(0), day("2026-05-14"), (5, ALL));
    let mut page = page.await.unwrap();
    let (id, facts) = page.remove(0);
    assert!(page.is_empty());
    assert_eq!((id, facts.revenue_12m), (engines, 100.0));
    assert_eq!(facts.attributes, attribute("reach", "yes"));
}

async fn only_those_who_moved_are_decided_on_anew(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    decided(&db.store, &[(ada, None), (bob, None)]).await;
    classified(db, &[ada, bob], &[bob]).await;
    assert_eq!(due(&db.store, NOW, 9).await, [bob]);
    assert_eq!(stale(db).await, []);
    assert!(!db.store.has_classification_due().await.unwrap());
}

async fn what_is_asked_for_after_the_facts_were_read_is_still_due(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let before = [known(db, ada, "2026-05-14").await];
    let later = at(NOW) + chrono::TimeDelta::milliseconds(1);
    write(&db.store, async |tx| tx.classify_at_once([ada].into_iter(), later).await).await;
    write(&db.store, async |tx| tx.classified(&before, &[], later).await).await;
    assert_eq!(stale(db).await, [ada]);
    classified(db, &[ada], &[]).await;
    assert_eq!(stale(db).await, []);
}

async fn rules_are_adopted_once_and_then_everybody_is_decided_on(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    decided(&db.store, &[(ada, None)]).await;
    let adopt = async |rules: &str| {
        let changed = write(&db.store, async |tx| tx.adopt_rules(rules, at(NOW)).await).await;
        let asked = due(&db.store, NOW, 9).await.len();
        decided(&db.store, &[(ada, None)]).await;
        (changed, asked)
    };
    assert_eq!(adopt("one").await, (true, 1));
    assert_eq!(adopt("one").await, (false, 0));
    assert_eq!(adopt("two").await, (true, 1));
    assert_eq!(db.store.classified("two").await.unwrap(), None);
    write(&db.store, async |tx| tx.all_classified_by("two", at(NOW)).await).await;
    assert_eq!(db.store.classified("two").await.unwrap(), Some(at(NOW)));
    assert_eq!(db.store.totals().await.unwrap(), Totals { contacts: 1, ..Totals::default() });
}
