//! What a section has to say of what is wrong.
use std::fmt;

use super::{super::Problem, Table, join};
use crate::domain::{nearest, one_line};

impl<'r> Table<'r> {
    /// Complains that `name` is missing.
    pub(in crate::config) fn miss(&mut self, name: &'static str, expected: impl fmt::Display) {
        if self.document.is_whole() {
            let problem = self.problem(name, self.at, format!("missing, expected {expected}"));
            self.missing.push((name, problem));
        }
    }

    /// Complains about the value of `name`, or about the section if there is none; an empty `name`
    /// is the section itself.
    pub(in crate::config) fn complain(&self, name: &str, message: impl Into<String>) {
        let at = self.entry(name).map(|(key, _)| key.span().start).or(self.at);
        self.push(name, at, message.into());
    }

    /// Complains about an element of the list `name`.
    pub(in crate::config) fn complain_about(
        &self,
        name: &str,
        element: usize,
        message: impl Into<String>,
    ) {
        let list = self.entry(name).and_then(|(_, value)| value.get_ref().as_array());
        let at = list.and_then(|list| list.get(element)).map(|item| item.span().start);
        self.push(name, at.or(self.at), message.into());
    }

    /// Complains about a line and column, both from 1, of the text of `name`.
    pub(in crate::config) fn complain_inside(
        &self,
        name: &str,
        (line, column): (usize, usize),
        message: impl Into<String>,
    ) {
        let place = self.entry(name).and_then(|(_, value)| {
            let content = value.get_ref().as_str()?;
            let start = self.document.start_of(content, value.span())?;
            let (first_line, first_column) = self.document.place(start);
            let before = if line == 1 { first_column - 1 } else { 0 };
            Some((first_line + line - 1, before + column))
        });
        match place {
            None => self.complain(name, message),
            Some((line, column)) => self.reader.report(Problem {
                file: self.document.path.to_owned(),
                line: Some(line),
                column: Some(column),
                key: join(&self.path, name),
                message: message.into(),
            }),
        }
    }

    pub(super) fn push(&self, name: &str, at: Option<usize>, message: String) {
        if !at.is_some_and(|at| self.document.is_broken(at)) {
            self.reader.report(self.problem(name, at, message));
        }
    }

    fn problem(&self, name: &str, at: Option<usize>, message: String) -> Problem {
        Problem {
            line: at.map(|at| self.document.line(at)),
            key: join(&self.path, name),
            ..Problem::of_file(self.document.path, message)
        }
    }

    /// Keys that nobody asked for, with their places.
    pub(super) fn strangers(&self) -> impl Iterator<Item = (&'r str, usize)> {
        let entries = self.entries.into_iter().flatten();
        entries
            .map(|(key, _)| (key.get_ref().as_ref(), key.span().start))
            .filter(|(name, _)| !self.known.contains(name))
    }

    /// Complains about the keys that nobody asked for and gives back what is missing. A key that is
    /// missing because it is misspelt is one mistake, not two.
    pub(super) fn finish(self) -> Vec<(&'static str, Problem)> {
        let mut missing = self.missing.clone();
        for (name, at) in self.strangers() {
            let message = match nearest(name, self.known.iter().copied()) {
                Some(meant) => {
                    missing.retain(|(name, _)| *name != meant);
                    format!("unknown key, did you mean `{meant}`?")
                }
                None => format!("unknown key, expected one of `{}`", self.known.join("`, `")),
            };
            self.push(&one_line(name, 64), Some(at), message);
        }
        missing
    }
}
