//! One file as TOML, with the places of everything in it.
use std::{collections::BTreeSet, ops::Range};

use toml::de::{DeTable, DeValue};

use super::Problem;
use crate::domain::one_line;

/// One file as TOML, as far as it could be read.
pub(super) struct Document<'a> {
    pub(super) path: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    /// Lines of which TOML could not make sense.
    broken: BTreeSet<usize>,
}

impl<'a> Document<'a> {
    /// Reads `text` and reports what is no TOML; the rest of the file can still be checked.
    pub(super) fn parse(path: &'a str, text: &'a str, problems: &mut Vec<Problem>) -> Self {
        let (table, mut errors) = DeTable::parse_recoverable(text);
        let mut document = Self { path, text, table: table.into_inner(), broken: BTreeSet::new() };
        let mut values = Vec::new();
        collect_values(text, &document.table, &mut values);
        errors.sort_by_key(start_of);
        if let Some(open) = left_open(&errors) {
            problems.push(document.problem(open.start, LEFT_OPEN.to_owned()));
            document.broken.extend(document.line(open.start)..=document.line(open.end));
        }
        for error in &errors {
            let at = start_of(error);
            let line = document.line(at);
            // One slip often makes a trail of errors.
            if document.broken.contains(&line) {
                continue;
            }
            problems.push(document.problem(at, in_words(error, text)));
            document.broken.insert(line);
            for value in values.iter().filter(|value| (value.start..=value.end).contains(&at)) {
                let lines = document.line(value.start)..=document.line(value.end);
                document.broken.extend(lines);
            }
        }
        document
    }

    fn problem(&self, at: usize, message: String) -> Problem {
        let (line, column) = self.place(at);
        Problem { line: Some(line), column: Some(column), ..Problem::of_file(self.path, message) }
    }

    /// The top of the file.
    pub(super) const fn table(&self) -> &DeTable<'a> {
        &self.table
    }

    /// Whether all of it is TOML, so that what is not there is really missing.
    pub(super) fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }

    /// Whether what stands at `offset` was guessed, and not worth a complaint of its own.
    pub(super) fn is_broken(&self, offset: usize) -> bool {
        self.broken.contains(&self.line(offset))
    }

    /// The line of the byte at `offset`, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.place(offset).0
    }

    /// Line and column, in characters, of the byte at `offset`, both from 1.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Where `content`, the text between the quotes at `span`, begins; `None` if escapes make the
    /// two differ.
    pub(super) fn start_of(&self, content: &str, span: Range<usize>) -> Option<usize> {
        let found = self.text.get(span.clone())?.find(content)?;
        Some(span.start + found)
    }
}

const LEFT_OPEN: &str = "a bracket is left open before this";

fn start_of(error: &toml::de::Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// From where on to where a list or inline table swallows what follows, because its bracket is never
/// closed.
fn left_open(errors: &[toml::de::Error]) -> Option<Range<usize>> {
    let is_end = |error: &&toml::de::Error| {
        ["unclosed array,", "unclosed inline"].iter().any(|text| error.message().starts_with(text))
    };
    let is_inside = |error: &&toml::de::Error| {
        ["between", "inline table", "in array"].iter().any(|text| error.message().contains(text))
    };
    let end = start_of(errors.iter().rfind(is_end)?);
    let start = errors.iter().find(|error| is_inside(error) || is_end(error)).map_or(end, start_of);
    Some(start..end)
}

/// What TOML says, in an admin's words where its own are hard to understand.
fn in_words(error: &toml::de::Error, text: &str) -> String {
    match error.message() {
        "duplicate key" => {
            let key = error.span().and_then(|span| text.get(span)).unwrap_or_default();
            format!("`{}` is here twice", one_line(key, 64))
        }
        message if message.starts_with("string values must be quoted") => {
            "expected a value; a text stands in quotes".to_owned()
        }
        message if message.starts_with("invalid basic string") => {
            "the text is not closed, expected `\"`".to_owned()
        }
        message => message.replace('\n', ", "),
    }
}

/// The places of all values with their keys, sections left out.
fn collect_values(text: &str, table: &DeTable<'_>, values: &mut Vec<Range<usize>>) {
    let is_section = |value: &toml::Spanned<DeValue<'_>>| {
        value.get_ref().is_table() && !text[value.span().start..].starts_with('{')
    };
    for (key, value) in table {
        match value.get_ref() {
            DeValue::Table(inner) if is_section(value) => collect_values(text, inner, values),
            DeValue::Array(items) if items.iter().any(is_section) => {
                for inner in items.iter().filter_map(|item| item.get_ref().as_table()) {
                    collect_values(text, inner, values);
                }
            }
            _ => values.push(key.span().start..value.span().end),
        }
    }
}
