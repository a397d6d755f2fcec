//! Schemes that classify contacts, and the tier that each one gives.
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    AccountId, Condition, FactInfo, FactValue, Facts, Place, Population, Share, Span, Top,
};

/// One way to classify contacts: an ordered list of tiers, of which the first that fits is taken.
#[derive(Debug, PartialEq)]
pub struct Scheme {
    /// The name in configuration.
    pub key: String,
    /// The tiers, best first. The last one has no condition, so everybody is somewhere.
    pub tiers: Vec<Tier>,
    /// How long a contact stays in a tier at least, unless it moves up.
    pub dwell: Span,
    /// By what share of a threshold a contact may miss its tier and stay in it, in percent.
    pub margin_percent: u8,
}

/// One class of a scheme.
#[derive(Debug, PartialEq)]
pub struct Tier {
    /// The name in configuration.
    pub key: String,
    /// Who belongs; everybody who is left if there is neither this nor `top`.
    pub when: Option<Condition>,
    /// Which of those: the first accounts by a fact.
    pub top: Option<Top>,
    /// Where it is configured.
    pub place: Place,
}

/// Where a contact stands in a scheme, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The scheme; `campaign:KEY` for the audience of a campaign that has a rule.
    pub scheme: String,
    /// The tier.
    pub tier: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The values that put the contact there, such as `revenue_12m = 120000.00`; empty if no rule
    /// did. The rule itself is in the configuration; see [`Tier::rule`].
    pub reason: String,
}

/// That a contact went from one tier of a scheme to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierMove {
    /// The scheme.
    pub scheme: String,
    /// The tier that was left.
    pub from: String,
    /// The tier that was entered.
    pub to: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The rule of the entered tier as it was then, with the values it saw; empty if it is the tier
    /// of everybody who is left.
    pub reason: String,
}

/// What a contact is classified by.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What is known of the contact.
    pub facts: &'a Facts,
    /// The contact's account, whose place among all accounts is the contact's.
    pub account: Option<AccountId>,
    /// Who is at the top.
    pub population: &'a Population,
    /// The day.
    pub today: NaiveDate,
}

impl Scheme {
    /// The place of the first tier that fits, from 0.
    #[must_use]
    pub fn classify(&self, subject: &Subject<'_>) -> usize {
        let last = self.tiers.len().saturating_sub(1);
        self.tiers.iter().position(|tier| tier.fits(&self.key, subject, None)).unwrap_or(last)
    }

    /// Where the contact stands now that stood at `stood`, with the reason, or `None` if it stays
    /// where it is.
    ///
    /// A better tier is entered at once. A tier is left for a worse one only after the dwell time,
    /// and not while the contact misses it by no more than the margin: so nobody goes to and fro.
    #[must_use]
    pub fn settle(
        &self,
        stood: Option<&Standing>,
        subject: &Subject<'_>,
        now: DateTime<Utc>,
    ) -> Option<Standing> {
        let fresh = self.classify(subject);
        let place = stood.and_then(|stood| self.tiers.iter().position(|t| t.key == stood.tier));
        if let (Some(place), Some(stood)) = (place, stood) {
            let worse = fresh > place;
            let dwells = now < stood.since + self.dwell.as_delta();
            let margin = (self.margin_percent > 0).then(|| self.margin());
            let keeps = || margin.is_some() && self.tiers[place].fits(&self.key, subject, margin);
            if fresh == place || (worse && (dwells || keeps())) {
                return None;
            }
        }
        let tier = self.tiers.get(fresh)?;
        Some(Standing {
            scheme: self.key.clone(),
            tier: tier.key.clone(),
            since: now,
            reason: tier.seen(&self.key, subject),
        })
    }

    /// The tier called `key`.
    #[must_use]
    pub fn tier(&self, key: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.key == key)
    }

    /// The margin as a share, 0 to 1.
    #[must_use]
    pub fn margin(&self) -> f64 {
        f64::from(self.margin_percent) / 100.0
    }

    /// The facts that its tiers name.
    pub fn facts(&self) -> impl Iterator<Item = &'static FactInfo> {
        self.tiers.iter().flat_map(|tier| {
            let named = tier.when.iter().flat_map(Condition::names);
            named.chain(tier.top.iter().map(|top| top.by))
        })
    }
}

