//! What is wrong with a template, and where.
use std::fmt;

/// One fault in a template file. `Display` gives `mail/birthday/en/body.html.hbs:3:7: message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateProblem {
    /// The file, relative to the templates folder.
    pub file: String,
    /// Line, from 1, if the fault stands at one place.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong, a lower-case fragment.
    pub message: String,
}

/// A place in a template file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'s> {
    pub(super) file: &'s str,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl TemplateProblem {
    /// A fault of a whole file.
    pub(super) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, message: message.into() }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for TemplateProblem {}

impl<'s> Place<'s> {
    pub(super) const fn start_of(file: &'s str) -> Self {
        Self { file, line: 1, column: 1 }
    }

    pub(super) fn after(self, text: &str) -> Self {
        text.chars().fold(self, Self::after_character)
    }

    pub(super) const fn after_character(self, c: char) -> Self {
        match c {
            '\n' => Self { line: self.line + 1, column: 1, ..self },
            _ => Self { column: self.column + 1, ..self },
        }
    }

    pub(super) fn problem(self, message: impl Into<String>) -> TemplateProblem {
        TemplateProblem {
            file: self.file.to_owned(),
            line: Some(self.line),
            column: Some(self.column),
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let place = Place::start_of("a").after("中秋\n快乐");
        assert_eq!((place.line, place.column), (2, 3));
        assert_eq!(place.problem("no").to_string(), "a:2:3: no");
        assert_eq!(TemplateProblem::of_file("a", "no").to_string(), "a: no");
    }
}
