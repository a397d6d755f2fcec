//! Marks in the ledger: what is about to leave, and how each attempt ended.
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    StoreError, Tx, contacts_in_order, decisions::decide_at_once_sql, execute, json, json_keys,
    on_tx,
};
use crate::domain::{Outcome, OutreachId, OutreachState};

/// A message whose content is about to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Row identity.
    pub id: OutreachId,
    /// Proves that the lease is ours.
    pub lease_token: i64,
    /// The lease from now on.
    pub lease_until: DateTime<Utc>,
    /// The message, zstd.
    pub body: Vec<u8>,
    /// Destinations of the tracked links, by number from 0.
    pub links: Vec<String>,
}

/// How an attempt ended, and what becomes of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Row identity.
    pub id: OutreachId,
    /// Proves that the lease is ours.
    pub lease_token: i64,
    /// The state that the row is to leave.
    pub from: OutreachState,
    /// The state that it is to enter.
    pub to: OutreachState,
    /// When to try again, for [`OutreachState::Ready`].
    pub next_at: Option<DateTime<Utc>>,
    /// What happened, if there was an attempt.
    pub attempt: Option<Attempt>,
}

/// One line of the append-only history of attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub no: u32,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How it ended.
    pub outcome: Outcome,
}

#[derive(Serialize)]
struct AttemptRow<'a>(
    i64,
    u32,
    i64,
    i64,
    &'static str,
    Option<&'static str>,
    Option<u16>,
    Option<String>,
    &'a str,
);

impl Tx {
    /// Marks that content is about to leave. What comes back may leave; what does not has lost its
    /// lease, or its contact was suppressed meanwhile.
    pub async fn mark_sending(
        &mut self,
        messages: &[Prepared],
    ) -> Result<HashSet<OutreachId>, StoreError> {
        let sql = include_str!("sql/outreach_mark_sending.sql");
        let rows: Vec<_> = messages
            .iter()
            .map(|message| {
                (message.id.0, message.lease_token, message.lease_until.timestamp_millis())
            })
            .collect();
        let rows = json(&rows);
        let marked: Vec<i64> =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(rows).fetch_all(conn).await?);
        let marked: HashSet<_> = marked.into_iter().map(OutreachId).collect();
        let sql = "insert into bodies (outreach_id, message) values ($1, $2)
                   on conflict (outreach_id) do nothing";
        let mut links = Vec::new();
        for message in messages.iter().filter(|message| marked.contains(&message.id)) {
            let (id, body) = (message.id.0, message.body.as_slice());
            execute!(self, sql, id, body);
            links.extend(message.links.iter().enumerate().map(|(no, url)| (id, no, url)));
        }
        if !links.is_empty() {
            let sql = "insert into links (outreach_id, no, url)
                       select cast(value->>0 as bigint), cast(value->>1 as bigint), value->>2
                       from json_each($1) where true
                       on conflict (outreach_id, no) do nothing";
            let links = json(&links);
            execute!(self, sql, links);
        }
        Ok(marked)
    }

    /// Writes down how attempts ended. Returns the rows that were moved; a row that is missing has
    /// lost its lease, and nothing was changed about it.
    pub async fn mark_settled(
        &mut self,
        marks: &[Mark],
        now: DateTime<Utc>,
    ) -> Result<HashSet<OutreachId>, StoreError> {
        debug_assert!(marks.iter().all(|mark| mark.from.may_become(mark.to)));
        let sql = include_str!("sql/outreach_mark_settled.sql");
        let rows: Vec<_> = marks
            .iter()
            .map(|mark| {
                let settled = mark.to.is_settled().then_some(now.timestamp_millis());
                let next_at = mark.next_at.map(|at| at.timestamp_millis());
                (
                    mark.id.0,
                    mark.lease_token,
                    mark.from.as_str(),
                    mark.to.as_str(),
                    next_at,
                    settled,
                )
            })
            .collect();
        let rows = json(&rows);
        let moved: Vec<i64> =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(rows).fetch_all(conn).await?);
        let moved: HashSet<_> = moved.into_iter().map(OutreachId).collect();
        self.record_attempts(marks, &moved).await?;
        self.note_mailed(marks, &moved, now).await?;
        Ok(moved)
    }

    async fn record_attempts(
        &mut self,
        marks: &[Mark],
        moved: &HashSet<OutreachId>,
    ) -> Result<(), StoreError> {
        let rows: Vec<_> = marks
            .iter()
            .filter(|mark| moved.contains(&mark.id))
            .filter_map(|mark| Some(attempt_row(mark, mark.attempt.as_ref()?)))
            .collect();
        let sql = include_str!("sql/attempts_write.sql");
        let rows = json(&rows);
        execute!(self, sql, rows);
        Ok(())
    }

    /// A mail that left is its contact's last one; one that was given up has the contact decided
    /// on anew.
    async fn note_mailed(
        &mut self,
        marks: &[Mark],
        moved: &HashSet<OutreachId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let of_state = |wanted: fn(OutreachState) -> bool| {
            let marks = marks.iter().filter(|mark| moved.contains(&mark.id));
            json_keys(marks.filter(|mark| wanted(mark.to)).map(|mark| mark.id.0))
        };
        let which = contacts_in_order!(
            "id in (select contact_id from outreach
                    where id in (select cast(value->>0 as bigint) from json_each($1)))"
        );
        self.take_contacts(which, &json_keys(moved.iter().map(|id| id.0))).await?;
        let sql = "update contacts set last_mail_at = $2
                   where id in (select contact_id from outreach
                                where id in (select cast(value->>0 as bigint) from json_each($1)))";
        let (ids, ms) = (of_state(|state| state == OutreachState::Sent), now.timestamp_millis());
        execute!(self, sql, ids, ms);
        let sql = decide_at_once_sql!(
            "id in (select contact_id from outreach
                    where id in (select cast(value->>0 as bigint) from json_each($1)))"
        );
        let ids = of_state(|state| !state.counts());
        execute!(self, sql, ids, ms);
        Ok(())
    }
}

fn attempt_row<'a>(mark: &Mark, attempt: &'a Attempt) -> AttemptRow<'a> {
    let (verdict, phase, reply, text) = match &attempt.outcome {
        Outcome::Accepted { text } => ("accepted", None, None, text.as_str()),
        Outcome::Rejected { phase, reply } => {
            ("rejected", Some(*phase), Some(reply), reply.text.as_str())
        }
        Outcome::NotSent { phase, cause } => ("not_sent", Some(*phase), None, cause.as_str()),
        Outcome::InDoubt { cause } => ("in_doubt", None, None, cause.as_str()),
    };
    AttemptRow(
        mark.id.0,
        attempt.no,
        mark.lease_token,
        attempt.ended_at.timestamp_millis(),
        verdict,
        phase.map(crate::domain::Phase::as_str),
        reply.map(|reply| reply.code),
        reply.and_then(|reply| reply.enhanced).map(|status| status.to_string()),
        text,
    )
}
