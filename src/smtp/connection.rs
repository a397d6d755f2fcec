//! One message over one open session.
use std::{fmt, future::Future, ops::RangeInclusive, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Noop, Quit, Rcpt, Rset},
        extension::{MailBodyParameter, MailParameter},
    },
};
use tokio::time::{Instant, error::Elapsed, timeout};

use super::{abilities::Abilities, refusal, reply::Heard, wire::Wire};
use crate::domain::{EmailAddress, Envelope, Outcome, Phase, Timeouts, one_line};

/// A relay that is slow to say goodbye does not hold up anybody's mail.
const QUIT_PATIENCE: Duration = Duration::from_secs(5);
/// Characters of an error from outside that are kept.
const MAX_CAUSE: usize = 300;

/// One open session with a relay, always between two messages.
///
/// Sending consumes it and gives it back only where the next message may begin, so that a future
/// which is dropped half-way takes the connection with it.
pub struct Connection {
    /// Writes the commands and the content. Boxed, since it has room for a TLS session of its own.
    pub(super) lettre: Box<AsyncSmtpConnection>,
    /// Has the replies.
    pub(super) wire: Wire,
    /// What the last EHLO offered.
    pub(super) abilities: Abilities,
    pub(super) timeouts: Timeouts,
    /// Messages that it may still carry.
    pub(super) messages_left: u32,
    pub(super) opened: Instant,
    /// The age at which it carries no more.
    pub(super) max_age: Duration,
}

impl Connection {
    /// Sends one message, and gives the connection back if another message may follow.
    ///
    /// `before_content` runs when the relay has answered 354 and before the first octet of the
    /// message leaves; it is not polled before, and if it fails the message is not sent. A last line
    /// of `message` without CRLF is given one.
    pub async fn send<F, E>(
        mut self,
        envelope: &Envelope,
        message: &[u8],
        before_content: F,
    ) -> (Outcome, Option<Self>)
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        if let Some(refusal) = refusal::of_message(envelope, message, &self.abilities) {
            return (refusal, Some(self));
        }
        self.messages_left = self.messages_left.saturating_sub(1);
        if let Err(outcome) = self.offer(envelope, message).await {
            let connection = if leaves_session_open(&outcome) { self.reset().await } else { None };
            return (outcome, connection);
        }
        if let Err(error) = before_content.await {
            let cause =
                format!("not marked as being sent: {}", one_line(&error.to_string(), MAX_CAUSE));
            return (Outcome::NotSent { phase: Phase::Data, cause }, None);
        }
        let outcome = self.content(message).await;
        let may_go_on =
            leaves_session_open(&outcome) && self.wire.has_ended_content() && self.wire.is_quiet();
        (outcome, may_go_on.then_some(self))
    }

    /// Says goodbye, with little patience for the answer.
    pub async fn quit(mut self) {
        let _ = timeout(QUIT_PATIENCE, self.ask(Phase::Mail, Quit)).await;
    }

    /// Whether it has carried as many messages, or has lived as long, as the relay's settings allow.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.messages_left == 0 || self.opened.elapsed() >= self.max_age
    }

    /// Gives the connection back if the relay is still there.
    pub(super) async fn probe(mut self) -> Option<Self> {
        self.step(Phase::Mail, Noop, 250..=250).await.is_ok().then_some(self)
    }

    /// Ends a transaction that was refused.
    async fn reset(mut self) -> Option<Self> {
        self.step(Phase::Mail, Rset, 250..=250).await.is_ok().then_some(self)
    }

    /// MAIL, RCPT and DATA.
    async fn offer(&mut self, envelope: &Envelope, message: &[u8]) -> Result<(), Outcome> {
        let mut parameters = Vec::new();
        if self.abilities.size.is_some() {
            parameters.push(MailParameter::Size(message.len()));
        }
        if !message.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if !envelope.sender.as_str().is_ascii() || !envelope.recipient.as_str().is_ascii() {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(path(&envelope.sender)), parameters);
        self.step(Phase::Mail, mail, 250..=250).await?;
        let rcpt = Rcpt::new(path(&envelope.recipient), Vec::new());
        // RFC 5321 section 3.4: 251 and 252 take the recipient as well.
        self.step(Phase::Rcpt, rcpt, 250..=252).await?;
        self.step(Phase::Data, Data, 354..=354).await?;
        Ok(())
    }

    /// The message and its dot.
    async fn content(&mut self, message: &[u8]) -> Outcome {
        // lettre ends the last line itself; a message that ends in CRLF would grow an empty line.
        let message = message.strip_suffix(b"\r\n").unwrap_or(message);
        self.wire.begin_content();
        let spoken = timeout(self.timeouts.content, self.lettre.message(message)).await;
        let phase = Phase::Content;
        if !self.wire.has_ended_content() {
            // Without its dot the relay must forget the message (RFC 5321 section 4.1.1.4).
            return match self.wire.overhear() {
                Some(heard) if heard.reply.code >= 400 => {
                    Outcome::Rejected { phase, reply: heard.reply }
                }
                heard => {
                    Outcome::NotSent { phase, cause: cause(spoken, heard, self.timeouts.content) }
                }
            };
        }
        match self.wire.take_heard().pop() {
            Some(heard) if heard.reply.code == 250 => Outcome::Accepted { text: heard.reply.text },
            Some(heard) if heard.reply.code >= 400 => {
                Outcome::Rejected { phase, reply: heard.reply }
            }
            Some(heard) => {
                let code = heard.reply.code;
                Outcome::InDoubt { cause: format!("the relay answered {code} to the message") }
            }
            None => Outcome::InDoubt { cause: cause(spoken, None, self.timeouts.content) },
        }
    }

    /// Says `command` and wants one of these codes for an answer.
    pub(super) async fn step<C: fmt::Display + Send>(
        &mut self,
        phase: Phase,
        command: C,
        wanted: RangeInclusive<u16>,
    ) -> Result<Heard, Outcome> {
        let heard = self.ask(phase, command).await?;
        accept(phase, heard, wanted)
    }

    /// Says `command` and brings the answer, whatever it is.
    async fn ask<C: fmt::Display + Send>(
        &mut self,
        phase: Phase,
        command: C,
    ) -> Result<Heard, Outcome> {
        let patience = patience(&self.timeouts, phase);
        let spoken = timeout(patience, self.lettre.command(command)).await;
        let Some(heard) = self.wire.take_heard().pop() else {
            let cause = cause(spoken, self.wire.overhear(), patience);
            return Err(Outcome::NotSent { phase, cause });
        };
        Ok(heard)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("wire", &self.wire).finish_non_exhaustive()
    }
}

