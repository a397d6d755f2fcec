//! Birthdays, by the sun or by the moon, with or without the year.
mod spelling;

use std::fmt;

use chrono::{Datelike, NaiveDate};

use super::{lunar_to_solar, next_lunar};

/// A birthday, and the day in each year on which it is kept.
///
/// Lunar birthdays follow [`next_lunar`]: one in a leap month is kept in the leap month in the years
/// that have it, otherwise in the ordinary month; the 30th moves to the 29th in a month of 29 days.
///
/// Parses `1990-05-14`, `1990/5/14`, `14.05.1990`, `05-14`, `5/14` (month first), `--05-14`,
/// `1990年5月14日`, `5月14日`, `lunar:8-15`, `lunar:1988-8-15`, `lunar:leap4-2`, `农历八月十五`.
/// [`Display`](fmt::Display) writes a form that parses back.
///
/// # Examples
///
/// ```
/// # use perennial::domain::{Birthday, LeapDay};
/// let birthday: Birthday = "农历八月十五".parse()?;
/// assert_eq!(birthday.to_string(), "lunar:08-15");
/// let today = "2026-09-01".parse().unwrap();
/// assert_eq!(birthday.next_on_or_after(today, LeapDay::Feb28).to_string(), "2026-09-25");
/// # Ok::<(), perennial::domain::BirthdayError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Birthday {
    calendar: Calendar,
    year: Option<i32>,
    month: u8,
    day: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Calendar {
    Solar,
    Lunar,
    /// The second of two lunar months with one number.
    LunarLeap,
}

/// The day on which a birthday of 29 February is kept in a common year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeapDay {
    /// The last day of February.
    #[default]
    Feb28,
    /// The day after it.
    Mar1,
}

/// The text is not a birthday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BirthdayError {
    /// None of the forms.
    #[error("expected a day such as `1990-05-14`, `05-14`, `5月14日` or `lunar:8-15`")]
    Shape,
    /// A form that some countries read day first and others month first.
    #[error("the order of day and month is not clear; expected year first, as in `1990-05-14`")]
    Ambiguous,
    /// No calendar has the day.
    #[error("there is no such day; expected a month from 1 to 12 and a day that it has")]
    NoSuchDay,
    /// A year in which nobody who gets mail was born.
    #[error("expected a year of birth from 1880 to 2100, or none")]
    Year,
}

impl Birthday {
    /// The first day on or after `day` on which the birthday is kept.
    #[must_use]
    pub fn next_on_or_after(&self, day: NaiveDate, leap_day: LeapDay) -> NaiveDate {
        if self.is_lunar() {
            return next_lunar(self.month, self.calendar == Calendar::LunarLeap, self.day, day);
        }
        [day.year(), day.year().saturating_add(1)]
            .into_iter()
            .filter_map(|year| self.kept_in(year, leap_day))
            .find(|kept| *kept >= day)
            .unwrap_or(day)
    }

    /// Month and day as written, in the birthday's own calendar.
    #[must_use]
    pub const fn month_day(&self) -> (u8, u8) {
        (self.month, self.day)
    }

    /// The year of birth, in the birthday's own calendar.
    #[must_use]
    pub const fn year(&self) -> Option<i32> {
        self.year
    }

    /// Whether the birthday goes by the Chinese calendar.
    #[must_use]
    pub fn is_lunar(&self) -> bool {
        self.calendar != Calendar::Solar
    }

    /// Whether the birthday is in a lunar leap month (闰).
    #[must_use]
    pub fn is_in_leap_month(&self) -> bool {
        self.calendar == Calendar::LunarLeap
    }

    fn kept_in(&self, year: i32, leap_day: LeapDay) -> Option<NaiveDate> {
        let (month, day) = (u32::from(self.month), u32::from(self.day));
        NaiveDate::from_ymd_opt(year, month, day).or_else(|| match leap_day {
            LeapDay::Feb28 => NaiveDate::from_ymd_opt(year, 2, 28),
            LeapDay::Mar1 => NaiveDate::from_ymd_opt(year, 3, 1),
        })
    }

    fn checked(self) -> Result<Self, BirthdayError> {
        if self.year.is_some_and(|year| !(1880..=2100).contains(&year)) {
            return Err(BirthdayError::Year);
        }
        let exists = match (self.calendar, self.year) {
            (Calendar::Solar, year) => {
                // 2000 has every day that some year has.
                let (month, day) = (u32::from(self.month), u32::from(self.day));
                NaiveDate::from_ymd_opt(year.unwrap_or(2000), month, day).is_some()
            }
            (_, None) => (1..=12).contains(&self.month) && (1..=30).contains(&self.day),
            (calendar, Some(year)) => {
                let leap = calendar == Calendar::LunarLeap;
                lunar_to_solar(year, self.month, leap, self.day).is_some()
            }
        };
        if exists { Ok(self) } else { Err(BirthdayError::NoSuchDay) }
    }
}

