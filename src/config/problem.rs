//! What is wrong with a configuration, all of it at once.
use std::fmt;

/// One thing that is wrong.
///
/// Ordered by file, then line, so that a list of them reads like the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the folder of the configuration; the folder itself if it cannot be read.
    pub file: String,
    /// The line, from 1, if the problem has one; a key that is missing has that of its section.
    pub line: Option<usize>,
    /// The column in characters, from 1, where the place within the line matters.
    pub column: Option<usize>,
    /// The key with its sections, such as `delivery.relay.main.port`; empty for a whole file.
    pub key: String,
    /// The complaint, a lower-case fragment that says what was expected.
    pub message: String,
}

/// Everything that is wrong with a configuration.
///
/// Its text has one line for each problem, under a line that counts them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// Sorts `problems` and drops repeated ones.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self { problems }
    }

    /// The problems, in the order of the files.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Problem {
    /// A problem with a whole file.
    pub(super) fn of_file(file: &str, message: impl Into<String>) -> Self {
        let (file, message) = (file.to_owned(), message.into());
        Self { file, line: None, column: None, key: String::new(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("1 problem in the configuration:")?,
            count => write!(f, "{count} problems in the configuration:")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}
