//! What all sections have in common: problems, surroundings, and the notes for the reference.
use std::{cell::RefCell, path::Path};

use super::{
    super::{Problem, document::Document},
    Table,
};

/// What all sections have in common.
pub(in crate::config) struct Reader<'a> {
    /// What relative paths are relative to.
    pub(in crate::config) base: &'a Path,
    /// Reads an environment variable.
    pub(in crate::config) environment: &'a dyn Fn(&str) -> Option<String>,
    problems: RefCell<Vec<Problem>>,
    /// Every key that was asked for, while the reference is written.
    asked: Option<RefCell<Vec<Asked>>>,
}

/// A key that a section was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Asked {
    /// The section as it is written, such as `[delivery.relay.NAME]`; empty at the top of a file.
    pub(in crate::config) heading: String,
    pub(in crate::config) name: &'static str,
    pub(in crate::config) expected: String,
    pub(in crate::config) need: Need,
    pub(in crate::config) meaning: &'static str,
}

/// What happens without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Need {
    /// It is missed.
    Required,
    /// This value, in TOML, is taken.
    Default(&'static str),
    /// What these words say.
    Otherwise(&'static str),
}

impl<'a> Reader<'a> {
    pub(in crate::config) fn new(
        base: &'a Path,
        environment: &'a dyn Fn(&str) -> Option<String>,
        problems: Vec<Problem>,
    ) -> Self {
        Self { base, environment, problems: RefCell::new(problems), asked: None }
    }

    /// A reader that notes what is asked for instead of what is wrong.
    pub(in crate::config) fn recording() -> Self {
        let mut reader = Self::new(Path::new(""), &|_| None, Vec::new());
        reader.asked = Some(RefCell::default());
        reader
    }

    pub(in crate::config) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Whether keys are asked for to be noted, so that every section is to be asked.
    pub(super) fn is_recording(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn note(&self, asked: Asked) {
        if let Some(notes) = &self.asked {
            notes.borrow_mut().push(asked);
        }
    }

    pub(in crate::config) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    pub(in crate::config) fn into_asked(self) -> Vec<Asked> {
        self.asked.map(RefCell::into_inner).unwrap_or_default()
    }

    /// Reads the whole of `document`.
    pub(in crate::config) fn read<T>(
        &self,
        document: &Document<'_>,
        read: impl FnOnce(&mut Table<'_>) -> T,
    ) -> T {
        Table::top(self, document).finished(read)
    }
}
