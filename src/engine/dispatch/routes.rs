//! Which relay takes which mail, and how fast: the rules of `domain::Route` on the state that all
//! daemons share.
//!
//! The state of each relay is a row. It is read, changed and written under the row's lock with every
//! batch of claimed mails; between two batches this daemon goes by what it saw last and by what it has
//! heard since.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::sync::watch;

use crate::{
    domain::{Choice, MailPast, Providers, Route, RouteEvent, RouteState, choose_for, has_other},
    smtp::RelayPool,
    store::{Claimed, Store, StoreError, Tx},
};

/// All relays, with what is known of each.
pub(super) struct Routes {
    relays: Vec<Arc<RelayPool>>,
    providers: Providers,
    zone: Tz,
    live: Mutex<Live>,
    /// How many attempts have ended.
    attempts: watch::Sender<u64>,
}

#[derive(Default)]
struct Live {
    states: Vec<RouteState>,
    /// What was heard and is not written down yet.
    heard: Vec<Heard>,
}

impl Live {
    fn hear(
        &mut self,
        routes: &Routes,
        (place, domain): (usize, &str),
        news: News,
        at: DateTime<Utc>,
    ) {
        let heard = Heard { place, domain: domain.to_owned(), news, at };
        heard.tell(&mut self.states[place], &routes.route(place));
        self.heard.push(heard);
    }
}

/// Something that was heard of a relay.
#[derive(Clone)]
struct Heard {
    place: usize,
    domain: String,
    news: News,
    at: DateTime<Utc>,
}

#[derive(Clone, Copy)]
enum News {
    /// An attempt has ended.
    Attempt(RouteEvent),
    /// A mail had leave and did not use it.
    GaveBack,
    /// A connection is being made.
    Connects,
}

impl Heard {
    fn tell(&self, state: &mut RouteState, route: &Route<'_>) {
        match self.news {
            News::Attempt(event) => state.note(route, &self.domain, event, self.at),
            News::GaveBack => state.give_back(route, &self.domain, self.at),
            News::Connects => state.connects(route, &self.domain, self.at),
        }
    }
}

/// States that are being written down.
pub(super) struct Draft {
    states: Vec<RouteState>,
    /// The states as they were read.
    written: Vec<String>,
    /// How much of what was heard is in them.
    heard: usize,
}

/// What may leave now.
pub(super) enum Batch {
    /// Claimed mails, each with where it goes.
    Mails(Vec<(Claimed, Choice)>),
    /// Nothing before then.
    WaitUntil(DateTime<Utc>),
}

impl Routes {
    pub(super) fn new(relays: Vec<Arc<RelayPool>>, providers: Providers, zone: Tz) -> Self {
        let states = vec![RouteState::default(); relays.len()];
        Self {
            relays,
            providers,
            zone,
            live: Mutex::new(Live { states, heard: Vec::new() }),
            attempts: watch::Sender::new(0),
        }
    }

    pub(super) fn relays(&self) -> &[Arc<RelayPool>] {
        &self.relays
    }

