//! What a relay's refusal means for the message, the address and the relay.
//!
//! The first digit alone is never enough: a 5xx may be about our password, our reputation or the
//! address, and only the last one says anything about the contact.
use super::{EnhancedStatus, Phase, Reply};

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The address does not exist: never write to it again.
    NoSuchAddress,
    /// Not now: try again later.
    Later,
    /// This message will not be taken; the address is not at fault.
    Message,
    /// The relay does not accept us: stop using it and tell the operator. The message waits.
    Us,
}

/// Words in a reply that speak of rate or reputation, in lower case, whatever its code: QQ and
/// NetEase answer 550 for both (their published lists).
const RATE_WORDS: [&str; 6] =
    ["frequency limited", "rate limit", "too many", "throttl", "try again later", "greylist"];

/// Words that name an unknown mailbox where the reply has no enhanced status.
const UNKNOWN_WORDS: [&str; 8] = [
    "user unknown",
    "unknown user",
    "no such user",
    "mailbox not found",
    "does not exist",
    "recipient not found",
    "invalid recipient",
    "mailbox unavailable",
];

impl Refusal {
    /// Judges `reply`, given in `phase`.
    ///
    /// Sources: RFC 3463 for the enhanced status, RFC 4954 section 6 for AUTH, RFC 5321 section
    /// 4.2.2 for plain codes.
    #[must_use]
    pub fn of(phase: Phase, reply: &Reply) -> Self {
        let text = reply.text.to_lowercase();
        let speaks_of = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match (phase, reply.code, reply.enhanced) {
            // 421 closes the connection and says nothing about anybody.
            (_, 421, _) => Self::Later,
            (Phase::Connect | Phase::Greeting | Phase::Tls, ..) => Self::Us,
            // RFC 4954 section 6: 454 is temporary, the other AUTH failures are our credentials.
            (Phase::Auth, 454, _) => Self::Later,
            (Phase::Auth, ..) | (_, 530 | 534 | 535 | 538, _) => Self::Us,
            _ if speaks_of(&RATE_WORDS) => Self::Later,
            (_, ..500, _) => Self::Later,
            // The sender address or its domain is not accepted.
            (Phase::Mail, _, _) if reply.code != 552 => Self::Us,
            (Phase::Rcpt | Phase::Content, _, Some(status)) => Self::of_status(status),
            (Phase::Rcpt, 550 | 551 | 553, None) if speaks_of(&UNKNOWN_WORDS) => {
                Self::NoSuchAddress
            }
            _ => Self::Message,
        }
    }

    const fn of_status(status: EnhancedStatus) -> Self {
        match (status.class, status.subject, status.detail) {
            (4, ..) => Self::Later,
            // X.1.1 bad mailbox, X.1.2 bad system, X.1.3 bad syntax, X.1.6 moved, X.1.10 null MX,
            // X.2.1 disabled.
            (5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1) => Self::NoSuchAddress,
            // X.2.2: the mailbox is full, which passes.
            (5, 2, 2) => Self::Later,
            // X.7.x and the rest: policy, reputation, content.
            _ => Self::Message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Reply {
        let (code, text) = line.split_once(' ').unwrap();
        let (enhanced, text) =
            EnhancedStatus::split(text).map_or((None, text), |(status, rest)| (Some(status), rest));
        Reply { code: code.parse().unwrap(), enhanced, text: text.to_owned() }
    }

    #[test]
    fn each_reply_has_the_consequence_of_its_cause() {
        for (phase, line, expected) in [
            (Phase::Rcpt, "550 5.1.1 no such user here", Refusal::NoSuchAddress),
            (Phase::Rcpt, "550 User unknown", Refusal::NoSuchAddress),
            (Phase::Rcpt, "550 5.2.1 mailbox disabled", Refusal::NoSuchAddress),
            (Phase::Rcpt, "552 5.2.2 mailbox full", Refusal::Later),
            (Phase::Rcpt, "450 4.2.0 greylisted", Refusal::Later),
            (Phase::Rcpt, "550 Ip frequency limited", Refusal::Later),
            (Phase::Rcpt, "550 5.7.1 relaying denied", Refusal::Message),
            (Phase::Content, "554 5.7.1 spam detected", Refusal::Message),
            (Phase::Content, "550 5.7.26 unauthenticated", Refusal::Message),
            (Phase::Content, "451 4.3.0 queue file write error", Refusal::Later),
            (Phase::Mail, "552 5.3.4 message too big", Refusal::Message),
            (Phase::Mail, "553 5.1.8 sender not owned by user", Refusal::Us),
            (Phase::Mail, "530 5.7.0 must issue STARTTLS", Refusal::Us),
            (Phase::Auth, "535 5.7.8 bad credentials", Refusal::Us),
            (Phase::Auth, "454 4.7.0 temporary failure", Refusal::Later),
            (Phase::Rcpt, "421 4.3.2 shutting down", Refusal::Later),
            (Phase::Greeting, "554 no service for you", Refusal::Us),
            (Phase::Data, "554 no valid recipients", Refusal::Message),
        ] {
            assert_eq!(Refusal::of(phase, &reply(line)), expected, "{phase:?} {line}");
        }
    }

    #[test]
    fn our_password_running_out_never_suppresses_a_contact() {
        for phase in [Phase::Auth, Phase::Mail, Phase::Rcpt, Phase::Data] {
            assert_eq!(Refusal::of(phase, &reply("535 5.7.8 expired")), Refusal::Us);
        }
    }
}
