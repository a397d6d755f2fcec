//! A relay that is slow or silent. The clock stands still while anybody works, so that minutes pass at
//! once and to the second.
use tokio::time::Instant;

use super::*;
use crate::domain::Timeouts;

/// The second of two messages, over a connection that takes no time, with the usual patience; and how
/// long it took.
async fn send_where(depth: Pipelining, verb: &'static str, act: Act) -> (Outcome, bool, Duration) {
    let script = move |event: Event<'_>| match event {
        Event { verb: v, nth: 2, .. } if v == verb => act.clone(),
        _ => good(event),
    };
    let server = Server::in_memory(script);
    let relay = Relay { pipelining: depth, timeouts: Timeouts::default(), ..server.relay() };
    let connection = server.open(&relay).await.unwrap();
    let (ada, bob) = (to("ada"), to("bob"));
    let second = Parcel::new(&bob, MESSAGE);
    let (outcome, back) = connection.send(Parcel::new(&ada, MESSAGE), marked(), Some(second)).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
    let began = Instant::now();
    let (outcome, back) = back.unwrap().send(second, marked(), None).await;
    (outcome, back.is_some(), began.elapsed())
}

fn in_time(expected: Duration, took: Duration) -> bool {
    (expected..expected + Duration::from_millis(20)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_dot_is_waited_for_ten_minutes() {
    for depth in DEPTHS {
        for (millis, is_taken) in
            [(100, true), (30_000, true), (590_000, true), (599_000, true), (601_000, false)]
        {
            let act = Act::SayAfter(Duration::from_millis(millis), "250 ok".to_owned());
            let (outcome, survives, took) = send_where(depth, "DOT", act).await;
            assert_eq!((is_accepted(&outcome), survives), (is_taken, is_taken), "{outcome:?}");
            assert!(in_time(Duration::from_millis(millis.min(600_000)), took), "{took:?}");
            if !is_taken {
                let cause = "no answer within 600s".to_owned();
                assert_eq!(outcome, Outcome::InDoubt { cause });
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_patience_of_its_phase() {
    for (depth, (verb, phase)) in DEPTHS.into_iter().flat_map(|d| COMMANDS.map(|c| (d, c))) {
        let patience = if phase == Phase::Data { 120 } else { 60 };
        let (outcome, survives, took) = send_where(depth, verb, Act::Hang).await;
        assert!(not_sent(phase)(&outcome) && !survives, "{depth:?} {verb}: {outcome:?}");
        assert!(in_time(Duration::from_secs(patience), took), "{depth:?} {verb}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_one_octet_a_second_is_read_until_its_phase_ends() {
    let second = Duration::from_secs(1);
    for depth in DEPTHS {
        let act = Act::Trickle(second, "250 2.1.5 ok".to_owned());
        let (outcome, survives, took) = send_where(depth, "RCPT", act).await;
        assert!(is_accepted(&outcome) && survives, "{depth:?}: {outcome:?}");
        assert!(in_time(second * 14, took), "{took:?}");
        let act = Act::Trickle(second, format!("250 {}", "x".repeat(100)));
        let (outcome, survives, took) = send_where(depth, "RCPT", act).await;
        assert!(not_sent(Phase::Rcpt)(&outcome) && !survives, "{depth:?}: {outcome:?}");
        assert!(in_time(second * 60, took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_banner_may_come_in_pieces_and_not_for_ever() {
    for (text, opens) in
        [("220 relay", true), ("220-one\r\n220 two", true), ("2".repeat(99).as_str(), false)]
    {
        let act = Act::Trickle(Duration::from_secs(1), text.to_owned());
        let script = move |event: Event<'_>| match event.verb {
            "CONNECT" => act.clone(),
            _ => good(event),
        };
        let server = Server::in_memory(script);
        let relay = Relay { timeouts: Timeouts::default(), ..server.relay() };
        let opened = server.open(&relay).await;
        assert_eq!(opened.is_ok(), opens);
        assert!(opened.err().as_ref().is_none_or(not_sent(Phase::Greeting)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_reads_slowly_is_given_as_long_as_content_may_take() {
    for (depth, secs) in DEPTHS.into_iter().flat_map(|d| [590, 610].map(|secs| (d, secs))) {
        let pause = Duration::from_secs(secs);
        let script = move |event: Event<'_>| match event.verb {
            "DATA" => Act::SayAndPause("354 go".to_owned(), pause),
            _ => good(event),
        };
        let server = Server::in_memory(script);
        let relay = Relay { pipelining: depth, timeouts: Timeouts::default(), ..server.relay() };
        let connection = server.open(&relay).await.unwrap();
        // The stream holds a megabyte of it.
        let (ada, message) = (to("ada"), b"x\r\n".repeat(1_000_000));
        let (outcome, _) = connection.send(Parcel::new(&ada, &message), marked(), None).await;
        let expected = if secs < 600 { is_accepted } else { not_sent_content };
        assert!(expected(&outcome), "{depth:?}: {outcome:?}");
    }
}

fn not_sent_content(outcome: &Outcome) -> bool {
    not_sent(Phase::Content)(outcome)
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_not_waited_for_long() {
    let script = |event: Event<'_>| if event.verb == "QUIT" { Act::Hang } else { good(event) };
    let server = Server::in_memory(script);
    let began = Instant::now();
    server.open(&server.relay()).await.unwrap().quit().await;
    assert!(in_time(Duration::from_secs(5), began.elapsed()));
}
