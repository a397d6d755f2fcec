//! Which relay takes a mail that relays have refused before.
use chrono::{DateTime, TimeDelta, Utc};

use super::{Choice, Route, RouteState, choose};
use crate::domain::Refusal;

/// How long a mail waits for relays that have more to send than they take in that time.
pub const CROWDED: TimeDelta = TimeDelta::seconds(30);

/// What a mail has met with, as far as it says where it goes next.
#[derive(Debug, Clone, Copy)]
pub struct MailPast<'a> {
    /// The domain of the recipient, in lower case.
    pub domain: &'a str,
    /// The name of the relay of the last attempt and how it refused, if it did.
    pub refused_by: Option<(&'a str, Refusal)>,
    /// The names of the relays that have said that they cannot carry its address
    /// ([`Refusal::Uncarried`]).
    pub cannot_carry: &'a [String],
}

impl MailPast<'_> {
    /// Whether none of `cannot_carry` is this relay.
    fn may_lead_through(&self, route: &Route<'_>) -> bool {
        !self.cannot_carry.contains(&route.relay.name)
    }

    /// The relay that put the mail off and would know it again ([`Refusal::knows_relay`]), of these.
    fn known_at(&self, routes: &[Route<'_>], places: &[usize]) -> Option<usize> {
        let (name, _) = self.refused_by.filter(|(_, refusal)| refusal.knows_relay())?;
        places.iter().copied().find(|place| routes[*place].relay.name == name)
    }
}

