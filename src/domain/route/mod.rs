//! How fast through which relay.
//!
//! A [`Route`] is what the configuration says of one relay, a [`RouteState`] what has happened there:
//! how much of its rates is used up, whether it answers, and which providers want less. The state is
//! small, is stored as one JSON text for each relay, and holds instants rather than timers, so several
//! daemons may load, change and store it in turns, and none of them begins anew after a restart.
//!
//! ```text
//! choose(routes, states, domain, now)  →  which relay, or when to ask again
//! choose_for(past, routes, states, open, now) → the same for a mail that was refused before
//! state.take(route, domain, want, now) →  how many mails may leave
//! state.may_connect(route, domain, now) →  whether one more connection may be made
//! state.connects(route, domain, now)   ←  every connection that is begun
//! state.note(route, domain, event, now)  ←  settlement.route of every attempt
//! ```
//!
//! Deliberately not here: connections, queues, and the meaning of a reply ([`super::Refusal`]).
mod again;
mod backoff;
mod breaker;
mod choose;
mod effective;
mod group;
mod provider;
mod rate;
#[cfg(test)]
mod tests;
mod warm_up;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Relay, RouteEvent};
use breaker::{Breaker, Gate};
use group::GroupState;
use rate::{DayCount, Meters, Share, WHOLE, next_day};

pub use again::{CROWDED, MailPast, choose_for, has_other};
pub use breaker::Cause;
pub use choose::{Choice, choose};
pub use effective::{Bind, Effective};
pub use provider::{Provider, Providers};
pub use rate::{Per, Rate, RateError};
pub use warm_up::WarmUp;

/// This many connections in a row that come to nothing open the breaker of a relay (`KumoMTA`'s preset
/// for Gmail); no more are tried at the same time before one of them was good.
const FAILURES: u32 = 5;

/// This many refusals in a row that are our own or the relay's fault pause it.
const OURS: u32 = 3;

/// A connection that nobody has told of for so long is forgotten.
const TRYING_FOR: TimeDelta = TimeDelta::minutes(5);

/// How long what has to wait for the end of a trial waits before it asks again.
const TRIAL_GLANCE: TimeDelta = TimeDelta::seconds(30);

/// The group of all domains, or of those without a provider.
const REST: &str = "rest";

/// What the configuration says of one relay.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// The relay.
    pub relay: &'a Relay,
    /// The providers; only of use with [`Relay::by_provider`].
    pub providers: &'a Providers,
    /// The zone in which days begin: that of the schedule.
    pub zone: Tz,
}

impl<'a> Route<'a> {
    /// The name of the group that mail to `domain` belongs to at this relay: its provider's, or `rest`
    /// for all others. Without [`Relay::by_provider`] everything is `rest`.
    #[must_use]
    pub fn group_of(&self, domain: &str) -> &'a str {
        self.provider(domain).map_or(REST, |provider| provider.name.as_str())
    }

    /// The most messages on one connection for mail to `domain`, at least 1.
    #[must_use]
    pub fn messages_per_connection(&self, domain: &str) -> u32 {
        let own = self.provider(domain).and_then(|provider| provider.messages_per_connection);
        self.relay.messages_per_connection.min(own.unwrap_or(u32::MAX))
    }

    fn provider(&self, domain: &str) -> Option<&'a Provider> {
        self.relay.by_provider.then(|| self.providers.of(domain)).flatten()
    }
}

/// What has happened at one relay, for [`RouteState::to_json`].
///
/// All methods that take a `domain` mean the domain of the recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteState {
    /// The first day on which it was used, by the zone of the schedule.
    first_used: Option<NaiveDate>,
    meters: Meters,
    day: DayCount,
    breaker: Breaker,
    /// Connections in a row that came to nothing.
    failures: u32,
    /// Refusals in a row that were our own or the relay's fault.
    ours: u32,
    /// Connections that this daemon is making, and when the last of them is forgotten. Not stored: a
    /// daemon that dies makes none any more, and the next one must not wait for those.
    #[serde(skip)]
    trying: Option<(u32, DateTime<Utc>)>,
    /// What `choose` owes this relay, in weights.
    credit: i64,
    groups: BTreeMap<String, GroupState>,
}

