//! `calendar.toml`: days that matter to many.
use chrono::NaiveDate;

use super::distinct;
use crate::{
    config::{
        form::{ByLanguage, NAME, Whole, YesNo},
        table::Table,
    },
    domain::{DayRule, Holiday, Locale},
};

/// The holidays, if all could be read, and what is known of their names.
type Holidays = (Option<Vec<Holiday>>, Option<Vec<String>>);

/// Reads the whole file.
pub(super) fn read(file: &mut Table<'_>) -> Holidays {
    let drafts = file.rows("holiday", |table| Some(holiday(table)));
    let keys = drafts.iter().map(|draft| draft.as_ref()?.0.as_deref());
    let names = distinct(file, "holiday", keys).filter(|_| file.is_understood());
    let holidays = drafts.into_iter().map(|draft| {
        let (key, names, rule) = draft?;
        Some(Holiday::new(key?, names?, rule?))
    });
    (holidays.collect(), names)
}

type Draft = (Option<String>, Option<Vec<(Locale, String)>>, Option<DayRule>);

fn holiday(table: &mut Table<'_>) -> Draft {
    let key = table.needed("key", &NAME, "The name of the day, for campaigns.");
    let meaning =
        "What the day is called. English is needed; it serves languages that have no name.";
    let names = table.needed("names", &ByLanguage, meaning);
    let has_english = names
        .as_ref()
        .is_none_or(|names| names.iter().any(|(locale, _)| *locale == Locale::english()));
    if !has_english {
        table.complain("names", "missing `en`, the name in English");
    }
    (key, names, table.section("rule", rule))
}

fn rule(table: &mut Table<'_>) -> Option<DayRule> {
    let meaning = "Whether month and day are those of the Chinese calendar.";
    let lunar = table.or("lunar", &YesNo, "false", meaning);
    let month = table.needed("month", &Whole(1..=12_u8), "The month.");
    let meaning = "The day of the month. 29 February is kept in leap years only; the 30th of a \
                   Chinese month of 29 days is its 29th.";
    let day = table.needed("day", &Whole(1..=31_u8), meaning);
    let (lunar, month, day) = (lunar?, month?, day?);
    let last = if lunar { 30 } else { last_day(month) };
    if day > last {
        table.complain("day", format!("expected 1 to {last} in that month, found `{day}`"));
        return None;
    }
    Some(if lunar { DayRule::Lunar { month, day } } else { DayRule::Fixed { month, day } })
}

/// The last day that `month` has in any year.
fn last_day(month: u8) -> u8 {
    const LEAP_YEAR: i32 = 2024;
    let exists =
        |day: &u8| NaiveDate::from_ymd_opt(LEAP_YEAR, month.into(), (*day).into()).is_some();
    (29..=31).rev().find(exists).unwrap_or(31)
}
