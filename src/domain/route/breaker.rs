//! A circuit breaker: what fails again and again is left alone for a while that grows.
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Why a breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Connections fail.
    Unreachable,
    /// The relay does not accept us.
    Ours,
    /// Too many refusals of pace.
    Throttled,
    /// Too many refusals of policy or reputation.
    Policy,
}

impl Cause {
    /// The first wait and the longest one; each is twice the one before.
    ///
    /// A dead relay is asked after 5, 10, 20, 40 and then every 60 minutes, which with the five
    /// failures before are less than twelve connections in any hour.
    const fn waits(self) -> [TimeDelta; 2] {
        match self {
            Self::Unreachable | Self::Ours => [TimeDelta::minutes(5), TimeDelta::hours(1)],
            Self::Throttled => [TimeDelta::minutes(30), TimeDelta::hours(4)],
            Self::Policy => [TimeDelta::hours(1), TimeDelta::hours(4)],
        }
    }
}

/// A breaker that opens again this soon after it closed waits longer than the last time.
const CALM: TimeDelta = TimeDelta::hours(1);

/// How long a trial may stay without an answer, longer than the wait for the content of a message: a
/// daemon that dies in between leaves no answer.
const TRIAL: TimeDelta = TimeDelta::minutes(20);

/// Whether anything may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Closed: all may pass.
    Free,
    /// Half open: one mail on one connection may pass.
    Trial,
    /// Open until then.
    Shut(Cause, DateTime<Utc>),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Breaker {
    /// Why it is open or half open, and until when it is open.
    open: Option<(Cause, DateTime<Utc>)>,
    /// The end of the trial that is on.
    trial: Option<DateTime<Utc>>,
    /// Whether the trial has had its mail and its connection.
    tried: (bool, bool),
    /// How often it has opened without a calm hour in between.
    times: u32,
    closed_at: Option<DateTime<Utc>>,
}

impl Breaker {
    pub(super) fn gate(&self, now: DateTime<Utc>) -> Gate {
        match self.open {
            None => Gate::Free,
            Some((cause, until)) if now < until => Gate::Shut(cause, until),
            Some(_) => Gate::Trial,
        }
    }

