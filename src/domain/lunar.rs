//! The Chinese calendar: which day of ours a lunar day is.
//!
//! A new moon takes several microseconds to work out, so the month table of each year is kept once it
//! has been asked for.
use std::sync::OnceLock;

use chrono::{Datelike, NaiveDate};
use tyme4rs::tyme::{
    Tyme,
    lunar::{LunarMonth, LunarYear},
};

/// Before it, tyme4rs counts in the Julian calendar and chrono in the Gregorian one.
const FIRST_YEAR: i32 = 1600;
/// tyme4rs knows the year 9999 and panics on the step beyond; a table reaches into the next year.
const LAST_YEAR: i32 = 9998;
/// Years whose tables are kept; 44 octets each.
const KEPT_FROM: i32 = 1880;
const KEPT: usize = 321;

static YEARS: [OnceLock<Option<LunarTable>>; KEPT] = [const { OnceLock::new() }; KEPT];

/// The months of one lunar year.
#[derive(Debug, Clone, Copy)]
struct LunarTable {
    /// The month that comes twice, 0 if none does.
    leap_month: u8,
    /// Day numbers from the common era of each month's first day and, last, of the next year's.
    starts: [i32; 14],
}

impl LunarTable {
    fn of(year: i32) -> Option<Self> {
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return None;
        }
        let slot = usize::try_from(year - KEPT_FROM).ok().and_then(|index| YEARS.get(index));
        slot.map_or_else(|| Self::compute(year), |slot| *slot.get_or_init(|| Self::compute(year)))
    }

    fn compute(year: i32) -> Option<Self> {
        let year = isize::try_from(year).ok()?;
        let leap_month = u8::try_from(LunarYear::new(year).ok()?.get_leap_month()).ok()?;
        let mut month = LunarMonth::new(year, 1).ok()?;
        let mut starts = [0; 14];
        for start in &mut starts {
            *start = first_day(&month)?.num_days_from_ce();
            month = LunarMonth::next(&month, 1);
        }
        Some(Self { leap_month, starts })
    }

    /// The first day and the number of days of a month, if the year has it.
    fn month(&self, month: u8, leap: bool) -> Option<(i32, u8)> {
        if !(1..=12).contains(&month) || (leap && month != self.leap_month) {
            return None;
        }
        let after_leap = leap || (self.leap_month != 0 && month > self.leap_month);
        let index = usize::from(month - 1) + usize::from(after_leap);
        let (start, end) = (self.starts.get(index)?, self.starts.get(index + 1)?);
        Some((*start, u8::try_from(end - start).ok()?))
    }
}

fn first_day(month: &LunarMonth) -> Option<NaiveDate> {
    let day = month.get_first_julian_day().get_solar_day();
    NaiveDate::from_ymd_opt(
        i32::try_from(day.get_year()).ok()?,
        u32::try_from(day.get_month()).ok()?,
        u32::try_from(day.get_day()).ok()?,
    )
}

/// The day on which a lunar day falls; `None` if the year has no such month or the month no such
/// day, and outside of the years 1600 to 9998.
///
/// `leap` asks for the second of the two months that share a number (闰).
///
/// # Examples
///
/// ```
/// # use perennial::domain::lunar_to_solar;
/// let mid_autumn = lunar_to_solar(2026, 8, false, 15);
/// assert_eq!(mid_autumn, chrono::NaiveDate::from_ymd_opt(2026, 9, 25));
/// assert_eq!(lunar_to_solar(2026, 8, true, 15), None, "no leap month in 2026");
/// ```
#[must_use]
pub fn lunar_to_solar(year: i32, month: u8, leap: bool, day: u8) -> Option<NaiveDate> {
    let (start, length) = LunarTable::of(year)?.month(month, leap)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    NaiveDate::from_num_days_from_ce_opt(start + i32::from(day) - 1)
}

