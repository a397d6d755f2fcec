//! What the texts of replies speak of, in lower case.
//!
//! Sources: QQ's and `NetEase`'s published lists of replies, Yahoo's and Microsoft's pages for
//! postmasters, the community lists of `KumoMTA`, and the defaults of Postfix, Exim, qmail, Sendmail
//! and Exchange.
use super::Throttle;

/// What a text speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Our pace.
    Pace(Throttle),
    /// How much mail the recipient gets from everybody, or something as passing.
    Passing,
    /// A second try.
    Greylist,
    /// The connection, or the server's own trouble.
    Server,
    /// Content that brings a pause with it.
    Denied,
    /// Policy or reputation.
    Policy,
    /// Our sender address, which a server could not verify.
    Sender,
    /// The recipient's own wish.
    Personal,
    /// Size or form of the message.
    Content,
    /// A full mailbox.
    Full,
    /// A mailbox that is switched off.
    Disabled,
    /// An address that does not exist.
    Unknown,
}

use Said::{
    Content, Denied, Disabled, Full, Greylist, Pace, Passing, Personal, Policy, Sender, Server,
    Unknown,
};

/// Words that outrank code and status, because both are known to be wrong beside them; the first
/// that is found counts.
const OUTRANKING: &[(&str, Said)] = &[
    // The recipient's pace and not ours: Gmail's ReceivingRate, QQ's protection of one mailbox.
    ("receiving mail", Passing),
    ("receivingrate", Passing),
    ("mailbox unavailable or access denied", Passing),
    // Limits of one connection: a new one will do.
    ("mi:dmc", Server),
    ("rp:drc", Server),
    ("mi:cel", Server),
    ("mi:ccl", Server),
    ("rp:cel", Server),
    ("rp:ccl", Server),
    ("per connection", Server),
    ("for this session", Server),
    ("in this session", Server),
    ("per session", Server),
    ("on this connection", Server),
    ("temporary server error", Server),
    // NetEase: limits of a day.
    ("rp:orq", Pace(Throttle::DayInChina)),
    ("hl:itc", Pace(Throttle::DayInChina)),
    ("mi:stc", Pace(Throttle::DayInChina)),
    ("rp:trc", Pace(Throttle::DayInChina)),
    // NetEase: limits of minutes and of connections.
    ("hl:icc", Pace(Throttle::Connections)),
    ("hl:ifc", Pace(Throttle::Rate)),
    ("hl:ifq", Pace(Throttle::Rate)),
    ("hl:rep", Pace(Throttle::Rate)),
    ("hl:mep", Pace(Throttle::Rate)),
    ("mi:sfq", Pace(Throttle::Rate)),
    ("rp:qrc", Pace(Throttle::Rate)),
    // QQ: `550 Connection|Ip|Sender|Domain frequency limited`.
    ("frequency limit", Pace(Throttle::Hour)),
    ("mail content denied", Denied),
    // Yahoo.
    ("[tss05]", Pace(Throttle::Quota)),
    ("[ipts05]", Pace(Throttle::Quota)),
    ("[tss", Pace(Throttle::Complaints)),
    ("[ipts", Pace(Throttle::Complaints)),
    ("[ts0", Pace(Throttle::Rate)),
    ("unexpected volume", Pace(Throttle::Complaints)),
    // Connections.
    ("too many connections", Pace(Throttle::Connections)),
    ("too many concurrent", Pace(Throttle::Connections)),
    ("too many simultaneous", Pace(Throttle::Connections)),
    ("too many sessions", Pace(Throttle::Connections)),
    ("concurrent server connections", Pace(Throttle::Connections)),
    ("concurrent connections", Pace(Throttle::Connections)),
    ("maximum number of connections", Pace(Throttle::Connections)),
    ("trop de connexions", Pace(Throttle::Connections)),
    ("connection limit", Pace(Throttle::Connections)),
    // Longer limits.
    ("daily message quota", Pace(Throttle::Quota)),
    ("daily sending quota", Pace(Throttle::Quota)),
    ("daily user sending", Pace(Throttle::Quota)),
    ("daily smtp relay", Pace(Throttle::Quota)),
    ("sending quota", Pace(Throttle::Quota)),
    ("sending limit", Pace(Throttle::Quota)),
    ("daily limit", Pace(Throttle::Quota)),
    ("hourly limit", Pace(Throttle::Hour)),
    ("per hour", Pace(Throttle::Hour)),
    // Rates.
    ("rate limit", Pace(Throttle::Rate)),
    ("ratelimit", Pace(Throttle::Rate)),
    ("rate-limit", Pace(Throttle::Rate)),
    ("rate exceed", Pace(Throttle::Rate)),
    ("throttl", Pace(Throttle::Rate)),
    ("unusual rate", Pace(Throttle::Rate)),
    ("too many message", Pace(Throttle::Rate)),
    ("too many mail", Pace(Throttle::Rate)),
    ("too many email", Pace(Throttle::Rate)),
    ("too much mail", Pace(Throttle::Rate)),
    ("too many same", Pace(Throttle::Rate)),
    ("too fast", Pace(Throttle::Rate)),
    ("too frequent", Pace(Throttle::Rate)),
    ("message rate", Pace(Throttle::Rate)),
    ("server busy", Pace(Throttle::Rate)),
    // A second try.
    ("greylist", Greylist),
    ("graylist", Greylist),
    ("grey list", Greylist),
    ("grey-list", Greylist),
    ("gray-list", Greylist),
    ("postgrey", Greylist),
    ("first encounter", Greylist),
    ("unknown sender triplet", Greylist),
];

