//! Schemes that classify contacts, and the tier that each one gives.
use chrono::{DateTime, NaiveDate, Utc};

use super::{Condition, Evaluator, Facts};

/// One way to classify contacts: an ordered list of tiers, of which the first that fits is taken.
#[derive(Debug, PartialEq)]
pub struct Scheme {
    /// The name in configuration.
    pub key: String,
    /// The tiers, best first. The last one has no condition, so everybody is somewhere.
    pub tiers: Vec<Tier>,
}

/// One class of a scheme.
#[derive(Debug, PartialEq)]
pub struct Tier {
    /// The name in configuration.
    pub key: String,
    /// Who belongs; everybody who is left if there is none.
    pub when: Option<Condition>,
}

/// Where a contact stands in a scheme, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The scheme.
    pub scheme: String,
    /// The tier.
    pub tier: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The rule that put the contact there, with the values it saw.
    pub reason: String,
}

impl Scheme {
    /// The first tier that fits `facts` on `today`, and the reason in words that an admin can check
    /// against the rule.
    ///
    /// # Panics
    ///
    /// Never: configuration refuses a scheme whose last tier has a condition, or that has no tier.
    #[must_use]
    pub fn classify(
        &self,
        evaluator: &Evaluator,
        facts: &Facts,
        today: NaiveDate,
    ) -> (&Tier, String) {
        let fits = |tier: &&Tier| {
            tier.when.as_ref().is_none_or(|when| when.holds(evaluator, facts, today))
        };
        let tier =
            self.tiers.iter().find(fits).expect("the last tier of a scheme has no condition");
        (tier, tier.reason(facts, today))
    }
}

impl Tier {
    fn reason(&self, facts: &Facts, today: NaiveDate) -> String {
        use super::FactValue::{Number, Text, Whole, YesNo};
        let Some(when) = &self.when else { return "no other tier fits".to_owned() };
        let seen: Vec<String> = when
            .named(facts, today)
            .map(|(name, value)| match value {
                Number(number) => format!("{name} = {number:.2}"),
                Whole(number) => format!("{name} = {number}"),
                Text(text) => format!("{name} = \"{text}\""),
                YesNo(yes) => format!("{name} = {yes}"),
            })
            .collect();
        format!("{} ({})", when.source(), seen.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority() -> Scheme {
        let tier = |key: &str, when: Option<&str>| Tier {
            key: key.into(),
            when: when.map(|rule| Condition::compile(rule).unwrap()),
        };
        Scheme {
            key: "priority".into(),
            tiers: vec![
                tier("priority", Some("revenue_12m >= 100000")),
                tier("general", Some("orders_12m > 0")),
                tier("last", None),
            ],
        }
    }

    fn tier_of(facts: &Facts) -> (String, String) {
        let scheme = priority();
        let today = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
        let (tier, reason) = scheme.classify(&Evaluator::new(), facts, today);
        (tier.key.clone(), reason)
    }

    #[test]
    fn the_first_tier_that_fits_is_taken() {
        let facts = Facts { revenue_12m: 120_000.0, orders_12m: 3, ..Facts::default() };
        let (tier, reason) = tier_of(&facts);
        assert_eq!(tier, "priority");
        assert_eq!(reason, "revenue_12m >= 100000 (revenue_12m = 120000.00)");
    }

    #[test]
    fn whoever_fits_nowhere_is_in_the_last_tier() {
        assert_eq!(tier_of(&Facts::default()), ("last".into(), "no other tier fits".into()));
    }
}
