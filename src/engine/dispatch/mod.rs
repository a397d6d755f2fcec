//! Brings ready mails to the relay: claim, compose, send, mark.
//!
//! A claimer feeds composing threads, which put messages on the boards of their relays, from which the
//! senders take them, one for each connection; all of it is bounded. No transaction is open while a
//! relay is talked to, and a state moves on an outcome only.
mod board;
mod compose;
mod gate;
mod marker;
mod outcomes;
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
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    board::Board,
    compose::Left,
    gate::Gate,
    marker::Marker,
    routes::{Batch, Routes},
};
use super::{Engine, EngineError, chain};
use crate::{
    domain::MOST_STRIKES,
    smtp::Transport,
    store::{Recovered, StoreError},
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
/// The longest pause within a round until a relay's rates have room again; after a longer one the
/// schedule goes on.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two looks at boards that are full.
const CROWDED: Duration = Duration::from_millis(5);
/// The shortest such pause, so that mails are claimed in batches.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

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

    /// Claims and composes until nothing is ready; only once if daemons have broken down with it.
    /// Returns how many mails were claimed.
    async fn feed(
        self: &Arc<Self>,
        boards: &Arc<Vec<Board>>,
        (limit, strikes): (u32, u32),
    ) -> Result<u64, EngineError> {
        let engine = &self.engine;
        let mut claimed = 0;
        while !self.is_over() {
            // Whatever was struck may break this daemon: not before others have left.
            if !self.pass_gate(strikes == 0 && claimed > 0).await? {
                break;
            }
            let crowded: Vec<bool> = boards.iter().map(Board::is_crowded).collect();
            if !crowded.contains(&false) {
                self.wait_for_hands(CROWDED).await;
                continue;
            }
            let attempts = self.routes.attempts();
            let now = engine.clock.now();
            // Asked first: a claim that finds nothing still writes, and keeps all other writers waiting.
            if !engine.store.has_ready(now, strikes).await? {
                break;
            }
            let Some(batch) = self.claim(now, (limit, strikes), &crowded).await? else { break };
            let batch = match batch {
                Batch::Mails(batch) => batch,
                Batch::WaitUntil(free_at) => {
                    let pause = (free_at - now).to_std().unwrap_or_default();
                    let pause = pause.clamp(SHORTEST_PAUSE, PAUSE);
                    // What is in hand may show that a relay works again, or has just shown it.
                    if self.wait_for_hands(pause).await
                        || attempts.has_changed().unwrap_or(false)
                        || self.pause_until(free_at).await
                    {
                        continue;
                    }
                    break;
                }
            };
            let Some(token) = batch.first().map(|(first, _)| first.lease_token) else { break };
            claimed += batch.len() as u64;
            self.in_hand.fetch_add(batch.len(), Ordering::Relaxed);
            self.leases().insert(token);
            let contacts = batch.iter().map(|(claimed, _)| claimed.contact);
            let facts = match engine.store.letter_facts(contacts).await {
                Ok(facts) => Arc::new(facts),
                Err(failure) => {
                    for (claimed, choice) in &batch {
                        self.leave(claimed, *choice, Left::NotTried).await;
                    }
                    return Err(failure.into());
                }
            };
            self.compose_batch(batch, &facts, boards).await?;
            if strikes > 0 {
                break;
            }
        }
        Ok(claimed)
    }

    /// Claims mails, or learns when there are some. Nothing is claimed, and nothing new is begun any more,
    /// if everything stands still or another database server has taken over.
    async fn claim(
        &self,
        now: DateTime<Utc>,
        (limit, strikes): (u32, u32),
        crowded: &[bool],
    ) -> Result<Option<Batch>, EngineError> {
        let mut tx = self.engine.store.begin().await?;
        let claim = self.routes.claim(&mut tx, (now, self.lease()), (limit, strikes), crowded);
        match claim.await {
            Ok((batch, draft)) => {
                tx.commit().await?;
                self.routes.adopt(draft);
                Ok(Some(batch))
            }
            Err(failure @ StoreError::NoLease) => {
                drop(tx);
                self.gate.shut();
                let halt = self.engine.look_around().await?;
                halt.map(|_| None).ok_or_else(|| failure.into())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Waits until every mail in hand has its outcome, but not longer than `most`. Returns whether
    /// there was one.
    async fn wait_for_hands(&self, most: Duration) -> bool {
        let free = self.hands_free.notified();
        tokio::pin!(free);
        free.as_mut().enable();
        if self.in_hand.load(Ordering::Relaxed) == 0 {
            return false;
        }
        tokio::select! {
            () = free => {}
            () = tokio::time::sleep(most) => {}
            () = self.stop.soon.cancelled() => {}
        }
        true
    }

    /// The outcome of a mail is known.
    fn put_down(&self) {
        if self.in_hand.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.hands_free.notify_waiters();
        }
    }

    /// Waits for the rates of the relays if that does not take long. Returns whether it did; where the
    /// clock is not that of the host, time does not pass by waiting.
    async fn pause_until(&self, free_at: DateTime<Utc>) -> bool {
        let clock = &self.engine.clock;
        let pause = (free_at - clock.now()).to_std().unwrap_or_default();
        let before = clock.uptime();
        if pause <= PAUSE {
            let pause = tokio::time::sleep(pause.max(SHORTEST_PAUSE));
            let in_time = self.stop.soon.run_until_cancelled(pause).await.is_some();
            if in_time && clock.uptime() > before {
                return true;
            }
        }
        self.wait_until(free_at);
        false
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
