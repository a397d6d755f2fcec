//! Drops what is older than the configuration wants it kept.
use chrono::{DateTime, TimeDelta, Utc};
use tracing::info;

use super::{Engine, EngineError, PAGE};

/// How long dictionaries are kept after their last use, beyond the messages that need them: longer than any
/// mail is tried again.
const DICTIONARIES: TimeDelta = TimeDelta::days(366);

/// What was dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Bytes of messages.
    pub bodies: u64,
    /// Mails whose tracked links led somewhere.
    pub links: u64,
}

impl Engine {
    /// Drops the bytes of messages and the destinations of links whose time is over, a page in each
    /// transaction, so that nobody waits for it.
    #[tracing::instrument(name = "engine.drop_old", skip_all, err)]
    pub async fn drop_old(&self) -> Result<Dropped, EngineError> {
        let now = self.clock.now();
        let keep = self.config.retention;
        let mut dropped = Dropped::default();
        loop {
            let mut tx = self.store.begin().await?;
            let bodies = tx.drop_bodies(before(now, keep.bodies), PAGE).await?;
            let links = tx.drop_links(before(now, keep.links), PAGE).await?;
            tx.commit().await?;
            dropped.bodies += bodies;
            dropped.links += links;
            if bodies + links == 0 {
                break;
            }
        }
        let mut tx = self.store.begin().await?;
        tx.drop_dictionaries(before(before(now, keep.bodies), DICTIONARIES)).await?;
        tx.commit().await?;
        let Dropped { bodies, links } = dropped;
        if bodies + links > 0 {
            info!(
                bodies,
                links, "Dropped {bodies} old messages and the links of {links} old mails"
            );
        }
        Ok(dropped)
    }
}

fn before(now: DateTime<Utc>, kept: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(kept).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
