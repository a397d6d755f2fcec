//! One sender's hold on a connection.
use std::{fmt, future::Future, pin::pin};

use tokio::{sync::SemaphorePermit, time::Instant};

use super::{Idle, RelayPool, TRUSTED_IDLE};
use crate::{
    domain::{Outcome, Phase},
    smtp::Parcel,
};

/// The right to one of a pool's connections, which stays the same from message to message for as
/// long as it is good.
///
/// Dropped between two messages it gives its connection back to the pool.
pub struct Session<'a> {
    pool: &'a RelayPool,
    held: Option<Idle>,
    /// The connection that the last message was given to.
    number: Option<u64>,
    /// Dropped last: whoever gets the slot finds the connection idle.
    _slot: SemaphorePermit<'a>,
}

impl<'a> Session<'a> {
    pub(super) fn new(pool: &'a RelayPool, slot: SemaphorePermit<'a>) -> Self {
        Self { pool, held: None, number: None, _slot: slot }
    }

    /// Sends one message; see [`Connection::send`](crate::smtp::Connection::send), also for
    /// `upcoming`, which is the message of the next call if there is one already.
    ///
    /// A connection that fails at MAIL, or has been used and is ended there by a 421, is replaced
    /// once: until then the relay has no leave to take the message, and `before_content` has not run.
    /// A connection that was promised to another message is replaced without a word.
    pub async fn send<F, E>(
        &mut self,
        parcel: Parcel<'_>,
        before_content: F,
        upcoming: Option<Parcel<'_>>,
    ) -> Outcome
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let mut mark = pin!(before_content);
        self.number = None;
        let used = self.take(&parcel).await;
        let was_used = used.is_some();
        let idle = match used {
            Some(idle) => idle,
            None => match self.pool.open().await {
                Ok(idle) => idle,
                Err(outcome) => return outcome,
            },
        };
        let outcome = self.send_over(idle, parcel, mark.as_mut(), upcoming).await;
        if !deserves_another(&outcome, was_used) {
            return outcome;
        }
        match self.pool.open().await {
            Ok(idle) => self.send_over(idle, parcel, mark, upcoming).await,
            Err(outcome) => outcome,
        }
    }

    /// Whether a connection has to be made for `parcel`, as far as can be seen without asking the relay.
    #[must_use]
    pub fn has_to_connect(&self, parcel: &Parcel<'_>) -> bool {
        let idle = self.pool.idle();
        let next = self.held.as_ref().or_else(|| idle.last());
        !next.is_some_and(|idle| idle.connection.may_carry(parcel))
    }

    /// The number of the connection that the last message was given to, among all that this pool has
    /// opened: 1, 2, … Nothing if none could be opened for it.
    #[must_use]
    pub fn connection_number(&self) -> Option<u64> {
        self.number
    }

    async fn send_over<F, E>(
        &mut self,
        idle: Idle,
        parcel: Parcel<'_>,
        mark: F,
        upcoming: Option<Parcel<'_>>,
    ) -> Outcome
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let Idle { connection, number, .. } = idle;
        self.number = Some(number);
        let (outcome, back) = connection.send(parcel, mark, upcoming).await;
        self.held = back.map(|connection| Idle { connection, number, since: Instant::now() });
        outcome
    }

    /// The connection that is held, or else the newest idle one, if it is good for `parcel`. Others are
    /// closed only here, because waiting for a goodbye after a message could lose that message's
    /// outcome.
    async fn take(&mut self, parcel: &Parcel<'_>) -> Option<Idle> {
        loop {
            let idle = self.held.take().or_else(|| self.pool.idle().pop())?;
            let Idle { connection, number, since } = idle;
            if !connection.may_carry(parcel) {
                connection.quit().await;
            } else if connection.has_announced() || since.elapsed() <= TRUSTED_IDLE {
                return Some(Idle { connection, number, since });
            } else if let Some(connection) = connection.probe().await {
                return Some(Idle { connection, number, since });
            }
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A relay that waits for an announced message can be told nothing else.
        let held = self.held.take().filter(|idle| !idle.connection.has_announced());
        self.pool.idle().extend(held);
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("number", &self.number).finish_non_exhaustive()
    }
}

fn deserves_another(outcome: &Outcome, was_used: bool) -> bool {
    match outcome {
        Outcome::NotSent { phase, .. } => *phase == Phase::Mail,
        Outcome::Rejected { phase, reply } => {
            was_used && *phase == Phase::Mail && reply.code == 421
        }
        Outcome::Accepted { .. } | Outcome::InDoubt { .. } => false,
    }
}
