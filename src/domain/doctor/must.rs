//! What has to be sound before mail leaves.
use serde::{Deserialize, Serialize};

use super::{Check, Finding, Soundness};

/// What follows if a must is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preflight {
    /// No mail leaves.
    Block,
    /// It is said, and mail leaves.
    Warn,
    /// Nobody looks.
    Off,
}

/// Something that has to be sound before mail leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Must {
    /// What is looked at.
    pub check: Check,
    /// Whose: a domain, the name of a key, an address, a database.
    pub subject: String,
}

impl Check {
    /// Whether mail waits while this is broken, since every mail that left meanwhile would do harm that
    /// cannot be undone: it costs the sender's name with receivers, nobody can unsubscribe from it, or
    /// a power failure has it sent twice.
    ///
    /// A broken relay takes no mail anyway and is left alone by its breaker, while the others work; a
    /// clock that is off is held against the database server's before each round.
    #[must_use]
    pub const fn is_must(self) -> bool {
        match self {
            Self::Spf
            | Self::Dkim
            | Self::Dmarc
            | Self::Alignment
            | Self::Mx
            | Self::Tracking
            | Self::OneClick
            | Self::Database => true,
            Self::Hello
            | Self::Relay
            | Self::RelayCertificate
            | Self::RelayOffers
            | Self::TrackingCertificate
            | Self::Clock => false,
        }
    }
}

impl Finding {
    fn is_about(&self, must: &Must) -> bool {
        self.check == must.check && self.subject == must.subject
    }
}

/// The musts that are broken. What could not be looked at is not broken, unless it was among those that
/// were broken `before`: nobody has seen it sound since.
#[must_use]
pub fn broken_musts(findings: &[Finding], before: &[Must]) -> Vec<Must> {
    let is_broken = |finding: &&Finding| match finding.soundness() {
        Soundness::Broken => finding.check.is_must(),
        Soundness::NotChecked => before.iter().any(|must| finding.is_about(must)),
        Soundness::Fine | Soundness::Warning => false,
    };
    let must = |finding: &Finding| Must { check: finding.check, subject: finding.subject.clone() };
    findings.iter().filter(is_broken).map(must).collect()
}
