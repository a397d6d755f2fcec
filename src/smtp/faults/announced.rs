//! What leaves together, and a message that was announced behind another one.
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::*;
use crate::smtp::wire::Wire;

/// Counts what would be calls of the system.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Writes for a hundred messages of 15 kB in one session, its beginning left out.
async fn writes_for_a_hundred(depth: Pipelining, script: fn(Event<'_>) -> Act) -> usize {
    let server = Server::in_memory(script);
    let relay = Relay { pipelining: depth, ..server.relay() };
    let writes = Arc::new(AtomicUsize::new(0));
    let stream = Counted { stream: server.dial(), writes: Arc::clone(&writes) };
    let peer = SocketAddr::from(([127, 0, 0, 1], 25));
    let mut connection = Connection::begin(Wire::new(stream, peer), &relay).await.unwrap();
    writes.store(0, Ordering::Relaxed);
    let (ada, message) = (to("ada"), b".fifteen octets\r\n".repeat(900));
    let parcel = Parcel::new(&ada, &message);
    for place in 1..=100 {
        let upcoming = (place < 100).then_some(parcel);
        let (outcome, back) = connection.send(parcel, marked(), upcoming).await;
        assert!(is_accepted(&outcome), "{outcome:?}");
        // The hundredth is the last that this connection may carry.
        connection = back.unwrap();
    }
    writes.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_group_leaves_in_one_write() {
    assert_eq!(writes_for_a_hundred(Pipelining::Off, good).await, 400);
    assert_eq!(writes_for_a_hundred(Pipelining::Rfc2920, good).await, 200);
    assert_eq!(writes_for_a_hundred(Pipelining::Deep, good).await, 101);
}

#[tokio::test]
async fn a_relay_that_does_not_offer_pipelining_is_told_one_command_at_a_time() {
    fn plain(event: Event<'_>) -> Act {
        if event.verb == "EHLO" { say("250 relay.example.org") } else { good(event) }
    }
    assert_eq!(writes_for_a_hundred(Pipelining::Deep, plain).await, 400);
}

/// A session in which Bob's message was announced behind Ada's.
async fn announced(server: &Server) -> Connection {
    let relay = Relay { pipelining: Pipelining::Deep, ..server.relay() };
    let connection = Connection::open(&relay).await.unwrap();
    let (ada, bob) = (to("ada"), to("bob"));
    let upcoming = Some(Parcel::new(&bob, MESSAGE));
    let (outcome, back) = connection.send(Parcel::new(&ada, MESSAGE), marked(), upcoming).await;
    assert!(is_accepted(&outcome), "{outcome:?}");
    let connection = back.unwrap();
    assert!(connection.has_announced());
    connection
}

#[tokio::test]
async fn another_message_than_the_announced_one_is_not_sent() {
    let server = Server::start(good).await;
    for (name, message) in [("eve", MESSAGE), ("bob", b"Subject: other\r\n".as_slice())] {
        let other = to(name);
        let parcel = Parcel::new(&other, message);
        let connection = announced(&server).await;
        assert!(!connection.may_carry(&parcel));
        let (outcome, back) = connection.send(parcel, marked(), None).await;
        assert!(not_sent(Phase::Mail)(&outcome) && back.is_none(), "{outcome:?}");
    }
    let seen = server.seen();
    let full = seen.contents.iter().filter(|content| !content.is_empty()).count();
    assert_eq!(full, 2, "{:?}", seen.contents);
}

#[tokio::test]
async fn a_relay_that_waits_for_an_announced_message_is_told_no_goodbye() {
    let server = Server::start(good).await;
    announced(&server).await.quit().await;
    assert_eq!(server.seen().count("QUIT"), 0);
    assert!(!server.seen().contents.iter().any(|content| content.contains("QUIT")));
}

#[tokio::test]
async fn an_announced_message_goes_on_whatever_became_of_the_one_before() {
    for (verb, text) in [
        ("MAIL", "451 later"),
        ("RCPT", "550 5.1.1 no such user"),
        ("DATA", "451 later"),
        ("DOT", "554 5.7.1 refused"),
    ] {
        let server = server_where(verb, 1, say(text)).await;
        let relay = Relay { pipelining: Pipelining::Deep, ..server.relay() };
        let connection = Connection::open(&relay).await.unwrap();
        let (ada, bob) = (to("ada"), to("bob"));
        let second = Parcel::new(&bob, MESSAGE);
        let (outcome, back) =
            connection.send(Parcel::new(&ada, MESSAGE), marked(), Some(second)).await;
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{verb}: {outcome:?}");
        let back = back.unwrap();
        assert!(back.has_announced(), "{verb}");
        let (outcome, back) = back.send(second, marked(), None).await;
        assert!(is_accepted(&outcome) && back.is_some(), "{verb}: {outcome:?}");
    }
}

#[tokio::test]
async fn nothing_is_announced_that_the_connection_may_not_carry() {
    let server = Server::start(good).await;
    let deep = Relay { pipelining: Pipelining::Deep, ..server.relay() };
    for relay in [
        Relay { messages_per_connection: 1, ..deep.clone() },
        Relay { max_connection_age: Duration::ZERO, ..deep },
    ] {
        let connection = Connection::open(&relay).await.unwrap();
        let ada = to("ada");
        let parcel = Parcel::new(&ada, MESSAGE);
        let (_, back) = connection.send(parcel, marked(), Some(parcel)).await;
        let back = back.unwrap();
        assert!(back.is_spent() && !back.has_announced());
    }
}
