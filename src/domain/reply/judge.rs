//! From phase, code, status and text to the cause.
use super::{
    Refusal, Throttle,
    status::{by_status_for_good, by_status_for_now},
    words::{self, Said},
};
use crate::domain::{EnhancedStatus, Phase, Reply};

/// What a judgement rests on; what rests on the code alone is a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grounds {
    Phase,
    Status,
    Text,
    Guess,
}

use Grounds::Guess;

/// The cause of `reply` in `phase`, and what that rests on.
pub(super) fn judge(phase: Phase, reply: &Reply) -> (Refusal, Grounds) {
    let text = reply.text.to_lowercase();
    let status = reply.enhanced.or_else(|| status_inside(&text));
    // A 5xx whose status begins with 4 is for now as well as a 4xx.
    let for_now = reply.code < 500 || status.is_some_and(|status| status.class == 4);
    // Out of step: neither a refusal nor what was asked for.
    if reply.code < 400 {
        return (Refusal::Busy, Grounds::Phase);
    }
    if let Some(refusal) = words::outranking(&text).and_then(outranking) {
        return (refusal, Grounds::Text);
    }
    if phase < Phase::Mail {
        // RFC 4954 section 6: 454 is temporary, the other AUTH failures are our credentials.
        return (if for_now { Refusal::Busy } else { Refusal::Ours }, Grounds::Phase);
    }
    // RFC 4954 section 6 and RFC 5248 (525): our credentials, whatever is asked.
    if matches!(reply.code, 525 | 530 | 534 | 535 | 538) {
        return (Refusal::Ours, Grounds::Status);
    }
    if for_now {
        return judge_for_now(reply.code, status, &text);
    }
    if words::is_ours(&text) {
        return (Refusal::Ours, Grounds::Text);
    }
    judge_for_good(phase, reply.code, status, &text)
}

const fn outranking(said: Said) -> Option<Refusal> {
    Some(match said {
        Said::Pace(kind) => Refusal::Throttled(kind),
        Said::Passing => Refusal::Later,
        Said::Greylist => Refusal::Greylisted,
        Said::Server => Refusal::Busy,
        Said::Denied => Refusal::Denied,
        _ => return None,
    })
}

fn judge_for_now(code: u16, status: Option<EnhancedStatus>, text: &str) -> (Refusal, Grounds) {
    if let Some(refusal) = status.and_then(by_status_for_now) {
        return (refusal, Grounds::Status);
    }
    if words::is_ours(text) {
        return (Refusal::Later, Grounds::Text);
    }
    match words::plain(text) {
        Some(Said::Full) => (Refusal::MailboxFull, Grounds::Text),
        // Put off for reputation: the same as being slowed down.
        Some(Said::Policy) => (Refusal::Throttled(Throttle::Rate), Grounds::Text),
        Some(_) => (Refusal::Later, Grounds::Text),
        // RFC 5321 section 4.2.2: the channel is closed, or there is no room for anybody.
        None if matches!(code, 421 | 452) => (Refusal::Busy, Grounds::Status),
        None if words::is_later(text) => (Refusal::Later, Grounds::Text),
        None => (Refusal::Later, Guess),
    }
}

fn judge_for_good(
    phase: Phase,
    code: u16,
    status: Option<EnhancedStatus>,
    text: &str,
) -> (Refusal, Grounds) {
    // RFC 7504: a domain that takes no mail.
    if code == 556 && phase == Phase::Rcpt {
        return (Refusal::NoSuchAddress, Grounds::Status);
    }
    let (refusal, grounds) = match status.and_then(by_status_for_good) {
        Some(refusal) => (refusal, Grounds::Status),
        None => by_text(phase, code, text),
    };
    // At MAIL nobody has heard of a recipient yet: it is about us, unless it is about the size or
    // about SMTPUTF8, which is asked for there for the recipient's sake.
    if phase == Phase::Mail && !matches!(refusal, Refusal::Content | Refusal::Uncarried) {
        return (Refusal::Ours, Grounds::Phase);
    }
    (refusal, grounds)
}

/// The cause where the status is missing or says nothing.
fn by_text(phase: Phase, code: u16, text: &str) -> (Refusal, Grounds) {
    let is_rcpt = phase == Phase::Rcpt;
    let refusal = match words::plain(text) {
        Some(Said::Policy | Said::Sender) => Refusal::Policy,
        Some(Said::Personal) => Refusal::Message,
        Some(Said::Content) => Refusal::Content,
        Some(Said::Full) => Refusal::MailboxFull,
        Some(Said::Disabled) => Refusal::Disabled,
        Some(Said::Unknown) if is_rcpt => Refusal::NoSuchAddress,
        // Behind the dot a text list is too weak a reason to give an address up at once.
        Some(Said::Unknown) if phase == Phase::Content => Refusal::Unexplained,
        // RFC 5321 section 4.2.2: exceeded storage allocation.
        _ if code == 552 && is_rcpt => return (Refusal::MailboxFull, Guess),
        _ if code == 552 => return (Refusal::Content, Guess),
        _ if is_rcpt && text.contains("try again") => Refusal::Later,
        _ if is_rcpt => return (Refusal::Unexplained, Guess),
        _ => return (Refusal::Message, Guess),
    };
    (refusal, Grounds::Text)
}

/// The status that qmail and others write at the end: `… (#5.1.1)`.
fn status_inside(text: &str) -> Option<EnhancedStatus> {
    text.match_indices('#').find_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        EnhancedStatus::split(rest[..end].trim_end_matches('.')).map(|(status, _)| status)
    })
}
