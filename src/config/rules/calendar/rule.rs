//! The rule by which the days of a holiday are found.
use chrono::{NaiveDate, Weekday};

use super::outline::Outline;
use crate::{
    config::{
        form::{DATE, ListOf, NAME, NthOrLast, OneOf, TERM, WEEKDAY, Whole, YesNo, hint},
        table::Table,
    },
    domain::{Church, DayRule, LunarDay, Meridian, Nth, Seek, SolarTerm},
};

/// A rule whose reference to another holiday is not followed yet.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    Rule(DayRule),
    After { place: usize, days: i16 },
}

const ZONES: OneOf<Meridian> =
    OneOf(&[("UTC+8", Meridian::China), ("UTC+9", Meridian::Korea), ("UTC+7", Meridian::Vietnam)]);

const CHURCHES: OneOf<Church> =
    OneOf(&[("western", Church::Western), ("orthodox", Church::Orthodox)]);

const SIDES: OneOf<Seek> =
    OneOf(&[("on-or-after", Seek::OnOrAfter), ("on-or-before", Seek::OnOrBefore)]);

/// The keys one of which says what kind of rule it is, and those that may stand beside each.
const KINDS: [(&str, &[&str]); 5] = [
    ("month", &["day", "lunar", "leap", "zone", "weekday", "nth", "seek"]),
    ("easter", &["days"]),
    ("term", &["zone"]),
    ("after", &["days"]),
    ("dates", &[]),
];

/// Everything that a rule may say.
struct Asked {
    month: Option<u8>,
    day: Option<Nth>,
    weekday: Option<usize>,
    nth: Option<Nth>,
    seek: Option<Seek>,
    lunar: Option<bool>,
    leap: Option<bool>,
    zone: Option<Meridian>,
    easter: Option<Church>,
    term: Option<SolarTerm>,
    after: Option<String>,
    days: Option<i16>,
    dates: Option<Vec<NaiveDate>>,
}

impl Asked {
    fn of(table: &mut Table<'_>) -> Self {
        let (none, another) = ("none", "another kind of rule");
        let meaning = "The month, 1 to 12.";
        let month = table.optional("month", &Whole(1..=12_u8), another, meaning);
        let meaning = "The day of the month. 29 February is kept in leap years only; the 30th of a \
                       Chinese month of 29 days is its 29th, and so is `\"last\"`.";
        let day = table.optional("day", &NthOrLast(1..=31), "`weekday` and `nth`", meaning);
        let meaning = "A day of the week instead of a day of the month, or, beside one, near it.";
        let weekday = table.optional("weekday", &WEEKDAY, none, meaning);
        let meaning = "Which of these weekdays of the month.";
        let nth = table.optional("nth", &NthOrLast(1..=5), "`day` and `seek`", meaning);
        let meaning = "Where to look for the weekday from `day`, which counts itself.";
        let seek = table.optional("seek", &SIDES, "`nth`", meaning);
        let meaning = "Whether month and day are those of the Chinese calendar.";
        let lunar = table.or("lunar", &YesNo, "false", meaning);
        let meaning = "Whether the leap month of that number is meant, which few years have.";
        let leap = table.or("leap", &YesNo, "false", meaning);
        let meaning = "Whose midnight ends a day of the moon or a solar term: `UTC+8` is China \
                       Standard Time, `UTC+9` that of Korea and Japan, `UTC+7` that of Vietnam.";
        let zone = table.or("zone", &ZONES, "\"UTC+8\"", meaning);
        let meaning = "Whose Easter Sunday the days are counted from.";
        let easter = table.optional("easter", &CHURCHES, another, meaning);
        let meaning = "A solar term, by its name in pinyin.";
        let term = table.optional("term", &TERM, another, meaning);
        let meaning = "The day of the calendar from which the days are counted.";
        let after = table.optional("after", &NAME, another, meaning);
        let meaning = "Days after Easter Sunday or the day of `after`; before it if negative.";
        let days = table.or("days", &Whole(-366..=366_i16), "0", meaning);
        let meaning = "The days themselves, year by year.";
        let dates = table.optional("dates", &ListOf(DATE), another, meaning);
        Self { month, day, weekday, nth, seek, lunar, leap, zone, easter, term, after, days, dates }
    }
}

/// Reads the rule of the holiday `key`.
pub(super) fn read(table: &mut Table<'_>, key: Option<&str>, outline: &Outline) -> Option<Draft> {
    let asked = Asked::of(table);
    let kind = kind(table)?;
    match kind {
        "easter" => Some(Draft::Rule(DayRule::Easter { church: asked.easter?, days: asked.days? })),
        "term" => Some(Draft::Rule(DayRule::Term { term: asked.term?, meridian: asked.zone? })),
        "dates" => Some(Draft::Rule(DayRule::Dates(asked.dates?))),
        "after" => after(table, key, &asked, outline),
        _ if asked.lunar? => lunar(table, &asked).map(Draft::Rule),
        _ => of_month(table, &asked).map(Draft::Rule),
    }
}

