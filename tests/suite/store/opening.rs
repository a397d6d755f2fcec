//! What is set when a database is opened.
use perennial::{
    domain::doctor::Durability,
    store::{ConfigurationNote, Store},
};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{at, database::Database, rows::write};

/// Where the log of SQLite is cut off once nobody needs what is behind it.
const LOG_LIMIT: u64 = 64 * 1024 * 1024;

#[tokio::test]
async fn the_log_of_sqlite_gets_small_again_once_a_long_reader_has_ended() {
    let db = Database::sqlite().await;
    let path = db.url.trim_start_matches("sqlite:").split('?').next().unwrap();
    let log_size = || std::fs::metadata(format!("{path}-wal")).unwrap().len();
    let note = |text: char, octets| ConfigurationNote {
        since: at("2026-05-14T09:00:00Z"),
        refused_at: None,
        refused: vec![text.to_string().repeat(octets)],
    };
    let mut reader = SqliteConnection::connect(&db.url).await.unwrap();
    let mut snapshot = reader.begin().await.unwrap();
    let _: i64 = sqlx::query_scalar("select count(*) from outreach")
        .fetch_one(&mut *snapshot)
        .await
        .unwrap();
    for text in 'a'..='r' {
        write(&db.store, async |tx| tx.note_configuration(&note(text, 4 << 20)).await).await;
    }
    assert!(log_size() > LOG_LIMIT, "the reader keeps all of it: {}", log_size());
    snapshot.rollback().await.unwrap();
    for text in 'a'..'d' {
        write(&db.store, async |tx| tx.note_configuration(&note(text, 1)).await).await;
    }
    assert!(log_size() <= LOG_LIMIT, "{}", log_size());
}

#[tokio::test]
async fn marks_are_durable_whatever_the_database_of_postgres_says() {
    let db = Database::postgres().await;
    let name = db.url.rsplit('/').next().unwrap().split('?').next().unwrap();
    db.execute(&format!("alter database \"{name}\" set synchronous_commit = off")).await;
    let said = db.texts("select current_setting('synchronous_commit')").await;
    assert_eq!(said, ["off"], "to others");
    let store = Store::open(&db.url).await.unwrap();
    let Durability::Server { synchronous_commit, .. } = store.durability().await.unwrap() else {
        panic!("a server is no file")
    };
    assert_eq!(synchronous_commit, "on");
}
