//! Days that matter to many people at once.
use chrono::{Datelike, NaiveDate};

use super::{Locale, lunar_to_solar};

/// How a holiday's day is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayRule {
    /// The same day each year.
    Fixed {
        /// Month, 1 to 12.
        month: u8,
        /// Day of the month.
        day: u8,
    },
    /// A day of the Chinese lunisolar calendar; never in a leap month.
    Lunar {
        /// Lunar month, 1 to 12.
        month: u8,
        /// Lunar day, 1 to 30; the 30th of a month with 29 days is the 29th.
        day: u8,
    },
}

/// First and last year for which lunar days are known for certain (published tables).
const YEARS: std::ops::RangeInclusive<i32> = 1901..=2099;

impl DayRule {
    /// The day in calendar `year`, if there is one: 29 February only in leap years, a lunar day only
    /// within 1901 to 2099. A lunar year is counted by the solar year in which it begins.
    #[must_use]
    pub fn in_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::Fixed { month, day } => NaiveDate::from_ymd_opt(year, month.into(), day.into()),
            Self::Lunar { month, day } if YEARS.contains(&year) => {
                lunar_to_solar(year, month, false, day)
                    .or_else(|| lunar_to_solar(year, month, false, day - u8::from(day == 30)))
            }
            Self::Lunar { .. } => None,
        }
    }
}

/// A day on which people greet one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// The name in configuration.
    pub key: String,
    /// What the day is called, by language; English is always there.
    pub names: Vec<(Locale, String)>,
    /// The rule it came from.
    pub rule: DayRule,
    /// The days of the years that the calendar covers, in order.
    days: Vec<NaiveDate>,
}

/// Years before and after which nobody plans mail. Days are worked out once, when the
/// configuration is read.
const PLANNED_YEARS: std::ops::RangeInclusive<i32> = 2020..=2099;

impl Holiday {
    /// A holiday with its days worked out.
    #[must_use]
    pub fn new(key: String, names: Vec<(Locale, String)>, rule: DayRule) -> Self {
        let mut days: Vec<_> = PLANNED_YEARS.filter_map(|year| rule.in_year(year)).collect();
        days.sort_unstable();
        Self { key, names, rule, days }
    }

    /// The first day on or after `day`.
    #[must_use]
    pub fn next_on_or_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        let place = self.days.partition_point(|known| *known < day);
        self.days.get(place).copied()
    }

    /// Whether a contact of this language and country keeps the day.
    #[must_use]
    pub fn is_kept_by(&self, _locale: &Locale, _country: Option<&str>) -> bool {
        true
    }

    /// What the day is called in `locale`, else in English.
    #[must_use]
    pub fn name(&self, locale: &Locale) -> &str {
        let english = Locale::english();
        locale
            .fallbacks(&english)
            .find_map(|tag| self.names.iter().find(|(known, _)| known.as_str() == tag))
            .map_or(self.key.as_str(), |(_, name)| name)
    }
}

/// Whether a country works on a day that is not like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayStatus<'a> {
    /// A public holiday; its key.
    Off(&'a str),
    /// A day of the weekend on which people work.
    Working,
}

/// Days on which countries do not work, or work although it is the weekend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaysOff {}

impl DaysOff {
    /// What is special about `day` in `country`; `None` for a day like others.
    #[must_use]
    pub fn of(&self, _country: Option<&str>, _day: NaiveDate) -> Option<DayStatus<'_>> {
        None
    }
}

/// The day of the year on which something that began on `start` has its anniversary in `year`:
/// 29 February becomes 28 February in a common year.
#[must_use]
pub fn anniversary(start: NaiveDate, year: i32) -> Option<NaiveDate> {
    start.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn holiday(rule: DayRule) -> Holiday {
        Holiday::new("x".into(), vec![(Locale::english(), "X".into())], rule)
    }

    #[test]
    fn lunar_holidays_fall_on_their_published_days() {
        let spring = holiday(DayRule::Lunar { month: 1, day: 1 });
        let autumn = holiday(DayRule::Lunar { month: 8, day: 15 });
        for (year, spring_day, autumn_day) in [
            (2024, "2024-02-10", "2024-09-17"),
            (2025, "2025-01-29", "2025-10-06"),
            (2026, "2026-02-17", "2026-09-25"),
            (2027, "2027-02-06", "2027-09-15"),
        ] {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            assert_eq!(spring.next_on_or_after(first), Some(day(spring_day)));
            assert_eq!(autumn.next_on_or_after(first), Some(day(autumn_day)));
        }
    }

    #[test]
    fn a_holiday_is_found_on_its_very_day_and_not_the_day_after() {
        let new_year = holiday(DayRule::Fixed { month: 1, day: 1 });
        assert_eq!(new_year.next_on_or_after(day("2026-01-01")), Some(day("2026-01-01")));
        assert_eq!(new_year.next_on_or_after(day("2026-01-02")), Some(day("2027-01-01")));
    }

    #[test]
    fn a_leap_days_anniversary_is_the_28th_in_a_common_year() {
        assert_eq!(anniversary(day("2024-02-29"), 2026), Some(day("2026-02-28")));
        assert_eq!(anniversary(day("2024-02-29"), 2028), Some(day("2028-02-29")));
    }

    #[test]
    fn a_name_missing_in_a_language_is_given_in_english() {
        let mut mid_autumn = holiday(DayRule::Lunar { month: 8, day: 15 });
        mid_autumn.names.push(("zh".parse().unwrap(), "中秋节".into()));
        assert_eq!(mid_autumn.name(&"zh-CN".parse().unwrap()), "中秋节");
        assert_eq!(mid_autumn.name(&"de".parse().unwrap()), "X");
    }
}
