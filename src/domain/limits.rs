//! How often one contact may be written to at most.
use chrono::{DateTime, TimeDelta, Utc};

use super::Place;

/// At most so many mails in any so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// Length of the window that moves along, in days; 1 or more.
    pub days: u32,
    /// Mails in any such window; 0 lets none through.
    pub most: u32,
}

/// A group of campaigns with limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The name in configuration.
    pub key: String,
    /// Limits on the mails of the group.
    pub caps: Vec<Cap>,
    /// Whether the minimum gap and the caps for all mails do not hold for it.
    pub exempt: bool,
    /// Where it is configured.
    pub place: Place,
}

/// What a mail waits for, or is dropped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// The least number of days between any two mails.
    Gap {
        /// Days.
        days: u32,
    },
    /// A cap on all mails.
    Cap(Cap),
    /// A cap on the mails of the campaign's category.
    CategoryCap(Cap),
    /// The contact wants no mail for a while.
    Pause,
}

/// Until when something holds a mail back; `until` is `None` where it never lets one through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Barred {
    /// What.
    pub by: Barrier,
    /// The first instant at which it no longer does.
    pub until: Option<DateTime<Utc>>,
}

impl Barred {
    /// The one that holds longer.
    fn longer(self, other: Self) -> Self {
        match (self.until, other.until) {
            (None, _) => self,
            (_, None) => other,
            (Some(mine), Some(others)) => {
                if others > mine {
                    other
                } else {
                    self
                }
            }
        }
    }

    /// The one of `all` that holds longest.
    pub(super) fn longest(all: impl Iterator<Item = Self>) -> Option<Self> {
        all.reduce(Self::longer)
    }
}

impl Cap {
    /// What this cap holds back `by`, if `mails` left at these times, in order and the latest last;
    /// `None` if it lets another mail through.
    pub(super) fn bars(self, by: Barrier, mails: &[DateTime<Utc>]) -> Option<Barred> {
        if self.most == 0 {
            return Some(Barred { by, until: None });
        }
        let oldest = mails.len().checked_sub(self.most as usize)?;
        let until = mails[oldest] + TimeDelta::days(i64::from(self.days));
        Some(Barred { by, until: Some(until) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::at;

    #[test]
    fn a_cap_lets_the_next_mail_through_when_the_oldest_has_left_its_window() {
        let mails = ["2026-01-01T09:00:00Z", "2026-01-11T09:00:00Z", "2026-01-21T09:00:00Z"];
        let mails = mails.map(at);
        let until = |days, most| {
            let cap = Cap { days, most };
            cap.bars(Barrier::Cap(cap), &mails).map(|barred| barred.until)
        };
        assert_eq!(until(30, 4), None);
        assert_eq!(until(30, 3), Some(Some(at("2026-01-31T09:00:00Z"))));
        assert_eq!(until(30, 2), Some(Some(at("2026-02-10T09:00:00Z"))));
        assert_eq!(until(30, 0), Some(None), "zero means zero");
        assert_eq!(Cap { days: 30, most: 1 }.bars(Barrier::Pause, &[]), None);
    }

    #[test]
    fn of_several_barriers_the_one_that_holds_longest_counts() {
        let gap = Barred { by: Barrier::Gap { days: 10 }, until: Some(at("2026-01-05T00:00:00Z")) };
        let pause = Barred { by: Barrier::Pause, until: Some(at("2026-02-01T00:00:00Z")) };
        let never = Barred { by: Barrier::Cap(Cap { days: 30, most: 0 }), until: None };
        assert_eq!(Barred::longest([gap, pause].into_iter()), Some(pause));
        assert_eq!(Barred::longest([gap, never, pause].into_iter()), Some(never));
    }
}
