//! The fault matrix: what a relay may do to one connection, and what is said of it.
use std::{
    convert::Infallible,
    future::ready,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    Connection,
    testing::{Act, Event, MESSAGE, Server, good, marked, say, to},
};
use crate::domain::{EnhancedStatus, Outcome, Phase, Relay, Reply};

/// Sends one message on a connection of its own; says as well whether the connection survived.
async fn send_one(relay: &Relay) -> (Outcome, bool) {
    let connection = Connection::open(relay).await.unwrap();
    let (outcome, back) = connection.send(&to("ada"), MESSAGE, marked()).await;
    (outcome, back.is_some())
}

/// A relay that meets `verb` with `act`.
async fn server_where(verb: &'static str, act: Act) -> Server {
    Server::start(move |event| if event.verb == verb { act.clone() } else { good(event) }).await
}

async fn send_where(verb: &'static str, act: Act) -> (Outcome, bool) {
    send_one(&server_where(verb, act).await.relay()).await
}

/// The same, waiting for at most a second.
async fn send_impatiently_where(verb: &'static str, act: Act) -> (Outcome, bool) {
    let server = server_where(verb, act).await;
    send_one(&server.relay_with_patience(Duration::from_secs(1))).await
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

#[tokio::test]
async fn an_accepted_message_arrives_octet_for_octet() {
    let server = Server::start(good).await;
    let mut connection = Connection::open(&server.relay()).await.unwrap();
    for message in ["a\r\n.b\r\n..\r\n.\r\n\r\n", "no end", "", "\r\n\r\n"] {
        let (outcome, back) = connection.send(&to("ada"), message.as_bytes(), marked()).await;
        let Outcome::Accepted { text } = outcome else { panic!("{outcome:?}") };
        assert!(text.starts_with("queued as "), "{text}");
        connection = back.unwrap();
    }
    let expected = ["a\r\n..b\r\n...\r\n..\r\n\r\n", "no end\r\n", "\r\n", "\r\n\r\n"];
    assert_eq!(server.seen().contents, expected);
    assert_eq!(server.seen().connections, 1);
}

#[tokio::test]
async fn mail_tells_the_size_and_eight_bit_content_if_the_relay_cares() {
    let server = Server::start(good).await;
    let connection = Connection::open(&server.relay()).await.unwrap();
    let (_, connection) = connection.send(&to("ada"), "节\r\n".as_bytes(), marked()).await;
    assert!(connection.is_some());
    let seen = server.seen();
    let mail = seen.lines.iter().find(|line| line.contains("MAIL")).unwrap();
    assert_eq!(mail, "1: MAIL FROM:<bounce@example.com> SIZE=5 BODY=8BITMIME");
}

#[tokio::test]
async fn rejected_recipients_do_not_cost_connections() {
    let script = |event: Event<'_>| match event.verb {
        "RCPT" if event.line.contains("nobody") => say("550 5.1.1 no such user"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let mut connection = Connection::open(&server.relay()).await.unwrap();
    for round in 0..20 {
        let name = if round % 2 == 0 { "nobody" } else { "ada" };
        let (outcome, back) = connection.send(&to(name), MESSAGE, marked()).await;
        let enhanced = Some(EnhancedStatus { class: 5, subject: 1, detail: 1 });
        let reply = Reply { code: 550, enhanced, text: "no such user".to_owned() };
        if round % 2 == 0 {
            assert_eq!(outcome, Outcome::Rejected { phase: Phase::Rcpt, reply });
        } else {
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        connection = back.unwrap();
    }
    let seen = server.seen();
    assert_eq!((seen.connections, seen.count("RSET"), seen.contents.len()), (1, 10, 10));
}

#[tokio::test]
async fn a_refusal_is_reported_in_its_phase_and_leaves_the_connection() {
    for (verb, phase) in [
        ("MAIL", Phase::Mail),
        ("RCPT", Phase::Rcpt),
        ("DATA", Phase::Data),
        ("DOT", Phase::Content),
    ] {
        for code in [450, 554, 571] {
            let (outcome, survives) = send_where(verb, Act::Say(format!("{code} no"))).await;
            assert!(rejected(phase, code)(&outcome), "{verb}: {outcome:?}");
            assert!(survives, "{verb}");
        }
    }
}

#[tokio::test]
async fn a_421_is_a_refusal_that_closes_the_connection() {
    for (verb, phase) in [
        ("MAIL", Phase::Mail),
        ("RCPT", Phase::Rcpt),
        ("DATA", Phase::Data),
        ("DOT", Phase::Content),
    ] {
        let (outcome, survives) =
            send_where(verb, Act::SayAndDrop("421 4.3.2 bye".to_owned())).await;
        assert!(rejected(phase, 421)(&outcome), "{verb}: {outcome:?}");
        assert!(!survives, "{verb}");
    }
}

#[tokio::test]
async fn a_refused_rset_closes_the_connection() {
    let script = |event: Event<'_>| match event.verb {
        "RCPT" | "RSET" => say("500 what?"),
        _ => good(event),
    };
    let (outcome, survives) = send_one(&Server::start(script).await.relay()).await;
    assert!(rejected(Phase::Rcpt, 500)(&outcome), "{outcome:?}");
    assert!(!survives);
}

#[tokio::test]
async fn a_connection_lost_before_the_content_is_not_sent() {
    for (verb, phase) in [("MAIL", Phase::Mail), ("RCPT", Phase::Rcpt), ("DATA", Phase::Data)] {
        let (outcome, survives) = send_where(verb, Act::Drop).await;
        assert!(not_sent(phase)(&outcome), "{verb}: {outcome:?}");
        assert!(!survives, "{verb}");
    }
}

#[tokio::test]
async fn a_connection_lost_while_the_mark_is_made_is_not_sent() {
    let script = |event: Event<'_>| match event.verb {
        "DATA" => Act::SayAndDrop("354 go".to_owned()),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let connection = Connection::open(&server.relay()).await.unwrap();
    let slow_mark = async {
        sleep(Duration::from_millis(50)).await;
        Ok::<_, Infallible>(())
    };
    let (outcome, back) = connection.send(&to("ada"), MESSAGE, slow_mark).await;
    assert!(not_sent(Phase::Content)(&outcome), "{outcome:?}");
    assert!(back.is_none());
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_leaves_doubt() {
    let (outcome, survives) = send_where("DOT", Act::Drop).await;
    assert!(in_doubt(&outcome), "{outcome:?}");
    assert!(!survives);
}

/// Against a relay that does not limit the size, and speaks in the middle of the content.
async fn send_to_interrupter(message: &[u8], act: Act) -> (Outcome, bool) {
    let script = move |event: Event<'_>| match event.verb {
        "EHLO" => say("250 relay.example.org"),
        "DATA" => act.clone(),
        "DOT" => say("554 5.7.1 refused"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let connection = Connection::open(&server.relay()).await.unwrap();
    let (outcome, back) = connection.send(&to("ada"), message, marked()).await;
    (outcome, back.is_some())
}

/// More than the buffers of both sides hold, so that its dot cannot leave unread.
fn a_large_message() -> Vec<u8> {
    b"x\r\n".repeat(3_000_000)
}

#[tokio::test]
async fn a_connection_lost_within_content_leaves_doubt_only_if_the_dot_had_left() {
    let (outcome, survives) = send_to_interrupter(MESSAGE, Act::SayInContent("")).await;
    assert!(in_doubt(&outcome) && !survives, "{outcome:?}");
    let (outcome, survives) = send_to_interrupter(&a_large_message(), Act::SayInContent("")).await;
    assert!(not_sent(Phase::Content)(&outcome) && !survives, "{outcome:?}");
}

#[tokio::test]
async fn a_refusal_within_content_is_a_rejection_and_an_acceptance_there_is_not_believed() {
    for act in [Act::SayInContent, Act::SayAndReadOn] {
        let message = a_large_message();
        let (outcome, survives) =
            send_to_interrupter(&message, act("552 5.3.4 too large\r\n")).await;
        assert!(rejected(Phase::Content, 552)(&outcome) && !survives, "{outcome:?}");
        let (outcome, survives) =
            send_to_interrupter(&message, act("250 2.0.0 thank you\r\n")).await;
        assert!(not_sent(Phase::Content)(&outcome) && !survives, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_as_long_as_its_phase_allows() {
    for (verb, phase) in [("MAIL", Phase::Mail), ("RCPT", Phase::Rcpt), ("DATA", Phase::Data)] {
        let (outcome, survives) = send_impatiently_where(verb, Act::Hang).await;
        assert!(not_sent(phase)(&outcome), "{verb}: {outcome:?}");
        assert!(!survives, "{verb}");
    }
    let late = |millis| Act::SayAfter(Duration::from_millis(millis), "250 ok".to_owned());
    let (outcome, survives) = send_impatiently_where("DOT", late(200)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert!(survives);
    let (outcome, survives) = send_impatiently_where("DOT", late(3000)).await;
    assert_eq!(outcome, Outcome::InDoubt { cause: "no answer within 1s".to_owned() });
    assert!(!survives);
}

#[tokio::test]
async fn answers_that_make_no_sense_are_never_success() {
    for (verb, text, phase) in [
        ("MAIL", "354 go", Phase::Mail),
        ("RCPT", "354 go", Phase::Rcpt),
        ("DATA", "250 ok", Phase::Data),
        ("DATA", "hello", Phase::Data),
    ] {
        let (outcome, survives) = send_where(verb, say(text)).await;
        assert!(not_sent(phase)(&outcome), "{verb}: {outcome:?}");
        assert!(!survives, "{verb}");
    }
    for text in ["354 go", "251 ok", "hello", "250-ok\r\n550 no"] {
        let (outcome, survives) = send_where("DOT", say(text)).await;
        assert!(in_doubt(&outcome), "{outcome:?}");
        assert!(!survives);
    }
}

#[tokio::test]
async fn replies_that_end_in_lf_alone_end_by_timeout() {
    let began = Instant::now();
    let (outcome, _) = send_impatiently_where("RCPT", Act::Raw("250 ok\n".to_owned())).await;
    assert!(not_sent(Phase::Rcpt)(&outcome), "{outcome:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_reply_too_many_is_never_attributed_to_another_message() {
    for verb in ["EHLO", "MAIL", "RCPT", "DATA"] {
        let script = move |event: Event<'_>| match (event.verb, good(event)) {
            (this, Act::Say(text)) if this == verb => Act::Say(format!("{text}\r\n250 once more")),
            ("DOT", _) => say("554 5.7.1 refused"),
            (_, act) => act,
        };
        let (outcome, survives) = send_one(&Server::start(script).await.relay()).await;
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{verb}: {outcome:?}");
        assert!(!survives, "{verb}");
    }
    let (outcome, survives) = send_where("DOT", say("250 ok\r\n250 ok")).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert!(!survives);
}

#[tokio::test]
async fn a_late_reply_too_many_is_never_attributed_to_another_message() {
    let script = |event: Event<'_>| match event.verb {
        "DOT" if event.nth == 1 => say("250 ok"),
        "DOT" => say("554 5.7.1 refused"),
        // Stands for a relay that is one reply ahead from here on.
        "MAIL" if event.nth == 2 => say("250 late\r\n250 ok"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let connection = Connection::open(&server.relay()).await.unwrap();
    let (_, back) = connection.send(&to("ada"), MESSAGE, marked()).await;
    let (outcome, back) = back.unwrap().send(&to("bob"), MESSAGE, marked()).await;
    assert!(not_sent(Phase::Rcpt)(&outcome), "{outcome:?}");
    assert!(back.is_none());
}

#[tokio::test]
async fn a_421_between_two_messages_is_noticed_before_the_next() {
    let server = Server::start(|event| match event.verb {
        "DOT" => Act::SayAndDrop("250 ok\r\n421 4.4.2 idle too long".to_owned()),
        _ => good(event),
    });
    let (outcome, survives) = send_one(&server.await.relay()).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert!(!survives);
}

#[tokio::test]
async fn no_content_leaves_without_its_mark() {
    let server = Server::start(good).await;
    let connection = Connection::open(&server.relay()).await.unwrap();
    let (outcome, back) = connection.send(&to("ada"), MESSAGE, ready(Err("disk full"))).await;
    let cause = "not marked as being sent: disk full".to_owned();
    assert_eq!(outcome, Outcome::NotSent { phase: Phase::Data, cause });
    assert!(back.is_none());
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.seen().contents, [""]);
}

#[tokio::test]
async fn the_mark_is_not_made_before_the_relay_said_354() {
    for verb in ["MAIL", "RCPT", "DATA"] {
        let script =
            move |event: Event<'_>| if event.verb == verb { say("451 later") } else { good(event) };
        let server = Server::start(script).await;
        let connection = Connection::open(&server.relay()).await.unwrap();
        let mut is_marked = false;
        let mark = async {
            is_marked = true;
            Ok::<_, Infallible>(())
        };
        let (outcome, _) = connection.send(&to("ada"), MESSAGE, mark).await;
        assert!(!is_marked, "{verb}");
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_message_refused_here_never_reaches_the_relay() {
    let server = Server::start(good).await;
    let connection = Connection::open(&server.relay()).await.unwrap();
    let (outcome, back) = connection.send(&to("ada"), b"a\n.\nMAIL FROM:<x>\n", marked()).await;
    assert!(rejected(Phase::Data, 554)(&outcome), "{outcome:?}");
    assert!(back.is_some());
    assert_eq!(server.seen().count("MAIL"), 0);
}

#[tokio::test]
async fn fifty_messages_do_not_wait_for_delayed_acks() {
    let server = Server::start(good).await;
    let mut connection = Connection::open(&server.relay()).await.unwrap();
    let began = Instant::now();
    for _ in 0..50 {
        let (_, back) = connection.send(&to("ada"), MESSAGE, marked()).await;
        connection = back.unwrap();
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "took {took:?}");
}
