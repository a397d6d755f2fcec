//! The loops of a running engine: decide, send, answer, until told to stop.
#![warn(missing_docs)]
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::engine::{Dispatched, Engine, EngineError, Live, Planned};

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

/// Decides and sends by the schedule until `stop` is cancelled, each at its own pace, so that new
/// rules for a long list hold no mail up. What fails is logged and tried again with the next tick;
/// what has begun is finished.
pub async fn run(live: &Live, stop: &CancellationToken) {
    info!(database = live.current().store.kind(), "Perennial is running");
    let planned = Notify::new();
    tokio::join!(deciding(live, stop, &planned), sending(live, stop, &planned));
    info!("Perennial has stopped");
}

/// Brings standings up to date and decides on those who are due, with each tick and as soon as
/// other rules are in force.
async fn deciding(live: &Live, stop: &CancellationToken, planned: &Notify) {
    let mut changes = live.changes();
    while !stop.is_cancelled() {
        changes.mark_unchanged();
        let engine = live.current();
        match decide_once(&engine).await {
            Ok(()) => planned.notify_one(),
            Err(failure) => {
                error!(error = %failure, "Deciding failed; the next tick tries again");
            }
        }
        let schedules = &engine.config.schedules;
        let next = schedules.tick.next_after(engine.clock.now(), schedules.zone);
        tokio::select! {
            () = sleep_until(&engine, next, stop) => {}
            _ = changes.changed() => {}
        }
    }
}

async fn decide_once(engine: &Engine) -> Result<(), EngineError> {
    engine.refresh().await?;
    engine.plan().await.map(|_| ())
}

/// Sends what is due, with each tick and as soon as something was planned.
async fn sending(live: &Live, stop: &CancellationToken, planned: &Notify) {
    while !stop.is_cancelled() {
        let engine = live.current();
        if let Err(failure) = engine.dispatch().await {
            error!(error = %failure, "Sending failed; the next tick tries again");
        }
        let schedules = &engine.config.schedules;
        let next = schedules.tick.next_after(engine.clock.now(), schedules.zone);
        tokio::select! {
            () = sleep_until(&engine, next, stop) => {}
            () = planned.notified() => {}
        }
    }
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
