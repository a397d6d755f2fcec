//! Looks whether it is safe to go on: at the clock, and at an operator's word.
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;
use tracing::{error, info};

use crate::engine::{Engine, EngineError, HaltCause};

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

    /// Whether everything stands still. Says so when that begins and when it ends. Whoever asks
    /// meanwhile waits, so that nobody goes on who has not seen what is just being seen.
    pub(super) async fn look(&self, engine: &Engine) -> Result<Halted, EngineError> {
        let mut seen = self.0.lock().await;
        let (now, uptime) = (engine.clock.now(), engine.clock.uptime());
        if seen.has_jumped(now, uptime) && !engine.server_agrees(JUMP).await? {
            engine.halt(HaltCause::ClockJumped).await?;
        }
        (seen.now, seen.uptime) = (now, uptime);
        let halt = engine.halted().await?;
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
}

impl Seen {
    /// Whether the clock has gained on the time that has really passed since the last look.
    fn has_jumped(&self, now: DateTime<Utc>, uptime: Duration) -> bool {
        let passed = TimeDelta::from_std(uptime.saturating_sub(self.uptime)).unwrap_or_default();
        now - self.now - passed > JUMP
    }
}
