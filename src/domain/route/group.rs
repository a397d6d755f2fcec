//! What is known of one group of domains at one relay.
use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    backoff::Backoff,
    breaker::{Breaker, Cause},
    rate::{DayCount, Meters},
};
use crate::domain::RouteEvent;

/// A breaker opens if more than this share of the answers of [`WATCHED_MINUTES`] were about our pace…
const THROTTLED_PERCENT: u32 = 30;

/// …and there were this many answers at least.
const ANSWERS_AT_LEAST: u32 = 20;

/// How long an answer counts for that.
const WATCHED_MINUTES: i64 = 5;

/// A breaker opens if, among this many answers…
const JUDGED: u32 = 200;

/// …this many were about policy or reputation: 5 %.
const POLICY_MOST: usize = 10;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct GroupState {
    pub(super) meters: Meters,
    pub(super) day: DayCount,
    pub(super) breaker: Breaker,
    pub(super) backoff: Backoff,
    /// Minute since 1970, answers, and those about our pace.
    minutes: VecDeque<(i64, u32, u32)>,
    /// The number of the last answer, and of those about policy among the last [`JUDGED`].
    answers: u32,
    policy: VecDeque<u32>,
}

impl GroupState {
    pub(super) fn note(&mut self, event: RouteEvent, now: DateTime<Utc>) {
        let on_trial = self.breaker.is_on_trial(now);
        match event {
            RouteEvent::Accepted | RouteEvent::Answered => {
                self.count(false, now);
                self.breaker.well(now);
                if event == RouteEvent::Accepted {
                    self.backoff.accepted(now);
                }
            }
            RouteEvent::Throttled(kind, hint) => {
                self.count(true, now);
                self.backoff.throttled(kind, hint, now);
                if on_trial || self.is_throttled() {
                    self.open(Cause::Throttled, now);
                }
            }
            RouteEvent::Policy => {
                self.count(false, now);
                self.policy.push_back(self.answers);
                if on_trial || self.policy.len() >= POLICY_MOST {
                    self.open(Cause::Policy, now);
                }
            }
            RouteEvent::Busy | RouteEvent::Unreachable | RouteEvent::Ours => {}
        }
    }

    fn open(&mut self, cause: Cause, now: DateTime<Utc>) {
        self.breaker.open(cause, now);
        self.minutes.clear();
        self.policy.clear();
    }

    fn count(&mut self, throttled: bool, now: DateTime<Utc>) {
        let minute = now.timestamp().div_euclid(60);
        let is_recent = |at: i64| minute - WATCHED_MINUTES < at && at <= minute;
        self.minutes.retain(|(at, ..)| is_recent(*at));
        match self.minutes.back_mut() {
            Some((at, all, pace)) if *at == minute => {
                *all = all.saturating_add(1);
                *pace = pace.saturating_add(u32::from(throttled));
            }
            _ => self.minutes.push_back((minute, 1, u32::from(throttled))),
        }
        self.answers = self.answers.wrapping_add(1);
        let answers = self.answers;
        self.policy.retain(|at| answers.wrapping_sub(*at) < JUDGED);
    }

    fn is_throttled(&self) -> bool {
        let (all, pace) =
            self.minutes.iter().fold((0_u64, 0_u64), |(all, pace), (_, more, slow)| {
                (all + u64::from(*more), pace + u64::from(*slow))
            });
        all >= u64::from(ANSWERS_AT_LEAST) && pace * 100 > all * u64::from(THROTTLED_PERCENT)
    }
}
