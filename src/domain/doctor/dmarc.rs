//! What receivers are to do with mail that proves nothing (DMARC, RFC 7489).
use super::{Soundness, Why, dkim::tags, known::Known};
use crate::domain::{one_line, organisation};

/// What was found out about the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DmarcFound {
    /// There is no record.
    Missing,
    /// There are several, of which receivers take none.
    Several(usize),
    /// A part of the record cannot be understood; which.
    Malformed(String),
    /// `p=none`: receivers only look.
    OnlyLooks,
    /// No `rua`: nobody is told how mail fares.
    NoReports,
    /// All is well: the policy.
    Fine(String),
}

impl DmarcFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Fine(_) => Soundness::Fine,
            Self::OnlyLooks | Self::NoReports => Soundness::Warning,
            Self::Missing | Self::Several(_) | Self::Malformed(_) => Soundness::Broken,
        }
    }
}

/// Whether a proof must be about the sender's domain itself, for DKIM and SPF.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Strictness {
    pub(super) dkim: bool,
    pub(super) spf: bool,
}

/// The verdict on the policy for mail from `domain`, and how strictly it compares domains.
pub(super) fn judge(domain: &str, known: &mut Known) -> Result<(DmarcFound, Strictness), Why> {
    let above = organisation(domain);
    let mut records = records(domain, known)?;
    let is_inherited = records.is_empty() && above != domain;
    if is_inherited {
        records = self::records(above, known)?;
    }
    let found = match records.as_slice() {
        [] => DmarcFound::Missing,
        [record] => return Ok(judge_record(record, is_inherited)),
        many => DmarcFound::Several(many.len()),
    };
    Ok((found, Strictness::default()))
}

fn records(domain: &str, known: &mut Known) -> Result<Vec<String>, Why> {
    let mut texts = known.texts(&format!("_dmarc.{domain}"))?;
    // RFC 7489 section 6.6.3: whatever else stands there is passed over.
    texts.retain(|text| {
        text.split(';').next().is_some_and(|head| {
            head.split_once('=')
                .is_some_and(|(v, version)| v.trim() == "v" && version.trim() == "DMARC1")
        })
    });
    Ok(texts)
}

fn judge_record(record: &str, is_inherited: bool) -> (DmarcFound, Strictness) {
    let malformed = |part: &str| DmarcFound::Malformed(one_line(part, 60));
    let Some(tags) = tags(record) else { return (malformed(record), Strictness::default()) };
    let value = |wanted: &str| tags.iter().find(|(name, _)| *name == wanted).map(|(_, v)| *v);
    let is_strict = |name| value(name).is_some_and(|mode| mode.eq_ignore_ascii_case("s"));
    let strictness = Strictness { dkim: is_strict("adkim"), spf: is_strict("aspf") };
    let policy = value("sp").filter(|_| is_inherited).or(value("p")).unwrap_or_default();
    let has_reports = value("rua").is_some_and(|to| to.to_ascii_lowercase().contains("mailto:"));
    let found = match policy.to_ascii_lowercase().as_str() {
        "none" => DmarcFound::OnlyLooks,
        "quarantine" | "reject" if !has_reports => DmarcFound::NoReports,
        policy @ ("quarantine" | "reject") => DmarcFound::Fine(policy.to_owned()),
        _ => malformed("p"),
    };
    (found, strictness)
}
