//! Relays, the public pages, the clock and the database.
use chrono::{DateTime, TimeDelta, Utc};

use super::Soundness;
use crate::domain::{Phase, Pipelining};

/// A certificate that ends sooner should have been renewed: those of Let's Encrypt are with 30 days left.
const SOON: TimeDelta = TimeDelta::days(14);
/// A clock that is off by more is set by nobody.
const CLOCK_OFF: TimeDelta = TimeDelta::seconds(30);
/// A clock that is off by more makes leases and days wrong.
const CLOCK_WRONG: TimeDelta = TimeDelta::minutes(5);
/// SQLite's `synchronous`: FULL.
const FULL: i64 = 2;

/// Whether a host name or address is this machine's own.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<core::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// What was found out about reaching a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayFound {
    /// It lets us in.
    Ready {
        /// How it greeted us.
        banner: String,
        /// Whether it has seen our password.
        is_logged_in: bool,
    },
    /// It said no.
    Refused {
        /// To what.
        phase: Phase,
        /// Its words.
        said: String,
    },
    /// There was no talking to it.
    Failed {
        /// How far it came.
        phase: Phase,
        /// What went wrong, a fragment.
        cause: String,
    },
}

impl RelayFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Ready { .. } => Soundness::Fine,
            Self::Refused { .. } | Self::Failed { .. } => Soundness::Broken,
        }
    }
}

/// What was found out about a certificate that was believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFound {
    /// There is none on a way that never leaves this machine.
    NoneHere,
    /// There is none, and everybody on the way can read along.
    NoneElsewhere,
    /// It ends within two weeks.
    EndsSoon(DateTime<Utc>),
    /// All is well: its last instant.
    Fine(DateTime<Utc>),
}

impl CertificateFound {
    pub(super) const fn soundness(self) -> Soundness {
        match self {
            Self::NoneHere | Self::Fine(_) => Soundness::Fine,
            Self::NoneElsewhere | Self::EndsSoon(_) => Soundness::Warning,
        }
    }
}

/// The verdict on a certificate that ends at `last`.
#[must_use]
pub fn judge_certificate(last: DateTime<Utc>, now: DateTime<Utc>) -> CertificateFound {
    if last - now < SOON { CertificateFound::EndsSoon(last) } else { CertificateFound::Fine(last) }
}

/// What a relay offers in its answer to EHLO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayOffers {
    /// The largest message in octets, if it says.
    pub size: Option<usize>,
    /// PIPELINING.
    pub pipelining: bool,
    /// SMTPUTF8.
    pub smtp_utf8: bool,
    /// 8BITMIME.
    pub eight_bit: bool,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Nothing.
    None,
    /// `pipelining` could be used, over a long way.
    CouldPipeline,
    /// `pipelining` is configured and not offered.
    CannotPipeline,
}

/// What was found out about a relay's offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffersFound {
    /// The offers.
    pub offers: RelayOffers,
    /// What to do about them.
    pub advice: Advice,
}

impl OffersFound {
    pub(super) fn soundness(self) -> Soundness {
        if self.advice == Advice::CannotPipeline { Soundness::Warning } else { Soundness::Fine }
    }
}

/// The verdict on what a relay offers, for what is configured.
#[must_use]
pub const fn judge_offers(offers: RelayOffers, configured: Pipelining) -> OffersFound {
    let advice = match (offers.pipelining, configured) {
        (true, Pipelining::Off) => Advice::CouldPipeline,
        (false, Pipelining::Rfc2920 | Pipelining::Deep) => Advice::CannotPipeline,
        _ => Advice::None,
    };
    OffersFound { offers, advice }
}

/// What a public page answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// Where it leads to, if it does.
    pub location: Option<String>,
    /// The time of the server, in whole seconds.
    pub date: Option<DateTime<Utc>>,
    /// The first 200 characters of its text.
    pub text: String,
    /// The last instant of its certificate.
    pub last_instant: Option<DateTime<Utc>>,
}

/// What was found out about the public pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackingFound {
    /// The address is one of this machine's own.
    LocalOnly,
    /// There was no talking to the server.
    Failed(String),
    /// Somebody else answers, with this status.
    NotOurs(u16),
    /// All is well.
    Fine,
}

impl TrackingFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Fine => Soundness::Fine,
            Self::LocalOnly => Soundness::Warning,
            Self::Failed(_) | Self::NotOurs(_) => Soundness::Broken,
        }
    }
}

/// The verdict on the answer to `GET /health`.
#[must_use]
pub fn judge_health(answer: &PublicAnswer) -> TrackingFound {
    if answer.status == 200 && answer.text.trim() == "ok" {
        TrackingFound::Fine
    } else {
        TrackingFound::NotOurs(answer.status)
    }
}

