//! The loops of a running engine: decide, send, answer, until told to stop.
#![warn(missing_docs)]
mod preflight;
mod watch;

use std::{convert::Infallible, path::PathBuf, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::{
    preflight::{Preflight, Wait},
    watch::{Halted, Watch},
};
use crate::engine::{
    Dispatched, Engine, EngineError, HeldBack, Inspector, Live, Planned, Stop, chain,
};

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
    /// What mail waits for, if none was sent for that.
    pub held_back: Option<HeldBack>,
}

/// One full round: brings standings up to date, decides on those who are due, and sends until the
/// outbox is settled, unless `inspector` finds that mail has to wait.
///
/// # Errors
///
/// [`EngineError::Halted`] if nothing is to be decided or sent until an operator says so.
pub async fn round(
    engine: &Engine,
    inspector: Option<&Inspector>,
    stop: &Stop,
) -> Result<Round, EngineError> {
    engine.refuse_if_halted().await?;
    let planned = stop.soon.run_until_cancelled(Box::pin(decide(engine))).await;
    let Planned { considered, queued, held, .. } = planned.transpose()?.unwrap_or_default();
    let waits = Preflight::by(inspector).look(engine, &stop.soon).await?;
    let dispatched = match &waits {
        None => engine.dispatch(stop).await?,
        Some(_) => Dispatched { released: engine.release().await?, ..Dispatched::default() },
    };
    let held_back = waits.map(|wait| wait.held_back);
    Ok(Round { considered, queued, held, dispatched, held_back })
}

/// Brings standings up to date and decides on those who are due. Whoever drops it loses a page that is
/// not written yet and no more: decisions are safe to make twice.
async fn decide(engine: &Engine) -> Result<Planned, EngineError> {
    engine.refresh().await?;
    engine.plan().await
}

/// Longest sleep between two looks at the clock, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
/// How long one daemon decides for all before another one may; longer than a page of decisions takes.
const DUTY: TimeDelta = TimeDelta::minutes(3);
/// The work that one daemon does for all.
const DECIDING: &str = "deciding";

/// One of the daemons on a database.
#[derive(Clone)]
pub struct Daemon {
    /// Tells it from the others.
    pub name: String,
    /// The file that shows when an older state of the database is brought back.
    pub witness: PathBuf,
    /// Who looks whether mail may leave; without one it may.
    pub inspector: Option<Inspector>,
    /// How it is told to end.
    pub stop: Stop,
}

impl Daemon {
    /// Decides and sends by the schedule until it is stopped, each at its own pace, so that new rules
    /// for a long list hold no mail up. What fails is logged and tried again with the next tick; what
    /// is leaving when it is stopped is waited for.
    pub async fn run(&self, live: &Live) {
        info!(database = live.current().store.kind(), "Perennial is running");
        let planned = Notify::new();
        let watch = Watch::new(&live.current());
        tokio::join!(
            deciding(live, &self.name, &self.stop.soon, (&planned, &watch)),
            self.sending(live, (&planned, &watch)),
            cleaning_up(live, &watch, &self.stop.soon),
        );
        info!("Perennial has stopped");
    }

