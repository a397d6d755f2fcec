use std::collections::BTreeSet;

use perennial::{
    domain::{
        AccountRecord, ContactId, ContactRecord, ContractRecord, Honorific, OrderRecord,
        Population, RepRecord, TouchKind, TouchRecord, WantedFacts,
    },
    store::{Change, Totals},
};

use crate::support::{
    at,
    database::Database,
    day, on_both_databases,
    records::{account, address, attribute, contact, contract, order, rep, touch},
    rows::{
        NOW, account_id, add_account, add_contacts, contact_id, decided, person, snapshot, write,
    },
};

on_both_databases!(
    what_was_not_committed_is_not_there,
    importing_the_same_rows_twice_changes_nothing,
    a_row_that_says_nothing_new_is_not_decided_on_anew,
    an_import_corrects_and_adds_and_never_blanks,
    an_account_is_found_by_its_key_before_its_name,
    of_two_accounts_with_one_name_the_older_one_is_found,
    two_spellings_of_one_mailbox_are_one_contact,
    a_reps_mail_is_the_last_mail_and_an_older_one_changes_nothing,
    a_call_is_no_mail,
    awkward_words_come_back_as_they_were,
    news_of_an_account_is_news_of_its_contacts,
    reps_and_accounts_that_are_only_named_are_made_once,
    writers_of_the_same_contacts_never_stop_one_another,
);

async fn what_was_not_committed_is_not_there(db: &Database) {
    let mut tx = db.store.begin().await.unwrap();
    let changes = tx.import_contacts(&[(contact("ada@example.org"), None)], at(NOW)).await;
    assert_eq!(changes.unwrap(), [Change::Added]);
    drop(tx);
    assert_eq!(db.store.totals().await.unwrap(), Totals::default());
}

async fn importing_the_same_rows_twice_changes_nothing(db: &Database) {
    assert_eq!(import_one_of_each(db).await, [Change::Added; 6]);
    let totals = db.store.totals().await.unwrap();
    assert_eq!(import_one_of_each(db).await, [Change::Unchanged; 6]);
    assert_eq!(db.store.totals().await.unwrap(), totals);
    let one =
        Totals { contacts: 1, accounts: 1, reps: 1, orders: 1, contracts: 1, touches: 1, ..totals };
    assert_eq!(totals, one);
}

/// A row of each kind with every field filled.
async fn import_one_of_each(db: &Database) -> Vec<Change> {
    let mut tx = db.store.begin().await.unwrap();
    let mut changes = tx.import_reps(&[full_rep()], at(NOW)).await.unwrap();
    let reps = tx.rep_ids(&BTreeSet::from([full_rep().email])).await.unwrap();
    let rep = reps.into_values().next();
    changes.extend(tx.import_accounts(&[(full_account(), rep)], at(NOW)).await.unwrap());
    let accounts = tx.account_ids(&BTreeSet::from(["A-1".to_owned()])).await.unwrap();
    let account = accounts["A-1"];
    changes.extend(tx.import_contacts(&[(full_contact(), Some(account))], at(NOW)).await.unwrap());
    let order = OrderRecord {
        delivered_on: Some(day("2026-02-01")),
        profit_cents: Some(-5),
        ..order("SO-1", "A-1", "2026-01-31")
    };
    changes.extend(tx.import_orders(&[(order, account)], at(NOW)).await.unwrap());
    let contract = ContractRecord {
        value_cents: Some(9_000_000_000_000),
        ..contract("C-1", "A-1", "2026-01-01", "2026-12-31")
    };
    changes.extend(tx.import_contracts(&[(contract, account)], at(NOW)).await.unwrap());
    let contacts = tx.contact_ids(&BTreeSet::from([full_contact().email])).await.unwrap();
    let ada = contacts["ada@example.org"];
    let touch = TouchRecord {
        outcome: Some("她要新报价".to_owned()),
        ..touch("ada@example.org", TouchKind::Visit, "2026-03-01T12:00:00Z")
    };
    changes.extend(tx.import_touches(&[(touch, ada, rep)], at(NOW)).await.unwrap());
    tx.commit().await.unwrap();
    changes
}

fn full_rep() -> RepRecord {
    RepRecord {
        name: Some("周明远".to_owned()),
        title: Some("客户经理".to_owned()),
        phone: Some("+86 21 0000 0101".to_owned()),
        locale: Some("zh-CN".parse().unwrap()),
        zone: Some(chrono_tz::Asia::Shanghai),
        ..rep("zhou@example.com")
    }
}

fn full_account() -> AccountRecord {
    AccountRecord {
        name: Some("Analytical Engines".to_owned()),
        country: Some("GB".to_owned()),
        industry: Some("machines".to_owned()),
        cooperation_since: Some(day("2018-09-25")),
        potential_cents: Some(14_800_000),
        attributes: attribute("urgent", "yes"),
        ..account("A-1")
    }
}

