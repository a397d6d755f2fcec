//! Pictures and files in the templates folder: where they may lie, and what they may be called.
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use super::{
    enclosed::{Enclosure, file_type, image_type},
    source::is_name,
};
use crate::domain::has_hidden_characters;

/// Bytes of one picture or file.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes of all of them in one message: many servers take no more than 10 MB, and base64 makes a
/// third more of it.
pub(super) const MAX_TOGETHER: usize = 5 * 1024 * 1024;
/// Characters of the name of an attachment.
const MAX_NAME: usize = 100;
/// Names that mean a device on Windows, with any ending.
const DEVICES: [&str; 6] = ["aux", "con", "nul", "prn", "com", "lpt"];

/// Pictures and files by their path inside the templates folder.
pub(super) type Assets = BTreeMap<String, Enclosure>;

/// What a file is by the folder that it is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Images,
    Attachments,
}

/// Whether `dir` is a folder of pictures or files.
pub(super) fn is_shelf(dir: &str) -> bool {
    shelf_of(&format!("{dir}/x")).is_some()
}

/// Whether the file at `path` is a picture.
pub(super) fn is_image(path: &str) -> bool {
    shelf_of(path) == Some(Shelf::Images)
}

/// Whether the file at `path` is one that goes with a message.
pub(super) fn is_asset(path: &str) -> bool {
    shelf_of(path).is_some()
}

fn shelf_of(path: &str) -> Option<Shelf> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["mail", "images", _] | ["mail", _, "images", _] => Some(Shelf::Images),
        ["mail", _, "attachments", _] | ["mail", _, _, "attachments", _] => {
            Some(Shelf::Attachments)
        }
        _ => None,
    }
}

/// The folders in which pictures of the template `name` are looked for, the nearest one first.
pub(super) fn image_folders(name: &str) -> [String; 2] {
    [format!("mail/{name}/images"), "mail/images".to_owned()]
}

/// The folders of the files that go with the template `name` in `locale`; a file in the first one
/// takes the place of one of the same name in the second.
pub(super) fn attachment_folders(name: &str, locale: &str) -> [String; 2] {
    [format!("mail/{name}/{locale}/attachments"), format!("mail/{name}/attachments")]
}

/// Reads the file at `path`, which is `name` inside the templates folder.
pub(super) fn read(path: &Path, name: &str) -> Result<Enclosure, String> {
    let cannot = |error: io::Error| format!("cannot be read: {error}");
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(cannot)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    enclosure(name, &bytes)
}

/// The picture or file with this content, which is `path` inside the templates folder.
pub(super) fn enclosure(path: &str, bytes: &[u8]) -> Result<Enclosure, String> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let media_type = match shelf_of(path) {
        Some(Shelf::Images) => {
            let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
            if !is_name(stem) {
                return Err("a picture is named with a-z, 0-9, `-` and `_`, at most 64, and its \
                            ending"
                    .to_owned());
            }
            image_type(name, bytes)?
        }
        Some(Shelf::Attachments) => {
            check_name(name)?;
            file_type(name)?
        }
        None => return Err("lies in no folder of pictures or attachments".to_owned()),
    };
    if bytes.is_empty() {
        return Err("is empty".to_owned());
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {} MB", MAX_BYTES / 1024 / 1024));
    }
    Ok(Enclosure { name: name.to_owned(), media_type, bytes: Arc::from(bytes) })
}

/// A reader sees the name of an attachment and saves it under it, so that it may be in any script,
/// and nothing in it may mean something to a file system.
fn check_name(name: &str) -> Result<(), String> {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = DEVICES.contains(&stem.trim_end_matches(|c: char| c.is_ascii_digit()));
    let is_odd = |c: char| "/\\:*?\"<>|%".contains(c);
    if name.contains(is_odd) || has_hidden_characters(name) || is_device {
        return Err(
            "the name of an attachment is without / \\ : * ? \" < > | %, hidden characters \
                    and names of devices"
                .to_owned(),
        );
    }
    if name.chars().count() > MAX_NAME || name.trim() != name || name.starts_with('.') {
        let message = format!(
            "the name of an attachment has {MAX_NAME} characters at most, and no \
                               space or dot in front"
        );
        return Err(message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    #[test]
    fn pictures_and_files_have_their_folders() {
        for path in [
            "mail/images/logo.png",
            "mail/birthday/images/cake.png",
            "mail/birthday/attachments/list.pdf",
            "mail/birthday/zh-CN/attachments/产品目录.pdf",
        ] {
            assert!(is_asset(path) && enclosure(path, PNG).is_ok(), "{path}");
        }
        for path in ["mail/birthday/en/notes.md", "images/a.png", "mail/a/b/c/attachments/a.pdf"] {
            assert!(!is_asset(path), "{path}");
        }
    }

    #[test]
    fn names_that_mean_something_elsewhere_are_refused() {
        for name in [
            "..",
            "../a.pdf",
            "a\\b.pdf",
            "C:a.pdf",
            "a%2e.pdf",
            "a\0.pdf",
            "a\u{202e}fdp.exe",
            "nul.pdf",
            "COM1.pdf",
            ".a.pdf",
            " a.pdf",
            "a\r\nb.pdf",
            "a.exe",
            "a",
        ] {
            let path = format!("mail/birthday/attachments/{name}");
            assert!(enclosure(&path, PNG).is_err(), "{name:?}");
        }
        for name in ["Logo.png", "logo.svg", "a b.png", "产品.png", ".png", "a.b.png"] {
            assert!(enclosure(&format!("mail/images/{name}"), PNG).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut bytes = PNG.to_vec();
        bytes.resize(2 * 1024 * 1024, 0);
        assert!(enclosure("mail/images/a.png", &bytes).is_ok());
        bytes.push(0);
        assert_eq!(enclosure("mail/images/a.png", &bytes).unwrap_err(), "is larger than 2 MB");
    }
}
