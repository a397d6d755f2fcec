//! When to try again.
use chrono::{DateTime, TimeDelta, Utc};

use super::{OutreachId, Pace, scattered_share};

/// One attempt at one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    /// Which mail.
    pub outreach: OutreachId,
    /// The first attempt is 1.
    pub number: u32,
    /// When the first attempt was made; for the first one that is now.
    pub first_at: DateTime<Utc>,
    /// After this the mail is not welcome any more.
    pub not_after: DateTime<Utc>,
    /// Whether there is a relay besides this one that has not said yet that it cannot carry the
    /// address.
    pub has_other_relay: bool,
}

/// Delays after the first, second, … failed attempt, in minutes; the last one repeats. Postfix
/// doubles from 300 s to 4000 s in the same way.
const USUAL_MINUTES: [i64; 5] = [5, 10, 20, 40, 67];

/// The same for a mailbox that somebody has to empty first.
const SLOW_MINUTES: [i64; 4] = [2 * 60, 4 * 60, 8 * 60, 16 * 60];

/// Half the width of the random part, as a share of the delay.
const JITTER: f64 = 0.2;

/// What a server may ask for: a shorter wait than five minutes would be no wait, and greylisting
/// needs that much; a longer one than a day is a refusal.
const HINTED: [TimeDelta; 2] = [TimeDelta::minutes(5), TimeDelta::hours(24)];

/// Nothing is tried for longer than this after its first attempt.
const TRIED_FOR: TimeDelta = TimeDelta::hours(72);

impl Try {
    /// The last instant at which this mail may be tried: while it is welcome, and within 72 hours of
    /// its first attempt.
    #[must_use]
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.not_after.min(self.first_at + TRIED_FOR)
    }

    /// The instant of the next attempt after this one failed at `now`, or `None` if that would be too
    /// late.
    ///
    /// The delay is that of the schedule, give or take a fifth. A wait that the server asked for takes
    /// its place within 5 minutes to a day, and is lengthened by a fifth at most and never shortened,
    /// nor is it shorter than the schedule of [`Pace::Slow`].
    #[must_use]
    pub fn next(
        &self,
        pace: Pace,
        hint: Option<TimeDelta>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let share = scattered_share(self.outreach.0, 100 + u64::from(self.number));
        let before = self.number.max(1) as usize - 1;
        let minutes = match pace {
            Pace::Usual | Pace::SecondTry => USUAL_MINUTES[before.min(USUAL_MINUTES.len() - 1)],
            Pace::Slow => SLOW_MINUTES[before.min(SLOW_MINUTES.len() - 1)],
            Pace::Pause => super::Settlement::RELAY_PAUSE.num_minutes(),
        };
        let scheduled =
            scaled(TimeDelta::minutes(minutes), JITTER.mul_add(2.0 * share, 1.0 - JITTER));
        let hinted =
            hint.map(|hint| scaled(hint.clamp(HINTED[0], HINTED[1]), 1.0 + JITTER * share));
        let delay = match (pace, hinted) {
            (Pace::Pause, _) => TimeDelta::minutes(minutes),
            (Pace::SecondTry, None) => scheduled.max(HINTED[0]),
            (_, None) => scheduled,
            (Pace::Usual | Pace::SecondTry, Some(hinted)) => hinted,
            (Pace::Slow, Some(hinted)) => hinted.max(scheduled),
        };
        Some(now + delay).filter(|next| *next <= self.ends_at())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a day of seconds"
)]
fn scaled(length: TimeDelta, factor: f64) -> TimeDelta {
    TimeDelta::seconds((length.num_seconds() as f64 * factor).ceil() as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn a_try(id: i64, number: u32) -> Try {
        let (first_at, not_after) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        Try { outreach: OutreachId(id), number, first_at, not_after, has_other_relay: false }
    }

    #[test]
    fn each_delay_is_within_a_fifth_of_its_place_in_the_schedule() {
        let now = at("2026-01-01T00:00:00Z");
        let usual = [(1, 5), (2, 10), (3, 20), (4, 40), (5, 67), (99, 67)];
        let slow = [(1, 120), (2, 240), (3, 480), (4, 960), (99, 960)];
        let all = usual.map(|place| (Pace::Usual, place)).into_iter();
        for (pace, (number, minutes)) in all.chain(slow.map(|place| (Pace::Slow, place))) {
            for id in 0..100 {
                let next = a_try(id, number).next(pace, None, now).unwrap();
                let (least, most) = (minutes * 48, minutes * 72 + 1);
                let waited = (next - now).num_seconds();
                assert!((least..=most).contains(&waited), "{pace:?} {number}: {waited}");
            }
        }
    }

    #[test]
    fn a_greeting_is_not_tried_again_after_its_day_nor_anything_after_three_days() {
        let now = at("2026-01-01T16:58:00Z");
        let today = Try { not_after: at("2026-01-01T17:00:00Z"), ..a_try(1, 1) };
        assert_eq!(today.next(Pace::Usual, None, now), None);
        assert_eq!(a_try(1, 50).next(Pace::Usual, None, at("2026-01-03T23:59:00Z")), None);
        assert!(a_try(1, 50).next(Pace::Usual, None, at("2026-01-03T22:00:00Z")).is_some());
    }

    #[test]
    fn who_greylists_is_left_alone_for_five_minutes_at_least() {
        let now = at("2026-01-01T00:00:00Z");
        let waits = (0..100).map(|id| {
            let next = a_try(id, 1).next(Pace::SecondTry, None, now).unwrap();
            (next - now).num_seconds()
        });
        assert!(waits.into_iter().all(|seconds| (300..=361).contains(&seconds)));
    }

    #[test]
    fn when_it_was_our_own_fault_everything_waits_for_five_minutes() {
        let now = at("2026-01-01T00:00:00Z");
        for number in [1, 7, 40] {
            let next = a_try(3, number).next(Pace::Pause, Some(TimeDelta::hours(3)), now).unwrap();
            assert_eq!(next - now, TimeDelta::minutes(5));
        }
    }

    proptest! {
        #[test]
        fn the_next_attempt_is_later_than_now_and_no_later_than_the_end(
            id: i64, number in 0_u32..200, seconds in 0_i64..400_000, welcome in 0_i64..400_000,
            hint in prop::option::of(1_i64..500_000), slow: bool,
        ) {
            let first_at = at("2026-01-01T00:00:00Z");
            let now = first_at + TimeDelta::seconds(seconds);
            let not_after = first_at + TimeDelta::seconds(welcome);
            let a_try = Try { first_at, not_after, ..a_try(id, number) };
            let pace = if slow { Pace::Slow } else { Pace::Usual };
            let hint = hint.map(TimeDelta::seconds);
            if let Some(next) = a_try.next(pace, hint, now) {
                prop_assert!(next >= now + TimeDelta::minutes(4));
                prop_assert!(next <= not_after && next <= first_at + TimeDelta::hours(72));
                if let Some(hint) = hint {
                    prop_assert!(next - now >= hint.clamp(HINTED[0], HINTED[1]));
                }
            }
            let unbound = Try { first_at: now, not_after: now + TimeDelta::days(9), ..a_try };
            let next = unbound.next(pace, hint, now).expect("a day is within 72 hours");
            prop_assert!(next - now <= TimeDelta::hours(29));
            // The same try gives the same answer, and later ones never come much sooner.
            prop_assert_eq!(unbound.next(pace, hint, now), Some(next));
            let later = Try { number: number + 2, ..unbound }.next(pace, None, now);
            let sooner = unbound.next(pace, None, now);
            if number < 3 { prop_assert!(later > sooner); }
        }
    }
}
