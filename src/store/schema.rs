//! The schema's versions. A migration is never edited after a release.
use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Backend, StoreError};

/// Number, name, text for SQLite, text for PostgreSQL.
type Version = (i64, &'static str, &'static str, &'static str);

macro_rules! version {
    ($number:literal, $name:literal) => {
        (
            $number,
            $name,
            include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        )
    };
}

const VERSIONS: &[Version] =
    &[version!(1, "0001_people"), version!(2, "0002_business"), version!(3, "0003_outbox")];

pub(super) async fn migrate(backend: &Backend) -> Result<(), StoreError> {
    let outcome = match backend {
        Backend::Sqlite { writer, .. } => {
            // PostgreSQL's migrations wait for one another behind an advisory lock; here the write
            // lock keeps a second program out until the first has made everything.
            let mut tx = writer.begin_with("begin immediate").await?;
            // `run` takes no borrowed connection in a future that is to be `Send`; this is how sqlx's
            // own tests get round that.
            match migrator(|version| version.2).run_direct(None, &mut *tx, false).await {
                Ok(()) => tx.commit().await.map_err(MigrateError::from),
                Err(error) => Err(error),
            }
        }
        Backend::Postgres(pool) => migrator(|version| version.3).run(pool).await,
    };
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(found) => {
            StoreError::Newer { found, known: VERSIONS.last().map_or(0, |version| version.0) }
        }
        other => StoreError::Migrate(other),
    })
}

fn migrator(text: impl Fn(&Version) -> &'static str) -> Migrator {
    let migrations = VERSIONS.iter().map(|version| {
        let sql = AssertSqlSafe(text(version)).into_sql_str();
        Migration::new(version.0, Cow::Borrowed(version.1), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}
