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

use crate::{
    domain::{Choice, Providers, Route, RouteEvent, RouteState, choose},
    smtp::RelayPool,
    store::{Claimed, Store, StoreError, Tx},
};

/// All relays, with what is known of each.
pub(super) struct Routes {
    relays: Vec<Arc<RelayPool>>,
    providers: Providers,
    zone: Tz,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    states: Vec<RouteState>,
    /// What was heard and is not written down yet: relay, domain, event, and when.
    heard: Vec<(usize, String, RouteEvent, DateTime<Utc>)>,
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
        Self { relays, providers, zone, live: Mutex::new(Live { states, heard: Vec::new() }) }
    }

    pub(super) fn relays(&self) -> &[Arc<RelayPool>] {
        &self.relays
    }

    pub(super) fn route(&self, place: usize) -> Route<'_> {
        Route { relay: self.relays[place].relay(), providers: &self.providers, zone: self.zone }
    }

    /// Claims mails that may leave now, each with the relay that takes it, or says when the next one
    /// may. A mail that has to wait for its own group's sake is among them, with how long.
    pub(super) async fn claim(
        &self,
        tx: &mut Tx,
        now: DateTime<Utc>,
        lease: TimeDelta,
        (most, strikes): (u32, u32),
    ) -> Result<Batch, StoreError> {
        if self.relays.is_empty() {
            let mails = tx.claim(now, lease, (most, strikes)).await?;
            return Ok(Batch::Mails(
                mails.into_iter().map(|mail| (mail, Choice::Relay(0))).collect(),
            ));
        }
        let mut states = self.load(tx).await?;
        let batch = match self.room(&states, most, now) {
            Err(free_at) => Batch::WaitUntil(free_at),
            Ok(room) => {
                let mails = tx.claim(now, lease, (room, strikes)).await?;
                let assign = |mail: Claimed| {
                    let choice = self.assign(&mut states, &mail, now);
                    (mail, choice)
                };
                Batch::Mails(mails.into_iter().map(assign).collect())
            }
        };
        self.save(tx, states).await?;
        Ok(batch)
    }

    /// How many mails may leave now, `most` at most, or when the next one may. It goes by the group of
    /// no provider, which most mail belongs to.
    fn room(
        &self,
        states: &[RouteState],
        most: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, DateTime<Utc>> {
        let rooms = self
            .places()
            .map(|place| states[place].clone().take(&self.route(place), "", most, now));
        let room = rooms.fold(0, u32::saturating_add).min(most);
        let free = self.places().map(|place| states[place].free_at(&self.route(place), "", now));
        if room > 0 { Ok(room) } else { Err(free.min().unwrap_or(now)) }
    }

    /// Chooses a relay for a mail and takes leave of its rates.
    fn assign(&self, states: &mut [RouteState], mail: &Claimed, now: DateTime<Utc>) -> Choice {
        let routes: Vec<Route<'_>> = self.places().map(|place| self.route(place)).collect();
        // A server that put it off knows it, and would put it off again if a stranger brought it.
        let same = mail.put_off_by.as_deref().and_then(|name| {
            let place = routes.iter().position(|route| route.relay.name == name)?;
            (states[place].free_at(&routes[place], &mail.domain, now) <= now).then_some(place)
        });
        let choice = match same {
            Some(place) => Choice::Relay(place),
            None => choose(&routes, states, &mail.domain, now),
        };
        if let Choice::Relay(place) = choice {
            states[place].take(&routes[place], &mail.domain, 1, now);
        }
        choice
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
        let mut live = self.live();
        live.states[place].note(&self.route(place), domain, event, now);
        live.heard.push((place, domain.to_owned(), event, now));
    }

    /// Writes down what was heard, and learns what others have written down.
    pub(super) async fn write_down(&self, store: &Store) -> Result<(), StoreError> {
        if self.relays.is_empty() {
            return Ok(());
        }
        let mut tx = store.begin().await?;
        let states = self.load(&mut tx).await?;
        self.save(&mut tx, states).await?;
        tx.commit().await
    }

    /// The states of all relays as they are written down, with what was heard since.
    async fn load(&self, tx: &mut Tx) -> Result<Vec<RouteState>, StoreError> {
        let names: Vec<&str> = self.relays.iter().map(|pool| pool.relay().name.as_str()).collect();
        let texts: HashMap<String, String> = tx.relay_states(&names).await?;
        let mut states: Vec<RouteState> = names
            .iter()
            .map(|name| texts.get(*name).and_then(|text| RouteState::from_json(text).ok()))
            .map(Option::unwrap_or_default)
            .collect();
        for (place, domain, event, at) in self.live().heard.drain(..) {
            states[place].note(&self.route(place), &domain, event, at);
        }
        Ok(states)
    }

    async fn save(&self, tx: &mut Tx, states: Vec<RouteState>) -> Result<(), StoreError> {
        for (pool, state) in self.relays.iter().zip(&states) {
            tx.put_relay_state(&pool.relay().name, &state.to_json()).await?;
        }
        let mut live = self.live();
        live.states = states;
        // What was heard meanwhile is not in what was read.
        let Live { states, heard } = &mut *live;
        for (place, domain, event, at) in heard.iter() {
            states[*place].note(&self.route(*place), domain, *event, *at);
        }
        Ok(())
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

    fn places(&self) -> std::ops::Range<usize> {
        0..self.relays.len()
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
