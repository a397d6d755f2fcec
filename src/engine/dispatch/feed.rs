//! Feeds the boards: claims what is ready, batch by batch, and has it composed.
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;

use super::{
    Round,
    board::Board,
    compose::{Left, Material},
    routes::Batch,
};
use crate::{
    domain::Choice,
    engine::EngineError,
    store::{Claimed, StoreError},
};

/// The longest pause within a round until a relay's rates have room again; after a longer one the
/// schedule goes on.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two looks at boards that are full.
const CROWDED: Duration = Duration::from_millis(5);
/// The shortest such pause, so that mails are claimed in batches.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

impl Round {
    /// Claims and composes until nothing is ready; only once if daemons have broken down with it. The next
    /// batch is claimed while one is composed. Returns how many mails were claimed.
    pub(super) async fn feed(
        self: &Arc<Self>,
        boards: &Arc<Vec<Board>>,
        wave: (u32, u32),
    ) -> Result<u64, EngineError> {
        let mut composing = JoinSet::new();
        let fed = self.feed_by(&mut composing, boards, wave).await;
        // Also if that failed: what was claimed has to come to the boards before they are closed.
        let composed = finish(&mut composing).await;
        let claimed = fed?;
        composed.map(|()| claimed)
    }

    async fn feed_by(
        self: &Arc<Self>,
        composing: &mut JoinSet<Result<(), EngineError>>,
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
            if batch.is_empty() {
                break;
            }
            claimed += batch.len() as u64;
            let material = self.take_in_hand(&batch).await?;
            if let Err(failure) = finish(composing).await {
                self.give_all_back(&batch).await;
                return Err(failure);
            }
            let (round, boards) = (Arc::clone(self), Arc::clone(boards));
            composing.spawn(async move { round.compose_batch(batch, &material, &boards).await });
            if strikes > 0 {
                break;
            }
        }
        Ok(claimed)
    }

    /// Takes claimed mails in hand and reads what their letters tell and their messages are stored with.
    /// Gives all of them back if that cannot be read.
    async fn take_in_hand(
        &self,
        batch: &[(Claimed, Choice)],
    ) -> Result<Arc<Material>, EngineError> {
        self.in_hand.fetch_add(batch.len(), Ordering::Relaxed);
        self.leases().extend(batch.first().map(|(first, _)| first.lease_token));
        let material = self.material(batch).await;
        if material.is_err() {
            self.give_all_back(batch).await;
        }
        material
    }

    async fn material(&self, batch: &[(Claimed, Choice)]) -> Result<Arc<Material>, EngineError> {
        let contacts = batch.iter().map(|(claimed, _)| claimed.contact);
        let facts = self.engine.store.letter_facts(contacts).await?;
        let stock = self.dictionaries(batch, &facts).await?;
        Ok(Arc::new(Material { facts, stock }))
    }

    async fn give_all_back(&self, batch: &[(Claimed, Choice)]) {
        for (claimed, choice) in batch {
            self.leave(claimed, *choice, Left::NotTried).await;
        }
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
}

/// Waits until what is being composed is on the boards, or given back.
async fn finish(composing: &mut JoinSet<Result<(), EngineError>>) -> Result<(), EngineError> {
    while let Some(ended) = composing.join_next().await {
        ended.map_err(|_| EngineError::Worker)??;
    }
    Ok(())
}
