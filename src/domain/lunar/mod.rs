//! The calendar of the moon, as China, Korea and Vietnam keep it: which day of ours a lunar day is.
//!
//! The three go by the same rules (GB/T 33661-2017, sections 4 and 5) and by midnight at their own
//! meridian, so that now and then their days differ. Everything is worked out from new moons and
//! solar terms; the ready-made months of tyme4rs 1.5 are a day off the almanac where a new moon is
//! minutes from midnight, as in 1942, 1953 and 1957.
//!
//! A new moon takes several microseconds to work out, so the month table of each year is kept once it
//! has been asked for.
mod meridian;
#[cfg(test)]
mod published;
mod sky;
mod term;

use std::sync::OnceLock;

use chrono::{Datelike, NaiveDate};

pub use meridian::Meridian;
pub use term::{SolarTerm, SolarTermError};

/// Before it, the months were counted by other rules (时宪历, 1645).
const FIRST_YEAR: i32 = 1645;
/// The formulas are meant for the centuries around ours; by then they may be hours off.
const LAST_YEAR: i32 = 3000;
/// Years whose tables are kept; 64 octets each.
const KEPT_FROM: i32 = 1880;
const KEPT: usize = 321;

type Kept = [OnceLock<Option<LunarTable>>; KEPT];
static YEARS: [Kept; 3] = [const { [const { OnceLock::new() }; KEPT] }; 3];

/// The months of one lunar year.
#[derive(Debug, Clone, Copy)]
struct LunarTable {
    /// The month that comes twice, 0 if none does.
    leap_month: u8,
    /// Day numbers from the common era of each month's first day and, last, of the next year's.
    starts: [i32; 14],
}

impl LunarTable {
    fn of(year: i32, meridian: Meridian) -> Option<Self> {
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return None;
        }
        let compute = || Some(Self::by_the_sky(year, meridian));
        let kept = &YEARS[meridian as usize];
        let slot = usize::try_from(year - KEPT_FROM).ok().and_then(|index| kept.get(index));
        slot.map_or_else(compute, |slot| *slot.get_or_init(compute))
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

/// The day on which a lunar day falls; `None` if the year has no such month or the month no such
/// day, and outside of the years 1645 to 3000.
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
    lunar_to_solar_at(Meridian::China, year, (month, leap), day)
}

/// The same as [`lunar_to_solar`], counted at `meridian`; `month` is its number and whether it is
/// the leap month of that number.
pub(super) fn lunar_to_solar_at(
    meridian: Meridian,
    year: i32,
    (month, leap): (u8, bool),
    day: u8,
) -> Option<NaiveDate> {
    let (start, length) = LunarTable::of(year, meridian)?.month(month, leap)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    NaiveDate::from_num_days_from_ce_opt(start + i32::from(day) - 1)
}

/// The first day on or after `from` on which a yearly lunar day is kept.
///
/// A day in a leap month is kept in the leap month in the years that have it, otherwise in the
/// ordinary month of that number. The 30th is kept on the 29th in a month of 29 days. Before 1645
/// the answer is the first one that is known; for a month or day that no year has, and after 2999,
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
    let table = LunarTable::of(year, Meridian::China)?;
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
            [(2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, 31), (1644, 1, 1), (3001, 1, 1)]
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
            for meridian in [Meridian::China, Meridian::Korea, Meridian::Vietnam] {
                let table = LunarTable::of(year, meridian).unwrap();
                let lengths: Vec<_> = table.starts.windows(2).map(|p| p[1] - p[0]).collect();
                assert!(lengths.iter().all(|n| (29..=30).contains(n)), "{year}: {lengths:?}");
            }
        }
    }
}
