//! Whether this database is the one that it was when a daemon last used it.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Backend, Store, StoreError, Tx, execute, on_pool, on_tx};

/// Why nothing is decided or sent until an operator says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What is wrong.
    pub why: HaltCause,
}

/// What a daemon does not go on after by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltCause {
    /// The database has an older state than one that a daemon has seen: a backup was restored, and
    /// what was sent since then is not known to it.
    Restored,
    /// The database is in another place than where it was last used: a copy, or a clone of a machine.
    Moved,
    /// The clock jumped ahead.
    ClockJumped,
}

const HALT: &str = "halt";
const HOME: &str = "home";

impl Store {
    /// Why nothing is decided or sent, if that is so. A halt that cannot be read is an error: whoever
    /// wrote it, it was not meant that everything goes on.
    pub async fn halt(&self) -> Result<Option<Halt>, StoreError> {
        let halt = self.meta(HALT).await?.map(|text| serde_json::from_str(&text));
        halt.transpose().map_err(|_| StoreError::Halt)
    }

    /// What tells this database from a copy of it, as far as the server knows; the path of a file
    /// database is for the caller to add.
    pub async fn identity(&self) -> Result<String, StoreError> {
        match &self.backend {
            Backend::Sqlite { .. } => Ok("sqlite".to_owned()),
            Backend::Postgres(pool) => {
                // A restored dump is another database; a recovery to a point in time is another
                // timeline.
                let sql = "select concat_ws('/', s.system_identifier, d.oid, c.timeline_id)
                           from pg_control_system() s, pg_control_checkpoint() c, pg_database d
                           where d.datname = current_database()";
                Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
            }
        }
    }

    /// The highest lease token that was ever given out: it never falls but when an older state of the
    /// database is brought back.
    pub async fn newest_token(&self) -> Result<i64, StoreError> {
        let sql = "select last from lease_tokens where id = 1";
        Ok(on_pool!(self, pool => sqlx::query_scalar(sql).fetch_one(pool).await?))
    }

    /// The server's time, where the database is a server.
    pub async fn server_time(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        match &self.backend {
            Backend::Sqlite { .. } => Ok(None),
            Backend::Postgres(pool) => {
                let sql = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
                let ms: i64 = sqlx::query_scalar(sql).fetch_one(pool).await?;
                Ok(super::instant(ms))
            }
        }
    }
}

impl Tx {
    /// Has nothing decided or sent until [`Tx::resume`]; an earlier reason stays.
    pub async fn halt(&mut self, halt: &Halt) -> Result<(), StoreError> {
        let sql = "insert into meta (key, value) values ($1, $2) on conflict (key) do nothing";
        execute!(self, sql, HALT, super::json(halt));
        Ok(())
    }

    /// Has deciding and sending go on. Returns whether it was halted.
    pub async fn resume(&mut self) -> Result<bool, StoreError> {
        let sql = "delete from meta where key = $1";
        Ok(execute!(self, sql, HALT) > 0)
    }

    /// Gives out no lease token up to `last` any more.
    pub async fn skip_tokens(&mut self, last: i64) -> Result<(), StoreError> {
        execute!(self, "update lease_tokens set last = $1 where id = 1 and last < $1", last);
        Ok(())
    }

    /// Where this database was used last, and writes down where it is used now.
    pub async fn settle_in(&mut self, place: &str) -> Result<Option<String>, StoreError> {
        let sql = "select value from meta where key = $1";
        let before: Option<String> =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(HOME).fetch_optional(conn).await?);
        self.put_meta(HOME, place).await?;
        Ok(before)
    }
}
