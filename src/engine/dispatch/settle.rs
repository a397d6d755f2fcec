//! Judges outcomes and writes down what follows.
use std::sync::{Arc, atomic::Ordering};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tracing::warn;

use super::{Round, compose::Left, marker::PATIENCE, outcomes, send::Course};
use crate::{
    domain::{
        AddressEffect, Choice, EmailAddress, Outcome, OutreachState, Phase, Settlement, Try,
        mask_addresses,
    },
    engine::chain,
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
            first_at: claimed.first_tried_at.unwrap_or(now),
            not_after: claimed.not_after,
            has_other_relay: self.routes.has_other(course.relay, &claimed.cannot_carry),
        };
        let settlement = Settlement::of(&outcome, &attempt, now);
        // What was cut off says nothing of the relay, and it would be remembered beyond the restart.
        if !self.stop.now.is_cancelled() {
            if let (Some(place), Some(event)) = (course.relay, settlement.route) {
                self.routes.note(place, &claimed.domain, event, now);
            }
            if settlement.relay_in_trouble() {
                self.say_trouble(course.relay, &outcome);
            }
        }
        if settlement.content_at_fault {
            blame(&claimed);
        }
        if settlement.to == OutreachState::InDoubt && self.stop.soon.is_cancelled() {
            self.stop.doubts.fetch_add(1, Ordering::Relaxed);
        }
        self.put_down();
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
                relay: course.relay.map(|place| self.relay_name(place)),
                connection: course.connection,
                outcome,
            }),
        };
        let verdict = (settlement.address != AddressEffect::Nothing).then(|| mark.clone());
        let written = self.marker.settled(mark).await;
        let round = Arc::clone(self);
        // What is rare is boxed: a task of some kB is copied with every mail.
        tokio::spawn(async move {
            match written.was_ours().await {
                Some(true) => round.count(settlement.to),
                Some(false) => {
                    warn!(outreach.id = claimed.id.0, "Outreach {} was fenced off", claimed.id.0);
                    Box::pin(round.engine.testify(&claimed, settlement.to)).await;
                }
                // The next start looks at the address as well.
                None => return,
            }
            if let Some(mark) = verdict {
                Box::pin(round.judge(mark, &recipient, (settlement.address, now))).await;
            }
        })
    }

    /// Does what an answer means for its address, however often that has to be tried: the relay may
    /// never say it again. What cannot be done before the end is left to the next start with the mark.
    async fn judge(
        &self,
        mark: Mark,
        recipient: &EmailAddress,
        (effect, at): (AddressEffect, DateTime<Utc>),
    ) {
        loop {
            let judging = self.engine.judge_address(recipient, effect, at);
            let Some(judged) = self.marker.in_time(judging).await else { break };
            let Err(error) = judged else { return };
            let (id, error) = (mark.id.0, chain(&error));
            warn!(error, outreach.id = id, "What outreach {id} says of its address has to wait");
            let pause = tokio::time::sleep(PATIENCE);
            if self.stop.now.run_until_cancelled(pause).await.is_none() {
                break;
            }
        }
        outcomes::keep(self.stop.outcomes.as_deref(), &[mark]);
    }

    /// Writes down why a claimed mail is not on its way.
    pub(super) async fn leave(&self, claimed: &Claimed, choice: Choice, why: Left) {
        if let Choice::Relay(place) = choice {
            self.routes.give_back(place, &claimed.domain, self.engine.clock.now());
        }
        let (to, cause) = match why {
            Left::NotTried | Left::Until(_) => {
                return self.give_back(claimed, OutreachState::Claimed, why).await;
            }
            Left::Impossible(cause) => (OutreachState::Failed, cause),
            Left::Panicked(cause) => (OutreachState::Quarantined, cause),
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
        self.put_down();
        if self.marker.settled(mark).await.was_ours().await == Some(true) {
            self.count(to);
        }
    }

    /// Gives a mail back untried, for another time.
    pub(super) async fn give_back(&self, claimed: &Claimed, from: OutreachState, why: Left) {
        let next_at = match why {
            Left::Until(at) => Some(at),
            _ => None,
        };
        if let Some(at) = next_at {
            self.wait_until(at);
        }
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from,
            to: OutreachState::Ready,
            next_at,
            attempt: None,
        };
        self.put_down();
        self.marker.settled(mark).await.was_ours().await;
    }

    fn relay_name(&self, place: usize) -> String {
        self.routes.relays()[place].relay().name.clone()
    }

    fn say_trouble(&self, relay: Option<usize>, outcome: &Outcome) {
        let said = match outcome {
            Outcome::Rejected { phase, reply } => {
                format!("{reply} ({})", phase.as_str())
            }
            Outcome::NotSent { phase, cause } => format!("{cause} ({})", phase.as_str()),
            Outcome::Accepted { .. } | Outcome::InDoubt { .. } => return,
        };
        let mut done = self.done();
        if done.trouble.is_none() {
            let name = relay.map_or_else(String::new, |place| self.relay_name(place));
            let said = format!("{name}: {}", mask_addresses(&said));
            warn!(relay.said = said, "A relay is in trouble, its mails wait: {said}");
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

/// Others of its campaign may fail alike: whoever wrote it should know.
fn blame(claimed: &Claimed) {
    let Claimed { id, campaign, .. } = claimed;
    warn!(
        outreach.id = id.0,
        campaign, "A relay refuses what campaign {campaign} writes; `explain` has its words"
    );
}
