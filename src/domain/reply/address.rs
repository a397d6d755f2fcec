//! What refusals say about an address, and when there have been enough of them.
use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::Suppression;

/// What a refusal means for the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressEffect {
    /// Nothing.
    Nothing,
    /// It is never written to again.
    Suppress(Suppression),
    /// It is noted; [`AddressTrouble::suppresses`] says when there is enough of it.
    Count(AddressTrouble),
}

/// A refusal that may pass, and says something about the address only if it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressTrouble {
    /// The mailbox is switched off (X.2.1): two times in 7 days.
    Disabled,
    /// The mailbox is full (X.2.2): five times in 30 days.
    MailboxFull,
    /// Refused for good without a reason: two times, a day or more apart, within a year.
    Unexplained,
}

impl AddressTrouble {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::MailboxFull, Self::Unexplained];

    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::MailboxFull => "mailbox-full",
            Self::Unexplained => "unexplained",
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How long such an event counts; older ones may be forgotten.
    #[must_use]
    pub const fn counts_for(self) -> TimeDelta {
        match self {
            Self::Disabled => TimeDelta::days(7),
            Self::MailboxFull => TimeDelta::days(30),
            Self::Unexplained => TimeDelta::days(365),
        }
    }

    /// Why the address is never written to again, if `events` of this kind, the one at `now` among
    /// them, are enough for that. Events before the last mail that was accepted do not belong here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::{AddressTrouble, Suppression};
    /// # let at = |text: &str| text.parse().unwrap();
    /// let events = [at("2026-09-01T09:00:00Z"), at("2026-09-08T09:00:00Z")];
    /// let trouble = AddressTrouble::Disabled;
    /// assert_eq!(trouble.suppresses(&events, events[1]), Some(Suppression::NoSuchAddress));
    /// let late = [events[0], at("2026-09-08T09:00:01Z")];
    /// assert_eq!(trouble.suppresses(&late, late[1]), None);
    /// ```
    #[must_use]
    pub fn suppresses(self, events: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<Suppression> {
        let since = now - self.counts_for();
        let counted = || events.iter().filter(|at| (since..=now).contains(at));
        match self {
            Self::Disabled => (counted().count() >= 2).then_some(Suppression::NoSuchAddress),
            Self::MailboxFull => (counted().count() >= 5).then_some(Suppression::MailboxFull),
            Self::Unexplained => {
                let (first, last) = counted().min().zip(counted().max())?;
                (*last - *first >= TimeDelta::hours(24)).then_some(Suppression::Refused)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_full_mailbox_is_given_up_at_the_fifth_time_in_thirty_days() {
        let start = at("2026-09-01T09:00:00Z");
        let events: Vec<_> = (0..5).map(|n| start + TimeDelta::days(7 * n)).collect();
        let full = AddressTrouble::MailboxFull;
        assert_eq!(full.suppresses(&events[..4], events[3]), None);
        assert_eq!(full.suppresses(&events, events[4]), Some(Suppression::MailboxFull));
        let slow: Vec<_> = (0..5).map(|n| start + TimeDelta::days(8 * n)).collect();
        assert_eq!(full.suppresses(&slow, slow[4]), None);
    }

    #[test]
    fn refusals_of_one_day_without_a_reason_are_one() {
        let events =
            ["2026-09-01T09:00:00Z", "2026-09-01T20:00:00Z", "2026-09-02T09:00:00Z"].map(at);
        let trouble = AddressTrouble::Unexplained;
        assert_eq!(trouble.suppresses(&events[..2], events[1]), None);
        assert_eq!(trouble.suppresses(&events, events[2]), Some(Suppression::Refused));
    }

    #[test]
    fn names_are_read_back() {
        for kind in AddressTrouble::ALL {
            assert_eq!(AddressTrouble::from_name(kind.as_str()), Some(kind));
        }
    }
}
