//! What is looked at again and again while mails leave: whether it is safe to go on, and what else has
//! become due.
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::Round;
use crate::engine::{EngineError, Glance};

/// Between two looks while a long round is under way.
const PAUSE: Duration = Duration::from_secs(30);

/// What the gate of a round has seen.
#[derive(Default)]
pub(super) struct Gate {
    /// The clock when it was opened last.
    opened_at: Mutex<Option<Glance>>,
    /// Whether everything stands still; it stays so for the rest of the round.
    is_shut: AtomicBool,
    /// Whether mails that daemons broke down with have their turn before the others go on.
    gives_way: AtomicBool,
}

impl Gate {
    /// Whether nothing new is begun any more.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Relaxed)
    }

    /// Nothing new is begun any more.
    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
    }

    /// Whether the mails that daemons broke down with have a turn, of one batch.
    pub(super) fn gives_way(&self) -> bool {
        self.gives_way.load(Ordering::Relaxed)
    }

    /// They have had it.
    pub(super) fn go_on(&self) {
        self.gives_way.store(false, Ordering::Relaxed);
    }

    fn opened_at(&self) -> Option<Glance> {
        *self.opened_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_at(&self, now: Glance) {
        *self.opened_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

impl Round {
    /// Looks at the clock, and from time to time whether everything stands still and what else has
    /// become due. Returns whether whoever asks goes on claiming; mails that daemons broke down with
    /// come first if they wait and it `may_give_way`.
    pub(super) async fn pass_gate(&self, may_give_way: bool) -> Result<bool, EngineError> {
        let (engine, now) = (&self.engine, self.engine.glance());
        let before = self.gate.opened_at();
        // By a wrong clock mails would expire, and others would be due.
        let has_jumped = before.is_some_and(|before| now.has_jumped_since(before));
        if has_jumped && engine.halt_unless_right().await? {
            self.gate.shut();
            return Ok(false);
        }
        let waited = before.map(|before| now.uptime.saturating_sub(before.uptime));
        if !has_jumped && waited.is_some_and(|waited| waited < PAUSE) {
            return Ok(true);
        }
        self.gate.open_at(now);
        if engine.look_around().await?.is_some() {
            self.gate.shut();
            return Ok(false);
        }
        engine.refuse_if_skewed().await?;
        self.done().released += engine.open_gate().await?;
        // The look of a later wave must not forget that the first one is to go on.
        let gives_way = may_give_way && engine.store.has_struck(now.now).await?;
        self.gate.gives_way.fetch_or(gives_way, Ordering::Relaxed);
        Ok(!gives_way)
    }
}