fn full_contact() -> ContactRecord {
    ContactRecord {
        name: Some("Ada Lovelace".to_owned()),
        given_name: Some("Ada".to_owned()),
        family_name: Some("Lovelace".to_owned()),
        honorific: Some(Honorific::Ms),
        title: Some("Analyst".to_owned()),
        phone: Some("+44 20 7946 0101".to_owned()),
        locale: Some("en-GB".parse().unwrap()),
        zone: Some(chrono_tz::Europe::London),
        country: Some("GB".to_owned()),
        birthday: Some("1990-05-14".parse().unwrap()),
        level: Some(2),
        may_send: Some(true),
        may_track: Some(false),
        attributes: attribute("interests", "围棋"),
        ..contact("Ada@example.org")
    }
}

async fn a_row_that_says_nothing_new_is_not_decided_on_anew(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    decided(&db.store, &[(ada, Some("2027-01-01T00:00:00Z"))]).await;
    add_contacts(&db.store, &[(contact("ada@example.org"), None)]).await;
    assert_eq!(db.store.overdue(at(NOW)).await.unwrap(), 0);
    let news = ContactRecord { level: Some(1), ..contact("ada@example.org") };
    assert_eq!(add_contacts(&db.store, &[(news, None)]).await, [Change::Changed]);
    assert_eq!(db.store.overdue(at(NOW)).await.unwrap(), 1);
}

