//! Writes the ledger's marks in groups: one commit carries the marks of many connections.
//!
//! A mark that arrives while a commit is under way waits for the next one, so groups grow with the
//! load and an idle sender waits for nobody.
use std::time::Duration;

use chrono::TimeDelta;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Stop, outcomes};
use crate::{
    engine::{Engine, chain},
    store::{Mark, Prepared, StoreError},
};

/// Marks that are committed together at most.
const GROUP: usize = 64;
/// Between two tries to write down an outcome while the database refuses.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How long the database still has for everything once nothing is waited for any more.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Takes marks from many senders. Cheap to clone.
#[derive(Clone)]
pub(super) struct Marker {
    /// Senders send, the one [`Loop`] receives.
    requests: mpsc::Sender<Request>,
    /// The database has had its time.
    late: CancellationToken,
}

enum Request {
    Sending(Prepared, oneshot::Sender<Result<(), NotMarked>>),
    Settled(Mark, oneshot::Sender<bool>),
}

/// Why a message may not leave.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotMarked {
    #[error("the lease was lost, or the contact was suppressed meanwhile")]
    Fenced,
    #[error("the mark could not be written down")]
    Database,
    #[error("the mark was made too long ago")]
    Late,
}

impl Marker {
    /// A marker, and the loop that serves it until the last marker is dropped.
    pub(super) fn new(
        engine: Engine,
        lease: TimeDelta,
        stop: Stop,
    ) -> (Self, impl Future<Output = ()>) {
        let (requests, incoming) = mpsc::channel(GROUP * 4);
        let late = CancellationToken::new();
        let writer = Loop { engine, lease, stop, late: late.clone() };
        (Self { requests, late }, writer.run(incoming))
    }

    /// Does what a database has to answer for; `None` if it did not within the time that is left.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.late.run_until_cancelled(work).await
    }

    /// Asks for the durable mark that the content of `message` is about to leave, behind all marks
    /// that were asked for before.
    pub(super) async fn sending(&self, message: Prepared) -> MayLeave {
        let (answer, answered) = oneshot::channel();
        let _ = self.requests.send(Request::Sending(message, answer)).await;
        MayLeave(answered)
    }

    /// Queues how an attempt ended. Every mark that is asked for later is written with it or after
    /// it. An outcome is never forgotten because the database is away: [`Written::was_ours`] does not
    /// return before it is written, here or, once nobody waits any more, into a file for the next
    /// start.
    pub(super) async fn settled(&self, mark: Mark) -> Written {
        let (answer, answered) = oneshot::channel();
        let _ = self.requests.send(Request::Settled(mark, answer)).await;
        Written(answered)
    }
}

/// A mark that was asked for.
pub(super) struct MayLeave(oneshot::Receiver<Result<(), NotMarked>>);

impl MayLeave {
    /// Waits for the mark.
    pub(super) async fn granted(self) -> Result<(), NotMarked> {
        self.0.await.unwrap_or(Err(NotMarked::Database))
    }
}

/// A mark on its way into the ledger.
pub(super) struct Written(oneshot::Receiver<bool>);

impl Written {
    /// Waits until it is written. Returns whether the row was still ours; `None` if the database did
    /// not take it, and the next start will.
    pub(super) async fn was_ours(self) -> Option<bool> {
        self.0.await.ok()
    }
}

/// What writes marks down.
struct Loop {
    engine: Engine,
    lease: TimeDelta,
    stop: Stop,
    late: CancellationToken,
}

type Ids = std::collections::HashSet<crate::domain::OutreachId>;

impl Loop {
    async fn run(self, incoming: mpsc::Receiver<Request>) {
        let mut writing = std::pin::pin!(self.write(incoming));
        let time_is_up = async {
            self.stop.now.cancelled().await;
            tokio::time::sleep(LAST_PATIENCE).await;
        };
        tokio::select! {
            () = &mut writing => return,
            () = time_is_up => self.late.cancel(),
        }
        writing.await;
    }

    async fn write(&self, mut incoming: mpsc::Receiver<Request>) {
        let mut group = Vec::with_capacity(GROUP);
        while incoming.recv_many(&mut group, GROUP).await > 0 {
            let (mut sending, mut starts) = (Vec::new(), Vec::new());
            let (mut settled, mut ends) = (Vec::new(), Vec::new());
            for request in group.drain(..) {
                match request {
                    Request::Sending(message, answer) => {
                        sending.push(message);
                        starts.push(answer);
                    }
                    Request::Settled(mark, answer) => {
                        settled.push(mark);
                        ends.push(answer);
                    }
                }
            }
            let mut outcome = self.commit(&sending, &settled).await;
            if let Err(error) = &outcome {
                error!(error, "The ledger could not be written; nothing new leaves until it can");
                sending.clear();
                for answer in starts.drain(..) {
                    let _ = answer.send(Err(NotMarked::Database));
                }
                while outcome.is_err() && !settled.is_empty() {
                    let now = &self.stop.now;
                    if now.run_until_cancelled(tokio::time::sleep(PATIENCE)).await.is_none() {
                        outcomes::keep(self.stop.outcomes.as_deref(), &settled);
                        break;
                    }
                    outcome = self.commit(&[], &settled).await;
                }
            }
            let Ok((may_leave, moved)) = outcome else { continue };
            for (message, answer) in sending.iter().zip(starts) {
                let verdict =
                    if may_leave.contains(&message.id) { Ok(()) } else { Err(NotMarked::Fenced) };
                let _ = answer.send(verdict);
            }
            for (mark, answer) in settled.iter().zip(ends) {
                let _ = answer.send(moved.contains(&mark.id));
            }
        }
    }

    /// Fails with words if the database refuses, or says nothing at all for too long. What it wrote all
    /// the same may be written again.
    async fn commit(&self, sending: &[Prepared], settled: &[Mark]) -> Result<(Ids, Ids), String> {
        match self.late.run_until_cancelled(self.try_commit(sending, settled)).await {
            Some(committed) => committed.map_err(|failure| chain(&failure)),
            None => Err("the database does not answer".to_owned()),
        }
    }

    async fn try_commit(
        &self,
        sending: &[Prepared],
        settled: &[Mark],
    ) -> Result<(Ids, Ids), StoreError> {
        let mut tx = self.engine.store.begin().await?;
        // By the time of the commit: whoever waited for the database has no less of a lease for it.
        let now = self.engine.clock.now();
        let may_leave = if sending.is_empty() {
            Ids::new()
        } else {
            tx.mark_sending(sending, now, now + self.lease).await?
        };
        let moved =
            if settled.is_empty() { Ids::new() } else { tx.mark_settled(settled, now).await? };
        tx.commit().await?;
        Ok((may_leave, moved))
    }
}
