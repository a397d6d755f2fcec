//! `[event]` of a campaign: what is invited to, or reminded of.
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use crate::{
    config::{
        form::{ByLanguage, DATE, Moment, OneOf, Whole, YesNo, ZONE},
        table::Table,
    },
    domain::{Event, EventKind, Locale, instant},
};

const EVENT_KINDS: OneOf<EventKind> = OneOf(&[
    ("meeting", EventKind::Meeting),
    ("reminder", EventKind::Reminder),
    ("day", EventKind::Day { yearly: false }),
]);

/// Reads the section.
pub(super) fn event(table: &mut Table<'_>) -> Option<Event> {
    let meaning = "What a calendar makes of it: `meeting` asks the reader to come and to answer, \
                   `reminder` is an entry that asks for nothing, `day` the same for a whole day.";
    let kind = table.or("kind", &EVENT_KINDS, "\"meeting\"", meaning);
    let is_day = kind.map(|kind| matches!(kind, EventKind::Day { .. }));
    let hours = hours(table, is_day);
    let day = day(table, is_day);
    let zone = table.needed("zone", &ZONE, "The time zone of the place.");
    let titles = table.needed("title", &ByLanguage, "What it is called; English is needed.");
    let places = table.needed("place", &ByLanguage, "Where it is; English is needed.");
    let meaning = "How often it has been changed since the first invitation; calendars take the \
                   highest.";
    let sequence = table.or("sequence", &Whole(0..=9999_u32), "0", meaning);
    for (name, texts) in [("title", &titles), ("place", &places)] {
        let has_english = |texts: &Vec<(Locale, String)>| {
            texts.iter().any(|(locale, _)| *locale == Locale::english())
        };
        if texts.as_ref().is_some_and(|texts| !has_english(texts)) {
            table.complain(name, "missing `en`, the text in English");
        }
    }
    let (zone, (day, yearly)) = (zone?, day);
    let ([starts_at, ends_at], kind) = match kind? {
        EventKind::Day { .. } => (Event::hours_of(day?, zone), EventKind::Day { yearly: yearly? }),
        kind => (hours.map(|hours| span(hours, zone))?, kind),
    };
    let (titles, places, sequence) = (titles?, places?, sequence?);
    Some(Event { kind, starts_at, ends_at, zone, titles, places, sequence })
}

fn span(hours: [NaiveDateTime; 2], zone: Tz) -> [DateTime<Utc>; 2] {
    hours.map(|at| instant(at, zone))
}

fn hours(table: &mut Table<'_>, is_day: Option<bool>) -> Option<[NaiveDateTime; 2]> {
    let otherwise = "needed unless it is a whole day";
    let meaning = "When it begins, by the clocks of the place.";
    let starts = table.optional("starts", &Moment, otherwise, meaning);
    let ends = table.optional("ends", &Moment, otherwise, "When it ends.");
    for name in ["starts", "ends"] {
        fits(table, name, is_day.map(|is_day| !is_day), "a day and a time, or `kind = \"day\"`");
    }
    let (starts, ends) = (starts?, ends?);
    if ends <= starts {
        table.complain("ends", format!("expected a time after `starts`, which is {starts}"));
    }
    Some([starts, ends])
}

/// A whole day, and whether it is the same each year.
fn day(table: &mut Table<'_>, is_day: Option<bool>) -> (Option<NaiveDate>, Option<bool>) {
    let meaning = "Which day it is, in place of `starts` and `ends`.";
    let day = table.optional("day", &DATE, "needed for a whole day", meaning);
    let meaning = "Whether the day is the same each year by the sun; the calendar has it for good.";
    let yearly = table.or("yearly", &YesNo, "false", meaning);
    fits(table, "day", is_day, "a day such as 2026-10-08, which `kind = \"day\"` needs");
    if is_day == Some(false) && table.has("yearly") {
        table.complain("yearly", "expected only with `kind = \"day\"`");
    }
    let is_leap_day = day.is_some_and(|day| (day.month(), day.day()) == (2, 29));
    if yearly == Some(true) && is_leap_day {
        table.complain(
            "yearly",
            "expected a day of every year, and calendars leave 29 February out",
        );
    }
    (day, yearly)
}

/// Complains about a key that is missing where it is wanted, or there where it means nothing.
fn fits(table: &mut Table<'_>, name: &'static str, is_wanted: Option<bool>, expected: &str) {
    match is_wanted {
        Some(true) if !table.has(name) => table.miss(name, expected),
        Some(false) if table.has(name) => {
            table.complain(name, "makes no sense with this `kind`");
        }
        _ => {}
    }
}
