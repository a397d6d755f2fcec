//! Whether what a relay took and what our ledger says agree.
//!
//! [`RelayLedger`] holds what the relay took, [`Audit`] is shown every mail of ours and says of each
//! [`Invariant`] whether it holds. Where the two come from is not known here.
mod connections;
mod judge;
mod message;
mod relay;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

pub use connections::Connections;
pub use judge::{Audit, Findings, Judged, MOST_EXAMPLES};
pub use message::{ExpectedMessage, MessageFault, message_faults};
pub use relay::{Acceptance, MessageId, RelayLedger};

use super::{OutreachId, OutreachState};

/// What must hold between a relay's ledger and ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Every mail that a relay said 250 to was taken by it.
    SentWasTaken,
    /// Every message that was taken belongs to a mail that may have left.
    TakenIsKnown,
    /// No mail that says that nothing of it left was taken.
    NoHiddenSend,
    /// A message is taken once, and once more for each time that a doubt was ended by sending again.
    NoCopyWithoutDoubt,
    /// A crash leaves no more doubts than messages may be on their way at once.
    DoubtsPerKill,
    /// No mail vanishes, goes back to being planned, or is stuck.
    NothingVanishes,
    /// Nothing is taken for a contact who had unsubscribed before its content began to leave.
    NothingAfterUnsubscribing,
    /// Attempts are numbered from 1, one lease each, one after the other, and end with acceptance.
    AttemptsInOrder,
    /// The relay never saw more connections than are allowed.
    WithinLimits,
    /// The messages are sound: lines, headers, recipient.
    SoundMessages,
}

impl Invariant {
    /// Every invariant, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::SentWasTaken,
        Self::TakenIsKnown,
        Self::NoHiddenSend,
        Self::NoCopyWithoutDoubt,
        Self::DoubtsPerKill,
        Self::NothingVanishes,
        Self::NothingAfterUnsubscribing,
        Self::AttemptsInOrder,
        Self::WithinLimits,
        Self::SoundMessages,
    ];

    /// The number under which it is known: `I1` to `I10`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10"][self as usize]
    }
}

/// What an audit is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditTerms {
    /// When the relay's ledger was read; what happened later is not judged.
    pub now: DateTime<Utc>,
    /// When the relay's ledger begins, if it does not go back to our first mail.
    pub since: Option<DateTime<Utc>>,
    /// How long a daemon may hold a mail.
    pub lease: TimeDelta,
    /// Connections of one daemon to the relay at most; none if mail goes into a folder.
    pub connections: Option<u32>,
    /// Messages whose content may be on its way on one connection at once.
    pub window: u32,
    /// Daemons that ran at the same time at most.
    pub daemons: u32,
    /// How many daemons were killed or lost power, if somebody counted.
    pub kills: Option<u32>,
}

/// A mail as our ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedMail {
    /// Row identity.
    pub id: OutreachId,
    /// The random number in its Message-ID.
    pub nonce: i64,
    /// Where it stands.
    pub state: OutreachState,
    /// How often it has been tried, a try under way included.
    pub attempt: u32,
    /// After this it is not welcome any more.
    pub not_after: DateTime<Utc>,
    /// The end of the lease that is on it, if one is.
    pub lease_until: Option<DateTime<Utc>>,
    /// When its contact unsubscribed, if that happened.
    pub unsubscribed_at: Option<DateTime<Utc>>,
    /// Its attempts, by number.
    pub attempts: Vec<AuditedAttempt>,
    /// Attempts that nobody knows, or knew, the end of.
    pub doubts: Vec<AuditedDoubt>,
}

/// One attempt as our ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditedAttempt {
    /// 1 for the first.
    pub no: u32,
    /// The lease that it was made under.
    pub lease_token: i64,
    /// When it began. None if that was not recorded; then its number may follow a gap, since a try
    /// that nobody saw the end of left no row.
    pub began_at: Option<DateTime<Utc>>,
    /// When its content could begin to leave, if it came to that and somebody lived to record it.
    pub sending_at: Option<DateTime<Utc>>,
    /// When it ended, or was found to have ended.
    pub ended_at: DateTime<Utc>,
    /// How it ended.
    pub verdict: AttemptVerdict,
}

/// How an attempt ended, without what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptVerdict {
    /// 250 to the dot.
    Accepted,
    /// The relay said no.
    Rejected,
    /// No content left.
    NotSent,
    /// Nobody knows.
    InDoubt,
}

impl AttemptVerdict {
    /// The verdict that the ledger calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "accepted" => Some(Self::Accepted),
            "rejected" => Some(Self::Rejected),
            "not_sent" => Some(Self::NotSent),
            "in_doubt" => Some(Self::InDoubt),
            _ => None,
        }
    }
}

/// A doubt about one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditedDoubt {
    /// The number of the attempt.
    pub attempt: u32,
    /// What was made of it.
    pub end: DoubtEnd,
}

/// What was made of a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtEnd {
    /// Nothing yet.
    Open,
    /// The mail was sent once more.
    Resent,
    /// It was taken as sent or as failed.
    Settled,
}

/// Something that breaks an invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offence {
    /// The mail, if it is about one.
    pub mail: Option<OutreachId>,
    /// The line of the relay's ledger, from 1, if it is about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// We were told 250, and the relay does not have it.
    NotTaken,
    /// The relay has a message of ours that no mail belongs to.
    UnknownMail,
    /// The relay has it under another random number: the database was made anew or put back.
    OtherNonce,
    /// The relay has it, and we say that nothing of it left.
    TakenIn(OutreachState),
    /// The relay has more copies than doubts explain.
    Copies {
        /// Copies that it has.
        taken: u64,
        /// Copies that it may have.
        allowed: u64,
    },
    /// Crashes left more doubts than they could.
    TooManyDoubts {
        /// Doubts that crashes left.
        found: u64,
        /// The most that there may be.
        allowed: u64,
    },
    /// Something was recorded of a mail that is gone.
    Gone,
    /// Its lease, or its welcome, is long over, and nobody has taken it up.
    Stuck(OutreachState),
    /// It was tried and is planned again.
    WentBack,
    /// It was taken after its contact had unsubscribed.
    AfterUnsubscribing,
    /// An attempt has not the number that follows the one before.
    Gap(u32),
    /// Two attempts were made under one lease, or a later one under an older lease.
    Lease(u32),
    /// An attempt began before the one before had ended.
    Overlap(u32),
    /// It was tried again after it had been accepted.
    AfterAccepted(u32),
    /// It has attempts that it was never claimed for.
    NeverClaimed(u32),
    /// The relay saw more connections than are allowed.
    Connections {
        /// The most at the same time.
        seen: u64,
        /// The most allowed.
        allowed: u64,
    },
    /// The message is not sound.
    Message(MessageFault),
}

/// Why an invariant could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchecked {
    /// Nobody said how many daemons were killed.
    NoKills,
    /// The configuration has no relay, so there are no limits.
    NoRelay,
    /// The relay's ledger tells of no connections.
    NoConnections,
    /// There is no folder with the messages.
    NoMessages,
}
