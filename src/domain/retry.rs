//! When to try again.
use chrono::{DateTime, TimeDelta, Utc};

use super::{OutreachId, scattered_share};

/// Delays after the first, second, … failed attempt, in minutes; the last one repeats. Postfix
/// doubles from 300 s to 4000 s in the same way.
const DELAYS_MINUTES: [i64; 5] = [5, 10, 20, 40, 67];

/// Half the width of the random part, as a share of the delay.
const JITTER: f64 = 0.2;

/// The instant of the next attempt after the `attempt`th (1, 2, …) failed at `now`, or `None` if
/// that would be later than `not_after`.
#[must_use]
pub fn next_attempt(
    outreach: OutreachId,
    attempt: u32,
    now: DateTime<Utc>,
    not_after: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let place = (attempt.max(1) as usize - 1).min(DELAYS_MINUTES.len() - 1);
    let share = scattered_share(outreach.0, 100 + u64::from(attempt));
    let factor = 1.0 + JITTER * (2.0 * share - 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "minutes")]
    let seconds = (DELAYS_MINUTES[place] as f64 * 60.0 * factor) as i64;
    Some(now + TimeDelta::seconds(seconds)).filter(|next| *next <= not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn each_delay_is_within_a_fifth_of_its_place_in_the_schedule() {
        let now = at("2026-01-01T00:00:00Z");
        for (attempt, minutes) in [(1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0), (5, 67.0), (99, 67.0)]
        {
            for id in 0..100 {
                let next = next_attempt(OutreachId(id), attempt, now, at("2027-01-01T00:00:00Z"));
                let waited = (next.unwrap() - now).as_seconds_f64() / 60.0;
                assert!(
                    (minutes * 0.799..=minutes * 1.201).contains(&waited),
                    "{attempt}: {waited}"
                );
            }
        }
    }

    #[test]
    fn a_greeting_is_not_tried_again_after_its_day() {
        let now = at("2026-01-01T16:58:00Z");
        assert_eq!(next_attempt(OutreachId(1), 1, now, at("2026-01-01T17:00:00Z")), None);
    }
}
