//! Which days are off, and on which weekends people work.
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use chrono::{Datelike, NaiveDate, Weekday};

use super::Holiday;

/// What is unusual about a day in a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayStatus {
    /// A day off on account of a holiday, given by its place in [`Rules::holidays`]: the day itself,
    /// one that stands in for it, or one of a longer period.
    ///
    /// [`Rules::holidays`]: crate::domain::Rules::holidays
    Off(usize),
    /// A day of the weekend on which people work.
    Working,
}

/// What becomes of a day off that falls on a weekend; it is off as well in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Nothing.
    No,
    /// A Sunday is made up for on the next working day of the week that is not off.
    AfterSunday,
    /// A Saturday or Sunday is made up for on the next working day of the week that is not off.
    AfterWeekend,
    /// A Saturday is made up for on the Friday before, a Sunday on the Monday after; if that is off,
    /// on the next working day of the week that is not.
    Nearest,
}

/// How a country makes up for days off that fall on a weekend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedIn {
    /// The country, ISO 3166-1 alpha-2.
    pub country: String,
    /// What becomes of them.
    pub how: Observed,
    /// For which holidays, by their places; none are all that no other row of the country names.
    pub holidays: Vec<usize>,
}

/// The days off of a country in a year as announced, in the place of all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffYear {
    /// The country, ISO 3166-1 alpha-2.
    pub country: String,
    /// The calendar year.
    pub year: i32,
    /// Periods off: the holiday's place, first and last day.
    pub off: Vec<(usize, NaiveDate, NaiveDate)>,
    /// Days of weekends on which people work.
    pub working: Vec<NaiveDate>,
}

/// Which days are off in which countries, worked out once and searched in halves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaysOff {
    /// Countries in order, and where their days stand.
    countries: Vec<(String, Range<usize>)>,
    /// The days of one country after those of another, each in order.
    days: Vec<(NaiveDate, DayStatus)>,
}

type Days = BTreeMap<NaiveDate, DayStatus>;

impl DaysOff {
    /// The days off of all `holidays`, those moved off weekends, and the `announced` ones.
    #[must_use]
    pub fn new(holidays: &[Holiday], observed: &[ObservedIn], announced: &[OffYear]) -> Self {
        let mut countries: BTreeSet<&str> =
            holidays.iter().flat_map(|holiday| &holiday.off_in).map(String::as_str).collect();
        countries.extend(announced.iter().map(|year| year.country.as_str()));
        let mut all = Self::default();
        for country in countries {
            let mut days = by_rule(holidays, observed, country);
            for year in announced.iter().filter(|year| year.country == country) {
                announce(&mut days, year);
            }
            let start = all.days.len();
            all.days.extend(days);
            all.countries.push((country.to_owned(), start..all.days.len()));
        }
        all
    }

    /// What is unusual about `day` in `country`, an ISO 3166-1 alpha-2 code; `None` for a usual
    /// day, a country without days off, and where the country is not known.
    #[must_use]
    pub fn of(&self, country: Option<&str>, day: NaiveDate) -> Option<DayStatus> {
        let country = country?;
        let place =
            self.countries.binary_search_by(|(known, _)| known.as_str().cmp(country)).ok()?;
        let days = &self.days[self.countries[place].1.clone()];
        let place = days.binary_search_by_key(&day, |(known, _)| *known).ok()?;
        Some(days[place].1)
    }
}

/// The days off of `country` without what is announced.
fn by_rule(holidays: &[Holiday], observed: &[ObservedIn], country: &str) -> Days {
    let off_here = |holiday: &Holiday| holiday.off_in.iter().any(|known| known == country);
    let mut days = Days::new();
    let mut to_move = Vec::new();
    for (place, holiday) in holidays.iter().enumerate().filter(|(_, holiday)| off_here(holiday)) {
        let how = how_observed(observed, country, place);
        for day in &holiday.days {
            days.entry(*day).or_insert(DayStatus::Off(place));
            if how.moves(day.weekday()) {
                to_move.push((*day, place, how));
            }
        }
    }
    // In the order of the days, so that of Christmas and Boxing Day the first one takes Monday.
    to_move.sort_by_key(|(day, place, _)| (*day, *place));
    for (day, place, how) in to_move {
        if let Some(free) = how.instead_of(day, &days) {
            days.insert(free, DayStatus::Off(place));
        }
    }
    days
}

fn how_observed(observed: &[ObservedIn], country: &str, place: usize) -> Observed {
    let mut rows = observed.iter().filter(|row| row.country == country);
    let named = rows.clone().find(|row| row.holidays.contains(&place));
    named.or_else(|| rows.find(|row| row.holidays.is_empty())).map_or(Observed::No, |row| row.how)
}

impl Observed {
    const fn moves(self, weekday: Weekday) -> bool {
        match self {
            Self::No => false,
            Self::AfterSunday => matches!(weekday, Weekday::Sun),
            Self::AfterWeekend | Self::Nearest => matches!(weekday, Weekday::Sat | Weekday::Sun),
        }
    }

    /// The day that stands in for `day`, which falls on a weekend.
    fn instead_of(self, day: NaiveDate, days: &Days) -> Option<NaiveDate> {
        let is_free = |day: &NaiveDate| {
            !is_weekend(*day) && !matches!(days.get(day), Some(DayStatus::Off(_)))
        };
        let friday = day.pred_opt().filter(|friday| {
            self == Self::Nearest && day.weekday() == Weekday::Sat && is_free(friday)
        });
        friday.or_else(|| day.iter_days().find(is_free))
    }
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Puts what is announced for a year into the place of what the rules say of it.
fn announce(days: &mut Days, year: &OffYear) {
    days.retain(|day, _| day.year() != year.year);
    for (holiday, from, to) in &year.off {
        for day in from.iter_days().take_while(|day| day <= to) {
            days.insert(day, DayStatus::Off(*holiday));
        }
    }
    days.extend(year.working.iter().map(|day| (*day, DayStatus::Working)));
}
