//! Causes by the enhanced status alone: RFC 3463 and IANA's registry of such codes, with the
//! numbers that Exchange Online and Gmail have made up besides.
use super::{Refusal, Throttle};
use crate::domain::EnhancedStatus;

/// The cause of a refusal for now; `None` if the status says nothing.
pub(super) const fn by_status_for_now(status: EnhancedStatus) -> Option<Refusal> {
    Some(match (status.subject, status.detail) {
        (2, 2) => Refusal::MailboxFull,
        (1 | 2 | 6, 1..) => Refusal::Later,
        (3..=5, _) => Refusal::Busy,
        // X.7.0 other security, Gmail's X.7.26 to X.7.32, Exchange's X.7.5xx and X.7.6xx.
        (7, 0 | 26..=32 | 500..=799) => Refusal::Throttled(Throttle::Rate),
        (7, 2..) => Refusal::Later,
        _ => return None,
    })
}

/// The cause of a refusal for good; `None` if the status says nothing.
pub(super) const fn by_status_for_good(status: EnhancedStatus) -> Option<Refusal> {
    Some(match (status.subject, status.detail) {
        // X.1.1 bad mailbox, X.1.2 bad system, X.1.3 bad syntax, X.1.6 moved, X.1.10 null MX.
        (1, 1 | 2 | 3 | 6 | 10) => Refusal::NoSuchAddress,
        // X.1.7 and X.1.8: our sender address.
        (1, 7 | 8) => Refusal::Ours,
        (1, 4..) => Refusal::Unexplained,
        (2, 1) => Refusal::Disabled,
        (2, 2) => Refusal::MailboxFull,
        // RFC 6531 section 3.5: neither the address nor a header with it can be carried there; another
        // relay may.
        (6, 7 | 9) => Refusal::Uncarried,
        (6, 8) => Refusal::Message,
        // X.2.3 and X.3.4: too big.
        (2, 3) | (3, 4) | (6, _) => Refusal::Content,
        (2, 4..) => Refusal::Unexplained,
        // X.3.5 misconfigured, X.4.6 loops, Exchange's X.4.14 hops.
        (3, 1..) | (4, 6 | 7 | 14) => Refusal::Message,
        // Gmail's X.4.5: the limit of the day.
        (4, 5) => Refusal::Throttled(Throttle::Quota),
        // X.4.1 is how Exchange Online hides who exists, X.4.4 and X.4.310 a domain without a host.
        (4, _) => Refusal::Unexplained,
        (5, 1..) => Refusal::Message,
        // RFC 7293: the address or its domain has a new owner.
        (7, 17 | 18) => Refusal::NewOwner,
        // Our credentials and rights: RFC 4954 section 6, RFC 5248, Exchange's X.7.54 to X.7.64.
        (7, 3 | 8 | 11 | 13 | 14 | 54 | 57 | 60 | 64 | 708 | 750) => Refusal::Ours,
        (7, 28 | 705) => Refusal::Throttled(Throttle::Rate),
        // X.7.124 and X.7.129: closed groups, which say nothing about us.
        (7, 2 | 124 | 129 | 133 | 134) => Refusal::Message,
        (7, _) => Refusal::Policy,
        _ => return None,
    })
}
