//! Addresses that are never written to.
use chrono::{DateTime, Utc};

use super::{StoreError, Tx, execute};
use crate::domain::{EmailAddress, Suppression};

impl Tx {
    /// Puts an address on the suppression list and stops every mail to it whose content has not
    /// begun to leave. Returns whether it was not on the list before.
    pub async fn suppress(
        &mut self,
        address: &EmailAddress,
        why: Suppression,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (key, ms) = (address.match_key(), now.timestamp_millis());
        let sql = "insert into suppressions (match_key, reason, since) values ($1, $2, $3)
                   on conflict (match_key) do nothing";
        let added = execute!(self, sql, &key, why.as_str(), ms);
        let sql = "update outreach
                   set state = 'suppressed', settled_at = $2, lease_token = null, lease_until = null
                   where state in ('planned', 'ready', 'claimed')
                     and contact_id in (select id from contacts where match_key = $1)";
        execute!(self, sql, &key, ms);
        Ok(added == 1)
    }
}
