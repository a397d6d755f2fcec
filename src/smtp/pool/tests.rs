use std::{convert::Infallible, pin::pin, task::Poll};

use super::*;
use crate::{
    domain::{Phase, Pipelining},
    smtp::{
        Lane, Transport,
        testing::{Act, Event, MESSAGE, Server, good, marked, say, to},
    },
};

fn is_accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { .. })
}

/// Refuses the content of whatever has this in it.
fn refusing(event: Event<'_>) -> Act {
    match event.verb {
        "DOT" if event.line.contains("BAD") => say("554 5.7.1 refused"),
        _ => good(event),
    }
}

/// Polls `future` `polls` times at most, then drops it.
async fn cancelled_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_message_cancelled_anywhere_never_lends_its_reply_to_the_next() {
    let server = Server::start(refusing).await;
    let pool = RelayPool::new(server.relay());
    let ada = to("ada");
    let mut cancelled = 0;
    for polls in 1..200 {
        let first = pool.send(&ada, MESSAGE, marked());
        if cancelled_after(polls, first).await.is_some() {
            break;
        }
        cancelled += 1;
        let second = pool.send(&to("bob"), b"Subject: BAD\r\n\r\n", marked()).await;
        let is_rejected = matches!(&second, Outcome::Rejected { phase: Phase::Content, reply } if reply.code == 554);
        assert!(is_rejected, "after {polls} polls: {second:?}");
    }
    assert!((4..199).contains(&cancelled), "cancelled at {cancelled} points");
}

#[tokio::test]
async fn a_message_cancelled_at_any_time_never_lends_its_reply_to_the_next() {
    let slowly = |event: Event<'_>| match refusing(event) {
        Act::Say(text) => Act::SayAfter(Duration::from_millis(1), text),
        act => act,
    };
    let server = Server::start(slowly).await;
    let pool = RelayPool::new(server.relay());
    let ada = to("ada");
    for round in 0..60_u64 {
        let patience = Duration::from_micros(round * 7919 % 9000);
        let first = pool.send(&ada, MESSAGE, marked());
        let _ = tokio::time::timeout(patience, first).await;
        let second = pool.send(&to("bob"), b"Subject: BAD\r\n\r\n", marked()).await;
        let is_rejected = matches!(&second, Outcome::Rejected { phase: Phase::Content, reply } if reply.code == 554);
        assert!(is_rejected, "after {patience:?}: {second:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_never_sees_more_connections_than_it_allows() {
    let slowly = |event: Event<'_>| match event.verb {
        "DOT" => Act::SayAfter(Duration::from_millis(5), "250 ok".to_owned()),
        _ => good(event),
    };
    let server = Server::start(slowly).await;
    let relay = Relay { connections: 3, messages_per_connection: 4, ..server.relay() };
    let transport = Transport::to_relays(&[relay]);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let transport = transport.clone();
            tokio::spawn(async move { transport.send(&to("ada"), MESSAGE, "1", marked()).await })
        })
        .collect();
    for task in tasks {
        let outcome = task.await.unwrap();
        assert!(is_accepted(&outcome), "{outcome:?}");
    }
    assert_eq!(server.seen().most_open, 3);
    assert_eq!(server.seen().contents.len(), 50);
}

#[tokio::test]
async fn a_connection_carries_as_many_messages_as_allowed() {
    let server = Server::start(good).await;
    let pool = RelayPool::new(Relay { messages_per_connection: 3, ..server.relay() });
    for _ in 0..7 {
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    }
    assert_eq!((server.seen().connections, server.seen().count("QUIT")), (3, 2));
}

#[tokio::test]
async fn a_connection_that_is_too_old_carries_no_more() {
    let server = Server::start(good).await;
    let pool = RelayPool::new(Relay { max_connection_age: Duration::ZERO, ..server.relay() });
    for _ in 0..2 {
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    }
    assert_eq!((server.seen().connections, server.seen().count("QUIT")), (2, 1));
}

#[tokio::test]
async fn a_connection_idle_for_long_is_asked_first() {
    for (answer, connections) in [("250 here", 1), ("421 gone", 2)] {
        let script = move |event: Event<'_>| match event.verb {
            "NOOP" => say(answer),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let pool = RelayPool::new(server.relay());
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
        pool.idle()[0].since -= TRUSTED_IDLE + Duration::from_secs(1);
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
        assert_eq!((server.seen().connections, server.seen().count("NOOP")), (connections, 1));
    }
}

