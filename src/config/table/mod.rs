//! A section that hands out typed values, and complains about the rest.
//!
//! Each key is written down once, where it is read: its name, its form, its default as TOML, its
//! meaning. From that come the value, the complaints and the reference. A reader asks for all keys of
//! its section before it gives up on one of them, so that every problem is found at once.
mod complain;
mod reader;

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Problem,
    document::Document,
    form::{Complaint, Form, found},
    secret::{self, SecretPlace},
};
use crate::domain::{Place, one_line};

pub(super) use reader::{Asked, Need, Reader};

/// A complaint was made, so there is nothing to go on with.
#[derive(Debug)]
pub(super) struct Complained;

/// One section of a file; of one that is not there, nothing but its name.
pub(super) struct Table<'r> {
    reader: &'r Reader<'r>,
    document: &'r Document<'r>,
    entries: Option<&'r DeTable<'r>>,
    /// The keys that lead here, such as `delivery.relay.main`.
    path: String,
    /// The same as the reference shows it, such as `[[scheme.tier]]`.
    heading: String,
    /// Where the section begins, if it is there.
    at: Option<usize>,
    known: Vec<&'static str>,
    /// What is missing, by the key of this section that it is missing under. It is told at the end,
    /// unless the key turns out to be misspelt.
    missing: Vec<(&'static str, Problem)>,
    /// Whether secrets are wanted; those of a section that is not in use may be absent.
    in_use: bool,
}

impl<'r> Table<'r> {
    /// The top of a file.
    fn top(reader: &'r Reader<'r>, document: &'r Document<'r>) -> Self {
        Self {
            reader,
            document,
            entries: Some(document.table()),
            path: String::new(),
            heading: String::new(),
            at: None,
            known: Vec::new(),
            missing: Vec::new(),
            in_use: true,
        }
    }

    /// A value that must be there.
    pub(super) fn needed<F: Form>(
        &mut self,
        name: &'static str,
        form: &F,
        meaning: &'static str,
    ) -> Option<F::Value> {
        self.ask(name, form.expected(), Need::Required, meaning);
        if self.entry(name).is_none() {
            self.miss(name, form.expected());
        }
        self.given(name, form)
    }

    /// A value that is `default`, in TOML, unless something else is given.
    pub(super) fn or<F: Form>(
        &mut self,
        name: &'static str,
        form: &F,
        default: &'static str,
        meaning: &'static str,
    ) -> Option<F::Value> {
        self.ask(name, form.expected(), Need::Default(default), meaning);
        if self.entry(name).is_some() {
            return self.given(name, form);
        }
        let default = DeValue::parse(default).expect("defaults are TOML, as a test proves");
        Some(form.read(&default).expect("defaults are of their form, as a test proves"))
    }

    /// A value that may be absent; `otherwise` says what happens then.
    pub(super) fn optional<F: Form>(
        &mut self,
        name: &'static str,
        form: &F,
        otherwise: &'static str,
        meaning: &'static str,
    ) -> Option<F::Value> {
        self.ask(name, form.expected(), Need::Otherwise(otherwise), meaning);
        self.given(name, form)
    }

    /// The same, telling a value that is absent from one that was complained about.
    pub(super) fn given_if_any<F: Form>(
        &mut self,
        name: &'static str,
        form: &F,
        otherwise: &'static str,
        meaning: &'static str,
    ) -> Result<Option<F::Value>, Complained> {
        let value = self.optional(name, form, otherwise, meaning);
        if value.is_none() && self.has(name) { Err(Complained) } else { Ok(value) }
    }

    /// The secret at `place`, which was read from the key `name`.
    pub(super) fn resolve(&self, name: &str, place: &SecretPlace) -> Option<String> {
        if !self.in_use {
            return None;
        }
        secret::resolve(place, self.reader.base, self.reader.environment)
            .map_err(|message| self.complain(name, message))
            .ok()
    }

    /// What relative paths are relative to.
    pub(super) const fn base(&self) -> &Path {
        self.reader.base
    }

    /// Where the key `name` stands, or the section if it is not there.
    pub(super) fn place(&self, name: &str) -> Place {
        let at = self.entry(name).map(|(key, _)| key.span().start).or(self.at).unwrap_or(0);
        let line = u32::try_from(self.document.line(at)).unwrap_or(u32::MAX);
        Place { file: self.document.path.to_owned(), line }
    }

    /// Reads the section and complains about what is left over or missing.
    fn finished<T>(mut self, read: impl FnOnce(&mut Table<'_>) -> T) -> T {
        let (value, reader) = (read(&mut self), self.reader);
        self.finish().into_iter().for_each(|(_, problem)| reader.report(problem));
        value
    }

    /// Reads the section `name` below this one; if it is not there, its keys are missing or take
    /// their defaults one by one.
    pub(super) fn section<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> Option<T>,
    ) -> Option<T> {
        self.section_if(true, name, read)
    }

