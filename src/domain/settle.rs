//! What becomes of a mail after an attempt, and what the attempt says besides.
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AddressEffect, MessageEffect, Outcome, OutreachState, Pace, Phase, Refusal, RouteEvent,
    Suppression, Try,
};

/// What follows from an [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The state that the mail enters.
    pub to: OutreachState,
    /// When it is tried again, if it is.
    pub next_at: Option<DateTime<Utc>>,
    /// What the address is in for.
    pub address: AddressEffect,
    /// What to tell the route (`RouteState::note`); `None` if there was no route yet.
    pub route: Option<RouteEvent>,
    /// Why the relay refused, if it did.
    pub refusal: Option<Refusal>,
    /// Whether the fault is the message's own, so that its campaign deserves a look.
    pub content_at_fault: bool,
    /// How far the attempt came, if it did not end with an answer to the message.
    phase: Option<Phase>,
}

impl Settlement {
    /// How long a mail waits when it was the relay's or our own fault.
    pub const RELAY_PAUSE: TimeDelta = TimeDelta::minutes(5);

    /// Judges how `attempt` ended at `now`. A mail that would have to wait for too long is given up.
    #[must_use]
    pub fn of(outcome: &Outcome, attempt: &Try, now: DateTime<Utc>) -> Self {
        match outcome {
            Outcome::Accepted { .. } => {
                Self::settled(OutreachState::Sent, Some(RouteEvent::Accepted))
            }
            Outcome::InDoubt { .. } => {
                Self::settled(OutreachState::InDoubt, Some(RouteEvent::Busy))
            }
            Outcome::NotSent { phase: Phase::Compose, .. } => {
                let failed = Self::settled(OutreachState::Failed, None);
                Self { content_at_fault: true, ..failed }
            }
            Outcome::NotSent { phase, .. } => {
                let route = match phase {
                    Phase::Connect | Phase::Greeting | Phase::Auth => RouteEvent::Unreachable,
                    // A certificate that does not fit is a matter of settings.
                    Phase::Tls => RouteEvent::Ours,
                    _ => RouteEvent::Busy,
                };
                let next = attempt.next(Pace::Usual, None, now);
                Self { phase: Some(*phase), ..Self::again(next, route) }
            }
            Outcome::Rejected { phase, reply } => {
                let refusal = Refusal::of(*phase, reply);
                let hint = reply.wait_hint();
                let follows = refusal.follows(hint);
                let mut settlement = match follows.message {
                    MessageEffect::Retry(pace) => {
                        Self::again(attempt.next(pace, hint, now), follows.route)
                    }
                    MessageEffect::Elsewhere if attempt.has_other_relay => {
                        Self::again(Some(now), follows.route)
                    }
                    MessageEffect::Elsewhere
                    | MessageEffect::Fail
                    | MessageEffect::FailAsContent => {
                        Self::settled(OutreachState::Failed, Some(follows.route))
                    }
                };
                // Before MAIL a server that is busy is one that cannot be reached.
                if *phase < Phase::Mail && follows.route == RouteEvent::Busy {
                    settlement.route = Some(RouteEvent::Unreachable);
                }
                settlement.content_at_fault = follows.message == MessageEffect::FailAsContent;
                Self {
                    address: follows.address,
                    refusal: Some(refusal),
                    phase: Some(*phase),
                    ..settlement
                }
            }
        }
    }

    /// What the address is in for after `outcome`, whatever becomes of the mail.
    #[must_use]
    pub fn address(outcome: &Outcome) -> AddressEffect {
        match outcome {
            Outcome::Rejected { phase, reply } => {
                Refusal::of(*phase, reply).follows(reply.wait_hint()).address
            }
            Outcome::Accepted { .. } | Outcome::NotSent { .. } | Outcome::InDoubt { .. } => {
                AddressEffect::Nothing
            }
        }
    }

    /// Whether the relay, and not this mail, is in trouble, so that further mails would fail alike.
    #[must_use]
    pub fn relay_in_trouble(&self) -> bool {
        let before_mail = self.phase.is_some_and(|phase| phase < Phase::Mail);
        before_mail || self.route == Some(RouteEvent::Ours)
    }

    /// Why the address is never written to again because of this one attempt, if that is so.
    #[must_use]
    pub const fn suppress(&self) -> Option<Suppression> {
        match self.address {
            AddressEffect::Suppress(why) => Some(why),
            AddressEffect::Nothing | AddressEffect::Count(_) => None,
        }
    }

    const fn settled(to: OutreachState, route: Option<RouteEvent>) -> Self {
        Self {
            to,
            next_at: None,
            address: AddressEffect::Nothing,
            route,
            refusal: None,
            content_at_fault: false,
            phase: None,
        }
    }

