//! Hands messages to the way out and writes down what became of each.
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::{sync::mpsc, task::JoinHandle};
use tracing::warn;

use super::{Round, compose::Ready};
use crate::{
    domain::{Outcome, OutreachState},
    store::{Claimed, Prepared},
};

/// What is known of an attempt besides its outcome.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub(super) began_at: DateTime<Utc>,
    /// When the mark was durable.
    pub(super) sending_at: Option<DateTime<Utc>>,
}

impl Course {
    /// The state that the row is in now.
    pub(super) const fn state(self) -> OutreachState {
        match self.sending_at {
            Some(_) => OutreachState::Sending,
            None => OutreachState::Claimed,
        }
    }
}

impl Round {
    /// Sends one message after the other until no more come.
    pub(super) async fn send_all(
        self: Arc<Self>,
        waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Ready>>>,
    ) {
        // The mark of a message's end travels while the next message is offered; the one commit may
        // carry both, and never the later without the earlier.
        let mut ending: Option<JoinHandle<()>> = None;
        loop {
            let Some(ready) = waiting.lock().await.recv().await else { break };
            if self.is_over() {
                self.release(&ready.claimed).await;
                continue;
            }
            let (claimed, course, outcome, recipient) = self.send(ready).await;
            if let Some(before) = ending.take() {
                let _ = before.await;
            }
            ending = Some(self.settle(claimed, course, outcome, recipient).await);
        }
        if let Some(last) = ending {
            let _ = last.await;
        }
    }

    async fn send(&self, ready: Ready) -> (Claimed, Course, Outcome, crate::domain::EmailAddress) {
        let Ready { claimed, message } = ready;
        let engine = &self.engine;
        let began_at = engine.clock.now();
        let marked = Mutex::new(None);
        let prepared = Prepared {
            id: claimed.id,
            lease_token: claimed.lease_token,
            lease_until: began_at + self.lease(),
            body: message.body,
            links: message.links,
        };
        let before_content = async {
            let outcome = self.marker.sending(prepared).await;
            if outcome.is_ok() {
                *marked.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine.clock.now());
            }
            outcome
        };
        let stem = format!("{:08}-{}", claimed.id.0, claimed.campaign);
        let sending =
            engine.transport.send(&message.envelope, &message.bytes, &stem, before_content);
        let outcome = self.stop.now.run_until_cancelled(sending).await;
        let sending_at = *marked.lock().unwrap_or_else(PoisonError::into_inner);
        let course = Course { began_at, sending_at };
        let outcome = outcome.unwrap_or_else(|| {
            warn!(outreach.id = claimed.id.0, "Outreach {} is not waited for", claimed.id.0);
            abandoned(course)
        });
        (claimed, course, outcome, message.envelope.recipient)
    }
}

/// The outcome of a message that nobody waited for.
fn abandoned(course: Course) -> Outcome {
    let cause = "the daemon was stopped before the relay answered".to_owned();
    match course.sending_at {
        Some(_) => Outcome::InDoubt { cause },
        None => Outcome::NotSent { phase: crate::domain::Phase::Data, cause },
    }
}
