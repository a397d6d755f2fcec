//! `20 per second`: how many mails may leave in a time.
use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::instant;

/// The time that a [`Rate`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Per {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day of the calendar, by the zone of the schedule.
    Day,
}

/// So many mails in a time.
///
/// # Examples
///
/// ```
/// # use perennial::domain::{Per, Rate};
/// let rate: Rate = "20 per second".parse().unwrap();
/// assert_eq!(rate, Rate { mails: 20, per: Per::Second });
/// assert_eq!(rate.to_string(), "20 per second");
/// assert!("0 per day".parse::<Rate>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many, `1..=100_000_000`.
    pub mails: u32,
    /// In what time.
    pub per: Per,
}

/// Why a text is no [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of mails and a time such as `20 per second`")]
pub struct RateError;

const PER: [(&str, Per); 4] =
    [("second", Per::Second), ("minute", Per::Minute), ("hour", Per::Hour), ("day", Per::Day)];

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (mails, per) = text.split_once(" per ").ok_or(RateError)?;
        let (_, per) = PER.iter().find(|(name, _)| *name == per.trim()).ok_or(RateError)?;
        let mails = mails.trim().parse().ok().filter(|mails| (1..=100_000_000).contains(mails));
        Ok(Self { mails: mails.ok_or(RateError)?, per: *per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = PER.iter().find(|(_, per)| *per == self.per).unwrap_or(&PER[0]);
        write!(f, "{} per {name}", self.mails)
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl Per {
    /// The time in nanoseconds.
    const fn nanos(self) -> i64 {
        const SECOND: i64 = 1_000_000_000;
        match self {
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3600 * SECOND,
            Self::Day => 86_400 * SECOND,
        }
    }
}

impl Rate {
    /// Mails in a day at this rate, without a stop.
    #[must_use]
    pub fn a_day(self) -> u64 {
        let seconds = Per::Day.nanos() / self.per.nanos();
        u64::from(self.mails) * seconds.unsigned_abs()
    }

    /// How many mails may leave at once after a rest: those of one second, and one at least; of a day,
    /// all.
    #[must_use]
    pub fn burst(self) -> u32 {
        match self.per {
            Per::Day => self.mails,
            per => {
                let seconds = u32::try_from(per.nanos() / Per::Second.nanos()).unwrap_or(u32::MAX);
                (self.mails / seconds).max(1)
            }
        }
    }
}

/// A share in thousandths, `1..=1000`.
pub(super) type Share = u32;

/// The whole.
pub(super) const WHOLE: Share = 1000;

/// How much of some rates has been used up.
///
/// Seconds, minutes and hours are kept by GCRA (ITU-T I.371): all that is stored is the instant at
/// which mail that has left would be due at exactly that rate. Days are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meters {
    /// Nanoseconds since 1970.
    due: BTreeMap<Rate, i64>,
}

/// The mails of one day of the calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DayCount {
    day: Option<NaiveDate>,
    mails: u32,
}

impl Meters {
    /// How many more mails `rate`, slowed down to `share`, lets leave at `now`.
    pub(super) fn room(&self, rate: Rate, share: Share, now: DateTime<Utc>) -> u32 {
        let now = nanos(now);
        let interval = interval(rate, share);
        let free = now.saturating_add(interval.saturating_mul(burst(rate, share)));
        let room = free.saturating_sub(self.due(rate, now)) / interval;
        u32::try_from(room).unwrap_or(0)
    }

    /// When there is room for one more, `now` at the soonest.
    pub(super) fn free_at(&self, rate: Rate, share: Share, now: DateTime<Utc>) -> DateTime<Utc> {
        let start = nanos(now);
        let interval = interval(rate, share);
        let burst = interval.saturating_mul(burst(rate, share) - 1);
        let free = self.due(rate, start).saturating_sub(burst);
        if free <= start { now } else { DateTime::from_timestamp_nanos(free) }
    }

    /// Notes that `mails` leave at `now`.
    pub(super) fn use_up(&mut self, rate: Rate, share: Share, mails: u32, now: DateTime<Utc>) {
        let start = nanos(now);
        let due = self.due(rate, start);
        let used = interval(rate, share).saturating_mul(i64::from(mails));
        self.due.insert(rate, due.saturating_add(used));
    }

    /// Notes that a mail does not leave after all that was counted as leaving.
    pub(super) fn give_back(&mut self, rate: Rate, share: Share) {
        if let Some(due) = self.due.get_mut(&rate) {
            *due = due.saturating_sub(interval(rate, share));
        }
    }

    /// Forgets what says nothing any more.
    pub(super) fn tidy(&mut self, now: DateTime<Utc>) {
        let now = nanos(now);
        self.due.retain(|_, due| *due > now);
    }

    fn due(&self, rate: Rate, now: i64) -> i64 {
        self.due.get(&rate).copied().unwrap_or(now).max(now)
    }
}

impl DayCount {
    /// How many of at most `most` mails are left on the day of `now`.
    pub(super) fn left(&self, most: u32, now: DateTime<Utc>, zone: Tz) -> u32 {
        most.saturating_sub(self.used(now, zone))
    }