/// What was found out about unsubscribing with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OneClickFound {
    /// The request is led elsewhere, which mail programs do not follow (RFC 8058 section 3.1).
    Redirects(String),
    /// Somebody else answers, with this status.
    NotOurs(u16),
    /// All is well: the made-up mail is not known, and the request arrived.
    Fine,
}

impl OneClickFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::Fine => Soundness::Fine,
            Self::Redirects(_) | Self::NotOurs(_) => Soundness::Broken,
        }
    }
}

/// The verdict on the answer to a one-click request for a mail that does not exist, which is gone.
#[must_use]
pub fn judge_one_click(answer: &PublicAnswer) -> OneClickFound {
    match answer.status {
        410 => OneClickFound::Fine,
        300..=399 => OneClickFound::Redirects(answer.location.clone().unwrap_or_default()),
        status => OneClickFound::NotOurs(status),
    }
}

/// What was found out about the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockFound {
    /// Whose clock ours was held against.
    pub against: String,
    /// How far ours is ahead of it; negative if it is behind.
    pub ahead: TimeDelta,
}

impl ClockFound {
    pub(super) fn soundness(&self) -> Soundness {
        match self.ahead.abs() {
            off if off > CLOCK_WRONG => Soundness::Broken,
            off if off > CLOCK_OFF => Soundness::Warning,
            _ => Soundness::Fine,
        }
    }
}

/// The verdict on our clock, which said `ours` when the one of `against` said `theirs`.
#[must_use]
pub fn judge_clock(against: String, ours: DateTime<Utc>, theirs: DateTime<Utc>) -> ClockFound {
    ClockFound { against, ahead: ours - theirs }
}

/// What a file lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// A file system of this machine.
    Local,
    /// One of another machine or of a program, where locks and writes are not to be trusted.
    Remote(&'static str),
    /// The memory of this machine.
    Memory,
    /// The system does not say.
    Unknown,
}

/// What the database does so that it keeps what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Durability {
    /// A file.
    File {
        /// What it lies on.
        disk: Disk,
        /// SQLite's `journal_mode`.
        journal_mode: String,
        /// SQLite's `synchronous`, `0..=3`.
        synchronous: i64,
    },
    /// A server, with its settings of these names.
    Server {
        /// `synchronous_commit` for our connections.
        synchronous_commit: String,
        /// `fsync`.
        fsync: String,
        /// `full_page_writes`.
        full_page_writes: String,
        /// Whether it copies another server and takes no changes.
        is_standby: bool,
    },
}

/// What was found out about the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseFound {
    /// It could not be opened.
    Unopened(String),
    /// The file lies on a disk of this kind that is not this machine's.
    RemoteDisk(&'static str),
    /// The file lies in memory.
    InMemory,
    /// A setting lets a commit be forgotten.
    Loose {
        /// Its name.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The server copies another one.
    Standby,
    /// All is well, a file.
    FineFile {
        /// Whether the system says what it lies on.
        is_disk_known: bool,
    },
    /// All is well, a server.
    FineServer,
}

impl DatabaseFound {
    pub(super) const fn soundness(&self) -> Soundness {
        match self {
            Self::FineFile { .. } | Self::FineServer => Soundness::Fine,
            Self::RemoteDisk(_) | Self::InMemory => Soundness::Warning,
            Self::Unopened(_) | Self::Loose { .. } | Self::Standby => Soundness::Broken,
        }
    }
}

/// The verdict on the database.
#[must_use]
pub fn judge_database(durability: &Durability) -> DatabaseFound {
    let loose = |setting, value: &str, wanted| DatabaseFound::Loose {
        setting,
        value: value.to_owned(),
        wanted,
    };
    match durability {
        Durability::File { disk: Disk::Memory, .. } => DatabaseFound::InMemory,
        Durability::File { synchronous, .. } if *synchronous < FULL => {
            loose("synchronous", &synchronous.to_string(), "2")
        }
        Durability::File { journal_mode, .. } if !journal_mode.eq_ignore_ascii_case("wal") => {
            loose("journal_mode", journal_mode, "wal")
        }
        Durability::File { disk: Disk::Remote(kind), .. } => DatabaseFound::RemoteDisk(kind),
        Durability::File { disk, .. } => {
            DatabaseFound::FineFile { is_disk_known: *disk == Disk::Local }
        }
        Durability::Server { is_standby: true, .. } => DatabaseFound::Standby,
        Durability::Server { fsync, .. } if fsync != "on" => loose("fsync", fsync, "on"),
        Durability::Server { full_page_writes, .. } if full_page_writes != "on" => {
            loose("full_page_writes", full_page_writes, "on")
        }
        Durability::Server { synchronous_commit: commit, .. }
            if !["on", "remote_apply"].contains(&commit.as_str()) =>
        {
            loose("synchronous_commit", commit, "on")
        }
        Durability::Server { .. } => DatabaseFound::FineServer,
    }
}
