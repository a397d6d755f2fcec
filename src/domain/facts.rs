//! Named values about a contact and its account, which rules are written in.
use std::collections::BTreeMap;

use chrono::NaiveDate;

/// What is known of one contact and its account on one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Sum of the account's orders of the last 365 days, in the list's currency.
    pub revenue_12m: f64,
    /// Profit of the same orders.
    pub profit_12m: f64,
    /// Number of the same orders.
    pub orders_12m: i64,
    /// Day of the account's last order.
    pub last_order_on: Option<NaiveDate>,
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

/// One fact as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct FactInfo {
    /// Name in rules.
    pub name: &'static str,
    /// Kind of value.
    pub kind: FactType,
    /// Meaning and unit.
    pub meaning: &'static str,
}

/// Every fact that a rule may name, in the order of the reference.
pub const FACTS: &[FactInfo] = &[
    fact("revenue_12m", FactType::Number, "orders of the last 365 days, in the list's currency"),
    fact("profit_12m", FactType::Number, "profit of those orders"),
    fact("orders_12m", FactType::Whole, "number of those orders"),
    fact("days_since_order", FactType::Whole, "days since the last order; 100000 if there is none"),
    fact("potential", FactType::Number, "what the account could buy in a year; 0 if unknown"),
    fact("share_of_wallet", FactType::Number, "revenue_12m / potential; 0 if potential is unknown"),
    fact("growth_gap", FactType::Number, "potential − revenue_12m, not below 0"),
    fact(
        "cooperation_years",
        FactType::Whole,
        "full years since the cooperation began; 0 if unknown",
    ),
    fact(
        "contract_days_left",
        FactType::Whole,
        "days until the last contract ends; −100000 if there is none",
    ),
    fact("key_person_level", FactType::Whole, "1 (highest) to 5; 6 if unknown"),
    fact("country", FactType::Text, "country, two capital letters; empty if unknown"),
    fact("locale", FactType::Text, "language tag, such as zh-CN; empty if unknown"),
    fact("industry", FactType::Text, "line of business; empty if unknown"),
    fact("has_need", FactType::YesNo, "attribute has_need is yes"),
    fact("can_pay", FactType::YesNo, "attribute can_pay is yes"),
    fact("has_authority", FactType::YesNo, "attribute has_authority is yes"),
    fact("urgent", FactType::YesNo, "attribute urgent is yes"),
];

const fn fact(name: &'static str, kind: FactType, meaning: &'static str) -> FactInfo {
    FactInfo { name, kind, meaning }
}

/// Days that stand for "never" in `days_since_order` and `contract_days_left`: past any threshold
/// that somebody would write, and still a whole number to compare with.
const NEVER_DAYS: i64 = 100_000;

/// The level that stands for "unknown": below the lowest real one.
const UNKNOWN_LEVEL: i64 = 6;

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

impl Facts {
    /// The value of the fact called `name` as of `today`, or `None` if there is no such fact.
    #[must_use]
    pub fn value(&self, name: &str, today: NaiveDate) -> Option<FactValue<'_>> {
        use FactValue::{Number, Text, Whole, YesNo};
        Some(match name {
            "revenue_12m" => Number(self.revenue_12m),
            "profit_12m" => Number(self.profit_12m),
            "orders_12m" => Whole(self.orders_12m),
            "days_since_order" => {
                Whole(self.last_order_on.map_or(NEVER_DAYS, |day| (today - day).num_days()))
            }
            "potential" => Number(self.potential),
            "share_of_wallet" if self.potential > 0.0 => Number(self.revenue_12m / self.potential),
            "share_of_wallet" => Number(0.0),
            "growth_gap" => Number((self.potential - self.revenue_12m).max(0.0)),
            "cooperation_years" => {
                let years = self.cooperation_since.and_then(|since| today.years_since(since));
                Whole(years.map_or(0, i64::from))
            }
            "contract_days_left" => {
                Whole(self.contract_ends_on.map_or(-NEVER_DAYS, |day| (day - today).num_days()))
            }
            "key_person_level" => Whole(self.level.map_or(UNKNOWN_LEVEL, i64::from)),
            "country" => Text(&self.country),
            "locale" => Text(&self.locale),
            "industry" => Text(&self.industry),
            "has_need" | "can_pay" | "has_authority" | "urgent" => YesNo(self.says_yes(name)),
            _ => return None,
        })
    }

    fn says_yes(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|text| {
            matches!(text.to_lowercase().as_str(), "yes" | "y" | "true" | "1" | "是")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_fact_has_a_value_of_its_kind() {
        let facts = Facts::default();
        let today = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
        for info in FACTS {
            let kind = match facts.value(info.name, today).expect(info.name) {
                FactValue::Number(_) => FactType::Number,
                FactValue::Whole(_) => FactType::Whole,
                FactValue::Text(_) => FactType::Text,
                FactValue::YesNo(_) => FactType::YesNo,
            };
            assert_eq!(kind, info.kind, "{}", info.name);
        }
    }
}
