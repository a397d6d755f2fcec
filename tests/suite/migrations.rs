//! Both databases have one schema, and an older program leaves a newer one alone.
use std::{collections::BTreeMap, fs, path::Path};

use perennial::store::{Store, StoreError};

use crate::support::{
    database::{Bare, Database, texts},
    on_both_databases,
};

on_both_databases!(
    opening_again_changes_nothing,
    a_database_of_a_newer_version_is_refused_with_words,
    a_migration_that_was_edited_is_noticed,
);

const SQLITE_COLUMNS: &str = "
    select m.name || '.' || c.name || case when c.\"notnull\" = 1 or c.pk > 0 then '' else '?' end
    from sqlite_schema m
    join pragma_table_info(m.name) c
    where m.type in ('table', 'view') and m.name not like '\\_sqlx%' escape '\\' and m.name not like 'sqlite%'
    order by 1";
const POSTGRES_COLUMNS: &str = "
    select table_name || '.' || column_name || case is_nullable when 'YES' then '?' else '' end
    from information_schema.columns
    where table_schema = 'public' and table_name not like '\\_sqlx%'
    order by 1";

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_and_nulls() {
    let (sqlite, postgres) = (Database::sqlite().await, Database::postgres().await);
    let in_sqlite = sqlite.texts(SQLITE_COLUMNS).await;
    assert!(in_sqlite.contains(&"outreach.lease_token?".to_owned()), "{in_sqlite:?}");
    assert_eq!(in_sqlite, postgres.texts(POSTGRES_COLUMNS).await);
}

#[tokio::test]
async fn both_databases_have_the_same_indexes() {
    let (sqlite, postgres) = (Database::sqlite().await, Database::postgres().await);
    let in_sqlite = sqlite
        .texts("select name from sqlite_schema where type = 'index' and sql is not null order by 1")
        .await;
    let in_postgres = postgres
        .texts(
            "select indexname from pg_indexes where schemaname = 'public'
             and indexname not like '%\\_key' and indexname not like '%\\_pkey' order by 1",
        )
        .await;
    assert_eq!(in_sqlite, in_postgres);
}

#[test]
fn both_databases_have_the_same_migrations_in_one_line_of_numbers() {
    let names = |kind: &str| {
        let files = fs::read_dir(Path::new("migrations").join(kind)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.map(|name| (name[..4].parse().unwrap(), name)).collect::<BTreeMap<usize, String>>()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"));
    assert!(sqlite.keys().copied().eq(1..=sqlite.len()), "{sqlite:?}");
}

async fn opening_again_changes_nothing(db: &Database) {
    let versions = "select version || ' ' || installed_on from _sqlx_migrations order by version";
    let before = db.texts(versions).await;
    Store::open(&db.url).await.unwrap().close().await;
    assert_eq!((before.len(), db.texts(versions).await), (migrations(), before));
}

fn migrations() -> usize {
    fs::read_dir("migrations/sqlite").unwrap().count()
}

async fn a_database_of_a_newer_version_is_refused_with_words(db: &Database) {
    db.execute("update _sqlx_migrations set version = 9000 where version = 3").await;
    let error = Store::open(&db.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 9000, .. }), "{error:?}");
    let known = migrations();
    let words = format!(
        "the database is at version 9000, this program knows versions up to {known}; use a newer program"
    );
    assert_eq!(error.to_string(), words);
}

async fn a_migration_that_was_edited_is_noticed(db: &Database) {
    let zero = if db.url.starts_with("sqlite") { "x'00'" } else { "'\\x00'" };
    db.execute(&format!("update _sqlx_migrations set checksum = {zero} where version = 1")).await;
    let error = Store::open(&db.url).await.unwrap_err();
    assert!(matches!(error, StoreError::Migrate(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_that_start_at_once_migrate_a_postgres_once() {
    open_at_once(&Bare::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_that_start_at_once_migrate_an_sqlite_once() {
    open_at_once(&Bare::sqlite()).await;
}

async fn open_at_once(bare: &Bare) {
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let url = bare.url.clone();
        starts.spawn(async move { Store::open(&url).await.map(|_| ()) });
    }
    for opened in starts.join_all().await {
        opened.unwrap();
    }
    let versions = texts(&bare.url, "select cast(version as text) from _sqlx_migrations").await;
    assert_eq!(versions.len(), migrations());
}

#[tokio::test]
async fn an_address_of_no_database_is_refused_without_its_password() {
    let error = Store::open("mysql://ada:hunter2@db/perennial").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "database URL must start with `sqlite:` or `postgres:`, found `db/perennial`"
    );
    let nowhere = format!("{}_of_nobody", Bare::postgres().await.url);
    let error = Store::open(&nowhere).await.unwrap_err().to_string();
    assert!(error.contains("is the server running?") && error.contains("_of_nobody"), "{error}");
    assert!(!error.contains("postgres:"), "neither user nor password: {error}");
}
