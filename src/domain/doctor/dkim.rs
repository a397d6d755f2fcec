//! The published half of a key that signs (RFC 6376 section 3.6.1, RFC 8463).
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Soundness, Why, identity::SignerKey, known::Known};
use crate::domain::one_line;

/// Octets that stand before an RSA key in the form that is published, at most.
const MAX_HEAD: usize = 40;

/// What was found out about a published key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DkimFound {
    /// There is no record.
    Missing,
    /// There are several, of which receivers take any or none.
    Several(usize),
    /// A part of the record cannot be understood; which.
    Malformed(String),
    /// `p` is empty: the key was taken back.
    Revoked,
    /// `k` names another kind of key.
    OtherKind(String),
    /// The key is not the one that signs.
    OtherKey,
    /// The record allows neither SHA-256 nor mail; the part that forbids it.
    Forbids(String),
    /// `t=y`: receivers are to treat mail as if it were not signed.
    Testing,
    /// All is well.
    Fine,
}

impl DkimFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Fine => Soundness::Fine,
            Self::Testing => Soundness::Warning,
            Self::Missing
            | Self::Several(_)
            | Self::Malformed(_)
            | Self::Revoked
            | Self::OtherKind(_)
            | Self::OtherKey
            | Self::Forbids(_) => Soundness::Broken,
        }
    }
}

/// The verdict on the record of `key` below `domain`.
pub(super) fn judge(domain: &str, key: &SignerKey, known: &mut Known) -> Result<DkimFound, Why> {
    let name = format!("{}._domainkey.{domain}", key.selector);
    let records = known.texts(&name)?;
    Ok(match records.as_slice() {
        [] => DkimFound::Missing,
        [record] => judge_record(record, key),
        many => DkimFound::Several(many.len()),
    })
}

fn judge_record(record: &str, key: &SignerKey) -> DkimFound {
    let Some(tags) = tags(record) else { return malformed(record) };
    let value = |wanted: &str| tags.iter().find(|(name, _)| *name == wanted).map(|(_, v)| *v);
    let lists = |wanted: &str, any: &[&str]| {
        value(wanted).is_none_or(|list| list.split(':').any(|item| any.contains(&item.trim())))
    };
    if value("v").is_some_and(|version| version != "DKIM1")
        || tags.iter().skip(1).any(|t| t.0 == "v")
    {
        return malformed("v");
    }
    if let Some(kind) = value("k").or(Some("rsa")).filter(|kind| *kind != key.kind) {
        return DkimFound::OtherKind(one_line(kind, 40));
    }
    if !lists("h", &["sha256"]) {
        return DkimFound::Forbids("h".to_owned());
    }
    if !lists("s", &["*", "email"]) {
        return DkimFound::Forbids("s".to_owned());
    }
    let Some(published) = value("p") else { return malformed("p") };
    let digits: String = published.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if digits.is_empty() {
        return DkimFound::Revoked;
    }
    let Ok(published) = STANDARD.decode(digits) else { return malformed("p") };
    if !is_same(&published, &key.public) {
        return DkimFound::OtherKey;
    }
    if value("t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y")) {
        return DkimFound::Testing;
    }
    DkimFound::Fine
}

fn malformed(part: &str) -> DkimFound {
    DkimFound::Malformed(one_line(part, 60))
}

/// RSA keys are published with the name of their kind before them, or bare (RFC 6376 errata 3017).
fn is_same(published: &[u8], ours: &[u8]) -> bool {
    let head = published.len().saturating_sub(ours.len());
    !ours.is_empty() && head <= MAX_HEAD && published.ends_with(ours)
}

/// The parts of a record such as `v=DKIM1; p=…`, RFC 6376 section 3.2.
pub(super) fn tags<'a>(record: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let parts = record.split(';').map(str::trim).filter(|part| !part.is_empty());
    let tag = |part: &'a str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim_end(), value.trim_start()))
    };
    parts.map(tag).collect()
}
