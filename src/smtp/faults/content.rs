//! What leaves, and not before its mark.
use std::{convert::Infallible, future::ready, time::Instant};

use tokio::time::sleep;

use super::*;
use crate::{
    domain::{Envelope, Security},
    smtp::testing::Identity,
};

#[tokio::test]
async fn an_accepted_message_arrives_octet_for_octet() {
    for depth in DEPTHS {
        let server = Server::start(good).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let mut connection = Connection::open(&relay).await.unwrap();
        let messages = ["a\r\n.b\r\n..\r\n.\r\n\r\n", "no end", "", "\r\n\r\n"];
        let ada = to("ada");
        for (place, message) in messages.into_iter().enumerate() {
            let parcel = |message: &'static str| Parcel::new(&ada, message.as_bytes());
            let upcoming = messages.get(place + 1).copied().map(parcel);
            let (outcome, back) = connection.send(parcel(message), marked(), upcoming).await;
            let Outcome::Accepted { text } = outcome else { panic!("{outcome:?}") };
            assert!(text.starts_with("queued as "), "{text}");
            connection = back.unwrap();
        }
        let expected = ["a\r\n..b\r\n...\r\n..\r\n\r\n", "no end\r\n", "\r\n", "\r\n\r\n"];
        assert_eq!(server.seen().contents, expected);
        assert_eq!(server.seen().connections, 1);
    }
}

#[tokio::test]
async fn groups_and_large_messages_go_through_tls() {
    let identity = Identity::of("127.0.0.1");
    for depth in DEPTHS {
        let server = Server::with_tls(&identity, good).await;
        let relay = Relay {
            pipelining: depth,
            security: Security::ImplicitTls,
            extra_authority_pem: Some(identity.pem.clone()),
            ..server.relay()
        };
        let mut connection = Connection::open(&relay).await.unwrap();
        let (ada, large) = (to("ada"), "seven\r\n".repeat(300_000));
        let messages = ["small\r\n", &large, "small\r\n", &large, "small\r\n"];
        let parcels = messages.map(|message| Parcel::new(&ada, message.as_bytes()));
        for (place, parcel) in parcels.into_iter().enumerate() {
            let upcoming = parcels.get(place + 1).copied();
            let (outcome, back) = connection.send(parcel, marked(), upcoming).await;
            assert!(is_accepted(&outcome), "{outcome:?}");
            connection = back.unwrap();
        }
        assert!(server.seen().contents == messages, "{depth:?}");
    }
}

#[tokio::test]
async fn mail_tells_the_size_and_eight_bit_content_if_the_relay_cares() {
    for depth in DEPTHS {
        let server = Server::start(good).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let connection = Connection::open(&relay).await.unwrap();
        let parcel_to = to("ada");
        let parcel = Parcel::new(&parcel_to, "节\r\n".as_bytes());
        let (_, connection) = connection.send(parcel, marked(), None).await;
        assert!(connection.is_some());
        let seen = server.seen();
        let mail = seen.lines.iter().find(|line| line.contains("MAIL")).unwrap();
        assert_eq!(mail, "1: MAIL FROM:<bounce@example.com> SIZE=5 BODY=8BITMIME");
    }
}

#[tokio::test]
async fn an_address_is_told_as_the_relay_can_read_it() {
    for (offer, address, told) in [
        ("8BITMIME", "user@例子.com", Some("1: RCPT TO:<user@xn--fsqu00a.com>")),
        ("SMTPUTF8", "user@例子.com", Some("1: RCPT TO:<user@xn--fsqu00a.com>")),
        ("8BITMIME", "用户@例子.com", None),
        ("SMTPUTF8", "用户@例子.com", Some("1: RCPT TO:<用户@例子.com>")),
    ] {
        let script = move |event: Event<'_>| match event.verb {
            "EHLO" => Act::Say(format!("250-relay.example.org\r\n250 {offer}")),
            _ => good(event),
        };
        let server = Server::start(script).await;
        let connection = Connection::open(&server.relay()).await.unwrap();
        let envelope = Envelope { recipient: address.parse().unwrap(), ..to("ada") };
        let (outcome, back) =
            connection.send(Parcel::new(&envelope, MESSAGE), marked(), None).await;
        assert_eq!(is_accepted(&outcome), told.is_some(), "{outcome:?}");
        assert!(back.is_some());
        let seen = server.seen();
        let rcpt = seen.lines.iter().find(|line| line.contains("RCPT"));
        assert_eq!(rcpt.map(String::as_str), told);
        let asks = seen.lines.iter().any(|line| line.contains("MAIL") && line.contains("SMTPUTF8"));
        assert_eq!(asks, told.is_some_and(|told| !told.is_ascii()));
    }
}

#[tokio::test]
async fn no_content_leaves_without_its_mark() {
    for depth in DEPTHS {
        let server = Server::start(good).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let connection = Connection::open(&relay).await.unwrap();
        let (ada, bob) = (to("ada"), to("bob"));
        let second = Parcel::new(&bob, b"Subject: second\r\n");
        let (outcome, back) =
            connection.send(Parcel::new(&ada, MESSAGE), marked(), Some(second)).await;
        assert!(is_accepted(&outcome), "{outcome:?}");
        let (outcome, back) =
            back.unwrap().send(second, ready(Err("disk full")), Some(second)).await;
        let cause = "not marked as being sent: disk full".to_owned();
        assert_eq!(outcome, Outcome::NotSent { phase: Phase::Data, cause });
        assert!(back.is_none());
        sleep(Duration::from_millis(50)).await;
        let seen = server.seen();
        assert_eq!(seen.contents[1..], [""], "{depth:?}");
    }
}

#[tokio::test]
async fn the_mark_is_not_made_before_the_relay_said_354() {
    for (depth, (verb, _)) in DEPTHS.into_iter().flat_map(|d| COMMANDS.map(|c| (d, c))) {
        let server = server_where(verb, 1, say("451 later")).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let connection = Connection::open(&relay).await.unwrap();
        let mut is_marked = false;
        let mark = async {
            is_marked = true;
            Ok::<_, Infallible>(())
        };
        let ada = to("ada");
        let (outcome, _) = connection.send(Parcel::new(&ada, MESSAGE), mark, None).await;
        assert!(!is_marked, "{verb}");
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn fifty_messages_do_not_wait_for_delayed_acks() {
    for depth in DEPTHS {
        let server = Server::start(good).await;
        let relay = Relay { pipelining: depth, ..server.relay() };
        let mut connection = Connection::open(&relay).await.unwrap();
        let ada = to("ada");
        let parcel = Parcel::new(&ada, MESSAGE);
        let began = Instant::now();
        for _ in 0..50 {
            let (_, back) = connection.send(parcel, marked(), Some(parcel)).await;
            connection = back.unwrap();
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(1), "{depth:?} took {took:?}");
    }
}
