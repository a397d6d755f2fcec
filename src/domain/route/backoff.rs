//! Less mail for whoever says that it is too much: halved at once, given back mail by mail.
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::rate::{Share, WHOLE, next_day};
use crate::domain::Throttle;

/// What a mail that was accepted gives back, in thousandths of the full pace: a pace that was halved
/// is whole again after a hundred mails.
const RECOVERY: Share = 5;

/// The pace does not fall below a thirty-second.
const LEAST: Share = WHOLE / 32;

/// The longest wait by a class of refusals that comes again and again.
const LONGEST: TimeDelta = TimeDelta::hours(4);

/// The bounds within which a server's own words are believed.
const HINTED: [TimeDelta; 2] = [TimeDelta::minutes(1), TimeDelta::hours(24)];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Backoff {
    share: Share,
    until: Option<DateTime<Utc>>,
    /// How often mail was suspended since the pace was last whole.
    times: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { share: WHOLE, until: None, times: 0 }
    }
}

impl Throttle {
    /// How long mail is suspended the first time; `None` until the day ends in China.
    const fn wait(self) -> Option<TimeDelta> {
        match self {
            Self::Connections => Some(TimeDelta::minutes(5)),
            Self::Rate => Some(TimeDelta::minutes(30)),
            Self::Hour => Some(TimeDelta::hours(1)),
            Self::Complaints => Some(TimeDelta::hours(2)),
            Self::Quota => Some(TimeDelta::hours(4)),
            Self::DayInChina => None,
        }
    }
}

impl Backoff {
    /// The pace, in thousandths of the full one.
    pub(super) const fn share(&self) -> Share {
        self.share
    }

    /// Until when no mail leaves, if that is later than `now`.
    pub(super) fn suspended_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.until.filter(|until| now < *until)
    }

    /// Halves the pace and suspends the mail. What was under way at that time may prolong the wait
    /// and does not halve again.
    pub(super) fn throttled(
        &mut self,
        kind: Throttle,
        hint: Option<TimeDelta>,
        now: DateTime<Utc>,
    ) {
        if self.suspended_until(now).is_none() {
            self.share = (self.share / 2).max(LEAST);
            self.times = self.times.saturating_add(1);
        }
        let doubled = |wait: TimeDelta| (wait * (1 << (self.times.max(1) - 1).min(6))).min(LONGEST);
        let until = match (hint, kind.wait()) {
            (_, None) => next_day(now, chrono_tz::Asia::Shanghai),
            (Some(hint), _) => now + hint.clamp(HINTED[0], HINTED[1]),
            (None, Some(wait)) => now + doubled(wait),
        };
        self.until = self.until.max(Some(until));
    }

    /// Gives back what a mail that was accepted is worth.
    pub(super) fn accepted(&mut self, now: DateTime<Utc>) {
        if self.suspended_until(now).is_some() {
            return;
        }
        self.until = None;
        self.share = (self.share + RECOVERY).min(WHOLE);
        if self.share == WHOLE {
            self.times = 0;
        }
    }

    /// `connections` at this pace, one at least.
    pub(super) fn connections(&self, connections: usize) -> usize {
        (connections * self.share as usize / WHOLE as usize).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn twenty_refusals_at_once_halve_once() {
        let mut backoff = Backoff::default();
        let now = at("2026-09-25T09:00:00Z");
        for seconds in 0..20 {
            backoff.throttled(Throttle::Rate, None, now + TimeDelta::seconds(seconds));
        }
        assert_eq!(backoff.share(), WHOLE / 2);
        assert_eq!(backoff.suspended_until(now), Some(at("2026-09-25T09:30:19Z")));
        assert_eq!(backoff.connections(5), 2);
    }

    #[test]
    fn the_pace_comes_back_mail_by_mail() {
        let mut backoff = Backoff::default();
        let mut now = at("2026-09-25T09:00:00Z");
        for wait in [30, 60, 120, 240, 240] {
            backoff.throttled(Throttle::Rate, None, now);
            let until = backoff.suspended_until(now).unwrap();
            assert_eq!((until - now).num_minutes(), wait);
            backoff.accepted(now);
            now = until;
        }
        assert_eq!(backoff.share(), LEAST);
        (0..193).for_each(|_| backoff.accepted(now));
        assert_eq!(backoff.share(), LEAST + 193 * RECOVERY);
        backoff.accepted(now);
        assert_eq!(backoff, Backoff::default());
    }

    #[test]
    fn each_class_has_its_wait_and_the_server_may_name_another() {
        for (kind, hint, until) in [
            (Throttle::Connections, None, "2026-09-25T09:05:00Z"),
            (Throttle::Hour, None, "2026-09-25T10:00:00Z"),
            (Throttle::Complaints, None, "2026-09-25T11:00:00Z"),
            (Throttle::Quota, None, "2026-09-25T13:00:00Z"),
            (Throttle::Quota, Some(600), "2026-09-25T09:10:00Z"),
            (Throttle::Rate, Some(1), "2026-09-25T09:01:00Z"),
            (Throttle::Rate, Some(999_999), "2026-09-26T09:00:00Z"),
            (Throttle::DayInChina, Some(600), "2026-09-25T16:00:00Z"),
        ] {
            let mut backoff = Backoff::default();
            let now = at("2026-09-25T09:00:00Z");
            backoff.throttled(kind, hint.map(TimeDelta::seconds), now);
            assert_eq!(backoff.suspended_until(now), Some(at(until)), "{kind:?} {hint:?}");
        }
    }
}
