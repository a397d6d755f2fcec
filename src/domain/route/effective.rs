//! How fast a relay is at the moment, and why it is not faster.
use chrono::{DateTime, TimeDelta, Utc};

use super::{Cause, Gate, Per, Rate, Route, RouteState, WHOLE, next_day};

/// What holds most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// Nothing besides the connections.
    Connections,
    /// A rate of the configuration.
    Rate(Rate),
    /// The day's share of a relay that is new.
    WarmUp {
        /// The most mails of today.
        most: u32,
    },
    /// The pace was lowered because somebody said that it was too much.
    Backoff {
        /// What is left of it, in percent, `3..=99`.
        percent: u32,
    },
    /// Nothing leaves until then, because somebody said that it was too much.
    Suspended {
        /// The end of that.
        until: DateTime<Utc>,
    },
    /// Nothing leaves until then, because too much failed.
    Open {
        /// What failed.
        cause: Cause,
        /// The end of that.
        until: DateTime<Utc>,
    },
    /// One mail is tried after that.
    Trial,
}

/// How fast mail may leave at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// The most mails in an hour from now on; `None` if only the connections limit it.
    pub per_hour: Option<u64>,
    /// The most mails that may still leave today, by the zone of the schedule; `None` without a limit.
    pub left_today: Option<u32>,
    /// The most connections at the same time.
    pub connections: usize,
    /// Why it is not more.
    pub bind: Bind,
}

impl RouteState {
    /// What the tightest of rates, warm-up and backoff allow for mail to `domain` at `now`, and which of
    /// them that is.
    #[must_use]
    pub fn effective(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> Effective {
        let limits = self.limits(route, domain, now);
        let group = self.group(route, domain);
        let connections = self.connections(route, domain, now);
        let days = |rates: &[Rate]| -> Vec<Rate> {
            rates.iter().copied().filter(|rate| rate.per == Per::Day).collect()
        };
        let (relay_days, group_days) = (days(limits.relay), days(&limits.group));
        let left = |rate: &Rate| self.day.left(rate.mails, now, limits.zone);
        let group_left =
            |rate: &Rate| group.map_or(rate.mails, |g| g.day.left(rate.mails, now, limits.zone));
        let warm = limits.warm_up.map(|most| self.day.left(most, now, limits.zone));
        let left_today =
            relay_days.iter().map(left).chain(group_days.iter().map(group_left)).chain(warm).min();
        let steady = limits.relay.iter().map(|rate| (*rate, WHOLE));
        let steady = steady.chain(limits.group.iter().map(|rate| (*rate, limits.share)));
        let hourly = steady
            .filter(|(rate, _)| rate.per != Per::Day)
            .map(|(rate, share)| rate.a_day() * u64::from(share) / u64::from(WHOLE) / 24)
            .min();
        let bind = self.stopped(route, domain, now).unwrap_or_else(|| tightest(&limits));
        let next_hour = now + TimeDelta::hours(1);
        let today_only =
            left_today.map(u64::from).filter(|_| next_day(now, limits.zone) > next_hour);
        let stopped = matches!(bind, Bind::Open { .. } | Bind::Suspended { .. });
        let per_hour = [hourly, today_only].into_iter().flatten().min();
        Effective {
            per_hour: if stopped { Some(0) } else { per_hour },
            left_today,
            connections,
            bind,
        }
    }

    /// What stops the mail altogether, or all but one.
    fn stopped(&self, route: &Route<'_>, domain: &str, now: DateTime<Utc>) -> Option<Bind> {
        let group = self.group(route, domain);
        let gates = [Some(&self.breaker), group.map(|group| &group.breaker)];
        let gates: Vec<Gate> =
            gates.into_iter().flatten().map(|breaker| breaker.gate(now)).collect();
        let open = gates.iter().filter_map(|gate| match gate {
            Gate::Shut(cause, until) => Some((*cause, *until)),
            Gate::Free | Gate::Trial => None,
        });
        let open = open.max_by_key(|(_, until)| *until);
        let suspended = group.and_then(|group| group.backoff.suspended_until(now));
        match (open, suspended) {
            (Some((cause, until)), other) if other.is_none_or(|other| other <= until) => {
                Some(Bind::Open { cause, until })
            }
            (_, Some(until)) => Some(Bind::Suspended { until }),
            _ => gates.contains(&Gate::Trial).then_some(Bind::Trial),
        }
    }
}

/// The limit that allows the fewest mails in a day.
fn tightest(limits: &super::Limits<'_>) -> Bind {
    let whole = limits.relay.iter().map(|rate| (rate.a_day(), Bind::Rate(*rate)));
    let slowed = limits.group.iter().map(|rate| {
        if limits.share == WHOLE || rate.per == Per::Day {
            return (rate.a_day(), Bind::Rate(*rate));
        }
        let percent = (limits.share / 10).clamp(3, 99);
        (rate.a_day() * u64::from(limits.share) / u64::from(WHOLE), Bind::Backoff { percent })
    });
    let warm_up = limits.warm_up.map(|most| (u64::from(most), Bind::WarmUp { most }));
    let tightest = whole.chain(slowed).chain(warm_up).min_by_key(|(mails, _)| *mails);
    match tightest {
        Some((_, bind)) => bind,
        None if limits.share < WHOLE => Bind::Backoff { percent: (limits.share / 10).clamp(3, 99) },
        None => Bind::Connections,
    }
}
