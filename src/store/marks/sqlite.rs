//! Marks on SQLite: values bound one by one, and what was marked as one value.
use chrono::{DateTime, Utc};
use sqlx::{Sqlite, SqliteConnection, query::QueryScalar, sqlite::SqliteArguments};

use super::{Mark, Prepared, Said};
use crate::store::{
    StoreError, json,
    values::{Listed, MOST},
};

static SENDING: Listed = Listed::new(include_str!("../sql/outreach_mark_sending.sqlite.sql"));
static SETTLED: Listed = Listed::new(include_str!("../sql/outreach_mark_settled.sqlite.sql"));

type Query<'q> = QueryScalar<'q, Sqlite, String, SqliteArguments>;

pub(super) async fn mark_sending(
    conn: &mut SqliteConnection,
    messages: &[Prepared],
    (now, lease_until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<i64>, StoreError> {
    let (until, ms) = (lease_until.timestamp_millis(), now.timestamp_millis());
    let mut marked = Vec::new();
    for messages in messages.chunks(MOST) {
        let (text, room) = SENDING.text(messages.len());
        let spare = room - messages.len();
        let leases = |query: Query<'static>| {
            let query = messages
                .iter()
                .fold(query, |query, message| query.bind(message.id.0).bind(message.lease_token));
            nulls(query, spare * 2)
        };
        let query = leases(sqlx::query_scalar(text)).bind(until).bind(ms);
        let query = messages.iter().fold(query, |query, message| {
            query.bind(message.id.0).bind(message.lease_token).bind(message.body.clone())
        });
        let query = nulls(query, spare * 3).bind(ms);
        let query = messages.iter().fold(query, |query, message| {
            let links = (!message.links.is_empty()).then(|| json(&message.links));
            query.bind(message.id.0).bind(message.lease_token).bind(links)
        });
        let query = leases(nulls(query, spare * 3)).bind(until);
        marked.extend(ids(query, conn).await?);
    }
    Ok(marked)
}

pub(super) async fn mark_settled(
    conn: &mut SqliteConnection,
    marks: &[Mark],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, StoreError> {
    let mut moved = Vec::new();
    for marks in marks.chunks(MOST) {
        let (text, room) = SETTLED.text(marks.len());
        let spare = room - marks.len();
        let query = marks.iter().fold(sqlx::query_scalar(text), owned);
        let query = marks.iter().fold(nulls(query, spare * 3), attempt);
        let query =
            marks.iter().fold(nulls(query, spare * 14), |query, mark| next(query, mark, now));
        moved.extend(ids(nulls(query, spare * 7), conn).await?);
    }
    Ok(moved)
}

/// Row, lease and known state: what a mark is believed by.
fn owned<'q>(query: Query<'q>, mark: &Mark) -> Query<'q> {
    query.bind(mark.id.0).bind(mark.lease_token).bind(mark.from.as_str())
}

/// The attempt of a mark; nulls if there was none.
fn attempt<'q>(query: Query<'q>, mark: &Mark) -> Query<'q> {
    let query = owned(query, mark);
    let Some(attempt) = &mark.attempt else { return nulls(query, 11) };
    let said = Said::of(&attempt.outcome);
    query
        .bind(attempt.no)
        .bind(attempt.began_at.timestamp_millis())
        .bind(attempt.sending_at.map(|at| at.timestamp_millis()))
        .bind(attempt.ended_at.timestamp_millis())
        .bind(attempt.relay.clone())
        .bind(attempt.connection.and_then(|number| i64::try_from(number).ok()))
        .bind(said.verdict)
        .bind(said.phase)
        .bind(said.code)
        .bind(said.enhanced)
        .bind(said.text.to_owned())
}

/// Where a mark has its row go.
fn next<'q>(query: Query<'q>, mark: &Mark, now: DateTime<Utc>) -> Query<'q> {
    owned(query, mark)
        .bind(mark.to.as_str())
        .bind(mark.next_at.map(|at| at.timestamp_millis()))
        .bind(mark.to.is_settled().then(|| now.timestamp_millis()))
        .bind(i64::from(mark.attempt.is_none()))
}

fn nulls(query: Query<'_>, count: usize) -> Query<'_> {
    (0..count).fold(query, |query, _| query.bind(None::<i64>))
}

/// The one value that the statements say.
async fn ids(query: Query<'_>, conn: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    // All of them: with one value only the driver would not run what comes behind it.
    let said = query.fetch_all(conn).await?;
    let ids = said.iter().map(|ids| serde_json::from_str::<Vec<i64>>(ids));
    let ids = ids.collect::<Result<Vec<_>, _>>();
    Ok(ids.map_err(|error| sqlx::Error::Decode(error.into()))?.concat())
}
