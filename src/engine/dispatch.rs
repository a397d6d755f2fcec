//! Brings ready mails to the relay: claim, compose, send, mark.
//!
//! A claimer feeds composing threads, which feed the senders, one for each connection; all channels
//! are bounded. No transaction is open while a relay is talked to, and a state moves on an outcome
//! only.
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{
    Engine, EngineError,
    letter::{Identity, Occasion},
    marker::Marker,
};
use crate::{
    config::Delivery,
    domain::{ContactId, Envelope, Outcome, OutreachState, Phase, Settlement, mask_addresses},
    store::{Attempt, Claimed, LetterFacts, Mark, Prepared},
};

/// What one round of sending did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Dispatched {
    /// Mails that became ready.
    pub released: u64,
    /// Mails that the relay took.
    pub sent: u64,
    /// Mails that will be tried again.
    pub retried: u64,
    /// Mails that were given up.
    pub failed: u64,
    /// Mails of which nobody knows whether they arrived.
    pub in_doubt: u64,
    /// What the relay, or the way to it, said when it stopped the round.
    pub trouble: Option<String>,
}

/// Mails that are claimed together.
const CLAIM: u32 = 500;
/// Level of zstd: 3 is its default, a good deal smaller than raw for a few microseconds.
const ZSTD_LEVEL: i32 = 3;

/// A message on its way to a sender.
struct Ready {
    claimed: Claimed,
    envelope: Envelope,
    bytes: Vec<u8>,
    body: Vec<u8>,
    links: Vec<String>,
}

/// A message and what is kept of it.
struct Composed {
    envelope: Envelope,
    bytes: Vec<u8>,
    /// The message, zstd.
    body: Vec<u8>,
    links: Vec<String>,
}

/// What the parts of one round share.
struct Round {
    engine: Engine,
    marker: Marker,
    /// Set once something is wrong that would stop every mail alike.
    stopped: AtomicBool,
    done: Mutex<Dispatched>,
}

impl Engine {
    /// Sends everything that is due, until nothing is ready or the relay is in trouble.
    #[tracing::instrument(name = "engine.dispatch", skip_all, err)]
    pub async fn dispatch(&self) -> Result<Dispatched, EngineError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        tx.recover(now).await?;
        let zone = self.config.schedules.zone;
        let released = tx.release(now, self.config.rules.day_budget(now, zone)).await?;
        tx.commit().await?;

        let (marker, marks) = Marker::new(self.store.clone(), Arc::clone(&self.clock));
        let marks = tokio::spawn(marks);
        let round = Arc::new(Round {
            engine: self.clone(),
            marker,
            stopped: AtomicBool::new(false),
            done: Mutex::new(Dispatched { released, ..Dispatched::default() }),
        });
        let outcome = Arc::clone(&round).run().await;
        let done = round.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        drop(round);
        marks.await.map_err(|_| EngineError::Worker)?;
        outcome?;
        let Dispatched { sent, retried, failed, in_doubt, .. } = done;
        if sent + retried + failed + in_doubt > 0 {
            info!(
                sent,
                retried, failed, in_doubt, "Sent {sent} mails, {retried} to be tried again"
            );
        }
        Ok(done)
    }
}

impl Round {
    async fn run(self: Arc<Self>) -> Result<(), EngineError> {
        let connections = match &self.engine.config.delivery {
            Delivery::Relay(relay) => relay.connections,
            Delivery::Folder(_) => 1,
        };
        let (ready, waiting) = mpsc::channel(connections * 4);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..connections {
            senders.spawn(Arc::clone(&self).send_all(Arc::clone(&waiting)));
        }
        let fed = self.feed(ready).await;
        while let Some(ended) = senders.join_next().await {
            ended.map_err(|_| EngineError::Worker)?;
        }
        self.engine.transport.close().await;
        fed
    }

