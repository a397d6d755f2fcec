//! Addresses that are never written to.
use chrono::{DateTime, Utc};

use super::{StoreError, Tx, execute, instant, on_tx};
use crate::domain::{AddressTrouble, EmailAddress, Suppression};

impl Tx {
    /// Notes a refusal that may pass. Returns when refusals of this kind came, this one included, as
    /// far back as they count and since the last mail that the address took; one that came back later
    /// was not taken.
    pub async fn note_trouble(
        &mut self,
        address: &EmailAddress,
        trouble: AddressTrouble,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, StoreError> {
        let key = address.match_key();
        let ms = now.timestamp_millis();
        let since = (now - trouble.counts_for()).timestamp_millis();
        let sql = "delete from address_troubles where match_key = $1 and kind = $2 and at < $3";
        execute!(self, sql, &key, trouble.as_str(), since);
        let sql = "insert into address_troubles (match_key, kind, at) values ($1, $2, $3)
                   on conflict (match_key, kind, at) do nothing";
        execute!(self, sql, &key, trouble.as_str(), ms);
        let sql = "select at from address_troubles
                   where match_key = $1 and kind = $2 and at > coalesce((
                       select max(o.settled_at)
                       from contacts c
                       join outreach o on o.contact_id = c.id
                       where c.match_key = $1 and o.state = 'sent'
                           and not exists (select 1 from feedback f
                               where f.outreach_id = o.id and f.kind = 'bounce')), 0)
                   order by at";
        let events: Vec<i64> = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(&key).bind(trouble.as_str()).fetch_all(conn).await?);
        Ok(events.into_iter().filter_map(instant).collect())
    }

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
