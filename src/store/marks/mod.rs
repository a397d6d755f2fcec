//! Marks in the ledger: what is about to leave, and how each attempt ended.
mod postgres;
mod sqlite;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{StoreError, Tx, TxInner, decisions::decide_at_once_sql, execute, json, on_tx};
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
    /// The message, as it is stored.
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

impl Tx {
    /// Marks that content is about to leave, under a lease until then. What comes back may leave; what
    /// does not has lost its lease, is not welcome any more, or its contact was suppressed meanwhile.
    /// Bytes and links are stored with the mark, unless an earlier attempt did.
    pub async fn mark_sending(
        &mut self,
        messages: &[Prepared],
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
    ) -> Result<HashSet<OutreachId>, StoreError> {
        let mut marked = HashSet::new();
        for messages in groups(messages) {
            let ids = match &mut self.inner {
                TxInner::Sqlite(tx) => {
                    sqlite::mark_sending(tx, messages, (now, lease_until)).await?
                }
                TxInner::Postgres(tx) => {
                    postgres::mark_sending(tx, messages, (now, lease_until)).await?
                }
            };
            marked.extend(ids.into_iter().map(OutreachId));
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
        if marks.is_empty() {
            return Ok(HashSet::new());
        }
        let moved = match &mut self.inner {
            TxInner::Sqlite(tx) => sqlite::mark_settled(tx, marks, now).await?,
            TxInner::Postgres(tx) => postgres::mark_settled(tx, marks, now).await?,
        };
        let mut moved: HashSet<_> = moved.into_iter().map(OutreachId).collect();
        self.doubt(marks, &moved, now).await?;
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
        let (rows, unseen) = (json(&rows), crate::store::recovery::UNSEEN);
        let known: Vec<i64> = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(rows).bind(unseen).fetch_all(conn).await?);
        Ok(known.into_iter().map(OutreachId).collect())
    }

    /// Opens the doubts of those of the marks that leave one.
    async fn doubt(
        &mut self,
        marks: &[Mark],
        moved: &HashSet<OutreachId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let doubts: Vec<_> = marks
            .iter()
            .filter(|mark| mark.to == OutreachState::InDoubt && moved.contains(&mark.id))
            .filter_map(|mark| Some((mark.id.0, i64::from(mark.attempt.as_ref()?.no))))
            .collect();
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

/// Messages in groups, each of which ends once its bodies come to [`MOST_OCTETS`].
fn groups(messages: &[Prepared]) -> impl Iterator<Item = &[Prepared]> {
    let mut octets = 0;
    messages.chunk_by(move |message, _| {
        octets += message.body.len();
        let has_room = octets < MOST_OCTETS;
        octets *= usize::from(has_room);
        has_room
    })
}

/// How an attempt ended, as the database has it.
struct Said<'a> {
    verdict: &'static str,
    phase: Option<&'static str>,
    code: Option<u16>,
    enhanced: Option<String>,
    text: &'a str,
}

impl<'a> Said<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (verdict, phase, text) = match outcome {
            Outcome::Accepted { text } => ("accepted", None, text),
            Outcome::Rejected { phase, reply } => ("rejected", Some(phase.as_str()), &reply.text),
            Outcome::NotSent { phase, cause } => ("not_sent", Some(phase.as_str()), cause),
            Outcome::InDoubt { cause } => ("in_doubt", None, cause),
        };
        let reply = match outcome {
            Outcome::Rejected { reply, .. } => Some(reply),
            _ => None,
        };
        Self {
            verdict,
            phase,
            code: reply.map(|reply| reply.code),
            enhanced: reply.and_then(|reply| reply.enhanced).map(|status| status.to_string()),
            text,
        }
    }
}
