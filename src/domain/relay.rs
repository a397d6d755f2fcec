//! Where mail leaves: the settings of one relay, and the envelope of one message.
use std::{fmt, time::Duration};

use super::{EmailAddress, Rate, WarmUp};

/// A string that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `value`.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a connection to a relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain connection, then STARTTLS, which the relay must offer and prove with a valid
    /// certificate (RFC 3207). The default.
    StartTls,
    /// TLS from the first byte (RFC 8314), usually port 465.
    ImplicitTls,
    /// No TLS. Configuration allows it for loopback, or when it is asked for in so many words.
    Plain,
}

/// Name and password for AUTH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// How much is said to a relay before its answers are waited for.
///
/// It is used as far as the relay offers PIPELINING (RFC 2920), and in every depth no octet of a
/// message leaves before its durable mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pipelining {
    /// One command, one answer: four round trips a message. What every relay understands.
    #[default]
    Off,
    /// MAIL, RCPT and DATA together, and the content when they are answered: two round trips.
    Rfc2920,
    /// MAIL, RCPT and DATA of the next message leave behind the content of this one, which may open
    /// a group of commands (RFC 2920 section 3.1): one round trip.
    Deep,
}

/// How long to wait in each phase. RFC 5321 section 4.5.3.2 gives minima for servers that talk to
/// the whole internet; these are for a submission relay, except the dot, where a short wait makes
/// duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connection.
    pub connect: Duration,
    /// Banner, EHLO, TLS and AUTH, each.
    pub greeting: Duration,
    /// MAIL and RCPT, each; RSET, NOOP and QUIT as well.
    pub envelope: Duration,
    /// DATA until 354.
    pub data: Duration,
    /// The whole content and the reply to its dot.
    pub content: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_mins(1),
            envelope: Duration::from_mins(1),
            data: Duration::from_mins(2),
            content: Duration::from_mins(10),
        }
    }
}

/// One relay, ready to be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The name that the configuration gives it.
    pub name: String,
    /// Its share of the mail besides the other relays, `1..=1000`.
    pub weight: u32,
    /// The most mails in a time; all of them hold.
    pub rates: Vec<Rate>,
    /// How the most mails of a day grow while the relay is new, if they do.
    pub warm_up: Option<WarmUp>,
    /// Whether each mail provider has limits of its own at this relay, which is of use where the
    /// relay delivers to the recipients' servers while we wait, and hands their answers on.
    pub by_provider: bool,
    /// How many commands go without waiting for an answer.
    pub pipelining: Pipelining,
    /// Messages of one connection that are durably marked as leaving at a time, `1..=64`: as many can be
    /// in doubt on it after a crash.
    pub window: usize,
    /// Host name or address; the name that the certificate must carry.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Who we are to it, if it asks.
    pub credentials: Option<Credentials>,
    /// A certificate authority to trust besides the public ones, PEM.
    pub extra_authority_pem: Option<String>,
    /// The name in our EHLO.
    pub hello: String,
    /// Patience in each phase.
    pub timeouts: Timeouts,
    /// Connections held at the same time, at least 1.
    pub connections: usize,
    /// Messages after which a connection is closed, at least 1.
    pub messages_per_connection: u32,
    /// Age after which a connection is closed; a slow relay attracts connections otherwise.
    pub max_connection_age: Duration,
}

/// Who a message is from and for, as SMTP sees it: one recipient per transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The return path, to which bounces go.
    pub sender: EmailAddress,
    /// The recipient.
    pub recipient: EmailAddress,
}
