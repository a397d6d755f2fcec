//! Whose midnight ends a lunar day, and the months that follow from it.
use super::{LunarTable, sky};

/// Whose midnight ends a day of the moon or of a solar term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meridian {
    /// China Standard Time, eight hours ahead of UTC; also Hong Kong, Taiwan and Singapore.
    China,
    /// Korea and Japan, nine hours ahead of UTC.
    Korea,
    /// Vietnam, seven hours ahead of UTC.
    Vietnam,
}

impl Meridian {
    /// The part of a day by which it is ahead of UTC.
    pub(super) const fn day_share(self) -> f64 {
        match self {
            Self::China => 8.0 / 24.0,
            Self::Korea => 9.0 / 24.0,
            Self::Vietnam => 7.0 / 24.0,
        }
    }
}

/// The months from the one with the winter solstice of a year, which is the eleventh, to the one
/// before the next solstice's (岁).
struct Sui {
    /// Number of the new moon that the eleventh month begins with.
    first: i32,
    /// Number of the new moon that the leap month begins with, if one of the months is that.
    leap: Option<i32>,
}

impl Sui {
    fn after_solstice_of(year: i32, meridian: Meridian) -> Self {
        let first = sky::last_new_moon(sky::major_term(year, 0, meridian), meridian);
        let next = sky::last_new_moon(sky::major_term(year + 1, 0, meridian), meridian);
        let leap = if next - first == 13 {
            let terms: Vec<_> =
                (0..=12).map(|steps| sky::major_term(year, steps, meridian)).collect();
            let mut start = sky::new_moon(first + 1, meridian);
            let has_none = |number: &i32| {
                let end = sky::new_moon(number + 1, meridian);
                let days = std::mem::replace(&mut start, end)..end;
                !terms.iter().any(|term| days.contains(term))
            };
            (first + 1..next).find(has_none)
        } else {
            None
        };
        Self { first, leap }
    }

    /// The month whose number the leap month repeats, 1 to 12.
    fn leap_month(&self) -> Option<u8> {
        let before = self.leap? - 1 - self.first;
        u8::try_from((10 + before) % 12 + 1).ok()
    }
}

impl LunarTable {
    /// The months of lunar `year` as the sky over `meridian` has them.
    pub(super) fn by_the_sky(year: i32, meridian: Meridian) -> Self {
        let before = Sui::after_solstice_of(year - 1, meridian);
        let after = Sui::after_solstice_of(year, meridian);
        let usual = before.first + 2;
        let first = usual + i32::from(before.leap.is_some_and(|leap| leap <= usual));
        let in_year = before.leap_month().filter(|month| *month <= 10);
        let leap_month = in_year.or_else(|| after.leap_month().filter(|month| *month > 10));
        let mut starts = [0; 14];
        for (start, number) in starts.iter_mut().zip(first..) {
            *start = sky::new_moon(number, meridian);
        }
        Self { leap_month: leap_month.unwrap_or(0), starts }
    }
}
