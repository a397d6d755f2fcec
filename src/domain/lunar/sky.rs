//! When the moon is new and where the sun stands, counted in days of a meridian.
//!
//! Longitudes come from tyme4rs (VSOP87 and ELP/MPP02, cut to what a second needs).
use std::f64::consts::{FRAC_PI_6, TAU};

use tyme4rs::tyme::util::ShouXingUtil;

use super::Meridian;

/// Days of a Julian century, the unit of time of the formulas.
const CENTURY_DAYS: f64 = 36_525.0;
/// The number of 1 January 2000, whose noon the formulas count from, in days of the common era.
const EPOCH_DAY: i32 = 730_120;
/// The year in whose March the formulas count a solar longitude of 0.
const EPOCH_YEAR: i32 = 1999;
/// Days from then to the new moon that is number 0.
const FIRST_MOON_DAYS: f64 = 5.1;
/// Mean days from one new moon to the next.
const MONTH_DAYS: f64 = 29.530_588;

/// The day, counted from the common era, on which the sun reaches a longitude: `steps` times 30
/// degrees after the winter solstice of `year`.
pub(super) fn major_term(year: i32, steps: u8, meridian: Meridian) -> i32 {
    let solstice = f64::from(year - EPOCH_YEAR) * TAU + 9.0 * FRAC_PI_6;
    sun_at(solstice + f64::from(steps) * FRAC_PI_6, meridian)
}

/// The day, counted from the common era, of the `place`th solar term of the Gregorian `year`; the
/// first one, 0, is 小寒 in January.
pub(super) fn term(year: i32, place: u8, meridian: Meridian) -> i32 {
    /// 小寒 is at 285 degrees, five terms of 15 degrees before the equinox.
    const TERMS_BEFORE_EQUINOX: f64 = 5.0;
    let after_equinox = (f64::from(place) - TERMS_BEFORE_EQUINOX) * FRAC_PI_6 / 2.0;
    sun_at(f64::from(year - EPOCH_YEAR) * TAU + after_equinox, meridian)
}

fn sun_at(longitude: f64, meridian: Meridian) -> i32 {
    let quick = ShouXingUtil::sa_lon_t2(longitude) * CENTURY_DAYS;
    civil_day(quick, meridian.day_share(), || ShouXingUtil::sa_lon_t(longitude) * CENTURY_DAYS)
}

/// The day, counted from the common era, of a new moon; number 0 is the one of 6 January 2000.
pub(super) fn new_moon(number: i32, meridian: Meridian) -> i32 {
    /// The new moons of 1912 to 1928, when the almanacs of China went by the meridian of Beijing, 116
    /// degrees and 25 minutes east, fourteen minutes behind the time of now.
    const BY_BEIJING: std::ops::Range<i32> = -1088..-878;
    const BEIJING_SHARE: f64 = (116.0 + 25.0 / 60.0) / 360.0;
    let by_beijing = meridian == Meridian::China && BY_BEIJING.contains(&number);
    let share = if by_beijing { BEIJING_SHARE } else { meridian.day_share() };
    let angle = f64::from(number) * TAU;
    let quick = ShouXingUtil::m_sa_lon_t2(angle) * CENTURY_DAYS;
    civil_day(quick, share, || ShouXingUtil::m_sa_lon_t(angle) * CENTURY_DAYS)
}

/// The number of the last new moon on or before `day`, which is counted from the common era.
pub(super) fn last_new_moon(day: i32, meridian: Meridian) -> i32 {
    let mut number = whole((f64::from(day - EPOCH_DAY) - FIRST_MOON_DAYS) / MONTH_DAYS);
    while new_moon(number, meridian) > day {
        number -= 1;
    }
    while new_moon(number + 1, meridian) <= day {
        number += 1;
    }
    number
}

/// The day in which an instant lies, counted from the common era. `quick` are its days of terrestrial
/// time, right to half an hour; if that is near midnight, `exact` has the last word. `share` is the
/// part of a day that the meridian is ahead of UTC.
fn civil_day(quick: f64, share: f64, exact: impl Fn() -> f64) -> i32 {
    /// From the noon that the formulas count from back to midnight.
    const HALF_DAY: f64 = 0.5;
    const HALF_HOUR: f64 = 1.0 / 48.0;
    let local = |terrestrial: f64| terrestrial - ShouXingUtil::dtt(terrestrial) + HALF_DAY + share;
    let days = local(quick);
    let is_near_midnight = (days - days.round()).abs() < HALF_HOUR;
    EPOCH_DAY + whole(if is_near_midnight { local(exact()) } else { days })
}

#[expect(clippy::cast_possible_truncation, reason = "days of the years that a table is asked for")]
fn whole(days: f64) -> i32 {
    days.floor() as i32
}
