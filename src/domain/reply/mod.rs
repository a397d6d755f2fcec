//! What a relay's refusal means for the message, the address and the route.
//!
//! The first digit alone is never enough: a 5xx may be about our password, our reputation, our pace
//! or the address, and only the last one says anything about the contact. [`Refusal::of`] finds the
//! cause by phase, enhanced status and text; what follows from a cause stands in one table,
//! [`Refusal::follows`]. Deliberately not here: whether a relay works (`route/`), and when exactly to try
//! again ([`super::Try::next`]).
mod address;
mod hint;
mod judge;
mod status;
#[cfg(test)]
mod tests;
mod words;

use chrono::TimeDelta;

use super::{Phase, Reply, Suppression};

pub use address::{AddressEffect, AddressTrouble};

/// Why a relay refused a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// The address does not exist.
    NoSuchAddress,
    /// The address belongs to somebody else now (RFC 7293).
    NewOwner,
    /// The mailbox is switched off, which may pass.
    Disabled,
    /// The mailbox is full.
    MailboxFull,
    /// Refused for good at RCPT, and nobody says why.
    Unexplained,
    /// The server wants to see the message a second time.
    Greylisted,
    /// Not now, for a reason that concerns this message or address only.
    Later,
    /// The server or its connection is in trouble; another connection may do.
    Busy,
    /// We send too much for the server's taste.
    Throttled(Throttle),
    /// The content is unwanted, and so is more of it for a while: QQ's `Mail content denied`.
    Denied,
    /// Policy or reputation: the message is not wanted from us.
    Policy,
    /// The message itself: too big, or not made as the server wants it.
    Content,
    /// This message will not be taken, and nothing else follows from that.
    Message,
    /// The address has a local part outside of ASCII, which this relay cannot carry (RFC 6531).
    Uncarried,
    /// The relay does not accept us: password, certificate, sender address, leave to relay.
    Ours,
}

/// What a server has too much of, and so how long the mail of a group of domains waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Throttle {
    /// Connections at the same time: 5 minutes, then fewer of them.
    Connections,
    /// Mails in a short time: 30 minutes.
    Rate,
    /// Mails in some longer time, of which nothing is said, as QQ does: 1 hour.
    Hour,
    /// Complaints, as Yahoo's `[TSS04]`: 2 hours.
    Complaints,
    /// More complaints or a limit whose end is not known: 4 hours.
    Quota,
    /// Mails of a day that ends with the day in China, as `NetEase` counts: until midnight there.
    DayInChina,
}

/// How soon a message is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Within minutes at first, within an hour later on.
    Usual,
    /// The same, five minutes at least, which is what greylisting waits for as a rule.
    SecondTry,
    /// Within hours, with room for a mailbox to be emptied.
    Slow,
    /// In [`Settlement::RELAY_PAUSE`](super::Settlement::RELAY_PAUSE), since the message is not at
    /// fault and its attempts say nothing.
    Pause,
}

/// What becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageEffect {
    /// It is tried again.
    Retry(Pace),
    /// It is tried at once through a relay that has not refused it so; if there is none, it has
    /// failed.
    Elsewhere,
    /// It has failed.
    Fail,
    /// It has failed, and others of its campaign may fail alike: whoever wrote it should know.
    FailAsContent,
}

/// What an attempt says about the route that it took, for `RouteState::note`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteEvent {
    /// A message was taken.
    Accepted,
    /// A message was refused for its own or its address's sake: the route works.
    Answered,
    /// The connection is of no more use; close it.
    Busy,
    /// No connection came about.
    Unreachable,
    /// A refusal of pace, with the wait that the server named, if it named one.
    Throttled(Throttle, Option<TimeDelta>),
    /// A refusal of policy or reputation.
    Policy,
    /// The relay's fault or our own: every message would fail alike.
    Ours,
}

/// Everything that follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Follows {
    /// For the message.
    pub message: MessageEffect,
    /// For the address.
    pub address: AddressEffect,
    /// For the route.
    pub route: RouteEvent,
}

impl Refusal {
    /// Every cause.
    pub const ALL: [Self; 20] = [
        Self::NoSuchAddress,
        Self::NewOwner,
        Self::Disabled,
        Self::MailboxFull,
        Self::Unexplained,
        Self::Greylisted,
        Self::Later,
        Self::Busy,
        Self::Throttled(Throttle::Connections),
        Self::Throttled(Throttle::Rate),
        Self::Throttled(Throttle::Hour),
        Self::Throttled(Throttle::Complaints),
        Self::Throttled(Throttle::Quota),
        Self::Throttled(Throttle::DayInChina),
        Self::Denied,
        Self::Policy,
        Self::Content,
        Self::Message,
        Self::Uncarried,
        Self::Ours,
    ];

    /// Judges `reply`, given in `phase`. Total: any code in any phase has a cause.
    ///
    /// Sources: RFC 3463 and IANA's registry for the enhanced status, RFC 4954 section 6 for AUTH, RFC
    /// 5321 section 4.2 for plain codes, the providers' own lists for texts.
    #[must_use]
    pub fn of(phase: Phase, reply: &Reply) -> Self {
        judge::judge(phase, reply).0
    }