    /// When one mail may pass, `now` at the soonest.
    pub(super) fn free_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.gate(now) {
            Gate::Free => now,
            Gate::Shut(_, until) => until,
            Gate::Trial => self.trial_on(now).filter(|_| self.tried.0).unwrap_or(now),
        }
    }

    /// Whether one connection may be made at `now`.
    pub(super) fn may_connect(&self, now: DateTime<Utc>) -> bool {
        match self.gate(now) {
            Gate::Free => true,
            Gate::Shut(..) => false,
            Gate::Trial => self.trial_on(now).is_none() || !self.tried.1,
        }
    }

    /// Notes that a mail passes; only a trial needs to know.
    pub(super) fn passes(&mut self, now: DateTime<Utc>) {
        if self.gate(now) == Gate::Trial {
            self.begin_trial(now);
            self.tried.0 = true;
        }
    }

    /// Notes that a mail that passed did not leave; only a trial needs to know.
    pub(super) fn gives_back(&mut self, now: DateTime<Utc>) {
        if self.trial_on(now).is_some() && !self.tried.1 {
            self.trial = None;
        }
    }

    /// Whether a trial has its mail and its end is not known yet.
    pub(super) fn is_being_tried(&self, now: DateTime<Utc>) -> bool {
        self.is_on_trial(now) && self.free_at(now) > now
    }

    /// Notes that a connection is made; only a trial needs to know.
    pub(super) fn connects(&mut self, now: DateTime<Utc>) {
        if self.gate(now) == Gate::Trial {
            self.begin_trial(now);
            self.tried.1 = true;
        }
    }

    /// Opens, for longer each time. What is still under way when it opens does not open it again.
    pub(super) fn open(&mut self, cause: Cause, now: DateTime<Utc>) {
        if matches!(self.gate(now), Gate::Shut(..)) {
            return;
        }
        let again = self.open.is_some() || self.closed_at.is_some_and(|at| now - at < CALM);
        self.times = if again { self.times.saturating_add(1) } else { 1 };
        let [first, longest] = cause.waits();
        let doubled = first * (1 << (self.times - 1).min(6));
        *self = Self {
            open: Some((cause, now + doubled.min(longest))),
            times: self.times,
            ..Self::default()
        };
    }

    /// Notes that all is well: a half-open breaker closes. One that is open stays so, since the answer
    /// belongs to what was under way.
    pub(super) fn well(&mut self, now: DateTime<Utc>) {
        if self.gate(now) == Gate::Trial {
            *self = Self { times: self.times, closed_at: Some(now), ..Self::default() };
        }
    }

    /// Whether it is half open, so that one failure is enough.
    pub(super) fn is_on_trial(&self, now: DateTime<Utc>) -> bool {
        self.gate(now) == Gate::Trial
    }

    fn begin_trial(&mut self, now: DateTime<Utc>) {
        if self.trial_on(now).is_none() {
            self.trial = Some(now + TRIAL);
            self.tried = (false, false);
        }
    }

    /// The end of the trial, if one is on. One that ends too far away was begun by another clock.
    fn trial_on(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.trial.filter(|until| now < *until && *until <= now + TRIAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn it_opens_for_longer_each_time_and_lets_one_try_in_between() {
        let mut breaker = Breaker::default();
        let mut now = at("2026-09-25T09:00:00Z");
        for minutes in [5, 10, 20, 40, 60, 60] {
            breaker.open(Cause::Unreachable, now);
            let until = now + TimeDelta::minutes(minutes);
            assert_eq!(breaker.gate(now), Gate::Shut(Cause::Unreachable, until));
            assert!(!breaker.may_connect(now));
            now = breaker.free_at(now);
            assert_eq!((now, breaker.gate(now)), (until, Gate::Trial));
            assert!(breaker.may_connect(now));
            breaker.passes(now);
            breaker.connects(now);
            assert!(!breaker.may_connect(now), "one connection is the trial");
            assert_eq!(breaker.free_at(now), now + TRIAL, "one mail is the trial");
        }
    }

    #[test]
    fn a_trial_that_nobody_ends_is_made_again() {
        let mut breaker = Breaker::default();
        breaker.open(Cause::Policy, at("2026-09-25T09:00:00Z"));
        let trial = at("2026-09-25T10:00:00Z");
        breaker.passes(trial);
        breaker.connects(trial);
        assert!(breaker.may_connect(trial + TRIAL));
        assert_eq!(breaker.free_at(trial + TRIAL), trial + TRIAL);
    }

    #[test]
    fn what_was_under_way_neither_closes_nor_prolongs_it() {
        let mut breaker = Breaker::default();
        let now = at("2026-09-25T09:00:00Z");
        breaker.open(Cause::Throttled, now);
        let opened = breaker.clone();
        breaker.well(now);
        breaker.open(Cause::Unreachable, now + TimeDelta::seconds(1));
        assert_eq!(breaker, opened);
    }

    #[test]
    fn a_calm_hour_makes_the_next_wait_short_again() {
        let mut breaker = Breaker::default();
        let mut now = at("2026-09-25T09:00:00Z");
        let mut wait_after = |calm: TimeDelta| {
            now += calm;
            breaker.open(Cause::Unreachable, now);
            let wait = breaker.free_at(now) - now;
            now += wait;
            breaker.well(now);
            wait.num_minutes()
        };
        assert_eq!(wait_after(TimeDelta::zero()), 5);
        assert_eq!(wait_after(TimeDelta::minutes(59)), 10);
        assert_eq!(wait_after(TimeDelta::minutes(61)), 5);
    }
}