impl Tier {
    /// Whether the contact belongs; with a margin, whether one who was here may stay.
    fn fits(&self, scheme: &str, subject: &Subject<'_>, margin: Option<f64>) -> bool {
        let Subject { facts, today, .. } = *subject;
        let fits = |when: &Condition| when.nearly_holds(facts, today, margin.unwrap_or(0.0));
        if !self.when.as_ref().is_none_or(fits) {
            return false;
        }
        let Some(top) = &self.top else { return true };
        let rep = if top.per_rep { facts.rep.as_str() } else { "" };
        let (Some(account), Some(value)) = (subject.account, top.value(facts, today)) else {
            return false;
        };
        subject.population.bar(scheme, &self.key, rep).is_some_and(|bar| {
            let last = if margin.is_some() { bar.keeps } else { bar.last };
            last.admits(value, account)
        })
    }

    /// Whether whoever fits here is known to fit `wider` as well, since that asks for the same or
    /// less.
    #[must_use]
    pub fn is_within(&self, wider: &Self) -> bool {
        let within = |wider: &Condition| self.when.as_ref().is_some_and(|own| own.is_within(wider));
        match (&wider.top, &wider.when) {
            (None, Some(wider)) => within(wider),
            (None, None) => true,
            // A narrower rule would leave fewer to compete with.
            (Some(top), when) => {
                self.top.as_ref().is_some_and(|own| own.is_within(top)) && self.when == *when
            }
        }
    }

    /// The rule in the words of the configuration, or `None` if the tier is for everybody who is
    /// left.
    #[must_use]
    pub fn rule(&self) -> Option<String> {
        let top = self.top.as_ref().map(Top::rule);
        let when = self.when.as_ref().map(|when| when.source().to_owned());
        match (when, top) {
            (Some(when), Some(top)) => Some(format!("{when}, {top}")),
            (when, top) => when.or(top),
        }
    }

    /// The rule with the values that it saw; empty if the tier is for everybody who is left.
    #[must_use]
    pub fn reason(&self, seen: &str) -> String {
        self.rule().map_or(String::new(), |rule| format!("{rule} ({seen})"))
    }

    /// The values that the rule saw.
    fn seen(&self, scheme: &str, subject: &Subject<'_>) -> String {
        let Subject { facts, today, .. } = *subject;
        let mut seen: Vec<_> = self.when.iter().map(|when| when.seen(facts, today)).collect();
        if let Some(top) = &self.top {
            let rep = if top.per_rep { facts.rep.as_str() } else { "" };
            if let Some(bar) = subject.population.bar(scheme, &self.key, rep) {
                let value = sentence(top.by.name, &top.by.read(facts, today));
                seen.push(format!("{value} ≥ {:.2}", bar.last.value()));
            }
        }
        seen.retain(|part| !part.is_empty());
        seen.join(", ")
    }
}

impl Condition {
    /// The facts that the rule names with their values: `orders_12m = 3, revenue_12m = 120000.00`.
    #[must_use]
    pub fn seen(&self, facts: &Facts, today: NaiveDate) -> String {
        let parts: Vec<_> =
            self.named(facts, today).map(|(name, value)| sentence(name, &value)).collect();
        parts.join(", ")
    }
}

impl Top {
    fn is_within(&self, wider: &Self) -> bool {
        let fewer = match (self.share, wider.share) {
            (Share::Count(own), Share::Count(wider)) => own <= wider,
            (Share::Percent(own), Share::Percent(wider)) => own <= wider,
            _ => false,
        };
        fewer && self.by == wider.by && self.per_rep == wider.per_rep
    }

    /// The rule in the words of the configuration: `top = { percent = 10, by = "revenue_12m" }`.
    #[must_use]
    pub fn rule(&self) -> String {
        let share = match self.share {
            Share::Count(count) => format!("count = {count}"),
            Share::Percent(percent) => format!("percent = {percent}"),
        };
        let per = if self.per_rep { ", per = \"rep\"" } else { "" };
        format!("top = {{ {share}{per}, by = \"{}\" }}", self.by.name)
    }
}

fn sentence(name: &str, value: &FactValue<'_>) -> String {
    match value {
        FactValue::Number(number) => format!("{name} = {number:.2}"),
        FactValue::Whole(number) => format!("{name} = {number}"),
        FactValue::Text(text) => format!("{name} = \"{text}\""),
        FactValue::YesNo(yes) => format!("{name} = {yes}"),
    }
}

#[cfg(test)]
mod tests;
