//! How often a tier wants to be written to.
use std::{fmt, str::FromStr};

use chrono::TimeDelta;

/// A length of time in whole days, as an admin writes it: `30 days`, `2 weeks`, `1 quarter`.
///
/// Calendar units have fixed lengths, so that an interval can be scaled: a week is 7 days, a month
/// 30, a quarter 91, a half-year 182, a year 365.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    days: u32,
}

/// Why a text is not a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a number and a unit, such as `30 days`, `2 weeks`, `1 month`, `1 quarter`, `1 half-year` or `1 year`, of ten years at most"
)]
pub struct SpanError;

/// Ten years: longer than any relationship is planned ahead.
const LONGEST_DAYS: u32 = 3650;

impl Span {
    /// `days` days.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self { days }
    }

    /// The length in days.
    #[must_use]
    pub const fn as_days(self) -> u32 {
        self.days
    }

    /// The length as a duration.
    #[must_use]
    pub fn as_delta(self) -> TimeDelta {
        TimeDelta::days(i64::from(self.days))
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = text.trim().split_once(char::is_whitespace).ok_or(SpanError)?;
        let number: u32 = number.parse().map_err(|_| SpanError)?;
        let unit = match unit.trim().trim_end_matches('s') {
            "day" => 1,
            "week" => 7,
            "month" => 30,
            "quarter" => 91,
            "half-year" => 182,
            "year" => 365,
            _ => return Err(SpanError),
        };
        number
            .checked_mul(unit)
            .filter(|days| *days <= LONGEST_DAYS)
            .map(|days| Self { days })
            .ok_or(SpanError)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.days == 1 { "" } else { "s" };
        write!(f, "{} day{plural}", self.days)
    }
}

/// The interval that a tier sets for a channel, and how far a person's own habit may move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// The interval to begin with.
    pub every: Span,
    /// Never more often than this.
    pub min: Span,
    /// Never more seldom than this.
    pub max: Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_tables_is_understood() {
        for (text, days) in [
            ("1 day", 1),
            ("2 weeks", 14),
            ("1 month", 30),
            ("1 quarter", 91),
            ("1 half-year", 182),
            ("2 years", 730),
        ] {
            assert_eq!(text.parse(), Ok(Span::days(days)), "{text}");
        }
    }

    #[test]
    fn a_bare_number_a_fraction_and_a_century_are_refused() {
        for text in
            ["", "30", "1.5 months", "-1 day", "100 years", "1 fortnight", "99999999999 days"]
        {
            assert_eq!(text.parse::<Span>(), Err(SpanError), "{text}");
        }
    }
}
