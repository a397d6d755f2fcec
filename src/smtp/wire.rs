//! The stream to a relay, and what is known of it.
//!
//! A reply nobody asked for is noticed before it can be taken for the answer to the next command, and
//! how many octets have left is known at any time, whoever stops waiting.
use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use super::reply::{self, Heard};

/// A connection, plain or encrypted.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Octets handed over at once. A message of the usual size is one write with its dot; a large one is
/// several, so that a relay that refuses or hangs up half-way is noticed while the dot is still here.
const MAX_WRITE: usize = 256 * 1024;
/// What is kept back of the part of a large one that is to be answered: its dot, CRLF included.
const KEPT_BACK: usize = 3;

/// Octets that are said in one go. Nothing at all is said by the default one.
#[derive(Debug, Default)]
pub(super) struct Saying {
    octets: Vec<u8>,
    /// Octets after which the relay owes its first answer.
    due: usize,
}

impl Saying {
    /// Something that is answered when all of it has left.
    pub(super) fn new(octets: impl Into<Vec<u8>>) -> Self {
        let octets = octets.into();
        Self { due: octets.len(), octets }
    }

    /// The same, with more behind it: an answer may come before that has left.
    pub(super) fn before(mut self, more: &Self) -> Self {
        self.octets.extend_from_slice(&more.octets);
        self
    }
}

/// One session's octets in both directions.
pub(super) struct Wire {
    peer: SocketAddr,
    /// `None` only while TLS is being negotiated, and for good if that fails.
    stream: Option<Box<dyn Stream>>,
    /// What is being said.
    outgoing: Saying,
    /// Octets of `outgoing` that may have left.
    left: usize,
    /// What the relay sent and is no whole reply yet, or comes after one.
    received: Vec<u8>,
}

impl Wire {
    /// Speaks over `stream`.
    pub(super) fn new(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: SocketAddr,
    ) -> Self {
        let stream: Option<Box<dyn Stream>> = Some(Box::new(stream));
        Self { peer, stream, outgoing: Saying::default(), left: 0, received: Vec::new() }
    }

    /// Whether the relay is on this host.
    pub(super) fn is_local(&self) -> bool {
        self.peer.ip().to_canonical().is_loopback()
    }

    /// Whether nothing was received beyond the replies that were heard.
    pub(super) fn is_quiet(&self) -> bool {
        self.received.is_empty()
    }

    /// Whether enough of what was said last has left for an answer.
    pub(super) fn is_answer_due(&self) -> bool {
        self.left >= self.outgoing.due
    }

    /// How many octets of what was said last may have left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Says something, until an answer to it is due; what is behind that leaves while answers are
    /// listened to. May be called only when all that was said before is answered.
    ///
    /// # Errors
    ///
    /// If the relay speaks before its turn, or hangs up; [`Wire::left`] tells how far it came.
    pub(super) async fn say(&mut self, saying: Saying) -> io::Result<()> {
        if saying.octets.is_empty() {
            return Ok(());
        }
        if self.left < self.outgoing.octets.len() {
            return Err(out_of_turn());
        }
        (self.outgoing, self.left) = (saying, 0);
        let due = self.outgoing.due;
        if due > MAX_WRITE {
            std::future::poll_fn(|context| self.poll_push(context, due - KEPT_BACK)).await?;
            // All of it may fit into buffers; what the relay says of the part that it has read is
            // known only when the runtime has looked.
            tokio::task::yield_now().await;
        }
        std::future::poll_fn(|context| {
            let pushed = self.poll_push(context, usize::MAX);
            // From here on the answer alone tells what became of it.
            if self.left >= due { Poll::Ready(Ok(())) } else { pushed }
        })
        .await
    }

    /// The next reply.
    ///
    /// # Errors
    ///
    /// If the relay hung up, or says something that is no reply.
    pub(super) async fn hear(&mut self) -> io::Result<Heard> {
        std::future::poll_fn(|context| self.poll_hear(context)).await
    }

    /// A reply that the relay gave without being asked, as far as it has arrived. Only for the last
    /// words of a connection that is about to be closed.
    pub(super) fn overhear(&mut self) -> Option<Heard> {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Some(heard) = reply::take(&mut self.received).ok()? {
                return Some(heard);
            }
            match self.poll_receive(&mut context) {
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
    /// ones: CVE-2011-0411), or if the negotiation fails; nothing can be said then.
    pub(super) async fn encrypt(
        &mut self,
        tls: TlsConnector,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        if !self.is_quiet() {
            return Err(out_of_turn());
        }
        let plain = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        self.stream = Some(Box::new(tls.connect(name, plain).await?));
        Ok(())
    }

    fn stream(&mut self) -> io::Result<Pin<&mut dyn Stream>> {
        let stream = self.stream.as_deref_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(stream))
    }

    fn poll_hear(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Heard>> {
        loop {
            if let Some(heard) = reply::take(&mut self.received)? {
                return Poll::Ready(Ok(heard));
            }
            // A relay that refuses and reads no more is heard all the same.
            let pushed = self.poll_push(context, usize::MAX);
            match (self.poll_receive(context), pushed) {
                (Poll::Ready(received), _) => received?,
                (Poll::Pending, Poll::Ready(Err(error))) => return Poll::Ready(Err(error)),
                (Poll::Pending, _) => return Poll::Pending,
            }
        }
    }

    /// Hands over what is to be said, but no more than that many octets of it.
    fn poll_push(&mut self, context: &mut Context<'_>, most: usize) -> Poll<io::Result<()>> {
        let length = self.outgoing.octets.len().min(most);
        while self.left < length {
            if self.left < self.outgoing.due {
                self.expect_silence(context)?;
            }
            let end = length.min(self.left + MAX_WRITE);
            let octets = &self.outgoing.octets[self.left..end];
            let stream = self.stream.as_deref_mut().ok_or(io::ErrorKind::NotConnected)?;
            match ready!(Pin::new(stream).poll_write(context, octets)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(octets) => self.left += octets,
                Err(error) => {
                    // TLS fails like this with whole records of it on the way.
                    self.left = end;
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.stream()?.poll_flush(context)
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

    /// Fails if the relay said something that it was not asked for, or hung up.
    fn expect_silence(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.is_quiet() {
            return Err(out_of_turn());
        }
        match self.poll_receive(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => Err(out_of_turn()),
            Poll::Ready(Err(error)) => Err(error),
        }
    }
}

fn out_of_turn() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the relay spoke out of turn")
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("peer", &self.peer).finish_non_exhaustive()
    }
}
