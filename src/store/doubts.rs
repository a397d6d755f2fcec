//! Mails of which nobody knows whether they arrived.
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::FromRow;

use super::{
    Store, StoreError, Tx, decisions::decide_at_once_sql, execute, instant, json, on_pool, on_tx,
    parsed,
};
use crate::domain::{Doubt, EmailAddress, OutreachId, OutreachState, Resolution};

/// A mail in doubt, for whoever decides on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDoubt {
    /// The mail.
    pub outreach: OutreachId,
    /// To whom it was going.
    pub email: EmailAddress,
    /// The campaign's key.
    pub campaign: String,
    /// The occasion's civil day.
    pub day: NaiveDate,
    /// Which attempt it was, 1 for the first.
    pub attempt: u32,
    /// What was seen last.
    pub cause: String,
    /// The relay that it was going through, if that is known.
    pub relay: Option<String>,
    /// What the policy looks at.
    pub doubt: Doubt,
}

#[derive(Debug, FromRow)]
struct DoubtRow {
    id: i64,
    email: String,
    campaign: String,
    occasion_on: String,
    attempt_no: i64,
    reply: String,
    relay: Option<String>,
    since: i64,
    not_after: i64,
    resent: i64,
}

impl Store {
    /// Up to `limit` mails in doubt after the one given by its time and row, the oldest doubt first.
    pub async fn open_doubts(
        &self,
        after: Option<(DateTime<Utc>, OutreachId)>,
        limit: u32,
    ) -> Result<Vec<OpenDoubt>, StoreError> {
        let (since, id) = after.map_or((i64::MIN, 0), |(at, id)| (at.timestamp_millis(), id.0));
        let sql = include_str!("sql/doubts_open.sql");
        let rows: Vec<DoubtRow> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(i64::from(limit)).bind(since).bind(id).fetch_all(pool).await?);
        rows.into_iter().map(DoubtRow::doubt).collect()
    }
}

impl Store {
    /// Up to `limit` mails in doubt from which something came back before they were.
    pub async fn answered_doubts(
        &self,
        limit: u32,
    ) -> Result<Vec<(OutreachId, String)>, StoreError> {
        let sql = "select d.outreach_id, min(f.kind)
                   from doubts d
                   join feedback f on f.outreach_id = d.outreach_id
                   where d.resolved_at is null
                   group by d.outreach_id
                   order by d.outreach_id
                   limit $1";
        let rows: Vec<(i64, String)> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(i64::from(limit)).fetch_all(pool).await?);
        Ok(rows.into_iter().map(|(id, kind)| (OutreachId(id), kind)).collect())
    }
}

impl Tx {
    /// Notes that nobody knows how these attempts ended: outreach and number of the attempt.
    pub(super) async fn open_doubts(
        &mut self,
        attempts: &[(i64, i64)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "insert into doubts (outreach_id, attempt_no, since)
                   select cast(value->>0 as bigint), cast(value->>1 as bigint),
                          cast($2 as bigint)
                   from json_each($1)";
        let rows = json(&attempts);
        execute!(self, sql, rows, now.timestamp_millis());
        Ok(())
    }

    /// Ends the doubt about mails in the way given, and says `by` what. What is sent again is ready
    /// at once. Returns how many were in doubt; the others are as they were.
    pub async fn resolve_doubts(
        &mut self,
        doubts: &[(OutreachId, Resolution)],
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let state = |resolution: &Resolution| match resolution {
            Resolution::AssumedSent | Resolution::Evidence => OutreachState::Sent,
            Resolution::Resent => OutreachState::Ready,
            Resolution::Failed => OutreachState::Failed,
        };
        let rows: Vec<_> =
            doubts.iter().map(|(id, how)| (id.0, state(how).as_str(), how.as_str())).collect();
        let (rows, ms) = (json(&rows), now.timestamp_millis());
        let sql = "update outreach
                   set state = answer.next_state,
                       next_at = case when answer.next_state = 'ready' then $2 else next_at end,
                       settled_at = case when answer.next_state = 'ready' then null else settled_at end
                   from (select cast(value->>0 as bigint) as outreach_id, value->>1 as next_state
                         from json_each($1)) as answer
                   where outreach.id = answer.outreach_id and state = 'in_doubt'
                   returning id";
        let moved: Vec<i64> = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(&rows).bind(ms).fetch_all(conn).await?);
        let sql = "update doubts
                   set resolved_at = $2, resolved_by = $3, resolution = answer.resolution
                   from (select cast(value->>0 as bigint) as outreach_id, value->>2 as resolution
                         from json_each($1)) as answer
                   where doubts.outreach_id = answer.outreach_id and resolved_at is null";
        execute!(self, sql, &rows, ms, by);
        Ok(moved.len() as u64)
    }
}

impl Tx {
    /// The outcome of this very attempt after all: of the one with this number under this lease, since
    /// a mail that was taken back unmarked gives its number to whoever claims it next. Returns whether
    /// it was in doubt.
    pub async fn testify(
        &mut self,
        outreach: OutreachId,
        (attempt, lease_token): (u32, i64),
        how: Resolution,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "select d.outreach_id from doubts d
                   join attempts a on a.outreach_id = d.outreach_id and a.no = d.attempt_no
                   where d.outreach_id = $1 and d.attempt_no = $2 and d.resolved_at is null
                     and a.lease_token = $3";
        let open: Option<i64> = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(outreach.0).bind(i64::from(attempt)).bind(lease_token)
            .fetch_optional(conn).await?);
        if open.is_none() {
            return Ok(false);
        }
        let was_open = self.resolve_doubts(&[(outreach, how)], "outcome", now).await? > 0;
        if was_open && how == Resolution::Failed {
            // It does not count as a mail that the contact has had any more.
            let sql = decide_at_once_sql!(
                "id = (select contact_id from outreach where id = cast($1 as bigint))"
            );
            execute!(self, sql, outreach.0, now.timestamp_millis());
        }
        Ok(was_open)
    }
}

impl DoubtRow {
    fn doubt(self) -> Result<OpenDoubt, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "doubts", id: self.id, column };
        Ok(OpenDoubt {
            outreach: OutreachId(self.id),
            email: parsed(&self.email, "contacts", self.id, "email")?,
            day: parsed(&self.occasion_on, "outreach", self.id, "occasion_on")?,
            attempt: u32::try_from(self.attempt_no).map_err(|_| corrupt("attempt_no"))?,
            doubt: Doubt {
                since: instant(self.since).ok_or(corrupt("since"))?,
                not_after: instant(self.not_after).ok_or(corrupt("not_after"))?,
                resent: u32::try_from(self.resent).map_err(|_| corrupt("resent"))?,
            },
            campaign: self.campaign,
            cause: self.reply,
            relay: self.relay,
        })
    }
}