    /// What follows from this cause, for a server that said to come back in `hint`.
    #[must_use]
    pub const fn follows(self, hint: Option<TimeDelta>) -> Follows {
        use AddressEffect as A;
        use MessageEffect::{Elsewhere, Fail, FailAsContent, Retry};
        use RouteEvent as R;
        let (message, address, route) = match self {
            Self::NoSuchAddress | Self::NewOwner => {
                (Fail, A::Suppress(Suppression::NoSuchAddress), R::Answered)
            }
            Self::Disabled => (Fail, A::Count(AddressTrouble::Disabled), R::Answered),
            Self::MailboxFull => {
                (Retry(Pace::Slow), A::Count(AddressTrouble::MailboxFull), R::Answered)
            }
            Self::Unexplained => (Fail, A::Count(AddressTrouble::Unexplained), R::Answered),
            Self::Greylisted => (Retry(Pace::SecondTry), A::Nothing, R::Answered),
            Self::Later => (Retry(Pace::Usual), A::Nothing, R::Answered),
            Self::Busy => (Retry(Pace::Usual), A::Nothing, R::Busy),
            Self::Throttled(kind) => (Retry(Pace::Usual), A::Nothing, R::Throttled(kind, hint)),
            Self::Denied => (Fail, A::Nothing, R::Throttled(Throttle::Hour, hint)),
            Self::Policy => (Fail, A::Nothing, R::Policy),
            Self::Content => (FailAsContent, A::Nothing, R::Answered),
            Self::Message => (Fail, A::Nothing, R::Answered),
            Self::Uncarried => (Elsewhere, A::Nothing, R::Answered),
            Self::Ours => (Retry(Pace::Pause), A::Nothing, R::Ours),
        };
        Follows { message, address, route }
    }

    /// Whether the next try should be through the same relay: a server that put a mail off knows who
    /// brought it, and would put it off again if a stranger did (RFC 6647 section 2.4).
    #[must_use]
    pub const fn knows_relay(self) -> bool {
        matches!(self, Self::Greylisted | Self::Later)
    }

    /// The name in tables and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchAddress => "no-such-address",
            Self::NewOwner => "new-owner",
            Self::Disabled => "disabled",
            Self::MailboxFull => "mailbox-full",
            Self::Unexplained => "unexplained",
            Self::Greylisted => "greylisted",
            Self::Later => "later",
            Self::Busy => "busy",
            Self::Throttled(Throttle::Connections) => "throttled-connections",
            Self::Throttled(Throttle::Rate) => "throttled",
            Self::Throttled(Throttle::Hour) => "throttled-hour",
            Self::Throttled(Throttle::Complaints) => "throttled-complaints",
            Self::Throttled(Throttle::Quota) => "throttled-quota",
            Self::Throttled(Throttle::DayInChina) => "throttled-day",
            Self::Denied => "denied",
            Self::Policy => "policy",
            Self::Content => "content",
            Self::Message => "message",
            Self::Uncarried => "unreachable-eai",
            Self::Ours => "ours",
        }
    }

    /// The cause called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// The reason for people, a lower-case fragment in English and the same in Chinese.
    #[must_use]
    pub const fn reason(self) -> (&'static str, &'static str) {
        match self {
            Self::NoSuchAddress => ("there is no such address", "没有这个地址"),
            Self::NewOwner => ("the address has a new owner", "该地址已换了主人"),
            Self::Disabled => ("the mailbox is switched off", "邮箱已停用"),
            Self::MailboxFull => ("the mailbox is full", "邮箱已满"),
            Self::Unexplained => ("refused for good, no reason given", "永久拒收，未说明原因"),
            Self::Greylisted => ("greylisted; it is taken at a later try", "灰名单，稍后重试即可"),
            Self::Later => ("not now", "暂时不收"),
            Self::Busy => ("the server is busy or closed the connection", "服务器忙或断开了连接"),
            Self::Throttled(Throttle::Connections) => {
                ("too many connections for this provider", "对该服务商的连接过多")
            }
            Self::Throttled(Throttle::DayInChina) => {
                ("the provider's limit of the day is reached", "已达到该服务商当日上限")
            }
            Self::Throttled(Throttle::Complaints) => {
                ("the provider slows us down after complaints", "因投诉被该服务商限速")
            }
            Self::Throttled(_) => ("too much mail for this provider", "对该服务商的发信过多"),
            Self::Denied | Self::Policy => {
                ("refused by policy or reputation", "因策略或信誉被拒收")
            }
            Self::Content => ("the message is too big or malformed", "邮件过大或格式有误"),
            Self::Message => ("this message is refused", "这封邮件被拒收"),
            Self::Uncarried => (
                "no relay carries addresses outside of ASCII (SMTPUTF8)",
                "没有中继支持非 ASCII 邮箱地址（SMTPUTF8）",
            ),
            Self::Ours => (
                "the relay does not accept us; look at its settings",
                "中继不接受我们，请检查其设置",
            ),
        }
    }
}

impl Reply {
    /// How long the server asks to wait, if it says so: `try again in 300 seconds`, `retry in 10
    /// minutes`, `in 2 hours`. As it was said; who honours it sets the bounds.
    #[must_use]
    pub fn wait_hint(&self) -> Option<TimeDelta> {
        hint::wait(&self.text)
    }
}