/// The first day on or after `from` on which a yearly lunar day is kept.
///
/// A day in a leap month is kept in the leap month in the years that have it, otherwise in the
/// ordinary month of that number. The 30th is kept on the 29th in a month of 29 days. Before 1600
/// the answer is the first one that is known; for a month or day that no year has, and after 9997,
/// it is `from` itself.
#[must_use]
pub fn next_lunar(month: u8, leap: bool, day: u8, from: NaiveDate) -> NaiveDate {
    // The year that a winter day belongs to began the year before; two tries always suffice.
    let first = from.year().saturating_sub(1).max(FIRST_YEAR);
    (first..=first.saturating_add(2))
        .filter_map(|year| kept_in(year, month, leap, day))
        .find(|kept| *kept >= from)
        .unwrap_or(from)
}

/// The day on which a yearly lunar day is kept in a lunar year.
fn kept_in(year: i32, month: u8, leap: bool, day: u8) -> Option<NaiveDate> {
    if !(1..=30).contains(&day) {
        return None;
    }
    let table = LunarTable::of(year)?;
    let in_leap_month = if leap { table.month(month, true) } else { None };
    let (start, length) = in_leap_month.or_else(|| table.month(month, false))?;
    NaiveDate::from_num_days_from_ce_opt(start + i32::from(day.min(length)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn published_festivals_fall_on_their_days() {
        for (month, day_of_month, date) in [
            (1, 1, "2024-02-10"),
            (1, 1, "2025-01-29"),
            (1, 1, "2026-02-17"),
            (1, 1, "2027-02-06"),
            (8, 15, "2024-09-17"),
            (8, 15, "2025-10-06"),
            (8, 15, "2026-09-25"),
            (5, 5, "2026-06-19"),
        ] {
            let found = lunar_to_solar(day(date).year(), month, false, day_of_month);
            assert_eq!(found, Some(day(date)));
        }
    }

    #[test]
    fn leap_months_are_where_the_almanac_has_them() {
        for (year, leap_month) in [(2023, 2), (2025, 6), (2028, 5), (2033, 11)] {
            let found: Vec<_> =
                (1..=12).filter(|m| lunar_to_solar(year, *m, true, 1).is_some()).collect();
            assert_eq!(found, [leap_month], "{year}");
        }
        assert!((1..=12).all(|month| lunar_to_solar(2026, month, true, 1).is_none()));
        assert_eq!(lunar_to_solar(2025, 6, true, 1), Some(day("2025-07-25")));
        assert_eq!(lunar_to_solar(2025, 7, false, 1), Some(day("2025-08-23")));
    }

    #[test]
    fn a_leap_month_day_moves_to_the_ordinary_month_in_years_without_it() {
        assert_eq!(next_lunar(6, true, 1, day("2025-01-01")), day("2025-07-25"));
        assert_eq!(next_lunar(6, true, 1, day("2025-07-26")), day("2026-07-14"));
        assert_eq!(next_lunar(6, false, 1, day("2025-01-01")), day("2025-06-25"));
    }

    #[test]
    fn the_thirtieth_is_kept_on_the_last_day_of_a_short_month() {
        assert_eq!(lunar_to_solar(2024, 12, false, 30), None);
        assert_eq!(next_lunar(12, false, 30, day("2025-01-01")), day("2025-01-28"));
    }

    #[test]
    fn a_day_of_the_twelfth_month_is_found_in_the_winter_it_falls_into() {
        assert_eq!(next_lunar(12, false, 8, day("2026-01-01")), day("2026-01-26"));
        assert_eq!(next_lunar(12, false, 8, day("2026-01-27")), day("2027-01-15"));
    }

    #[test]
    fn days_that_no_year_has_are_none_and_never_a_panic() {
        for (year, month, day_of_month) in
            [(2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, 31), (1599, 1, 1), (10_000, 1, 1)]
        {
            assert_eq!(lunar_to_solar(year, month, false, day_of_month), None);
        }
        for from in [NaiveDate::MIN, NaiveDate::MAX, day("9999-12-31")] {
            assert!(next_lunar(8, false, 15, from) >= from);
            assert_eq!(next_lunar(13, false, 15, from), from);
        }
    }

    #[test]
    fn months_of_every_kept_year_have_29_or_30_days() {
        for year in 1880..2201 {
            let table = LunarTable::of(year).unwrap();
            let lengths: Vec<_> = table.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(lengths.iter().all(|n| (29..=30).contains(n)), "{year}: {lengths:?}");
        }
    }
}