    /// How many have left on the day of `now`.
    pub(super) fn used(&self, now: DateTime<Utc>, zone: Tz) -> u32 {
        let today = now.with_timezone(&zone).date_naive();
        // A clock that is put back finds its day used already.
        if self.day.is_some_and(|day| day >= today) { self.mails } else { 0 }
    }

    /// The same as [`Meters::give_back`]; a mail of yesterday gives nothing back today.
    pub(super) fn give_back(&mut self, now: DateTime<Utc>, zone: Tz) {
        if self.day == Some(now.with_timezone(&zone).date_naive()) {
            self.mails = self.mails.saturating_sub(1);
        }
    }

    pub(super) fn use_up(&mut self, mails: u32, now: DateTime<Utc>, zone: Tz) {
        let today = now.with_timezone(&zone).date_naive();
        self.mails = self.used(now, zone).saturating_add(mails);
        self.day = self.day.max(Some(today));
    }
}

/// The first instant of the day after that of `now` in `zone`.
pub(super) fn next_day(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let midnight = today.succ_opt().unwrap_or(today).and_time(NaiveTime::MIN);
    instant(midnight, zone).max(now + TimeDelta::seconds(1))
}

fn nanos(now: DateTime<Utc>) -> i64 {
    now.timestamp_nanos_opt().unwrap_or(i64::MAX)
}

/// Nanoseconds between two mails, rounded up, so that no rate is exceeded.
fn interval(rate: Rate, share: Share) -> i64 {
    let time = rate.per.nanos() * i64::from(WHOLE);
    let mails = i64::from(rate.mails) * i64::from(share.clamp(1, WHOLE));
    (time + mails - 1) / mails
}

/// The burst at `share`, one mail at least.
fn burst(rate: Rate, share: Share) -> i64 {
    (i64::from(rate.burst()) * i64::from(share.clamp(1, WHOLE)) / i64::from(WHOLE)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        for text in ["1 per day", "600 per minute", "20 per second", "10000 per hour"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "20", "20/s", "20 per week", "-1 per day", "0 per hour", "20 perday"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text}");
        }
    }

    #[test]
    fn mails_come_evenly_after_the_burst() {
        let rate: Rate = "600 per minute".parse().unwrap();
        let mut meters = Meters::default();
        let mut now = at("2026-09-25T09:00:00Z");
        assert_eq!(meters.room(rate, WHOLE, now), 10);
        meters.use_up(rate, WHOLE, 10, now);
        assert_eq!(meters.room(rate, WHOLE, now), 0);
        now = meters.free_at(rate, WHOLE, now);
        assert_eq!(now, at("2026-09-25T09:00:00.1Z"));
        assert_eq!(meters.room(rate, WHOLE, now), 1);
        assert_eq!(meters.room(rate, WHOLE / 2, now), 0, "at half the pace it is too soon");
        meters.use_up(rate, WHOLE / 2, 1, now);
        let halved = at("2026-09-25T09:00:00.2Z");
        assert!(meters.free_at(rate, WHOLE / 2, now) >= halved);
    }

    #[test]
    fn a_day_ends_with_its_night_and_a_clock_put_back_gives_nothing_twice() {
        let zone = chrono_tz::Europe::Berlin;
        let mut count = DayCount::default();
        count.use_up(70, at("2026-09-25T21:00:00Z"), zone);
        assert_eq!(count.left(100, at("2026-09-25T21:59:59Z"), zone), 30);
        assert_eq!(next_day(at("2026-09-25T21:00:00Z"), zone), at("2026-09-25T22:00:00Z"));
        assert_eq!(count.left(100, at("2026-09-25T22:00:00Z"), zone), 100);
        assert_eq!(count.left(100, at("2026-09-24T12:00:00Z"), zone), 30);
    }

    proptest! {
        #[test]
        fn no_window_ever_sees_more_than_the_rate_and_its_burst(
            mails in 1_u32..2000, per in 0..3_usize, share in 1_u32..=1000,
            steps in prop::collection::vec((0_i64..90_000, 0_u32..50), 1..200),
        ) {
            let rate = Rate { mails, per: PER[per].1 };
            let mut meters = Meters::default();
            let start = at("2026-09-25T09:00:00Z");
            let mut now = start;
            let mut left: Vec<(DateTime<Utc>, u32)> = Vec::new();
            for (millis, want) in steps {
                now += TimeDelta::milliseconds(millis);
                let granted = want.min(meters.room(rate, share, now));
                meters.use_up(rate, share, granted, now);
                prop_assert!(meters.free_at(rate, share, now) >= now);
                prop_assert_eq!(meters.room(rate, share, meters.free_at(rate, share, now)) > 0, true);
                left.push((now, granted));
            }
            for (first, (from, _)) in left.iter().enumerate() {
                let mut sum = 0_i64;
                for (until, granted) in &left[first..] {
                    sum += i64::from(*granted);
                    let time = nanos(*until) - nanos(*from);
                    let most = time / interval(rate, share) + burst(rate, share);
                    prop_assert!(sum <= most, "{sum} in {time} ns, allowed {most}");
                }
            }
        }
    }
}
