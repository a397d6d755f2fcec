//! Who receives the mail of a domain (RFC 5321 section 5.1).
use super::{
    Soundness, Why,
    known::{Answer, Kind, Known},
};
use crate::domain::one_line;

/// Hosts that are shown.
const MOST_SHOWN: usize = 3;

/// What was found out about the receiving of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MxFound {
    /// Nobody receives its mail.
    Missing,
    /// It says that it receives none (RFC 7505).
    Refuses,
    /// No record names a host, and the domain's own address is taken.
    AddressOnly,
    /// All is well: some of the hosts.
    Fine(Vec<String>),
}

impl MxFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Fine(_) => Soundness::Fine,
            Self::AddressOnly => Soundness::Warning,
            Self::Missing | Self::Refuses => Soundness::Broken,
        }
    }
}

/// The verdict on the receiving of mail to `domain`.
pub(super) fn judge(domain: &str, known: &mut Known) -> Result<MxFound, Why> {
    Ok(match known.ask(domain, Kind::Mx) {
        Some(Answer::Hosts(hosts)) if hosts.iter().any(String::is_empty) => MxFound::Refuses,
        Some(Answer::Hosts(hosts)) if !hosts.is_empty() => {
            MxFound::Fine(hosts.iter().take(MOST_SHOWN).map(|host| one_line(host, 80)).collect())
        }
        Some(Answer::Unknown(why)) => return Err(why),
        None => MxFound::Missing,
        Some(_) if known.addresses(domain)?.is_empty() => MxFound::Missing,
        Some(_) => MxFound::AddressOnly,
    })
}
