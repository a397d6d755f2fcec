//! Marks in the ledger: what is about to leave, and how each attempt ended.
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{StoreError, Tx, decisions::decide_at_once_sql, execute, json, on_tx};
use crate::domain::{Outcome, OutreachId, OutreachState};

/// Octets of bodies from which on the rest has a statement of its own.
const MOST_OCTETS: usize = 4 * 1024 * 1024;

/// A message whose content is about to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Row identity.
    pub id: OutreachId,
    /// Proves that the lease is ours.
    pub lease_token: i64,
    /// The message, zstd.
    pub body: Vec<u8>,
    /// Destinations of the tracked links, by number from 0.
    pub links: Vec<String>,
}

/// How an attempt ended, and what becomes of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What happened. Without it nothing did, and the attempt's number goes to the next one.
    pub attempt: Option<Attempt>,
}

/// One line of the append-only history of attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub no: u32,
    /// When it began: the message was at hand and a connection was looked for.
    pub began_at: DateTime<Utc>,
    /// When the mark was durable and the content could leave, if it came to that.
    pub sending_at: Option<DateTime<Utc>>,
    /// The relay's name, if there is a relay.
    pub relay: Option<String>,
    /// Which one of the daemon's connections to that relay, from 1.
    pub connection: Option<u64>,
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
    Option<i64>,
    i64,
    Option<&'a str>,
    Option<u64>,
    &'static str,
    Option<&'static str>,
    Option<u16>,
    Option<String>,
    &'a str,
);

