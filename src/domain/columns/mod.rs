//! Which column of a file is which field.
mod amount;
mod country;
mod date;
mod fields;
mod parse;

use std::collections::BTreeSet;

pub use amount::{AmountError, parse_amount};
pub use country::{CountryError, parse_country};
pub use date::{DateError, parse_date, parse_instant};
pub use parse::FieldProblem;

use self::fields::{Field, FieldNames, fields_of};
use super::{ImportKind, half_width::half_width, text::is_hidden};

/// In `--map COLUMN=field`: leave the column out.
const IGNORE: &str = "ignore";
/// In `--map COLUMN=field`: keep the column as an attribute though a field has its name.
const ATTRIBUTE: &str = "attribute";

/// The columns of one file, each with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    kind: ImportKind,
    headers: Vec<String>,
    targets: Vec<Target>,
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Field(Field),
    Attribute(String),
    Ignored,
}

/// Why the columns of a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnProblem {
    /// A column without which no line can be understood.
    #[error(
        "no column for `{field}`; known names are {}; the file has {}{}",
        quoted(.known), quoted(.found), guess_text(.guess.as_deref())
    )]
    Missing {
        /// The field's name in `--map`.
        field: &'static str,
        /// The names that would have been understood.
        known: Vec<&'static str>,
        /// The names in the file.
        found: Vec<String>,
        /// The column that comes nearest, ready for `--map`.
        guess: Option<String>,
    },
    /// Two columns that would fill one field.
    #[error(
        "columns `{first}` and `{second}` both mean `{field}`; add `--map \"{second}={}\"` or \
         `--map \"{first}={}\"`",
        IGNORE,
        IGNORE
    )]
    Twice {
        /// The field's or attribute's name.
        field: String,
        /// The column on the left.
        first: String,
        /// The column on the right.
        second: String,
    },
    /// `--map` names a column that the file does not have.
    #[error(
        "--map: there is no column `{column}`; the file has {}{}",
        quoted(.found), did_you_mean(.guess.as_deref())
    )]
    UnknownColumn {
        /// The column as given.
        column: String,
        /// The names in the file.
        found: Vec<String>,
        /// The column that comes nearest.
        guess: Option<String>,
    },
    /// `--map` names a field that this kind of file does not have.
    #[error(
        "--map: {kind} have no field `{field}`; expected one of {}{}",
        quoted(.known), did_you_mean(.guess.as_deref())
    )]
    UnknownField {
        /// The kind of file.
        kind: ImportKind,
        /// The field as given.
        field: String,
        /// The fields that there are.
        known: Vec<&'static str>,
        /// The field that comes nearest.
        guess: Option<String>,
    },
}

impl Columns {
    /// Finds the meaning of each column from its name, `overrides` (column, field) first.
    ///
    /// Case, spaces, `_`, `-`, full-width forms and what stands in brackets make no difference. The
    /// field `ignore` leaves a column out, and `attribute` keeps it as an attribute.
    ///
    /// # Errors
    ///
    /// With every problem at once.
    pub fn map(
        kind: ImportKind,
        headers: &[String],
        overrides: &[(String, String)],
    ) -> Result<Self, Vec<ColumnProblem>> {
        let mut mapping =
            Mapping { kind, headers, targets: vec![None; headers.len()], problems: vec![] };
        for (column, field) in overrides {
            mapping.apply(column, field);
        }
        mapping.recognise();
        mapping.refuse_doubles();
        mapping.require();
        if !mapping.problems.is_empty() {
            return Err(mapping.problems);
        }
        let targets = mapping.targets.into_iter().map(|t| t.unwrap_or(Target::Ignored)).collect();
        Ok(Self { kind, headers: headers.to_vec(), targets })
    }

    /// What the lines are.
    #[must_use]
    pub const fn kind(&self) -> ImportKind {
        self.kind
    }

    /// Each column that fills a field, with the field's name.
    pub fn mapped(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.with_targets().filter_map(|(header, target)| match target {
            Target::Field(field) => Some((header, key_of(self.kind, *field))),
            Target::Attribute(_) | Target::Ignored => None,
        })
    }

    /// Each column that becomes an attribute, with the attribute's name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_targets().filter_map(|(header, target)| match target {
            Target::Attribute(name) => Some((header, name.as_str())),
            Target::Field(_) | Target::Ignored => None,
        })
    }

    /// The columns that are left out; one without a name is called by its number, from 1.
    pub fn ignored(&self) -> impl Iterator<Item = String> {
        self.with_targets().enumerate().filter(|(_, (_, target))| **target == Target::Ignored).map(
            |(place, (header, _))| {
                if header.is_empty() { format!("column {}", place + 1) } else { header.to_owned() }
            },
        )
    }

    fn with_targets(&self) -> impl Iterator<Item = (&str, &Target)> {
        self.headers.iter().map(String::as_str).zip(&self.targets)
    }
}

fn key_of(kind: ImportKind, field: Field) -> &'static str {
    fields_of(kind).iter().find(|names| names.field == field).map_or("", |names| names.key)
}

/// A [`Columns`] while it comes about.
struct Mapping<'a> {
    kind: ImportKind,
    headers: &'a [String],
    targets: Vec<Option<Target>>,
    problems: Vec<ColumnProblem>,
}

