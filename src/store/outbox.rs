//! The ledger of outreach: who may move a row, and under which lease.
use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;
use sqlx::FromRow;

use super::{
    Store, StoreError, Tx, TxInner, day_text, execute, instant, json, json_keys, on_pool, on_tx,
    parsed, retried::Past,
};
use crate::domain::{ContactId, DayBudget, OccasionKind, OutreachId, Refusal};

/// A mail that was decided and is to be written into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutreach {
    /// For whom.
    pub contact: ContactId,
    /// The campaign's key.
    pub campaign: String,
    /// The kind of occasion.
    pub kind: OccasionKind,
    /// The occasion's civil day.
    pub day: NaiveDate,
    /// Years counted on that day.
    pub years: Option<u32>,
    /// When it leaves.
    pub due_at: DateTime<Utc>,
    /// After this it is not welcome any more.
    pub not_after: DateTime<Utc>,
    /// A random number.
    pub nonce: i64,
    /// Its place in the queue when the budget of a day is short: lower numbers first.
    pub precedence: i64,
}

/// An outreach that this daemon holds the lease on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Row identity.
    pub id: OutreachId,
    /// For whom.
    pub contact: ContactId,
    /// The campaign's key.
    pub campaign: String,
    /// The kind of occasion.
    pub kind: OccasionKind,
    /// The occasion's civil day.
    pub day: NaiveDate,
    /// Years counted on that day.
    pub years: Option<u32>,
    /// How often it has been tried, this try included.
    pub attempt: u32,
    /// Proves that the lease is ours.
    pub lease_token: i64,
    /// After this it is not welcome any more.
    pub not_after: DateTime<Utc>,
    /// When it was to leave.
    pub due_at: DateTime<Utc>,
    /// A random number, part of the Message-ID.
    pub nonce: i64,
    /// The domain of its address, in lower case.
    pub domain: String,
    /// When its first attempt began, if there was one.
    pub first_tried_at: Option<DateTime<Utc>>,
    /// The relay of the last attempt and how it refused, if it did.
    pub refused_by: Option<(String, Refusal)>,
    /// The relays that have said that they cannot carry its address ([`Refusal::Uncarried`]).
    pub cannot_carry: Vec<String>,
    /// The message of an earlier attempt, as it is stored.
    pub body: Option<Vec<u8>>,
}

/// A row of PostgreSQL, and a list of JSON from SQLite.
#[derive(Debug, FromRow, Deserialize)]
struct ClaimedRow {
    id: i64,
    contact_id: i64,
    campaign: String,
    kind: String,
    occasion_on: String,
    years: Option<i64>,
    attempt: i64,
    due_at: i64,
    not_after: i64,
    nonce: i64,
    match_key: String,
    /// 1 if the bytes of an earlier attempt are stored.
    kept: i64,
}

/// How long after its moment a planned mail may be released. Past it, its hour may be over, and its
/// contact is decided on anew. Longer than the longest time between two ticks.
pub const LATEST_RELEASE: TimeDelta = TimeDelta::minutes(90);

macro_rules! suppress_sql {
    ($condition:literal) => {
        concat!(include_str!("sql/outreach_suppress.sql"), $condition)
    };
}

impl Tx {
    /// Writes decided mails down, in the order given, which should be that of their time. One whose
    /// occurrence is known is left out. Returns how many were new.
    pub async fn enqueue(
        &mut self,
        mails: &[NewOutreach],
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        if mails.is_empty() {
            return Ok(0);
        }
        let sql = include_str!("sql/outreach_enqueue.sql");
        let rows: Vec<_> = mails
            .iter()
            .map(|mail| {
                (
                    mail.contact.0,
                    &mail.campaign,
                    mail.kind.as_str(),
                    day_text(mail.day),
                    mail.years,
                    mail.due_at.timestamp_millis(),
                    mail.not_after.timestamp_millis(),
                    mail.nonce,
                    mail.precedence,
                )
            })
            .collect();
        let (rows, now) = (json(&rows), now.timestamp_millis());
        Ok(execute!(self, sql, rows, now))
    }

    /// Withdraws what is planned for these contacts and not released, since they are decided on anew;
    /// what is not welcome any more is left to expire.
    pub async fn withdraw(
        &mut self,
        contacts: impl Iterator<Item = ContactId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "delete from outreach
                   where state = 'planned' and not_after > $2
                     and contact_id in (select cast(value->>0 as bigint) from json_each($1))";
        let ids = json_keys(contacts.map(|contact| contact.0));
        execute!(self, sql, ids, now.timestamp_millis());
        Ok(())
    }

