//! A database for one test, gone when the test is over.
use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use perennial::store::Store;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use url::Url;

/// A database of this version's schema with nothing in it.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Dropped after the test; the store's connections do not hinder that.
    _place: Place,
}

enum Place {
    Folder { _folder: TempDir },
    Server { admin: Url, name: String },
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let (url, place) = Place::folder();
        Self { store: Store::open(&url).await.unwrap(), url, _place: place }
    }

    pub(crate) async fn postgres() -> Self {
        let (url, place) = Place::server().await;
        Self { store: Store::open(&url).await.unwrap(), url, _place: place }
    }

    /// The first column of `sql`, row by row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.url, sql).await
    }

    /// Runs `sql` behind the store's back.
    pub(crate) async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.unwrap();
    }

    pub(crate) async fn try_execute(&self, sql: &str) -> sqlx::Result<()> {
        execute(&self.url, sql).await
    }
}

/// A database that nobody has opened yet.
pub(crate) struct Bare {
    pub(crate) url: String,
    _place: Place,
}

impl Bare {
    pub(crate) fn sqlite() -> Self {
        let (url, place) = Place::folder();
        Self { url, _place: place }
    }

    pub(crate) async fn postgres() -> Self {
        let (url, place) = Place::server().await;
        Self { url, _place: place }
    }
}

pub(crate) async fn texts(url: &str, sql: &str) -> Vec<String> {
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap()
    }
}

/// Runs `sql` behind the store's back.
pub(crate) async fn execute(url: &str, sql: &str) -> sqlx::Result<()> {
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    } else {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    Ok(())
}

impl Place {
    fn folder() -> (String, Self) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("perennial.db").display());
        (url, Self::Folder { _folder: folder })
    }

    async fn server() -> (String, Self) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url = env::var("TEST_POSTGRES_URL")
            .expect("TEST_POSTGRES_URL: run tests/run, which starts a throw-away PostgreSQL");
        let admin: Url = url.parse().expect("TEST_POSTGRES_URL is a URL");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("perennial_test_{}_{number}", process::id());
        administer(&admin, format!("create database {name}")).await;
        let mut own = admin.clone();
        own.set_path(&name);
        (own.to_string(), Self::Server { admin, name })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self::Server { admin, name } = self else { return };
        let (admin, sql) = (admin.clone(), format!("drop database {name} with (force)"));
        // A test that failed is unwinding, so its runtime cannot be waited on.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(administer(&admin, sql));
        });
        let _ = dropped.join();
    }
}

async fn administer(server: &Url, sql: String) {
    let mut connection = PgConnection::connect(server.as_str()).await.unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
