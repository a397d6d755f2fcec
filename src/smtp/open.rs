//! From a relay's settings to an open session: TCP, TLS, EHLO and AUTH.
use std::net::IpAddr;

use lettre::transport::smtp::{
    authentication::{Credentials as Shown, Mechanism},
    client::AsyncSmtpConnection,
    commands::{Auth, Ehlo, Starttls},
    extension::ClientId,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    abilities::Abilities,
    connection::{Connection, accept, cause, patience},
    tls,
    wire::Wire,
};
use crate::domain::{
    Credentials, Outcome, Phase, Relay, Security, has_hidden_characters, one_line,
};

impl Connection {
    /// Opens a session: TCP, then TLS and AUTH as far as `relay` asks for them.
    ///
    /// # Errors
    ///
    /// [`Outcome::NotSent`] or [`Outcome::Rejected`] in a phase before [`Phase::Mail`].
    pub async fn open(relay: &Relay) -> Result<Self, Outcome> {
        let hello = client_id(&relay.hello)?;
        let wire = connect(relay).await?;
        if relay.security == Security::ImplicitTls {
            encrypt(&wire, relay).await?;
        }
        let (lettre, abilities) = greet(&wire, relay, &hello).await?;
        let mut connection = Self {
            lettre: Box::new(lettre),
            wire,
            abilities,
            timeouts: relay.timeouts,
            messages_left: relay.messages_per_connection.max(1),
            opened: Instant::now(),
            max_age: relay.max_connection_age,
        };
        if relay.security == Security::StartTls {
            connection.start_tls(relay, hello).await?;
        }
        if let Some(credentials) = &relay.credentials {
            if relay.security == Security::Plain && !connection.wire.is_local() {
                return Err(not_sent(Phase::Auth, "credentials are shown over TLS only"));
            }
            connection.authenticate(credentials).await?;
        }
        Ok(connection)
    }

    /// STARTTLS. What was offered before it may have been forged, so EHLO is said again.
    async fn start_tls(&mut self, relay: &Relay, hello: ClientId) -> Result<(), Outcome> {
        if !self.abilities.starttls {
            return Err(not_sent(Phase::Tls, "the relay does not offer STARTTLS"));
        }
        self.step(Phase::Tls, Starttls, 220..=220).await?;
        encrypt(&self.wire, relay).await?;
        let heard = self.step(Phase::Greeting, Ehlo::new(hello), 250..=250).await?;
        self.abilities = Abilities::read(&heard);
        Ok(())
    }

    /// AUTH. A relay that quotes the credentials in its refusal is not quoted in turn.
    async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Outcome> {
        let password = credentials.password.expose().to_owned();
        let shown = Shown::new(credentials.user.clone(), password.clone());
        let (lines, last) = match self.abilities.auth {
            Some(Mechanism::Plain) => (vec![auth_line(Mechanism::Plain, &shown, None)?], 0),
            Some(_) => {
                let login = |asked| auth_line(Mechanism::Login, &shown, asked);
                (vec![login(None)?, login(Some("Username"))?, login(Some("Password"))?], 2)
            }
            None => return Err(not_sent(Phase::Auth, "the relay offers no AUTH that we know")),
        };
        let secret = lines[last].trim().trim_start_matches("AUTH PLAIN ").to_owned();
        for (place, line) in lines.into_iter().enumerate() {
            let wanted = if place == last { 235 } else { 334 };
            let answer = self.step(Phase::Auth, line, wanted..=wanted).await;
            answer.map_err(|outcome| without(outcome, &[&password, &secret]))?;
        }
        Ok(())
    }
}

fn not_sent(phase: Phase, cause: &str) -> Outcome {
    Outcome::NotSent { phase, cause: one_line(cause, 300) }
}

