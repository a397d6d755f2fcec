//! When to decide on whom.
//!
//! A contact may be due more than once: at the time that its last decision named, and at once since
//! something happened. A decision settles the entries that it was made for and no others, so nothing
//! that happens while it is made is lost.
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Store, StoreError, Tx, execute, instant, json, json_keys, on_pool};
use crate::domain::ContactId;

/// That a contact is due for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct DecisionDue {
    contact_id: i64,
    at: i64,
    asked_at: i64,
}

impl DecisionDue {
    /// Who is due.
    #[must_use]
    pub const fn contact(&self) -> ContactId {
        ContactId(self.contact_id)
    }
}

/// The statement that asks for a decision at once, as of `$2`, on the contacts for which a condition
/// over `$1` holds.
macro_rules! decide_at_once_sql {
    ($condition:literal) => {
        concat!(
            "insert into decisions_due (at, contact_id, asked_at)
             select 0, id, cast($2 as bigint) from contacts where ",
            $condition,
            " order by id on conflict (at, contact_id, asked_at) do nothing"
        )
    };
}
pub(super) use decide_at_once_sql;

impl Store {
    /// Up to `limit` entries that are due at `now`, the longest due first.
    pub async fn due(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DecisionDue>, StoreError> {
        let sql = "select contact_id, at, asked_at from decisions_due where at <= $1
                   order by at, contact_id, asked_at limit $2";
        Ok(on_pool!(self, pool => sqlx::query_as(sql)
            .bind(now.timestamp_millis()).bind(i64::from(limit)).fetch_all(pool).await?))
    }

    /// When the next decision on anybody is due.
    pub async fn next_decision_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "select min(at) from decisions_due";
        let at: Option<i64> =
            on_pool!(self, pool => sqlx::query_scalar(sql).fetch_one(pool).await?);
        Ok(at.and_then(instant))
    }

    /// Decisions that were due before `now`.
    pub async fn overdue(&self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let sql = "select count(*) from decisions_due where at <= $1";
        Ok(on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(now.timestamp_millis()).fetch_one(pool).await?))
    }
}

impl Tx {
    /// Notes that decisions were made for the entries in `settled`, and when the contacts in `next`
    /// are due again.
    pub async fn decided(
        &mut self,
        settled: &[DecisionDue],
        next: &[(ContactId, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        // The bound says that they lie together at the beginning, so that none is looked up alone.
        let sql = "delete from decisions_due
                   where at <= $2 and (at, contact_id, asked_at) in (
                       select cast(value->>0 as bigint), cast(value->>1 as bigint),
                              cast(value->>2 as bigint)
                       from json_each($1))";
        let latest = settled.iter().map(|due| due.at).max().unwrap_or(0);
        let rows: Vec<_> =
            settled.iter().map(|due| (due.at, due.contact_id, due.asked_at)).collect();
        let rows = json(&rows);
        execute!(self, sql, rows, latest);
        let sql = "insert into decisions_due (at, contact_id, asked_at)
                   select cast(value->>0 as bigint), cast(value->>1 as bigint), 0
                   from json_each($1) where true
                   order by 1, 2
                   on conflict (at, contact_id, asked_at) do nothing";
        let rows: Vec<_> =
            next.iter().map(|(contact, at)| (at.timestamp_millis(), contact.0)).collect();
        let rows = json(&rows);
        execute!(self, sql, rows);
        Ok(())
    }

    /// Asks for a decision at once on these contacts.
    pub async fn decide_at_once(
        &mut self,
        contacts: impl Iterator<Item = ContactId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql =
            decide_at_once_sql!("id in (select cast(value->>0 as bigint) from json_each($1))");
        let ids = json_keys(contacts.map(|contact| contact.0));
        execute!(self, sql, ids, now.timestamp_millis());
        Ok(())
    }
}
