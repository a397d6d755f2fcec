//! Looks whether it is safe to go on: at the clock, and at an operator's word.
use tokio::sync::Mutex;
use tracing::{error, info};

use crate::engine::{Engine, EngineError, Glance};

/// Whether nothing is to be decided or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halted {
    Yes,
    No,
}

/// What was seen last.
pub(super) struct Watch(Mutex<Seen>);

struct Seen {
    clock: Glance,
    /// Whether it was said that everything stands still.
    said: bool,
}

impl Watch {
    pub(super) fn new(engine: &Engine) -> Self {
        Self(Mutex::new(Seen { clock: engine.glance(), said: false }))
    }

    /// Whether everything stands still. Says so when that begins and when it ends. Whoever asks
    /// meanwhile waits, so that nobody goes on who has not seen what is just being seen.
    pub(super) async fn look(&self, engine: &Engine) -> Result<Halted, EngineError> {
        let mut seen = self.0.lock().await;
        let now = engine.glance();
        if now.has_jumped_since(seen.clock) {
            engine.halt_unless_right().await?;
        }
        seen.clock = now;
        let halt = engine.look_around().await?;
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