/// Chooses one of the relays at the places `open` for a mail with this past, by its place in `routes`.
///
/// Relays that cannot carry its address are passed over, even if all others are not open: then the mail
/// waits [`CROWDED`] for them. Where all have said that they cannot, the settings have changed since, and
/// one of them may say it again. A mail goes back to the relay that knows it if that may send now, which
/// is nobody's turn; otherwise it is [`choose`]'s. `states` are those of `routes`, in the same order.
pub fn choose_for(
    past: &MailPast<'_>,
    routes: &[Route<'_>],
    states: &mut [RouteState],
    open: &[usize],
    now: DateTime<Utc>,
) -> Choice {
    let able: Vec<usize> =
        open.iter().copied().filter(|place| past.may_lead_through(&routes[*place])).collect();
    if able.is_empty() && routes.iter().any(|route| past.may_lead_through(route)) {
        return Choice::WaitUntil(now + CROWDED);
    }
    let places = if able.is_empty() { open } else { &able };
    let is_free = |place: &usize| states[*place].free_at(&routes[*place], past.domain, now) <= now;
    if let Some(known) = past.known_at(routes, places).filter(is_free) {
        return Choice::Relay(known);
    }
    let some: Vec<Route<'_>> = places.iter().map(|place| routes[*place]).collect();
    let mut turns: Vec<RouteState> =
        places.iter().map(|place| std::mem::take(&mut states[*place])).collect();
    let choice = choose(&some, &mut turns, past.domain, now);
    places.iter().zip(turns).for_each(|(place, state)| states[*place] = state);
    match choice {
        Choice::Relay(nth) => Choice::Relay(places[nth]),
        Choice::WaitUntil(at) => Choice::WaitUntil(at),
    }
}

/// Whether a mail that came to the relay at `place` of `routes`, or to none, could go through another one
/// that is not among `cannot_carry`.
#[must_use]
pub fn has_other(routes: &[Route<'_>], place: Option<usize>, cannot_carry: &[String]) -> bool {
    let is_other = |(other, route): (usize, &Route<'_>)| {
        Some(other) != place && !cannot_carry.contains(&route.relay.name)
    };
    routes.iter().enumerate().any(is_other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        Providers, Relay, RouteEvent, Throttle,
        route::tests::{DOMAIN, START, at, relay},
    };

    const NAMES: [&str; 3] = ["first", "second", "third"];

    /// Calls `test` with routes of these rates, called by [`NAMES`], and their blank states.
    fn with<T>(
        rates: [&[&str]; 3],
        test: impl FnOnce(&[Route<'_>], &mut [RouteState], DateTime<Utc>) -> T,
    ) -> T {
        let relays: Vec<Relay> =
            NAMES.iter().zip(rates).map(|(name, rates)| named(name, rates)).collect();
        let providers = Providers::default();
        let route = |relay| Route { relay, providers: &providers, zone: chrono_tz::UTC };
        let routes: Vec<_> = relays.iter().map(route).collect();
        test(&routes, &mut vec![RouteState::default(); routes.len()], at(START))
    }

    fn named(name: &str, rates: &[&str]) -> Relay {
        Relay { name: name.to_owned(), ..relay(rates) }
    }

    fn names(places: &[usize]) -> Vec<String> {
        places.iter().map(|place| NAMES[*place].to_owned()).collect()
    }

    fn past<'a>(
        refused_by: Option<(&'a str, Refusal)>,
        cannot_carry: &'a [String],
    ) -> MailPast<'a> {
        MailPast { domain: DOMAIN, refused_by, cannot_carry }
    }

    #[test]
    fn a_relay_that_cannot_carry_an_address_is_passed_over() {
        with([&[]; 3], |routes, states, now| {
            let cannot = names(&[0, 2]);
            let past = past(None, &cannot);
            let turns = [(); 4].map(|()| choose_for(&past, routes, states, &[0, 1, 2], now));
            assert_eq!(turns, [Choice::Relay(1); 4]);
        });
    }

    #[test]
    fn a_mail_waits_for_a_crowded_relay_that_can_carry_it() {
        with([&[]; 3], |routes, states, now| {
            let cannot = names(&[0]);
            let choice = choose_for(&past(None, &cannot), routes, states, &[0], now);
            assert_eq!(choice, Choice::WaitUntil(at("2026-09-25T09:00:30Z")));
        });
    }

    #[test]
    fn a_mail_waits_for_a_relay_without_room_that_can_carry_it() {
        with([&[], &["1 per hour"], &[]], |routes, states, now| {
            states[1].take(&routes[1], DOMAIN, 1, now);
            let cannot = names(&[0, 2]);
            let choice = choose_for(&past(None, &cannot), routes, states, &[0, 1, 2], now);
            assert_eq!(choice, Choice::WaitUntil(at("2026-09-25T10:00:00Z")));
        });
    }

    #[test]
    fn where_all_relays_cannot_carry_an_address_each_may_say_it_again() {
        with([&[]; 3], |routes, states, now| {
            let cannot = names(&[0, 1, 2]);
            let past = past(None, &cannot);
            let turns = [(); 4].map(|()| choose_for(&past, routes, states, &[0, 2], now));
            assert_eq!(turns, [0, 2, 0, 2].map(Choice::Relay));
        });
    }

    #[test]
    fn a_mail_that_was_put_off_goes_back_to_the_relay_that_knows_it() {
        with([&[]; 3], |routes, states, now| {
            for refusal in [Refusal::Greylisted, Refusal::Later] {
                let past = past(Some(("third", refusal)), &[]);
                let turns = [(); 3].map(|()| choose_for(&past, routes, states, &[0, 1, 2], now));
                assert_eq!(turns, [Choice::Relay(2); 3], "{refusal:?}");
            }
            let blank = vec![RouteState::default(); 3];
            assert_eq!(states, blank, "and no relay has lost its turn");
        });
    }

    #[test]
    fn a_mail_that_was_refused_otherwise_goes_by_turns() {
        with([&[]; 3], |routes, states, now| {
            let past = past(Some(("third", Refusal::Throttled(Throttle::Rate))), &[]);
            let turns = [(); 3].map(|()| choose_for(&past, routes, states, &[0, 1, 2], now));
            assert_eq!(turns, [0, 1, 2].map(Choice::Relay));
        });
    }

    #[test]
    fn a_mail_does_not_wait_for_the_relay_that_knows_it() {
        let past = past(Some(("first", Refusal::Greylisted)), &[]);
        with([&[]; 3], |routes, states, now| {
            assert_eq!(choose_for(&past, routes, states, &[1, 2], now), Choice::Relay(1));
            (0..5).for_each(|_| states[0].note(&routes[0], DOMAIN, RouteEvent::Unreachable, now));
            assert_eq!(choose_for(&past, routes, states, &[0, 1, 2], now), Choice::Relay(2));
        });
    }

    #[test]
    fn a_relay_is_another_one_if_it_has_neither_the_mail_nor_refused_the_address() {
        with([&[]; 3], |routes, _, _| {
            assert!(has_other(routes, Some(0), &names(&[0, 1])));
            assert!(!has_other(routes, Some(2), &names(&[0, 1])));
            assert!(!has_other(routes, None, &names(&[0, 1, 2])));
            assert!(!has_other(&routes[..1], Some(0), &[]));
            assert!(has_other(&routes[..1], None, &[]));
        });
    }

    fn places() -> impl Strategy<Value = Vec<usize>> {
        prop::sample::subsequence(vec![0, 1, 2], 0..=3)
    }

    proptest! {
        #[test]
        fn a_choice_is_open_and_free_and_able_if_any_relay_is(
            open in places(),
            cannot in places(),
            shut in places(),
            knows in prop::option::of((0_usize..3, prop::sample::select(Refusal::ALL.to_vec()))),
        ) {
            with([&[]; 3], |routes, states, now| {
                for place in &shut {
                    (0..5).for_each(|_| {
                        states[*place].note(&routes[*place], DOMAIN, RouteEvent::Unreachable, now);
                    });
                }
                let cannot_carry = names(&cannot);
                let refused_by = knows.map(|(place, refusal)| (NAMES[place], refusal));
                let past = past(refused_by, &cannot_carry);
                let is_fit = |place: &usize| {
                    open.contains(place)
                        && !shut.contains(place)
                        && (cannot.len() == NAMES.len() || !cannot.contains(place))
                };
                match choose_for(&past, routes, states, &open, now) {
                    Choice::Relay(place) => prop_assert!(is_fit(&place), "{place}"),
                    Choice::WaitUntil(at) => {
                        prop_assert!(at > now);
                        prop_assert!(!(0..3).any(|place| is_fit(&place)));
                    }
                }
                Ok(())
            })?;
        }
    }
}
