//! Judges outcomes and writes down what follows.
use std::sync::{Arc, atomic::Ordering};

use tokio::task::JoinHandle;
use tracing::warn;

use super::{Round, compose::NoMessage, send::Course};
use crate::{
    domain::{EmailAddress, Outcome, OutreachState, Phase, Settlement, Try, mask_addresses},
    store::{Attempt, Claimed, Mark},
};

impl Round {
    /// Judges an outcome and queues the mark of it, behind which every later mark is written. What
    /// comes back ends when the mark is written.
    pub(super) async fn settle(
        self: &Arc<Self>,
        claimed: Claimed,
        course: Course,
        outcome: Outcome,
        recipient: EmailAddress,
    ) -> JoinHandle<()> {
        let now = self.engine.clock.now();
        let attempt = Try {
            outreach: claimed.id,
            number: claimed.attempt,
            first_at: claimed.due_at,
            not_after: claimed.not_after,
        };
        let settlement = Settlement::of(&outcome, &attempt, now);
        if settlement.relay_in_trouble() {
            self.say_trouble(&outcome);
        }
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from: course.state(),
            to: settlement.to,
            next_at: settlement.next_at,
            attempt: Some(Attempt {
                no: claimed.attempt,
                began_at: course.began_at,
                sending_at: course.sending_at,
                ended_at: now,
                relay: None,
                connection: None,
                outcome,
            }),
        };
        let written = self.marker.settled(mark).await;
        let round = Arc::clone(self);
        tokio::spawn(async move {
            if !written.was_ours().await {
                warn!(outreach.id = claimed.id.0, "Outreach {} was fenced off", claimed.id.0);
                return;
            }
            round.count(settlement.to);
            if let Some(why) = settlement.suppress()
                && let Err(error) = round.engine.suppress(&recipient, why).await
            {
                warn!(error = %error, outreach.id = claimed.id.0, "An address could not be suppressed");
            }
        })
    }

    /// Writes down why a claimed mail has no message.
    pub(super) async fn not_composed(&self, claimed: &Claimed, why: NoMessage) {
        let (to, cause) = match why {
            NoMessage::NotTried => return self.release(claimed).await,
            NoMessage::Impossible(cause) => (OutreachState::Failed, cause),
            NoMessage::Panicked(cause) => (OutreachState::Quarantined, cause),
        };
        warn!(outreach.id = claimed.id.0, cause, "Outreach {} has no message", claimed.id.0);
        let outcome = Outcome::NotSent { phase: Phase::Compose, cause };
        let now = self.engine.clock.now();
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from: OutreachState::Claimed,
            to,
            next_at: None,
            attempt: Some(Attempt {
                no: claimed.attempt,
                began_at: now,
                sending_at: None,
                ended_at: now,
                relay: None,
                connection: None,
                outcome,
            }),
        };
        if self.marker.settled(mark).await.was_ours().await {
            self.count(to);
        }
    }

    /// Gives a claimed mail back untried: at once if this daemon stops, or after a while if the
    /// relay is in trouble.
    pub(super) async fn release(&self, claimed: &Claimed) {
        let now = self.engine.clock.now();
        let is_trouble = self.in_trouble.load(Ordering::Relaxed);
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from: OutreachState::Claimed,
            to: OutreachState::Ready,
            next_at: is_trouble.then(|| now + Settlement::RELAY_PAUSE),
            attempt: None,
        };
        self.marker.settled(mark).await.was_ours().await;
    }

    fn say_trouble(&self, outcome: &Outcome) {
        self.in_trouble.store(true, Ordering::Relaxed);
        let said = match outcome {
            Outcome::Rejected { phase, reply } => {
                format!("{} {} ({})", reply.code, reply.text, phase.as_str())
            }
            Outcome::NotSent { phase, cause } => format!("{cause} ({})", phase.as_str()),
            Outcome::Accepted { .. } | Outcome::InDoubt { .. } => return,
        };
        let mut done = self.done();
        if done.trouble.is_none() {
            let said = mask_addresses(&said);
            warn!(relay.said = said, "The relay is in trouble; mails wait five minutes: {said}");
            done.trouble = Some(said);
        }
    }

    fn count(&self, state: OutreachState) {
        let mut done = self.done();
        match state {
            OutreachState::Sent => done.sent += 1,
            OutreachState::Ready => done.retried += 1,
            OutreachState::InDoubt => done.in_doubt += 1,
            _ => done.failed += 1,
        }
    }
}