impl fmt::Display for Birthday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_lunar() {
            f.write_str("lunar:")?;
        }
        if let Some(year) = self.year {
            write!(f, "{year:04}-")?;
        }
        if self.is_in_leap_month() {
            f.write_str("leap")?;
        }
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn birthday(text: &str) -> Birthday {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn next(text: &str, from: &str, rule: LeapDay) -> String {
        birthday(text).next_on_or_after(from.parse().unwrap(), rule).to_string()
    }

    #[test]
    fn every_spelling_of_a_day_is_the_same_day() {
        for (canonical, spellings) in [
            (
                "1990-05-14",
                &["1990/5/14", "1990.5.14", "14.05.1990", "19900514", "1990年5月14日"][..],
            ),
            (
                "1990-05-14",
                &["１９９０－０５－１４", " 1990 年 5 月 14 日 ", "一九九〇年五月十四日"],
            ),
            ("05-14", &["5/14", "--05-14", "5月14日", "5月14号", "五月十四"]),
            (
                "lunar:08-15",
                &["lunar:8-15", "农历八月十五", "农历8月15日", "阴历八月十五", "Lunar: 8/15"],
            ),
            (
                "lunar:1988-08-15",
                &["lunar:1988-8-15", "农历1988年八月十五", "農曆一九八八年8月15日"],
            ),
            (
                "lunar:leap04-02",
                &["lunar:闰4-2", "lunar:leap4-2", "农历闰四月初二", "LUNAR:LEAP-4-2"],
            ),
            ("lunar:2020-leap04-02", &["lunar:2020-闰4-2", "农历2020年闰四月初二"]),
            ("lunar:12-30", &["农历腊月三十"]),
            ("lunar:01-01", &["农历正月初一"]),
            ("lunar:11-21", &["农历冬月廿一", "农历十一月二十一"]),
            ("lunar:10-10", &["农历十月初十"]),
        ] {
            for text in spellings {
                assert_eq!(birthday(text).to_string(), canonical, "{text}");
            }
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "02-30",
            "2-30",
            "13-1",
            "0-1",
            "1-0",
            "1999-02-29",
            "2023-04-31",
            "999-1",
            "lunar:13-1",
            "lunar:1-31",
            "lunar:0-5",
            "lunar:2024-12-30",
            "lunar:2026-leap4-2",
        ] {
            assert_eq!(text.parse::<Birthday>(), Err(BirthdayError::NoSuchDay), "{text}");
        }
        for text in ["1879-12-31", "2101-01-01", "0000-01-01", "lunar:1700-1-1"] {
            assert_eq!(text.parse::<Birthday>(), Err(BirthdayError::Year), "{text}");
        }
    }

    #[test]
    fn a_day_that_could_be_a_month_is_refused_rather_than_guessed() {
        for text in ["05/14/1990", "04/05/1990", "5-14-90", "14.5"] {
            assert_eq!(text.parse::<Birthday>(), Err(BirthdayError::Ambiguous), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "-",
            "--",
            "May 14",
            "5-+4",
            "5月",
            "月",
            "十十月一日",
            "lunar:",
            "1990-05",
            "1990-05-14x",
            "八月闰十五",
            "lunar:4-闰2x",
            "a闰4-2",
        ] {
            assert!(text.parse::<Birthday>().is_err(), "{text}");
        }
        assert_eq!("soon".parse::<Birthday>(), Err(BirthdayError::Shape));
    }

    #[test]
    fn a_birthday_today_is_kept_today_and_then_a_year_later() {
        assert_eq!(next("1990-09-25", "2026-09-25", LeapDay::Feb28), "2026-09-25");
        assert_eq!(next("09-25", "2026-09-26", LeapDay::Feb28), "2027-09-25");
        assert_eq!(next("12-31", "2026-12-31", LeapDay::Feb28), "2026-12-31");
    }

    #[test]
    fn the_leap_day_is_kept_by_the_rule_in_common_years() {
        assert_eq!(next("2000-02-29", "2026-01-01", LeapDay::Feb28), "2026-02-28");
        assert_eq!(next("02-29", "2026-01-01", LeapDay::Mar1), "2026-03-01");
        assert_eq!(next("02-29", "2026-03-01", LeapDay::Feb28), "2027-02-28");
        assert_eq!(next("02-29", "2028-01-01", LeapDay::Mar1), "2028-02-29");
    }

    #[test]
    fn lunar_birthdays_follow_the_moon() {
        assert_eq!(next("lunar:1988-8-15", "2026-09-25", LeapDay::Feb28), "2026-09-25");
        assert_eq!(next("lunar:8-15", "2025-10-07", LeapDay::Feb28), "2026-09-25");
        assert_eq!(next("lunar:leap6-1", "2025-07-01", LeapDay::Feb28), "2025-07-25");
        assert_eq!(next("lunar:leap6-1", "2026-01-01", LeapDay::Feb28), "2026-07-14");
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(
            lunar in any::<bool>(), leap in any::<bool>(), year in prop::option::of(1880..=2100i32),
            month in 1..=12u8, day in 1..=31u8,
        ) {
            let calendar = match (lunar, leap) {
                (false, _) => Calendar::Solar,
                (true, false) => Calendar::Lunar,
                (true, true) => Calendar::LunarLeap,
            };
            if let Ok(birthday) = (Birthday { calendar, year, month, day }).checked() {
                prop_assert_eq!(birthday.to_string().parse(), Ok(birthday));
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(lunar:|农历)?[0-9leap闰年月日初十廿一二\\-/. ]{0,16}|\\PC{0,20}") {
            let _ = text.parse::<Birthday>();
        }

        #[test]
        fn the_next_birthday_is_within_the_longest_lunar_year(
            lunar in any::<bool>(), month in 1..=12u8, day in 1..=28u8, from in 700_000..760_000i32,
        ) {
            let calendar = if lunar { Calendar::Lunar } else { Calendar::Solar };
            let birthday = Birthday { calendar, year: None, month, day };
            let from = NaiveDate::from_num_days_from_ce_opt(from).unwrap();
            let wait = (birthday.next_on_or_after(from, LeapDay::Feb28) - from).num_days();
            prop_assert!((0..385).contains(&wait), "{wait} days");
        }
    }
}
