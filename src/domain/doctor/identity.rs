//! All that the DNS has to say about a sender.
use std::collections::BTreeSet;

use super::{Check, Finding, Soundness, State, Why, dkim, dmarc, exchange, known::Known, spf};
use crate::domain::{Dkim, is_within, organisation};

/// Who mail is from, as far as the DNS knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The domain in `From`.
    pub from: String,
    /// The domain of the return path, which SPF looks at.
    pub return_path: String,
    /// Domains that must receive mail: of `From`, of answers, of bounces.
    pub receiving: BTreeSet<String>,
    /// Who signs; nobody here if there is none.
    pub signer: Option<Signer>,
    /// The hosts of the relays that mail leaves through.
    pub relays: Vec<String>,
}

/// In whose name mail is signed here, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The domain in `d=`.
    pub domain: String,
    /// The public halves.
    pub keys: Vec<SignerKey>,
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerKey {
    /// Where it is to be published.
    pub selector: String,
    /// What `k=` says of it: `rsa` or `ed25519`.
    pub kind: &'static str,
    /// The key: PKCS#1 for RSA, 32 octets for Ed25519.
    pub public: Vec<u8>,
}

impl From<&Dkim> for Signer {
    fn from(dkim: &Dkim) -> Self {
        use aws_lc_rs::signature::KeyPair as _;
        let rsa = SignerKey {
            selector: dkim.rsa.selector.clone(),
            kind: "rsa",
            public: dkim.rsa.pair.public_key().as_ref().to_vec(),
        };
        let ed25519 = dkim.ed25519.as_ref().map(|key| SignerKey {
            selector: key.selector.clone(),
            kind: "ed25519",
            public: key.pair.public_key().as_ref().to_vec(),
        });
        let keys = [rsa].into_iter().chain(ed25519).collect();
        Self { domain: dkim.domain.clone(), keys }
    }
}

/// Which proofs are about the sender's domain, so that DMARC counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlignmentFound {
    /// SPF and DKIM.
    Both,
    /// DKIM only, since the return path is elsewhere.
    DkimOnly,
    /// SPF, and DKIM only if the relay signs for the domain named here.
    SpfAndRelay(String),
    /// Nothing, unless the relay signs for the domain named here.
    RelayOnly(String),
    /// SPF only, since the policy wants signatures of the very domain.
    SpfOnly,
    /// Nothing.
    Neither,
}

impl AlignmentFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Both | Self::SpfAndRelay(_) => Soundness::Fine,
            Self::DkimOnly | Self::SpfOnly | Self::RelayOnly(_) => Soundness::Warning,
            Self::Neither => Soundness::Broken,
        }
    }
}

/// The verdicts on everything that is in the DNS. They count once `known` wants no more answers.
pub fn judge_names(identity: &Identity, known: &mut Known) -> Vec<Finding> {
    let Identity { from, return_path, receiving, signer, relays } = identity;
    let finding = |check, subject: &str, state: Result<State, Why>| {
        Finding::new(check, subject, state.unwrap_or_else(State::NotChecked))
    };
    let spf = spf::judge(return_path, relays, known).map(State::Spf);
    let mut findings = vec![finding(Check::Spf, return_path, spf)];
    match signer {
        None => findings.push(Finding::unchecked(Check::Dkim, from, Why::RelaySigns)),
        Some(Signer { domain, keys }) => findings.extend(keys.iter().map(|key| {
            let subject = format!("{}._domainkey.{domain}", key.selector);
            finding(Check::Dkim, &subject, dkim::judge(domain, key, known).map(State::Dkim))
        })),
    }
    let dmarc = dmarc::judge(from, known);
    let strictness = dmarc.as_ref().map(|(_, strictness)| *strictness).unwrap_or_default();
    findings.push(finding(Check::Dmarc, from, dmarc.map(|(found, _)| State::Dmarc(found))));
    let aligned = State::Alignment(alignment(identity, strictness));
    findings.push(Finding::new(Check::Alignment, from, aligned));
    for domain in receiving {
        let mx = exchange::judge(domain, known).map(State::Mx);
        findings.push(finding(Check::Mx, domain, mx));
    }
    findings.push(Finding::unchecked(Check::Hello, from, Why::RelayDelivers));
    findings
}

fn alignment(identity: &Identity, strictness: dmarc::Strictness) -> AlignmentFound {
    let Identity { from, return_path, signer, .. } = identity;
    let is_aligned = |domain: &str, is_strict: bool| {
        if is_strict { domain == from } else { is_within(domain, organisation(from)) }
    };
    let spf = is_aligned(return_path, strictness.spf);
    match signer.as_ref().map(|signer| is_aligned(&signer.domain, strictness.dkim)) {
        None if spf => AlignmentFound::SpfAndRelay(from.clone()),
        None => AlignmentFound::RelayOnly(from.clone()),
        Some(true) if spf => AlignmentFound::Both,
        Some(true) => AlignmentFound::DkimOnly,
        Some(false) if spf => AlignmentFound::SpfOnly,
        Some(false) => AlignmentFound::Neither,
    }
}
