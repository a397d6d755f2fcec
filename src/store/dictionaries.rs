//! What stored messages have in common.
use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, execute, json_keys, on_pool};

impl Store {
    /// The contents of those dictionaries that there are.
    pub async fn dictionaries(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "select id, content from dictionaries
                   where id in (select cast(value->>0 as bigint) from json_each($1))";
        let ids = json_keys(ids.iter());
        Ok(on_pool!(self, pool => sqlx::query_as(sql).bind(ids).fetch_all(pool).await?))
    }

    /// Those of the dictionaries that were noted down as used at `since` or later.
    pub async fn dictionaries_noted(
        &self,
        ids: &[i64],
        since: DateTime<Utc>,
    ) -> Result<HashSet<i64>, StoreError> {
        let sql = "select id from dictionaries
                   where used_at >= $2
                     and id in (select cast(value->>0 as bigint) from json_each($1))";
        let found: Vec<i64> = on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(json_keys(ids.iter())).bind(since.timestamp_millis()).fetch_all(pool).await?);
        Ok(found.into_iter().collect())
    }
}

impl Tx {
    /// Notes that a dictionary is used, and stores its content if there is none of this id: one that is
    /// there is never changed.
    pub async fn put_dictionary(
        &mut self,
        id: i64,
        content: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "insert into dictionaries (id, used_at, content) values ($1, $2, $3)
                   on conflict (id) do update set used_at = excluded.used_at
                   where dictionaries.used_at < excluded.used_at";
        execute!(self, sql, id, now.timestamp_millis(), content);
        Ok(())
    }

    /// Drops the dictionaries that were used before `then` only.
    pub async fn drop_dictionaries(&mut self, then: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "delete from dictionaries where used_at < $1";
        Ok(execute!(self, sql, then.timestamp_millis()))
    }
}
