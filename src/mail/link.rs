//! Where links lead, and the addresses under which they are counted.
use std::fmt::Write as _;

use chrono::NaiveDate;
use serde_json::Value;
use url::Url;

use crate::domain::{Keyring, Purpose, has_hidden_characters};

/// Bytes of a destination; browsers and proxies agree on this much.
const MAX_URL: usize = 2_048;

/// What a message needs for its own addresses. Tokens are made from these and nothing else, so the
/// same links give the same message.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    /// `https://host` of the public listener, with or without `/` at the end.
    pub base_url: &'a str,
    /// The keys that sign.
    pub keyring: &'a Keyring,
    /// The outreach that the message belongs to.
    pub outreach: i64,
    /// The day of the outreach, UTC.
    pub issued_on: NaiveDate,
    /// Whether the reader agreed to opens and clicks being recorded. Without that there is no
    /// pixel and links are the plain destinations; the way to unsubscribe is there always.
    pub may_track: bool,
}

/// Why an address may not be a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkProblem {
    /// Neither `http` nor `https`.
    #[error("a link must begin with http:// or https://")]
    Scheme,
    /// `user:password@host`, which shows one host and leads to another.
    #[error("a link may not hold a user name or password")]
    UserInfo,
    /// A control or a character that hides others.
    #[error("a link may not hold control characters")]
    Character,
    /// No host, or one that is not a name.
    #[error("a link must name a host")]
    Host,
    /// Longer than 2,048 bytes.
    #[error("a link has at most 2048 bytes")]
    TooLong,
}

/// A part of an address in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    /// The path of a value.
    Value(String),
}

/// What an address in a template is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Counted, if the reader agreed.
    Tracked(Destination),
    /// Left as it is: mail, telephone, the way to unsubscribe.
    Plain,
}

/// Where a link leads, once the letter is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    Fixed(String),
    Filled(Vec<Piece>),
}

impl Piece {
    /// The piece without the character references that may stand in an address.
    pub(super) fn decoded(self) -> Self {
        let Self::Literal(text) = self else { return self };
        let known =
            [("&quot;", "\""), ("&#39;", "'"), ("&#61;", "="), ("&#38;", "&"), ("&amp;", "&")];
        let replaced = |text: String, (reference, c): (&str, &str)| text.replace(reference, c);
        Self::Literal(known.into_iter().fold(text, replaced))
    }
}

impl Links<'_> {
    pub(super) fn pixel(&self) -> String {
        if self.may_track { self.url("o", Purpose::Open, 0, ".gif") } else { String::new() }
    }

    pub(super) fn unsubscribe(&self) -> String {
        self.url("u", Purpose::Unsubscribe, 0, "")
    }

    /// What stands in the message for link `number`, which leads to `destination`.
    pub(super) fn click(&self, number: u16, destination: &str) -> String {
        if self.may_track {
            self.url("c", Purpose::Click, number, "")
        } else {
            destination.to_owned()
        }
    }

    fn url(&self, path: &str, purpose: Purpose, number: u16, suffix: &str) -> String {
        let base = self.base_url.trim_end_matches('/');
        let token = self.keyring.sign(purpose, self.outreach, number, self.issued_on);
        format!("{base}/{path}/{token}{suffix}")
    }
}

impl Destination {
    /// The address, checked and in ASCII.
    pub(super) fn resolve(&self, data: &Value) -> Result<String, LinkProblem> {
        let pieces = match self {
            Self::Fixed(url) => return Ok(url.clone()),
            Self::Filled(pieces) => pieces,
        };
        let mut url = String::new();
        for (number, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(text) => url.push_str(text),
                Piece::Value(path) if number == 0 => url.push_str(lookup(data, path)),
                Piece::Value(path) => push_encoded(&mut url, lookup(data, path)),
            }
        }
        checked(&url)
    }
}

/// What the address made of `pieces` is. Scheme and host must stand in the template or come from
/// our own configuration: what a list of contacts says never decides where a link leads.
pub(super) fn target(pieces: Vec<Piece>) -> Result<Target, LinkProblem> {
    match pieces.as_slice() {
        [Piece::Value(path)] if path == "mail.unsubscribe_url" => Ok(Target::Plain),
        [Piece::Value(path), ..] if path == "company.website" => {
            Ok(Target::Tracked(Destination::Filled(pieces)))
        }
        [Piece::Literal(first), rest @ ..] => {
            let scheme = first.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
            match scheme.as_deref() {
                Some("mailto" | "tel") => Ok(Target::Plain),
                Some("http" | "https") if rest.is_empty() => {
                    checked(first).map(Destination::Fixed).map(Target::Tracked)
                }
                Some("http" | "https") => {
                    let host = first.splitn(3, '/').nth(2).unwrap_or_default();
                    checked(first)?;
                    if !host.contains(['/', '?', '#']) {
                        return Err(LinkProblem::Host);
                    }
                    Ok(Target::Tracked(Destination::Filled(pieces)))
                }
                _ => Err(LinkProblem::Scheme),
            }
        }
        _ => Err(LinkProblem::Scheme),
    }
}

