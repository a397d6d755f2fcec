//! The loops of a running engine: decide, send, answer, until told to stop.
#![warn(missing_docs)]
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::engine::{Dispatched, Engine, EngineError, Planned};

/// What one round of deciding and sending did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Round {
    /// Contacts that were decided on.
    pub considered: u64,
    /// Mails that were added to the outbox.
    pub queued: u64,
    /// Contacts who get nothing, by reason.
    pub held: std::collections::BTreeMap<&'static str, u64>,
    /// What was sent.
    #[serde(flatten)]
    pub dispatched: Dispatched,
}

/// One full round: brings standings up to date, decides on those who are due, and sends until the
/// outbox is settled.
pub async fn round(engine: &Engine) -> Result<Round, EngineError> {
    engine.refresh().await?;
    let Planned { considered, queued, held, .. } = engine.plan().await?;
    let dispatched = engine.dispatch().await?;
    Ok(Round { considered, queued, held, dispatched })
}

/// Longest sleep between two looks at the clock, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Runs rounds by the schedule until `stop` is cancelled. A round that fails is logged, and the
/// next one tries again; a round that has begun is finished.
pub async fn run(engine: &Engine, stop: &CancellationToken) {
    info!(database = engine.store.kind(), "Perennial is running");
    let mut reclassified = engine.clock.now();
    while !stop.is_cancelled() {
        if let Err(failure) = scheduled(engine, &mut reclassified).await {
            error!(error = %failure, "A round failed; the next one tries again");
        }
        let schedules = &engine.config.schedules;
        let now = engine.clock.now();
        let next = schedules.tick.next_after(now, schedules.zone);
        sleep_until(engine, next, stop).await;
    }
    info!("Perennial has stopped");
}

async fn scheduled(engine: &Engine, last: &mut DateTime<Utc>) -> Result<(), EngineError> {
    let schedules = &engine.config.schedules;
    let now = engine.clock.now();
    if schedules.reclassify.next_after(*last, schedules.zone).is_some_and(|due| due <= now) {
        engine.reclassify(false).await?;
        *last = now;
    }
    round(engine).await.map(|_| ())
}

/// Sleeps until `next`, or for a minute if there is no next, unless told to stop.
async fn sleep_until(engine: &Engine, next: Option<DateTime<Utc>>, stop: &CancellationToken) {
    loop {
        let now = engine.clock.now();
        let left = next.map_or(LONGEST_SLEEP, |next| (next - now).to_std().unwrap_or_default());
        if left.is_zero() {
            return;
        }
        let pause = tokio::time::sleep(left.min(LONGEST_SLEEP));
        if stop.run_until_cancelled(pause).await.is_none() || next.is_none() {
            return;
        }
    }
}
