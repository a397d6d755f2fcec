//! Claims about relays over hours and days.
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::{Pipelining, Security, Throttle, Timeouts};

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn relay(rates: &[&str]) -> Relay {
    Relay {
        name: "main".to_owned(),
        weight: 1,
        rates: rates.iter().map(|rate| rate.parse().unwrap()).collect(),
        warm_up: None,
        by_provider: false,
        pipelining: Pipelining::Off,
        window: 1,
        host: "smtp.example.com".to_owned(),
        port: 587,
        security: Security::StartTls,
        credentials: None,
        extra_authority_pem: None,
        hello: "example.com".to_owned(),
        timeouts: Timeouts::default(),
        connections: 20,
        messages_per_connection: 100,
        max_connection_age: Duration::from_mins(5),
    }
}

fn providers() -> Providers {
    let qq = Provider {
        name: "qq".to_owned(),
        domains: vec!["qq.com".to_owned(), "foxmail.com".to_owned()],
        connections: Some(4),
        messages_per_connection: Some(8),
        rates: vec!["60 per minute".parse().unwrap()],
    };
    Providers::new(vec![qq])
}

/// Calls `test` with a route and a blank state.
fn with(relay: &Relay, test: impl FnOnce(Route<'_>, RouteState)) {
    let providers = providers();
    let route = Route { relay, providers: &providers, zone: chrono_tz::Europe::Berlin };
    test(route, RouteState::default());
}

/// How many of `senders` may connect at once.
fn connect(state: &mut RouteState, route: &Route<'_>, senders: usize, now: DateTime<Utc>) -> usize {
    let connects = |_: &usize| {
        let may = state.may_connect(route, DOMAIN, now);
        if may {
            state.connects(route, DOMAIN, now);
        }
        may
    };
    (0..senders).filter(connects).count()
}

pub(super) const START: &str = "2026-09-25T09:00:00Z";
pub(super) const DOMAIN: &str = "example.org";

#[test]
fn a_dead_relay_is_asked_twelve_times_an_hour_at_most() {
    with(&relay(&[]), |route, mut state| {
        let mut asked = Vec::new();
        for tick in 0..8640 {
            let now = at(START) + TimeDelta::seconds(10 * tick);
            // Twenty senders, whose connections fail after ten seconds each, and a restart at noon.
            for _ in 0..connect(&mut state, &route, 20, now) {
                asked.push(now);
            }
            let failed = asked.iter().filter(|at| now - **at == TimeDelta::seconds(10)).count();
            (0..failed).for_each(|_| state.note(&route, DOMAIN, RouteEvent::Unreachable, now));
            if tick == 3 * 360 {
                state = RouteState::from_json(&state.to_json()).unwrap();
            }
        }
        let busiest = asked.iter().map(|from| {
            asked.iter().filter(|at| **at >= *from && **at - *from < TimeDelta::hours(1)).count()
        });
        assert!(busiest.max().unwrap() <= 12, "{asked:?}");
        assert!(asked.len() >= 24, "and never forgotten: {asked:?}");
    });
}

#[test]
fn a_relay_that_comes_back_is_used_at_once() {
    with(&relay(&[]), |route, mut state| {
        let now = at(START);
        (0..5).for_each(|_| state.note(&route, DOMAIN, RouteEvent::Unreachable, now));
        assert_eq!(state.take(&route, DOMAIN, 500, now), 0);
        assert_eq!(state.connections(&route, DOMAIN, now), 0);
        let later = state.free_at(&route, DOMAIN, now);
        assert_eq!(later, now + TimeDelta::minutes(5));
        assert_eq!(state.take(&route, DOMAIN, 500, later), 1, "one mail is the trial");
        assert_eq!(state.take(&route, DOMAIN, 500, later), 0);
        assert_eq!(connect(&mut state, &route, 20, later), 1, "on one connection");
        state.note(&route, DOMAIN, RouteEvent::Accepted, later);
        assert_eq!(state.take(&route, DOMAIN, 500, later), 500);
        assert_eq!(state.connections(&route, DOMAIN, later), 20);
    });
}

#[test]
fn no_more_than_five_connections_are_tried_before_one_is_good() {
    with(&relay(&[]), |route, mut state| {
        let now = at(START);
        assert_eq!(connect(&mut state, &route, 20, now), 5);
        state.note(&route, DOMAIN, RouteEvent::Answered, now);
        assert_eq!(connect(&mut state, &route, 15, now), 5);
        assert!(!state.may_connect(&route, DOMAIN, now));
        assert!(state.may_connect(&route, DOMAIN, now + TRYING_FOR), "a daemon may have died");
    });
}

#[test]
fn a_daemon_that_died_while_it_connected_does_not_hold_up_the_next() {
    with(&relay(&[]), |route, mut state| {
        let now = at(START);
        assert_eq!(connect(&mut state, &route, 20, now), 5);
        let mut restarted = RouteState::from_json(&state.to_json()).unwrap();
        assert_eq!(connect(&mut restarted, &route, 20, now), 5);
    });
}

#[test]
fn connections_that_are_lost_in_the_middle_do_not_hold_up_the_next() {
    with(&relay(&[]), |route, mut state| {
        let now = at(START);
        assert_eq!(connect(&mut state, &route, 3, now), 3);
        (0..3).for_each(|_| state.note(&route, DOMAIN, RouteEvent::Busy, now));
        assert_eq!(connect(&mut state, &route, 20, now), 2, "three have failed of five");
    });
}

#[test]
fn three_refusals_in_a_row_that_are_our_own_fault_pause_the_relay() {
    with(&relay(&[]), |route, mut state| {
        let now = at(START);
        for event in [RouteEvent::Ours, RouteEvent::Ours, RouteEvent::Answered, RouteEvent::Ours] {
            state.note(&route, DOMAIN, event, now);
        }
        assert_eq!(state.free_at(&route, DOMAIN, now), now);
        (0..2).for_each(|_| state.note(&route, DOMAIN, RouteEvent::Ours, now));
        let until = now + TimeDelta::minutes(5);
        let bind = state.effective(&route, DOMAIN, now).bind;
        assert_eq!(bind, Bind::Open { cause: Cause::Ours, until });
    });
}

#[test]
fn a_relay_that_is_new_sends_as_many_as_its_day_allows() {
    let warm_up = Some(WarmUp { first_day: 50, factor_percent: 150 });
    with(&Relay { warm_up, ..relay(&["100 per day"]) }, |route, mut state| {
        let mut sums = Vec::new();
        let mut now = at(START);
        for _ in 0..5 {
            let sum: u32 = (0..40).map(|_| state.take(&route, DOMAIN, 7, now)).sum();
            sums.push(sum);
            let effective = state.effective(&route, DOMAIN, now);
            assert_eq!(effective.left_today, Some(0));
            now = state.free_at(&route, DOMAIN, now);
        }
        assert_eq!(sums, [50, 75, 100, 100, 100]);
        assert_eq!(now, at("2026-09-29T22:00:00Z"), "midnight in Berlin");
    });
}

#[test]
fn a_provider_that_has_enough_holds_up_nobody_else() {
    with(&Relay { by_provider: true, ..relay(&["10 per second"]) }, |route, mut state| {
        let now = at(START);
        assert_eq!([route.group_of("QQ.com"), route.group_of(DOMAIN)], ["qq", "rest"]);
        assert_eq!([8, 100], ["foxmail.com", DOMAIN].map(|d| route.messages_per_connection(d)));
        assert_eq!(state.connections(&route, "qq.com", now), 4);
        state.note(&route, "qq.com", RouteEvent::Throttled(Throttle::Hour, None), now);
        assert_eq!(state.take(&route, "foxmail.com", 9, now), 0);
        assert_eq!(state.take(&route, DOMAIN, 9, now), 9);
        let later = state.free_at(&route, "qq.com", now);
        assert_eq!(later, now + TimeDelta::hours(1));
        assert_eq!(state.connections(&route, "qq.com", later), 2, "half of four");
        let half = state.effective(&route, "qq.com", later);
        assert_eq!((half.per_hour, half.bind), (Some(1800), Bind::Backoff { percent: 50 }));
        (0..100).for_each(|_| state.note(&route, "qq.com", RouteEvent::Accepted, later));
        let whole = state.effective(&route, "qq.com", later);
        let rate = Bind::Rate("60 per minute".parse().unwrap());
        assert_eq!((whole.per_hour, whole.bind), (Some(3600), rate));
        assert_eq!(whole.connections, 4);
    });
}

#[test]
fn without_providers_a_refusal_of_pace_slows_the_whole_relay_down() {
    with(&relay(&["10 per second", "50000 per day"]), |route, mut state| {
        let now = at(START);
        state.note(&route, "qq.com", RouteEvent::Throttled(Throttle::Rate, None), now);
        let until = now + TimeDelta::minutes(30);
        let effective = state.effective(&route, DOMAIN, now);
        assert_eq!((effective.per_hour, effective.connections), (Some(0), 0));
        assert_eq!(effective.bind, Bind::Suspended { until });
        assert_eq!(state.take(&route, DOMAIN, 100, until), 5, "half of the burst");
        assert_eq!(state.take(&route, DOMAIN, 100, until + TimeDelta::seconds(1)), 5);
    });
}

#[test]
fn ten_refusals_of_policy_in_two_hundred_answers_stop_the_mail() {
    for (apart, opens) in [(20, true), (25, false)] {
        with(&relay(&[]), |route, mut state| {
            let now = at(START);
            for answer in 0..400 {
                let is_policy = answer % apart == 0;
                let event = if is_policy { RouteEvent::Policy } else { RouteEvent::Accepted };
                state.note(&route, DOMAIN, event, now);
            }
            let bind = state.effective(&route, DOMAIN, now).bind;
            assert_eq!(matches!(bind, Bind::Open { cause: Cause::Policy, .. }), opens, "{bind:?}");
        });
    }
}

#[test]
fn more_than_three_in_ten_refusals_of_pace_open_the_breaker() {
    let slow = RouteEvent::Throttled(Throttle::Connections, None);
    for (throttled, answers, opens) in [(6, 20, false), (7, 20, true), (7, 19, false)] {
        with(&relay(&[]), |route, mut state| {
            let now = at(START);
            (throttled..answers)
                .for_each(|_| state.note(&route, DOMAIN, RouteEvent::Accepted, now));
            (0..throttled).for_each(|_| state.note(&route, DOMAIN, slow, now));
            let bind = state.effective(&route, DOMAIN, now).bind;
            assert_eq!(
                matches!(bind, Bind::Open { cause: Cause::Throttled, .. }),
                opens,
                "{bind:?}"
            );
        });
    }
}

#[test]
fn turns_go_by_weight_and_are_spread() {
    let relays = [5, 1, 1].map(|weight| Relay { weight, ..relay(&[]) });
    let providers = Providers::default();
    let routes: Vec<_> = relays
        .iter()
        .map(|relay| Route { relay, providers: &providers, zone: chrono_tz::UTC })
        .collect();
    let mut states = vec![RouteState::default(); 3];
    let now = at(START);
    let turns: Vec<_> = (0..7).map(|_| choose(&routes, &mut states, DOMAIN, now)).collect();
    assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0].map(Choice::Relay));
}

