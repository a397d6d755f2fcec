//! What the sample lists promise to the demo and to the documentation.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;

use super::*;
use crate::domain::{
    AccountRecord, Columns, ContactRecord, ImportKind, LeapDay, Locale, OrderRecord, Record,
    TouchKind, TouchRecord,
};

fn sample(kind: ImportKind) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(format!("{kind}.csv"))
}

fn records(kind: ImportKind) -> Vec<Record> {
    let mut sheet = Sheet::open(&sample(kind)).unwrap();
    let columns = Columns::map(kind, sheet.headers(), &[]).unwrap();
    assert_eq!(columns.ignored().count(), 0, "{kind}");
    let mut record = StringRecord::new();
    let mut records = Vec::new();
    while let Some(line) = sheet.next_record(&mut record).unwrap() {
        let cells: Vec<&str> = record.iter().collect();
        records.push(columns.parse(&cells).unwrap_or_else(|p| panic!("{kind} line {line}: {p:?}")));
    }
    records
}

fn contacts() -> Vec<ContactRecord> {
    records(ImportKind::Contacts)
        .into_iter()
        .filter_map(|r| if let Record::Contact(contact) = r { Some(contact) } else { None })
        .collect()
}

fn accounts() -> Vec<AccountRecord> {
    records(ImportKind::Accounts)
        .into_iter()
        .filter_map(|r| if let Record::Account(account) = r { Some(account) } else { None })
        .collect()
}

fn orders() -> Vec<OrderRecord> {
    records(ImportKind::Orders)
        .into_iter()
        .filter_map(|r| if let Record::Order(order) = r { Some(order) } else { None })
        .collect()
}

fn touches() -> Vec<TouchRecord> {
    records(ImportKind::Touches)
        .into_iter()
        .filter_map(|r| if let Record::Touch(touch) = r { Some(touch) } else { None })
        .collect()
}

fn sample_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, 25).unwrap()
}

#[test]
fn every_line_of_every_sample_is_understood() {
    let counts = ImportKind::ALL.map(|kind| records(kind).len());
    assert!(counts.iter().all(|count| *count >= 6), "{counts:?}");
    assert_eq!((accounts().len(), contacts().len()), (60, 300));
}

#[test]
fn samples_refer_to_nobody_who_could_exist() {
    let addresses = contacts().into_iter().map(|contact| contact.email);
    let touched =
        touches().into_iter().flat_map(|touch| [Some(touch.contact), touch.rep]).flatten();
    let reps = accounts().into_iter().filter_map(|account| account.rep);
    for address in addresses.chain(touched).chain(reps) {
        assert!(address.domain().ends_with(".example"), "{}", address.domain());
    }
}

#[test]
fn samples_refer_to_each_other() {
    let keys: BTreeSet<_> = accounts().into_iter().map(|account| account.key).collect();
    let contacts = contacts();
    let people: BTreeSet<_> = contacts.iter().map(|contact| contact.email.match_key()).collect();
    assert_eq!(people.len(), contacts.len(), "an address is given twice");
    assert!(
        contacts.iter().filter_map(|contact| contact.account.as_ref()).all(|a| keys.contains(a))
    );
    assert!(orders().iter().all(|order| keys.contains(&order.account)));
    assert!(touches().iter().all(|touch| people.contains(&touch.contact.match_key())));
}

#[test]
fn people_of_both_languages_have_their_birthday_on_the_sample_day() {
    let today: Vec<_> = contacts()
        .into_iter()
        .filter(|contact| {
            let birthday =
                contact.birthday.map(|b| b.next_on_or_after(sample_day(), LeapDay::Feb28));
            birthday == Some(sample_day())
        })
        .collect();
    let chinese =
        |contact: &&ContactRecord| contact.locale.as_ref().is_some_and(Locale::is_chinese);
    let by_moon = today.iter().filter(|c| c.birthday.is_some_and(|b| b.is_lunar())).count();
    assert!(today.iter().filter(chinese).count() >= 4 && by_moon >= 1, "{}", today.len());
    assert!(today.iter().filter(|contact| !chinese(contact)).count() >= 3, "{}", today.len());
}

#[test]
fn cooperations_have_their_anniversary_on_the_sample_day() {
    let today = accounts()
        .iter()
        .filter_map(|account| account.cooperation_since)
        .filter(|since| since.to_string().ends_with("-09-25"))
        .count();
    assert!((2..=8).contains(&today), "{today}");
}

#[test]
fn a_fifth_of_the_accounts_brings_most_of_the_revenue() {
    let mut revenue = std::collections::BTreeMap::<_, i64>::new();
    for order in orders() {
        *revenue.entry(order.account).or_default() += order.amount_cents;
    }
    let mut sums: Vec<_> = revenue.into_values().collect();
    sums.sort_unstable_by(|a, b| b.cmp(a));
    let (top, all): (i64, i64) = (sums[..12].iter().sum(), sums.iter().sum());
    assert!((75..=85).contains(&(top * 100 / all)), "{} %", top * 100 / all);
}

#[test]
fn the_last_mails_are_of_every_age() {
    let ages: Vec<_> = touches()
        .iter()
        .filter(|touch| touch.kind == TouchKind::Email)
        .map(|touch| (sample_day() - touch.at.date_naive()).num_days())
        .collect();
    for span in [1..=20_i64, 21..=80, 81..=270] {
        assert!(ages.iter().filter(|age| span.contains(*age)).count() >= 20, "{span:?}");
    }
}
