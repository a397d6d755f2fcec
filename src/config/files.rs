//! The texts of a configuration, before anybody has read them.
use std::{ffi::OsStr, fs, path::Path};

use super::{ConfigError, Problem, secret::cannot_read};

/// The files of a configuration with their texts, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    files: Vec<(String, String)>,
    /// Files that are there and cannot be read.
    unreadable: Vec<Problem>,
}

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/", $path)))),*]
    };
}

/// Named one by one, so that a secret left lying in the folder is not built into the program.
const EMBEDDED: [(&str, &str); 28] = embedded![
    "cadence.toml",
    "calendar.toml",
    "calendar/CN.toml",
    "calendar/DE.toml",
    "calendar/FR.toml",
    "calendar/GB.toml",
    "calendar/HK.toml",
    "calendar/JP.toml",
    "calendar/KR.toml",
    "calendar/SG.toml",
    "calendar/TW.toml",
    "calendar/US.toml",
    "calendar/VN.toml",
    "campaigns/birthday.toml",
    "campaigns/check-in.toml",
    "campaigns/christmas.toml",
    "campaigns/contract-end.toml",
    "campaigns/contract-mid-term.toml",
    "campaigns/cooperation-anniversary.toml",
    "campaigns/follow-up-delivery.toml",
    "campaigns/follow-up-service.toml",
    "campaigns/mid-autumn.toml",
    "campaigns/new-year.toml",
    "campaigns/spring-festival.toml",
    "campaigns/win-back.toml",
    "perennial.toml",
    "providers.toml",
    "tiers.toml",
];

impl Files {
    /// The commented files that the program carries with it: the reference, and what `init` writes.
    #[must_use]
    pub fn embedded() -> Self {
        let own = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        Self { files: EMBEDDED.map(own).into(), unreadable: Vec::new() }
    }

    /// Reads `*.toml`, `calendar/*.toml` and `campaigns/*.toml` in `dir`; other files are left alone.
    /// A single file that cannot be read is reported by [`Config::parse`](super::Config::parse), with everything else.
    ///
    /// # Errors
    ///
    /// If `dir` cannot be read.
    pub fn read(dir: &Path) -> Result<Self, ConfigError> {
        let mut files = Self { files: Vec::new(), unreadable: Vec::new() };
        let names = toml_files(dir).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "there is no such folder; `perennial init` writes one".to_owned()
                }
                _ => cannot_read(dir, &error),
            };
            ConfigError::new(vec![Problem::of_file(&dir.display().to_string(), message)])
        })?;
        for name in names {
            files.add(dir, &name);
        }
        for folder in ["calendar", "campaigns"] {
            match toml_files(&dir.join(folder)) {
                Ok(names) => {
                    for name in names {
                        files.add(dir, &format!("{folder}/{name}"));
                    }
                }
                // That there is no campaign is said later, in better words.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let message = cannot_read(&dir.join(folder), &error);
                    files.unreadable.push(Problem::of_file(folder, message));
                }
            }
        }
        Ok(files)
    }

    /// Path, relative to the folder of the configuration, and text of each file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The same files with `text` at `path`, whether or not there was one.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        let place = self.files.binary_search_by(|(known, _)| known.as_str().cmp(path));
        match place {
            Ok(place) => text.clone_into(&mut self.files[place].1),
            Err(place) => self.files.insert(place, (path.to_owned(), text.to_owned())),
        }
        self
    }

    /// What [`Files::read`] could not read.
    pub(super) fn unreadable(&self) -> &[Problem] {
        &self.unreadable
    }

    fn add(&mut self, dir: &Path, name: &str) {
        let path = dir.join(name);
        let problem = match fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => {
                let files =
                    std::mem::replace(self, Self { files: Vec::new(), unreadable: Vec::new() });
                *self = files.with(name, &text);
                return;
            }
            Ok(Err(error)) => {
                let end = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..end].split(|byte| *byte == b'\n').count();
                let message = "is not UTF-8 text from here on; save it as UTF-8";
                Problem { line: Some(line), ..Problem::of_file(name, message) }
            }
            Err(error) => Problem::of_file(name, cannot_read(&path, &error)),
        };
        self.unreadable.push(problem);
    }
}

/// The names of the TOML files in `dir`, those left out that editors hide.
fn toml_files(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let is_toml = Path::new(&name).extension() == Some(OsStr::new("toml"));
        let name = name.to_string_lossy().into_owned();
        if is_toml && !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_every_file_of_the_folder_in_order() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        assert_eq!(Files::read(&folder).unwrap(), Files::embedded());
        assert!(EMBEDDED.is_sorted_by_key(|(path, _)| path), "`with` searches in halves");
    }

    #[test]
    fn a_file_is_replaced_or_added_in_its_place() {
        let files = Files::embedded().with("tiers.toml", "a").with("campaigns/a.toml", "b");
        let found: Vec<_> = files.iter().filter(|(_, text)| text.len() == 1).collect();
        assert_eq!(found, [("campaigns/a.toml", "b"), ("tiers.toml", "a")]);
        assert_eq!(files.iter().count(), EMBEDDED.len() + 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_so() {
        let error = Files::read(Path::new("/nowhere")).unwrap_err();
        insta::assert_snapshot!(error, @r"
        1 problem in the configuration:
        /nowhere: there is no such folder; `perennial init` writes one
        ");
    }
}