    fn again(next_at: Option<DateTime<Utc>>, route: RouteEvent) -> Self {
        let to = if next_at.is_some() { OutreachState::Ready } else { OutreachState::Failed };
        Self { next_at, ..Self::settled(to, Some(route)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AddressTrouble, EnhancedStatus, OutreachId, Reply, Throttle};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn a_try(now: DateTime<Utc>, not_after: DateTime<Utc>) -> Try {
        let has_other_relay = false;
        Try { outreach: OutreachId(1), number: 1, first_at: now, not_after, has_other_relay }
    }

    fn settle(outcome: &Outcome) -> Settlement {
        let (now, not_after) = (at("2026-09-25T09:00:00Z"), at("2026-09-25T15:00:00Z"));
        Settlement::of(outcome, &a_try(now, not_after), now)
    }

    fn rejected(phase: Phase, line: &str) -> Outcome {
        let (code, text) = line.split_once(' ').unwrap();
        let (enhanced, text) =
            EnhancedStatus::split(text).map_or((None, text), |(status, rest)| (Some(status), rest));
        let reply = Reply { code: code.parse().unwrap(), enhanced, text: text.to_owned() };
        Outcome::Rejected { phase, reply }
    }

    #[test]
    fn an_unknown_mailbox_fails_the_mail_and_suppresses_the_address() {
        let settlement = settle(&rejected(Phase::Rcpt, "550 5.1.1 no such user"));
        assert_eq!(settlement.to, OutreachState::Failed);
        assert_eq!(settlement.suppress(), Some(Suppression::NoSuchAddress));
        assert_eq!(settlement.route, Some(RouteEvent::Answered));
    }

    #[test]
    fn a_full_mailbox_is_tried_again_hours_later_and_noted() {
        let settlement = settle(&rejected(Phase::Rcpt, "452 4.2.2 mailbox full"));
        assert_eq!(settlement.to, OutreachState::Ready);
        assert!(settlement.next_at.unwrap() > at("2026-09-25T10:30:00Z"));
        assert_eq!(settlement.address, AddressEffect::Count(AddressTrouble::MailboxFull));
        assert_eq!(settlement.suppress(), None);
    }

    #[test]
    fn a_relay_that_cannot_be_reached_costs_the_mail_nothing_but_time() {
        let cause = "connection refused".to_owned();
        let settlement = settle(&Outcome::NotSent { phase: Phase::Connect, cause });
        assert_eq!(settlement.to, OutreachState::Ready);
        assert!(settlement.next_at.is_some() && settlement.relay_in_trouble());
        assert_eq!(settlement.route, Some(RouteEvent::Unreachable));
        let busy = settle(&rejected(Phase::Greeting, "421 try later"));
        assert_eq!(busy.route, Some(RouteEvent::Unreachable));
    }

    #[test]
    fn a_wrong_password_stops_the_relay_and_touches_no_contact() {
        for line in ["535 5.7.8 bad credentials", "530 5.7.0 authenticate"] {
            for phase in [Phase::Auth, Phase::Mail, Phase::Rcpt] {
                let settlement = settle(&rejected(phase, line));
                assert!(settlement.relay_in_trouble());
                assert_eq!(settlement.to, OutreachState::Ready);
                assert_eq!(settlement.address, AddressEffect::Nothing);
            }
        }
    }

    #[test]
    fn a_wait_that_the_server_names_holds_for_the_mail_and_its_route() {
        let line = "450 4.7.1 rate limited, try again in 2 hours";
        let settlement = settle(&rejected(Phase::Rcpt, line));
        assert!(settlement.next_at.unwrap() >= at("2026-09-25T11:00:00Z"));
        let two_hours = Some(TimeDelta::hours(2));
        assert_eq!(settlement.route, Some(RouteEvent::Throttled(Throttle::Rate, two_hours)));
        assert!(!settlement.relay_in_trouble(), "other groups of domains go on");
    }

    #[test]
    fn what_may_have_arrived_is_never_sent_again_by_itself() {
        let settlement = settle(&Outcome::InDoubt { cause: "connection closed".into() });
        assert_eq!((settlement.to, settlement.next_at), (OutreachState::InDoubt, None));
    }

    #[test]
    fn a_mail_that_would_come_too_late_is_given_up() {
        let now = at("2026-09-25T14:59:00Z");
        let not_after = at("2026-09-25T15:00:00Z");
        let late = a_try(now, not_after);
        let late = Settlement::of(&rejected(Phase::Rcpt, "450 4.2.0 greylisted"), &late, now);
        assert_eq!((late.to, late.next_at), (OutreachState::Failed, None));
    }

    #[test]
    fn an_address_that_a_relay_cannot_carry_goes_to_the_next_one_at_once_and_ends_after_the_last() {
        let now = at("2026-09-25T09:00:00Z");
        let last = a_try(now, at("2026-09-25T15:00:00Z"));
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Content] {
            let outcome = rejected(phase, "553 5.6.7 no such addresses here");
            let settlement = Settlement::of(&outcome, &Try { has_other_relay: true, ..last }, now);
            assert_eq!((settlement.to, settlement.next_at), (OutreachState::Ready, Some(now)));
            let settlement = Settlement::of(&outcome, &last, now);
            assert_eq!((settlement.to, settlement.next_at), (OutreachState::Failed, None));
            assert_eq!(settlement.refusal, Some(Refusal::Uncarried));
            assert_eq!(settlement.address, AddressEffect::Nothing);
            assert!(!settlement.relay_in_trouble() && !settlement.content_at_fault);
        }
    }

    #[test]
    fn a_message_that_is_too_big_is_its_authors_business() {
        assert!(settle(&rejected(Phase::Mail, "552 5.3.4 too big")).content_at_fault);
        assert!(!settle(&rejected(Phase::Content, "554 5.7.1 spam")).content_at_fault);
    }
}
