//! Reps, accounts and contacts as files bring them in.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use super::{
    Change, StoreError, Tx, contacts_in_order, day_text, decisions::decide_at_once_sql, execute,
    import::Keyed, json, json_keys, standings::classify_sql,
};
use crate::domain::{AccountId, AccountRecord, ContactRecord, RepId, RepRecord, Wish};

#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
struct RepRow {
    email: String,
    name: Option<String>,
    title: Option<String>,
    phone: Option<String>,
    locale: Option<String>,
    zone: Option<String>,
}

impl Keyed for RepRow {
    const SELECT: &'static str = "select email, name, title, phone, locale, zone from reps
         where email in (select value->>0 from json_each($1))";
    const WRITE: &'static str = include_str!("sql/reps_write.sql");

    fn key(&self) -> &str {
        &self.email
    }

    fn over(self, old: &Self) -> Self {
        Self {
            email: self.email,
            name: self.name.or_else(|| old.name.clone()),
            title: self.title.or_else(|| old.title.clone()),
            phone: self.phone.or_else(|| old.phone.clone()),
            locale: self.locale.or_else(|| old.locale.clone()),
            zone: self.zone.or_else(|| old.zone.clone()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
struct AccountRow {
    key: String,
    name: Option<String>,
    rep_id: Option<i64>,
    country: Option<String>,
    industry: Option<String>,
    cooperation_since: Option<String>,
    potential_cents: Option<i64>,
    attributes: String,
}

impl Keyed for AccountRow {
    const SELECT: &'static str = "select key, name, rep_id, country, industry, cooperation_since,
                potential_cents, attributes
         from accounts
         where key in (select value->>0 from json_each($1))";
    const WRITE: &'static str = include_str!("sql/accounts_write.sql");

    fn key(&self) -> &str {
        &self.key
    }

    fn over(self, old: &Self) -> Self {
        Self {
            key: self.key,
            name: self.name.or_else(|| old.name.clone()),
            rep_id: self.rep_id.or(old.rep_id),
            country: self.country.or_else(|| old.country.clone()),
            industry: self.industry.or_else(|| old.industry.clone()),
            cooperation_since: self.cooperation_since.or_else(|| old.cooperation_since.clone()),
            potential_cents: self.potential_cents.or(old.potential_cents),
            attributes: merged(&self.attributes, &old.attributes),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
struct ContactRow {
    match_key: String,
    email: String,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    honorific: Option<String>,
    title: Option<String>,
    phone: Option<String>,
    account_id: Option<i64>,
    locale: Option<String>,
    zone: Option<String>,
    country: Option<String>,
    birthday: Option<String>,
    level: Option<i64>,
    may_send: Option<i64>,
    may_track: Option<i64>,
    wish: String,
    attributes: String,
}

impl Keyed for ContactRow {
    const SELECT: &'static str =
        "select match_key, email, name, given_name, family_name, honorific,
                title, phone, account_id, locale, zone, country, birthday, level, may_send,
                may_track, wish, attributes
         from contacts
         where match_key in (select value->>0 from json_each($1))";
    const WRITE: &'static str = include_str!("sql/contacts_write.sql");
    const TAKE: Option<&'static str> =
        Some(contacts_in_order!("match_key in (select value->>0 from json_each($1))"));

    fn key(&self) -> &str {
        &self.match_key
    }

    fn over(self, old: &Self) -> Self {
        Self {
            match_key: self.match_key,
            email: self.email,
            name: self.name.or_else(|| old.name.clone()),
            given_name: self.given_name.or_else(|| old.given_name.clone()),
            family_name: self.family_name.or_else(|| old.family_name.clone()),
            honorific: self.honorific.or_else(|| old.honorific.clone()),
            title: self.title.or_else(|| old.title.clone()),
            phone: self.phone.or_else(|| old.phone.clone()),
            account_id: self.account_id.or(old.account_id),
            locale: self.locale.or_else(|| old.locale.clone()),
            zone: self.zone.or_else(|| old.zone.clone()),
            country: self.country.or_else(|| old.country.clone()),
            birthday: self.birthday.or_else(|| old.birthday.clone()),
            level: self.level.or(old.level),
            may_send: self.may_send.or(old.may_send),
            may_track: self.may_track.or(old.may_track),
            wish: merged_wish(&self.wish, &old.wish),
            attributes: merged(&self.attributes, &old.attributes),
        }
    }
}

/// The wishes of both, `new` over `old`.
fn merged_wish(new: &str, old: &str) -> String {
    if new == "{}" || new == old {
        return old.to_owned();
    }
    let read = |text| serde_json::from_str::<Wish>(text).unwrap_or_default();
    json(&read(new).over(read(old)))
}

/// The attributes of both, `new` over `old`, as canonical JSON.
fn merged(new: &str, old: &str) -> String {
    if new == "{}" || new == old {
        return old.to_owned();
    }
    let read = |text| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap_or_default();
    let mut both = read(old);
    both.extend(read(new));
    json(&both)
}

impl Tx {
    /// Brings reps in; the changes come back in their order.
    pub async fn import_reps(
        &mut self,
        records: &[RepRecord],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows = records.iter().map(|rep| RepRow {
            email: rep.email.match_key(),
            name: rep.name.clone(),
            title: rep.title.clone(),
            phone: rep.phone.clone(),
            locale: rep.locale.as_ref().map(ToString::to_string),
            zone: rep.zone.map(|zone| zone.name().to_owned()),
        });
        self.upsert(rows.collect(), now).await
    }

    /// Brings accounts in, each with the rep who owns it.
    pub async fn import_accounts(
        &mut self,
        records: &[(AccountRecord, Option<RepId>)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows = records.iter().map(|(account, rep)| AccountRow {
            key: account.key.clone(),
            name: account.name.clone(),
            rep_id: rep.map(|rep| rep.0),
            country: account.country.clone(),
            industry: account.industry.clone(),
            cooperation_since: account.cooperation_since.map(day_text),
            potential_cents: account.potential_cents,
            attributes: json(&account.attributes),
        });
        self.upsert(rows.collect(), now).await
    }

    /// Brings contacts in, each with its account. New and changed ones are classified and decided
    /// on anew.
    pub async fn import_contacts(
        &mut self,
        records: &[(ContactRecord, Option<AccountId>)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows = records.iter().map(|(contact, account)| ContactRow {
            match_key: contact.email.match_key(),
            email: contact.email.as_str().to_owned(),
            name: contact.name.clone(),
            given_name: contact.given_name.clone(),
            family_name: contact.family_name.clone(),
            honorific: contact.honorific.map(|honorific| honorific.as_str().to_owned()),
            title: contact.title.clone(),
            phone: contact.phone.clone(),
            account_id: account.map(|account| account.0),
            locale: contact.locale.as_ref().map(ToString::to_string),
            zone: contact.zone.map(|zone| zone.name().to_owned()),
            country: contact.country.clone(),
            birthday: contact.birthday.map(|birthday| birthday.to_string()),
            level: contact.level.map(i64::from),
            may_send: contact.may_send.map(i64::from),
            may_track: contact.may_track.map(i64::from),
            wish: json(&contact.wish),
            attributes: json(&contact.attributes),
        });
        let changes = self.upsert(rows.collect(), now).await?;
        let news = records.iter().zip(&changes).filter(|(_, change)| **change != Change::Unchanged);
        let keys = json_keys(news.map(|((contact, _), _)| contact.email.match_key()));
        let sql = classify_sql!("match_key in (select value->>0 from json_each($1))");
        execute!(self, sql, &keys, now.timestamp_millis());
        let sql = decide_at_once_sql!("match_key in (select value->>0 from json_each($1))");
        execute!(self, sql, keys, now.timestamp_millis());
        Ok(changes)
    }
}
