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
    /// The database is in another place than where it was last used: a copy, a clone of a machine, or a
    /// standby that took over.
    Moved,
    /// The clock jumped ahead.
    ClockJumped,
}

/// Names in `meta`; the statements below have them too.
const HALT: &str = "halt";
const HOME: &str = "home";

/// By how much the lease tokens of a database jump when it is found in another place: by more than its twin
/// gives out before somebody has looked. A daemon that claims a batch each second needs eleven days for it.
const TOKENS_APART: i64 = 1_000_000;

/// What tells a database from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The same for a database and for copies of a whole server; another one for a dump that was restored.
    database: String,
    /// Another one after a standby took over, or a server was brought back to a point in time.
    timeline: String,
    /// Where we find it, without who comes.
    address: String,
}

impl Identity {
    /// What files beside it are named by: a standby that takes over at its address finds them, and a copy
    /// elsewhere does not.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.database, self.address)
    }

    /// What is written down of a database that is used in this place.
    fn home(&self, place: &str) -> String {
        format!("{}/{}{place}", self.database, self.timeline)
    }
}

/// The numbers of PostgreSQL's database, and the timeline in which it writes.
macro_rules! identity_sql {
    () => {
        "select concat_ws('/', s.system_identifier, d.oid) as database,
                server_timeline() as timeline
         from pg_control_system() s, pg_database d
         where d.datname = current_database()"
    };
}

/// Whether PostgreSQL's database is not the one in which a daemon settled.
macro_rules! replaced_sql {
    () => {
        concat!(
            "exists (select from meta, (",
            identity_sql!(),
            ") as here
             where key = 'home' and not starts_with(value, here.database || '/' || here.timeline))"
        )
    };
}

/// Gives out a lease token unless everything stands still.
macro_rules! next_token_sql {
    ($($and:expr),*) => {
        concat!(
            "update lease_tokens set last = last + 1
             where id = 1 and not exists (select 1 from meta where key = 'halt')",
            $($and,)*
            " returning last"
        )
    };
}

impl Store {
    /// Why nothing is decided or sent, if that is so. A halt that cannot be read is an error: whoever
    /// wrote it, it was not meant that everything goes on.
    pub async fn halt(&self) -> Result<Option<Halt>, StoreError> {
        let halt = self.meta(HALT).await?.map(|text| serde_json::from_str(&text));
        halt.transpose().map_err(|_| StoreError::Halt)
    }

    /// What tells this database from a copy of it, as far as the server knows; the path of a file
    /// database is for the caller to add.
    pub async fn identity(&self) -> Result<Identity, StoreError> {
        let Backend::Postgres(pool) = &self.backend else {
            let (timeline, address) = Default::default();
            return Ok(Identity { database: "sqlite".to_owned(), timeline, address });
        };
        let (database, timeline) = sqlx::query_as(identity_sql!()).fetch_one(pool).await?;
        let options = pool.connect_options();
        let host = options
            .get_socket()
            .map_or_else(|| options.get_host().to_owned(), |folder| folder.display().to_string());
        let (port, name) = (options.get_port(), options.get_database().unwrap_or_default());
        Ok(Identity { database, timeline, address: format!("{host}:{port}/{name}") })
    }

    /// Whether another server has taken over, or this one has gone back, since a daemon settled in. A
    /// file database stays the same for as long as it is open.
    pub async fn is_replaced(&self) -> Result<bool, StoreError> {
        match &self.backend {
            Backend::Sqlite { .. } => Ok(false),
            Backend::Postgres(pool) => {
                let sql = concat!("select ", replaced_sql!());
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

    /// The next lease token. Whoever finds that another server has taken over writes down that it settled
    /// and that everything stands still at once, so that one of both always shows here.
    pub(super) async fn next_token(&mut self) -> Result<i64, StoreError> {
        let sql = self.dialect(next_token_sql!(), next_token_sql!(" and not ", replaced_sql!()));
        let token: Option<i64> =
            on_tx!(self, conn => sqlx::query_scalar(sql).fetch_optional(conn).await?);
        token.ok_or(StoreError::NoLease)
    }

    /// Gives out no lease token up to `last` any more.
    pub async fn skip_tokens(&mut self, last: i64) -> Result<(), StoreError> {
        execute!(self, "update lease_tokens set last = $1 where id = 1 and last < $1", last);
        Ok(())
    }

    /// Writes down that this database is used in this `place`. Returns whether it was used in another
    /// one before; then no lease token is given out that its twin may have given out, or may give out.
    pub async fn settle_in(&mut self, here: &Identity, place: &str) -> Result<bool, StoreError> {
        let sql = "select value from meta where key = $1";
        let before: Option<String> =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(HOME).fetch_optional(conn).await?);
        let home = here.home(place);
        self.put_meta(HOME, &home).await?;
        let was_elsewhere = before.is_some_and(|before| before != home);
        if was_elsewhere {
            let sql = "update lease_tokens set last = last + $1 where id = 1";
            execute!(self, sql, TOKENS_APART);
        }
        Ok(was_elsewhere)
    }
}
