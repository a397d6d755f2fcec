//! As many connections as a relay allows, and no more.
use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
    time::Instant,
};

use super::Connection;
use crate::domain::{Envelope, Outcome, Phase, Relay};

/// A connection that was idle for longer is asked whether it is still there.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);

/// The connections to one relay, shared by any number of tasks.
///
/// **Invariant:** a connection is idle or belongs to one sender that holds a slot; whoever takes the
/// last slot finds an idle connection or opens the last one. So there are never more than
/// [`Relay::connections`].
pub struct RelayPool {
    relay: Relay,
    /// One for each connection that may exist.
    slots: Semaphore,
    /// Newest last, since the newest is the likeliest to be alive.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl RelayPool {
    /// A pool without connections; the first message opens the first one.
    #[must_use]
    pub fn new(relay: Relay) -> Self {
        let slots = Semaphore::new(relay.connections.clamp(1, Semaphore::MAX_PERMITS));
        Self { relay, slots, idle: Mutex::new(Vec::new()) }
    }

    /// Sends one message when there is a connection for it; see [`Connection::send`].
    ///
    /// A connection that fails at MAIL, or has been idle and is ended there by a 421, is replaced
    /// once: until then the relay knows nothing of the message, and `before_content` has not run.
    pub async fn send<F, E>(
        &self,
        envelope: &Envelope,
        message: &[u8],
        before_content: F,
    ) -> Outcome
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let _slot = self.slot().await;
        let mut mark = pin!(before_content);
        let idle = self.take_idle().await;
        let was_idle = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => match Connection::open(&self.relay).await {
                Ok(connection) => connection,
                Err(outcome) => return outcome,
            },
        };
        let (outcome, back) = connection.send(envelope, message, mark.as_mut()).await;
        if !deserves_another(&outcome, was_idle) {
            self.keep(back);
            return outcome;
        }
        drop(back);
        match Connection::open(&self.relay).await {
            Err(outcome) => outcome,
            Ok(connection) => {
                let (outcome, back) = connection.send(envelope, message, mark).await;
                self.keep(back);
                outcome
            }
        }
    }

    /// Says goodbye on the connections that are idle now. The pool can still be used: call it when
    /// there is nothing to send for a while, and at the end.
    pub async fn close(&self) {
        // A connection counts until the relay has let it go, so each goodbye keeps a slot.
        let mut slots = Vec::new();
        let mut goodbyes = JoinSet::new();
        while let Ok(slot) = self.slots.try_acquire() {
            let Some(idle) = self.idle().pop() else { break };
            slots.push(slot);
            goodbyes.spawn(idle.connection.quit());
        }
        goodbyes.join_all().await;
    }

    /// The newest idle connection that is good for another message. The others are closed only here,
    /// because waiting for a goodbye after a message could lose that message's outcome.
    async fn take_idle(&self) -> Option<Connection> {
        loop {
            let Idle { connection, since } = self.idle().pop()?;
            if connection.is_spent() {
                connection.quit().await;
            } else if since.elapsed() <= TRUSTED_IDLE {
                return Some(connection);
            } else if let Some(connection) = connection.probe().await {
                return Some(connection);
            }
        }
    }

    async fn slot(&self) -> SemaphorePermit<'_> {
        self.slots.acquire().await.expect("the semaphore is never closed")
    }

    fn keep(&self, connection: Option<Connection>) {
        let idle = connection.map(|connection| Idle { connection, since: Instant::now() });
        self.idle().extend(idle);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RelayPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayPool").field("relay", &self.relay).finish_non_exhaustive()
    }
}

fn deserves_another(outcome: &Outcome, was_idle: bool) -> bool {
    match outcome {
        Outcome::NotSent { phase, .. } => *phase == Phase::Mail,
        Outcome::Rejected { phase, reply } => {
            was_idle && *phase == Phase::Mail && reply.code == 421
        }
        Outcome::Accepted { .. } | Outcome::InDoubt { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc, task::Poll};

    use super::*;
    use crate::smtp::{
        Transport,
        testing::{Act, Event, MESSAGE, Server, good, marked, say, to},
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
        let transport = Transport::Relay(Arc::new(RelayPool::new(relay)));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let transport = transport.clone();
                tokio::spawn(
                    async move { transport.send(&to("ada"), MESSAGE, "1", marked()).await },
                )
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
}