    /// How long a mail is held; the default of the configuration if that is out of range.
    fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.engine.config.lease).unwrap_or(TimeDelta::minutes(15))
    }

    /// Claims and composes until nothing is ready.
    async fn feed(self: &Arc<Self>, ready: mpsc::Sender<Ready>) -> Result<(), EngineError> {
        let engine = &self.engine;
        let lease = self.lease();
        while !self.stopped.load(Ordering::Relaxed) {
            let mut tx = engine.store.begin().await?;
            let batch = tx.claim(engine.clock.now(), lease, CLAIM).await?;
            tx.commit().await?;
            if batch.is_empty() {
                break;
            }
            let contacts = batch.iter().map(|claimed| claimed.contact);
            let facts = Arc::new(engine.store.letter_facts(contacts).await?);
            self.compose_batch(batch, &facts, &ready).await?;
        }
        Ok(())
    }

    /// Composes a batch on one thread for each processor. Each hands its messages to the senders as
    /// they are made and waits while those are busy.
    async fn compose_batch(
        self: &Arc<Self>,
        mut batch: Vec<Claimed>,
        facts: &Arc<HashMap<ContactId, LetterFacts>>,
        ready: &mpsc::Sender<Ready>,
    ) -> Result<(), EngineError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let share = batch.len().div_ceil(threads).max(1);
        let mut composing = tokio::task::JoinSet::new();
        while !batch.is_empty() {
            let part = batch.split_off(batch.len().saturating_sub(share));
            let (round, facts, ready) = (Arc::clone(self), Arc::clone(facts), ready.clone());
            composing.spawn_blocking(move || round.compose_part(part, &facts, &ready));
        }
        while let Some(left) = composing.join_next().await {
            for (claimed, cause) in left.map_err(|_| EngineError::Worker)? {
                match cause {
                    Some(cause) => self.not_composed(&claimed, cause).await,
                    None => self.release(&claimed).await,
                }
            }
        }
        Ok(())
    }

    /// Composes messages until the round is stopped. Gives back those that have none, with the
    /// cause, and those that are to be released, without.
    fn compose_part(
        &self,
        part: Vec<Claimed>,
        facts: &HashMap<ContactId, LetterFacts>,
        ready: &mpsc::Sender<Ready>,
    ) -> Vec<(Claimed, Option<String>)> {
        let mut left = Vec::new();
        for claimed in part {
            if self.stopped.load(Ordering::Relaxed) {
                left.push((claimed, None));
                continue;
            }
            let composed = match facts.get(&claimed.contact) {
                None => Err("its contact is gone".to_owned()),
                Some(facts) => self.compose(&claimed, facts).map_err(|error| chain(&error)),
            };
            match composed {
                Err(cause) => left.push((claimed, Some(cause))),
                Ok(composed) => {
                    let Composed { envelope, bytes, body, links } = composed;
                    let next = Ready { claimed, envelope, bytes, body, links };
                    if let Err(unsent) = ready.blocking_send(next) {
                        left.push((unsent.0.claimed, None));
                    }
                }
            }
        }
        left
    }

    /// The message of an earlier attempt if there is one, else a new one.
    fn compose(&self, claimed: &Claimed, facts: &LetterFacts) -> Result<Composed, EngineError> {
        let engine = &self.engine;
        let identity = Identity {
            outreach: claimed.id,
            nonce: claimed.nonce,
            issued_on: claimed.due_at.date_naive(),
        };
        let envelope = engine.envelope(facts.email.clone(), identity);
        if let Some(body) = &claimed.body
            && let Ok(bytes) = zstd::decode_all(body.as_slice())
        {
            return Ok(Composed { envelope, bytes, body: body.clone(), links: Vec::new() });
        }
        let campaign = engine.campaign(&claimed.campaign)?;
        let occasion = Occasion { campaign, day: claimed.day, years: claimed.years };
        let draft = engine.render(facts, occasion, identity)?;
        let bytes = engine.message(facts, campaign, &draft, identity)?;
        let body = zstd::encode_all(bytes.as_slice(), ZSTD_LEVEL)
            .expect("compressing into memory does not fail");
        Ok(Composed { envelope, bytes, body, links: draft.rendered.links })
    }

    async fn send_all(self: Arc<Self>, waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Ready>>>) {
        loop {
            let Some(message) = waiting.lock().await.recv().await else { break };
            if self.stopped.load(Ordering::Relaxed) {
                self.release(&message.claimed).await;
            } else {
                self.send(message).await;
            }
        }
    }

    async fn send(&self, message: Ready) {
        let Ready { claimed, envelope, bytes, body, links } = message;
        let engine = &self.engine;
        let marked = AtomicBool::new(false);
        let prepared = Prepared {
            id: claimed.id,
            lease_token: claimed.lease_token,
            lease_until: engine.clock.now() + self.lease(),
            body,
            links,
        };
        let before_content = async {
            let outcome = self.marker.sending(prepared).await;
            marked.store(outcome.is_ok(), Ordering::Relaxed);
            outcome
        };
        let stem = format!("{:08}-{}", claimed.id.0, claimed.campaign);
        let outcome = engine.transport.send(&envelope, &bytes, &stem, before_content).await;
        let from = if marked.load(Ordering::Relaxed) {
            OutreachState::Sending
        } else {
            OutreachState::Claimed
        };
        self.settle(&claimed, from, outcome, &envelope).await;
    }

    /// Judges an outcome and writes down what follows.
    async fn settle(
        &self,
        claimed: &Claimed,
        from: OutreachState,
        outcome: Outcome,
        envelope: &Envelope,
    ) {
        let now = self.engine.clock.now();
        let settlement =
            Settlement::of(&outcome, claimed.id, claimed.attempt, now, claimed.not_after);
        if settlement.relay_in_trouble {
            self.stop(&outcome);
        }
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from,
            to: settlement.to,
            next_at: settlement.next_at,
            attempt: Some(Attempt { no: claimed.attempt, ended_at: now, outcome }),
        };
        if !self.marker.settled(mark).await {
            warn!(outreach.id = claimed.id.0, "Outreach {} was fenced off", claimed.id.0);
            return;
        }
        self.count(settlement.to);
        if let Some(why) = settlement.suppress
            && let Err(error) = self.engine.suppress(&envelope.recipient, why).await
        {
            warn!(error = %error, outreach.id = claimed.id.0, "An address could not be suppressed");
        }
    }

    async fn not_composed(&self, claimed: &Claimed, cause: String) {
        warn!(outreach.id = claimed.id.0, cause, "Outreach {} has no message", claimed.id.0);
        let outcome = Outcome::NotSent { phase: Phase::Compose, cause };
        let now = self.engine.clock.now();
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from: OutreachState::Claimed,
            to: OutreachState::Failed,
            next_at: None,
            attempt: Some(Attempt { no: claimed.attempt, ended_at: now, outcome }),
        };
        if self.marker.settled(mark).await {
            self.count(OutreachState::Failed);
        }
    }

    /// Gives a claimed mail back untried.
    async fn release(&self, claimed: &Claimed) {
        let mark = Mark {
            id: claimed.id,
            lease_token: claimed.lease_token,
            from: OutreachState::Claimed,
            to: OutreachState::Ready,
            next_at: Some(self.engine.clock.now() + Settlement::RELAY_PAUSE),
            attempt: None,
        };
        self.marker.settled(mark).await;
    }

    fn stop(&self, outcome: &Outcome) {
        self.stopped.store(true, Ordering::Relaxed);
        let said = match outcome {
            Outcome::Rejected { phase, reply } => {
                format!("{} {} ({})", reply.code, reply.text, phase.as_str())
            }
            Outcome::NotSent { phase, cause } => format!("{cause} ({})", phase.as_str()),
            Outcome::Accepted { .. } | Outcome::InDoubt { .. } => return,
        };
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if done.trouble.is_none() {
            let said = mask_addresses(&said);
            warn!(relay.said = said, "The relay is in trouble; mails wait five minutes: {said}");
            done.trouble = Some(said);
        }
    }

    fn count(&self, state: OutreachState) {
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match state {
            OutreachState::Sent => done.sent += 1,
            OutreachState::Ready => done.retried += 1,
            OutreachState::InDoubt => done.in_doubt += 1,
            _ => done.failed += 1,
        }
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
