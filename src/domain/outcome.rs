//! What became of one attempt to hand a message to a relay.
use std::fmt;

/// The step of an SMTP session (RFC 5321 section 3) in which something happened.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Making the message, before any connection.
    Compose,
    /// Name look-up and TCP connection.
    Connect,
    /// The relay's banner and our EHLO.
    Greeting,
    /// STARTTLS or the handshake of an implicit TLS connection.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to and including its 354.
    Data,
    /// The message and the dot that ends it.
    Content,
}

/// What a relay said: untrusted text behind two numbers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reply {
    /// The reply code, `200..=599`.
    pub code: u16,
    /// The enhanced status (RFC 3463) if the text begins with one.
    pub enhanced: Option<EnhancedStatus>,
    /// The text without the codes, lines joined by a space, controls removed, at most 4 kB.
    pub text: String,
}

/// As the relay wrote it, in one line: `550 5.1.1 no such user`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.code)?;
        if let Some(status) = self.enhanced {
            write!(f, "{status} ")?;
        }
        f.write_str(&self.text)
    }
}

/// An enhanced mail system status code, RFC 3463.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct EnhancedStatus {
    /// 2 success, 4 for now, 5 for good.
    pub class: u8,
    /// What the status is about: 1 address, 2 mailbox, 7 policy…
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

/// How one attempt ended. Every attempt ends in exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The relay answered 250 to the dot: it has taken responsibility.
    Accepted {
        /// What it said, often its queue id.
        text: String,
    },
    /// The relay said no, so it certainly does not have the message.
    Rejected {
        /// When it said so.
        phase: Phase,
        /// What it said.
        reply: Reply,
    },
    /// No content byte left, so the relay certainly does not have the message.
    NotSent {
        /// How far the session came.
        phase: Phase,
        /// What went wrong, one lower-case fragment.
        cause: String,
    },
    /// Content left and no answer to it arrived: nobody on this side can know (RFC 1047).
    InDoubt {
        /// What was seen last, one lower-case fragment.
        cause: String,
    },
}

impl Phase {
    /// Every phase, in the order of time.
    pub const ALL: [Self; 9] = [
        Self::Compose,
        Self::Connect,
        Self::Greeting,
        Self::Tls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Content,
    ];

    /// The name under which attempts are recorded.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Content => "content",
        }
    }

    /// The phase of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }
}

impl EnhancedStatus {
    /// Reads `5.1.1` at the very beginning of a reply's text, with what follows it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::EnhancedStatus;
    /// let (status, rest) = EnhancedStatus::split("5.1.1 no such user").unwrap();
    /// assert_eq!((status.class, status.subject, status.detail, rest), (5, 1, 1, "no such user"));
    /// assert_eq!(EnhancedStatus::split("10.0.0.1 is blocked"), None);
    /// ```
    #[must_use]
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let mut numbers = word.splitn(3, '.');
        let class: u8 = numbers.next()?.parse().ok()?;
        let subject = numbers.next()?.parse().ok()?;
        let detail = numbers.next()?.parse().ok()?;
        matches!(class, 2 | 4 | 5).then_some((Self { class, subject, detail }, rest.trim_start()))
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}
