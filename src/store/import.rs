//! Rows that come from files: added if new, corrected if different, left alone if the same.
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, postgres::PgRow, sqlite::SqliteRow};

use super::{
    StoreError, Tx, decisions::decide_at_once_sql, execute, json, json_keys, on_tx,
    standings::classify_sql,
};
use crate::domain::{AccountId, ContactId, EmailAddress, RepId};

/// What an imported row did to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was new.
    Added,
    /// It said something new of what was there.
    Changed,
    /// It said what was known.
    Unchanged,
}

/// A row that is known by a key of the customer's own.
pub(super) trait Keyed:
    for<'r> FromRow<'r, SqliteRow>
    + for<'r> FromRow<'r, PgRow>
    + Serialize
    + Clone
    + PartialEq
    + Send
    + Unpin
{
    /// Reads the rows whose keys are in `$1`.
    const SELECT: &'static str;
    /// Writes the rows in `$1`, new ones and known ones, as of `$2`.
    const WRITE: &'static str;
    /// Takes the rows whose keys are in `$1`, if others write several of them at once as well.
    const TAKE: Option<&'static str> = None;

    fn key(&self) -> &str;
    /// This row over `old`: what this one does not say stays as it was.
    fn over(self, old: &Self) -> Self;
}

impl Tx {
    /// Brings `rows` in; the changes come back in their order. A key occurs at most once in `rows`.
    pub(super) async fn upsert<R: Keyed>(
        &mut self,
        rows: Vec<R>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let keys = json_keys(rows.iter().map(Keyed::key));
        let known: Vec<R> =
            on_tx!(self, conn => sqlx::query_as(R::SELECT).bind(keys).fetch_all(conn).await?);
        let known: HashMap<&str, &R> = known.iter().map(|row| (row.key(), row)).collect();
        let mut changes = Vec::with_capacity(rows.len());
        let mut writes = Vec::new();
        for row in rows {
            let (change, row) = match known.get(row.key()) {
                None => (Change::Added, row),
                Some(old) => {
                    let merged = row.over(old);
                    let same = merged == **old;
                    (if same { Change::Unchanged } else { Change::Changed }, merged)
                }
            };
            changes.push(change);
            if change != Change::Unchanged {
                writes.push(row);
            }
        }
        if !writes.is_empty() {
            if let Some(take) = R::TAKE {
                self.take_contacts(take, &json_keys(writes.iter().map(Keyed::key))).await?;
            }
            let (rows, now) = (json(&writes), now.timestamp_millis());
            execute!(self, R::WRITE, rows, now);
        }
        Ok(changes)
    }

    /// The accounts that go by these keys, or else names.
    pub async fn account_ids(
        &mut self,
        names: &BTreeSet<String>,
    ) -> Result<HashMap<String, AccountId>, StoreError> {
        let sql = "select name, id from accounts
                   where name in (select value->>0 from json_each($1))
                   order by id desc";
        let by_name = self.ids(sql, json_keys(names.iter())).await?;
        let sql = "select key, id from accounts
                   where key in (select value->>0 from json_each($1))";
        let by_key = self.ids(sql, json_keys(names.iter())).await?;
        let ids = by_name.into_iter().chain(by_key);
        Ok(ids.map(|(name, id)| (name, AccountId(id))).collect())
    }

    /// Makes accounts that are known by their name only.
    pub async fn add_accounts(&mut self, names: &BTreeSet<String>) -> Result<(), StoreError> {
        let sql = "insert into accounts (key, name, attributes)
                   select value->>0, value->>0, '{}' from json_each($1) where true
                   on conflict (key) do nothing";
        let names = json_keys(names.iter());
        execute!(self, sql, names);
        Ok(())
    }

    /// The reps with these addresses, by match key.
    pub async fn rep_ids(
        &mut self,
        addresses: &BTreeSet<EmailAddress>,
    ) -> Result<HashMap<String, RepId>, StoreError> {
        let sql = "select email, id from reps
                   where email in (select value->>0 from json_each($1))";
        let keys = json_keys(addresses.iter().map(EmailAddress::match_key));
        let ids = self.ids(sql, keys).await?;
        Ok(ids.into_iter().map(|(email, id)| (email, RepId(id))).collect())
    }

    /// Makes reps that are known by their address only.
    pub async fn add_reps(&mut self, addresses: &BTreeSet<EmailAddress>) -> Result<(), StoreError> {
        let sql = "insert into reps (email)
                   select value->>0 from json_each($1) where true
                   on conflict (email) do nothing";
        let keys = json_keys(addresses.iter().map(EmailAddress::match_key));
        execute!(self, sql, keys);
        Ok(())
    }

    /// The contacts with these addresses, by match key.
    pub async fn contact_ids(
        &mut self,
        addresses: &BTreeSet<EmailAddress>,
    ) -> Result<HashMap<String, ContactId>, StoreError> {
        let sql = "select match_key, id from contacts
                   where match_key in (select value->>0 from json_each($1))";
        let keys = json_keys(addresses.iter().map(EmailAddress::match_key));
        let ids = self.ids(sql, keys).await?;
        Ok(ids.into_iter().map(|(key, id)| (key, ContactId(id))).collect())
    }

    async fn ids(
        &mut self,
        sql: &'static str,
        keys: String,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(on_tx!(self, conn => sqlx::query_as(sql).bind(keys).fetch_all(conn).await?))
    }

    /// Has the contacts of these accounts classified and decided on anew, and all accounts surveyed
    /// anew before that.
    pub async fn touch_accounts(
        &mut self,
        accounts: &BTreeSet<AccountId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let ids = json_keys(accounts.iter().map(|account| account.0));
        let sql =
            classify_sql!("account_id in (select cast(value->>0 as bigint) from json_each($1))");
        execute!(self, sql, &ids, now.timestamp_millis());
        let sql = decide_at_once_sql!(
            "account_id in (select cast(value->>0 as bigint) from json_each($1))"
        );
        execute!(self, sql, ids, now.timestamp_millis());
        self.forget_population().await
    }
}
