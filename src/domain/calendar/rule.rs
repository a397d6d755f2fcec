//! How the days of a holiday are found.
use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use super::{
    super::lunar::{Meridian, SolarTerm, lunar_to_solar_at},
    easter::Church,
};

/// How a holiday's days are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayRule {
    /// The same day each year; 29 February only in leap years.
    Fixed {
        /// Month, 1 to 12.
        month: u8,
        /// Day of the month, 1 to 31.
        day: u8,
    },
    /// A weekday counted within a month.
    Weekday {
        /// Month, 1 to 12.
        month: u8,
        /// Day of the week.
        weekday: Weekday,
        /// Which of them.
        nth: Nth,
    },
    /// The weekday nearest to a day, on that day or to one side of it.
    Near {
        /// Month, 1 to 12.
        month: u8,
        /// Day of the month, 1 to 31.
        day: u8,
        /// Day of the week.
        weekday: Weekday,
        /// To which side.
        seek: Seek,
    },
    /// A number of days from Easter Sunday.
    Easter {
        /// Whose Easter.
        church: Church,
        /// Days after it; before it if negative.
        days: i16,
    },
    /// A day of the Chinese, Korean or Vietnamese calendar.
    Lunar(LunarDay),
    /// A solar term.
    Term {
        /// Which one.
        term: SolarTerm,
        /// Whose midnight ends the day.
        meridian: Meridian,
    },
    /// These days and no others.
    Dates(Vec<NaiveDate>),
    /// A number of days from those of another rule.
    After {
        /// The other rule.
        rule: Box<DayRule>,
        /// Days after it; before it if negative.
        days: i16,
    },
}

/// Which of the same weekdays of a month is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nth {
    /// This one, 1 to 5; a month without a fifth one has no such day.
    Number(u8),
    /// The last one.
    Last,
}

/// To which side of a day a weekday is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// The day itself or one of the six after it.
    OnOrAfter,
    /// The day itself or one of the six before it.
    OnOrBefore,
}

/// A day of a year that follows the moon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LunarDay {
    /// Lunar month, 1 to 12.
    pub month: u8,
    /// Whether the second of two months of that number is meant (闰), which few years have.
    pub leap: bool,
    /// Lunar day, 1 to 30; the 30th of a month with 29 days is the 29th.
    pub day: u8,
    /// Whose calendar.
    pub meridian: Meridian,
}

/// First and last year for which lunar days are known for certain (published tables).
const LUNAR_YEARS: std::ops::RangeInclusive<i32> = 1901..=2100;

impl DayRule {
    /// A day of an ordinary month of the Chinese calendar.
    #[must_use]
    pub const fn lunar(month: u8, day: u8) -> Self {
        Self::Lunar(LunarDay { month, leap: false, day, meridian: Meridian::China })
    }

    /// The days in calendar `year`, none if the year has none. Lunar days and solar terms are known
    /// for 1901 to 2100. A lunar year is counted by the solar year in which it begins, and a day
    /// that is so many days from another one by the year of the other.
    #[must_use]
    pub fn in_year(&self, year: i32) -> Vec<NaiveDate> {
        let one = match self {
            Self::Dates(dates) => {
                return dates.iter().copied().filter(|date| date.year() == year).collect();
            }
            Self::After { rule, days } => {
                let shifted = |day: NaiveDate| shift(day, *days);
                return rule.in_year(year).into_iter().filter_map(shifted).collect();
            }
            Self::Fixed { month, day } => of_month(year, *month, *day),
            Self::Weekday { month, weekday, nth } => nth_weekday(year, *month, *weekday, *nth),
            Self::Near { month, day, weekday, seek } => {
                of_month(year, *month, *day).and_then(|day| near(day, *weekday, *seek))
            }
            Self::Easter { church, days } => {
                church.easter(year).and_then(|easter| shift(easter, *days))
            }
            Self::Lunar(day) => day.in_year(year),
            Self::Term { term, meridian } => term.in_year(year, *meridian),
        };
        one.into_iter().collect()
    }
}

impl LunarDay {
    fn in_year(self, year: i32) -> Option<NaiveDate> {
        if !LUNAR_YEARS.contains(&year) {
            return None;
        }
        let find = |day| lunar_to_solar_at(self.meridian, year, (self.month, self.leap), day);
        find(self.day).or_else(|| if self.day == 30 { find(29) } else { None })
    }
}

fn of_month(year: i32, month: u8, day: u8) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
}

fn shift(day: NaiveDate, days: i16) -> Option<NaiveDate> {
    day.checked_add_signed(TimeDelta::days(days.into()))
}

fn nth_weekday(year: i32, month: u8, weekday: Weekday, nth: Nth) -> Option<NaiveDate> {
    match nth {
        Nth::Number(nth) => NaiveDate::from_weekday_of_month_opt(year, month.into(), weekday, nth),
        Nth::Last => (4..=5)
            .rev()
            .find_map(|nth| NaiveDate::from_weekday_of_month_opt(year, month.into(), weekday, nth)),
    }
}

fn near(day: NaiveDate, weekday: Weekday, seek: Seek) -> Option<NaiveDate> {
    let days = match seek {
        Seek::OnOrAfter => i64::from(weekday.days_since(day.weekday())),
        Seek::OnOrBefore => -i64::from(day.weekday().days_since(weekday)),
    };
    day.checked_add_signed(TimeDelta::days(days))
}
