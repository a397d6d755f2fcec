//! Claims about whole configurations.
mod calendar;
mod defaults;
mod delivery;
mod events;
mod mistakes;
mod noise;
mod recipes;
mod relays;
mod schemes;
mod years;

use std::{fs, path::Path};

use super::{Config, ConfigError, Files, new_secret_key};

/// A folder with the secrets that the commented files name.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.secret("secret.key", &new_secret_key([7; 32]));
        folder.secret("relay.password", "hunter2\n");
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn secret(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn parse(&self, files: &Files) -> Result<Config, ConfigError> {
        let environment = |name: &str| (name == "SET").then(|| "from the environment".to_owned());
        Config::parse(files, self.path(), &environment)
    }

    /// The complaints about `files`, with the name of the folder left out.
    fn complaints(&self, files: &Files) -> String {
        let error = self.parse(files).expect_err("something is wrong").to_string();
        error.replace(self.path().to_str().unwrap(), "CONFIG")
    }
}

/// The commented files, with `old` replaced by `new` in the one at `path`.
fn with(path: &str, old: &str, new: &str) -> Files {
    change(Files::embedded(), path, old, new)
}

fn change(files: Files, path: &str, old: &str, new: &str) -> Files {
    let text = text_of(&files, path);
    assert!(text.contains(old), "{path} has no {old:?}");
    files.with(path, &text.replacen(old, new, 1))
}

fn text_of(files: &Files, path: &str) -> String {
    files.iter().find(|(known, _)| *known == path).expect(path).1.to_owned()
}

/// The complaints about the commented files with one change.
fn complaints(path: &str, old: &str, new: &str) -> String {
    Folder::new().complaints(&with(path, old, new))
}

/// `perennial.toml` with the relay in use, in the name of a real company.
fn relaying() -> Files {
    let mut files = Files::embedded();
    let text = text_of(&files, "perennial.toml");
    let relay = text.find("#[delivery.relay.main]").unwrap()..text.find("[tracking]").unwrap();
    let uncommented = text[relay.clone()].replace("\n#", "\n").replace("#[", "[");
    let settings: Vec<_> = uncommented
        .lines()
        .filter(|line| line.starts_with('[') || line.contains(" = ") && !line.starts_with(' '))
        .collect();
    files =
        files.with("perennial.toml", &text.replace(&text[relay], &(settings.join("\n") + "\n\n")));
    let files = change(files, "perennial.toml", "via = \"folder\"", "via = \"relay\"");
    let files = change(files, "perennial.toml", "authority = ", "#authority = ");
    change(
        files,
        "perennial.toml",
        "\naddress = \"hello@example.com\"",
        "\naddress = \"a@shop.org\"",
    )
}
