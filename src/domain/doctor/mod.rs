//! What `doctor` finds: whether mail would arrive, and whether what it needs is in place.
//!
//! Verdicts only. Whoever looks brings answers of the DNS, relays, servers and the database, and
//! nothing in here asks for them. Their words are untrusted: they are cut to a line where they come in.
mod certificate;
mod dkim;
mod dmarc;
mod exchange;
mod identity;
mod known;
mod must;
mod places;
mod spf;
#[cfg(test)]
mod tests;

pub use certificate::last_instant;
pub use dkim::DkimFound;
pub use dmarc::DmarcFound;
pub use exchange::MxFound;
pub use identity::{AlignmentFound, Identity, Signer, SignerKey, judge_names};
pub use known::{Answer, Kind, Known, Question};
pub use must::{Must, Preflight, broken_musts};
pub use places::{
    Advice, CertificateFound, ClockFound, DatabaseFound, Disk, Durability, OffersFound,
    OneClickFound, PublicAnswer, RelayFound, RelayOffers, TrackingFound, is_this_machine,
    judge_certificate, judge_clock, judge_database, judge_health, judge_offers, judge_one_click,
};
pub use spf::SpfFound;

use serde::{Deserialize, Serialize};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// SPF of the domain of the return path (RFC 7208).
    Spf,
    /// A published key (RFC 6376 section 3.6).
    Dkim,
    /// The policy of the sender's domain (RFC 7489).
    Dmarc,
    /// Whether what SPF and DKIM prove is about the sender's domain.
    Alignment,
    /// Whether a domain receives mail.
    Mx,
    /// The name and the reverse name of who talks to receivers.
    Hello,
    /// Whether a relay is there and lets us in.
    Relay,
    /// The certificate of a relay.
    RelayCertificate,
    /// What a relay offers.
    RelayOffers,
    /// Whether readers reach the public pages.
    Tracking,
    /// The certificate of the public pages.
    TrackingCertificate,
    /// Whether mail programs can unsubscribe with one request (RFC 8058).
    OneClick,
    /// The clock, against others.
    Clock,
    /// Whether the database keeps what it was told.
    Database,
}

impl Check {
    /// The name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::Alignment => "alignment",
            Self::Mx => "mx",
            Self::Hello => "hello",
            Self::Relay => "relay",
            Self::RelayCertificate => "relay_certificate",
            Self::RelayOffers => "relay_offers",
            Self::Tracking => "tracking",
            Self::TrackingCertificate => "tracking_certificate",
            Self::OneClick => "one_click",
            Self::Clock => "clock",
            Self::Database => "database",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Soundness {
    /// Nothing to do.
    Fine,
    /// Mail leaves, and something should be done.
    Warning,
    /// Mail does not leave, or is likely to be refused or lost.
    Broken,
    /// Nobody knows.
    NotChecked,
}

impl Soundness {
    /// The name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Broken => "broken",
            Self::NotChecked => "not_checked",
        }
    }
}

/// Why something was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Nobody was to ask the network.
    Offline,
    /// This machine names no resolver for the DNS.
    NoResolver,
    /// The DNS gave no answer about `name`.
    Unanswered {
        /// The name that was asked for.
        name: String,
        /// What happened, a fragment.
        cause: String,
    },
    /// A server did not answer in time, or its name was not found.
    Unreachable(String),
    /// The relay signs, so that no key of ours is published.
    RelaySigns,
    /// Mail leaves through a relay, whose names count with receivers.
    RelayDelivers,
    /// Mail goes into a folder.
    NoRelay,
    /// What this depends on is broken.
    Depends,
    /// The time was fixed by `--now`.
    FixedTime,
    /// There is no other clock to hold ours against.
    NoOtherClock,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    NotChecked(Why),
    /// About [`Check::Spf`].
    Spf(SpfFound),
    /// About [`Check::Dkim`].
    Dkim(DkimFound),
    /// About [`Check::Dmarc`].
    Dmarc(DmarcFound),
    /// About [`Check::Alignment`].
    Alignment(AlignmentFound),
    /// About [`Check::Mx`].
    Mx(MxFound),
    /// About [`Check::Relay`].
    Relay(RelayFound),
    /// About [`Check::RelayCertificate`] or [`Check::TrackingCertificate`].
    Certificate(CertificateFound),
    /// About [`Check::RelayOffers`].
    Offers(OffersFound),
    /// About [`Check::Tracking`].
    Tracking(TrackingFound),
    /// About [`Check::OneClick`].
    OneClick(OneClickFound),
    /// About [`Check::Clock`].
    Clock(ClockFound),
    /// About [`Check::Database`].
    Database(DatabaseFound),
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// Whose: a domain, the name of a relay, an address.
    pub subject: String,
    /// What was found out.
    pub state: State,
}

impl Finding {
    /// A finding of `check` about `subject`.
    pub fn new(check: Check, subject: impl Into<String>, state: State) -> Self {
        Self { check, subject: subject.into(), state }
    }

    /// Nothing was found out, and this is why.
    pub fn unchecked(check: Check, subject: impl Into<String>, why: Why) -> Self {
        Self::new(check, subject, State::NotChecked(why))
    }

    /// How it is.
    #[must_use]
    pub fn soundness(&self) -> Soundness {
        match &self.state {
            State::NotChecked(_) => Soundness::NotChecked,
            State::Spf(found) => found.soundness(),
            State::Dkim(found) => found.soundness(),
            State::Dmarc(found) => found.soundness(),
            State::Alignment(found) => found.soundness(),
            State::Mx(found) => found.soundness(),
            State::Relay(found) => found.soundness(),
            State::Certificate(found) => found.soundness(),
            State::Offers(found) => found.soundness(),
            State::Tracking(found) => found.soundness(),
            State::OneClick(found) => found.soundness(),
            State::Clock(found) => found.soundness(),
            State::Database(found) => found.soundness(),
        }
    }
}
