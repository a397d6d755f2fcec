//! The database: SQLite or PostgreSQL behind one set of functions.
//!
//! Reading is a method of [`Store`]; writing is a method of [`Tx`] and of nothing else, so that who
//! may write is who may begin. One Rust body and one SQL text serve both databases; a statement has
//! a dialect twin only where locking differs, turns can be spared, or a server may be replaced.
//! Batches travel as one JSON array that `json_each` unfolds, but for the marks on SQLite, which are
//! bound value by value. Rows are private to this room: past it there are only domain types.
mod audit;
mod business;
mod decisions;
mod dictionaries;
mod doubts;
mod durability;
mod facts;
mod feedback;
mod import;
mod letters;
mod marks;
mod meta;
mod outbox;
mod past;
mod past_mails;
mod people;
mod recovery;
mod relays;
mod retention;
mod retried;
mod safety;
mod schema;
mod snapshots;
mod standings;
mod status;
mod suppressions;
mod values;

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{
    Connection as _, Executor as _, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use decisions::DecisionDue;
pub use doubts::OpenDoubt;
pub use facts::ContactFacts;
pub use feedback::FeedbackTarget;
pub use import::Change;
pub use letters::{LetterFacts, LetterRepFacts};
pub use marks::{Attempt, Mark, Prepared};
pub use meta::{ConfigurationNote, HeldBack};
pub use outbox::{Claimed, LATEST_RELEASE, NewOutreach};
pub use past_mails::{CameBack, LastAttempt, PastMail};
pub use recovery::Recovered;
pub use safety::{Halt, HaltCause, Identity};
pub use snapshots::SnapshotOptions;
pub use standings::Stood;
pub use status::{LedgerCount, Totals};

/// Runs one body against whichever pool is open for reading; the body is type-checked once per
/// database.
macro_rules! on_pool {
    ($store:expr, $pool:ident => $body:expr) => {
        match &$store.backend {
            $crate::store::Backend::Sqlite { readers: $pool, .. } => $body,
            $crate::store::Backend::Postgres($pool) => $body,
        }
    };
}

/// The same for an open transaction.
macro_rules! on_tx {
    ($tx:expr, $conn:ident => $body:expr) => {
        match &mut $tx.inner {
            $crate::store::TxInner::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::TxInner::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

/// Reads many rows in no certain order, as a type that is made of a row of PostgreSQL and of a JSON list
/// of these columns. SQLite's driver hands rows over from a thread of its own, one by one and each with a
/// copy of every value; a page of contacts costs less as one value.
macro_rules! read_all {
    ($store:expr, ($($column:ident),+), $sql:expr $(, $bind:expr)*) => {
        match &$store.backend {
            $crate::store::Backend::Sqlite { readers, .. } => {
                let sql = concat!(
                    "select json_group_array(json_array(", stringify!($($column),+), ")) from (",
                    $sql, ") as page"
                );
                let rows: String =
                    sqlx::query_scalar(sql)$(.bind($bind))*.fetch_one(readers).await?;
                serde_json::from_str(&rows).map_err(|error| sqlx::Error::Decode(error.into()))?
            }
            $crate::store::Backend::Postgres(pool) => {
                sqlx::query_as($sql)$(.bind($bind))*.fetch_all(pool).await?
            }
        }
    };
}

/// Runs a statement in an open transaction and gives back how many rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)*) => {
        $crate::store::on_tx!($tx, conn => {
            sqlx::query($sql)$(.bind($bind))*.execute(conn).await?.rows_affected()
        })
    };
}

/// The statement of [`Tx::take_contacts`] for a condition on `contacts`.
macro_rules! contacts_in_order {
    ($condition:literal) => {
        concat!("select id from contacts where ", $condition, " order by id for no key update")
    };
}

/// The same for a list of ids.
const CONTACTS_BY_ID: &str =
    contacts_in_order!("id in (select cast(value->>0 as bigint) from json_each($1))");

use {contacts_in_order, execute, on_pool, on_tx, read_all};

/// A handle to the database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// An open transaction: the only handle with methods that write. Rolls back when dropped.
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
}

#[derive(Debug)]
enum TxInner {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// What can go wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names neither SQLite nor PostgreSQL.
    #[error("database URL must start with `sqlite:` or `postgres:`, found `{0}`")]
    UnknownBackend(String),
    /// The database cannot be opened.
    #[error(
        "the database at {0} cannot be opened; is the folder there and writable, is the server running?"
    )]
    Open(String, #[source] sqlx::Error),
    /// The driver or the server refused.
    #[error("the database refused the operation")]
    Driver(#[from] sqlx::Error),
    /// A row breaks a rule of the domain, so somebody wrote to the database by hand.
    #[error("row {id} of `{table}` has a bad `{column}`")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Row.
        id: i64,
        /// Column.
        column: &'static str,
    },
    /// Nothing is to be decided or sent, and why cannot be read: a newer program wrote it, or somebody
    /// by hand.
    #[error(
        "nothing is decided or sent, and why was written down cannot be read; use the newest program, or look at what happened and run `perennial resume`"
    )]
    Halt,
    /// Everything stands still, or another server has taken over since a daemon settled in.
    #[error(
        "no lease is given out: everything stands still, or another database server has taken over; `perennial status` says why"
    )]
    NoLease,
    /// A newer program has been here.
    #[error(
        "the database is at version {found}, this program knows versions up to {known}; use a newer program"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version known.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