    /// Reads the section `name` below this one. Unless `in_use` it may be absent, and so may its
    /// secrets.
    pub(super) fn section_if<T>(
        &mut self,
        in_use: bool,
        name: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> Option<T>,
    ) -> Option<T> {
        self.known.push(name);
        let heading = format!("[{}]", join(bare(&self.heading), name));
        let path = join(&self.path, name);
        let entry = self.entry(name).map(|(_, value)| value);
        if entry.is_none() && !in_use && !self.reader.is_recording() {
            return None;
        }
        let place = match entry {
            None => None,
            Some(value) => Some((value, self.as_section(name, value)?)),
        };
        let below = self.below(path, heading, place);
        let mut table = Table { in_use: in_use && self.in_use, ..below };
        let value = read(&mut table);
        let is_there = table.at.is_some();
        for (_, problem) in table.finish() {
            if is_there { self.reader.report(problem) } else { self.missing.push((name, problem)) }
        }
        value
    }

    /// Reads each `[[name]]`.
    pub(super) fn rows<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Table<'_>) -> Option<T>,
    ) -> Vec<Option<T>> {
        self.known.push(name);
        let heading = format!("[[{}]]", join(bare(&self.heading), name));
        let Some((_, value)) = self.entry(name) else {
            if self.reader.is_recording() {
                return vec![self.below(String::new(), heading, None).finished(read)];
            }
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            let found = found(value.get_ref());
            self.complain(name, format!("expected sections {heading}, found {found}"));
            return vec![None];
        };
        let mut rows = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let Some(entries) = self.as_section(name, item) else {
                rows.push(None);
                continue;
            };
            let key = entries.get("key").and_then(|key| key.get_ref().as_str());
            let label = key.map_or_else(|| (number + 1).to_string(), |key| one_line(key, 64));
            let path = format!("{}[{label}]", join(&self.path, name));
            let row = self.below(path, heading.clone(), Some((item, entries)));
            rows.push(row.finished(&mut read));
        }
        rows
    }

    /// Reads each `[name.NAME]`, whose names are the admin's choice.
    pub(super) fn named<T>(
        &mut self,
        name: &'static str,
        read: impl FnMut(&mut Table<'_>, &str) -> Option<T>,
    ) -> Vec<Option<T>> {
        self.named_if(true, name, read)
    }

    /// Reads each `[name.NAME]`. Unless `in_use` their secrets may be absent.
    pub(super) fn named_if<T>(
        &mut self,
        in_use: bool,
        name: &'static str,
        mut read: impl FnMut(&mut Table<'_>, &str) -> Option<T>,
    ) -> Vec<Option<T>> {
        self.known.push(name);
        let heading = format!("[{}.NAME]", join(bare(&self.heading), name));
        let Some((_, value)) = self.entry(name) else {
            if self.reader.is_recording() {
                let blank = self.below(String::new(), heading, None);
                return vec![blank.finished(|table| read(table, "NAME"))];
            }
            return Vec::new();
        };
        let Some(entries) = self.as_section(name, value) else { return vec![None] };
        let mut sections = Vec::new();
        let is_stray = |value: &Spanned<DeValue<'_>>| !value.get_ref().is_table();
        if let Some((key, value)) = entries.iter().find(|(_, value)| is_stray(value)) {
            let (key, at) = (join(name, &one_line(key.get_ref(), 64)), key.span().start);
            let found = found(value.get_ref());
            let message = format!("expected sections `{heading}` with keys in them, found {found}");
            self.push(&key, Some(at), message);
            return vec![None];
        }
        for (key, value) in entries {
            let key = key.get_ref();
            let path = join(&join(&self.path, name), &one_line(key, 64));
            sections.push(self.as_section(name, value).and_then(|entries| {
                let below = self.below(path, heading.clone(), Some((value, entries)));
                let table = Table { in_use: in_use && self.in_use, ..below };
                table.finished(|table| read(table, key))
            }));
        }
        sections
    }

    /// Whether every key of the section is one that was asked for by now.
    pub(super) fn is_understood(&self) -> bool {
        self.document.is_whole() && self.strangers().next().is_none()
    }

    /// Whether the key `name` is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(
        &self,
        name: &str,
    ) -> Option<(&'r Spanned<toml::de::DeString<'r>>, &'r Spanned<DeValue<'r>>)> {
        self.entries?.get_key_value(name)
    }

    fn ask(&mut self, name: &'static str, expected: String, need: Need, meaning: &'static str) {
        self.known.push(name);
        let heading = self.heading.clone();
        self.reader.note(Asked { heading, name, expected, need, meaning });
    }

    fn given<F: Form>(&self, name: &str, form: &F) -> Option<F::Value> {
        let (_, value) = self.entry(name)?;
        match form.read(value) {
            Ok(value) => Some(value),
            Err(complaints) => {
                for Complaint { at, message } in complaints {
                    self.push(name, Some(at), message);
                }
                None
            }
        }
    }

    fn as_section(&self, name: &str, value: &'r Spanned<DeValue<'r>>) -> Option<&'r DeTable<'r>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let message = format!("expected a section, found {}", found(value.get_ref()));
            self.push(name, Some(value.span().start), message);
        }
        table
    }

    fn below(
        &self,
        path: String,
        heading: String,
        place: Option<(&Spanned<DeValue<'r>>, &'r DeTable<'r>)>,
    ) -> Table<'r> {
        Table {
            reader: self.reader,
            document: self.document,
            entries: place.map(|(_, entries)| entries),
            path,
            heading,
            at: place.map(|(value, _)| value.span().start),
            known: Vec::new(),
            missing: Vec::new(),
            in_use: self.in_use,
        }
    }
}

fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

/// A heading without its brackets.
fn bare(heading: &str) -> &str {
    heading.trim_matches(['[', ']'])
}
