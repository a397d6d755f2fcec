//! Easter Sunday, western and orthodox.
use chrono::{Days, NaiveDate};

/// Whose Easter is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Church {
    /// By the Gregorian calendar.
    Western,
    /// By the Julian calendar, given as the Gregorian day on which it falls.
    Orthodox,
}

/// Years for which the arithmetic below is meant: from the first whole Gregorian year on.
const YEARS: std::ops::RangeInclusive<i32> = 1583..=9999;

impl Church {
    /// Easter Sunday of `year`, 1583 to 9999.
    #[must_use]
    pub fn easter(self, year: i32) -> Option<NaiveDate> {
        if !YEARS.contains(&year) {
            return None;
        }
        match self {
            Self::Western => western(year),
            Self::Orthodox => orthodox(year),
        }
    }
}

/// The algorithm that Meeus, "Astronomical Algorithms" (2nd edition, 1998), chapter 8, gives for the
/// Gregorian calendar (Butcher's Ecclesiastical Calendar, 1876). The letters are his.
#[expect(clippy::many_single_char_names, reason = "so that it can be compared with the source")]
fn western(year: i32) -> Option<NaiveDate> {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    march_plus(year, h + l - 7 * m + 114)
}

/// The algorithm of the same chapter for the Julian calendar, and the days by which the Gregorian
/// one is ahead of it.
#[expect(clippy::many_single_char_names, reason = "so that it can be compared with the source")]
fn orthodox(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year % 4, year % 7, year % 19);
    let d = (19 * c + 15) % 30;
    let e = (2 * a + 4 * b - d + 34) % 7;
    let century = year / 100;
    let ahead = u64::try_from(century - century / 4 - 2).ok()?;
    march_plus(year, d + e + 114)?.checked_add_days(Days::new(ahead))
}

/// The day whose month is the quotient by 31 and whose place in it is the remainder, from 0.
fn march_plus(year: i32, number: i32) -> Option<NaiveDate> {
    let (month, day) = (number / 31, number % 31 + 1);
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}
