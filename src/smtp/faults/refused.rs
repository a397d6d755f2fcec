//! A relay that says no.
use super::*;
use crate::domain::{EnhancedStatus, Reply};

#[tokio::test]
async fn rejected_recipients_do_not_cost_connections() {
    for depth in DEPTHS {
        let script = |event: Event<'_>| match event.verb {
            "RCPT" if event.line.contains("nobody") => say("550 5.1.1 no such user"),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let mut connection = Connection::open(&relay).await.unwrap();
        for round in 0..20 {
            let name = if round % 2 == 0 { "nobody" } else { "ada" };
            let envelope = to(name);
            let parcel = Parcel::new(&envelope, MESSAGE);
            let (outcome, back) = connection.send(parcel, marked(), None).await;
            let enhanced = Some(EnhancedStatus { class: 5, subject: 1, detail: 1 });
            let reply = Reply { code: 550, enhanced, text: "no such user".to_owned() };
            if round % 2 == 0 {
                assert_eq!(outcome, Outcome::Rejected { phase: Phase::Rcpt, reply });
            } else {
                assert!(is_accepted(&outcome), "{outcome:?}");
            }
            connection = back.unwrap();
        }
        let seen = server.seen();
        let full = seen.contents.iter().filter(|content| !content.is_empty()).count();
        let remedies = seen.count("RSET") + seen.contents.len() - full;
        assert_eq!((seen.connections, remedies, full), (1, 10, 10), "{depth:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_reported_in_its_phase_and_leaves_the_connection() {
    for (depth, (verb, phase)) in DEPTHS.into_iter().flat_map(|d| PHASES.map(|p| (d, p))) {
        for code in [450, 452, 554, 571] {
            let (outcome, survives) = send_where(depth, verb, Act::Say(format!("{code} no"))).await;
            assert!(rejected(phase, code)(&outcome), "{depth:?} {verb}: {outcome:?}");
            assert!(survives, "{depth:?} {verb}");
        }
    }
}

#[tokio::test]
async fn a_421_is_a_refusal_that_closes_the_connection() {
    for (depth, (verb, phase)) in DEPTHS.into_iter().flat_map(|d| PHASES.map(|p| (d, p))) {
        for act in [Act::SayAndDrop, Act::Say] {
            let (outcome, survives) =
                send_where(depth, verb, act("421 4.3.2 bye".to_owned())).await;
            assert!(rejected(phase, 421)(&outcome), "{depth:?} {verb}: {outcome:?}");
            assert!(!survives, "{depth:?} {verb}");
        }
    }
}

#[tokio::test]
async fn a_refused_recipient_is_refused_however_data_is_answered() {
    for (data, survives) in [
        ("354 go", true),
        ("503 5.5.1 no valid recipients", true),
        ("421 4.3.2 bye", false),
        ("250 ok", false),
        ("hello", false),
    ] {
        for depth in [Pipelining::Rfc2920, Pipelining::Deep] {
            let script = move |event: Event<'_>| match event.verb {
                "RCPT" if event.nth == 2 => say("550 5.1.1 no such user"),
                "DATA" if event.nth == 2 => say(data),
                "DOT" if event.line.is_empty() => say("250 2.0.0 nothing for nobody"),
                _ => good(event),
            };
            let server = Server::start(script).await;
            let (outcome, survived) =
                send_second(&Relay { pipelining: depth, ..server.relay() }).await;
            // Answers to an announced message are believed if the session goes on.
            let is_right = match depth {
                Pipelining::Deep if !survives => not_sent(Phase::Rcpt)(&outcome),
                _ => rejected(Phase::Rcpt, 550)(&outcome),
            };
            assert!(is_right, "{depth:?} {data}: {outcome:?}");
            assert_eq!(survived, survives, "{depth:?} {data}");
        }
    }
}

#[tokio::test]
async fn a_421_to_the_empty_content_closes_the_connection() {
    let script = |event: Event<'_>| match event.verb {
        "RCPT" => say("550 5.1.1 no such user"),
        "DOT" => say("421 4.3.2 bye"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let (outcome, survives) =
        send_one(&Relay { pipelining: Pipelining::Rfc2920, ..server.relay() }).await;
    assert!(rejected(Phase::Rcpt, 550)(&outcome), "{outcome:?}");
    assert!(!survives);
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
async fn a_message_refused_here_never_reaches_the_relay() {
    let server = Server::start(good).await;
    for depth in DEPTHS {
        let relay = Relay { pipelining: depth, ..server.relay() };
        let mut connection = Connection::open(&relay).await.unwrap();
        let (ada, eai) = (to("ada"), to("用户"));
        for (envelope, message, phase, code) in [
            (&ada, b"a\n.\nMAIL FROM:<x>\n".to_vec(), Phase::Data, 554),
            (&ada, format!("{:900}\r\n", "x").repeat(13_000).into_bytes(), Phase::Mail, 552),
            (&eai, MESSAGE.to_vec(), Phase::Rcpt, 553),
        ] {
            let parcel = Parcel::new(envelope, &message);
            let (outcome, back) = connection.send(parcel, marked(), Some(parcel)).await;
            assert!(rejected(phase, code)(&outcome), "{outcome:?}");
            connection = back.unwrap();
            // Nor is it announced behind another one.
            let parcel = Parcel::new(&ada, MESSAGE);
            let upcoming = Parcel::new(envelope, &message);
            let (outcome, back) = connection.send(parcel, marked(), Some(upcoming)).await;
            assert!(is_accepted(&outcome), "{outcome:?}");
            connection = back.unwrap();
            assert!(!connection.has_announced());
        }
    }
    let seen = server.seen();
    assert_eq!((seen.count("MAIL"), seen.contents.len()), (9, 9));
}
