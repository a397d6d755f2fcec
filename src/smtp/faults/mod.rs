//! The fault matrix: what a relay may do to one connection, in every depth of pipelining, and what is
//! said of it.
mod announced;
mod cancelled;
mod content;
mod late;
mod lost;
mod mixed;
mod nonsense;
mod refused;

use std::time::Duration;

use super::{
    Connection, Parcel,
    testing::{Act, Event, MESSAGE, Server, good, marked, say, to},
};
use crate::domain::{Outcome, Phase, Pipelining, Relay};

const DEPTHS: [Pipelining; 3] = [Pipelining::Off, Pipelining::Rfc2920, Pipelining::Deep];
/// What is said to a relay before content.
const COMMANDS: [(&str, Phase); 3] =
    [("MAIL", Phase::Mail), ("RCPT", Phase::Rcpt), ("DATA", Phase::Data)];
/// All that belongs to a message.
const PHASES: [(&str, Phase); 4] =
    [("MAIL", Phase::Mail), ("RCPT", Phase::Rcpt), ("DATA", Phase::Data), ("DOT", Phase::Content)];

/// Sends one message; says as well whether the connection survived.
async fn send_one(relay: &Relay) -> (Outcome, bool) {
    let connection = Connection::open(relay).await.unwrap();
    let (outcome, back) = connection.send(Parcel::new(&to("ada"), MESSAGE), marked(), None).await;
    (outcome, back.is_some())
}

/// Sends two messages, the second of them announced behind the first if that is allowed. The first
/// one must be taken; what became of the second one and of the connection is given back.
async fn send_second(relay: &Relay) -> (Outcome, bool) {
    let connection = Connection::open(relay).await.unwrap();
    let (first, second) = (to("ada"), to("bob"));
    let second = Parcel::new(&second, MESSAGE);
    let (outcome, back) =
        connection.send(Parcel::new(&first, MESSAGE), marked(), Some(second)).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
    let (outcome, back) = back.unwrap().send(second, marked(), None).await;
    (outcome, back.is_some())
}

/// A relay that meets the `nth` such verb with `act`.
async fn server_where(verb: &'static str, nth: usize, act: Act) -> Server {
    let script = move |event: Event<'_>| match event {
        Event { verb: v, nth: n, .. } if v == verb && n == nth => act.clone(),
        _ => good(event),
    };
    Server::start(script).await
}

/// Sends the second of two messages in that depth, to a relay that meets it with `act`.
async fn send_where(depth: Pipelining, verb: &'static str, act: Act) -> (Outcome, bool) {
    let server = server_where(verb, 2, act).await;
    send_second(&Relay { pipelining: depth, ..server.relay() }).await
}

/// The same, waiting for at most a second.
async fn send_impatiently_where(
    depth: Pipelining,
    verb: &'static str,
    act: Act,
) -> (Outcome, bool) {
    let server = server_where(verb, 2, act).await;
    let relay = server.relay_with_patience(Duration::from_secs(1));
    send_second(&Relay { pipelining: depth, ..relay }).await
}

fn rejected(phase: Phase, code: u16) -> impl Fn(&Outcome) -> bool {
    move |outcome| matches!(outcome, Outcome::Rejected { phase: p, reply } if *p == phase && reply.code == code)
}

fn not_sent(phase: Phase) -> impl Fn(&Outcome) -> bool {
    move |outcome| matches!(outcome, Outcome::NotSent { phase: p, .. } if *p == phase)
}

fn in_doubt(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::InDoubt { .. })
}

fn is_accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { .. })
}