/// What kind of rule it is, if its keys fit together.
fn kind(table: &mut Table<'_>) -> Option<&'static str> {
    let mut kinds = KINDS.iter().filter(|(name, _)| table.has(name));
    let Some((kind, fitting)) = kinds.next() else {
        table.miss("month", "a month, or one of `easter`, `term`, `after`, `dates`");
        return None;
    };
    let is_stray = |name: &&str| table.has(name) && name != kind && !fitting.contains(name);
    let all = KINDS.iter().flat_map(|(name, beside)| std::iter::once(name).chain(*beside));
    let mut strays: Vec<_> = all.copied().filter(is_stray).collect();
    strays.sort_unstable();
    strays.dedup();
    for stray in &strays {
        table.complain(stray, format!("does not go with `{kind}`"));
    }
    strays.is_empty().then_some(kind)
}

fn after(table: &Table<'_>, key: Option<&str>, asked: &Asked, outline: &Outline) -> Option<Draft> {
    let other = asked.after.as_deref()?;
    if let Some(circle) = key.and_then(|key| outline.circle(key)) {
        // Once for all that are in it.
        if key == circle.first().copied() {
            let message = format!("goes in a circle: `{}`, `{}`", circle.join("`, `"), circle[0]);
            table.complain("after", message);
        }
        return None;
    }
    match outline.place(other) {
        Ok(place) => Some(Draft::After { place, days: asked.days? }),
        Err(near) => {
            if outline.is_whole() {
                let message = format!("the calendar has no holiday `{other}`{}", hint(near));
                table.complain("after", message);
            }
            None
        }
    }
}

fn lunar(table: &mut Table<'_>, asked: &Asked) -> Option<DayRule> {
    let mut fits = true;
    for stray in ["weekday", "nth", "seek"].into_iter().filter(|name| table.has(name)) {
        table.complain(stray, "does not go with `lunar`");
        fits = false;
    }
    let day = match day(table, asked)? {
        Nth::Last => 30,
        Nth::Number(day) => day,
    };
    if day > 30 {
        table.complain("day", format!("expected 1 to 30 in that month, found `{day}`"));
        fits = false;
    }
    let lunar = LunarDay { month: asked.month?, leap: asked.leap?, day, meridian: asked.zone? };
    fits.then_some(DayRule::Lunar(lunar))
}

fn of_month(table: &mut Table<'_>, asked: &Asked) -> Option<DayRule> {
    let mut fits = true;
    for stray in ["leap", "zone"].into_iter().filter(|name| table.has(name)) {
        table.complain(stray, "goes with `lunar = true` only");
        fits = false;
    }
    if !table.has("weekday") {
        for stray in ["nth", "seek"].into_iter().filter(|name| table.has(name)) {
            table.complain(stray, "goes with `weekday` only");
            fits = false;
        }
        let day = day_of_month(table, asked)?;
        return fits.then_some(DayRule::Fixed { month: asked.month?, day });
    }
    let weekday = weekday(asked.weekday?)?;
    let month = asked.month?;
    let rule = if table.has("day") {
        if table.has("nth") {
            table.complain("nth", "does not go with `day`");
            fits = false;
        }
        if !table.has("seek") {
            table.miss("seek", "`on-or-after` or `on-or-before`");
        }
        let day = day_of_month(table, asked)?;
        DayRule::Near { month, day, weekday, seek: asked.seek? }
    } else {
        if table.has("seek") {
            table.complain("seek", "goes with `day` only");
            fits = false;
        }
        if !table.has("nth") {
            table.miss("nth", "1 to 5 or `last`");
        }
        DayRule::Weekday { month, weekday, nth: asked.nth? }
    };
    fits.then_some(rule)
}

fn day(table: &mut Table<'_>, asked: &Asked) -> Option<Nth> {
    if !table.has("day") {
        table.miss("day", "a day of the month");
    }
    asked.day
}

/// A day that `month` has in a leap year.
fn day_of_month(table: &mut Table<'_>, asked: &Asked) -> Option<u8> {
    let day = day(table, asked)?;
    let month = asked.month?;
    let last = last_day(month);
    match day {
        Nth::Number(day) if day <= last => Some(day),
        Nth::Number(day) => {
            table.complain("day", format!("expected 1 to {last} in that month, found `{day}`"));
            None
        }
        Nth::Last => {
            table.complain("day", "`last` goes with `lunar = true` only");
            None
        }
    }
}

fn weekday(number: usize) -> Option<Weekday> {
    Weekday::try_from(u8::try_from(number).ok()?).ok()
}

/// The last day that `month` has in any year.
fn last_day(month: u8) -> u8 {
    const LEAP_YEAR: i32 = 2024;
    let exists =
        |day: &u8| NaiveDate::from_ymd_opt(LEAP_YEAR, month.into(), (*day).into()).is_some();
    (29..=31).rev().find(exists).unwrap_or(31)
}