    pub(super) fn route(&self, place: usize) -> Route<'_> {
        Route { relay: self.relays[place].relay(), providers: &self.providers, zone: self.zone }
    }

    /// Claims mails that may leave now, each with the relay that takes it, or says when the next one
    /// may. A mail that has to wait for its own group's sake is among them, with how long. Relays whose
    /// boards are `crowded` get nothing. What is drafted is to be [`Routes::adopt`]ed once the
    /// transaction is committed.
    pub(super) async fn claim(
        &self,
        tx: &mut Tx,
        (now, lease): (DateTime<Utc>, TimeDelta),
        (most, strikes): (u32, u32),
        crowded: &[bool],
    ) -> Result<(Batch, Draft), StoreError> {
        if self.relays.is_empty() {
            let mails = tx.claim(now, lease, (most, strikes)).await?;
            let mails = mails.into_iter().map(|mail| (mail, Choice::Relay(0))).collect();
            return Ok((
                Batch::Mails(mails),
                Draft { states: Vec::new(), written: Vec::new(), heard: 0 },
            ));
        }
        let mut draft = self.load(tx).await?;
        let open: Vec<usize> = self.places().filter(|place| !crowded[*place]).collect();
        let batch = match self.room(&draft.states, &open, (most, now)) {
            Err(free_at) => Batch::WaitUntil(free_at),
            Ok(room) => {
                let mails = tx.claim(now, lease, (room, strikes)).await?;
                let routes = self.routes();
                let assign = |mail: Claimed| {
                    let choice = assign(&routes, &mut draft.states, &open, (&mail, now));
                    (mail, choice)
                };
                Batch::Mails(mails.into_iter().map(assign).collect())
            }
        };
        self.save(tx, &draft).await?;
        Ok((batch, draft))
    }

    /// How many mails may leave now through the `open` relays, `most` at most, or when the next one may.
    fn room(
        &self,
        states: &[RouteState],
        open: &[usize],
        (most, now): (u32, DateTime<Utc>),
    ) -> Result<u32, DateTime<Utc>> {
        let room_of = |place: &usize| states[*place].relay_room(&self.route(*place), most, now);
        let room = open.iter().map(room_of).fold(0, u32::saturating_add).min(most);
        let free_at = |place: &usize| states[*place].relay_free_at(&self.route(*place), now);
        if room > 0 { Ok(room) } else { Err(open.iter().map(free_at).min().unwrap_or(now)) }
    }

    /// Whether there is a relay besides `relay` that none of `cannot_carry` is the name of.
    pub(super) fn has_other(&self, relay: Option<usize>, cannot_carry: &[String]) -> bool {
        has_other(&self.routes(), relay, cannot_carry)
    }

    /// When a mail to `domain` may leave through this relay, as far as this daemon knows.
    pub(super) fn free_at(&self, place: usize, domain: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let live = self.live();
        // Its rates were taken when it was assigned; what may have changed since is whether the
        // relay, or the group, is shut.
        match live.states[place].connections(&self.route(place), domain, now) {
            0 => live.states[place].free_at(&self.route(place), domain, now),
            _ => now,
        }
    }

    /// When a mail to `domain` may leave through any relay.
    pub(super) fn any_free_at(&self, domain: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        self.places().map(|place| self.free_at(place, domain, now)).min().unwrap_or(now)
    }

    /// The most senders for a group at this relay; the group is told by a domain in it.
    pub(super) fn connections(&self, place: usize, domain: &str, now: DateTime<Utc>) -> usize {
        self.live().states[place].connections(&self.route(place), domain, now)
    }

    /// Learns from an attempt.
    pub(super) fn note(&self, place: usize, domain: &str, event: RouteEvent, now: DateTime<Utc>) {
        self.hear(place, domain, News::Attempt(event), now);
        self.attempts.send_modify(|attempts| *attempts += 1);
    }

    /// A mail that had leave did not use it.
    pub(super) fn give_back(&self, place: usize, domain: &str, now: DateTime<Utc>) {
        if place < self.relays.len() {
            self.hear(place, domain, News::GaveBack, now);
        }
    }

    /// Whether a connection for mail to `domain` may be made now; if so, it counts from now on.
    pub(super) fn may_connect(&self, place: usize, domain: &str, now: DateTime<Utc>) -> bool {
        // Asked and noted under one lock, so that no two senders take the same leave.
        let mut live = self.live();
        let may = live.states[place].may_connect(&self.route(place), domain, now);
        if may {
            live.hear(self, (place, domain), News::Connects, now);
        }
        may
    }

    /// Tells of the attempts that end from now on, through whichever relay.
    pub(super) fn attempts(&self) -> watch::Receiver<u64> {
        self.attempts.subscribe()
    }

    fn hear(&self, place: usize, domain: &str, news: News, now: DateTime<Utc>) {
        self.live().hear(self, (place, domain), news, now);
    }

    /// Writes down what was heard, and learns what others have written down.
    pub(super) async fn write_down(&self, store: &Store) -> Result<(), StoreError> {
        if self.relays.is_empty() {
            return Ok(());
        }
        let mut tx = store.begin().await?;
        let draft = self.load(&mut tx).await?;
        self.save(&mut tx, &draft).await?;
        tx.commit().await?;
        self.adopt(draft);
        Ok(())
    }

    /// The states of all relays as they are written down, with what was heard since.
    async fn load(&self, tx: &mut Tx) -> Result<Draft, StoreError> {
        let names: Vec<&str> = self.relays.iter().map(|pool| pool.relay().name.as_str()).collect();
        let mut texts: HashMap<String, String> = tx.relay_states(&names).await?;
        let written: Vec<String> =
            names.iter().map(|name| texts.remove(*name).unwrap_or_default()).collect();
        let mut states: Vec<RouteState> =
            written.iter().map(|text| RouteState::from_json(text).unwrap_or_default()).collect();
        let live = self.live();
        for heard in &live.heard {
            heard.tell(&mut states[heard.place], &self.route(heard.place));
        }
        Ok(Draft { states, written, heard: live.heard.len() })
    }

    /// Writes the states down that have changed.
    async fn save(&self, tx: &mut Tx, draft: &Draft) -> Result<(), StoreError> {
        let now = draft.states.iter().map(RouteState::to_json);
        for ((pool, text), before) in self.relays.iter().zip(now).zip(&draft.written) {
            if text != *before {
                tx.put_relay_state(&pool.relay().name, &text).await?;
            }
        }
        Ok(())
    }

    /// Goes by what is written down now.
    pub(super) fn adopt(&self, draft: Draft) {
        let mut live = self.live();
        let Live { states, heard } = &mut *live;
        heard.drain(..draft.heard);
        let before = std::mem::replace(states, draft.states);
        // What was heard meanwhile is not in what was read.
        for heard in heard.iter() {
            heard.tell(&mut states[heard.place], &self.route(heard.place));
        }
        for (state, before) in states.iter_mut().zip(&before) {
            *state = std::mem::take(state).with_connections_of(before);
        }
    }

    /// A domain of this group, to ask by.
    pub(super) fn domain_of(&self, group: &str) -> &str {
        let provider = self.providers.named(group);
        provider.and_then(|provider| provider.domains.first()).map_or("", String::as_str)
    }

    /// A number of this group.
    pub(super) fn number_of(&self, group: &str) -> u32 {
        let place = self.providers.iter().position(|provider| provider.name == group);
        place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(0)
    }

    fn routes(&self) -> Vec<Route<'_>> {
        self.places().map(|place| self.route(place)).collect()
    }

    fn places(&self) -> std::ops::Range<usize> {
        0..self.relays.len()
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Chooses one of the `open` relays for a mail and takes leave of its rates.
fn assign(
    routes: &[Route<'_>],
    states: &mut [RouteState],
    open: &[usize],
    (mail, now): (&Claimed, DateTime<Utc>),
) -> Choice {
    let past = MailPast {
        domain: &mail.domain,
        refused_by: mail.refused_by.as_ref().map(|(name, refusal)| (name.as_str(), *refusal)),
        cannot_carry: &mail.cannot_carry,
    };
    let choice = choose_for(&past, routes, states, open, now);
    if let Choice::Relay(place) = choice {
        states[place].take(&routes[place], &mail.domain, 1, now);
    }
    choice
}
