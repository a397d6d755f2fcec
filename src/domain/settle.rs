//! What becomes of a mail after an attempt.
use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, OutreachId, OutreachState, Phase, Refusal, Suppression, next_attempt};

/// What follows from an [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The state that the mail enters.
    pub to: OutreachState,
    /// When it is tried again, if it is.
    pub next_at: Option<DateTime<Utc>>,
    /// Why its address is never written to again, if that is so.
    pub suppress: Option<Suppression>,
    /// Whether the relay, and not this mail, is in trouble, so that further mails would fail alike.
    pub relay_in_trouble: bool,
}

impl Settlement {
    /// How long a mail waits when it was the relay's or our own fault.
    pub const RELAY_PAUSE: TimeDelta = TimeDelta::minutes(5);

    /// Judges how the `attempt`th (1, 2, …) attempt at `outreach` ended at `now`. A mail that would
    /// have to wait until after `not_after` is given up.
    #[must_use]
    pub fn of(
        outcome: &Outcome,
        outreach: OutreachId,
        attempt: u32,
        now: DateTime<Utc>,
        not_after: DateTime<Utc>,
    ) -> Self {
        let settled = |to| Self { to, next_at: None, suppress: None, relay_in_trouble: false };
        let again = |next_at: Option<DateTime<Utc>>| match next_at.filter(|at| *at <= not_after) {
            Some(at) => Self { next_at: Some(at), ..settled(OutreachState::Ready) },
            None => settled(OutreachState::Failed),
        };
        match outcome {
            Outcome::Accepted { .. } => settled(OutreachState::Sent),
            Outcome::InDoubt { .. } => settled(OutreachState::InDoubt),
            Outcome::NotSent { phase: Phase::Compose, .. } => settled(OutreachState::Failed),
            Outcome::NotSent { phase, .. } => Self {
                relay_in_trouble: *phase < Phase::Mail,
                ..again(next_attempt(outreach, attempt, now, not_after))
            },
            Outcome::Rejected { phase, reply } => match Refusal::of(*phase, reply) {
                Refusal::NoSuchAddress => Self {
                    suppress: Some(Suppression::NoSuchAddress),
                    ..settled(OutreachState::Failed)
                },
                Refusal::Message => settled(OutreachState::Failed),
                Refusal::Later => Self {
                    relay_in_trouble: *phase < Phase::Mail,
                    ..again(next_attempt(outreach, attempt, now, not_after))
                },
                Refusal::Us => {
                    Self { relay_in_trouble: true, ..again(Some(now + Self::RELAY_PAUSE)) }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EnhancedStatus, Reply};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn settle(outcome: &Outcome) -> Settlement {
        let (now, not_after) = (at("2026-09-25T09:00:00Z"), at("2026-09-25T15:00:00Z"));
        Settlement::of(outcome, OutreachId(1), 1, now, not_after)
    }

    fn rejected(phase: Phase, code: u16, status: (u8, u16, u16)) -> Outcome {
        let enhanced =
            Some(EnhancedStatus { class: status.0, subject: status.1, detail: status.2 });
        Outcome::Rejected { phase, reply: Reply { code, enhanced, text: String::new() } }
    }

    #[test]
    fn an_unknown_mailbox_fails_the_mail_and_suppresses_the_address() {
        let settlement = settle(&rejected(Phase::Rcpt, 550, (5, 1, 1)));
        assert_eq!(settlement.to, OutreachState::Failed);
        assert_eq!(settlement.suppress, Some(Suppression::NoSuchAddress));
    }

    #[test]
    fn a_relay_that_cannot_be_reached_costs_the_mail_nothing_but_time() {
        let cause = "connection refused".to_owned();
        let settlement = settle(&Outcome::NotSent { phase: Phase::Connect, cause });
        assert_eq!(settlement.to, OutreachState::Ready);
        assert!(settlement.next_at.is_some() && settlement.relay_in_trouble);
    }

    #[test]
    fn a_wrong_password_stops_the_relay_and_touches_no_contact() {
        let settlement = settle(&rejected(Phase::Auth, 535, (5, 7, 8)));
        assert!(settlement.relay_in_trouble);
        assert_eq!((settlement.to, settlement.suppress), (OutreachState::Ready, None));
    }

    #[test]
    fn what_may_have_arrived_is_never_sent_again_by_itself() {
        let settlement = settle(&Outcome::InDoubt { cause: "connection closed".into() });
        assert_eq!((settlement.to, settlement.next_at), (OutreachState::InDoubt, None));
    }

    #[test]
    fn a_mail_that_would_come_too_late_is_given_up() {
        let outcome = rejected(Phase::Rcpt, 450, (4, 2, 0));
        let now = at("2026-09-25T14:59:00Z");
        let late = Settlement::of(&outcome, OutreachId(1), 1, now, at("2026-09-25T15:00:00Z"));
        assert_eq!(late.to, OutreachState::Failed);
    }
}
