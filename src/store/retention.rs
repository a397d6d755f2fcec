//! Dropping what is not needed any more.
use chrono::{DateTime, Utc};

use super::{StoreError, Tx, execute};

impl Tx {
    /// Drops the bytes of up to `limit` messages that were written before `then` and will not be sent
    /// again. Returns how many; the ledger keeps their rows.
    pub async fn drop_bodies(
        &mut self,
        then: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = "delete from bodies where outreach_id in (
                       select b.outreach_id
                       from bodies b
                       join outreach o on o.id = b.outreach_id
                       where b.written_at < $1
                           and o.state in ('sent', 'failed', 'expired', 'suppressed', 'quarantined')
                       order by b.written_at
                       limit $2)";
        Ok(execute!(self, sql, then.timestamp_millis(), i64::from(limit)))
    }

    /// Forgets where the tracked links of up to `limit` mails led that were settled before `then`.
    /// Returns how many. Whoever follows one afterwards is told that it has expired.
    pub async fn drop_links(&mut self, then: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        // Rows of the ledger are in the order of time, so the oldest links come first.
        let sql = "delete from links where outreach_id in (
                       select l.outreach_id
                       from links l
                       join outreach o on o.id = l.outreach_id
                       where o.settled_at < $1
                       order by l.outreach_id
                       limit $2)";
        Ok(execute!(self, sql, then.timestamp_millis(), i64::from(limit)))
    }
}