#[test]
fn what_a_relay_cannot_take_goes_through_the_others() {
    let relays = [relay(&[]), relay(&["1 per hour"])];
    let providers = Providers::default();
    let routes: Vec<_> = relays
        .iter()
        .map(|relay| Route { relay, providers: &providers, zone: chrono_tz::UTC })
        .collect();
    let mut states = vec![RouteState::default(); 2];
    let now = at(START);
    (0..5).for_each(|_| states[0].note(&routes[0], DOMAIN, RouteEvent::Unreachable, now));
    assert_eq!(choose(&routes, &mut states, DOMAIN, now), Choice::Relay(1));
    assert_eq!(states[1].take(&routes[1], DOMAIN, 10, now), 1);
    let first_free = now + TimeDelta::minutes(5);
    assert_eq!(choose(&routes, &mut states, DOMAIN, now), Choice::WaitUntil(first_free));
    assert_eq!(choose(&routes, &mut states, DOMAIN, first_free), Choice::Relay(0));
    assert!(matches!(choose(&[], &mut [], DOMAIN, now), Choice::WaitUntil(end) if end > now));
}

#[test]
fn a_state_of_an_older_program_can_be_read() {
    assert_eq!(RouteState::from_json("{}").unwrap(), RouteState::default());
    assert!(RouteState::from_json("").is_err());
}

