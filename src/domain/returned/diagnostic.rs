//! The server's own words within a report: its reply, and what it replied to.
use crate::domain::{EnhancedStatus, Phase, Reply, one_line};

/// Characters of a diagnosis that are kept.
const MOST: usize = 1_000;

/// What names the step that was refused, as Postfix and Exim write it; the first that is found counts.
const STEPS: &[(&str, Phase)] = &[
    ("in reply to rcpt to", Phase::Rcpt),
    ("after rcpt to", Phase::Rcpt),
    ("after pipelined rcpt to", Phase::Rcpt),
    ("end of data", Phase::Content),
    ("in reply to data", Phase::Content),
    ("after data", Phase::Content),
    ("in reply to mail from", Phase::Mail),
    ("after mail from", Phase::Mail),
    ("after pipelined mail from", Phase::Mail),
    ("refused to talk to me", Phase::Greeting),
    ("in reply to ehlo", Phase::Greeting),
    ("in reply to helo", Phase::Greeting),
    ("after ehlo", Phase::Greeting),
    ("after helo", Phase::Greeting),
    ("after initial connection", Phase::Greeting),
];

/// The reply behind the value of a `Diagnostic-Code` and the step that it refused, with the status
/// of the report where the reply has none of its own. A step that is not named is taken for RCPT,
/// since a report is about a recipient.
pub(super) fn reply(diagnostic: Option<&str>, status: Option<EnhancedStatus>) -> (Phase, Reply) {
    let text = one_line(diagnostic.map_or("", without_type), MOST);
    let lower = text.to_lowercase();
    let step = STEPS.iter().find(|(words, _)| lower.contains(words));
    let phase = step.map_or(Phase::Rcpt, |(_, phase)| *phase);
    let (code, said) =
        coded(&text).map_or((None, text.as_str()), |(code, said)| (Some(code), said));
    let (own, said) = match EnhancedStatus::split(said) {
        Some((own, rest)) if matches!(own.class, 4 | 5) => (Some(own), rest),
        _ => (None, said),
    };
    let enhanced = own.or(status);
    let is_for_now = enhanced.is_some_and(|status| status.class == 4);
    let code = code.unwrap_or(if is_for_now { 450 } else { 550 });
    (phase, Reply { code, enhanced, text: said.to_owned() })
}

/// The words for people: what the server said, or the status alone.
pub(super) fn words(diagnostic: Option<&str>, status: Option<EnhancedStatus>) -> String {
    let said = one_line(diagnostic.map_or("", without_type), MOST);
    if said.is_empty() { status.map_or(said, |status| status.to_string()) } else { said }
}

/// `smtp; 550 …` without its type.
fn without_type(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, text))
            if kind.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') =>
        {
            text
        }
        _ => value,
    }
}

/// The code of a reply, at the beginning or behind what tells who said it, as in `host mx said: 550 no`;
/// and what follows it.
fn coded(text: &str) -> Option<(u16, &str)> {
    let mut places =
        std::iter::once(0).chain(text.match_indices(": ").map(|(at, found)| at + found.len()));
    places.find_map(|at| code(&text[at..]))
}

fn code(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(3)?;
    let is_code = digits.bytes().all(|byte| byte.is_ascii_digit());
    let code = digits.parse().ok().filter(|code| is_code && (400..600).contains(code))?;
    match rest.chars().next() {
        None => Some((code, rest)),
        Some(' ' | '-') => Some((code, rest[1..].trim_start())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (Phase, u16, Option<String>, String) {
        let (phase, reply) = reply(Some(value), None);
        (phase, reply.code, reply.enhanced.map(|status| status.to_string()), reply.text)
    }

    #[test]
    fn a_reply_is_found_where_servers_put_it() {
        for (value, phase, code, status, text) in [
            ("smtp; 550 5.1.1 no such user", Phase::Rcpt, 550, Some("5.1.1"), "no such user"),
            (
                "smtp;550-5.1.1 no 550 5.1.1 such",
                Phase::Rcpt,
                550,
                Some("5.1.1"),
                "no 550 5.1.1 such",
            ),
            ("SMTP; 421", Phase::Rcpt, 421, None, ""),
            ("X-Postfix; unknown user: \"ada\"", Phase::Rcpt, 550, None, "unknown user: \"ada\""),
            ("smtp; 5.2.2 full; really", Phase::Rcpt, 550, Some("5.2.2"), "full; really"),
            (
                "smtp; host mx.example.net[192.0.2.1] said: 452 4.2.2 full (in reply to end of DATA command)",
                Phase::Content,
                452,
                Some("4.2.2"),
                "full (in reply to end of DATA command)",
            ),
            (
                "smtp; SMTP error from remote mail server after MAIL FROM:<x@example.com>: 501 bad sender",
                Phase::Mail,
                501,
                None,
                "bad sender",
            ),
            ("550 no type; but words", Phase::Rcpt, 550, None, "no type; but words"),
            ("smtp; 5500 is no code", Phase::Rcpt, 550, None, "5500 is no code"),
        ] {
            let expected = (phase, code, status.map(str::to_owned), text.to_owned());
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
