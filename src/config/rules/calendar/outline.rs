//! What the files of the calendar name, before any of them is read: a day may refer to another one
//! that stands further down or in another file.
use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use crate::config::document::Document;

/// The sections that a file of the calendar has.
const SECTIONS: [&str; 3] = ["holiday", "observed", "year"];

/// The holidays of all files, in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Outline {
    holidays: Vec<Named>,
    /// The first place of each key.
    places: HashMap<String, usize>,
    /// Whether all names could be read. If not, a complaint about a reference would only echo
    /// another one.
    is_whole: bool,
}

#[derive(Debug)]
struct Named {
    key: String,
    file: String,
    /// The holiday from which this one is counted.
    after: Option<String>,
}

impl Outline {
    pub(super) fn of(files: &[&Document<'_>]) -> Self {
        let mut outline = Self { is_whole: true, ..Self::default() };
        for file in files {
            let table = file.table();
            let understood = table.keys().all(|key| SECTIONS.contains(&key.get_ref().as_ref()));
            outline.is_whole &= file.is_whole() && understood;
            let rows = table.get("holiday").and_then(|rows| rows.get_ref().as_array());
            for row in rows.into_iter().flatten() {
                let row = row.get_ref().as_table();
                match row.and_then(|row| text(row, "key")) {
                    None => outline.is_whole = false,
                    Some(key) => {
                        let place = outline.holidays.len();
                        outline.places.entry(key.to_owned()).or_insert(place);
                        outline.holidays.push(Named {
                            key: key.to_owned(),
                            file: file.path.to_owned(),
                            after: row.and_then(after).map(ToOwned::to_owned),
                        });
                    }
                }
            }
        }
        outline
    }

    /// The names, unless one cannot be read.
    pub(super) fn keys(&self) -> Option<Vec<String>> {
        self.is_whole.then(|| self.holidays.iter().map(|named| named.key.clone()).collect())
    }

    /// The place of the holiday `key`; `Err` with the nearest name if there is none.
    pub(super) fn place(&self, key: &str) -> Result<usize, Option<&str>> {
        let keys = self.holidays.iter().map(|named| named.key.as_str());
        self.places.get(key).copied().ok_or_else(|| crate::domain::nearest(key, keys))
    }

    /// Whether a complaint about a reference would be news.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The file that has the holiday `key` before `file` has.
    pub(super) fn earlier_file(&self, key: &str, file: &str) -> Option<&str> {
        let first = self.holidays.iter().find(|named| named.key == key)?;
        (first.file != file).then_some(first.file.as_str())
    }

    /// The circle of holidays that `key` is part of, each counted from the next one, beginning with
    /// the one that is named first in the files.
    pub(super) fn circle(&self, key: &str) -> Option<Vec<&str>> {
        let named = |key: &str| self.places.get(key).copied();
        let first = named(key)?;
        let mut circle = vec![first];
        // Back where it began, or in somebody else's circle, or at the end.
        loop {
            let next = named(self.holidays[*circle.last()?].after.as_deref()?)?;
            if next == first {
                break;
            }
            if circle.len() == self.holidays.len() {
                return None;
            }
            circle.push(next);
        }
        let first = (0..circle.len()).min_by_key(|at| circle[*at])?;
        circle.rotate_left(first);
        Some(circle.into_iter().map(|place| self.holidays[place].key.as_str()).collect())
    }
}

fn text<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

fn after<'a>(holiday: &'a DeTable<'_>) -> Option<&'a str> {
    match holiday.get("rule")?.get_ref() {
        DeValue::Table(rule) => text(rule, "after"),
        _ => None,
    }
}
