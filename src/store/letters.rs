//! What a letter is written from: the contact, its account and its rep.
use std::collections::HashMap;

use sqlx::FromRow;

use super::{Store, StoreError, json_keys, on_pool, parsed, parsed_option};
use crate::domain::{ContactId, EmailAddress, Honorific, Locale};

/// A contact with its account and rep, as a letter names them. Empty where nothing is known.
#[derive(Debug, Clone)]
pub struct LetterFacts {
    /// Where to write.
    pub email: EmailAddress,
    /// Full name.
    pub name: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// How to address the person.
    pub honorific: Option<Honorific>,
    /// Job title.
    pub title: String,
    /// Language, if one is known.
    pub locale: Option<Locale>,
    /// Country of the contact or else of the account, ISO 3166-1 alpha-2, if one is known.
    pub country: Option<String>,
    /// Time zone, if one is known.
    pub zone: Option<chrono_tz::Tz>,
    /// Whether opens and clicks may be recorded, if the contact said so.
    pub may_track: Option<bool>,
    /// Name of the account.
    pub account: String,
    /// The rep who owns the account.
    pub rep: Option<LetterRepFacts>,
}

/// The rep who signs.
#[derive(Debug, Clone)]
pub struct LetterRepFacts {
    /// Address.
    pub email: EmailAddress,
    /// Name.
    pub name: String,
    /// Job title.
    pub title: String,
    /// Telephone number.
    pub phone: String,
}

#[derive(Debug, FromRow)]
struct LetterRow {
    id: i64,
    email: String,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    honorific: Option<String>,
    title: Option<String>,
    locale: Option<String>,
    country: Option<String>,
    zone: Option<String>,
    may_track: Option<i64>,
    account: Option<String>,
    rep_email: Option<String>,
    rep_name: Option<String>,
    rep_title: Option<String>,
    rep_phone: Option<String>,
}

impl Store {
    /// What letters to these contacts are written from.
    pub async fn letter_facts(
        &self,
        contacts: impl Iterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, LetterFacts>, StoreError> {
        let sql = include_str!("sql/letter_facts.sql");
        let ids = json_keys(contacts.map(|contact| contact.0));
        let rows: Vec<LetterRow> =
            on_pool!(self, pool => sqlx::query_as(sql).bind(ids).fetch_all(pool).await?);
        rows.into_iter().map(|row| Ok((ContactId(row.id), row.facts()?))).collect()
    }
}

impl LetterRow {
    fn facts(self) -> Result<LetterFacts, StoreError> {
        let rep = match &self.rep_email {
            None => None,
            Some(email) => Some(LetterRepFacts {
                email: parsed(email, "reps", self.id, "email")?,
                name: self.rep_name.unwrap_or_default(),
                title: self.rep_title.unwrap_or_default(),
                phone: self.rep_phone.unwrap_or_default(),
            }),
        };
        Ok(LetterFacts {
            email: parsed(&self.email, "contacts", self.id, "email")?,
            honorific: parsed_option(self.honorific.as_ref(), "contacts", self.id, "honorific")?,
            locale: parsed_option(self.locale.as_ref(), "contacts", self.id, "locale")?,
            zone: parsed_option(self.zone.as_ref(), "contacts", self.id, "zone")?,
            country: self.country,
            name: self.name.unwrap_or_default(),
            given_name: self.given_name.unwrap_or_default(),
            family_name: self.family_name.unwrap_or_default(),
            title: self.title.unwrap_or_default(),
            may_track: self.may_track.map(|yes| yes != 0),
            account: self.account.unwrap_or_default(),
            rep,
        })
    }
}