impl Tx {
    /// Marks that content is about to leave, under a lease until then. What comes back may leave; what
    /// does not has lost its lease, is not welcome any more, or its contact was suppressed meanwhile.
    pub async fn mark_sending(
        &mut self,
        messages: &[Prepared],
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
    ) -> Result<HashSet<OutreachId>, StoreError> {
        let sql = include_str!("sql/outreach_mark_sending.sql");
        let from = OutreachState::Claimed.as_str();
        let rows: Vec<_> =
            messages.iter().map(|message| (message.id.0, message.lease_token, from)).collect();
        let rows = json(&rows);
        let (until, ms) = (lease_until.timestamp_millis(), now.timestamp_millis());
        let marked: Vec<i64> = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(rows).bind(until).bind(ms).fetch_all(conn).await?);
        let marked: HashSet<_> = marked.into_iter().map(OutreachId).collect();
        let leaving = || messages.iter().filter(|message| marked.contains(&message.id));
        self.keep_bodies(leaving(), now).await?;
        let links: Vec<_> = leaving()
            .filter(|message| !message.links.is_empty())
            .map(|message| (message.id.0, json(&message.links)))
            .collect();
        if !links.is_empty() {
            let sql = "insert into links (outreach_id, urls)
                       select cast(value->>0 as bigint), value->>1
                       from json_each($1) where true
                       on conflict (outreach_id) do nothing";
            let links = json(&links);
            execute!(self, sql, links);
        }
        Ok(marked)
    }

    /// Stores the bytes of these messages, unless an earlier attempt did.
    async fn keep_bodies<'a>(
        &mut self,
        messages: impl Iterator<Item = &'a Prepared>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // As one value, and where each begins: one statement for letters of the usual size, and no
        // second copy of all files where they bring large ones.
        let (mut places, mut octets) = (Vec::new(), Vec::new());
        for Prepared { id, body, .. } in messages {
            places.push((id.0, octets.len() + 1, body.len()));
            octets.extend_from_slice(body);
            if octets.len() >= MOST_OCTETS {
                self.put_bodies(&std::mem::take(&mut places), std::mem::take(&mut octets), now)
                    .await?;
            }
        }
        if places.is_empty() { Ok(()) } else { self.put_bodies(&places, octets, now).await }
    }

    /// Stores bodies that lie one behind the other in `octets`: of which row, from which octet, from 1,
    /// and how many.
    async fn put_bodies(
        &mut self,
        places: &[(i64, usize, usize)],
        octets: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "insert into bodies (outreach_id, written_at, message)
                   select cast(value->>0 as bigint), cast($2 as bigint),
                          substr($3, cast(value->>1 as integer), cast(value->>2 as integer))
                   from json_each($1) where true
                   on conflict (outreach_id) do nothing";
        let places = json(&places);
        execute!(self, sql, places, now.timestamp_millis(), octets);
        Ok(())
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
                let untried = i32::from(mark.attempt.is_none());
                (
                    mark.id.0,
                    mark.lease_token,
                    mark.from.as_str(),
                    mark.to.as_str(),
                    next_at,
                    settled,
                    untried,
                )
            })
            .collect();
        let rows = json(&rows);
        let moved: Vec<i64> =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(rows).fetch_all(conn).await?);
        let mut moved: HashSet<_> = moved.into_iter().map(OutreachId).collect();
        self.record_attempts(marks, &moved, now).await?;
        self.decide_anew(marks, &moved, now).await?;
        let unmoved = marks.iter().filter(|mark| !moved.contains(&mark.id));
        let known = self.written_before(unmoved).await?;
        moved.extend(known);
        Ok(moved)
    }

    /// Those of the marks that a commit wrote whose answer got lost: their very attempts are there.
    async fn written_before(
        &mut self,
        marks: impl Iterator<Item = &Mark>,
    ) -> Result<Vec<OutreachId>, StoreError> {
        let rows: Vec<_> = marks
            .filter_map(|mark| {
                let attempt = mark.attempt.as_ref()?;
                let times = (attempt.began_at, attempt.ended_at);
                let [began, ended] = [times.0, times.1].map(|at| at.timestamp_millis());
                Some((mark.id.0, attempt.no, mark.lease_token, began, ended))
            })
            .collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "select a.outreach_id from json_each($1) as mark
                   join attempts a on a.outreach_id = cast(mark.value->>0 as bigint)
                       and a.no = cast(mark.value->>1 as bigint)
                   where a.lease_token = cast(mark.value->>2 as bigint)
                       and a.began_at = cast(mark.value->>3 as bigint)
                       and a.ended_at = cast(mark.value->>4 as bigint)
                       and a.reply <> $2";
        let (rows, unseen) = (json(&rows), super::recovery::UNSEEN);
        let known: Vec<i64> = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(rows).bind(unseen).fetch_all(conn).await?);
        Ok(known.into_iter().map(OutreachId).collect())
    }

    async fn record_attempts(
        &mut self,
        marks: &[Mark],
        moved: &HashSet<OutreachId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let attempts: Vec<_> = marks
            .iter()
            .filter(|mark| moved.contains(&mark.id))
            .filter_map(|mark| Some((mark, mark.attempt.as_ref()?)))
            .collect();
        if attempts.is_empty() {
            return Ok(());
        }
        let sql = include_str!("sql/attempts_write.sql");
        let rows: Vec<_> =
            attempts.iter().map(|(mark, attempt)| attempt_row(mark, attempt)).collect();
        let rows = json(&rows);
        execute!(self, sql, rows);
        let in_doubt = attempts.iter().filter(|(mark, _)| mark.to == OutreachState::InDoubt);
        let doubts: Vec<_> =
            in_doubt.map(|(mark, attempt)| (mark.id.0, i64::from(attempt.no))).collect();
        if doubts.is_empty() { Ok(()) } else { self.open_doubts(&doubts, now).await }
    }

    /// Has the contacts decided on anew whose mails were given up.
    async fn decide_anew(
        &mut self,
        marks: &[Mark],
        moved: &HashSet<OutreachId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let given_up = marks.iter().filter(|mark| moved.contains(&mark.id) && !mark.to.counts());
        let ids: Vec<_> = given_up.map(|mark| [mark.id.0]).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let sql = decide_at_once_sql!(
            "id in (select contact_id from outreach
                    where id in (select cast(value->>0 as bigint) from json_each($1)))"
        );
        let ids = json(&ids);
        execute!(self, sql, ids, now.timestamp_millis());
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
        attempt.began_at.timestamp_millis(),
        attempt.sending_at.map(|at| at.timestamp_millis()),
        attempt.ended_at.timestamp_millis(),
        attempt.relay.as_deref(),
        attempt.connection,
        verdict,
        phase.map(crate::domain::Phase::as_str),
        reply.map(|reply| reply.code),
        reply.and_then(|reply| reply.enhanced).map(|status| status.to_string()),
        text,
    )
}