    /// Opens the gate for what is due: planned mails become ready. Whatever is due and not welcome
    /// any more expires, and its contact is decided on anew; whatever is for a contact who was
    /// suppressed meanwhile is stopped. Of the mails of a day with a `budget` only those within it
    /// become ready, by their precedence. Returns how many became ready.
    pub async fn release(
        &mut self,
        now: DateTime<Utc>,
        budget: Option<DayBudget>,
    ) -> Result<u64, StoreError> {
        let ms = now.timestamp_millis();
        for sql in [
            suppress_sql!("state = 'planned' and due_at <= $1"),
            suppress_sql!("state = 'ready' and next_at <= $1"),
        ] {
            execute!(self, sql, ms);
        }
        let mut late = Vec::new();
        for sql in [
            "update outreach set state = 'expired', settled_at = $1
             where state = 'planned' and due_at <= $1 and not_after <= $1
             returning contact_id",
            "update outreach set state = 'expired', settled_at = $1
             where state = 'ready' and next_at <= $1 and not_after <= $1
             returning contact_id",
        ] {
            let contacts: Vec<i64> =
                on_tx!(self, conn => sqlx::query_scalar(sql).bind(ms).fetch_all(conn).await?);
            late.extend(contacts.into_iter().map(ContactId));
        }
        if !late.is_empty() {
            self.decide_at_once(late.into_iter(), now).await?;
        }
        let since = (now - LATEST_RELEASE).timestamp_millis();
        if let Some(budget) = budget {
            return self.release_within(budget, (since, ms)).await;
        }
        let sql = "update outreach set state = 'ready'
                   where state = 'planned' and due_at <= $1 and due_at >= $2";
        Ok(execute!(self, sql, ms, since))
    }

    /// Opens the gate for those of the day's mails that are due and that its budget has room for,
    /// beside those that are due later on the day and go first.
    async fn release_within(
        &mut self,
        budget: DayBudget,
        (since, ms): (i64, i64),
    ) -> Result<u64, StoreError> {
        let day = day_text(budget.day);
        // Also takes the row, so that two daemons on PostgreSQL count one after the other.
        let sql = "insert into releases (day, mails) values ($1, 0)
                   on conflict (day) do update set mails = releases.mails
                   returning mails";
        let released: i64 =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(&day).fetch_one(conn).await?);
        let left = (i64::from(budget.mails) - released).max(0);
        let sql = "update outreach set state = 'ready'
                   where state = 'planned' and due_at <= $1 and id in (
                       select id from outreach
                       where state = 'planned' and due_at >= $4 and due_at < $2
                       order by precedence, occasion_on, due_at, id limit $3
                   )";
        let ready = execute!(self, sql, ms, budget.ends_at.timestamp_millis(), left, since);
        let sql = "update releases set mails = mails + $2 where day = $1";
        execute!(self, sql, &day, i64::try_from(ready).unwrap_or(i64::MAX));
        Ok(ready)
    }

    /// Takes a lease on up to `limit` ready mails, the longest waiting first, of those that daemons
    /// have broken down with `strikes` times. Fails with [`StoreError::NoLease`] where everything stands
    /// still, or another server has taken over: it may not know what was claimed, and sent, last.
    pub async fn claim(
        &mut self,
        now: DateTime<Utc>,
        lease: TimeDelta,
        (limit, strikes): (u32, u32),
    ) -> Result<Vec<Claimed>, StoreError> {
        let token = self.next_token().await?;
        let times = (now.timestamp_millis(), (now + lease).timestamp_millis());
        let rows = self.claimed_rows(token, times, (limit, strikes)).await?;
        let mut bodies = self.bodies(&rows).await?;
        let retried = rows.iter().filter(|row| row.attempt > 1).map(|row| (row.id, row.attempt));
        let mut pasts = self.pasts(&retried.collect::<Vec<_>>()).await?;
        let mut claimed = rows
            .into_iter()
            .map(|row| {
                let kept = (bodies.remove(&row.id), pasts.remove(&row.id).unwrap_or_default());
                row.claimed(token, kept)
            })
            .collect::<Result<Vec<_>, _>>()?;
        claimed.sort_by_key(|mail| (mail.due_at, mail.id));
        Ok(claimed)
    }

    async fn claimed_rows(
        &mut self,
        token: i64,
        (now, until): (i64, i64),
        (limit, strikes): (u32, u32),
    ) -> Result<Vec<ClaimedRow>, StoreError> {
        let (limit, strikes) = (i64::from(limit), i64::from(strikes));
        match &mut self.inner {
            TxInner::Sqlite(tx) => {
                let sql = include_str!("sql/outreach_claim.sqlite.sql");
                let query = sqlx::query_scalar(sql).bind(now).bind(token).bind(until);
                let rows: Vec<String> =
                    query.bind(limit).bind(strikes).fetch_all(&mut **tx).await?;
                let rows = rows.first().map_or("[]", String::as_str);
                Ok(serde_json::from_str(rows).map_err(|error| sqlx::Error::Decode(error.into()))?)
            }
            TxInner::Postgres(tx) => {
                let sql = include_str!("sql/outreach_claim.postgres.sql");
                let query = sqlx::query_as(sql).bind(now).bind(token).bind(until);
                Ok(query.bind(limit).bind(strikes).fetch_all(&mut **tx).await?)
            }
        }
    }

    /// The stored bytes of those that have some.
    async fn bodies(&mut self, rows: &[ClaimedRow]) -> Result<HashMap<i64, Vec<u8>>, StoreError> {
        let ids: Vec<_> = rows.iter().filter(|row| row.kept > 0).map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = "select outreach_id, message from bodies
                   where outreach_id in (select cast(value->>0 as bigint) from json_each($1))";
        let ids = json_keys(ids.into_iter());
        let bodies: Vec<(i64, Vec<u8>)> =
            on_tx!(self, conn => sqlx::query_as(sql).bind(ids).fetch_all(conn).await?);
        Ok(bodies.into_iter().collect())
    }
}

