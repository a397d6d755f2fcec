//! How the ledger does with a million open rows: claims, marks, and its size.
//!
//! `cargo bench --bench ledger` works on a file of SQLite that is thrown away; `-- URL` on another database.
//! A million contacts are made up if it has none, and each gets an open row.
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use perennial::{
    domain::{Outcome, OutreachState},
    store::{Attempt, Claimed, Mark, Prepared, Store},
};
use sqlx::{Connection, Executor};

const NOW: &str = "2026-09-30T12:00:00Z";
const PEOPLE: &str = "
    insert into contacts (match_key, email, name, attributes, known_since, engagement, wish)
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 1000000)
    select 'person' || n || '@company' || (n % 1000) || '.example',
        'person' || n || '@company' || (n % 1000) || '.example', 'Person ' || n, '{}', 0, '', ''
    from numbers";
/// Rows that are claimed together, as the daemon does it.
const CLAIM: u32 = 500;
/// Marks in one commit: two connections' worth of a busy daemon.
const GROUP: usize = 32;
/// Octets of a compressed message of 14 kB.
const BODY: usize = 3000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let url = std::env::args()
        .skip(1)
        .find(|word| word != "--bench")
        .unwrap_or_else(|| format!("sqlite:{}", folder.path().join("bench.db").display()));
    tokio::runtime::Runtime::new().expect("a runtime can be made").block_on(ledger(&url));
}

async fn ledger(url: &str) {
    let store = Store::open(url).await.expect("the database opens");
    let kind = store.kind();
    let now: DateTime<Utc> = NOW.parse().expect("an instant");
    if store.totals().await.expect("totals").contacts == 0 {
        execute(url, PEOPLE).await;
    }
    let empty = size(url).await;
    let ms = now.timestamp_millis();
    let rows = execute(
        url,
        &format!(
            "insert into outreach (contact_id, campaign, kind, occasion_on, state, created_at, due_at,
                 not_after, precedence, next_at, attempt, nonce)
             select id, 'bench', 'birthday', '2026-09-30', 'ready', {ms}, {ms}, {ms} + 86400000, 0, {ms},
                 0, id * 1000003
             from contacts where true on conflict do nothing"
        ),
    )
    .await;
    // As a server does by itself sooner or later; until then a claim may take seconds.
    execute(url, "analyze").await;
    let full = size(url).await;
    println!(
        "{kind}: {rows} open rows, {:.0} octets each with their indexes",
        (full - empty) as f64 / rows as f64
    );
    let (mut claims, mut sending, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..40 {
        let began = Instant::now();
        let mut tx = store.begin().await.expect("it begins");
        let batch = tx.claim(now, TimeDelta::minutes(15), (CLAIM, 0)).await.expect("a claim");
        tx.commit().await.expect("it commits");
        claims.push(began.elapsed().as_secs_f64() * 1e3);
        for group in batch.chunks(GROUP).take(4) {
            marks(&store, group, now, (&mut sending, &mut settled)).await;
        }
    }
    said(kind, "claim of 500", claims);
    said(kind, "commit of 32 marks `sending` with their messages", sending);
    said(kind, "commit of 32 marks `sent` with their attempts", settled);
    store.close().await;
}

/// Marks a group as leaving and as sent, as two commits.
async fn marks(
    store: &Store,
    group: &[Claimed],
    now: DateTime<Utc>,
    (sending, settled): (&mut Vec<f64>, &mut Vec<f64>),
) {
    let lease_until = now + TimeDelta::minutes(15);
    let prepared: Vec<Prepared> = group
        .iter()
        .map(|mail| Prepared {
            id: mail.id,
            lease_token: mail.lease_token,
            body: vec![7; BODY],
            links: (0..5).map(|n| format!("https://www.example.com/page/{n}")).collect(),
        })
        .collect();
    let began = Instant::now();
    let mut tx = store.begin().await.expect("it begins");
    let marked = tx.mark_sending(&prepared, now, lease_until).await.expect("marks");
    tx.commit().await.expect("it commits");
    sending.push(began.elapsed().as_secs_f64() * 1e3);
    assert_eq!(marked.len(), group.len());
    let ends: Vec<Mark> = group
        .iter()
        .map(|mail| Mark {
            id: mail.id,
            lease_token: mail.lease_token,
            from: OutreachState::Sending,
            to: OutreachState::Sent,
            next_at: None,
            attempt: Some(Attempt {
                no: mail.attempt,
                began_at: now,
                sending_at: Some(now),
                ended_at: now,
                relay: Some("main".to_owned()),
                connection: Some(1),
                outcome: Outcome::Accepted { text: "2.0.0 Ok: queued as 4ABCDEF0123".to_owned() },
            }),
        })
        .collect();
    let began = Instant::now();
    let mut tx = store.begin().await.expect("it begins");
    tx.mark_settled(&ends, now).await.expect("marks");
    tx.commit().await.expect("it commits");
    settled.push(began.elapsed().as_secs_f64() * 1e3);
}

fn said(kind: &str, what: &str, mut took: Vec<f64>) {
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!("{kind}: {what}: median {:.1} ms, 99 % within {:.1} ms", at(50), at(99));
}

async fn execute(url: &str, sql: &str) -> u64 {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.expect("it opens");
        connection.execute(sql).await.expect("it is written").rows_affected()
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("it opens");
        connection.execute(sql).await.expect("it is written").rows_affected()
    }
}

/// Octets of the whole database.
async fn size(url: &str) -> i64 {
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.expect("it opens");
        let sql = "select page_count * page_size from pragma_page_count(), pragma_page_size()";
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a size")
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("it opens");
        let sql = "select pg_database_size(current_database())";
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a size")
    }
}
