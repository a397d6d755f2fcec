//! The SMTP server: sockets here, the protocol in [`session`].
mod reply;
mod session;

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::debug;

use super::mailbox::Mailbox;
use crate::clock::Clock;
pub(super) use session::Delivery;
use session::{Flow, Session};

/// How long a client may be silent, or leave a reply unread (RFC 5321 section 4.5.3.2.7).
const IDLE: Duration = Duration::from_mins(5);
/// Connections served at a time; the next one is turned away with a 421.
const MAX_CONNECTIONS: usize = 1_000;
/// Pause after the system refused a connection, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes asked of a socket at once.
const CHUNK: usize = 32 << 10;

/// What a connection needs.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stopping: CancellationToken,
}

impl Server {
    /// Takes connections until told to stop, and ends when the last of them has.
    pub(super) async fn run(self, listener: TcpListener) {
        let connections = TaskTracker::new();
        let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = self.stopping.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    debug!(%error, "The inbox could not take an SMTP connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
                say_last(&stream, reply::TOO_MANY_CONNECTIONS);
                continue;
            };
            let server = self.clone();
            connections.spawn(async move {
                server.attend(stream).await;
                drop(permit);
            });
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }

    async fn attend(&self, mut stream: TcpStream) {
        let talked = tokio::select! {
            () = self.stopping.cancelled() => None,
            talked = self.talk(&mut stream) => Some(talked),
        };
        match talked {
            None => say_last(&stream, reply::STOPPING),
            Some(Ok(())) => {}
            Some(Err(error)) if error.kind() == std::io::ErrorKind::TimedOut => {
                say_last(&stream, reply::IDLE);
            }
            Some(Err(error)) => debug!(%error, "An SMTP connection to the inbox broke"),
        }
    }

    async fn talk(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(reply::GREETING.as_bytes()).await?;
        let mut session = Session::new();
        let mut chunk = vec![0; CHUNK];
        let mut replies = Vec::new();
        loop {
            let read = timeout(IDLE, stream.read(&mut chunk)).await??;
            if read == 0 {
                return Ok(());
            }
            let flow = session.feed(&chunk[..read], &mut replies, &mut |delivery| {
                self.mailbox.deliver(delivery, self.clock.now());
            });
            if !replies.is_empty() {
                timeout(IDLE, stream.write_all(&replies)).await??;
                replies.clear();
            }
            if flow == Flow::Close {
                return stream.shutdown().await;
            }
        }
    }
}

/// Says a last word to a client that may or may not be listening.
fn say_last(stream: &TcpStream, word: &str) {
    // A client that does not take the word sees the connection end, which means the same.
    let _ = stream.try_write(word.as_bytes());
}