impl Store {
    /// Whether mails may leave now that daemons have broken down with `strikes` times.
    pub async fn has_ready(&self, now: DateTime<Utc>, strikes: u32) -> Result<bool, StoreError> {
        let sql = "select id from outreach where state = 'ready' and next_at <= $1 and strikes = $2
                   limit 1";
        let waits: Option<i64> = on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(now.timestamp_millis()).bind(i64::from(strikes)).fetch_optional(pool).await?);
        Ok(waits.is_some())
    }

    /// When the next mail becomes due that was decided already, if there is one.
    pub async fn next_mail_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "select min(at) from (
                       select min(due_at) as at from outreach where state = 'planned'
                       union all
                       select min(next_at) as at from outreach where state = 'ready'
                   ) as waiting";
        let at: Option<i64> =
            on_pool!(self, pool => sqlx::query_scalar(sql).fetch_one(pool).await?);
        Ok(at.and_then(instant))
    }

    /// Contacts whose planned mails were due before `then` and were not released: the budget had no
    /// room for them, or nobody was there.
    pub async fn unreleased(&self, then: DateTime<Utc>) -> Result<Vec<ContactId>, StoreError> {
        let sql = "select distinct contact_id from outreach
                   where state = 'planned' and due_at < $1";
        let contacts: Vec<i64> = on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(then.timestamp_millis()).fetch_all(pool).await?);
        Ok(contacts.into_iter().map(ContactId).collect())
    }
}

impl ClaimedRow {
    fn claimed(
        self,
        lease_token: i64,
        (body, past): (Option<Vec<u8>>, Past),
    ) -> Result<Claimed, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "outreach", id: self.id, column };
        Ok(Claimed {
            id: OutreachId(self.id),
            contact: ContactId(self.contact_id),
            kind: OccasionKind::from_name(&self.kind).ok_or(corrupt("kind"))?,
            day: parsed(&self.occasion_on, "outreach", self.id, "occasion_on")?,
            years: self.years.and_then(|years| u32::try_from(years).ok()),
            attempt: u32::try_from(self.attempt).map_err(|_| corrupt("attempt"))?,
            lease_token,
            not_after: instant(self.not_after).ok_or(corrupt("not_after"))?,
            due_at: instant(self.due_at).ok_or(corrupt("due_at"))?,
            nonce: self.nonce,
            domain: self.match_key.rsplit('@').next().unwrap_or_default().to_owned(),
            first_tried_at: past.first_tried_at,
            refused_by: past.refused_by,
            cannot_carry: past.cannot_carry,
            campaign: self.campaign,
            body,
        })
    }
}
