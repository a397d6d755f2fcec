//! Contacts as the decision sees them.
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use sqlx::FromRow;

use super::{Stood, Store, StoreError, json_keys, on_pool, parsed, parsed_option, read_all};
use crate::domain::{
    ContactId, Deed, EmailAddress, Locale, Needs, OccasionKind, OutreachState, PastOutreach,
    Snapshot, Suppression,
};

/// What stands in for what nobody told us of a contact, and what decisions need besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Language of a contact who has none.
    pub locale: Locale,
    /// Time zone of a contact who has none.
    pub zone: Tz,
    /// What the campaigns in force look at.
    pub needs: Needs,
}

#[derive(Debug, FromRow, Deserialize)]
struct SnapshotRow {
    id: i64,
    locale: Option<String>,
    zone: Option<String>,
    country: Option<String>,
    birthday: Option<String>,
    cooperation_since: Option<String>,
    known_since: i64,
    may_send: Option<i64>,
    suppressed: Option<String>,
    engagement: String,
    wish: String,
    account_id: Option<i64>,
    last_mail_at: Option<i64>,
}

#[derive(Debug, FromRow)]
struct PastRow {
    id: i64,
    contact_id: i64,
    campaign: String,
    kind: String,
    occasion_on: String,
    state: String,
    at: i64,
}

/// By contact.
struct Aside {
    stood: HashMap<ContactId, Stood>,
    history: HashMap<ContactId, Vec<PastOutreach>>,
    touches: HashMap<ContactId, Vec<Deed>>,
}

/// The contacts for which a condition holds.
macro_rules! snapshot_rows {
    ($store:expr, $condition:literal $(, $bind:expr)*) => {{
        let rows: Vec<SnapshotRow> = read_all!(
            $store,
            (
                id, locale, zone, country, birthday, cooperation_since, known_since, may_send,
                suppressed, engagement, wish, account_id, last_mail_at
            ),
            concat!(include_str!("sql/snapshots.sql"), $condition)
            $(, $bind)*
        );
        rows
    }};
}

impl Store {
    /// These contacts, by id.
    pub async fn snapshots_of(
        &self,
        options: &SnapshotOptions,
        contacts: impl Iterator<Item = ContactId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let ids: Vec<ContactId> = contacts.collect();
        let keys = json_keys(ids.iter().map(|contact| contact.0));
        let rows = async {
            Ok(snapshot_rows!(
                self,
                "where c.id in (select cast(value->>0 as bigint) from json_each($1))",
                keys
            ))
        };
        let (rows, aside) = tokio::try_join!(rows, self.aside(&ids, options, now))?;
        self.complete(rows, aside, options, now).await
    }

    /// Up to `limit` contacts after `after`, by id.
    pub async fn snapshots(
        &self,
        options: &SnapshotOptions,
        after: ContactId,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let rows = snapshot_rows!(
            self,
            "where c.id > $1 order by c.id limit $2",
            after.0,
            i64::from(limit)
        );
        let aside = self.aside(&ids_of(&rows), options, now).await?;
        self.complete(rows, aside, options, now).await
    }