async fn an_import_corrects_and_adds_and_never_blanks(db: &Database) {
    let known = ContactRecord {
        name: Some("Ada".to_owned()),
        may_send: Some(true),
        attributes: attribute("interests", "chess"),
        ..contact("ada@example.org")
    };
    let account = add_account(&db.store, account("A-1")).await;
    add_contacts(&db.store, &[(known, Some(account))]).await;
    let news = ContactRecord {
        may_send: Some(false),
        title: Some("Analyst".to_owned()),
        attributes: attribute("team", "engines"),
        ..contact("ada@example.org")
    };
    assert_eq!(add_contacts(&db.store, &[(news, None)]).await, [Change::Changed]);

    let ada = contact_id(&db.store, "ada@example.org").await;
    let facts = db.store.letter_facts(std::iter::once(ada)).await.unwrap().remove(&ada).unwrap();
    assert_eq!((facts.name.as_str(), facts.title.as_str()), ("Ada", "Analyst"));
    assert_eq!(snapshot(&db.store, "ada@example.org", NOW).await.may_send, Some(false));
    let attributes = db.texts("select attributes from contacts").await;
    assert_eq!(attributes, [r#"{"interests":"chess","team":"engines"}"#]);
    assert_eq!(
        db.texts("select cast(account_id as text) from contacts").await,
        [account.0.to_string()]
    );
}

async fn an_account_is_found_by_its_key_before_its_name(db: &Database) {
    let misleading = AccountRecord { name: Some("A-2".to_owned()), ..account("A-1") };
    let first = add_account(&db.store, misleading).await;
    let second = add_account(&db.store, account("A-2")).await;
    assert_eq!(account_id(&db.store, "A-1").await, Some(first));
    assert_eq!(account_id(&db.store, "A-2").await, Some(second));
    assert_eq!(account_id(&db.store, "A-3").await, None);
}

async fn of_two_accounts_with_one_name_the_older_one_is_found(db: &Database) {
    let named = |key| AccountRecord { name: Some("Engines".to_owned()), ..account(key) };
    let first = add_account(&db.store, named("A-1")).await;
    add_account(&db.store, named("A-2")).await;
    assert_eq!(account_id(&db.store, "Engines").await, Some(first));
}

async fn two_spellings_of_one_mailbox_are_one_contact(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    assert_eq!(person(&db.store, "ADA@Example.ORG").await, ada);
    assert_eq!(db.store.totals().await.unwrap().contacts, 1);
    assert_eq!(db.texts("select email from contacts").await, ["ADA@example.org"]);
}

async fn a_reps_mail_is_the_last_mail_and_an_older_one_changes_nothing(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let mut last = Vec::new();
    for instant in ["2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z", "2026-02-01T12:00:00Z"] {
        let touch = touch("ada@example.org", TouchKind::Email, instant);
        write(&db.store, async |tx| tx.import_touches(&[(touch, ada, None)], at(NOW)).await).await;
        last.push(snapshot(&db.store, "ada@example.org", NOW).await.last_mail_at.unwrap());
    }
    let (march, april) = (at("2026-03-01T12:00:00Z"), at("2026-04-01T12:00:00Z"));
    assert_eq!(last, [march, april, april]);
}

async fn a_call_is_no_mail(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let call = touch("ada@example.org", TouchKind::Call, "2026-03-01T12:00:00Z");
    let planned = touch("ada@example.org", TouchKind::Email, "2026-06-01T12:00:00Z");
    let touches = [(call, ada, None), (planned, ada, None)];
    write(&db.store, async |tx| tx.import_touches(&touches, at(NOW)).await).await;
    assert_eq!(snapshot(&db.store, "ada@example.org", NOW).await.last_mail_at, None);
}

/// What would break a statement that was put together of texts, or its JSON.
const AWKWARD: &str = r#"O'Brien "\" \u0000 {{name}} %s $1 ; drop table contacts; -- 𝔄🎂 "#;

async fn awkward_words_come_back_as_they_were(db: &Database) {
    let record = ContactRecord {
        name: Some(AWKWARD.to_owned()),
        attributes: attribute(AWKWARD, AWKWARD),
        ..contact("o'brien+x@example.org")
    };
    let rows = [(record, None)];
    assert_eq!(add_contacts(&db.store, &rows).await, [Change::Added]);
    assert_eq!(add_contacts(&db.store, &rows).await, [Change::Unchanged]);
    assert_eq!(db.texts("select name from contacts").await, [AWKWARD]);
    assert!(
        db.store
            .snapshot_of(
                &crate::support::rows::options(),
                &address("o'brien+x@example.org"),
                at(NOW),
            )
            .await
            .unwrap()
            .is_some()
    );
}

async fn news_of_an_account_is_news_of_its_contacts(db: &Database) {
    let account = add_account(&db.store, account("A-1")).await;
    let inside = (contact("ada@example.org"), Some(account));
    add_contacts(&db.store, &[inside, (contact("bob@example.org"), None)]).await;
    let ids = [
        contact_id(&db.store, "ada@example.org").await,
        contact_id(&db.store, "bob@example.org").await,
    ];
    decided(&db.store, &ids.map(|id| (id, None))).await;
    let stale = async || {
        let few = (10, WantedFacts::default());
        db.store.facts(ContactId(0), true, day("2026-05-14"), few).await.unwrap()
    };
    let known = stale().await;
    write(&db.store, async |tx| tx.classified(&known, &[], at(NOW)).await).await;
    let surveyed = Population::default();
    write(&db.store, async |tx| tx.put_population(&surveyed).await).await;
    assert_eq!(db.store.population().await.unwrap(), Some(surveyed));
    let touched = BTreeSet::from([account]);
    write(&db.store, async |tx| tx.touch_accounts(&touched, at(NOW)).await).await;
    let stale: Vec<_> = stale().await.into_iter().map(|known| known.contact).collect();
    assert_eq!(stale, ids[..1]);
    assert_eq!(db.store.population().await.unwrap(), None, "accounts are surveyed anew");
    assert_eq!(db.store.overdue(at(NOW)).await.unwrap(), 1);
}

async fn reps_and_accounts_that_are_only_named_are_made_once(db: &Database) {
    let names = BTreeSet::from(["Engines".to_owned(), "Looms".to_owned()]);
    let reps = BTreeSet::from([address("Zhou@example.com")]);
    for _ in 0..2 {
        write(&db.store, async |tx| {
            tx.add_accounts(&names).await?;
            tx.add_reps(&reps).await
        })
        .await;
    }
    let Totals { accounts, reps, .. } = db.store.totals().await.unwrap();
    assert_eq!((accounts, reps), (2, 1));
    let engines = account_id(&db.store, "Engines").await.unwrap();
    let full = AccountRecord { country: Some("GB".to_owned()), ..account("Engines") };
    assert_eq!(add_account(&db.store, full).await, engines, "a file that tells more finds it");
}

/// Enough contacts that one statement on them takes longer than another one needs to begin.
const CROWD: usize = 600;

async fn writers_of_the_same_contacts_never_stop_one_another(db: &Database) {
    let list = |level: u8, is_backwards: bool| {
        let record =
            |n| ContactRecord { level: Some(level), ..contact(&format!("p{n}@example.org")) };
        let mut list: Vec<_> = (0..CROWD).map(|n| (record(n), None)).collect();
        if is_backwards {
            list.reverse();
        }
        list
    };
    add_contacts(&db.store, &list(1, false)).await;
    let first = contact_id(&db.store, "p0@example.org").await.0;
    let ids: Vec<_> = (first..).map(ContactId).take(CROWD).collect();
    let mut writers = tokio::task::JoinSet::new();
    for is_backwards in [false, true] {
        let store = db.store.clone();
        let lists = (2..=5).map(|level| list(level, is_backwards)).collect::<Vec<_>>();
        writers.spawn(async move {
            for list in &lists {
                add_contacts(&store, list).await;
            }
        });
        let (store, mut ids) = (db.store.clone(), ids.clone());
        if is_backwards {
            ids.reverse();
        }
        let again: Vec<_> = ids.iter().map(|id| (*id, at(NOW))).collect();
        writers.spawn(async move {
            for _ in 0..8 {
                let due = store.due(at(NOW), u32::MAX).await.unwrap();
                write(&store, async |tx| tx.decided(&due, &again).await).await;
                let few = (u32::MAX, WantedFacts::default());
                let known = store.facts(ContactId(0), true, day("2026-05-14"), few).await.unwrap();
                write(&store, async |tx| tx.classified(&known, &ids, at(NOW)).await).await;
            }
        });
    }
    writers.join_all().await;
}
