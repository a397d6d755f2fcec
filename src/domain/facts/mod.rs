//! Named values about a contact and its account, which rules are written in.
mod list;

use std::collections::BTreeMap;

use chrono::NaiveDate;

pub use list::FACTS;
pub(in crate::domain) use list::NEVER_DAYS;

/// What is known of one contact and its account on one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Sum of the account's orders of the last 365 days, in the list's currency.
    pub revenue_12m: f64,
    /// The same of the 365 days before those.
    pub revenue_prev_12m: f64,
    /// Profit of the orders of the last 365 days.
    pub profit_12m: f64,
    /// Number of the same orders.
    pub orders_12m: i64,
    /// Number of all orders so far.
    pub order_count: i64,
    /// Day of the account's last order.
    pub last_order_on: Option<NaiveDate>,
    /// Day of the last delivery to the account.
    pub last_delivery_on: Option<NaiveDate>,
    /// Median of the days between orders; see [`typical_gap_days`].
    pub typical_gap_days: Option<i64>,
    /// Addressable volume of the account a year, in the list's currency.
    pub potential: f64,
    /// First day of the cooperation.
    pub cooperation_since: Option<NaiveDate>,
    /// Last day of the contract that ends last.
    pub contract_ends_on: Option<NaiveDate>,
    /// Level of the key person, 1 (highest) to 5.
    pub level: Option<u8>,
    /// Country of the contact, else of the account; empty if unknown.
    pub country: String,
    /// Language of the contact; empty if unknown.
    pub locale: String,
    /// Line of business of the account; empty if unknown.
    pub industry: String,
    /// Address of the rep who owns the account; empty if there is none.
    pub rep: String,
    /// Mails sent to the contact in the last 90 days.
    pub mails_90d: i64,
    /// Links followed for the first time in the last 365 days.
    pub clicks_365d: i64,
    /// Day on which the contact last did something that only a person does.
    pub last_human_on: Option<NaiveDate>,
    /// The contact's own interval in days, if behaviour has moved it.
    pub interval_days: Option<f64>,
    /// Percentiles of the account by revenue, by profit and by potential, 0 to 100 each.
    pub percentiles: [u8; 3],
    /// Columns of the imported files that have no meaning of their own; the account's under the
    /// contact's.
    pub attributes: BTreeMap<String, String>,
}

/// The kind of value that a fact has in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactType {
    /// A number with a fraction.
    Number,
    /// A whole number.
    Whole,
    /// A text.
    Text,
    /// Yes or no.
    YesNo,
}

/// What a fact is worked out from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactSource {
    /// The account, its orders and contracts, and attributes.
    Account,
    /// The days of all orders of the account.
    Gaps,
    /// The place of the account among all.
    Rank,
    /// The contact alone.
    Contact,
    /// The mails to the contact.
    Mails,
    /// What the contact followed.
    Clicks,
}

impl FactSource {
    /// Whether it is the same for everybody of an account, so that accounts can be ranked by it.
    #[must_use]
    pub const fn is_of_account(self) -> bool {
        matches!(self, Self::Account | Self::Gaps | Self::Rank)
    }
}

/// One fact as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct FactInfo {
    /// Name in rules.
    pub name: &'static str,
    /// Kind of value.
    pub kind: FactType,
    /// What it is worked out from.
    pub source: FactSource,
    /// Meaning and unit.
    pub meaning: &'static str,
    read: list::Read,
}

impl FactInfo {
    /// The value of this fact as of `today`.
    #[must_use]
    pub fn read<'a>(&self, facts: &'a Facts, today: NaiveDate) -> FactValue<'a> {
        self.read.value(facts, today)
    }
}

impl PartialEq for FactInfo {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FactInfo {}

/// A fact's value.
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue<'a> {
    /// See [`FactType::Number`].
    Number(f64),
    /// See [`FactType::Whole`].
    Whole(i64),
    /// See [`FactType::Text`].
    Text(&'a str),
    /// See [`FactType::YesNo`].
    YesNo(bool),
}

impl FactValue<'_> {
    /// The number, if it is one.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "days and counts stay far below 2^53")]
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Whole(number) => Some(*number as f64),
            Self::Text(_) | Self::YesNo(_) => None,
        }
    }
}

/// The facts that cost a query of their own, and whether rules name them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WantedFacts {
    /// See [`FactSource::Gaps`].
    pub gaps: bool,
    /// See [`FactSource::Mails`].
    pub mails: bool,
    /// See [`FactSource::Clicks`].
    pub clicks: bool,
}

impl WantedFacts {
    /// What these facts are worked out from.
    #[must_use]
    pub fn of(facts: impl Iterator<Item = &'static FactInfo>) -> Self {
        facts.fold(Self::default(), |wanted, fact| Self {
            gaps: wanted.gaps || fact.source == FactSource::Gaps,
            mails: wanted.mails || fact.source == FactSource::Mails,
            clicks: wanted.clicks || fact.source == FactSource::Clicks,
        })
    }
}

/// The median of the days between orders, of the lower two if there are two in the middle. Orders of
/// one day count once; with orders on fewer than three days there is no typical gap.
#[must_use]
pub fn typical_gap_days(mut days: Vec<NaiveDate>) -> Option<i64> {
    days.sort_unstable();
    days.dedup();
    if days.len() < 3 {
        return None;
    }
    let mut gaps: Vec<_> = days.windows(2).map(|pair| (pair[1] - pair[0]).num_days()).collect();
    gaps.sort_unstable();
    gaps.get((gaps.len() - 1) / 2).copied()
}

impl Facts {
    /// The value of the fact called `name` as of `today`, or `None` if there is no such fact.
    #[must_use]
    pub fn value(&self, name: &str, today: NaiveDate) -> Option<FactValue<'_>> {
        Some(FACTS.iter().find(|fact| fact.name == name)?.read(self, today))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typical_gap_needs_orders_on_three_days_and_forgives_one_long_pause() {
        let days = |days: &[u32]| {
            let day = |day: &u32| NaiveDate::from_ymd_opt(2026, 9, *day).unwrap();
            typical_gap_days(days.iter().map(day).collect())
        };
        assert_eq!(days(&[]), None);
        assert_eq!(days(&[1, 8, 8, 8]), None);
        assert_eq!(days(&[8, 1, 15]), Some(7));
        assert_eq!(days(&[1, 3, 5, 7, 30]), Some(2));
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        let today = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
        for name in ["margin_12m", "profit_per_order_12m", "share_of_wallet"] {
            let value = Facts { revenue_12m: 0.0, ..Facts::default() };
            assert_eq!(value.value(name, today), Some(FactValue::Number(0.0)), "{name}");
        }
    }
}
