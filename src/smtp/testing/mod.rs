//! A relay that does what a test tells it to.
mod identity;
mod script;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

pub(super) use identity::Identity;
pub(super) use script::{Act, Event, good, say};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
        DuplexStream,
    },
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::{Connection, wire::Wire};
use crate::domain::{Envelope, Outcome, Pipelining, Relay, Security, Timeouts};

/// What the relay saw.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// Every line that was no content, as `connection: line`.
    pub(super) lines: Vec<String>,
    /// Octets of content, with dots doubled, up to each dot or the end of the connection.
    pub(super) contents: Vec<String>,
    /// How many there were of each verb.
    counts: BTreeMap<String, usize>,
    /// Connections in all.
    pub(super) connections: usize,
    /// Numbers of the connections that are open.
    open: BTreeSet<usize>,
    /// The most of them at the same time.
    pub(super) most_open: usize,
}

impl Seen {
    pub(super) fn count(&self, verb: &str) -> usize {
        self.counts.get(verb).copied().unwrap_or_default()
    }
}

type Script = dyn Fn(Event<'_>) -> Act + Send + Sync;

/// A relay on a port of its own, for as long as the test's runtime lives.
pub(super) struct Server {
    /// 0 if it has no port.
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
    session: Session,
}

impl Server {
    /// A relay that answers as `script` says.
    pub(super) async fn start(script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(Session::new(Arc::new(script), None), false).await
    }

    /// The same, with no memory of what was said, which hundreds of thousands of messages would fill.
    pub(super) async fn forgetful(
        script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let session = Session { is_forgetful: true, ..Session::new(Arc::new(script), None) };
        Self::listen(session, false).await
    }

    /// The same without a port, so that nothing but its own pauses takes time.
    pub(super) fn in_memory(script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static) -> Self {
        let session = Session::new(Arc::new(script), None);
        Self { port: 0, seen: Arc::clone(&session.seen), session }
    }

    /// A connection to it that is no connection of TCP.
    pub(super) fn dial(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let session = self.session.arrive();
        tokio::spawn(async move {
            let _ = session.talk(theirs, true).await;
            session.leave();
        });
        ours
    }

    /// A session over [`Server::dial`].
    pub(super) async fn open(&self, relay: &Relay) -> Result<Connection, Outcome> {
        let peer = SocketAddr::from(([127, 0, 0, 1], 25));
        Connection::begin(Wire::new(self.dial(), peer), relay).await
    }

    /// The same, with TLS after STARTTLS.
    pub(super) async fn with_starttls(
        identity: &Identity,
        script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let tls = Some(identity.acceptor.clone());
        Self::listen(Session::new(Arc::new(script), tls), false).await
    }

    /// The same, with TLS from the first octet.
    pub(super) async fn with_tls(
        identity: &Identity,
        script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let tls = Some(identity.acceptor.clone());
        Self::listen(Session::new(Arc::new(script), tls), true).await
    }

    async fn listen(session: Session, is_implicit: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (template, seen) = (session.clone(), Arc::clone(&session.seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Answers to a group are a write each.
                stream.set_nodelay(true).unwrap();
                let session = template.arrive();
                tokio::spawn(async move {
                    let _ = session.run(stream, is_implicit).await;
                    session.leave();
                });
            }
        });
        Self { port, seen, session }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Settings that suit a test: no TLS, one connection, and time enough on a busy machine.
    pub(super) fn relay(&self) -> Relay {
        self.relay_with_patience(Duration::from_secs(10))
    }

    /// The same for a test that waits until this patience ends.
    pub(super) fn relay_with_patience(&self, patience: Duration) -> Relay {
        Relay {
            name: "relay".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: Security::Plain,
            credentials: None,
            extra_authority_pem: None,
            hello: "sender.example.com".to_owned(),
            timeouts: Timeouts {
                connect: patience,
                greeting: patience,
                envelope: patience,
                data: patience,
                content: patience,
            },
            connections: 1,
            messages_per_connection: 100,
            max_connection_age: Duration::from_mins(5),
            weight: 1,
            rates: Vec::new(),
            warm_up: None,
            by_provider: false,
            pipelining: Pipelining::Off,
            window: 1,
        }
    }
}

#[derive(Clone)]
struct Session {
    script: Arc<Script>,
    tls: Option<TlsAcceptor>,
    seen: Arc<Mutex<Seen>>,
    connection: usize,
    is_forgetful: bool,
}

impl Session {
    fn new(script: Arc<Script>, tls: Option<TlsAcceptor>) -> Self {
        Self { script, tls, seen: Arc::default(), connection: 0, is_forgetful: false }
    }

    /// The session of one more connection.
    fn arrive(&self) -> Self {
        let mut seen = self.seen.lock().unwrap();
        seen.connections += 1;
        let connection = seen.connections;
        seen.open.insert(connection);
        seen.most_open = seen.most_open.max(seen.open.len());
        Self { connection, ..self.clone() }
    }

    fn leave(&self) {
        self.seen.lock().unwrap().open.remove(&self.connection);
    }

    async fn run(&self, stream: TcpStream, is_implicit: bool) -> std::io::Result<()> {
        match &self.tls {
            Some(tls) if is_implicit => {
                self.talk(tls.accept(stream).await?, true).await?;
            }
            Some(tls) => {
                if let Some(stream) = self.talk(stream, true).await? {
                    self.talk(tls.accept(stream).await?, false).await?;
                }
            }
            None => {
                self.talk(stream, true).await?;
            }
        }
        Ok(())
    }

    /// Returns the stream after STARTTLS, and nothing when the session is over.
    async fn talk<S>(&self, stream: S, greets: bool) -> std::io::Result<Option<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = BufReader::new(stream);
        if greets && self.answer(&mut stream, "CONNECT", "CONNECT").await?.is_none() {
            return Ok(None);
        }
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let Some(said) = self.answer(&mut stream, &verb, line).await? else {
                return Ok(None);
            };
            if verb == "DATA" && said.starts_with("354") {
                let content = self.content(&mut stream).await?;
                if self.answer(&mut stream, "DOT", &content).await?.is_none() {
                    return Ok(None);
                }
            } else if verb == "STARTTLS" && said.starts_with("220") {
                return Ok(Some(stream.into_inner()));
            }
        }
    }

    /// Reads content up to its dot, or to the end of the connection.
    async fn content<S>(&self, stream: &mut BufReader<S>) -> std::io::Result<String>
    where
        S: AsyncRead + Unpin,
    {
        let mut content = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
                break;
            }
            content.push_str(&line);
        }
        if !self.is_forgetful {
            self.seen.lock().unwrap().contents.push(content.clone());
        }
        Ok(content)
    }

    /// What was said, or nothing if the session is over.
    async fn answer<S>(
        &self,
        stream: &mut BufReader<S>,
        verb: &str,
        line: &str,
    ) -> std::io::Result<Option<String>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let act = {
            let mut seen = self.seen.lock().unwrap();
            let logged = if verb == "DOT" { "DOT" } else { line };
            if !self.is_forgetful {
                seen.lines.push(format!("{}: {logged}", self.connection));
            }
            if verb == "QUIT" {
                // Not when it is over: the client may open its next one when it reads our answer.
                seen.open.remove(&self.connection);
            }
            *seen.counts.entry(verb.to_owned()).or_default() += 1;
            let nth = seen.count(verb);
            (self.script)(Event { verb, line, nth, connection: self.connection })
        };
        let (text, goes_on) = match act {
            Act::Say(text) => (text + "\r\n", true),
            Act::SayAfter(delay, text) => {
                sleep(delay).await;
                (text + "\r\n", true)
            }
            Act::Raw(text) => (text, true),
            Act::Trickle(pause, text) => {
                trickle(stream, pause, &text).await?;
                return Ok(Some(text));
            }
            Act::SayAndDrop(text) => (text + "\r\n", false),
            Act::Drop => return Ok(None),
            Act::Hang => {
                // Not for ever: a client that hangs up is noticed.
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return Ok(None);
            }
            Act::SayAndPause(text, pause) => {
                stream.write_all(format!("{text}\r\n").as_bytes()).await?;
                stream.flush().await?;
                sleep(pause).await;
                return Ok(Some(text));
            }
            Act::SayAgain(first, delay, second) => {
                stream.write_all(format!("{first}\r\n").as_bytes()).await?;
                stream.flush().await?;
                sleep(delay).await;
                (second + "\r\n", true)
            }
            Act::SayInContent(text) | Act::SayAndReadOn(text) => {
                stream.write_all(b"354 go\r\n").await?;
                stream.read_exact(&mut [0; 10]).await?;
                stream.write_all(text.as_bytes()).await?;
                let reads_on = matches!(act, Act::SayAndReadOn(_));
                return Ok(reads_on.then(|| "354 go".to_owned()));
            }
        };
        if !self.is_forgetful {
            self.seen.lock().unwrap().lines.push(format!("{}> {text}", self.connection));
        }
        stream.write_all(text.as_bytes()).await?;
        stream.flush().await?;
        Ok(goes_on.then_some(text))
    }
}

async fn trickle<S>(stream: &mut BufReader<S>, pause: Duration, text: &str) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for octet in format!("{text}\r\n").bytes() {
        sleep(pause).await;
        stream.write_all(&[octet]).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// To `<name>@example.org`.
pub(super) fn to(name: &str) -> Envelope {
    Envelope {
        sender: "bounce@example.com".parse().unwrap(),
        recipient: format!("{name}@example.org").parse().unwrap(),
    }
}

/// A mark that is made at once.
pub(super) fn marked() -> Ready<Result<(), Infallible>> {
    ready(Ok(()))
}

pub(super) const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nGood morning.\r\n";
