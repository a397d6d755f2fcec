//! What a person's behaviour says about how often to write.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Cadence;

/// What is remembered of one contact's behaviour.
///
/// The tier's cadence stands until the person does something that only a person does; then the
/// interval is the person's own, inside the bounds of the tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Engagement {
    /// The person's own interval in days, if behaviour has moved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_days: Option<f64>,
    /// When the person last did something that only a person does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_human_at: Option<DateTime<Utc>>,
}

/// Something that came back from a mail: from the contact, or from a server on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feedback {
    /// The pixel was fetched. Mail programs fetch it unasked, so it moves nothing
    /// (docs/decisions/0004).
    Open,
    /// A link was followed.
    Click,
    /// The contact does not want mail any more.
    Unsubscribe,
    /// A server reports that it has given the mail up.
    Bounce,
    /// A server reports that it has not brought the mail on yet and keeps trying.
    Delay,
    /// A server reports that it has brought the mail to the mailbox, or on its way.
    Receipt,
}

/// How much closer one click brings the next mail: two thirds of the interval, well inside the
/// largest step of 2 that keeps a single event from turning a relationship over.
const CLICK_FACTOR: f64 = 1.0 / 1.5;

impl Feedback {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Click => "click",
            Self::Unsubscribe => "unsubscribe",
            Self::Bounce => "bounce",
            Self::Delay => "delay",
            Self::Receipt => "receipt",
        }
    }

    /// Whether keeping it is tracking, for which the contact's consent is needed.
    #[must_use]
    pub const fn is_tracking(self) -> bool {
        matches!(self, Self::Open | Self::Click)
    }
}

impl Engagement {
    /// The days between check-ins for this person under `cadence`, within its bounds.
    #[must_use]
    pub fn interval_days(&self, cadence: &Cadence) -> f64 {
        let own = self.interval_days.unwrap_or_else(|| f64::from(cadence.every.as_days()));
        own.clamp(f64::from(cadence.min.as_days()), f64::from(cadence.max.as_days()))
    }

    /// The state after `feedback` on a mail that had none of its kind before.
    #[must_use]
    pub fn after(self, feedback: Feedback, cadence: &Cadence, at: DateTime<Utc>) -> Self {
        match feedback {
            Feedback::Open
            | Feedback::Unsubscribe
            | Feedback::Bounce
            | Feedback::Delay
            | Feedback::Receipt => self,
            Feedback::Click => {
                let closer = self.interval_days(cadence) * CLICK_FACTOR;
                let closer = closer.max(f64::from(cadence.min.as_days()));
                Self { interval_days: Some(closer), last_human_at: Some(at) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;

    const QUARTERLY: Cadence =
        Cadence { every: Span::days(91), min: Span::days(21), max: Span::days(182) };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_cadence_of_the_tier_stands_until_a_person_acts() {
        let engagement = Engagement::default();
        let opened = engagement.after(Feedback::Open, &QUARTERLY, at("2026-01-01T00:00:00Z"));
        assert!((opened.interval_days(&QUARTERLY) - 91.0).abs() < 1e-9);
    }

    #[test]
    fn a_click_brings_the_next_mail_closer_but_never_under_the_tiers_minimum() {
        let mut engagement = Engagement::default();
        let mut last = 91.0;
        for _ in 0..20 {
            engagement = engagement.after(Feedback::Click, &QUARTERLY, at("2026-01-01T00:00:00Z"));
            let now = engagement.interval_days(&QUARTERLY);
            assert!(now <= last && now >= 21.0 && last / now <= 2.0);
            last = now;
        }
        assert!((last - 21.0).abs() < 1e-9);
    }

    #[test]
    fn moving_to_another_tier_keeps_the_habit_inside_the_new_bounds() {
        let weekly = Engagement { interval_days: Some(7.0), ..Engagement::default() };
        assert!((weekly.interval_days(&QUARTERLY) - 21.0).abs() < 1e-9);
    }
}
