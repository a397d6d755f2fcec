//! Makes messages of claimed mails, on threads of their own.
use std::{
    any::Any,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::sync::mpsc;

use super::{Round, chain};
use crate::{
    domain::{ContactId, Envelope},
    engine::{
        EngineError,
        letter::{Identity, Occasion},
    },
    store::{Claimed, LetterFacts},
};

/// Level of zstd: 3 is its default, a good deal smaller than raw for a few microseconds.
const ZSTD_LEVEL: i32 = 3;

/// A message on its way to a sender.
pub(super) struct Ready {
    pub(super) claimed: Claimed,
    pub(super) message: Composed,
}

/// A message and what is kept of it.
pub(super) struct Composed {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
    /// The message, zstd.
    pub(super) body: Vec<u8>,
    pub(super) links: Vec<String>,
}

/// Why a claimed mail has no message.
pub(super) enum NoMessage {
    /// The round ends before its turn.
    NotTried,
    /// It cannot be written.
    Impossible(String),
    /// Writing it broke down.
    Panicked(String),
}

impl Round {
    /// Composes a batch on one thread for each processor. Each hands its messages to the senders as
    /// they are made and waits while those are busy.
    pub(super) async fn compose_batch(
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
                self.not_composed(&claimed, cause).await;
            }
        }
        Ok(())
    }

    /// Composes messages until the round is over. Gives back those that have none.
    fn compose_part(
        &self,
        part: Vec<Claimed>,
        facts: &HashMap<ContactId, LetterFacts>,
        ready: &mpsc::Sender<Ready>,
    ) -> Vec<(Claimed, NoMessage)> {
        let mut left = Vec::new();
        for claimed in part {
            if self.is_over() {
                left.push((claimed, NoMessage::NotTried));
                continue;
            }
            // One mail that breaks the writing must not take the others with it.
            let composed = catch_unwind(AssertUnwindSafe(|| match facts.get(&claimed.contact) {
                None => Err("its contact is gone".to_owned()),
                Some(facts) => self.compose(&claimed, facts).map_err(|error| chain(&error)),
            }));
            match composed {
                Err(panic) => left.push((claimed, NoMessage::Panicked(words_of(&*panic)))),
                Ok(Err(cause)) => left.push((claimed, NoMessage::Impossible(cause))),
                Ok(Ok(message)) => {
                    if let Err(unsent) = ready.blocking_send(Ready { claimed, message }) {
                        left.push((unsent.0.claimed, NoMessage::NotTried));
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
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("writing it broke down: {}", words.unwrap_or("without a word"))
}
