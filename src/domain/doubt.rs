//! What becomes of a mail of which nobody knows whether it arrived.
//!
//! Between a relay's decision and our hearing of it nobody on this side can know (RFC 1047), so there
//! is a choice to make for each campaign: to write twice now and then, or not at all now and then.
use chrono::{DateTime, TimeDelta, Utc};

use super::OutreachState;

/// What to do without evidence; `in_doubt` of a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DoubtPolicy {
    /// Wait for evidence or an operator while the mail is welcome, then take it as sent: nobody is
    /// wished twice.
    #[default]
    Hold,
    /// Send the same bytes again: nobody is left out, and some get it twice.
    Resend,
    /// Take it as sent: nobody gets it twice, and some are left out.
    AssumeSent,
}

/// How a doubt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// Taken as sent, without proof.
    AssumedSent,
    /// Proved to have arrived.
    Evidence,
    /// Sent again.
    Resent,
    /// Proved not to have been taken, for good.
    Failed,
}

/// A mail in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// When the doubt was noticed.
    pub since: DateTime<Utc>,
    /// After this the mail is not welcome any more.
    pub not_after: DateTime<Utc>,
    /// How often it has been sent again because of a doubt.
    pub resent: u32,
}

/// A mail that ends in doubt again and again meets a relay that takes mail and hangs up; each further
/// copy would most likely be one more for the same reader.
const MOST_RESENT: u32 = 5;

impl DoubtPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Hold, Self::Resend, Self::AssumeSent];

    /// What becomes of `doubt` at `now`, without evidence; nothing before `grace` has passed, since a
    /// frozen sender may still wake up and finish.
    #[must_use]
    pub fn resolve(
        self,
        doubt: &Doubt,
        now: DateTime<Utc>,
        grace: TimeDelta,
    ) -> Option<Resolution> {
        if now < doubt.since + grace {
            return None;
        }
        let is_over = now > doubt.not_after;
        match self {
            Self::AssumeSent => Some(Resolution::AssumedSent),
            Self::Resend if !is_over && doubt.resent < MOST_RESENT => Some(Resolution::Resent),
            Self::Resend | Self::Hold => is_over.then_some(Resolution::AssumedSent),
        }
    }
}

impl Resolution {
    /// How a doubt ends once it is known what state the mail was to enter; `None` if that tells
    /// nothing.
    #[must_use]
    pub const fn known(state: OutreachState) -> Option<Self> {
        match state {
            OutreachState::Sent => Some(Self::Evidence),
            OutreachState::Ready => Some(Self::Resent),
            OutreachState::Failed => Some(Self::Failed),
            _ => None,
        }
    }

    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssumedSent => "assumed_sent",
            Self::Evidence => "evidence",
            Self::Resent => "resent",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: TimeDelta = TimeDelta::minutes(15);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn doubt(resent: u32) -> Doubt {
        let (since, not_after) = (at("2026-05-14T09:00:00Z"), at("2026-05-14T22:00:00Z"));
        Doubt { since, not_after, resent }
    }

    fn resolved(policy: DoubtPolicy, resent: u32, time: &str) -> Option<Resolution> {
        policy.resolve(&doubt(resent), at(&format!("2026-05-14T{time}Z")), GRACE)
    }

    #[test]
    fn nothing_is_resolved_while_a_frozen_sender_may_wake_up() {
        for policy in DoubtPolicy::ALL {
            assert_eq!(resolved(policy, 0, "09:14:59"), None, "{policy:?}");
        }
    }

    #[test]
    fn each_policy_does_what_it_says_once_the_grace_is_over() {
        assert_eq!(resolved(DoubtPolicy::Hold, 0, "09:15:00"), None);
        assert_eq!(resolved(DoubtPolicy::Resend, 0, "09:15:00"), Some(Resolution::Resent));
        assert_eq!(resolved(DoubtPolicy::AssumeSent, 0, "09:15:00"), Some(Resolution::AssumedSent));
    }

    #[test]
    fn nothing_is_sent_again_once_it_is_not_welcome() {
        for policy in DoubtPolicy::ALL {
            let expected = Some(Resolution::AssumedSent);
            assert_eq!(resolved(policy, 0, "22:00:01"), expected, "{policy:?}");
        }
    }

    #[test]
    fn what_is_known_ends_a_doubt_and_a_doubt_does_not() {
        let ends = |state| Resolution::known(state).map(Resolution::as_str);
        assert_eq!(ends(OutreachState::Sent), Some("evidence"));
        assert_eq!(ends(OutreachState::Ready), Some("resent"));
        assert_eq!(ends(OutreachState::Failed), Some("failed"));
        assert_eq!(ends(OutreachState::InDoubt), None);
    }

    #[test]
    fn a_mail_that_ends_in_doubt_time_and_again_is_held() {
        assert_eq!(
            resolved(DoubtPolicy::Resend, MOST_RESENT - 1, "10:00:00"),
            Some(Resolution::Resent)
        );
        assert_eq!(resolved(DoubtPolicy::Resend, MOST_RESENT, "10:00:00"), None);
    }
}
