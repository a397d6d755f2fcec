//! Thousands of messages with every kind of end, in every depth.
use std::{collections::HashMap, sync::Mutex};

use super::*;
use crate::domain::Envelope;

/// What a relay without memory of other messages does with the one of this number: it says the number
/// of the message in every answer. A third of the users are unknown, a fifth of the messages is
/// refused after the dot, and some are put off.
#[derive(Default)]
pub(super) struct Opinionated {
    /// The message that each connection talks of, and whether its recipient was taken.
    current: Mutex<HashMap<usize, (usize, bool)>>,
}

impl Opinionated {
    pub(super) fn answer(&self, event: Event<'_>) -> Act {
        let mut current = self.current.lock().unwrap();
        let (number, is_taken) = current.entry(event.connection).or_default();
        match event.verb {
            "RCPT" => {
                *number = number_in(event.line);
                let code = verdict_on_recipient(*number);
                *is_taken = code == 250;
                Act::Say(format!("{code} {}.1.1 m{number}", code / 100))
            }
            "DATA" if !*is_taken && number.is_multiple_of(2) => {
                Act::Say(format!("503 5.5.1 m{number}"))
            }
            "DATA" => Act::Say(format!("354 go m{number}")),
            // Without a recipient, or at the end of a connection that was dropped.
            "DOT" if !*is_taken || event.line.is_empty() => {
                Act::Say(format!("554 5.5.1 nobody for m{number}"))
            }
            "DOT" => {
                let number = number_in(event.line);
                let code = verdict_on_content(number);
                Act::Say(format!("{code} {}.0.0 m{number}", code / 100))
            }
            _ => good(event),
        }
    }
}

/// The first number behind an `m` in `text`.
fn number_in(text: &str) -> usize {
    let digits = text.split('m').find_map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().ok()
    });
    digits.unwrap_or_else(|| panic!("no number in {text:?}"))
}

fn verdict_on_recipient(number: usize) -> u16 {
    match number {
        n if n.is_multiple_of(3) => 550,
        n if n.is_multiple_of(7) => 452,
        _ => 250,
    }
}

fn verdict_on_content(number: usize) -> u16 {
    if number.is_multiple_of(5) { 554 } else { 250 }
}

pub(super) fn envelope_of(number: usize) -> Envelope {
    Envelope { recipient: format!("m{number}@example.org").parse().unwrap(), ..to("ada") }
}

/// Begins many lines with dots, and differs in length from its neighbours.
pub(super) fn message_of(number: usize) -> String {
    let lines = [".", "..", "x", ".x", "", "..x."];
    let body: Vec<_> = (0..number % 9).map(|at| lines[(number + at) % lines.len()]).collect();
    format!("Subject: m{number}\r\n\r\n{}\r\n", body.join("\r\n"))
}

/// Fails if `outcome` is not the one of this message.
pub(super) fn check(number: usize, outcome: &Outcome) {
    let expected = (verdict_on_recipient(number), verdict_on_content(number));
    let (phase, code, text) = match outcome {
        Outcome::Accepted { text } => (Phase::Content, 250, text),
        Outcome::Rejected { phase, reply } => (*phase, reply.code, &reply.text),
        other => panic!("{number}: {other:?}"),
    };
    let is_right = match expected {
        (250, content) => (phase, code) == (Phase::Content, content),
        (recipient, _) => (phase, code) == (Phase::Rcpt, recipient),
    };
    assert!(is_right && *text == format!("m{number}"), "{number}: {outcome:?}");
}

#[tokio::test]
async fn of_three_thousand_messages_none_has_anothers_outcome_or_body() {
    const MESSAGES: usize = 3000;
    for depth in DEPTHS {
        let opinionated = Opinionated::default();
        let server = Server::start(move |event| opinionated.answer(event)).await;
        let relay = Relay { pipelining: depth, messages_per_connection: 100_000, ..server.relay() };
        let pool = crate::smtp::RelayPool::new(relay);
        let mut session = pool.session().await;
        for number in 0..MESSAGES {
            let (envelope, message) = (envelope_of(number), message_of(number));
            let (next, next_message) = (envelope_of(number + 1), message_of(number + 1));
            let upcoming = Parcel::new(&next, next_message.as_bytes());
            let upcoming = (number + 1 < MESSAGES).then_some(upcoming);
            let parcel = Parcel::new(&envelope, message.as_bytes());
            check(number, &session.send(parcel, marked(), upcoming).await);
        }
        assert_eq!(session.connection_number(), Some(1));
        let seen = server.seen();
        assert_eq!(seen.connections, 1, "{depth:?}");
        let arrived = seen.contents.iter().filter(|content| !content.is_empty());
        let mut bodies = 0;
        for content in arrived {
            let read = content.split_inclusive('\n').map(|l| l.strip_prefix('.').unwrap_or(l));
            assert_eq!(read.collect::<String>(), message_of(number_in(content)));
            bodies += 1;
        }
        assert_eq!(bodies, (0..MESSAGES).filter(|n| verdict_on_recipient(*n) == 250).count());
    }
}