    /// Sends what is due, unless mail has to wait. Returns when more may leave, if not all of it does now.
    async fn send_once(
        &self,
        engine: &Engine,
        (watch, preflight): (&Watch, &mut Preflight<'_>),
    ) -> Result<Option<DateTime<Utc>>, EngineError> {
        if watch.look(engine).await? == Halted::Yes {
            return Ok(None);
        }
        let waits = preflight.look(engine, &self.stop.soon).await?;
        if self.stop.soon.is_cancelled() {
            return Ok(None);
        }
        // A server may have been replaced by an older copy of itself meanwhile.
        engine.bear_witness(&self.witness).await?;
        engine.refuse_if_halted().await?;
        if let Some(Wait { look_at, .. }) = waits {
            engine.release().await?;
            return Ok(Some(look_at));
        }
        let done = engine.dispatch(&self.stop).await?;
        engine.bear_witness(&self.witness).await?;
        Ok(done.wait_until)
    }

    /// Sends what is due, with each tick, as soon as something was planned, and when a relay that had
    /// enough takes more.
    async fn sending(&self, live: &Live, (planned, watch): (&Notify, &Watch)) {
        let stop = &self.stop;
        let mut preflight = Preflight::by(self.inspector.as_ref());
        while !stop.soon.is_cancelled() {
            let engine = live.current();
            let free_at = match self.send_once(&engine, (watch, &mut preflight)).await {
                Ok(free_at) => free_at,
                Err(failure) => {
                    error!(error = chain(&failure), "Sending failed; the next tick tries again");
                    None
                }
            };
            let schedules = &engine.config.schedules;
            let next = schedules.tick.next_after(engine.clock.now(), schedules.zone);
            let next = next.into_iter().chain(free_at).min();
            tokio::select! {
                () = sleep_until(&engine, next, &stop.soon) => {}
                () = planned.notified() => {}
            }
        }
    }
}

/// Brings standings up to date and decides on those who are due, with each tick and as soon as
/// other rules are in force.
async fn deciding(
    live: &Live,
    me: &str,
    stop: &CancellationToken,
    (planned, watch): (&Notify, &Watch),
) {
    let mut changes = live.changes();
    while !stop.is_cancelled() {
        changes.mark_unchanged();
        let engine = live.current();
        match decide_once(&engine, me, watch, stop).await {
            Ok(true) => planned.notify_one(),
            Ok(false) => {}
            Err(failure) => {
                error!(error = chain(&failure), "Deciding failed; the next tick tries again");
            }
        }
        let schedules = &engine.config.schedules;
        let next = schedules.tick.next_after(engine.clock.now(), schedules.zone);
        tokio::select! {
            () = sleep_until(&engine, next, stop) => {}
            _ = changes.changed() => {}
        }
    }
    if let Err(failure) = live.current().leave_duty(DECIDING, me).await {
        warn!(error = chain(&failure), "Another daemon decides only after some minutes");
    }
}

/// Returns whether this daemon decided, which it does not go on with when told to stop.
async fn decide_once(
    engine: &Engine,
    me: &str,
    watch: &Watch,
    stop: &CancellationToken,
) -> Result<bool, EngineError> {
    if watch.look(engine).await? == Halted::Yes || !engine.take_duty(DECIDING, me, DUTY).await? {
        return Ok(false);
    }
    // The duty only spares the work.
    tokio::select! {
        decided = decide(engine) => decided.map(|_| true),
        never = keep_duty(engine, me) => match never {},
        () = stop.cancelled() => Ok(false),
    }
}

/// Keeps the duty up for as long as it is polled.
async fn keep_duty(engine: &Engine, me: &str) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_mins(1)).await;
        if let Err(failure) = engine.take_duty(DECIDING, me, DUTY).await {
            warn!(error = chain(&failure), "Another daemon may begin to decide as well");
        }
    }
}

/// Drops what is old, at its time of the night.
async fn cleaning_up(live: &Live, watch: &Watch, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let engine = live.current();
        let schedules = &engine.config.schedules;
        let next = schedules.clean_up.next_after(engine.clock.now(), schedules.zone);
        sleep_until(&engine, next, stop).await;
        if stop.is_cancelled() || next.is_some_and(|next| engine.clock.now() < next) {
            continue;
        }
        let dropped = async {
            match watch.look(&engine).await? {
                Halted::Yes => Ok(()),
                Halted::No => engine.drop_old().await.map(|_| ()),
            }
        };
        // What is left of the old ones, the next night drops.
        if let Some(Err(failure)) = stop.run_until_cancelled(dropped).await {
            error!(
                error = chain(&failure),
                "Old messages could not be dropped; the next night tries again"
            );
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
