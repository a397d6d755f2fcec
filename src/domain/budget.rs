//! The most mails of one day, and who goes first when they are not enough.
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Rules, Snapshot, instant};

/// The budget of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayBudget {
    /// The day, by the configuration's clock.
    pub day: NaiveDate,
    /// The first instant after it.
    pub ends_at: DateTime<Utc>,
    /// The most mails on it.
    pub mails: u32,
}

/// Tiers and values are put into one number: this many hundredths of the currency lie between two
/// tiers, more than any account buys.
const TIER_STEP: i64 = 1_000_000_000_000_000;

impl Rules {
    /// The budget of the day of `now` in `zone`; `None` if there is no limit.
    #[must_use]
    pub fn day_budget(&self, now: DateTime<Utc>, zone: Tz) -> Option<DayBudget> {
        let day = now.with_timezone(&zone).date_naive();
        let tomorrow = day.checked_add_signed(TimeDelta::days(1))?;
        let ends_at = instant(tomorrow.and_time(chrono::NaiveTime::MIN), zone);
        self.budget.map(|mails| DayBudget { day, ends_at, mails })
    }

    /// The place of mails to `contact` in the queue of a day whose budget is short, lower numbers
    /// first: the higher tier of the scheme that sets the cadence, then the greater value. Among
    /// equals the one whose occasion is longest ago goes first.
    #[must_use]
    pub fn precedence(&self, contact: &Snapshot) -> i64 {
        let scheme = self.schemes.iter().find(|scheme| scheme.key == self.cadence.scheme);
        let (_, standing) = self.cadence.of(&contact.standings);
        let tiers = scheme.map_or(0, |scheme| scheme.tiers.len());
        let tier = scheme.zip(standing).and_then(|(scheme, standing)| {
            scheme.tiers.iter().position(|tier| tier.key == standing.tier)
        });
        let tier = i64::try_from(tier.unwrap_or(tiers)).unwrap_or(0).min(1000);
        tier * TIER_STEP - contact.value_cents.clamp(0, TIER_STEP - 1)
    }
}

/// How many mails each day is left with, if no day may send more than `budget` and what is left goes
/// out on the next day.
#[must_use]
pub fn carried_over(mails: &BTreeMap<NaiveDate, u64>, budget: u32) -> BTreeMap<NaiveDate, u64> {
    let mut left = BTreeMap::new();
    let mut waiting = 0_u64;
    let Some((first, last)) = mails.keys().next().zip(mails.keys().next_back()) else {
        return left;
    };
    for day in first.iter_days().take_while(|day| day <= last) {
        waiting += mails.get(&day).copied().unwrap_or(0);
        waiting = waiting.saturating_sub(u64::from(budget));
        if waiting > 0 {
            left.insert(day, waiting);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Place, Scheme, Span, Standing, Tier,
        samples::{a_contact, at, rules},
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_higher_tier_goes_first_then_the_greater_value() {
        let mut rules = rules();
        let tier =
            |key: &str| Tier { key: key.into(), when: None, top: None, place: Place::default() };
        rules.schemes = vec![Scheme {
            key: "priority".into(),
            tiers: vec![tier("best"), tier("rest")],
            dwell: Span::days(0),
            margin_percent: 0,
        }];
        rules.cadence.tiers = ["best", "rest"]
            .map(|tier| {
                let fallback = rules.cadence.fallback.clone();
                crate::domain::TierCadence { tier: tier.into(), ..fallback }
            })
            .into();
        let contact = |tier: &str, value_cents| {
            let standing = Standing {
                scheme: "priority".into(),
                tier: tier.into(),
                since: at("2026-01-01T00:00:00Z"),
                reason: String::new(),
            };
            rules.precedence(&Snapshot { standings: vec![standing], value_cents, ..a_contact() })
        };
        let queue = [
            contact("best", 9_000),
            contact("best", 10),
            contact("rest", i64::MAX),
            contact("no", 5),
        ];
        assert!(queue.is_sorted_by(|a, b| a < b), "{queue:?}");
    }

    #[test]
    fn the_day_ends_at_midnight_where_the_configuration_is() {
        let mut rules = rules();
        assert_eq!(rules.day_budget(at("2026-03-29T12:00:00Z"), Tz::UTC), None);
        rules.budget = Some(100);
        let berlin = chrono_tz::Europe::Berlin;
        let budget = rules.day_budget(at("2026-03-28T23:30:00Z"), berlin).unwrap();
        assert_eq!((budget.day, budget.ends_at), (day("2026-03-29"), at("2026-03-29T22:00:00Z")));
    }

    #[test]
    fn what_a_day_cannot_send_waits_for_the_next_ones() {
        let mails = BTreeMap::from([(day("2026-01-01"), 250), (day("2026-01-04"), 10)]);
        let left = carried_over(&mails, 100);
        let expected = BTreeMap::from([(day("2026-01-01"), 150), (day("2026-01-02"), 50)]);
        assert_eq!(left, expected);
        assert!(carried_over(&BTreeMap::new(), 1).is_empty());
    }
}
