//! Looks whether it is safe to go on: at the clock, and at an operator's word.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{error, info};

use crate::{
    engine::{Engine, EngineError},
    store::HaltCause,
};

/// A clock that gains more than this between two looks was set. A greeting is welcome for hours, so
/// less does no harm.
const JUMP: TimeDelta = TimeDelta::hours(1);

/// Whether nothing is to be decided or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halted {
    Yes,
    No,
}

/// What was seen last.
pub(super) struct Watch(Mutex<Seen>);

struct Seen {
    now: DateTime<Utc>,
    uptime: Duration,
    /// Whether it was said that everything stands still.
    said: bool,
}

impl Watch {
    pub(super) fn new(engine: &Engine) -> Self {
        let (now, uptime) = (engine.clock.now(), engine.clock.uptime());
        Self(Mutex::new(Seen { now, uptime, said: false }))
    }

    /// Whether everything stands still. Says so when that begins and when it ends.
    pub(super) async fn look(&self, engine: &Engine) -> Result<Halted, EngineError> {
        if self.has_jumped(engine) && !engine.server_agrees(JUMP).await? {
            engine.halt(HaltCause::ClockJumped).await?;
        }
        let halt = engine.halted().await?;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_said = std::mem::replace(&mut seen.said, halt.is_some());
        let Some(halt) = halt else {
            if was_said {
                info!("An operator has had everything go on");
            }
            return Ok(Halted::No);
        };
        if !was_said {
            let why = halt.why.in_english();
            error!(
                since = %halt.since,
                "Nothing is decided or sent: {why}. Look at it, then run `perennial resume`"
            );
        }
        Ok(Halted::Yes)
    }

    /// Whether the clock has gained on the time that has really passed since the last look.
    fn has_jumped(&self, engine: &Engine) -> bool {
        let (now, uptime) = (engine.clock.now(), engine.clock.uptime());
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = TimeDelta::from_std(uptime.saturating_sub(seen.uptime)).unwrap_or_default();
        let gained = now - seen.now - passed;
        (seen.now, seen.uptime) = (now, uptime);
        gained > JUMP
    }
}