#[tokio::test]
async fn a_connection_that_dies_at_mail_is_replaced_once() {
    let drops = |times: usize| {
        move |event: Event<'_>| match event.verb {
            "MAIL" if event.nth <= times => Act::Drop,
            _ => good(event),
        }
    };
    let server = Server::start(drops(1)).await;
    let outcome = RelayPool::new(server.relay()).send(&to("ada"), MESSAGE, marked()).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
    let server = Server::start(drops(2)).await;
    let outcome = RelayPool::new(server.relay()).send(&to("ada"), MESSAGE, marked()).await;
    assert!(matches!(outcome, Outcome::NotSent { phase: Phase::Mail, .. }), "{outcome:?}");
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn an_idle_connection_that_the_relay_ended_is_replaced() {
    for ending in ["250 ok\r\n421 4.4.2 idle too long", "250 ok"] {
        let script = move |event: Event<'_>| match event.verb {
            "DOT" if event.nth == 1 => Act::SayAndDrop(ending.to_owned()),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let pool = RelayPool::new(server.relay());
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
        assert_eq!(server.seen().connections, 2);
    }
}

#[tokio::test]
async fn a_reply_repeated_in_a_pause_is_not_taken_for_the_next_answer() {
    let pause = Duration::from_millis(10);
    let script = move |event: Event<'_>| match event.verb {
        "DOT" if event.nth == 1 => Act::SayAgain("250 ok".into(), pause, "250 ok".into()),
        "DOT" => say("554 5.7.1 refused"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let pool = RelayPool::new(server.relay());
    assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    tokio::time::sleep(pause * 10).await;
    let outcome = pool.send(&to("bob"), MESSAGE, marked()).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn a_421_at_mail_ends_an_idle_connection_and_not_its_message() {
    let script = |event: Event<'_>| match event.verb {
        "MAIL" if event.nth == 2 => Act::SayAndDrop("421 too many messages".to_owned()),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let pool = RelayPool::new(server.relay());
    for _ in 0..2 {
        assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    }
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn nothing_is_sent_again_once_data_was_answered() {
    for verb in ["RCPT", "DATA", "DOT"] {
        let script =
            move |event: Event<'_>| if event.verb == verb { Act::Drop } else { good(event) };
        let server = Server::start(script).await;
        let outcome = RelayPool::new(server.relay()).send(&to("ada"), MESSAGE, marked()).await;
        assert!(!is_accepted(&outcome), "{outcome:?}");
        assert_eq!((server.seen().connections, server.seen().count("MAIL")), (1, 1), "{verb}");
    }
}

#[tokio::test]
async fn the_mark_is_made_once_even_if_the_connection_is_replaced() {
    let script = |event: Event<'_>| match event.verb {
        "MAIL" if event.nth == 1 => Act::Drop,
        _ => good(event),
    };
    let server = Server::start(script).await;
    let mut marks = 0;
    let mark = async {
        marks += 1;
        Ok::<_, Infallible>(())
    };
    let outcome = RelayPool::new(server.relay()).send(&to("ada"), MESSAGE, mark).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
    assert_eq!((marks, server.seen().connections), (1, 2));
}

#[tokio::test]
async fn closing_says_goodbye_and_leaves_the_pool_usable() {
    let server = Server::start(good).await;
    let pool = RelayPool::new(server.relay());
    assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    pool.close().await;
    assert_eq!(server.seen().count("QUIT"), 1);
    assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn a_session_keeps_its_connection_and_gives_it_back() {
    let server = Server::start(good).await;
    let pool = RelayPool::new(server.relay());
    let ada = to("ada");
    for _ in 0..2 {
        let mut session = pool.session().await;
        assert_eq!(session.connection_number(), None);
        for _ in 0..3 {
            let outcome = session.send(Parcel::new(&ada, MESSAGE), marked(), None).await;
            assert!(is_accepted(&outcome), "{outcome:?}");
            assert_eq!(session.connection_number(), Some(1));
        }
    }
    assert_eq!(server.seen().connections, 1);
}

#[tokio::test]
async fn connections_are_numbered_and_none_is_named_if_none_was_opened() {
    let script = |event: Event<'_>| match event.verb {
        "CONNECT" if event.nth == 2 => say("421 4.3.2 not now"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let pool = RelayPool::new(Relay { messages_per_connection: 1, ..server.relay() });
    let mut session = pool.session().await;
    let ada = to("ada");
    let mut numbers = Vec::new();
    for _ in 0..3 {
        session.send(Parcel::new(&ada, MESSAGE), marked(), None).await;
        numbers.push(session.connection_number());
    }
    assert_eq!(numbers, [Some(1), None, Some(2)]);
}

#[tokio::test]
async fn a_lane_is_carried_as_far_as_its_limit_and_others_are_not_in_its_way() {
    for depth in [Pipelining::Off, Pipelining::Deep] {
        let server = Server::start(good).await;
        let pool = RelayPool::new(Relay { pipelining: depth, ..server.relay() });
        let mut session = pool.session().await;
        let ada = to("ada");
        let parcel = |key| {
            let messages_per_connection = (key == 1).then_some(2);
            Parcel { lane: Lane { key, messages_per_connection }, ..Parcel::new(&ada, MESSAGE) }
        };
        let mut numbers = Vec::new();
        let keys = [1, 0, 1, 0, 1, 0];
        for (place, key) in keys.into_iter().enumerate() {
            let upcoming = keys.get(place + 1).map(|key| parcel(*key));
            let outcome = session.send(parcel(key), marked(), upcoming).await;
            assert!(is_accepted(&outcome), "{outcome:?}");
            numbers.push(session.connection_number().unwrap());
        }
        assert_eq!(numbers, [1, 1, 1, 1, 2, 2], "{depth:?}");
        assert_eq!(server.seen().count("QUIT"), 1);
    }
}

/// A session of a pool whose relay is told of Bob's message behind Ada's.
async fn send_ada_before_bob(session: &mut Session<'_>) {
    let (ada, bob) = (to("ada"), to("bob"));
    let upcoming = Some(Parcel::new(&bob, MESSAGE));
    let outcome = session.send(Parcel::new(&ada, MESSAGE), marked(), upcoming).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn a_promised_connection_is_replaced_for_another_message() {
    let server = Server::start(good).await;
    let pool = RelayPool::new(Relay { pipelining: Pipelining::Deep, ..server.relay() });
    let mut session = pool.session().await;
    send_ada_before_bob(&mut session).await;
    let eve = to("eve");
    let outcome = session.send(Parcel::new(&eve, b"Subject: eve\r\n"), marked(), None).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
    assert_eq!(session.connection_number(), Some(2));
    let seen = server.seen();
    let full = seen.contents.iter().filter(|content| !content.is_empty()).count();
    assert_eq!((full, seen.count("RCPT")), (2, 3));
}

#[tokio::test]
async fn a_session_that_ends_on_a_promise_closes_its_connection() {
    let server = Server::start(good).await;
    let pool = RelayPool::new(Relay { pipelining: Pipelining::Deep, ..server.relay() });
    let mut session = pool.session().await;
    send_ada_before_bob(&mut session).await;
    drop(session);
    assert!(pool.idle().is_empty());
    assert!(is_accepted(&pool.send(&to("ada"), MESSAGE, marked()).await));
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn a_connection_that_dies_at_the_mail_of_an_announced_message_is_replaced() {
    for act in [Act::Drop, Act::SayAndDrop("421 4.7.0 too many messages".to_owned())] {
        let script = move |event: Event<'_>| match event.verb {
            "MAIL" if event.nth == 2 => act.clone(),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let pool = RelayPool::new(Relay { pipelining: Pipelining::Deep, ..server.relay() });
        let mut session = pool.session().await;
        send_ada_before_bob(&mut session).await;
        let mut marks = 0;
        let mark = async {
            marks += 1;
            Ok::<_, Infallible>(())
        };
        let bob = to("bob");
        let outcome = session.send(Parcel::new(&bob, MESSAGE), mark, None).await;
        assert!(is_accepted(&outcome), "{outcome:?}");
        assert_eq!((marks, session.connection_number()), (1, Some(2)));
        let full = |content: &String| !content.is_empty();
        assert_eq!(server.seen().contents.iter().filter(|c| full(c)).count(), 2);
    }
}
