//! The ledger as an audit reads it: every mail with its attempts and doubts, page by page.
use std::collections::HashMap;

use sqlx::FromRow;

use super::{Store, StoreError, instant, on_pool};
use crate::domain::{
    OutreachId, OutreachState,
    audit::{AttemptVerdict, AuditedAttempt, AuditedDoubt, AuditedMail, DoubtEnd},
};

#[derive(Debug, FromRow)]
struct MailRow {
    id: i64,
    nonce: i64,
    state: String,
    attempt: i64,
    not_after: i64,
    lease_until: Option<i64>,
    unsubscribed_at: Option<i64>,
}

#[derive(Debug, FromRow)]
struct AttemptRow {
    outreach_id: i64,
    no: i64,
    lease_token: i64,
    began_at: Option<i64>,
    sending_at: Option<i64>,
    ended_at: i64,
    verdict: String,
}

impl Store {
    /// Up to `limit` mails after the one given, in the order of their rows.
    pub async fn audited_mails(
        &self,
        after: OutreachId,
        limit: u32,
    ) -> Result<Vec<AuditedMail>, StoreError> {
        let sql = "select o.id, o.nonce, o.state, o.attempt, o.not_after, o.lease_until,
                          s.since as unsubscribed_at
                   from outreach o
                   join contacts c on c.id = o.contact_id
                   left join suppressions s
                       on s.match_key = c.match_key and s.reason = 'unsubscribed'
                   where o.id > $1
                   order by o.id
                   limit $2";
        let rows: Vec<MailRow> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(after.0).bind(i64::from(limit)).fetch_all(pool).await?);
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(Vec::new()) };
        let mut attempts = self.audited_attempts(after.0, last).await?;
        let mut doubts = self.audited_doubts(after.0, last).await?;
        rows.into_iter()
            .map(|row| {
                let id = row.id;
                let attempts = attempts.remove(&id).unwrap_or_default();
                row.audited(attempts, doubts.remove(&id).unwrap_or_default())
            })
            .collect()
    }

    /// Mails of which something is recorded and that are gone. The database refuses to let that
    /// happen, unless somebody told it not to.
    pub async fn vanished_mails(&self) -> Result<Vec<OutreachId>, StoreError> {
        let sql = "select outreach_id from (
                       select outreach_id from attempts
                       union select outreach_id from bodies
                       union select outreach_id from doubts
                   ) as recorded
                   where not exists (select 1 from outreach where id = outreach_id)
                   order by outreach_id";
        let ids: Vec<i64> = on_pool!(self, pool => sqlx::query_scalar(sql).fetch_all(pool).await?);
        Ok(ids.into_iter().map(OutreachId).collect())
    }

    /// The attempts at the mails after one and up to another, by mail and number.
    async fn audited_attempts(
        &self,
        after: i64,
        last: i64,
    ) -> Result<HashMap<i64, Vec<AuditedAttempt>>, StoreError> {
        let sql = "select outreach_id, no, lease_token, began_at, sending_at, ended_at, verdict
                   from attempts
                   where outreach_id > $1 and outreach_id <= $2
                   order by outreach_id, no";
        let rows: Vec<AttemptRow> = on_pool!(self, pool =>
            sqlx::query_as(sql).bind(after).bind(last).fetch_all(pool).await?);
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            found.entry(row.outreach_id).or_default().push(row.audited()?);
        }
        Ok(found)
    }

    async fn audited_doubts(
        &self,
        after: i64,
        last: i64,
    ) -> Result<HashMap<i64, Vec<AuditedDoubt>>, StoreError> {
        let sql = "select outreach_id, attempt_no, resolved_at, resolution
                   from doubts
                   where outreach_id > $1 and outreach_id <= $2
                   order by outreach_id, attempt_no";
        let rows: Vec<(i64, i64, Option<i64>, Option<String>)> = on_pool!(self, pool =>
            sqlx::query_as(sql).bind(after).bind(last).fetch_all(pool).await?);
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        for (id, attempt, resolved_at, resolution) in rows {
            let corrupt = StoreError::Corrupt { table: "doubts", id, column: "attempt_no" };
            let end = match (resolved_at, resolution.as_deref()) {
                (None, _) => DoubtEnd::Open,
                (Some(_), Some("resent")) => DoubtEnd::Resent,
                (Some(_), _) => DoubtEnd::Settled,
            };
            let attempt = u32::try_from(attempt).map_err(|_| corrupt)?;
            found.entry(id).or_default().push(AuditedDoubt { attempt, end });
        }
        Ok(found)
    }
}

impl MailRow {
    fn audited(
        self,
        attempts: Vec<AuditedAttempt>,
        doubts: Vec<AuditedDoubt>,
    ) -> Result<AuditedMail, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "outreach", id: self.id, column };
        Ok(AuditedMail {
            id: OutreachId(self.id),
            nonce: self.nonce,
            state: OutreachState::from_name(&self.state).ok_or(corrupt("state"))?,
            attempt: u32::try_from(self.attempt).map_err(|_| corrupt("attempt"))?,
            not_after: instant(self.not_after).ok_or(corrupt("not_after"))?,
            lease_until: self.lease_until.and_then(instant),
            unsubscribed_at: self.unsubscribed_at.and_then(instant),
            attempts,
            doubts,
        })
    }
}

impl AttemptRow {
    fn audited(&self) -> Result<AuditedAttempt, StoreError> {
        let id = self.outreach_id;
        let corrupt = |column| StoreError::Corrupt { table: "attempts", id, column };
        Ok(AuditedAttempt {
            no: u32::try_from(self.no).map_err(|_| corrupt("no"))?,
            lease_token: self.lease_token,
            began_at: self.began_at.and_then(instant),
            sending_at: self.sending_at.and_then(instant),
            ended_at: instant(self.ended_at).ok_or(corrupt("ended_at"))?,
            verdict: AttemptVerdict::from_name(&self.verdict).ok_or(corrupt("verdict"))?,
        })
    }
}
