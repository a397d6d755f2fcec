//! Marks on PostgreSQL: a list travels as one value, and the server takes it apart.
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Mark, Prepared, Said};
use crate::{
    domain::OutreachState,
    store::{StoreError, json},
};

/// What is said of one message: row, lease, state, from which of all octets its body is, from 1, and how
/// many, and its links as JSON.
type SendingRow = (i64, i64, &'static str, usize, usize, Option<String>);

/// What is said of one mark: row, lease, from and to which state, when again, when settled, how many
/// attempts it was not; then the attempt, without its row and lease, if there was one.
#[derive(Serialize)]
struct SettledRow<'a>(
    i64,
    i64,
    &'static str,
    &'static str,
    Option<i64>,
    Option<i64>,
    i32,
    Option<u32>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<&'a str>,
    Option<u64>,
    Option<&'static str>,
    Option<&'static str>,
    Option<u16>,
    Option<String>,
    Option<&'a str>,
);

pub(super) async fn mark_sending(
    conn: &mut PgConnection,
    messages: &[Prepared],
    (now, lease_until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<i64>, StoreError> {
    let sql = include_str!("../sql/outreach_mark_sending.postgres.sql");
    let (until, ms) = (lease_until.timestamp_millis(), now.timestamp_millis());
    let bodies: Vec<&[u8]> = messages.iter().map(|message| message.body.as_slice()).collect();
    let rows = json(&sending_rows(messages));
    let query = sqlx::query_scalar(sql).bind(rows).bind(until).bind(ms).bind(bodies.concat());
    Ok(query.fetch_all(conn).await?)
}

pub(super) async fn mark_settled(
    conn: &mut PgConnection,
    marks: &[Mark],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, StoreError> {
    let sql = include_str!("../sql/outreach_mark_settled.postgres.sql");
    let rows: Vec<_> = marks.iter().map(|mark| settled_row(mark, now)).collect();
    Ok(sqlx::query_scalar(sql).bind(json(&rows)).fetch_all(conn).await?)
}

fn sending_rows(messages: &[Prepared]) -> Vec<SendingRow> {
    let mut begins_at = 1;
    let row = |message: &Prepared| {
        let octets = message.body.len();
        let links = (!message.links.is_empty()).then(|| json(&message.links));
        let from = OutreachState::Claimed.as_str();
        let row = (message.id.0, message.lease_token, from, begins_at, octets, links);
        begins_at += octets;
        row
    };
    messages.iter().map(row).collect()
}

fn settled_row(mark: &Mark, now: DateTime<Utc>) -> SettledRow<'_> {
    let ms = |at: DateTime<Utc>| at.timestamp_millis();
    let attempt = mark.attempt.as_ref();
    let said = attempt.map(|attempt| Said::of(&attempt.outcome));
    let said = said.as_ref();
    SettledRow(
        mark.id.0,
        mark.lease_token,
        mark.from.as_str(),
        mark.to.as_str(),
        mark.next_at.map(ms),
        mark.to.is_settled().then(|| ms(now)),
        i32::from(attempt.is_none()),
        attempt.map(|attempt| attempt.no),
        attempt.map(|attempt| ms(attempt.began_at)),
        attempt.and_then(|attempt| attempt.sending_at).map(ms),
        attempt.map(|attempt| ms(attempt.ended_at)),
        attempt.and_then(|attempt| attempt.relay.as_deref()),
        attempt.and_then(|attempt| attempt.connection),
        said.map(|said| said.verdict),
        said.and_then(|said| said.phase),
        said.and_then(|said| said.code),
        said.and_then(|said| said.enhanced.clone()),
        said.map(|said| said.text),
    )
}