    /// The contact with this address, if there is one.
    pub async fn snapshot_of(
        &self,
        options: &SnapshotOptions,
        address: &EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<Option<Snapshot>, StoreError> {
        let rows = snapshot_rows!(self, "where c.match_key = $1", address.match_key());
        let aside = self.aside(&ids_of(&rows), options, now).await?;
        Ok(self.complete(rows, aside, options, now).await?.pop())
    }

    /// What is known of these contacts besides their own rows and their accounts. Read at the same
    /// time, since each waits for rows from all over a table of its own.
    async fn aside(
        &self,
        contacts: &[ContactId],
        options: &SnapshotOptions,
        now: DateTime<Utc>,
    ) -> Result<Aside, StoreError> {
        let since = now - TimeDelta::days(options.needs.history_days);
        let (stood, history, touches) = tokio::try_join!(
            self.stood(contacts.iter().copied()),
            self.history(contacts.iter().copied(), (since, now)),
            self.touches_that_matter(contacts, &options.needs, now.date_naive()),
        )?;
        Ok(Aside { stood, history, touches })
    }

    async fn complete(
        &self,
        mut rows: Vec<SnapshotRow>,
        aside: Aside,
        options: &SnapshotOptions,
        now: DateTime<Utc>,
    ) -> Result<Vec<Snapshot>, StoreError> {
        rows.sort_unstable_by_key(|row| row.id);
        let Aside { mut stood, mut history, mut touches } = aside;
        let accounts = rows.iter().filter_map(|row| row.account_id);
        let past = self.business_past(accounts, &options.needs, now.date_naive()).await?;
        rows.into_iter()
            .map(|row| {
                let (terms, mut deeds) = past.of(row.account_id);
                let mut snapshot = row.snapshot(options)?;
                deeds.extend(touches.remove(&snapshot.id).unwrap_or_default());
                (snapshot.terms, snapshot.deeds) = (terms, deeds);
                let stood = stood.remove(&snapshot.id).unwrap_or_default();
                snapshot.standings = stood.standings;
                snapshot.value_cents = stood.value_cents;
                snapshot.history = history.remove(&snapshot.id).unwrap_or_default();
                let counted = snapshot.history.iter().filter(|past| past.counts);
                let last = counted.map(|past| past.at).max();
                snapshot.last_mail_at = snapshot.last_mail_at.max(last);
                Ok(snapshot)
            })
            .collect()
    }

    async fn history(
        &self,
        contacts: impl Iterator<Item = ContactId>,
        (since, now): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<HashMap<ContactId, Vec<PastOutreach>>, StoreError> {
        let sql = "select id, contact_id, campaign, kind, occasion_on, state,
                          case when settled_at is not null then settled_at
                               when due_at < $3 then $3
                               else due_at end as at
                   from outreach
                   where contact_id in (select cast(value->>0 as bigint) from json_each($1))
                     and due_at > $2 and state <> 'planned'
                   order by contact_id, due_at, id";
        // What is planned and not released is decided anew; what waits leaves now at the earliest.
        let (since, now) = (since.timestamp_millis(), now.timestamp_millis());
        let ids = json_keys(contacts.map(|contact| contact.0));
        let rows: Vec<PastRow> = on_pool!(self, pool => sqlx::query_as(sql).bind(ids).bind(since).bind(now).fetch_all(pool).await?);
        let mut found: HashMap<ContactId, Vec<PastOutreach>> = HashMap::new();
        for row in rows {
            let corrupt = |column| StoreError::Corrupt { table: "outreach", id: row.id, column };
            let state = OutreachState::from_name(&row.state).ok_or(corrupt("state"))?;
            let past = PastOutreach {
                kind: OccasionKind::from_name(&row.kind).ok_or(corrupt("kind"))?,
                day: parsed(&row.occasion_on, "outreach", row.id, "occasion_on")?,
                at: super::instant(row.at).ok_or(corrupt("due_at"))?,
                campaign: row.campaign,
                counts: state.counts(),
            };
            found.entry(ContactId(row.contact_id)).or_default().push(past);
        }
        Ok(found)
    }
}

fn ids_of(rows: &[SnapshotRow]) -> Vec<ContactId> {
    rows.iter().map(|row| ContactId(row.id)).collect()
}

impl SnapshotRow {
    fn snapshot(self, options: &SnapshotOptions) -> Result<Snapshot, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "contacts", id: self.id, column };
        let suppressed = match &self.suppressed {
            None => None,
            Some(name) => Some(Suppression::from_name(name).ok_or(corrupt("suppressed"))?),
        };
        let locale = parsed_option(self.locale.as_ref(), "contacts", self.id, "locale")?;
        let zone = parsed_option(self.zone.as_ref(), "contacts", self.id, "zone")?;
        let since = self.cooperation_since.as_ref();
        Ok(Snapshot {
            id: ContactId(self.id),
            locale: locale.unwrap_or_else(|| options.locale.clone()),
            zone: zone.unwrap_or(options.zone),
            birthday: parsed_option(self.birthday.as_ref(), "contacts", self.id, "birthday")?,
            cooperation_since: parsed_option(since, "accounts", self.id, "cooperation_since")?,
            known_since: super::instant(self.known_since).ok_or(corrupt("known_since"))?,
            may_send: self.may_send.map(|may| may != 0),
            suppressed,
            standings: Vec::new(),
            value_cents: 0,
            engagement: serde_json::from_str(&self.engagement)
                .map_err(|_| corrupt("engagement"))?,
            wish: serde_json::from_str(&self.wish).map_err(|_| corrupt("wish"))?,
            terms: Vec::new(),
            deeds: Vec::new(),
            last_mail_at: self.last_mail_at.and_then(super::instant),
            history: Vec::new(),
            country: self.country,
        })
    }
}
