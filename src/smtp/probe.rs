//! Looks at a relay without sending anything, for `doctor`.
use std::time::Duration;

use lettre::transport::smtp::commands::Starttls;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    connection::Connection,
    reply::{self, Heard},
    tls,
};
use crate::domain::{Outcome, Phase, Relay, Security, doctor::RelayOffers, one_line};

/// Characters of a banner that are kept.
const MAX_BANNER: usize = 120;

/// What a relay shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// How it greets.
    pub banner: String,
    /// Its certificate in DER, if the connection has one.
    pub certificate: Option<Vec<u8>>,
    /// What it offers to those whom it let in.
    pub offers: RelayOffers,
}

/// Why a relay shows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeError {
    /// Nobody knows whether it is there: its name was not found, or there was no way to it. What
    /// happened, a fragment.
    Unreachable(String),
    /// It is not there, or does not let us in.
    Failed(Outcome),
}

/// Logs in to `relay` as for sending, and leaves; then looks at its certificate.
///
/// Each step takes `patience` at most, whatever the relay's own settings are.
///
/// A banner or a certificate that could not be seen a second time is left out.
///
/// # Errors
///
/// If the relay could not be reached, or what became of the first step that failed.
pub async fn probe(relay: &Relay, patience: Duration) -> Result<Probed, ProbeError> {
    let mut relay = relay.clone();
    relay.timeouts.connect = relay.timeouts.connect.min(patience);
    relay.timeouts.greeting = relay.timeouts.greeting.min(patience);
    let connection = match Connection::open(&relay).await {
        Ok(connection) => connection,
        Err(outcome) => return Err(why(&relay, outcome).await),
    };
    let offers = RelayOffers {
        size: connection.abilities.size,
        pipelining: connection.abilities.pipelining,
        smtp_utf8: connection.abilities.smtp_utf8,
        eight_bit: connection.abilities.eight_bit,
    };
    connection.quit().await;
    let seen = timeout(patience, look(&relay)).await.ok().and_then(Result::ok);
    let (banner, certificate) = seen.unwrap_or_default();
    Ok(Probed { banner, certificate, offers })
}

/// Tells a relay that is not there from one of which nobody knows: a refused connection is an answer.
async fn why(relay: &Relay, outcome: Outcome) -> ProbeError {
    let Outcome::NotSent { phase: Phase::Connect, cause } = &outcome else {
        return ProbeError::Failed(outcome);
    };
    let again = TcpStream::connect((relay.host.as_str(), relay.port));
    match timeout(relay.timeouts.connect, again).await {
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            ProbeError::Failed(outcome)
        }
        _ => ProbeError::Unreachable(cause.clone()),
    }
}

/// The banner and the certificate, on a connection that goes no further.
async fn look(relay: &Relay) -> std::io::Result<(String, Option<Vec<u8>>)> {
    let mut stream = TcpStream::connect((relay.host.as_str(), relay.port)).await?;
    let mut banner = String::new();
    if relay.security != Security::ImplicitTls {
        banner = greeting(&mut stream).await?;
    }
    if relay.security == Security::Plain {
        return Ok((banner, None));
    }
    if relay.security == Security::StartTls {
        stream.write_all(format!("EHLO {}\r\n", relay.hello).as_bytes()).await?;
        hear(&mut stream).await?;
        stream.write_all(Starttls.to_string().as_bytes()).await?;
        hear(&mut stream).await?;
    }
    let refused = |_| std::io::Error::other("the relay's name cannot stand in a certificate");
    let (connector, name) = tls::connector(relay).map_err(refused)?;
    let mut stream = connector.connect(name, stream).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = shown.map(|certificate| certificate.to_vec());
    if relay.security == Security::ImplicitTls {
        banner = greeting(&mut stream).await?;
    }
    Ok((banner, certificate))
}

async fn greeting(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    Ok(one_line(&hear(stream).await?.reply.text, MAX_BANNER))
}

async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Heard> {
    let mut received = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        if let Some(heard) = reply::take(&mut received)? {
            return Ok(heard);
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike as _;

    use super::*;
    use crate::{
        domain::doctor::last_instant,
        smtp::testing::{Act, Event, Identity, Server, good, say},
    };

    const PATIENCE: Duration = Duration::from_secs(5);

    fn with_starttls(event: Event<'_>) -> Act {
        match event.verb {
            "CONNECT" => say("220 relay\u{202e} here"),
            "EHLO" => say("250-x\r\n250-STARTTLS\r\n250-SIZE 10\r\n250 PIPELINING"),
            _ => good(event),
        }
    }

    #[tokio::test]
    async fn a_relay_shows_its_banner_its_certificate_and_its_offers_and_gets_no_mail() {
        let identity = Identity::of("127.0.0.1");
        for security in [Security::StartTls, Security::ImplicitTls] {
            let server = match security {
                Security::StartTls => Server::with_starttls(&identity, with_starttls).await,
                _ => Server::with_tls(&identity, with_starttls).await,
            };
            let extra_authority_pem = Some(identity.pem.clone());
            let relay = Relay { security, extra_authority_pem, ..server.relay() };
            let Probed { banner, certificate, offers } = probe(&relay, PATIENCE).await.unwrap();
            assert_eq!(banner, "relay here");
            assert_eq!(last_instant(&certificate.unwrap()).unwrap().year(), 4000);
            assert_eq!((offers.size, offers.pipelining), (Some(10), true));
            assert_eq!((server.seen().count("MAIL"), server.seen().count("QUIT")), (0, 1));
        }
    }

    #[tokio::test]
    async fn a_relay_that_says_nothing_is_left_when_patience_ends() {
        let server = Server::start(|_| Act::Hang).await;
        let outcome = probe(&server.relay(), Duration::from_millis(50)).await.unwrap_err();
        let ProbeError::Failed(Outcome::NotSent { phase, .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(phase, Phase::Greeting);
    }

    #[tokio::test]
    async fn a_refused_connection_is_an_answer_and_an_unknown_name_is_none() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let relay = Relay { port, ..Server::start(good).await.relay() };
        let refused = probe(&relay, PATIENCE).await.unwrap_err();
        assert!(matches!(refused, ProbeError::Failed(_)), "{refused:?}");
        let unknown = Relay { host: "nowhere.invalid".to_owned(), ..relay };
        let unknown = probe(&unknown, PATIENCE).await.unwrap_err();
        assert!(matches!(unknown, ProbeError::Unreachable(_)), "{unknown:?}");
    }
}
