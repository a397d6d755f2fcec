//! From a relay's settings to an open session: TCP, TLS, EHLO and AUTH.
use std::{collections::BTreeMap, net::IpAddr};

use lettre::transport::smtp::{
    authentication::{Credentials as Shown, Mechanism},
    commands::{Auth, Ehlo, Starttls},
    extension::ClientId,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    abilities::Abilities,
    connection::{Connection, patience},
    tls,
    wire::{Saying, Wire},
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
        Self::begin(connect(relay).await?, relay).await
    }

    /// The same over a stream that is there.
    pub(super) async fn begin(wire: Wire, relay: &Relay) -> Result<Self, Outcome> {
        let ehlo = Ehlo::new(client_id(&relay.hello)?).to_string();
        let mut connection = Self {
            wire,
            abilities: Abilities::default(),
            pipelining: relay.pipelining,
            timeouts: relay.timeouts,
            messages_left: relay.messages_per_connection.max(1),
            carried: BTreeMap::new(),
            opened: Instant::now(),
            max_age: relay.max_connection_age,
            announced: None,
        };
        if relay.security == Security::ImplicitTls {
            connection.encrypt(relay).await?;
        }
        connection.step(Phase::Greeting, Saying::default(), 220..=220).await?;
        connection.greet(&ehlo).await?;
        if relay.security == Security::StartTls {
            connection.start_tls(relay, &ehlo).await?;
        }
        if let Some(credentials) = &relay.credentials {
            if relay.security == Security::Plain && !connection.wire.is_local() {
                return Err(not_sent(Phase::Auth, "credentials are shown over TLS only"));
            }
            connection.authenticate(credentials).await?;
        }
        Ok(connection)
    }

    async fn greet(&mut self, ehlo: &str) -> Result<(), Outcome> {
        let heard = self.step(Phase::Greeting, Saying::new(ehlo), 250..=250).await?;
        self.abilities = Abilities::read(&heard);
        Ok(())
    }

    /// STARTTLS. What was offered before it may have been forged, so EHLO is said again.
    async fn start_tls(&mut self, relay: &Relay, ehlo: &str) -> Result<(), Outcome> {
        if !self.abilities.starttls {
            return Err(not_sent(Phase::Tls, "the relay does not offer STARTTLS"));
        }
        self.step(Phase::Tls, Saying::new(Starttls.to_string()), 220..=220).await?;
        self.encrypt(relay).await?;
        self.greet(ehlo).await
    }

    async fn encrypt(&mut self, relay: &Relay) -> Result<(), Outcome> {
        let (connector, name) = tls::connector(relay)?;
        let patience = patience(&relay.timeouts, Phase::Tls);
        match timeout(patience, self.wire.encrypt(connector, name)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(not_sent(Phase::Tls, &error.to_string())),
            Err(_) => Err(not_sent(Phase::Tls, &format!("no TLS within {patience:?}"))),
        }
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
            let answer = self.step(Phase::Auth, Saying::new(line), wanted..=wanted).await;
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
    // Without this whatever leaves before an answer waits for a delayed ACK, 40 ms a message.
    stream.set_nodelay(true).map_err(failed)?;
    let peer = stream.peer_addr().map_err(failed)?;
    Ok(Wire::new(stream, peer))
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
mod tests;