/// Whether a mail client may load what is at the address in `attribute`, which is not that of a
/// link. An address that differs from reader to reader would be a second pixel.
pub(super) fn may_be_loaded(attribute: &str, pieces: &[Piece]) -> bool {
    match pieces {
        [] => true,
        [Piece::Value(path)] => path == "mail.pixel_url" && attribute == "src",
        [Piece::Literal(text)] => {
            let text = text.trim().to_ascii_lowercase();
            ["http:", "https:", "cid:", "data:image/"].iter().any(|known| text.starts_with(known))
        }
        _ => false,
    }
}

/// `text` as an address that may be linked to: http or https, a host, nobody's name before it.
pub(super) fn checked(text: &str) -> Result<String, LinkProblem> {
    if text.len() > MAX_URL {
        return Err(LinkProblem::TooLong);
    }
    if has_hidden_characters(text) {
        return Err(LinkProblem::Character);
    }
    // The scheme first: a text such as `nowhere` is no address at all to the parser.
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(LinkProblem::Scheme);
    }
    let url = Url::parse(text).map_err(|_| LinkProblem::Host)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LinkProblem::UserInfo);
    }
    let url = String::from(url);
    if url.len() > MAX_URL { Err(LinkProblem::TooLong) } else { Ok(url) }
}

fn lookup<'d>(data: &'d Value, path: &str) -> &'d str {
    let found = path.split('.').try_fold(data, |value, name| value.get(name));
    found.and_then(Value::as_str).unwrap_or_default()
}

/// Percent-encodes everything but what RFC 3986 section 2.3 leaves unreserved.
fn push_encoded(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    fn value(path: &str) -> Piece {
        Piece::Value(path.to_owned())
    }

    #[test]
    fn only_addresses_of_the_web_are_links() {
        assert_eq!(
            checked("https://例子.中国/a b").unwrap(),
            "https://xn--fsqu00a.xn--fiqs8s/a%20b"
        );
        for (text, problem) in [
            ("javascript:alert(1)", LinkProblem::Scheme),
            ("JaVaScRiPt://%0aalert(1)", LinkProblem::Scheme),
            ("data:text/html,x", LinkProblem::Scheme),
            ("//example.com", LinkProblem::Scheme),
            ("", LinkProblem::Scheme),
            ("https://bank.example@evil.example/", LinkProblem::UserInfo),
            ("https://a:b@evil.example/", LinkProblem::UserInfo),
            ("https://", LinkProblem::Host),
            ("https://exa mple.com", LinkProblem::Host),
            ("https://example.com/\r\nX: y", LinkProblem::Character),
            ("https://example.com/\u{202e}", LinkProblem::Character),
        ] {
            assert_eq!(checked(text), Err(problem), "{text:?}");
        }
        assert_eq!(
            checked(&format!("https://a.b/{}", "a".repeat(2_048))),
            Err(LinkProblem::TooLong)
        );
    }

    #[test]
    fn contact_data_never_decides_scheme_or_host() {
        for pieces in [
            vec![value("contact.name")],
            vec![literal("https://"), value("account.name")],
            vec![literal("https://example.com"), value("account.name")],
            vec![value("contact.name"), literal("://example.com")],
            vec![literal("java"), value("contact.name")],
            vec![],
        ] {
            assert!(target(pieces.clone()).is_err(), "{pieces:?}");
        }
        assert_eq!(target(vec![literal("mailto:"), value("rep.email")]), Ok(Target::Plain));
        assert_eq!(target(vec![value("mail.unsubscribe_url")]), Ok(Target::Plain));
    }

    #[test]
    fn data_in_a_path_is_percent_encoded() {
        let data = serde_json::json!({ "contact": { "name": "王/../?a=b&c#d" } });
        let pieces = vec![literal("https://example.com/for/"), value("contact.name")];
        let Ok(Target::Tracked(destination)) = target(pieces) else { panic!("not tracked") };
        assert_eq!(
            destination.resolve(&data).unwrap(),
            "https://example.com/for/%E7%8E%8B%2F..%2F%3Fa%3Db%26c%23d"
        );
    }

    #[test]
    fn an_empty_web_site_is_no_destination() {
        let destination = Destination::Filled(vec![value("company.website")]);
        let data = serde_json::json!({ "company": { "website": "" } });
        assert_eq!(destination.resolve(&data), Err(LinkProblem::Scheme));
    }
}