/// What holds a mail back, as the parts of a state see it.
struct Limits<'a> {
    /// Rates of the relay.
    relay: &'a [Rate],
    /// Rates of the group.
    group: Vec<Rate>,
    /// The pace of the group.
    share: Share,
    /// The most mails of today, if the relay is being warmed up.
    warm_up: Option<u32>,
    zone: Tz,
}

impl RouteState {
    /// The state as the store keeps it.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("keys are texts and numbers are whole")
    }

    /// The state that the store has kept.
    ///
    /// # Errors
    ///
    /// If `text` was not written by [`RouteState::to_json`].
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Takes leave for `want` mails to `domain` and gives back for how many it was granted, `0..=want`.
    /// What is granted counts as sent until [`RouteState::give_back`].
    pub fn take(&mut self, route: &Route<'_>, domain: &str, want: u32, now: DateTime<Utc>) -> u32 {
        let granted = want.min(self.room(route, domain, now));
        if granted == 0 {
            return 0;
        }
        let limits = self.limits(route, domain, now);
        let today = now.with_timezone(&route.zone).date_naive();
        self.first_used = self.first_used.or(Some(today));
        self.meters.tidy(now);
        for rate in limits.relay.iter().filter(|rate| rate.per != Per::Day) {
            self.meters.use_up(*rate, WHOLE, granted, now);
        }
        self.day.use_up(granted, now, limits.zone);
        self.breaker.passes(now);
        let group = self.groups.entry(route.group_of(domain).to_owned()).or_default();
        group.meters.tidy(now);
        for rate in limits.group.iter().filter(|rate| rate.per != Per::Day) {
            group.meters.use_up(*rate, limits.share, granted, now);
        }
        group.day.use_up(granted, now, limits.zone);
        group.breaker.passes(now);
        granted
    }

    /// Takes the leave of one mail to `domain` back that did not leave and will not at present.
    pub fn give_back(&mut self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) {
        let limits = self.limits(route, domain, now);
        for rate in limits.relay.iter().filter(|rate| rate.per != Per::Day) {
            self.meters.give_back(*rate, WHOLE);
        }
        self.day.give_back(now, limits.zone);
        if let Some(group) = self.groups.get_mut(route.group_of(domain)) {
            for rate in limits.group.iter().filter(|rate| rate.per != Per::Day) {
                group.meters.give_back(*rate, limits.share);
            }
            group.day.give_back(now, limits.zone);
            group.breaker.gives_back(now);
        }
        self.breaker.gives_back(now);
    }

    /// How many mails the relay itself lets leave at `now`, `most` at most, whatever their domains are
    /// in for.
    #[must_use]
    pub fn relay_room(&self, route: &Route<'_>, most: u32, now: DateTime<Utc>) -> u32 {
        let gate = match self.breaker.gate(now) {
            Gate::Shut(..) => return 0,
            Gate::Trial if self.breaker.free_at(now) > now => return 0,
            Gate::Trial => 1,
            Gate::Free => most,
        };
        let limits = self.limits(route, "", now);
        let rates = limits.relay.iter().map(|rate| match rate.per {
            Per::Day => self.day.left(rate.mails, now, limits.zone),
            _ => self.meters.room(*rate, WHOLE, now),
        });
        let warm = limits.warm_up.map(|most| self.day.left(most, now, limits.zone));
        rates.chain(warm).fold(gate, u32::min)
    }

    /// When it is worth asking again whether the relay itself lets a mail leave, `now` at the soonest.
    #[must_use]
    pub fn relay_free_at(&self, route: &Route<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
        let limits = self.limits(route, "", now);
        let tomorrow = || next_day(now, limits.zone);
        let rates = limits.relay.iter().map(|rate| match rate.per {
            Per::Day if self.day.left(rate.mails, now, limits.zone) > 0 => now,
            Per::Day => tomorrow(),
            _ => self.meters.free_at(*rate, WHOLE, now),
        });
        let is_warm = limits.warm_up.is_none_or(|most| self.day.left(most, now, limits.zone) > 0);
        let warm = if is_warm { now } else { tomorrow() };
        let is_tried = self.breaker.is_being_tried(now);
        let open = if is_tried { now + TRIAL_GLANCE } else { self.breaker.free_at(now) };
        rates.fold(warm.max(open), DateTime::max)
    }

    /// When the next mail to `domain` may leave, `now` at the soonest.
    #[must_use]
    pub fn free_at(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let limits = self.limits(route, domain, now);
        let tomorrow = || next_day(now, limits.zone);
        let group = self.group(route, domain);
        let rate_of = |meters: &Meters, day: &DayCount, rate: Rate, share| match rate.per {
            Per::Day if day.left(rate.mails, now, limits.zone) > 0 => now,
            Per::Day => tomorrow(),
            _ => meters.free_at(rate, share, now),
        };
        let relays = limits.relay.iter().map(|rate| rate_of(&self.meters, &self.day, *rate, WHOLE));
        let groups = limits.group.iter().filter_map(|rate| {
            group.map(|group| rate_of(&group.meters, &group.day, *rate, limits.share))
        });
        let is_warm = limits.warm_up.is_none_or(|most| self.day.left(most, now, limits.zone) > 0);
        let warm = if is_warm { now } else { tomorrow() };
        let open = self.open_at(route, domain, now);
        relays.chain(groups).fold(warm.max(open), DateTime::max)
    }

    /// When it is worth asking again whether a mail to `domain` may leave, `now` at the soonest: when it
    /// is free, or soon, since a trial that is under way may end at any moment.
    #[must_use]
    pub fn ask_again_at(
        &self,
        route: &Route<'_>,
        domain: &str,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let group = self.group(route, domain);
        let breakers = [Some(&self.breaker), group.map(|group| &group.breaker)];
        let is_tried = breakers.into_iter().flatten().any(|breaker| breaker.is_being_tried(now));
        let free_at = self.free_at(route, domain, now);
        if is_tried { free_at.min(now + TRIAL_GLANCE) } else { free_at }
    }

    /// The most connections at the same time for mail to `domain`; 0 while nothing may leave.
    #[must_use]
    pub fn connections(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> usize {
        let group = self.group(route, domain);
        let gates = [Some(&self.breaker), group.map(|group| &group.breaker)];
        let mut gates = gates.into_iter().flatten().map(|breaker| breaker.gate(now));
        let suspended = group.and_then(|group| group.backoff.suspended_until(now));
        if suspended.is_some() || gates.clone().any(|gate| matches!(gate, Gate::Shut(..))) {
            return 0;
        }
        if gates.any(|gate| gate == Gate::Trial) {
            return 1;
        }
        let own = route.provider(domain).and_then(|provider| provider.connections);
        let most = route.relay.connections.min(own.unwrap_or(usize::MAX));
        group.map_or(most, |group| group.backoff.connections(most))
    }

    /// Whether a connection for mail to `domain` may be made now. Whoever makes it says so by
    /// [`RouteState::connects`], and its end by [`RouteState::note`].
    #[must_use]
    pub fn may_connect(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> bool {
        let group = self.group(route, domain);
        self.breaker.may_connect(now)
            && group.is_none_or(|group| group.breaker.may_connect(now))
            && self.failures + self.trying_at(now) < FAILURES
            && self.connections(route, domain, now) > 0
    }

    /// The state, with the connections that are being made by `other`'s account. What was stored knows
    /// of none.
    #[must_use]
    pub fn with_connections_of(mut self, other: &Self) -> Self {
        self.trying = other.trying;
        self
    }

    /// Notes that a connection for mail to `domain` is being made.
    pub fn connects(&mut self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) {
        self.trying = Some((self.trying_at(now) + 1, now + TRYING_FOR));
        self.breaker.connects(now);
        if let Some(group) = self.groups.get_mut(route.group_of(domain)) {
            group.breaker.connects(now);
        }
    }

    /// Learns from an attempt at a mail to `domain`.
    pub fn note(&mut self, route: &Route<'_>, domain: &str, event: RouteEvent, now: DateTime<Utc>) {
        self.groups.entry(route.group_of(domain).to_owned()).or_default().note(event, now);
        let on_trial = self.breaker.is_on_trial(now);
        match event {
            RouteEvent::Accepted
            | RouteEvent::Answered
            | RouteEvent::Throttled(..)
            | RouteEvent::Policy => {
                (self.failures, self.ours, self.trying) = (0, 0, None);
                self.breaker.well(now);
            }
            RouteEvent::Busy | RouteEvent::Unreachable => {
                self.failures = self.failures.saturating_add(1);
                self.tried_in_vain(now);
                if on_trial || self.failures >= FAILURES {
                    self.shut(Cause::Unreachable, now);
                }
            }
            RouteEvent::Ours => {
                self.ours = self.ours.saturating_add(1);
                self.tried_in_vain(now);
                if on_trial || self.ours >= OURS {
                    self.shut(Cause::Ours, now);
                }
            }
        }
    }

    /// How many mails to `domain` may leave at `now`.
    fn room(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> u32 {
        if self.open_at(route, domain, now) > now {
            return 0;
        }
        let limits = self.limits(route, domain, now);
        let room_of = |meters: &Meters, day: &DayCount, rate: Rate, share| match rate.per {
            Per::Day => day.left(rate.mails, now, limits.zone),
            _ => meters.room(rate, share, now),
        };
        let blank = GroupState::default();
        let group = self.group(route, domain).unwrap_or(&blank);
        let on_trial = self.breaker.is_on_trial(now) || group.breaker.is_on_trial(now);
        let relays = limits.relay.iter().map(|rate| room_of(&self.meters, &self.day, *rate, WHOLE));
        let groups =
            limits.group.iter().map(|rate| room_of(&group.meters, &group.day, *rate, limits.share));
        let warm = limits.warm_up.map(|most| self.day.left(most, now, limits.zone));
        let rooms = relays.chain(groups).chain(warm);
        rooms.fold(if on_trial { 1 } else { u32::MAX }, u32::min)
    }

    /// When breakers and suspensions let one mail to `domain` pass, `now` at the soonest.
    fn open_at(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let relay = self.breaker.free_at(now);
        self.group(route, domain).map_or(relay, |group| {
            let suspended = group.backoff.suspended_until(now).unwrap_or(now);
            relay.max(group.breaker.free_at(now)).max(suspended)
        })
    }

    fn limits<'a>(&self, route: &Route<'a>, domain: &str, now: DateTime<Utc>) -> Limits<'a> {
        let share = self.group(route, domain).map_or(WHOLE, |group| group.backoff.share());
        let own = route.provider(domain).map_or(&[][..], |provider| provider.rates.as_slice());
        let mut group = own.to_vec();
        if share < WHOLE {
            // A group whose pace is lower than that of its relay is measured by the relay's rates too.
            let rates = route.relay.rates.iter().filter(|rate| rate.per != Per::Day);
            group.extend(rates.filter(|rate| !own.contains(rate)));
        }
        let today = now.with_timezone(&route.zone).date_naive();
        let warm_up = route
            .relay
            .warm_up
            .and_then(|warm_up| warm_up.most_on(today, self.first_used.unwrap_or(today)));
        Limits { relay: &route.relay.rates, group, share, warm_up, zone: route.zone }
    }

    fn group(&self, route: &Route<'_>, domain: &str) -> Option<&GroupState> {
        self.groups.get(route.group_of(domain))
    }

    fn trying_at(&self, now: DateTime<Utc>) -> u32 {
        let is_on = |(_, until): &(u32, DateTime<Utc>)| now < *until && *until <= now + TRYING_FOR;
        self.trying.filter(is_on).map_or(0, |(trying, _)| trying)
    }

    /// One connection less is being tried. It may have been an older one that was lost: then one more
    /// is tried than should be, whereas one that nobody tells of would hold the others up.
    fn tried_in_vain(&mut self, now: DateTime<Utc>) {
        if let Some((_, until)) = self.trying {
            self.trying = Some((self.trying_at(now).saturating_sub(1), until));
        }
    }

    fn shut(&mut self, cause: Cause, now: DateTime<Utc>) {
        self.breaker.open(cause, now);
        (self.failures, self.ours, self.trying) = (0, 0, None);
    }
}
