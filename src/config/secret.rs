//! Secrets, which are never written into a configuration file.
use std::{fs, io, path::Path};

use super::form::Words;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretPlace {
    /// In this environment variable.
    Environment(String),
    /// In this file, alone.
    File(String),
}

/// The place of a secret; a complaint does not repeat what was written.
pub(super) const SECRET: Words<SecretPlace> = Words {
    expected: "`file:PATH` or `env:NAME`",
    read: |text| {
        let place = text.split_once(':').map(|(kind, rest)| (kind, rest.trim()));
        match place.filter(|(_, rest)| !rest.is_empty()) {
            Some(("env", name)) => Ok(SecretPlace::Environment(name.to_owned())),
            Some(("file", path)) => Ok(SecretPlace::File(path.to_owned())),
            _ => Err("a secret is not written here; put it into a file of its own and write \
                      `file:PATH`, or into the environment and write `env:NAME`"
                .to_owned()),
        }
    },
};

/// The longest secret that is read, in bytes; a file beyond it is a mistake.
const MAX_BYTES: u64 = 64 * 1024;

/// The secret at `place`, without the white space at its end.
pub(super) fn resolve(
    place: &SecretPlace,
    base: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let (text, name) = match place {
        SecretPlace::Environment(name) => {
            let text = environment(name)
                .ok_or_else(|| format!("the environment variable `{name}` is not set"))?;
            (text, format!("the environment variable `{name}`"))
        }
        SecretPlace::File(path) => {
            let path = base.join(path);
            (read(&path)?, format!("the file `{}`", path.display()))
        }
    };
    let secret = text.trim_end();
    if secret.is_empty() { Err(format!("{name} is empty")) } else { Ok(secret.to_owned()) }
}

fn read(path: &Path) -> Result<String, String> {
    let name = path.display();
    let about = fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
    if !about.is_file() {
        return Err(format!("`{name}` is not a file"));
    }
    if about.len() > MAX_BYTES {
        return Err(format!("the file `{name}` is larger than {MAX_BYTES} bytes, so not a secret"));
    }
    if is_open_to_others(&about) {
        return Err(format!("the file `{name}` can be read by others; run `chmod 600 {name}`"));
    }
    fs::read_to_string(path).map_err(|error| cannot_read(path, &error))
}

#[cfg(unix)]
fn is_open_to_others(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
const fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// Why a file cannot be read, in an admin's words.
pub(super) fn cannot_read(path: &Path, error: &io::Error) -> String {
    let name = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file `{name}`"),
        io::ErrorKind::PermissionDenied => format!("no permission to read `{name}`"),
        io::ErrorKind::InvalidData => format!("`{name}` is not UTF-8 text"),
        _ => format!("cannot read `{name}`: {}", error.to_string().to_lowercase()),
    }
}

/// Key number and key of each line of a key file, in its order: the last one is the newest.
///
/// A line is `NUMBER:KEY`, with a number from 0 to 255 and a key of 64 hexadecimal digits; a key
/// alone has the number 1. Empty lines and those that begin with `#` say nothing.
pub(super) fn keys(text: &str) -> Result<Vec<(u8, [u8; 32])>, String> {
    let mut keys: Vec<(u8, [u8; 32])> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (id, key) = line.split_once(':').unwrap_or(("1", line));
        let id = id.trim().parse::<u8>();
        let (Ok(id), Some(key)) = (id, from_hex(key.trim())) else {
            return Err(format!(
                "line {number} of the key file: expected `NUMBER:KEY`, a number from 0 to 255 and \
                 64 hexadecimal digits"
            ));
        };
        if keys.iter().any(|(known, _)| *known == id) {
            return Err(format!("line {number} of the key file: the number {id} is there twice"));
        }
        keys.push((id, key));
    }
    if keys.is_empty() { Err("the key file holds no key".to_owned()) } else { Ok(keys) }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(key)
}

/// The text of a fresh key file, to be kept with mode 0600; `random` is the key.
#[must_use]
pub fn new_secret_key(random: [u8; 32]) -> String {
    format!(
        "# Signs the links in mails. Keep it secret and keep it: without it old links are dead.\n\
         # To change it, add a line with the next number; the last line signs, all are believed.\n\
         1:{}\n",
        hex(&random)
    )
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).expect("half a byte is a hexadecimal digit")
}

/// `bytes` as small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_file_is_read_back() {
        assert_eq!(keys(&new_secret_key([0xa7; 32])), Ok(vec![(1, [0xa7; 32])]));
    }

    #[test]
    fn keys_keep_their_order_and_a_bare_key_has_number_one() {
        let (old, new) = ("00".repeat(32), "FF".repeat(32));
        let text = format!("# old\n{old}\n\n 7 : {new}\n");
        assert_eq!(keys(&text), Ok(vec![(1, [0; 32]), (7, [0xff; 32])]));
    }

    #[test]
    fn a_bad_line_of_keys_is_named_and_never_repeated() {
        let key = "ab".repeat(32);
        for text in ["256:ab", "1:abc", &format!("x:{key}"), &format!("1:{key}é"), &"é".repeat(32)]
        {
            let error = keys(text).unwrap_err();
            assert!(error.starts_with("line 1 of the key file: expected"), "{error}");
        }
        assert!(keys(&format!("2:{key}\n2:{key}")).unwrap_err().contains("line 2"));
        assert!(keys("# nothing\n").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "hunter2\n").unwrap();
        let place = SecretPlace::File("password".into());
        for (mode, is_fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let secret = resolve(&place, folder.path(), &|_| None);
            assert_eq!(secret.is_ok_and(|secret| secret == "hunter2"), is_fine, "{mode:o}");
        }
    }
}
