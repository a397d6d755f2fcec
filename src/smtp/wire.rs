//! The stream between lettre and a relay, watched.
//!
//! lettre writes to it and is told only the class of each reply; the replies themselves stay here.
//! That is how a reply nobody asked for is noticed before it can be taken for the answer to the next
//! command, and how it is known whether the dot that ends a message has left.
use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use super::reply::{self, Heard};

/// A connection, plain or encrypted.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What lettre writes, in one piece, after a message. Content cannot look like it, since a dot that
/// begins a line is doubled.
const END_OF_CONTENT: &[u8] = b"\r\n.\r\n";

/// One end of it is lettre's, the other end is the connection's.
#[derive(Clone)]
pub(super) struct Wire {
    peer: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    /// `None` only while TLS is being negotiated.
    stream: Option<Box<dyn Stream>>,
    /// What the relay sent and is no whole reply yet, or comes after one.
    received: Vec<u8>,
    /// What lettre has yet to be told.
    told: Vec<u8>,
    /// Replies since they were last asked for, oldest first.
    heard: Vec<Heard>,
    /// Whether the relay has had its say and waits for us.
    is_our_turn: bool,
    /// Whether any octet of the end of the content has been handed to the stream.
    has_ended_content: bool,
}

impl Wire {
    /// Watches `stream`.
    pub(super) fn new(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: SocketAddr,
    ) -> Self {
        let state = State {
            stream: Some(Box::new(stream)),
            received: Vec::new(),
            told: Vec::new(),
            heard: Vec::new(),
            is_our_turn: false,
            has_ended_content: false,
        };
        Self { peer, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the relay is on this host.
    pub(super) fn is_local(&self) -> bool {
        self.peer.ip().to_canonical().is_loopback()
    }

    /// The replies since the last call, oldest first.
    pub(super) fn take_heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.state().heard)
    }

    /// Whether nothing was received beyond the replies that were asked for.
    pub(super) fn is_quiet(&self) -> bool {
        self.state().received.is_empty()
    }

    /// Whether the dot may have left since the last [`Wire::begin_content`].
    pub(super) fn has_ended_content(&self) -> bool {
        self.state().has_ended_content
    }

    /// Content comes next.
    pub(super) fn begin_content(&self) {
        self.state().has_ended_content = false;
    }

    /// A reply that the relay gave without being asked, as far as it has arrived. Only for the last
    /// words of a connection that is about to be closed.
    pub(super) fn overhear(&self) -> Option<Heard> {
        let mut state = self.state();
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Some(heard) = reply::take(&mut state.received).ok()? {
                return Some(heard);
            }
            match state.poll_receive(&mut context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) | Poll::Pending => return None,
            }
        }
    }

    /// Negotiates TLS on the stream.
    ///
    /// # Errors
    ///
    /// If the relay said more than it was asked for before (its words could be taken for protected
    /// ones: CVE-2011-0411), or if the negotiation fails; nothing can be sent then.
    pub(super) async fn encrypt(
        &self,
        tls: TlsConnector,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        let plain = {
            let mut state = self.state();
            if !state.received.is_empty() {
                return Err(out_of_turn());
            }
            state.stream.take().ok_or(io::ErrorKind::NotConnected)?
        };
        let encrypted = tls.connect(name, plain).await?;
        self.state().stream = Some(Box::new(encrypted));
        Ok(())
    }
}

fn out_of_turn() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the relay spoke out of turn")
}

impl State {
    fn stream(&mut self) -> io::Result<Pin<&mut dyn Stream>> {
        let stream = self.stream.as_deref_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(stream))
    }

    /// Receives at least one octet.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut octets = [0; 2048];
        let mut buffer = ReadBuf::new(&mut octets);
        ready!(self.stream()?.poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            let closed = "the relay closed the connection";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed)));
        }
        self.received.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.told.is_empty() {
            let Some(heard) = reply::take(&mut self.received)? else {
                ready!(self.poll_receive(context))?;
                continue;
            };
            // Any second digit but 0 to 5 makes lettre give up, and the first says all it needs.
            self.told = format!("{}50 relay\r\n", heard.reply.code / 100).into_bytes();
            self.heard.push(heard);
            self.is_our_turn = true;
        }
        let length = self.told.len().min(buffer.remaining());
        buffer.put_slice(&self.told[..length]);
        self.told.drain(..length);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let ends_content = octets.starts_with(END_OF_CONTENT);
        if self.is_our_turn || ends_content {
            self.expect_silence(context)?;
            self.is_our_turn = false;
        }
        let written = ready!(self.stream()?.poll_write(context, octets))?;
        self.has_ended_content |= ends_content && written > 0;
        Poll::Ready(Ok(written))
    }

    /// Fails if the relay said something that it was not asked for, or hung up.
    fn expect_silence(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.received.is_empty() {
            return Err(out_of_turn());
        }
        match self.poll_receive(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => Err(out_of_turn()),
            Poll::Ready(Err(error)) => Err(error),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.state().poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.state().poll_write(context, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().stream()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().stream()?.poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("peer", &self.peer).finish_non_exhaustive()
    }
}
