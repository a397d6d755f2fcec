//! One message over one open session.
use std::{collections::BTreeMap, fmt, future::Future, ops::RangeInclusive, time::Duration};

use lettre::transport::smtp::commands::{Noop, Quit, Rset};
use tokio::time::{Instant, timeout};

use super::{
    abilities::Abilities,
    parcel::{DOT, Introduction, Parcel},
    refusal,
    reply::Heard,
    wire::{Saying, Wire},
};
use crate::domain::{Outcome, Phase, Pipelining, Timeouts, one_line};

/// A relay that is slow to say goodbye does not hold up anybody's mail.
const QUIT_PATIENCE: Duration = Duration::from_secs(5);
/// Characters of an error from outside that are kept.
const MAX_CAUSE: usize = 300;

/// One open session with a relay, always between two messages.
///
/// Sending consumes it and gives it back only where the next message may begin, so that a future
/// which is dropped half-way takes the connection with it.
pub struct Connection {
    pub(super) wire: Wire,
    /// What the last EHLO offered.
    pub(super) abilities: Abilities,
    /// What the relay's settings allow; see [`Connection::depth`].
    pub(super) pipelining: Pipelining,
    pub(super) timeouts: Timeouts,
    /// Messages that it may still carry.
    pub(super) messages_left: u32,
    /// Messages that it has carried in each lane.
    pub(super) carried: BTreeMap<u32, u32>,
    pub(super) opened: Instant,
    /// The age at which it carries no more.
    pub(super) max_age: Duration,
    /// The message that was announced behind the last one, and whose answers have not been heard.
    pub(super) announced: Option<Introduction>,
}

/// Why the relay gave no leave to send content.
struct Unwelcome {
    outcome: Outcome,
    /// What has to be said before another message, unless the session is over.
    remedy: Option<Remedy>,
}

/// What ends a transaction that was refused.
#[derive(Clone, Copy)]
enum Remedy {
    Reset,
    /// The relay refused the recipient and waits for content nevertheless: it is given none, which
    /// RFC 2920 section 3.1 provides for.
    EmptyContent,
}