async fn connect(relay: &Relay) -> Result<Wire, Outcome> {
    let patience = relay.timeouts.connect;
    let connected = timeout(patience, TcpStream::connect((relay.host.as_str(), relay.port))).await;
    let late = |_| not_sent(Phase::Connect, &format!("no connection within {patience:?}"));
    let failed = |error: std::io::Error| not_sent(Phase::Connect, &error.to_string());
    let stream = connected.map_err(late)?.map_err(failed)?;
    // Content and dot are two writes; without this the dot waits for a delayed ACK, 40 ms a message.
    stream.set_nodelay(true).map_err(failed)?;
    let peer = stream.peer_addr().map_err(failed)?;
    Ok(Wire::new(stream, peer))
}

async fn encrypt(wire: &Wire, relay: &Relay) -> Result<(), Outcome> {
    let (connector, name) = tls::connector(relay)?;
    let patience = patience(&relay.timeouts, Phase::Tls);
    match timeout(patience, wire.encrypt(connector, name)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(not_sent(Phase::Tls, &error.to_string())),
        Err(_) => Err(not_sent(Phase::Tls, &format!("no TLS within {patience:?}"))),
    }
}

/// The banner and the answer to our first EHLO, both within one wait.
async fn greet(
    wire: &Wire,
    relay: &Relay,
    hello: &ClientId,
) -> Result<(AsyncSmtpConnection, Abilities), Outcome> {
    let phase = Phase::Greeting;
    let patience = patience(&relay.timeouts, phase);
    let opened = AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), hello);
    let spoken = timeout(patience, opened).await;
    let mut heard = wire.take_heard().into_iter();
    // When EHLO is refused lettre says QUIT, so that there may be a third reply.
    if let Some(banner) = heard.next() {
        accept(phase, banner, 220..=220)?;
    }
    let offered = match heard.next() {
        Some(answer) => Some(accept(phase, answer, 250..=250)?),
        None => None,
    };
    match (spoken, offered) {
        (Ok(Ok(lettre)), Some(offered)) => Ok((lettre, Abilities::read(&offered))),
        (spoken, _) => {
            let cause = cause(spoken, wire.overhear(), patience);
            Err(Outcome::NotSent { phase, cause })
        }
    }
}

/// An address stands in brackets in EHLO, RFC 5321 section 4.1.3.
fn client_id(hello: &str) -> Result<ClientId, Outcome> {
    match hello.parse() {
        Ok(IpAddr::V4(address)) => Ok(ClientId::Ipv4(address)),
        Ok(IpAddr::V6(address)) => Ok(ClientId::Ipv6(address)),
        Err(_) if hello.is_empty() || hello.contains(' ') || has_hidden_characters(hello) => {
            Err(not_sent(Phase::Greeting, "our EHLO name is no host name"))
        }
        Err(_) => Ok(ClientId::Domain(hello.to_owned())),
    }
}

fn auth_line(mechanism: Mechanism, shown: &Shown, asked: Option<&str>) -> Result<String, Outcome> {
    Auth::new(mechanism, shown.clone(), asked.map(ToOwned::to_owned))
        .map(|auth| auth.to_string())
        .map_err(|_| not_sent(Phase::Auth, "the credentials cannot be put into AUTH"))
}

