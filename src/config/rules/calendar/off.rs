//! Which days are off: what becomes of them on weekends, and what is announced year by year.
use chrono::{Datelike, NaiveDate};

use super::Known;
use crate::{
    config::{
        form::{COUNTRY, DATE, ListOf, NAME, OneOf, Whole, hint},
        table::Table,
    },
    domain::{Observed, ObservedIn, OffYear},
};

const OBSERVED: OneOf<Observed> = OneOf(&[
    ("no", Observed::No),
    ("after-sunday", Observed::AfterSunday),
    ("after-weekend", Observed::AfterWeekend),
    ("nearest-weekday", Observed::Nearest),
]);

/// Reads an `[[observed]]`.
pub(super) fn observed(table: &mut Table<'_>, known: &Known<'_>) -> Option<ObservedIn> {
    let meaning = "The country, two capital letters.";
    let country = table.needed("country", &COUNTRY, meaning);
    let meaning = "What becomes of a day off on a weekend: `after-sunday` makes up for a Sunday, \
                   `after-weekend` for a Saturday or Sunday, on the next weekday that is not off; \
                   `nearest-weekday` takes Friday for a Saturday and Monday for a Sunday; `no` \
                   leaves it.";
    let how = table.needed("how", &OBSERVED, meaning);
    let meaning = "For which days; without any, for those that no other row of the country names.";
    let holidays = table.or("holidays", &ListOf(NAME), "[]", meaning)?;
    let places: Vec<_> = holidays
        .iter()
        .enumerate()
        .map(|(element, key)| {
            place(known, key, |message| table.complain_about("holidays", element, message))
        })
        .collect();
    let holidays = places.into_iter().collect::<Option<_>>()?;
    Some(ObservedIn { country: country?, how: how?, holidays })
}

/// Reads a `[[year]]`.
pub(super) fn year(table: &mut Table<'_>, known: &Known<'_>) -> Option<OffYear> {
    let meaning = "The country, two capital letters.";
    let country = table.needed("country", &COUNTRY, meaning);
    let meaning = "The year. What stands here takes the place of all rules of the country for it.";
    let year = table.needed("year", &Whole(2000..=2100_i32), meaning);
    let meaning = "Saturdays and Sundays on which people work.";
    let working = table.or("working", &ListOf(DATE), "[]", meaning);
    let off = table.rows("off", |row| period(row, year, known));
    let (country, year, working) = (country?, year?, working?);
    let mut fits = true;
    for (element, day) in working.iter().enumerate().filter(|(_, day)| day.year() != year) {
        let message = format!("expected a day of {year}, found `{day}`");
        table.complain_about("working", element, message);
        fits = false;
    }
    let off = off.into_iter().collect::<Option<_>>()?;
    fits.then_some(OffYear { country, year, off, working })
}

/// Reads a `[[year.off]]`.
fn period(
    table: &mut Table<'_>,
    year: Option<i32>,
    known: &Known<'_>,
) -> Option<(usize, NaiveDate, NaiveDate)> {
    let holiday =
        table.needed("holiday", &NAME, "The day of the calendar that people have off for.");
    let from = table.needed("from", &DATE, "The first day off.");
    let to = table.needed("to", &DATE, "The last day off.");
    let place = place(known, &holiday?, |message| table.complain("holiday", message));
    let (year, from, to) = (year?, from?, to?);
    for (name, day) in [("from", from), ("to", to)] {
        if day.year() != year {
            table.complain(name, format!("expected a day of {year}, found `{day}`"));
            return None;
        }
    }
    if to < from {
        table.complain("to", format!("expected {from} or a later day"));
        return None;
    }
    Some((place?, from, to))
}

fn place(known: &Known<'_>, key: &str, complain: impl FnOnce(String)) -> Option<usize> {
    match known.outline.place(key) {
        Ok(place) => Some(place),
        Err(near) => {
            if known.outline.is_whole() {
                complain(format!("the calendar has no holiday `{key}`{}", hint(near)));
            }
            None
        }
    }
}