impl Mapping<'_> {
    fn apply(&mut self, column: &str, field: &str) {
        // Exact first, so that `Name` and `name` in one file can be told apart.
        let place =
            self.headers.iter().position(|header| header == column.trim()).or_else(|| {
                self.headers.iter().position(|header| folded(header) == folded(column))
            });
        let Some(place) = place.filter(|_| !column.trim().is_empty()) else {
            let guess = nearest(column, self.headers.iter().map(String::as_str));
            let (column, found) = (column.to_owned(), self.headers.to_vec());
            self.problems.push(ColumnProblem::UnknownColumn { column, found, guess });
            return;
        };
        let wanted = folded(field);
        let known = fields_of(self.kind).iter().find(|names| folded(names.key) == wanted);
        let target = match (known, wanted.as_str()) {
            (Some(names), _) => Target::Field(names.field),
            (None, IGNORE) => Target::Ignored,
            (None, ATTRIBUTE) if self.kind.keeps_attributes() => {
                Target::Attribute(attribute_name(&self.headers[place]))
            }
            _ => return self.refuse_field(field),
        };
        self.targets[place] = Some(target);
    }

    fn refuse_field(&mut self, field: &str) {
        let mut known: Vec<_> = fields_of(self.kind).iter().map(|names| names.key).collect();
        if self.kind.keeps_attributes() {
            known.push(ATTRIBUTE);
        }
        known.push(IGNORE);
        let guess = nearest(field, known.iter().copied());
        let (kind, field) = (self.kind, field.to_owned());
        self.problems.push(ColumnProblem::UnknownField { kind, field, known, guess });
    }

    /// Gives every column that no override named the field of its name; a field that an override
    /// filled is not filled again.
    fn recognise(&mut self) {
        let taken: BTreeSet<_> = self.filled().collect();
        for (target, header) in self.targets.iter_mut().zip(self.headers) {
            if target.is_some() || header.is_empty() {
                continue;
            }
            let name = folded(header);
            let field = fields_of(self.kind)
                .iter()
                .find(|names| names.spellings().any(|spelling| folded(spelling) == name))
                .map(|names| names.field)
                .filter(|field| !taken.contains(field));
            *target = match field {
                Some(field) => Some(Target::Field(field)),
                None if self.kind.keeps_attributes() => {
                    Some(Target::Attribute(attribute_name(header)))
                }
                None => None,
            };
        }
    }

    fn filled(&self) -> impl Iterator<Item = Field> {
        self.targets.iter().filter_map(|target| match target {
            Some(Target::Field(field)) => Some(*field),
            _ => None,
        })
    }

    fn refuse_doubles(&mut self) {
        for (place, target) in self.targets.iter().enumerate() {
            let earlier = self.targets[..place].iter().position(|other| other == target);
            let (Some(earlier), Some(target)) = (earlier, target) else { continue };
            let field = match target {
                Target::Field(field) => key_of(self.kind, *field).to_owned(),
                Target::Attribute(name) => name.clone(),
                Target::Ignored => continue,
            };
            let (first, second) = (self.headers[earlier].clone(), self.headers[place].clone());
            self.problems.push(ColumnProblem::Twice { field, first, second });
        }
    }

    fn require(&mut self) {
        let filled: BTreeSet<_> = self.filled().collect();
        // An account without a key of the customer's own goes by its name.
        let unnamed = self.kind == ImportKind::Accounts
            && !filled.contains(&Field::Key)
            && !filled.contains(&Field::Name);
        for names in fields_of(self.kind) {
            let needed = names.required || (unnamed && names.field == Field::Name);
            if needed && !filled.contains(&names.field) {
                self.problems.push(self.missing(names));
            }
        }
    }

    fn missing(&self, names: &FieldNames) -> ColumnProblem {
        let free = self
            .headers
            .iter()
            .zip(&self.targets)
            .filter(|(_, target)| !matches!(target, Some(Target::Field(_))))
            .map(|(header, _)| header.as_str());
        let guess = names
            .spellings()
            .filter_map(|spelling| {
                let header = nearest(spelling, free.clone())?;
                Some((distance(&folded(spelling), &folded(&header)), header))
            })
            .min()
            .map(|(_, header)| format!("{header}={}", names.key));
        ColumnProblem::Missing {
            field: names.key,
            known: names.spellings().collect(),
            found: self.headers.iter().filter(|header| !header.is_empty()).cloned().collect(),
            guess,
        }
    }
}

/// A name without what people write differently.
pub(super) fn folded(name: &str) -> String {
    let mut depth = 0_u32;
    half_width(name)
        .chars()
        .filter(|c| {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            let ignored = c.is_whitespace()
                || is_hidden(*c)
                || matches!(c, '_' | '-' | '.' | '/' | '*' | ':' | '#');
            depth == 0 && !ignored
        })
        .collect::<String>()
        .to_lowercase()
}

/// A column's name as an attribute: lower case with `_` for spaces.
fn attribute_name(header: &str) -> String {
    half_width(header).split_whitespace().collect::<Vec<_>>().join("_").to_lowercase()
}

/// The candidate that `text` was most likely meant to be, if one is near.
fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let text = folded(text);
    let allowed = ((text.chars().count() + 1) / 3).max(1);
    candidates
        .map(|candidate| (distance(&text, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed && candidate.chars().count() > *distance
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein's distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn guess_text(guess: Option<&str>) -> String {
    guess.map_or_else(
        || "; name it with `--map COLUMN=field`".to_owned(),
        |guess| format!("; perhaps `--map \"{guess}\"`"),
    )
}

fn did_you_mean(guess: Option<&str>) -> String {
    guess.map_or_else(String::new, |guess| format!("; did you mean `{guess}`?"))
}

#[cfg(test)]
mod tests;
