//! A connection that ends too early.
use std::convert::Infallible;

use tokio::time::sleep;

use super::*;

#[tokio::test]
async fn a_connection_lost_before_the_content_is_not_sent() {
    for (depth, (verb, phase)) in DEPTHS.into_iter().flat_map(|d| COMMANDS.map(|c| (d, c))) {
        let (outcome, survives) = send_where(depth, verb, Act::Drop).await;
        assert!(not_sent(phase)(&outcome), "{depth:?} {verb}: {outcome:?}");
        assert!(!survives, "{depth:?} {verb}");
    }
}

#[tokio::test]
async fn a_connection_lost_while_the_mark_is_made_is_not_sent() {
    for depth in DEPTHS {
        let server = server_where("DATA", 1, Act::SayAndDrop("354 go".to_owned())).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let connection = Connection::open(&relay).await.unwrap();
        let slow_mark = async {
            sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(())
        };
        let (ada, bob) = (to("ada"), to("bob"));
        let upcoming = Some(Parcel::new(&bob, MESSAGE));
        let (outcome, back) =
            connection.send(Parcel::new(&ada, MESSAGE), slow_mark, upcoming).await;
        assert!(not_sent(Phase::Content)(&outcome), "{outcome:?}");
        assert!(back.is_none());
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_leaves_doubt() {
    for depth in DEPTHS {
        let (outcome, survives) = send_where(depth, "DOT", Act::Drop).await;
        assert!(in_doubt(&outcome), "{outcome:?}");
        assert!(!survives);
    }
}

#[tokio::test]
async fn a_message_taken_by_a_relay_that_hangs_up_at_once_is_taken() {
    for depth in DEPTHS {
        let (outcome, _) = send_where(depth, "DOT", Act::SayAndDrop("250 ok".to_owned())).await;
        assert!(is_accepted(&outcome), "{outcome:?}");
    }
}

/// Against a relay that does not limit the size, and speaks in the middle of the content.
async fn send_to_interrupter(depth: Pipelining, message: &[u8], act: Act) -> (Outcome, bool) {
    let script = move |event: Event<'_>| match event.verb {
        "EHLO" => say("250-relay.example.org\r\n250 PIPELINING"),
        "DATA" => act.clone(),
        "DOT" => say("554 5.7.1 refused"),
        _ => good(event),
    };
    let server = Server::start(script).await;
    let relay = Relay { pipelining: depth, ..server.relay() };
    let connection = Connection::open(&relay).await.unwrap();
    let (ada, bob) = (to("ada"), to("bob"));
    let upcoming = Some(Parcel::new(&bob, MESSAGE));
    let (outcome, back) = connection.send(Parcel::new(&ada, message), marked(), upcoming).await;
    (outcome, back.is_some())
}

/// More than the buffers of both sides hold, so that its dot cannot leave unread.
fn a_large_message() -> Vec<u8> {
    format!("{:900}\r\n", "x").repeat(10_000).into_bytes()
}

#[tokio::test]
async fn a_connection_lost_within_content_leaves_doubt_only_if_the_dot_had_left() {
    let large = a_large_message();
    for depth in DEPTHS {
        let act = Act::SayInContent("");
        let (outcome, survives) = send_to_interrupter(depth, MESSAGE, act.clone()).await;
        assert!(in_doubt(&outcome) && !survives, "{outcome:?}");
        let (outcome, survives) = send_to_interrupter(depth, &large, act).await;
        assert!(not_sent(Phase::Content)(&outcome) && !survives, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_refusal_within_content_is_a_rejection_and_an_acceptance_there_is_not_believed() {
    let message = a_large_message();
    for depth in DEPTHS {
        for act in [Act::SayInContent, Act::SayAndReadOn] {
            let (outcome, survives) =
                send_to_interrupter(depth, &message, act("552 5.3.4 too large\r\n")).await;
            assert!(rejected(Phase::Content, 552)(&outcome) && !survives, "{outcome:?}");
            let (outcome, survives) =
                send_to_interrupter(depth, &message, act("250 2.0.0 thank you\r\n")).await;
            assert!(not_sent(Phase::Content)(&outcome) && !survives, "{outcome:?}");
        }
    }
}