/// How long a statement of SQLite waits for another process to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries to open a file that another process is just making.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// SQLite's result code 5, `SQLITE_BUSY`.
const SQLITE_BUSY: &str = "5";
/// Connections for reading. The web listener and the daemon's loops read at the same time.
const READERS: u32 = 4;
/// Rows that SQLite's thread may read ahead of us: a page of contacts.
const ROWS_AHEAD: usize = 1000;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 8;
/// How long PostgreSQL waits for the next statement of a transaction, which we never let it do for
/// longer than it takes to write a page down: a daemon that is frozen in the middle of one would keep
/// all others from the rows that it has in hand for as long as it is frozen.
const IDLE_TIMEOUT: &str = "set idle_in_transaction_session_timeout = '10s'";
/// A mark that was committed must survive a crash of the server, whatever the role was given.
const DURABLE: &str = "select set_config('synchronous_commit', 'on', false)
     where current_setting('synchronous_commit') in ('off', 'local')";
/// A connection to PostgreSQL that was idle for longer is asked whether it is still there.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// How long to wait for PostgreSQL before saying that it is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the database at `url`, makes it if it is an SQLite file that is not there, and brings
    /// its schema to this version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::with(Backend::open(url, SqliteSynchronous::Full).await?).await
    }

    /// The same for a file that is thrown away in the end, so that its marks need not survive a power cut:
    /// it does not wait for the disk.
    pub async fn open_fleeting(url: &str) -> Result<Self, StoreError> {
        Self::with(Backend::open(url, SqliteSynchronous::Normal).await?).await
    }

    async fn with(backend: Backend) -> Result<Self, StoreError> {
        schema::migrate(&backend).await?;
        Ok(Self { backend })
    }

    /// Opens a transaction for writing.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = match &self.backend {
            // `immediate` takes the write lock now, so that a later write cannot fail half-way.
            Backend::Sqlite { writer, .. } => {
                TxInner::Sqlite(writer.begin_with("begin immediate").await?)
            }
            Backend::Postgres(pool) => TxInner::Postgres(pool.begin().await?),
        };
        Ok(Tx { inner })
    }

    /// Which database this is, for people: `SQLite` or `PostgreSQL`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.backend {
            Backend::Sqlite { .. } => "SQLite",
            Backend::Postgres(_) => "PostgreSQL",
        }
    }

    /// Closes all connections, so that an SQLite file is whole and alone when this returns.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }
}

