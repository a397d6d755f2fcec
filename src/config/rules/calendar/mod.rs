//! `calendar.toml` and `calendar/*.toml`: days that matter to many, and days off.
mod off;
mod outline;
mod rule;

use super::distinct;
use crate::{
    config::{
        document::Document,
        form::{ByLanguage, COUNTRY, LOCALE, ListOf, NAME},
        table::{Reader, Table},
    },
    domain::{DayRule, DaysOff, Holiday, Locale, ObservedIn, OffYear},
};
use outline::Outline;
use rule::Draft;

/// What is known of all files before one of them is read.
struct Known<'a> {
    outline: &'a Outline,
    /// The file that is being read.
    file: &'a str,
}

/// The days of all files.
pub(super) struct Calendar {
    pub(super) holidays: Vec<Holiday>,
    pub(super) days_off: DaysOff,
}

/// What one file says; `None` for a row that cannot be read.
#[derive(Default)]
struct Rows {
    holidays: Vec<Option<Row>>,
    observed: Vec<Option<ObservedIn>>,
    years: Vec<Option<OffYear>>,
}

/// A holiday whose days are not worked out yet.
struct Row {
    key: String,
    names: Vec<(Locale, String)>,
    rule: Draft,
    kept_in: Vec<String>,
    kept_by: Vec<Locale>,
    off_in: Vec<String>,
}

/// Reads `files`; gives back the days, if all could be read, and the names of the holidays, if they
/// are known.
pub(super) fn read(
    reader: &Reader<'_>,
    files: &[&Document<'_>],
) -> (Option<Calendar>, Option<Vec<String>>) {
    let outline = Outline::of(files);
    let mut all = Rows::default();
    for file in files {
        let known = Known { outline: &outline, file: file.path };
        let rows = reader.read(file, |table| read_file(table, &known, &all.years));
        all.holidays.extend(rows.holidays);
        all.observed.extend(rows.observed);
        all.years.extend(rows.years);
    }
    (outline.keys().and_then(|_| all.finished()), outline.keys())
}

/// Asks for the keys of a file, for the reference.
pub(super) fn describe(table: &mut Table<'_>) {
    let known = Known { outline: &Outline::default(), file: "" };
    drop(read_file(table, &known, &[]));
}

fn read_file(file: &mut Table<'_>, known: &Known<'_>, earlier: &[Option<OffYear>]) -> Rows {
    let rows = file.rows("holiday", |table| Some(holiday(table, known)));
    let keys: Vec<_> = rows.iter().map(|row| row.as_ref()?.0.clone()).collect();
    distinct(file, "holiday", keys.iter().map(Option::as_deref));
    for (place, key) in keys.iter().enumerate() {
        if let Some((key, other)) =
            key.as_ref().and_then(|key| Some((key, known.outline.earlier_file(key, known.file)?)))
        {
            file.complain_about("holiday", place, format!("`{key}` is in `{other}` as well"));
        }
    }
    let observed = file.rows("observed", |table| off::observed(table, known));
    let years = file.rows("year", |table| off::year(table, known));
    for (place, year) in years.iter().enumerate() {
        let Some(year) = year else { continue };
        let before = earlier.iter().chain(&years[..place]).flatten();
        if before
            .into_iter()
            .any(|other| (&other.country, other.year) == (&year.country, year.year))
        {
            let message = format!("{} {} is here twice", year.country, year.year);
            file.complain_about("year", place, message);
        }
    }
    let holidays = rows.into_iter().map(|row| row?.1).collect();
    Rows { holidays, observed, years }
}

/// The key, and the whole row if it could be read.
fn holiday(table: &mut Table<'_>, known: &Known<'_>) -> (Option<String>, Option<Row>) {
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
    let meaning = "Countries whose people keep the day, two capital letters each. A greeting goes to \
                   those who are on this list or on `kept_by`; to everybody if both are empty.";
    let kept_in = table.or("kept_in", &ListOf(COUNTRY), "[]", meaning);
    let meaning = "Languages whose speakers keep the day; `zh` covers `zh-CN`.";
    let kept_by = table.or("kept_by", &ListOf(LOCALE), "[]", meaning);
    let meaning = "Countries in which the day is a day off, whoever keeps it.";
    let off_in = table.or("off_in", &ListOf(COUNTRY), "[]", meaning);
    let rule = table.section("rule", |rule| rule::read(rule, key.as_deref(), known.outline));
    let row = || {
        Some(Row {
            key: key.clone()?,
            names: names?,
            rule: rule?,
            kept_in: kept_in?,
            kept_by: kept_by?,
            off_in: off_in?,
        })
    };
    let row = row();
    (key, row)
}

impl Rows {
    fn finished(self) -> Option<Calendar> {
        let rows: Vec<Row> = self.holidays.into_iter().collect::<Option<_>>()?;
        let observed: Vec<_> = self.observed.into_iter().collect::<Option<_>>()?;
        let years: Vec<_> = self.years.into_iter().collect::<Option<_>>()?;
        let rules: Vec<_> = (0..rows.len()).map(|place| resolved(&rows, place)).collect();
        let holidays: Vec<_> = rows
            .into_iter()
            .zip(rules)
            .map(|(row, rule)| {
                let mut holiday = Holiday::new(row.key, row.names, rule);
                holiday.kept_in = row.kept_in;
                holiday.kept_by = row.kept_by;
                holiday.off_in = row.off_in;
                holiday
            })
            .collect();
        let days_off = DaysOff::new(&holidays, &observed, &years);
        Some(Calendar { holidays, days_off })
    }
}

/// The rule at `place` with what it is counted from. It ends, since the outline has no circles.
fn resolved(rows: &[Row], place: usize) -> DayRule {
    match &rows[place].rule {
        Draft::Rule(rule) => rule.clone(),
        Draft::After { place, days } => {
            DayRule::After { rule: Box::new(resolved(rows, *place)), days: *days }
        }
    }
}