fn an_event() -> impl Strategy<Value = RouteEvent> {
    let throttle =
        prop::sample::select(vec![Throttle::Rate, Throttle::Connections, Throttle::Quota]);
    let hint = prop::option::of((1_i64..9000).prop_map(TimeDelta::seconds));
    prop_oneof![
        8 => Just(RouteEvent::Accepted),
        4 => Just(RouteEvent::Answered),
        2 => Just(RouteEvent::Unreachable),
        1 => Just(RouteEvent::Busy),
        1 => Just(RouteEvent::Ours),
        1 => Just(RouteEvent::Policy),
        1 => (throttle, hint).prop_map(|(kind, hint)| RouteEvent::Throttled(kind, hint)),
    ]
}

proptest! {
    #[test]
    fn weights_converge(weights in prop::collection::vec(1_u32..50, 1..6), turns in 1..2000_usize) {
        let relays: Vec<_> =
            weights.iter().map(|weight| Relay { weight: *weight, ..relay(&[]) }).collect();
        let providers = Providers::default();
        let routes: Vec<_> = relays
            .iter()
            .map(|relay| Route { relay, providers: &providers, zone: chrono_tz::UTC })
            .collect();
        let mut states = vec![RouteState::default(); routes.len()];
        let mut had = vec![0_f64; routes.len()];
        for _ in 0..turns {
            let Choice::Relay(place) = choose(&routes, &mut states, DOMAIN, at(START)) else {
                panic!("all are free")
            };
            had[place] += 1.0;
        }
        let total: u32 = weights.iter().sum();
        for (had, weight) in had.into_iter().zip(&weights) {
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let (due, slack) =
                (f64::from(*weight) * turns as f64 / f64::from(total), weights.len() as f64);
            prop_assert!((had - due).abs() <= slack, "{had} of {due}");
        }
    }

    #[test]
    fn whatever_happens_limits_are_kept_and_a_stored_state_goes_on_as_it_was(
        steps in prop::collection::vec(
            (0_i64..400_000, 0_u32..30, any::<bool>(), an_event()), 1..150,
        ),
    ) {
        let warm_up = Some(WarmUp { first_day: 200, factor_percent: 110 });
        let rates = ["3 per second", "100 per minute", "900 per hour", "1000 per day"];
        let relay = Relay { by_provider: true, warm_up, ..relay(&rates) };
        let providers = providers();
        let route = Route { relay: &relay, providers: &providers, zone: chrono_tz::Asia::Tokyo };
        let mut state = RouteState::default();
        let mut now = at(START);
        let mut left: Vec<(DateTime<Utc>, u32)> = Vec::new();
        for (millis, want, is_qq, event) in steps {
            now += TimeDelta::milliseconds(millis);
            let domain = if is_qq { "qq.com" } else { DOMAIN };
            let free_at = state.free_at(&route, domain, now);
            let granted = state.take(&route, domain, want, now);
            prop_assert!(granted <= want);
            prop_assert_eq!(granted > 0, want > 0 && free_at <= now, "{} at {}", granted, free_at);
            left.push((now, granted));
            if state.may_connect(&route, domain, now) {
                state.connects(&route, domain, now);
            }
            state.note(&route, domain, event, now);
            let then = state.free_at(&route, domain, now);
            prop_assert_eq!(state.clone().take(&route, domain, 1, then), 1, "free at {}", then);
            let stored = RouteState::from_json(&state.to_json()).unwrap();
            let stored = stored.with_connections_of(&state);
            prop_assert_eq!(&stored, &state);
            state = stored;
        }
        for (window, most) in [(1, 3 + 3), (60, 100 + 1), (3600, 900 + 1)] {
            for (first, (from, _)) in left.iter().enumerate() {
                let within = |(at, _): &&(DateTime<Utc>, u32)| *at - *from < TimeDelta::seconds(window);
                let sum: u32 = left[first..].iter().take_while(within).map(|(_, n)| n).sum();
                prop_assert!(sum <= most, "{sum} in {window} s");
            }
        }
    }
}
