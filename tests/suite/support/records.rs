//! Records as files bring them in, each with nothing known but its key.
use std::collections::BTreeMap;

use perennial::domain::{
    AccountRecord, ContactRecord, ContractRecord, EmailAddress, OrderRecord, RepRecord, TouchKind,
    TouchRecord, Wish,
};

use super::{at, day};

pub(crate) fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

pub(crate) fn contact(email: &str) -> ContactRecord {
    ContactRecord {
        email: address(email),
        name: None,
        given_name: None,
        family_name: None,
        honorific: None,
        title: None,
        phone: None,
        account: None,
        locale: None,
        zone: None,
        country: None,
        birthday: None,
        level: None,
        may_send: None,
        may_track: None,
        wish: Wish::default(),
        attributes: BTreeMap::new(),
    }
}

pub(crate) fn account(key: &str) -> AccountRecord {
    AccountRecord {
        key: key.to_owned(),
        name: None,
        rep: None,
        country: None,
        industry: None,
        cooperation_since: None,
        potential_cents: None,
        attributes: BTreeMap::new(),
    }
}

pub(crate) fn rep(email: &str) -> RepRecord {
    RepRecord {
        email: address(email),
        name: None,
        title: None,
        phone: None,
        locale: None,
        zone: None,
    }
}

/// An order of 100.00.
pub(crate) fn order(key: &str, account: &str, ordered_on: &str) -> OrderRecord {
    OrderRecord {
        key: key.to_owned(),
        account: account.to_owned(),
        ordered_on: day(ordered_on),
        delivered_on: None,
        amount_cents: 10_000,
        profit_cents: None,
    }
}

pub(crate) fn contract(key: &str, account: &str, starts_on: &str, ends_on: &str) -> ContractRecord {
    ContractRecord {
        key: key.to_owned(),
        account: account.to_owned(),
        starts_on: day(starts_on),
        ends_on: day(ends_on),
        value_cents: None,
    }
}

pub(crate) fn touch(contact: &str, kind: TouchKind, instant: &str) -> TouchRecord {
    TouchRecord {
        key: None,
        contact: address(contact),
        kind,
        at: at(instant),
        rep: None,
        outcome: None,
    }
}

/// One attribute.
pub(crate) fn attribute(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}
