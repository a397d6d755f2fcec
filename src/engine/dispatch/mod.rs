//! Brings ready mails to the relay: claim, compose, send, mark.
//!
//! A claimer feeds composing threads, which put messages on the boards of their relays, from which the
//! senders take them, one for each connection; all of it is bounded. No transaction is open while a
//! relay is talked to, and a state moves on an outcome only.
mod board;
mod compose;
mod feed;
mod gate;
mod marker;
mod outcomes;
mod packing;
mod routes;
mod send;
mod settle;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{board::Board, gate::Gate, marker::Marker, packing::Stock, routes::Routes};
use super::{Engine, EngineError, chain};
use crate::{domain::MOST_STRIKES, smtp::Transport, store::Recovered};

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
    /// What a relay, or the way to it, said when it was of no use.
    pub trouble: Option<String>,
    /// When the next mail may leave, if rates or a relay in trouble ended the round before everything
    /// was sent.
    pub wait_until: Option<DateTime<Utc>>,
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
    /// Mails that have come in doubt since `soon`.
    pub doubts: Arc<AtomicU64>,
}

/// Mails that are claimed together.
const CLAIM: u32 = 500;
/// The same for mails that a daemon broke down with: few, then one by one, so that the one that breaks
/// it is found and the others are not taken for it. By the number of breakdowns.
const CLAIMS: [u32; MOST_STRIKES as usize] = [CLAIM, 32, 1, 1];

/// What the parts of one round share.
struct Round {
    engine: Engine,
    marker: Marker,
    stop: Stop,
    routes: Routes,
    /// Claimed mails whose outcome is not known yet.
    in_hand: AtomicUsize,
    /// Told whenever there are no more of them.
    hands_free: Notify,
    gate: Gate,
    /// Dictionaries that messages are stored with.
    stock: Mutex<Arc<Stock>>,
    /// Leases on mails that have not come to their turn yet.
    leases: Mutex<BTreeSet<i64>>,
    done: Mutex<Dispatched>,
}

impl Engine {
    /// Sends everything that is due, until nothing is ready, the relay is in trouble, or `stop` says
    /// so.
    #[tracing::instrument(name = "engine.dispatch", skip_all, err)]
    pub async fn dispatch(&self, stop: &Stop) -> Result<Dispatched, EngineError> {
        let (marker, marks) = Marker::new(self.clone(), self.lease(), stop.clone());
        let marks = tokio::spawn(marks);
        let relays = match &*self.transport {
            Transport::Relays(relays) => relays.clone(),
            Transport::Folder(_) => Vec::new(),
        };
        let providers = self.config.providers.clone();
        let round = Arc::new(Round {
            engine: self.clone(),
            marker,
            stop: stop.clone(),
            routes: Routes::new(relays, providers, self.config.schedules.zone),
            in_hand: AtomicUsize::new(0),
            hands_free: Notify::new(),
            gate: Gate::default(),
            stock: Mutex::default(),
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

    /// Does what comes before sending, and no more, so that mails wait as ready ones. Returns how many
    /// became so.
    pub async fn release(&self) -> Result<u64, EngineError> {
        self.refuse_if_halted().await?;
        self.refuse_if_skewed().await?;
        self.open_gate().await
    }

    /// How long a mail is held; the default of the configuration if that is out of range.
    fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.config.patience.lease).unwrap_or(TimeDelta::minutes(15))
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
    /// Sends all there is.
    async fn run(self: Arc<Self>) -> Result<(), EngineError> {
        let keeping = tokio::spawn(Arc::clone(&self).keep_leases());
        let outcome = self.waves().await;
        keeping.abort();
        self.engine.transport.close().await;
        outcome
    }

    /// Sends what daemons never broke down with, then what they did, ever fewer at a time; while there
    /// is no end of the former, a batch of the latter in between.
    async fn waves(self: &Arc<Self>) -> Result<(), EngineError> {
        loop {
            self.gate.go_on();
            for (strikes, limit) in (0..).zip(CLAIMS) {
                let Engine { store, clock, .. } = &self.engine;
                // Mostly there are none, and each wave has its price.
                if strikes == 1 && !store.has_struck(clock.now()).await? {
                    break;
                }
                Arc::clone(self).wave(strikes, limit).await?;
                if self.is_over() {
                    return Ok(());
                }
            }
            if !self.gate.gives_way() {
                return Ok(());
            }
        }
    }

    /// Sends all ready mails with so many breakdowns, `limit` in hand at a time at most if there were
    /// any.
    async fn wave(self: Arc<Self>, strikes: u32, limit: u32) -> Result<(), EngineError> {
        loop {
            let boards = self.boards();
            let mut senders = tokio::task::JoinSet::new();
            for (place, board) in boards.iter().enumerate() {
                for _ in 0..board.connections() {
                    senders.spawn(Arc::clone(&self).send_all(Arc::clone(&boards), place));
                }
            }
            let fed = self.feed(&boards, (limit, strikes)).await;
            boards.iter().for_each(Board::close);
            // All of them, or one that broke down would take the mails of the others with it.
            let mut is_whole = true;
            while let Some(ended) = senders.join_next().await {
                is_whole &= ended.is_ok();
            }
            if !is_whole {
                return Err(EngineError::Worker);
            }
            self.routes.write_down(&self.engine.store).await?;
            // What was struck is sent before the next of its kind is claimed.
            if fed? == 0 || strikes == 0 || self.gate.gives_way() || self.is_over() {
                return Ok(());
            }
        }
    }

    /// What waits for each relay; one board for a folder.
    fn boards(&self) -> Arc<Vec<Board>> {
        let relays = self.routes.relays().iter().map(|pool| Board::new(pool.relay().connections));
        let mut boards: Vec<Board> = relays.collect();
        if boards.is_empty() {
            boards.push(Board::new(1));
        }
        Arc::new(boards)
    }

    /// The outcome of a mail is known.
    fn put_down(&self) {
        if self.in_hand.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.hands_free.notify_waiters();
        }
    }

    /// Notes that a mail stays behind until then.
    fn wait_until(&self, at: DateTime<Utc>) {
        let mut done = self.done();
        done.wait_until = Some(done.wait_until.map_or(at, |earlier| earlier.min(at)));
    }

    /// Renews the leases on what waits for its turn, so that a slow relay does not make it look as if
    /// this daemon had died.
    async fn keep_leases(self: Arc<Self>) {
        let pause = self.engine.config.patience.slack();
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
                warn!(
                    error = chain(&error),
                    "Leases could not be renewed; mails may go to another daemon"
                );
            }
        }
    }

    fn lease(&self) -> TimeDelta {
        self.engine.lease()
    }

    /// Whether nothing new is begun any more.
    fn is_over(&self) -> bool {
        self.stop.soon.is_cancelled() || self.gate.is_shut()
    }

    fn leases(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> MutexGuard<'_, Dispatched> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