/// `heard` if its code is one of `wanted`.
pub(super) fn accept(
    phase: Phase,
    heard: Heard,
    wanted: RangeInclusive<u16>,
) -> Result<Heard, Outcome> {
    match heard.reply.code {
        code if wanted.contains(&code) => Ok(heard),
        400.. => Err(Outcome::Rejected { phase, reply: heard.reply }),
        code => {
            let cause = format!("the relay answered {code}, which makes no sense there");
            Err(Outcome::NotSent { phase, cause })
        }
    }
}

/// How long to wait for what happens in `phase`.
pub(super) const fn patience(timeouts: &Timeouts, phase: Phase) -> Duration {
    match phase {
        Phase::Compose | Phase::Connect => timeouts.connect,
        Phase::Greeting | Phase::Tls | Phase::Auth => timeouts.greeting,
        Phase::Mail | Phase::Rcpt => timeouts.envelope,
        Phase::Data => timeouts.data,
        Phase::Content => timeouts.content,
    }
}

/// Why there is no answer, in one lower-case fragment.
pub(super) fn cause<T>(
    spoken: Result<Result<T, Error>, Elapsed>,
    overheard: Option<Heard>,
    patience: Duration,
) -> String {
    if let Some(Heard { reply, .. }) = overheard {
        let said = format!("the relay said {} unasked: {}", reply.code, reply.text);
        return one_line(&said, MAX_CAUSE);
    }
    match spoken {
        Err(_) => format!("no answer within {patience:?}"),
        Ok(Ok(_)) => "the answer got lost".to_owned(),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            one_line(&source.unwrap_or_else(|| error.to_string()), MAX_CAUSE)
        }
    }
}

/// 421 closes the session in every phase, RFC 5321 section 3.8; so does whatever is not understood.
fn leaves_session_open(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted { .. } => true,
        Outcome::Rejected { reply, .. } => reply.code != 421,
        Outcome::NotSent { .. } | Outcome::InDoubt { .. } => false,
    }
}

fn path(address: &EmailAddress) -> Address {
    Address::new(address.local(), address.domain())
        .expect("an `EmailAddress` passed this very check when it was made")
}
