//! Signs a finished message (DKIM, RFC 6376 and RFC 8463).
//!
//! Written here and not by a crate: the one that signs finished bytes takes the time of a signature
//! from the host's clock, and a resolver for the DNS comes with it (docs/decisions/0015).
use std::fmt::Write as _;

use aws_lc_rs::{
    digest, rand,
    signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use memchr::memmem;

use super::message::ComposeError;
use crate::domain::{Dkim, DkimKey};

/// Headers that a message has once: they are signed twice, so that a second one, which some program
/// might show in place of ours, breaks the signature (RFC 6376 section 8.15). The last two are what
/// RFC 8058 section 4 wants signed.
const ONCE: [&str; 8] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];
/// Headers that are signed where they are. Relays may add their own `Feedback-ID` and the like.
const IF_THERE: [&str; 6] = [
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "Feedback-ID",
    "Auto-Submitted",
];
/// Characters of a line of the header.
const LINE: usize = 72;

/// `message` behind its signatures: one with RSA, and one with Ed25519 if there is a key.
///
/// The domain stays an A-label in a message to an international address too: RFC 8616 leaves that possible,
/// and every verifier reads it.
///
/// `signed_at` is what the signatures say of their time. The same arguments give the same bytes.
///
/// # Errors
///
/// If a key cannot sign.
pub fn sign(
    message: &[u8],
    dkim: &Dkim,
    signed_at: DateTime<Utc>,
) -> Result<Vec<u8>, ComposeError> {
    let (headers, body) = split(message);
    let body_hash = STANDARD.encode(digest::digest(&digest::SHA256, &relaxed_body(body)).as_ref());
    let draft = Draft { headers: &headers, body_hash: &body_hash, domain: &dkim.domain, signed_at };
    let mut signed = draft.signature(&dkim.rsa)?;
    if let Some(key) = &dkim.ed25519 {
        signed.push_str(&draft.signature(key)?);
    }
    Ok([signed.as_bytes(), message].concat())
}

/// What both signatures have in common.
struct Draft<'a> {
    headers: &'a [Header<'a>],
    body_hash: &'a str,
    domain: &'a str,
    signed_at: DateTime<Utc>,
}

impl Draft<'_> {
    /// The whole header.
    fn signature<K: Signs>(&self, key: &DkimKey<K>) -> Result<String, ComposeError> {
        let names = self.names();
        let mut header = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={};\r\n\ts={}; t={};\r\n\th=",
            K::ALGORITHM,
            self.domain,
            key.selector,
            self.signed_at.timestamp()
        );
        push_folded(&mut header, &names, ':');
        write!(header, ";\r\n\tbh={};\r\n\tb=", self.body_hash).expect("a string takes any text");
        let mut signed = self.canonical(&names);
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        push_relaxed(&mut signed, name.as_bytes(), value.as_bytes());
        let signature = STANDARD.encode(key.pair.signature_of(&signed)?);
        let lines: Vec<_> =
            signature.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect();
        header.push_str(&lines.join("\r\n\t"));
        header.push_str("\r\n");
        Ok(header)
    }

    /// The names in `h=`, in the order in which they are signed.
    fn names(&self) -> Vec<&'static str> {
        let has = |wanted: &&str| {
            self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        let twice = ONCE.into_iter().flat_map(|name| [name, name]);
        twice.chain(IF_THERE.into_iter().filter(has)).collect()
    }

    /// The headers called `names`, each with its line end: of one that is named again the next
    /// from below, and nothing where there is none (RFC 6376 section 5.4.2).
    fn canonical(&self, names: &[&str]) -> Vec<u8> {
        let mut canonical = Vec::with_capacity(2_048);
        for (place, wanted) in names.iter().enumerate() {
            let before = names[..place].iter().filter(|earlier| *earlier == wanted).count();
            let is_wanted = |(name, _): &&Header<'_>| name.eq_ignore_ascii_case(wanted.as_bytes());
            if let Some((name, value)) = self.headers.iter().rev().filter(is_wanted).nth(before) {
                push_relaxed(&mut canonical, name, value);
                canonical.extend_from_slice(b"\r\n");
            }
        }
        canonical
    }
}

/// A key that signs.
trait Signs {
    /// The word for it in `a=`.
    const ALGORITHM: &'static str;

    fn signature_of(&self, data: &[u8]) -> Result<Vec<u8>, ComposeError>;
}

impl Signs for RsaKeyPair {
    const ALGORITHM: &'static str = "rsa-sha256";

    /// The random numbers only blind the calculation; the signature does not depend on them.
    fn signature_of(&self, data: &[u8]) -> Result<Vec<u8>, ComposeError> {
        let mut signature = vec![0; self.public_modulus_len()];
        self.sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), data, &mut signature)
            .map_err(|_| ComposeError::Unsigned)?;
        Ok(signature)
    }
}

impl Signs for Ed25519KeyPair {
    const ALGORITHM: &'static str = "ed25519-sha256";

    /// RFC 8463 section 3: the hash is what is signed.
    fn signature_of(&self, data: &[u8]) -> Result<Vec<u8>, ComposeError> {
        let hash = digest::digest(&digest::SHA256, data);
        Ok(self.sign(hash.as_ref()).as_ref().to_vec())
    }
}

fn push_folded(header: &mut String, names: &[&str], between: char) {
    let mut column = 0;
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            header.push(between);
        }
        if column + name.len() > LINE {
            header.push_str("\r\n\t ");
            column = 0;
        }
        header.push_str(name);
        column += name.len() + 1;
    }
}

