use perennial::{
    domain::{AccountRecord, ContactId, ContactRecord, Facts, OrderRecord, Standing},
    store::Totals,
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
    a_contact_stands_where_it_was_put_last,
    a_scheme_that_is_gone_is_forgotten,
    only_those_who_moved_are_decided_on_anew,
    rules_are_adopted_once_and_then_everybody_is_looked_at,
);

async fn facts(db: &Database, contact: ContactId, today: &str) -> Facts {
    let after = ContactId(contact.0 - 1);
    let (id, facts) = db.store.facts(after, false, day(today), 1).await.unwrap().remove(0);
    assert_eq!(id, contact);
    facts
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
        profit_12m: 25.5,
        orders_12m: 3,
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
    write(&db.store, async |tx| tx.classified(&people[1..2], &[], at(NOW)).await).await;
    let page = async |after: ContactId, stale, limit| {
        let page = db.store.facts(after, stale, day("2026-05-14"), limit).await.unwrap();
        page.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
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

async fn a_contact_stands_where_it_was_put_last(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    let (last, bonus) = (standing("priority", "last", NOW), standing("readiness", "bonus", NOW));
    let first = [(ada, last.clone()), (ada, bonus.clone()), (bob, last.clone())];
    write(&db.store, async |tx| tx.put_standings(&first).await).await;
    assert_eq!(standings(db, ada).await, [last.clone(), bonus.clone()]);

    let moved = standing("priority", "general", "2026-06-01T00:00:00Z");
    write(&db.store, async |tx| tx.put_standings(&[(ada, moved.clone())]).await).await;
    assert_eq!(standings(db, ada).await, [moved, bonus]);
    assert_eq!(standings(db, bob).await, [last]);
}

async fn a_scheme_that_is_gone_is_forgotten(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let (last, bonus) = (standing("priority", "last", NOW), standing("readiness", "bonus", NOW));
    let both = [(ada, last.clone()), (ada, bonus)];
    write(&db.store, async |tx| tx.put_standings(&both).await).await;
    let kept = ["priority".to_owned()];
    write(&db.store, async |tx| tx.drop_schemes_except(&kept).await).await;
    assert_eq!(standings(db, ada).await, [last]);
    write(&db.store, async |tx| tx.drop_schemes_except(&[]).await).await;
    assert_eq!(standings(db, ada).await, []);
}

async fn only_those_who_moved_are_decided_on_anew(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    decided(&db.store, &[(ada, None), (bob, None)]).await;
    write(&db.store, async |tx| tx.classified(&[ada, bob], &[bob], at(NOW)).await).await;
    assert_eq!(due(&db.store, NOW, 9).await, [bob]);
    assert!(db.texts("select email from contacts where reclassify = 1").await.is_empty());
}

async fn rules_are_adopted_once_and_then_everybody_is_looked_at(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let adopt = async |rules: &str| {
        let changed = write(&db.store, async |tx| tx.adopt_rules(rules, at(NOW)).await).await;
        let stale = db.texts("select email from contacts where reclassify = 1").await.len();
        write(&db.store, async |tx| tx.classified(&[ada], &[], at(NOW)).await).await;
        decided(&db.store, &[(ada, None)]).await;
        (changed, stale)
    };
    assert_eq!(adopt("one").await, (true, 1));
    assert_eq!(adopt("one").await, (false, 0));
    assert_eq!(adopt("two").await, (true, 1));
    assert_eq!(db.store.totals().await.unwrap(), Totals { contacts: 1, ..Totals::default() });
}
