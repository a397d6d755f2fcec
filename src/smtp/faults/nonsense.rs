//! Replies that make no sense, and replies that nobody asked for.
use super::*;

#[tokio::test]
async fn answers_that_make_no_sense_are_never_success() {
    for depth in DEPTHS {
        for (verb, text, phase) in [
            ("MAIL", "354 go", Phase::Mail),
            ("RCPT", "354 go", Phase::Rcpt),
            ("DATA", "250 ok", Phase::Data),
            ("DATA", "hello", Phase::Data),
        ] {
            let (outcome, survives) = send_where(depth, verb, say(text)).await;
            assert!(not_sent(phase)(&outcome), "{depth:?} {verb}: {outcome:?}");
            assert!(!survives, "{verb}");
        }
        for text in ["354 go", "251 ok", "hello", "250-ok\r\n550 no"] {
            let (outcome, survives) = send_where(depth, "DOT", say(text)).await;
            assert!(in_doubt(&outcome), "{depth:?}: {outcome:?}");
            assert!(!survives);
        }
    }
}

#[tokio::test]
async fn junk_among_the_answers_to_a_group_is_never_success() {
    for depth in [Pipelining::Rfc2920, Pipelining::Deep] {
        for (verb, text) in [
            ("MAIL", "250 ok\r\n\x00\x01junk"),
            ("MAIL", "250 ok\r\n250 ok\r\n250 ok"),
            ("RCPT", "250 ok\r\n354 go"),
            ("RCPT", "250 ok\r\n354 go\r\n250 taken"),
            ("DATA", "354 go\r\n250 taken"),
            ("DATA", "354 go\r\n250 taken\r\n250 ok\r\n250 ok\r\n354 go"),
        ] {
            let script = move |event: Event<'_>| match event {
                Event { verb: v, nth: 2, .. } if v == verb => say(text),
                Event { verb: "DOT", nth: 2, .. } => say("554 5.7.1 refused"),
                _ => good(event),
            };
            let server = Server::start(script).await;
            let (outcome, survives) =
                send_second(&Relay { pipelining: depth, ..server.relay() }).await;
            assert!(!is_accepted(&outcome) && !survives, "{depth:?} {text}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn an_unasked_421_between_commands_is_no_answer_to_another_message() {
    for (depth, (verb, _)) in DEPTHS.into_iter().flat_map(|d| COMMANDS.map(|c| (d, c))) {
        let first = if verb == "DATA" { "354 go" } else { "250 ok" };
        let act = Act::SayAndDrop(format!("{first}\r\n421 4.3.2 bye"));
        let (outcome, survives) = send_where(depth, verb, act).await;
        assert!(!is_accepted(&outcome) && !in_doubt(&outcome), "{depth:?} {verb}: {outcome:?}");
        assert!(!survives, "{depth:?} {verb}");
    }
}

#[tokio::test]
async fn a_reply_too_many_is_never_attributed_to_another_message() {
    for (depth, verb) in DEPTHS.into_iter().flat_map(|d| ["MAIL", "RCPT", "DATA"].map(|v| (d, v))) {
        let script = move |event: Event<'_>| match (event.verb, good(event)) {
            (this, Act::Say(text)) if this == verb && event.nth == 2 => {
                Act::Say(format!("{text}\r\n250 once more"))
            }
            ("DOT", _) if event.nth == 2 => say("554 5.7.1 refused"),
            (_, act) => act,
        };
        let server = Server::start(script).await;
        let (outcome, survives) = send_second(&Relay { pipelining: depth, ..server.relay() }).await;
        let is_not_sent = matches!(outcome, Outcome::NotSent { .. });
        assert!(is_not_sent && !survives, "{depth:?} {verb}: {outcome:?}");
    }
    let (outcome, survives) = send_where(Pipelining::Off, "DOT", say("250 ok\r\n250 ok")).await;
    assert!(is_accepted(&outcome) && !survives, "{outcome:?}");
}

#[tokio::test]
async fn a_second_answer_to_ehlo_is_noticed_before_the_first_message() {
    for depth in DEPTHS {
        let act = say("250-relay\r\n250 PIPELINING\r\n250 once more");
        let server = server_where("EHLO", 1, act).await;
        let (outcome, survives) = send_one(&Relay { pipelining: depth, ..server.relay() }).await;
        assert!(not_sent(Phase::Mail)(&outcome) && !survives, "{depth:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_second_answer_to_a_dot_is_not_the_answer_to_the_announced_message() {
    for rcpt in ["250 ok", "550 5.1.1 no such user"] {
        let script = move |event: Event<'_>| match event.verb {
            "DOT" if event.nth == 1 => say("250 ok\r\n250 ok"),
            "DOT" => say("554 5.7.1 refused"),
            "RCPT" if event.nth == 2 => say(rcpt),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let relay = Relay { pipelining: Pipelining::Deep, ..server.relay() };
        let (outcome, survives) = send_second(&relay).await;
        assert!(!is_accepted(&outcome) && !in_doubt(&outcome) && !survives, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_refusal_too_many_is_not_the_refusal_of_the_announced_message() {
    for rcpt in ["250 ok", "550 5.1.1 no such user"] {
        for data in ["354 go", "503 5.5.1 no valid recipients"] {
            let script = move |event: Event<'_>| match event.verb {
                "DOT" if event.nth == 1 => say("250 ok\r\n554 5.7.1 about another message"),
                "RCPT" if event.nth == 2 => say(rcpt),
                "DATA" if event.nth == 2 => say(data),
                _ => good(event),
            };
            let server = Server::start(script).await;
            let relay = Relay { pipelining: Pipelining::Deep, ..server.relay() };
            let (outcome, survives) = send_second(&relay).await;
            assert!(not_sent(Phase::Mail)(&outcome) && !survives, "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_late_reply_too_many_is_never_attributed_to_another_message() {
    for depth in DEPTHS {
        let script = |event: Event<'_>| match event.verb {
            "DOT" if event.nth == 1 => say("250 ok"),
            "DOT" => say("554 5.7.1 refused"),
            // Stands for a relay that is one reply ahead from here on.
            "MAIL" if event.nth == 2 => say("250 late\r\n250 ok"),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let (outcome, survives) = send_second(&Relay { pipelining: depth, ..server.relay() }).await;
        assert!(matches!(outcome, Outcome::NotSent { .. }) && !survives, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_421_between_two_messages_is_noticed_before_the_next() {
    let act = Act::SayAndDrop("250 ok\r\n421 4.4.2 idle too long".to_owned());
    for depth in DEPTHS {
        let server = server_where("DOT", 1, act.clone()).await;
        let (outcome, survives) = send_one(&Relay { pipelining: depth, ..server.relay() }).await;
        assert!(is_accepted(&outcome) && !survives, "{outcome:?}");
    }
    let server = server_where("DOT", 1, act).await;
    let relay = Relay { pipelining: Pipelining::Deep, ..server.relay() };
    let (outcome, survives) = send_second(&relay).await;
    assert!(rejected(Phase::Mail, 421)(&outcome) && !survives, "{outcome:?}");
}

#[tokio::test]
async fn replies_that_end_in_lf_alone_end_by_timeout() {
    for depth in DEPTHS {
        let began = std::time::Instant::now();
        let (outcome, _) =
            send_impatiently_where(depth, "RCPT", Act::Raw("250 ok\n".to_owned())).await;
        // In a group the next reply follows, and both together are no reply.
        let is_not_sent =
            matches!(outcome, Outcome::NotSent { phase: Phase::Rcpt | Phase::Data, .. });
        assert!(is_not_sent, "{outcome:?}");
        assert!(depth != Pipelining::Off || began.elapsed() >= Duration::from_secs(1));
    }
}
