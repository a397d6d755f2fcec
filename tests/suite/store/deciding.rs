use perennial::{
    domain::{
        AccountRecord, ContactId, ContactRecord, EmailAddress, Engagement, Locale, Snapshot,
        Suppression, Wish,
    },
    store::Store,
};

use crate::support::{
    at,
    database::Database,
    day, on_both_databases,
    records::{account, address, contact},
    rows::{
        NOW, add_account, add_contacts, contact_id, decided, due, options, person, snapshot,
        suppress, write,
    },
};

on_both_databases!(
    whoever_is_due_comes_longest_due_first_and_in_pages,
    whoever_is_decided_on_is_due_no_more_until_then,
    what_happens_while_a_contact_is_decided_on_is_not_lost,
    everybody_comes_in_pages,
    a_snapshot_says_what_is_known,
    what_nobody_said_is_what_the_configuration_says,
    a_suppression_is_older_than_its_contact_and_outlives_every_import,
    nobody_is_found_under_an_address_that_is_not_on_the_list,
    engagement_survives_and_has_the_contact_decided_on_anew,
    a_row_that_was_broken_by_hand_names_itself,
);

async fn emails(db: &Database, ids: &[ContactId]) -> Vec<String> {
    let facts = db.store.letter_facts(ids.iter().copied()).await.unwrap();
    ids.iter().map(|id| facts[id].email.local().to_owned()).collect()
}

fn ids(page: &[Snapshot]) -> Vec<ContactId> {
    page.iter().map(|contact| contact.id).collect()
}

async fn whoever_is_due_comes_longest_due_first_and_in_pages(db: &Database) {
    let mut again = Vec::new();
    for (name, instant) in [
        ("c", Some("2026-05-14T08:00:00Z")),
        ("never", None),
        ("a", Some("2026-05-12T08:00:00Z")),
        ("later", Some("2026-05-14T09:00:00.001Z")),
        ("b", Some("2026-05-13T08:00:00Z")),
        ("now", Some(NOW)),
    ] {
        let contact = person(&db.store, &format!("{name}@example.org")).await;
        again.push((contact, instant));
    }
    decided(&db.store, &again).await;
    assert_eq!(emails(db, &due(&db.store, NOW, 3).await).await, ["a", "b", "c"]);
    assert_eq!(emails(db, &due(&db.store, NOW, 100).await).await, ["a", "b", "c", "now"]);
    assert_eq!(db.store.overdue(at(NOW)).await.unwrap(), 4);
    let next = db.store.next_decision_at().await.unwrap();
    assert_eq!(next, Some(at("2026-05-12T08:00:00Z")));
}

async fn whoever_is_decided_on_is_due_no_more_until_then(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    assert_eq!(due(&db.store, NOW, 9).await, [ada], "a new one is due");
    let then = "2026-05-15T09:00:00Z";
    decided(&db.store, &[(ada, Some(then))]).await;
    assert!(due(&db.store, NOW, 9).await.is_empty());
    assert_eq!(due(&db.store, then, 9).await, [ada]);
    decided(&db.store, &[(ada, None)]).await;
    assert_eq!(db.store.next_decision_at().await.unwrap(), None);
}

async fn what_happens_while_a_contact_is_decided_on_is_not_lost(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let before = db.store.due(at(NOW), 9).await.unwrap();
    let ask = async |when: &str| {
        let when = at(when);
        write(&db.store, async |tx| tx.decide_at_once([ada].into_iter(), when).await).await;
    };
    ask("2026-05-14T09:00:01Z").await;
    ask("2026-05-14T09:00:01Z").await;
    let then = at("2026-08-01T09:00:00Z");
    for _ in 0..2 {
        write(&db.store, async |tx| tx.decided(&before, &[(ada, then)]).await).await;
        assert_eq!(due(&db.store, NOW, 9).await, [ada], "asked once more meanwhile");
    }
    let meanwhile = db.store.due(at(NOW), 9).await.unwrap();
    write(&db.store, async |tx| tx.decided(&meanwhile, &[(ada, then)]).await).await;
    assert_eq!(db.store.next_decision_at().await.unwrap(), Some(then));
    assert_eq!(db.store.overdue(then).await.unwrap(), 1, "two decisions that agree are one entry");
}

async fn everybody_comes_in_pages(db: &Database) {
    let mut people = Vec::new();
    for name in ["a", "b", "c"] {
        people.push(person(&db.store, &format!("{name}@example.org")).await);
    }
    let page = async |after| ids(&db.store.snapshots(&options(), after, at(NOW), 2).await.unwrap());
    assert_eq!(page(ContactId(0)).await, people[..2]);
    assert_eq!(page(people[1]).await, people[2..]);
    assert_eq!(page(people[2]).await, []);
}