impl Backend {
    async fn open(url: &str, synchronous: SqliteSynchronous) -> Result<Self, StoreError> {
        // The password of a PostgreSQL URL has no business in a message.
        let shown = || url.split('@').next_back().unwrap_or_default().to_owned();
        let cannot = |error| StoreError::Open(shown(), error);
        if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse().map_err(cannot)?;
            let options = options
                .foreign_keys(true)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // A mark that was committed must survive a power cut: docs/decisions/0003.
                .synchronous(synchronous)
                .busy_timeout(BUSY_TIMEOUT)
                // Rows come from a thread of the driver's; a page of them in one go costs fewer turns.
                .row_buffer_size(ROWS_AHEAD)
                // A tick touches contacts all over the file. With the default of 1,000 pages nearly
                // every commit of one copies them back; see docs/benchmarks.md.
                .pragma("wal_autocheckpoint", "8192")
                // While somebody reads for long the log grows; afterwards it gets this small again.
                .pragma("journal_size_limit", "67108864")
                .pragma("cache_size", "-16384");
            let writer = sqlite_pool(&options, 1).await.map_err(cannot)?;
            let readers = sqlite_pool(&options, READERS).await.map_err(cannot)?;
            Ok(Self::Sqlite { writer, readers })
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(CONNECT_TIMEOUT)
                // One that has just answered is not asked whether it is still there.
                .test_before_acquire(false)
                .before_acquire(|connection, used| {
                    Box::pin(async move {
                        if used.idle_for > TRUSTED_IDLE {
                            connection.ping().await?;
                        }
                        Ok(true)
                    })
                })
                // Statements and no options of the connection, which a pooler would refuse.
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute(IDLE_TIMEOUT).await?;
                        connection.execute(DURABLE).await.map(|_| ())
                    })
                })
                .connect(url)
                .await
                .map_err(cannot)?;
            Ok(Self::Postgres(pool))
        } else {
            Err(StoreError::UnknownBackend(shown()))
        }
    }
}

/// Connections to an SQLite file. Whoever opens a new file first switches it to WAL, and SQLite does
/// not make the others wait for that as it does for everything else.
async fn sqlite_pool(
    options: &SqliteConnectOptions,
    connections: u32,
) -> Result<SqlitePool, sqlx::Error> {
    let patient_until = Instant::now() + BUSY_TIMEOUT;
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            // It is in this process; asking whether it is there is a change of thread for nothing.
            .test_before_acquire(false)
            // SQLite itself takes a transaction back that a full disk did not take. The driver then
            // believes that it is open, and this connection would refuse every other one for good.
            .before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            });
        match pool.connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && Instant::now() < patient_until => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether another connection to the SQLite file is in the way.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(SQLITE_BUSY)
}

impl Tx {
    /// Makes the writes permanent.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Takes the rows of `contacts` that `which` selects for `keys`, in the order of their ids, before
    /// several of them are written. Two writers of PostgreSQL that took them in orders of their own
    /// would stop one another for good; SQLite has one writer.
    async fn take_contacts(&mut self, which: &'static str, keys: &str) -> Result<(), StoreError> {
        if let TxInner::Postgres(tx) = &mut self.inner {
            sqlx::query(which).bind(keys).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// The text for this database where the two must differ.
    const fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.inner {
            TxInner::Sqlite(_) => sqlite,
            TxInner::Postgres(_) => postgres,
        }
    }
}

/// The instant that is `ms` unix milliseconds, if chrono can hold it.
fn instant(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms)
}

/// A column's text as a domain type, or which row is broken.
fn parsed<T: std::str::FromStr>(
    text: &str,
    table: &'static str,
    id: i64,
    column: &'static str,
) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt { table, id, column })
}

/// The same for a column that may be null.
fn parsed_option<T: std::str::FromStr>(
    text: Option<&String>,
    table: &'static str,
    id: i64,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    text.map(|text| parsed(text, table, id, column)).transpose()
}

/// A list of keys as the JSON that `json_each` unfolds.
fn json_keys<T: serde::Serialize>(keys: impl Iterator<Item = T>) -> String {
    json(&keys.map(|key| [key]).collect::<Vec<_>>())
}

/// Rows as the JSON that `json_each` unfolds.
fn json<T: serde::Serialize>(rows: &T) -> String {
    serde_json::to_string(rows).expect("rows hold only strings, numbers and nulls")
}

/// A day as the database has it.
fn day_text(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}