/// `outcome` with every one of `secrets` masked.
fn without(mut outcome: Outcome, secrets: &[&str]) -> Outcome {
    let (Outcome::Accepted { text }
    | Outcome::Rejected { reply: crate::domain::Reply { text, .. }, .. }
    | Outcome::NotSent { cause: text, .. }
    | Outcome::InDoubt { cause: text }) = &mut outcome;
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        *text = text.replace(secret, "***");
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant as Began};

    use super::*;
    use crate::{
        domain::Secret,
        smtp::testing::{Act, Event, Identity, MESSAGE, Server, good, marked, say, to},
    };

    const PASSWORD: &str = "correct horse";
    /// `\0ada\0correct horse` in base64.
    const PLAIN: &str = "AGFkYQBjb3JyZWN0IGhvcnNl";

    fn credentials() -> Credentials {
        let password = Secret::new(PASSWORD.to_owned());
        Credentials { user: "ada".to_owned(), password }
    }

    /// A relay that offers what `good` does, and these.
    fn offering(more: &'static str) -> impl Fn(Event<'_>) -> Act + Send + Sync + 'static {
        move |event| match event.verb {
            "EHLO" => Act::Say(format!("250-relay.example.org\r\n250 {more}")),
            _ => good(event),
        }
    }

    async fn failure(server: &Server) -> Outcome {
        Connection::open(&server.relay()).await.unwrap_err()
    }

    fn phase_of(outcome: &Outcome) -> Phase {
        match outcome {
            Outcome::NotSent { phase, .. } | Outcome::Rejected { phase, .. } => *phase,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_relay_that_is_not_there_is_a_failure_to_connect() {
        let server = Server::start(good).await;
        let mut relay = server.relay();
        relay.port = 1;
        let outcome = Connection::open(&relay).await.unwrap_err();
        assert_eq!(phase_of(&outcome), Phase::Connect);
    }

    #[tokio::test]
    async fn a_banner_or_ehlo_that_refuses_is_a_rejection() {
        for verb in ["CONNECT", "EHLO"] {
            let script = move |event: Event<'_>| {
                if event.verb == verb { say("554 5.7.1 not you") } else { good(event) }
            };
            let outcome = failure(&Server::start(script).await).await;
            let Outcome::Rejected { phase: Phase::Greeting, reply } = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!((reply.code, reply.text.as_str()), (554, "not you"));
        }
    }

    #[tokio::test]
    async fn a_silent_relay_is_given_up_in_time() {
        for act in [Act::Hang, Act::Raw("220 hello\n".to_owned())] {
            let server = Server::start(move |_| act.clone()).await;
            let began = Began::now();
            let relay = server.relay_with_patience(Duration::from_millis(300));
            let outcome = Connection::open(&relay).await.unwrap_err();
            assert_eq!(phase_of(&outcome), Phase::Greeting);
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    }

    #[tokio::test]
    async fn a_banner_may_have_many_lines_and_not_a_megabyte() {
        let script = |event: Event<'_>| match event.verb {
            "CONNECT" => say("220-one\r\n220-two\r\n220 three"),
            _ => good(event),
        };
        Connection::open(&Server::start(script).await.relay()).await.unwrap();
        let server = Server::start(|_| Act::Raw("2".repeat(1_000_000))).await;
        assert_eq!(phase_of(&failure(&server).await), Phase::Greeting);
    }

    #[tokio::test]
    async fn nothing_is_said_in_the_clear_if_starttls_is_not_offered() {
        let server = Server::start(offering("AUTH PLAIN")).await;
        let relay = Relay {
            security: Security::StartTls,
            credentials: Some(credentials()),
            ..server.relay()
        };
        let outcome = Connection::open(&relay).await.unwrap_err();
        let cause = "the relay does not offer STARTTLS".to_owned();
        assert_eq!(outcome, Outcome::NotSent { phase: Phase::Tls, cause });
        let seen = server.seen();
        assert_eq!((seen.count("AUTH"), seen.count("MAIL"), seen.count("STARTTLS")), (0, 0, 0));
    }

    #[tokio::test]
    async fn a_refused_starttls_and_words_before_the_handshake_are_failures_of_tls() {
        let identity = Identity::of("127.0.0.1");
        for answer in ["454 4.7.0 not now", "220 go\r\n250 AUTH PLAIN"] {
            let script = move |event: Event<'_>| match event.verb {
                "STARTTLS" => say(answer),
                _ => offering("STARTTLS")(event),
            };
            let server = Server::with_starttls(&identity, script).await;
            let relay = Relay {
                security: Security::StartTls,
                extra_authority_pem: Some(identity.pem.clone()),
                ..server.relay()
            };
            let outcome = Connection::open(&relay).await.unwrap_err();
            assert_eq!(phase_of(&outcome), Phase::Tls, "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_certificate_must_be_vouched_for_and_carry_the_name() {
        let (right, wrong) = (Identity::of("127.0.0.1"), Identity::of("relay.example.org"));
        for (identity, trusted, opens) in
            [(&right, Some(&right), true), (&right, None, false), (&wrong, Some(&wrong), false)]
        {
            for security in [Security::StartTls, Security::ImplicitTls] {
                let server = match security {
                    Security::StartTls => {
                        Server::with_starttls(identity, offering("STARTTLS")).await
                    }
                    _ => Server::with_tls(identity, good).await,
                };
                let extra_authority_pem = trusted.map(|identity| identity.pem.clone());
                let relay = Relay { security, extra_authority_pem, ..server.relay() };
                match Connection::open(&relay).await {
                    Ok(_) => assert!(opens, "{security:?}"),
                    Err(outcome) => {
                        assert_eq!((phase_of(&outcome), opens), (Phase::Tls, false), "{outcome:?}");
                        assert_eq!(server.seen().count("AUTH"), 0);
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn an_extra_authority_that_is_no_certificate_is_refused() {
        let server = Server::with_tls(&Identity::of("127.0.0.1"), good).await;
        for pem in
            ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let extra_authority_pem = Some(pem.to_owned());
            let security = Security::ImplicitTls;
            let relay = Relay { security, extra_authority_pem, ..server.relay() };
            assert_eq!(phase_of(&Connection::open(&relay).await.unwrap_err()), Phase::Tls, "{pem}");
        }
    }

    #[tokio::test]
    async fn messages_and_credentials_go_through_tls() {
        let identity = Identity::of("127.0.0.1");
        for mechanism in ["PLAIN", "LOGIN"] {
            let script = move |event: Event<'_>| match event.verb {
                "EHLO" => Act::Say(format!("250-relay\r\n250-STARTTLS\r\n250 AUTH {mechanism}")),
                "AUTH" if mechanism == "LOGIN" => say("334 VXNlcm5hbWU6"),
                "YWRH" => say("334 UGFzc3dvcmQ6"),
                "Y29YCMVJDCBOB3JZZQ==" => say("235 2.7.0 welcome"),
                _ => good(event),
            };
            let server = Server::with_starttls(&identity, script).await;
            let relay = Relay {
                security: Security::StartTls,
                credentials: Some(credentials()),
                extra_authority_pem: Some(identity.pem.clone()),
                ..server.relay()
            };
            let connection = Connection::open(&relay).await.unwrap();
            let (outcome, back) = connection.send(&to("ada"), MESSAGE, marked()).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
            back.unwrap().quit().await;
            let seen = server.seen();
            let verbs = ["EHLO", "STARTTLS", "AUTH", "MAIL", "QUIT"].map(|verb| seen.count(verb));
            assert_eq!(verbs, [2, 1, 1, 1, 1], "{mechanism}");
        }
    }

    #[tokio::test]
    async fn a_refusal_that_quotes_the_credentials_is_not_quoted() {
        let script = |event: Event<'_>| match event.verb {
            "AUTH" => Act::Say(format!("535 5.7.8 bad: {} {PASSWORD}", event.line)),
            _ => offering("AUTH LOGIN PLAIN")(event),
        };
        let server = Server::start(script).await;
        let relay = Relay { credentials: Some(credentials()), ..server.relay() };
        let outcome = Connection::open(&relay).await.unwrap_err();
        assert!(server.seen().lines.iter().any(|line| line.contains(PLAIN)));
        let Outcome::Rejected { phase: Phase::Auth, reply } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((reply.code, reply.text.as_str()), (535, "bad: AUTH PLAIN *** ***"));
    }

    #[tokio::test]
    async fn a_relay_without_a_known_auth_is_not_sent_to() {
        let server = Server::start(offering("AUTH GSSAPI")).await;
        let relay = Relay { credentials: Some(credentials()), ..server.relay() };
        let outcome = Connection::open(&relay).await.unwrap_err();
        assert_eq!(phase_of(&outcome), Phase::Auth);
        assert_eq!(server.seen().count("AUTH"), 0);
    }

    #[test]
    fn an_ehlo_name_cannot_smuggle_a_command() {
        for name in ["", "a b", "a\r\nMAIL FROM:<x>"] {
            assert!(client_id(name).is_err(), "{name:?}");
        }
        assert_eq!(client_id("::1").unwrap().to_string(), "[IPv6:::1]");
    }
}
