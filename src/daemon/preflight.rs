//! Has mail wait while something is broken that it depends on.
use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::engine::{Engine, EngineError, Glance, HeldBack, Inspected, Inspector};

/// Between two looks while everything is sound.
const EACH_DAY: Duration = Duration::from_hours(24);
/// Between two looks while mail waits, at first: a proxy that has not seen yet that the daemon is back
/// sees it soon.
const SOONEST: Duration = Duration::from_mins(1);
/// The same, when mail has waited for long.
const SOON: Duration = Duration::from_mins(15);

/// What mail waits for, and until when at least.
pub(super) struct Wait {
    pub(super) held_back: HeldBack,
    pub(super) look_at: DateTime<Utc>,
}

/// Who looks, and what was seen last.
pub(super) struct Preflight<'a> {
    inspector: Option<&'a Inspector>,
    seen: Option<Seen>,
}

struct Seen {
    /// The engine that was looked at, whose configuration may be replaced.
    engine: Engine,
    /// When.
    clock: Glance,
    inspected: Inspected,
}

impl Seen {
    /// How long it holds: while mail waits, for as long as it has waited already.
    fn lasts(&self) -> Duration {
        self.inspected.held_back.as_ref().map_or(EACH_DAY, |held_back| {
            let waited = self.clock.now - held_back.since;
            waited.to_std().unwrap_or_default().clamp(SOONEST, SOON)
        })
    }
}

impl<'a> Preflight<'a> {
    pub(super) const fn by(inspector: Option<&'a Inspector>) -> Self {
        Self { inspector, seen: None }
    }

    /// What mail waits for. Looks if it is time to, or another configuration is in force, and says what
    /// it finds; stops looking when told to stop.
    pub(super) async fn look(
        &mut self,
        engine: &Engine,
        stop: &CancellationToken,
    ) -> Result<Option<Wait>, EngineError> {
        let Some(inspector) = self.inspector else { return Ok(None) };
        let uptime = engine.glance().uptime;
        let before = self.seen.take_if(|seen| {
            let is_same = Arc::ptr_eq(&seen.engine.config, &engine.config);
            !is_same || uptime.saturating_sub(seen.clock.uptime) >= seen.lasts()
        });
        if self.seen.is_none() {
            let looked = stop.run_until_cancelled(engine.inspect(inspector)).await;
            let Some(inspected) = looked.transpose()? else { return Ok(None) };
            say(&inspected, before.map(|seen| seen.inspected).as_ref());
            // What was found is as old as its end: another look waits from then on.
            let clock = engine.glance();
            self.seen = Some(Seen { engine: engine.clone(), clock, inspected });
        }
        let Some(seen) = &self.seen else { return Ok(None) };
        let left = (seen.clock.uptime + seen.lasts()).saturating_sub(uptime);
        let look_at = engine.glance().now + TimeDelta::from_std(left).unwrap_or_default();
        let held_back = seen.inspected.held_back.clone();
        Ok(held_back.map(|held_back| Wait { held_back, look_at }))
    }
}

/// Logs what is broken: each time, but while mail waits only what is new.
fn say(now: &Inspected, before: Option<&Inspected>) {
    let was_held_back = before.is_some_and(|before| before.held_back.is_some());
    let is_held_back = now.held_back.is_some();
    let is_known =
        |said| was_held_back && before.is_some_and(|before| before.broken.contains(said));
    for said in now.broken.iter().filter(|said| !is_held_back || !is_known(said)) {
        if is_held_back {
            error!("Broken: {said}");
        } else {
            warn!("Broken, and mail is sent all the same: {said}");
        }
    }
    match (was_held_back, is_held_back) {
        (false, true) => error!(
            "No mail is sent before this is sound; `perennial status` says which of it mail waits for"
        ),
        (true, false) => info!("Mail is sent again"),
        _ => {}
    }
}