async fn a_snapshot_says_what_is_known(db: &Database) {
    let engines = AccountRecord {
        country: Some("GB".to_owned()),
        cooperation_since: Some(day("2018-09-25")),
        ..account("A-1")
    };
    let engines = add_account(&db.store, engines).await;
    let ada = ContactRecord {
        locale: Some("zh-CN".parse().unwrap()),
        zone: Some(chrono_tz::Asia::Shanghai),
        birthday: Some("lunar:8-15".parse().unwrap()),
        may_send: Some(false),
        ..contact("ada@example.org")
    };
    add_contacts(&db.store, &[(ada, Some(engines))]).await;
    let expected = Snapshot {
        id: contact_id(&db.store, "ada@example.org").await,
        locale: "zh-CN".parse().unwrap(),
        zone: chrono_tz::Asia::Shanghai,
        country: Some("GB".to_owned()),
        birthday: Some("lunar:8-15".parse().unwrap()),
        cooperation_since: Some(day("2018-09-25")),
        known_since: at(NOW),
        may_send: Some(false),
        suppressed: None,
        standings: Vec::new(),
        value_cents: 0,
        engagement: Engagement::default(),
        wish: Wish::default(),
        terms: Vec::new(),
        deeds: Vec::new(),
        last_mail_at: None,
        history: Vec::new(),
    };
    assert_eq!(snapshot(&db.store, "ada@example.org", NOW).await, expected);
}

async fn what_nobody_said_is_what_the_configuration_says(db: &Database) {
    person(&db.store, "ada@example.org").await;
    let ada = snapshot(&db.store, "ada@example.org", NOW).await;
    assert_eq!((ada.locale, ada.zone), (Locale::english(), chrono_tz::Europe::Berlin));
    assert!(ada.may_send.is_none() && ada.country.is_none());
}

async fn a_suppression_is_older_than_its_contact_and_outlives_every_import(db: &Database) {
    assert!(suppress(&db.store, "Ada@Example.org").await);
    person(&db.store, "ada@example.org").await;
    let yes = ContactRecord { may_send: Some(true), ..contact("ADA@example.org") };
    add_contacts(&db.store, &[(yes, None)]).await;
    let ada = snapshot(&db.store, "ada@example.org", NOW).await;
    assert_eq!(ada.suppressed, Some(Suppression::Unsubscribed));
}

async fn nobody_is_found_under_an_address_that_is_not_on_the_list(db: &Database) {
    person(&db.store, "ada@example.org").await;
    let other: EmailAddress = address("ada@example.net");
    assert!(db.store.snapshot_of(&options(), &other, at(NOW)).await.unwrap().is_none());
}

async fn engagement_survives_and_has_the_contact_decided_on_anew(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    decided(&db.store, &[(ada, None)]).await;
    let engagement = Engagement {
        interval_days: Some(60.666),
        last_human_at: Some(at("2026-05-14T09:00:00.123Z")),
    };
    write(&db.store, async |tx| tx.put_engagement(ada, &engagement, at(NOW)).await).await;
    assert_eq!(write(&db.store, async |tx| tx.engagement(ada).await).await, engagement);
    assert_eq!(snapshot(&db.store, "ada@example.org", NOW).await.engagement, engagement);
    assert_eq!(db.store.overdue(at(NOW)).await.unwrap(), 1);
    let news = ContactRecord { level: Some(1), ..contact("ada@example.org") };
    add_contacts(&db.store, &[(news, None)]).await;
    assert_eq!(snapshot(&db.store, "ada@example.org", NOW).await.engagement, engagement);
}

async fn a_row_that_was_broken_by_hand_names_itself(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    for (column, value) in [("zone", "Mars/Olympus"), ("birthday", "someday"), ("engagement", "{")]
    {
        db.execute(&format!("update contacts set {column} = '{value}'")).await;
        let error = complaint(&db.store).await;
        assert_eq!(error, format!("row {} of `contacts` has a bad `{column}`", ada.0));
        let good = if column == "engagement" { "'{}'" } else { "null" };
        db.execute(&format!("update contacts set {column} = {good}")).await;
    }
}

async fn complaint(store: &Store) -> String {
    store.snapshots(&options(), ContactId(0), at(NOW), 9).await.unwrap_err().to_string()
}
