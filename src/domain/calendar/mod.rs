//! Days that matter to many people at once.
mod easter;
mod off;
mod rule;
#[cfg(test)]
mod tests;

use chrono::{Datelike, NaiveDate};

use super::Locale;
pub use easter::Church;
pub use off::{DayStatus, DaysOff, Observed, ObservedIn, OffYear};
pub use rule::{DayRule, LunarDay, Nth, Seek};

/// A day on which people greet one another, or on which they do not work, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// The name in configuration.
    pub key: String,
    /// What the day is called, by language; English is always there.
    pub names: Vec<(Locale, String)>,
    /// The rule it came from.
    pub rule: DayRule,
    /// Countries whose people keep the day, ISO 3166-1 alpha-2.
    pub kept_in: Vec<String>,
    /// Languages whose speakers keep the day; `zh` covers `zh-CN`.
    pub kept_by: Vec<Locale>,
    /// Countries in which it is a day off, whoever keeps it.
    pub off_in: Vec<String>,
    /// The days of the years that the calendar covers, in order.
    days: Vec<NaiveDate>,
}

/// Years before and after which nobody plans mail. Days are worked out once, when the
/// configuration is read.
const PLANNED_YEARS: std::ops::RangeInclusive<i32> = 2019..=2065;

impl Holiday {
    /// A holiday that everybody keeps and nobody has off, with its days worked out.
    #[must_use]
    pub fn new(key: String, names: Vec<(Locale, String)>, rule: DayRule) -> Self {
        let mut days: Vec<_> = PLANNED_YEARS.flat_map(|year| rule.in_year(year)).collect();
        days.sort_unstable();
        days.dedup();
        let (kept_in, kept_by, off_in) = (Vec::new(), Vec::new(), Vec::new());
        Self { key, names, rule, kept_in, kept_by, off_in, days }
    }

    /// The first day on or after `day`.
    #[must_use]
    pub fn next_on_or_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        let place = self.days.partition_point(|known| *known < day);
        self.days.get(place).copied()
    }

    /// Whether people of this language and country keep the day: those on either list, and everybody
    /// if both are empty.
    #[must_use]
    pub fn is_kept_by(&self, locale: &Locale, country: Option<&str>) -> bool {
        let speaks = |known: &Locale| locale.fallbacks(locale).any(|tag| tag == known.as_str());
        let lives = |known: &String| country == Some(known.as_str());
        let by_all = self.kept_in.is_empty() && self.kept_by.is_empty();
        by_all || self.kept_in.iter().any(lives) || self.kept_by.iter().any(speaks)
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

/// The day of the year on which something that began on `start` has its anniversary in `year`:
/// 29 February becomes 28 February in a common year.
#[must_use]
pub fn anniversary(start: NaiveDate, year: i32) -> Option<NaiveDate> {
    start.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
}
