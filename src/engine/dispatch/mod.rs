//! Brings ready mails to the relay: claim, compose, send, mark.
//!
//! A claimer feeds composing threads, which feed the senders, one for each connection; all channels
//! are bounded. No transaction is open while a relay is talked to, and a state moves on an outcome
//! only.
mod compose;
mod marker;
mod outcomes;
mod send;
mod settle;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{compose::Ready, marker::Marker};
use super::{Engine, EngineError};
use crate::{
    config::Delivery,
    domain::MOST_STRIKES,
    store::{Claimed, Recovered},
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

/// How a round of sending is ended from outside.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Nothing new is begun; what is leaving is waited for.
    pub soon: CancellationToken,
    /// Nothing is waited for: what is leaving is in doubt.
    pub now: CancellationToken,
    /// Where outcomes are kept that the database does not take any more, for the next start.
    pub outcomes: Option<PathBuf>,
}

/// Mails that are claimed together.
const CLAIM: u32 = 500;
/// The same for mails that a daemon broke down with: few, then one by one, so that the one that breaks
/// it is found and the others are not taken for it. By the number of breakdowns.
const CLAIMS: [u32; MOST_STRIKES as usize] = [CLAIM, 32, 1];
/// Between two looks at what else has become due while a long round is under way.
const GATE: Duration = Duration::from_secs(30);

/// What the parts of one round share.
struct Round {
    engine: Engine,
    marker: Marker,
    stop: Stop,
    /// Set once something is wrong that would stop every mail alike.
    in_trouble: AtomicBool,
    /// Leases on mails that have not come to their turn yet.
    leases: Mutex<BTreeSet<i64>>,
    done: Mutex<Dispatched>,
}

impl Engine {
    /// Sends everything that is due, until nothing is ready, the relay is in trouble, or `stop` says
    /// so.
    #[tracing::instrument(name = "engine.dispatch", skip_all, err)]
    pub async fn dispatch(&self, stop: &Stop) -> Result<Dispatched, EngineError> {
        let (marker, marks) =
            Marker::new(self.store.clone(), Arc::clone(&self.clock), stop.clone());
        let marks = tokio::spawn(marks);
        let round = Arc::new(Round {
            engine: self.clone(),
            marker,
            stop: stop.clone(),
            in_trouble: AtomicBool::new(false),
            leases: Mutex::default(),
            done: Mutex::default(),
        });
        let outcome = Arc::clone(&round).run().await;
        let done = round.done().clone();
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

    /// Takes back what dead daemons held, ends doubts that policies end, and lets through what is
    /// due. Returns how many mails became ready.
    async fn open_gate(&self) -> Result<u64, EngineError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let Recovered { ready, in_doubt, quarantined } = tx.recover(now).await?;
        tx.commit().await?;
        if ready + in_doubt.len() as u64 > 0 {
            let doubts = in_doubt.len();
            warn!(
                ready,
                in_doubt = doubts,
                "A daemon stopped in the middle: {ready} mails are ready again, {doubts} are in doubt"
            );
        }
        for id in quarantined {
            warn!(outreach.id = id.0, "Outreach {} broke daemons down and is left alone", id.0);
        }
        self.settle_doubts().await?;
        let mut tx = self.store.begin().await?;
        let zone = self.config.schedules.zone;
        let released = tx.release(now, self.config.rules.day_budget(now, zone)).await?;
        tx.commit().await?;
        Ok(released)
    }
}

impl Round {
    /// Sends what daemons never broke down with, then what they did, ever fewer at a time.
    async fn run(self: Arc<Self>) -> Result<(), EngineError> {
        let keeping = tokio::spawn(Arc::clone(&self).keep_leases());
        let mut outcome = Ok(());
        for (strikes, limit) in (0..).zip(CLAIMS) {
            outcome = Arc::clone(&self).wave(strikes, limit).await;
            if outcome.is_err() || self.is_over() {
                break;
            }
        }
        keeping.abort();
        self.engine.transport.close().await;
        outcome
    }

    /// Sends all ready mails with so many breakdowns, `limit` in hand at a time at least.
    async fn wave(self: Arc<Self>, strikes: u32, limit: u32) -> Result<(), EngineError> {
        let connections = match &self.engine.config.delivery {
            Delivery::Relays(relays) => relays[0].connections,
            Delivery::Folder(_) => 1,
        };
        loop {
            let (ready, waiting) = mpsc::channel(connections * 4);
            let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
            let mut senders = tokio::task::JoinSet::new();
            for _ in 0..connections {
                senders.spawn(Arc::clone(&self).send_all(Arc::clone(&waiting)));
            }
            let fed = self.feed(ready, (limit, strikes)).await;
            while let Some(ended) = senders.join_next().await {
                ended.map_err(|_| EngineError::Worker)?;
            }
            // What was struck is sent before the next of its kind is claimed.
            if fed? == 0 || strikes == 0 || self.is_over() {
                return Ok(());
            }
        }
    }

    /// Claims and composes until nothing is ready; only once if daemons have broken down with it.
    /// Returns how many mails were claimed.
    async fn feed(
        self: &Arc<Self>,
        ready: mpsc::Sender<Ready>,
        (limit, strikes): (u32, u32),
    ) -> Result<u64, EngineError> {
        let engine = &self.engine;
        let (mut claimed, mut opened_at) = (0, None);
        while !self.is_over() {
            let uptime = engine.clock.uptime();
            if opened_at.is_none_or(|then| uptime.saturating_sub(then) >= GATE) {
                self.done().released += engine.open_gate().await?;
                opened_at = Some(uptime);
            }
            let mut tx = engine.store.begin().await?;
            let batch = tx.claim(engine.clock.now(), self.lease(), (limit, strikes)).await?;
            tx.commit().await?;
            let Some(token) = batch.first().map(|first: &Claimed| first.lease_token) else { break };
            claimed += batch.len() as u64;
            self.leases().insert(token);
            let contacts = batch.iter().map(|claimed| claimed.contact);
            let facts = Arc::new(engine.store.letter_facts(contacts).await?);
            self.compose_batch(batch, &facts, &ready).await?;
            if strikes > 0 {
                break;
            }
        }
        Ok(claimed)
    }

    /// Renews the leases on what waits for its turn, so that a slow relay does not make it look as if
    /// this daemon had died.
    async fn keep_leases(self: Arc<Self>) {
        let pause = self.engine.config.patience.lease / 3;
        loop {
            tokio::time::sleep(pause).await;
            let tokens: Vec<i64> = self.leases().iter().copied().collect();
            if tokens.is_empty() {
                continue;
            }
            let until = self.engine.clock.now() + self.lease();
            let renewed = async {
                let mut tx = self.engine.store.begin().await?;
                tx.renew(&tokens, until).await?;
                tx.commit().await
            };
            if let Err(error) = renewed.await {
                warn!(error = %error, "Leases could not be renewed; mails may go to another daemon");
            }
        }
    }

    /// How long a mail is held; the default of the configuration if that is out of range.
    fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.engine.config.patience.lease).unwrap_or(TimeDelta::minutes(15))
    }

    /// Whether nothing new is begun any more.
    fn is_over(&self) -> bool {
        self.in_trouble.load(Ordering::Relaxed) || self.stop.soon.is_cancelled()
    }

    fn leases(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> MutexGuard<'_, Dispatched> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