/// Name and value, the value with its folds and without its last line break.
type Header<'a> = (&'a [u8], &'a [u8]);

/// The headers, and the body.
fn split(message: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = message;
    while !rest.is_empty() && !rest.starts_with(b"\r\n") {
        let end = end_of_header(rest);
        let (header, after) = rest.split_at(end);
        let colon = header.iter().position(|byte| *byte == b':').unwrap_or(header.len());
        let value = header.get(colon + 1..).unwrap_or_default();
        headers.push((&header[..colon], value.strip_suffix(b"\r\n").unwrap_or(value)));
        rest = after;
    }
    (headers, rest.strip_prefix(b"\r\n").unwrap_or(rest))
}

/// Behind the line break that no white space follows.
fn end_of_header(text: &[u8]) -> usize {
    let mut lines = text.windows(2).enumerate().filter(|(_, pair)| *pair == b"\r\n");
    let end = lines.find(|(at, _)| !matches!(text.get(at + 2), Some(b' ' | b'\t')));
    end.map_or(text.len(), |(at, _)| at + 2)
}

/// RFC 6376 section 3.4.2, without the line break.
fn push_relaxed(canonical: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    canonical.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    canonical.push(b':');
    let words = value.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty());
    for (place, word) in words.enumerate() {
        if place > 0 {
            canonical.push(b' ');
        }
        canonical.extend_from_slice(word);
    }
}

/// RFC 6376 section 3.4.4.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(body.len() + 2);
    let two_spaces = memmem::Finder::new(b"  ");
    let (mut full, mut rest) = (0, body);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let before = canonical.len();
        // As nearly all lines are.
        let is_relaxed = !line.ends_with(b" ")
            && memchr::memchr(b'\t', line).is_none()
            && two_spaces.find(line).is_none();
        if is_relaxed {
            canonical.extend_from_slice(line);
        } else {
            push_reduced(&mut canonical, line);
        }
        let is_empty = canonical.len() == before;
        canonical.extend_from_slice(b"\r\n");
        if !is_empty {
            full = canonical.len();
        }
    }
    canonical.truncate(full);
    canonical
}

/// A line with one space for each run of white space, and none at its end.
fn push_reduced(canonical: &mut Vec<u8>, line: &[u8]) {
    let mut space: &[u8] = b"";
    for byte in line {
        if matches!(byte, b' ' | b'\t') {
            space = b" ";
        } else {
            canonical.extend_from_slice(std::mem::take(&mut space));
            canonical.push(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ed25519_key, rsa_key};

    fn dkim() -> Dkim {
        let rsa = rsa_key(include_str!("../../tests/data/dkim/rsa.pem")).unwrap();
        let ed25519 = ed25519_key(include_str!("../../tests/data/dkim/ed25519.pem")).unwrap();
        Dkim {
            domain: "example.com".to_owned(),
            rsa: DkimKey { selector: "r".to_owned(), pair: rsa },
            ed25519: Some(DkimKey { selector: "e".to_owned(), pair: ed25519 }),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    const MESSAGE: &[u8] = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: Hello\r\n \
        there\r\nList-Id: <x.example.com>\r\n\r\nText\r\n";

    #[test]
    fn the_body_is_made_as_the_rfc_shows_it() {
        for (body, expected) in [
            (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"),
            ("", ""),
            ("\r\n\r\n", ""),
            (" \t\r\n", ""),
            ("a", "a\r\n"),
            ("\r\na\r\n\r\nb \r\n \r\n", "\r\na\r\n\r\nb\r\n"),
        ] {
            assert_eq!(relaxed_body(body.as_bytes()), expected.as_bytes(), "{body:?}");
        }
    }

    #[test]
    fn headers_are_made_as_the_rfc_shows_it() {
        let (headers, body) = split(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\nC\r\n");
        let mut canonical = Vec::new();
        for (name, value) in headers {
            push_relaxed(&mut canonical, name, value);
            canonical.push(b'\n');
        }
        assert_eq!(String::from_utf8(canonical).unwrap(), "a:X\nb:Y Z\n");
        assert_eq!(body, b"C\r\n");
    }

    #[test]
    fn a_message_has_two_signatures_before_it_on_short_lines() {
        let signed = String::from_utf8(sign(MESSAGE, &dkim(), at(1_770_000_000)).unwrap()).unwrap();
        assert!(signed.ends_with(std::str::from_utf8(MESSAGE).unwrap()));
        assert_eq!(signed.matches("DKIM-Signature: ").count(), 2);
        assert!(signed.lines().all(|line| line.len() <= 78), "{signed}");
        let unfolded = signed.replace("\r\n\t ", "").replace("\r\n\t", " ");
        assert!(
            unfolded.starts_with(
                "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=r; \
             t=1770000000; h=From:From:To:To:Subject:Subject:Date:Date:Message-ID:Message-ID:\
             Reply-To:Reply-To:List-Unsubscribe:List-Unsubscribe:List-Unsubscribe-Post:\
             List-Unsubscribe-Post:List-Id; bh="
            ),
            "{unfolded}"
        );
        assert!(!unfolded.contains("l=") && !unfolded.contains(" x="), "{unfolded}");
    }

    #[test]
    fn the_same_message_at_the_same_time_is_signed_alike() {
        let signed = |seconds| sign(MESSAGE, &dkim(), at(seconds)).unwrap();
        assert_eq!(signed(1), signed(1));
        assert_ne!(signed(1), signed(2));
    }
}
