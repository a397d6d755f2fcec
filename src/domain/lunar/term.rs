//! The 24 solar terms (节气).
use std::str::FromStr;

use chrono::NaiveDate;

use super::{Meridian, sky};

/// One of the 24 solar terms: the day on which the sun reaches a multiple of 15 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SolarTerm(u8);

/// First and last year whose terms are known for certain (published tables).
const YEARS: std::ops::RangeInclusive<i32> = 1901..=2100;

impl SolarTerm {
    /// The names in pinyin, from 小寒 in January to 冬至 in December.
    pub const NAMES: [&str; 24] = [
        "xiaohan",
        "dahan",
        "lichun",
        "yushui",
        "jingzhe",
        "chunfen",
        "qingming",
        "guyu",
        "lixia",
        "xiaoman",
        "mangzhong",
        "xiazhi",
        "xiaoshu",
        "dashu",
        "liqiu",
        "chushu",
        "bailu",
        "qiufen",
        "hanlu",
        "shuangjiang",
        "lidong",
        "xiaoxue",
        "daxue",
        "dongzhi",
    ];

    /// The day of the term in `year`, 1901 to 2100, at `meridian`.
    #[must_use]
    pub fn in_year(self, year: i32, meridian: Meridian) -> Option<NaiveDate> {
        if !YEARS.contains(&year) {
            return None;
        }
        NaiveDate::from_num_days_from_ce_opt(sky::term(year, self.0, meridian))
    }
}

/// The text is not the name of a solar term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a solar term in pinyin such as `qingming`")]
pub struct SolarTermError;

impl FromStr for SolarTerm {
    type Err = SolarTermError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = Self::NAMES.iter().position(|name| *name == text);
        place.and_then(|place| u8::try_from(place).ok()).map(Self).ok_or(SolarTermError)
    }
}
