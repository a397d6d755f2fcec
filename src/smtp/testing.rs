//! A relay that does what a test tells it to.
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use crate::domain::{Envelope, Pipelining, Relay, Security, Timeouts};

/// Something that a client did, and the relay is to answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    /// The command's verb; `CONNECT` and `DOT` for what has none.
    pub(super) verb: &'a str,
    /// The whole line; for `DOT`, the content.
    pub(super) line: &'a str,
    /// How many of this verb there were on all connections, this one included.
    pub(super) nth: usize,
}

/// The answer.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// These octets, to which CRLF is added.
    Say(String),
    /// The same, later.
    SayAfter(Duration, String),
    /// Exactly these octets.
    Raw(String),
    /// Nothing, for ever.
    Hang,
    /// Hangs up.
    Drop,
    /// Says something, and hangs up.
    SayAndDrop(String),
    /// Says the first at once, and the second unasked when that time has gone.
    SayAgain(String, Duration, String),
    /// Says 354, reads ten octets of content, says this and hangs up.
    SayInContent(&'static str),
    /// The same, but reads on to the dot.
    SayAndReadOn(&'static str),
}

pub(super) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// What a relay without faults does.
pub(super) fn good(event: Event<'_>) -> Act {
    say(match event.verb {
        "CONNECT" => "220 relay.example.org ESMTP",
        "EHLO" => "250-relay.example.org\r\n250-SIZE 10000000\r\n250 8BITMIME",
        "STARTTLS" => "220 go ahead",
        "AUTH" => "235 2.7.0 welcome",
        "DATA" => "354 go",
        "DOT" => return Act::Say(format!("250 2.0.0 queued as {}", event.nth)),
        "QUIT" => return Act::SayAndDrop("221 bye".to_owned()),
        _ => "250 2.1.0 ok",
    })
}

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

/// A certificate, and the relay's side of TLS.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) pem: String,
    acceptor: TlsAcceptor,
}

impl Identity {
    /// Signed by nobody but itself, for `name`.
    pub(super) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self { pem: made.cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

/// A relay on a port of its own, for as long as the test's runtime lives.
pub(super) struct Server {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// A relay that answers as `script` says.
    pub(super) async fn start(script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(Arc::new(script), None, false).await
    }

    /// The same, with TLS after STARTTLS.
    pub(super) async fn with_starttls(
        identity: &Identity,
        script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Arc::new(script), Some(identity.acceptor.clone()), false).await
    }

    /// The same, with TLS from the first octet.
    pub(super) async fn with_tls(
        identity: &Identity,
        script: impl Fn(Event<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Arc::new(script), Some(identity.acceptor.clone()), true).await
    }

    async fn listen(script: Arc<Script>, tls: Option<TlsAcceptor>, is_implicit: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let session = Session { script, tls, seen: Arc::clone(&seen), connection: 0 };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut session = session.clone();
                session.connection = session.arrive();
                tokio::spawn(async move {
                    let _ = session.run(stream, is_implicit).await;
                    session.seen.lock().unwrap().open.remove(&session.connection);
                });
            }
        });
        Self { port, seen }
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
}

impl Session {
    fn arrive(&self) -> usize {
        let mut seen = self.seen.lock().unwrap();
        seen.connections += 1;
        let number = seen.connections;
        seen.open.insert(number);
        seen.most_open = seen.most_open.max(seen.open.len());
        number
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
        self.seen.lock().unwrap().contents.push(content.clone());
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
            seen.lines.push(format!("{}: {logged}", self.connection));
            if verb == "QUIT" {
                // Not when it is over: the client may open its next one when it reads our answer.
                seen.open.remove(&self.connection);
            }
            *seen.counts.entry(verb.to_owned()).or_default() += 1;
            let nth = seen.count(verb);
            (self.script)(Event { verb, line, nth })
        };
        let (text, goes_on) = match act {
            Act::Say(text) => (text + "\r\n", true),
            Act::SayAfter(delay, text) => {
                sleep(delay).await;
                (text + "\r\n", true)
            }
            Act::Raw(text) => (text, true),
            Act::SayAndDrop(text) => (text + "\r\n", false),
            Act::Drop => return Ok(None),
            Act::Hang => {
                // Not for ever: a client that hangs up is noticed.
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return Ok(None);
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
        self.seen.lock().unwrap().lines.push(format!("{}> {text}", self.connection));
        stream.write_all(text.as_bytes()).await?;
        stream.flush().await?;
        Ok(goes_on.then_some(text))
    }
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