impl Connection {
    /// Sends one message, and gives the connection back if another message may follow.
    ///
    /// `before_content` runs when the relay has answered 354 and before the first octet of the
    /// message leaves; it is not polled before, and if it fails the message is not sent.
    ///
    /// `upcoming` is announced behind this message where [`Pipelining::Deep`] is in force. The next
    /// `send` must be for it then: another message is not sent, and the connection is closed.
    pub async fn send<F, E>(
        mut self,
        parcel: Parcel<'_>,
        before_content: F,
        upcoming: Option<Parcel<'_>>,
    ) -> (Outcome, Option<Self>)
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        if !self.is_free_for(&parcel) {
            let cause = "the connection was promised to another message".to_owned();
            return (Outcome::NotSent { phase: Phase::Mail, cause }, None);
        }
        if let Some(refusal) = refusal::of_parcel(&parcel, &self.abilities) {
            return (refusal, Some(self));
        }
        self.count(&parcel);
        let was_announced = self.has_announced();
        if let Err(Unwelcome { outcome, remedy }) = self.introduce(&parcel).await {
            let connection = match remedy {
                Some(remedy) => self.recover(remedy, upcoming).await,
                None => None,
            };
            let is_believed = !was_announced || connection.is_some();
            return (if is_believed { outcome } else { out_of_step(outcome) }, connection);
        }
        if let Err(error) = before_content.await {
            let cause =
                format!("not marked as being sent: {}", one_line(&error.to_string(), MAX_CAUSE));
            return (Outcome::NotSent { phase: Phase::Data, cause }, None);
        }
        let outcome = self.content(&parcel, upcoming).await;
        // What follows the answer is asked for only if a message was announced.
        let is_in_step =
            self.wire.is_answer_due() && (self.has_announced() || self.wire.is_quiet());
        let may_go_on = leaves_session_open(&outcome) && is_in_step;
        (outcome, may_go_on.then_some(self))
    }

    /// Says goodbye, with little patience for the answer. A relay that waits for an announced message
    /// is hung up on, since it would take the goodbye for content.
    pub async fn quit(mut self) {
        if !self.has_announced() {
            let goodbye = self.ask(Phase::Mail, Saying::new(Quit.to_string()));
            let _ = timeout(QUIT_PATIENCE, goodbye).await;
        }
    }

    /// Whether it has carried as many messages, or has lived as long, as the relay's settings allow.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.messages_left == 0 || self.opened.elapsed() >= self.max_age
    }

    /// Whether it may carry `parcel`: no limit is reached, and no other message was announced.
    #[must_use]
    pub fn may_carry(&self, parcel: &Parcel<'_>) -> bool {
        if self.has_announced() { self.is_free_for(parcel) } else { self.has_room_for(parcel) }
    }

    /// Whether a message was announced that has not been sent.
    #[must_use]
    pub fn has_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// Gives the connection back if the relay is still there.
    pub(super) async fn probe(mut self) -> Option<Self> {
        self.step(Phase::Mail, Saying::new(Noop.to_string()), 250..=250)
            .await
            .is_ok()
            .then_some(self)
    }

    /// Whether no message was announced, or this one.
    fn is_free_for(&self, parcel: &Parcel<'_>) -> bool {
        let announced = self.announced.as_ref();
        announced.is_none_or(|announced| *announced == parcel.introduction(&self.abilities))
    }

    fn has_room_for(&self, parcel: &Parcel<'_>) -> bool {
        let carried = self.carried.get(&parcel.lane.key).copied().unwrap_or_default();
        let limit = parcel.lane.messages_per_connection;
        !self.is_spent() && limit.is_none_or(|limit| carried < limit)
    }

    fn count(&mut self, parcel: &Parcel<'_>) {
        self.messages_left = self.messages_left.saturating_sub(1);
        *self.carried.entry(parcel.lane.key).or_default() += 1;
    }

    /// How much is said at once.
    fn depth(&self) -> Pipelining {
        if self.abilities.pipelining { self.pipelining } else { Pipelining::Off }
    }

    /// MAIL, RCPT and DATA, and the answers to them.
    async fn introduce(&mut self, parcel: &Parcel<'_>) -> Result<(), Unwelcome> {
        let is_announced = self.announced.take().is_some();
        let is_step_by_step = self.depth() == Pipelining::Off;
        let introduction = parcel.introduction(&self.abilities);
        let [mail, rcpt, data] = match (is_step_by_step, is_announced) {
            (true, _) => introduction.commands(),
            (false, false) => [introduction.group(), Saying::default(), Saying::default()],
            (false, true) => Default::default(),
        };
        let mut refusal = None;
        for (phase, saying, wanted) in [
            (Phase::Mail, mail, 250..=250),
            // RFC 5321 section 3.4: 251 and 252 take the recipient as well.
            (Phase::Rcpt, rcpt, 250..=252),
            (Phase::Data, data, 354..=354),
        ] {
            let answer = self.step(phase, saying, wanted).await;
            let is_over = answer.as_ref().is_err_and(|outcome| !leaves_session_open(outcome));
            let remedy = match &answer {
                Err(_) if is_over => None,
                Ok(_) if phase == Phase::Data => Some(Remedy::EmptyContent),
                _ => Some(Remedy::Reset),
            };
            if let Err(outcome) = answer {
                refusal.get_or_insert(outcome);
            }
            let is_answered = is_over || is_step_by_step || phase == Phase::Data;
            if is_answered && let Some(outcome) = refusal.take() {
                return Err(Unwelcome { outcome, remedy });
            }
        }
        Ok(())
    }

    /// The message and its dot, and behind them what announces the next message.
    async fn content(&mut self, parcel: &Parcel<'_>, upcoming: Option<Parcel<'_>>) -> Outcome {
        let content = parcel.content();
        let without_dot = content.len() - DOT.len();
        let saying = self.announce(Saying::new(content), upcoming);
        let phase = Phase::Content;
        match self.ask(phase, saying).await {
            Ok(heard) if heard.reply.code == 250 => Outcome::Accepted { text: heard.reply.text },
            Ok(heard) if heard.reply.code >= 400 => Outcome::Rejected { phase, reply: heard.reply },
            Ok(heard) => {
                let code = heard.reply.code;
                Outcome::InDoubt { cause: format!("the relay answered {code} to the message") }
            }
            Err(cause) if self.wire.left() > without_dot => Outcome::InDoubt { cause },
            // Without its dot the relay must forget the message (RFC 5321 section 4.1.1.4).
            Err(cause) => match self.wire.overhear() {
                Some(heard) if heard.reply.code >= 400 => {
                    Outcome::Rejected { phase, reply: heard.reply }
                }
                overheard => Outcome::NotSent { phase, cause: said_unasked(overheard, cause) },
            },
        }
    }

    /// Ends a transaction that was refused, and announces the next message behind it.
    async fn recover(mut self, remedy: Remedy, upcoming: Option<Parcel<'_>>) -> Option<Self> {
        let (phase, said) = match remedy {
            Remedy::Reset => (Phase::Mail, Saying::new(Rset.to_string())),
            Remedy::EmptyContent => (Phase::Content, Saying::new(DOT)),
        };
        let saying = self.announce(said, upcoming);
        let code = self.ask(phase, saying).await.ok()?.reply.code;
        let is_over = match remedy {
            Remedy::Reset => code != 250,
            // A relay that took nobody may take nothing for nobody; either answer is to no message.
            Remedy::EmptyContent => code == 421 || (code != 250 && code < 400),
        };
        (!is_over).then_some(self)
    }

    /// `saying` with the introduction of `upcoming` behind it, if that may leave already.
    fn announce(&mut self, saying: Saying, upcoming: Option<Parcel<'_>>) -> Saying {
        let may_be_announced = |parcel: &Parcel<'_>| {
            self.depth() == Pipelining::Deep
                && self.has_room_for(parcel)
                && refusal::of_parcel(parcel, &self.abilities).is_none()
        };
        let Some(upcoming) = upcoming.filter(may_be_announced) else { return saying };
        let introduction = upcoming.introduction(&self.abilities);
        let saying = saying.before(&introduction.group());
        self.announced = Some(introduction);
        saying
    }

    /// Says something and wants one of these codes for an answer.
    pub(super) async fn step(
        &mut self,
        phase: Phase,
        saying: Saying,
        wanted: RangeInclusive<u16>,
    ) -> Result<Heard, Outcome> {
        match self.ask(phase, saying).await {
            Ok(heard) => accept(phase, heard, wanted),
            Err(cause) => {
                let cause = said_unasked(self.wire.overhear(), cause);
                Err(Outcome::NotSent { phase, cause })
            }
        }
    }

    /// Says something and brings the answer, whatever it is, or why there is none. Both together take
    /// as long as `phase` allows.
    async fn ask(&mut self, phase: Phase, saying: Saying) -> Result<Heard, String> {
        let patience = patience(&self.timeouts, phase);
        let spoken = timeout(patience, async {
            self.wire.say(saying).await?;
            self.wire.hear().await
        });
        match spoken.await {
            Ok(Ok(heard)) => Ok(heard),
            Ok(Err(error)) => Err(one_line(&error.to_string(), MAX_CAUSE)),
            Err(_) => Err(format!("no answer within {patience:?}")),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("wire", &self.wire).finish_non_exhaustive()
    }
}

/// `heard` if its code is one of `wanted`.
fn accept(phase: Phase, heard: Heard, wanted: RangeInclusive<u16>) -> Result<Heard, Outcome> {
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

/// What the relay said when it was not its turn explains more than that there is no answer.
fn said_unasked(overheard: Option<Heard>, cause: String) -> String {
    match overheard {
        Some(Heard { reply, .. }) => {
            let said = format!("the relay said {} unasked: {}", reply.code, reply.text);
            one_line(&said, MAX_CAUSE)
        }
        None => cause,
    }
}

/// What is known of an announced message if the session ended with its refusal. There was no silence
/// to check before it was introduced, so one answer too many to the message before would look like
/// a refusal of this one; only a session that goes on proves that the answers were counted rightly.
fn out_of_step(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Rejected { phase, reply } if reply.code != 421 => {
            let cause = format!("the relay said {} and was out of step afterwards", reply.code);
            Outcome::NotSent { phase, cause }
        }
        outcome => outcome,
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
