//! Makes messages of claimed mails, on threads of their own.
use std::{
    any::Any,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    vec,
};

use chrono::{DateTime, Utc};

use super::{
    Round,
    board::{Board, ROOM},
    chain,
    packing::{Packer, Stock},
};
use crate::{
    domain::{CROWDED, Choice, ContactId, Envelope, mask_addresses},
    engine::{
        EngineError,
        letter::{Identity, Occasion},
    },
    store::{Claimed, LetterFacts},
};

/// What a batch is composed of.
pub(super) struct Material {
    pub(super) facts: HashMap<ContactId, LetterFacts>,
    pub(super) stock: Arc<Stock>,
}

/// A message on its way to a sender.
pub(super) struct Ready {
    pub(super) claimed: Claimed,
    pub(super) message: Composed,
}

/// A message and what is kept of it.
pub(super) struct Composed {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
    /// The message, as it is stored.
    pub(super) body: Vec<u8>,
    pub(super) links: Vec<String>,
}

/// Octets of a message for which it takes as much room as another one.
const HEAVY: usize = 64 * 1024;

/// The weight of a message of 1 MB.
const LIGHT: u32 = 16;

impl Composed {
    /// How much of a board's room it takes, `1..=ROOM`: a letter with a large file is not to be in
    /// memory five hundred times.
    pub(super) fn weight(&self) -> u32 {
        u32::try_from(1 + self.bytes.len() / HEAVY).unwrap_or(ROOM).min(ROOM)
    }
}

/// Why a claimed mail is not on its way.
pub(super) enum Left {
    /// The round ends before its turn.
    NotTried,
    /// Its relay, or the group of its domain, has no room before then.
    Until(DateTime<Utc>),
    /// It cannot be written.
    Impossible(String),
    /// Writing it broke down.
    Panicked(String),
}

impl Round {
    /// Composes a batch on one thread for each processor. Each puts its messages on the boards as they
    /// are made and waits while those are full.
    pub(super) async fn compose_batch(
        self: &Arc<Self>,
        batch: Vec<(Claimed, Choice)>,
        material: &Arc<Material>,
        boards: &Arc<Vec<Board>>,
    ) -> Result<(), EngineError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = threads.min(batch.len());
        let batch = Arc::new(Mutex::new(batch.into_iter()));
        let mut composing = tokio::task::JoinSet::new();
        for _ in 0..threads {
            let batch = Arc::clone(&batch);
            let (round, boards) = (Arc::clone(self), Arc::clone(boards));
            let material = Arc::clone(material);
            composing.spawn_blocking(move || round.compose_part(&batch, &material, &boards));
        }
        while let Some(left) = composing.join_next().await {
            for (claimed, choice, why) in left.map_err(|_| EngineError::Worker)? {
                self.leave(&claimed, choice, why).await;
            }
        }
        Ok(())
    }

    /// Composes one message of a batch after the other until the round is over. Gives back those that are
    /// not on their way.
    fn compose_part(
        &self,
        batch: &Mutex<vec::IntoIter<(Claimed, Choice)>>,
        material: &Material,
        boards: &[Board],
    ) -> Vec<(Claimed, Choice, Left)> {
        let mut left = Vec::new();
        let mut packer = Packer::new(&material.stock).expect("there is memory for tables");
        let next = || batch.lock().unwrap_or_else(PoisonError::into_inner).next();
        while let Some((claimed, choice)) = next() {
            let place = match choice {
                _ if self.is_over() => {
                    left.push((claimed, choice, Left::NotTried));
                    continue;
                }
                Choice::WaitUntil(at) => {
                    left.push((claimed, choice, Left::Until(at)));
                    continue;
                }
                Choice::Relay(place) => place,
            };
            // One mail that breaks the writing must not take the others with it.
            let composed =
                catch_unwind(AssertUnwindSafe(|| match material.facts.get(&claimed.contact) {
                    None => Err("its contact is gone".to_owned()),
                    Some(facts) => self
                        .compose(&claimed, facts, &mut packer)
                        .map_err(|error| mask_addresses(&chain(&error))),
                }));
            let unsent = match composed {
                Err(panic) => Some((claimed, Left::Panicked(words_of(&*panic)))),
                Ok(Err(cause)) => Some((claimed, Left::Impossible(cause))),
                Ok(Ok(message)) => self.put(Ready { claimed, message }, place, boards),
            };
            left.extend(unsent.map(|(claimed, why)| (claimed, choice, why)));
        }
        left
    }

    /// Puts a message on the board of its relay. Where providers have limits of their own, a group that
    /// has enough on the board already is not waited for, since the others would wait with it; what
    /// could not be put there comes back.
    fn put(&self, ready: Ready, place: usize, boards: &[Board]) -> Option<(Claimed, Left)> {
        let (board, group) = (&boards[place], self.group(place, &ready.claimed.domain));
        let room = board.room(group);
        let has_others =
            self.routes.relays().get(place).is_some_and(|pool| pool.relay().by_provider);
        let weight = ready.message.weight();
        // Of very heavy ones a few are too many already; they are waited for all the same.
        let permit = if has_others && weight <= LIGHT {
            room.try_acquire_many(weight).ok()
        } else {
            tokio::runtime::Handle::current().block_on(room.acquire_many(weight)).ok()
        };
        let Some(permit) = permit else {
            let until = self.engine.clock.now() + CROWDED;
            return Some((ready.claimed, Left::Until(until)));
        };
        // It is given back when a sender takes the message.
        permit.forget();
        board.put(group, ready);
        None
    }

    /// The group of a recipient's domain at a relay; there is one for a folder.
    pub(super) fn group<'a>(&'a self, place: usize, domain: &str) -> &'a str {
        if self.routes.relays().is_empty() { "" } else { self.routes.route(place).group_of(domain) }
    }

    /// The message of an earlier attempt if there is one, whatever it takes: its reader may have had it.
    /// Else a new one.
    fn compose(
        &self,
        claimed: &Claimed,
        facts: &LetterFacts,
        packer: &mut Packer<'_>,
    ) -> Result<Composed, EngineError> {
        let engine = &self.engine;
        let identity = Identity {
            outreach: claimed.id,
            nonce: claimed.nonce,
            issued_on: claimed.due_at.date_naive(),
        };
        let envelope = engine.envelope(facts.email.clone(), identity);
        if let Some(body) = &claimed.body {
            let bytes = packer.unpack(body).map_err(EngineError::Damaged)?;
            return Ok(Composed { envelope, bytes, body: body.clone(), links: Vec::new() });
        }
        let campaign = engine.campaign(&claimed.campaign)?;
        let occasion = Occasion { campaign, day: claimed.day, years: claimed.years };
        let draft = engine.render(facts, occasion, identity)?;
        let bytes = engine.message(facts, campaign, &draft, identity)?;
        let template = campaign.template_for(claimed.years);
        let body = packer
            .pack(&bytes, (&campaign.key, template, &draft.locale))
            .expect("compressing into memory does not fail");
        Ok(Composed { envelope, bytes, body, links: draft.rendered.links })
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("writing it broke down: {}", mask_addresses(words.unwrap_or("without a word")))
}
