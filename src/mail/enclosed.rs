//! What goes with a letter besides its words: pictures in the HTML, and files.
use std::{fmt, sync::Arc};

/// A picture or a file of a template.
#[derive(Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// The name of its file.
    pub name: String,
    /// Media type, such as `image/png`.
    pub media_type: &'static str,
    /// The content.
    pub bytes: Arc<[u8]>,
}

/// Everything that goes with a letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enclosed {
    /// Pictures that the HTML shows; the reference to one is `cid:` and [`content_id`].
    pub images: Vec<Enclosure>,
    /// Files beside the letter.
    pub files: Vec<Enclosure>,
}

/// Endings and media types of pictures that mail programs show. SVG is none of them: it is a program.
const IMAGES: [(&str, &str, &[u8]); 4] = [
    ("gif", "image/gif", b"GIF8"),
    ("jpeg", "image/jpeg", b"\xff\xd8\xff"),
    ("jpg", "image/jpeg", b"\xff\xd8\xff"),
    ("png", "image/png", b"\x89PNG\r\n\x1a\n"),
];

/// Endings and media types of other files that gateways let through and readers can open.
const FILES: [(&str, &str); 9] = [
    ("csv", "text/csv"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("ics", "application/ics"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("pdf", "application/pdf"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("txt", "text/plain"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("zip", "application/zip"),
];

impl Enclosure {
    /// The name in ASCII, for programs that read no other: what is not ASCII becomes `_`.
    pub(super) fn ascii_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '_' };
        let name: String = self.name.chars().map(plain).collect();
        let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
        if stem.contains(|c: char| c.is_ascii_alphanumeric()) {
            name
        } else {
            format!("attachment.{ending}")
        }
    }
}

/// What is not in the content shows how much there is of it.
impl fmt::Debug for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {} bytes)", self.name, self.media_type, self.bytes.len())
    }
}

/// The Content-ID of the picture `name`: in the form of an address (RFC 2392), and the same in every
/// message.
pub(super) fn content_id(name: &str) -> String {
    format!("{name}@perennial")
}

/// The media type of the picture `name`, if its ending and its content agree on one.
pub(super) fn image_type(name: &str, bytes: &[u8]) -> Result<&'static str, String> {
    let known = IMAGES.iter().find(|(ending, ..)| Some(*ending) == ending_of(name));
    match known {
        None => Err("a picture is a .png, .jpg, .jpeg or .gif".to_owned()),
        Some((.., start)) if !bytes.starts_with(start) => {
            Err("is no picture of the kind that its name says".to_owned())
        }
        Some((_, media_type, _)) => Ok(media_type),
    }
}

/// The media type of the file `name`, by its ending.
pub(super) fn file_type(name: &str) -> Result<&'static str, String> {
    let ending = ending_of(name).unwrap_or_default().to_ascii_lowercase();
    let images = IMAGES.iter().map(|(known, media_type, _)| (*known, *media_type));
    let mut known = FILES.into_iter().chain(images);
    known.find(|(known, _)| *known == ending).map(|(_, media_type)| media_type).ok_or_else(|| {
        let endings = FILES.map(|(known, _)| known).join(", ");
        format!("an attachment is a picture or one of {endings}: mail gateways stop other files")
    })
}

fn ending_of(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Enclosure {
        Enclosure { name: name.to_owned(), media_type: "application/pdf", bytes: Arc::from([]) }
    }

    #[test]
    fn a_name_has_a_form_in_ascii_with_its_ending() {
        for (name, expected) in [
            ("catalogue 2026.pdf", "catalogue 2026.pdf"),
            ("产品目录.pdf", "attachment.pdf"),
            ("产品目录2026.pdf", "____2026.pdf"),
            ("Preisliste für Söhne.pdf", "Preisliste f_r S_hne.pdf"),
        ] {
            assert_eq!(named(name).ascii_name(), expected);
        }
    }

    #[test]
    fn a_picture_is_what_its_name_says() {
        assert_eq!(image_type("a.png", b"\x89PNG\r\n\x1a\n..."), Ok("image/png"));
        assert!(image_type("a.png", b"<svg>").is_err());
        assert!(image_type("a.svg", b"<svg>").is_err());
        assert!(image_type("png", b"\x89PNG\r\n\x1a\n").is_err());
    }

    #[test]
    fn a_file_that_gateways_stop_is_refused() {
        assert_eq!(file_type("产品目录.PDF"), Ok("application/pdf"));
        for name in ["setup.exe", "a.html", "a.js", "pdf", "a.pdf.bat", "a.svg"] {
            assert!(file_type(name).is_err(), "{name}");
        }
    }
}
