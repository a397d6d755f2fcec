//! The engine in force, which a new configuration replaces while everything goes on.
use std::sync::Arc;

use tokio::sync::watch;

use super::Engine;

/// A handle to the engine in force. Cheap to clone; all clones see the same engine.
#[derive(Clone)]
pub struct Live(Arc<watch::Sender<Engine>>);

impl Live {
    /// The engine in force now. Work that has begun keeps the one that it began with.
    #[must_use]
    pub fn current(&self) -> Engine {
        self.0.borrow().clone()
    }

    /// Puts another engine in force.
    pub fn replace(&self, engine: Engine) {
        self.0.send_replace(engine);
    }

    /// Tells of every replacement from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Engine> {
        self.0.subscribe()
    }
}

impl From<Engine> for Live {
    fn from(engine: Engine) -> Self {
        Self(Arc::new(watch::Sender::new(engine)))
    }
}