/// Words about our right to use a relay; they outrank the status of a refusal for good.
const OURS: &[&str] = &[
    "relay access denied",
    "relaying denied",
    "relay denied",
    "relay not permitted",
    "relaying not",
    "unable to relay",
    "not permitted to relay",
    "allowed to relay",
    "denies relay",
    "relay check",
    "do not relay",
    "rcpthosts",
    "authentication required",
    "authentication is required",
    "smtp authentication",
    "requires authentication",
    "client was not authenticated",
    "must authenticate",
    "authenticate first",
    "log in first",
    "not owned by",
    "sending suspended",
    "not authorized to send",
    "not allowed to send",
    "permission to send",
    "sendas",
    "address is not verified",
    "does not match a verified",
    "domain is not verified",
    "sending paused",
    "sending is paused",
    "your account",
    "local user only",
];

/// Words that count where the status is missing or says nothing; the first that is found counts,
/// and those that spare the address come first.
const PLAIN: &[(&str, Said)] = &[
    ("sender verify", Sender),
    ("verification fail", Sender),
    ("callout", Sender),
    ("rejected by recipient", Personal),
    ("dt:spm", Policy),
    ("spam", Policy),
    ("blacklist", Policy),
    ("black list", Policy),
    ("blocklist", Policy),
    ("block list", Policy),
    ("blocked", Policy),
    ("rbl", Policy),
    ("dnsbl", Policy),
    ("barracuda", Policy),
    ("reputation", Policy),
    ("dmarc", Policy),
    ("dkim", Policy),
    ("spf ", Policy),
    ("spf:", Policy),
    ("unsolicited", Policy),
    ("suspicious", Policy),
    ("virus", Policy),
    ("malware", Policy),
    ("phish", Policy),
    ("banned", Policy),
    ("not accepted for", Policy),
    ("policy", Policy),
    ("policies", Policy),
    ("security", Policy),
    ("prohibit", Policy),
    ("access denied", Policy),
    ("connection denied", Policy),
    ("poor rep", Policy),
    ("black ip", Policy),
    ("hl:ihu", Policy),
    ("hl:ipb", Policy),
    ("mi:spb", Policy),
    ("service refuse", Policy),
    ("message rejected", Policy),
    ("content reject", Policy),
    ("complain", Policy),
    ("user complaints", Policy),
    ("too large", Content),
    ("too big", Content),
    ("too long", Content),
    ("size limit", Content),
    ("message size", Content),
    ("mailsize", Content),
    ("maximum size", Content),
    ("size exceeds", Content),
    ("bare lf", Content),
    ("line length", Content),
    ("rfc 5322", Content),
    ("rfc5322", Content),
    ("rfc 2822", Content),
    ("missing header", Content),
    ("mailbox full", Full),
    ("is full", Full),
    ("quota", Full),
    ("out of storage", Full),
    ("storage full", Full),
    ("exceeded storage", Full),
    ("storage exceed", Full),
    ("storage allocation", Full),
    ("not enough space", Full),
    ("no space left", Full),
    ("mailbox size", Full),
    ("disabled", Disabled),
    ("inactive", Disabled),
    ("not active", Disabled),
    ("deactivated", Disabled),
    ("suspended", Disabled),
    ("user is locked", Disabled),
    ("account closed", Disabled),
    ("expired", Disabled),
    ("discontinued", Disabled),
    ("hangup", Disabled),
    ("user unknown", Unknown),
    ("unknown user", Unknown),
    ("unknown recipient", Unknown),
    ("recipient unknown", Unknown),
    ("unknown local", Unknown),
    ("address unknown", Unknown),
    ("unknown address", Unknown),
    ("no such", Unknown),
    ("not found", Unknown),
    ("does not exist", Unknown),
    ("doesn't exist", Unknown),
    ("not exist", Unknown),
    ("invalid recipient", Unknown),
    ("invalid mailbox", Unknown),
    ("invalid user", Unknown),
    ("invalid rcpt", Unknown),
    ("invalid address", Unknown),
    ("mailbox unavailable", Unknown),
    ("no mailbox", Unknown),
    ("no mail-box", Unknown),
    ("utilisateur inconnu", Unknown),
    ("inconnu", Unknown),
    ("not our customer", Unknown),
    ("isn't a valid", Unknown),
    ("not a valid", Unknown),
    ("doesn't have a", Unknown),
    ("unrouteable address", Unknown),
    ("bad address syntax", Unknown),
];

/// What `text`, in lower case, says that outranks everything else.
pub(super) fn outranking(text: &str) -> Option<Said> {
    first(OUTRANKING, text)
}

/// Whether `text` says no more than: later.
pub(super) fn is_later(text: &str) -> bool {
    ["later", "temporar", "unavailable"].iter().any(|words| text.contains(words))
}

/// Whether `text` says that the relay is not ours to use.
pub(super) fn is_ours(text: &str) -> bool {
    OURS.iter().any(|words| text.contains(words))
}

/// What `text` says, where nothing better is known.
pub(super) fn plain(text: &str) -> Option<Said> {
    first(PLAIN, text)
}

fn first(table: &[(&str, Said)], text: &str) -> Option<Said> {
    table.iter().find(|(words, _)| text.contains(words)).map(|(_, said)| *said)
}
