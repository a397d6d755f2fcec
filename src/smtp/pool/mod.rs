//! As many connections as a relay allows, and no more.
mod session;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use session::Session;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
    time::Instant,
};

use super::{Connection, Parcel};
use crate::domain::{Envelope, Outcome, Relay};

/// A connection that was idle for longer is asked whether it is still there.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);

/// The connections to one relay, shared by any number of tasks.
///
/// **Invariant:** a connection is idle or belongs to one session, which holds a slot; whoever takes the
/// last slot finds an idle connection or opens the last one. So there are never more than
/// [`Relay::connections`].
pub struct RelayPool {
    relay: Relay,
    /// One for each connection that may exist.
    slots: Semaphore,
    /// Newest last, since the newest is the likeliest to be alive.
    idle: Mutex<Vec<Idle>>,
    /// Connections opened so far.
    opened: AtomicU64,
}

/// A connection between two messages.
struct Idle {
    connection: Connection,
    /// Its place among all that the pool has opened: 1, 2, …
    number: u64,
    since: Instant,
}

impl RelayPool {
    /// A pool without connections; the first message opens the first one.
    #[must_use]
    pub fn new(relay: Relay) -> Self {
        let slots = Semaphore::new(relay.connections.clamp(1, Semaphore::MAX_PERMITS));
        Self { relay, slots, idle: Mutex::default(), opened: AtomicU64::new(0) }
    }

    /// What the configuration says of the relay.
    #[must_use]
    pub const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// A connection of one's own for any number of messages, as soon as the relay allows one more.
    ///
    /// Nothing is opened before the first message. Whoever waits for something else than its next
    /// message should drop it: the connection stays idle here, and others may have it.
    pub async fn session(&self) -> Session<'_> {
        Session::new(self, self.slot().await)
    }

    /// Sends one message when there is a connection for it; see [`Session::send`].
    pub async fn send<F, E>(
        &self,
        envelope: &Envelope,
        message: &[u8],
        before_content: F,
    ) -> Outcome
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let mut session = self.session().await;
        session.send(Parcel::new(envelope, message), before_content, None).await
    }

    /// Says goodbye on the connections that are idle now. The pool can still be used: call it when
    /// there is nothing to send for a while, and at the end.
    pub async fn close(&self) {
        // A connection counts until the relay has let it go, so each goodbye keeps a slot.
        let mut slots = Vec::new();
        let mut goodbyes = JoinSet::new();
        while let Ok(slot) = self.slots.try_acquire() {
            let Some(idle) = self.idle().pop() else { break };
            slots.push(slot);
            goodbyes.spawn(idle.connection.quit());
        }
        goodbyes.join_all().await;
    }

    async fn slot(&self) -> SemaphorePermit<'_> {
        self.slots.acquire().await.expect("the semaphore is never closed")
    }

    async fn open(&self) -> Result<Idle, Outcome> {
        let connection = Connection::open(&self.relay).await?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Idle { connection, number, since: Instant::now() })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RelayPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayPool").field("relay", &self.relay).finish_non_exhaustive()
    }
}
