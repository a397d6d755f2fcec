//! Every fact that a rule may name, with its meaning and how it is read.
use chrono::NaiveDate;

use super::{FactInfo, FactSource, FactType, FactValue, Facts};
use FactSource::{Account, Clicks, Contact, Gaps, Mails, Rank};
use FactType::{Number, Text, Whole, YesNo};

/// Every fact that a rule may name, in the order of the reference.
pub const FACTS: &[FactInfo] = &[
    number(
        "revenue_12m",
        Account,
        "orders of the last 365 days, in the list's currency",
        |facts, _| facts.revenue_12m,
    ),
    number("revenue_prev_12m", Account, "orders of the 365 days before those", |facts, _| {
        facts.revenue_prev_12m
    }),
    number("profit_12m", Account, "profit of the orders of the last 365 days", |facts, _| {
        facts.profit_12m
    }),
    number(
        "margin_12m",
        Account,
        "profit_12m / revenue_12m; 0 if there was no revenue",
        |facts, _| share(facts.profit_12m, facts.revenue_12m),
    ),
    whole("orders_12m", Account, "number of orders of the last 365 days", |facts, _| {
        facts.orders_12m
    }),
    number(
        "profit_per_order_12m",
        Account,
        "profit_12m / orders_12m; 0 if there was no order",
        |facts, _| share(facts.profit_12m, count(facts.orders_12m)),
    ),
    whole("order_count", Account, "number of all orders so far", |facts, _| facts.order_count),
    whole(
        "days_since_order",
        Account,
        "days since the last order; 100000 if there is none",
        |facts, today| days_since(facts.last_order_on, today),
    ),
    whole(
        "days_since_delivery",
        Account,
        "days since the last delivery; 100000 if there is none",
        |facts, today| days_since(facts.last_delivery_on, today),
    ),
    whole(
        "typical_gap_days",
        Gaps,
        "median of the days between orders; 100000 with orders on fewer than three days",
        |facts, _| facts.typical_gap_days.unwrap_or(NEVER_DAYS),
    ),
    number(
        "potential",
        Account,
        "what the account could buy in a year; 0 if unknown",
        |facts, _| facts.potential,
    ),
    number(
        "share_of_wallet",
        Account,
        "revenue_12m / potential; 0 if potential is unknown",
        |facts, _| share(facts.revenue_12m, facts.potential),
    ),
    number("growth_gap", Account, "potential − revenue_12m, not below 0", |facts, _| {
        (facts.potential - facts.revenue_12m).max(0.0)
    }),
    number(
        "revenue_percentile",
        Rank,
        "share of the accounts with revenue that have no more of it, 0 to 100; 0 without revenue",
        |facts, _| facts.percentiles[0].into(),
    ),
    number("profit_percentile", Rank, "the same by profit_12m", |facts, _| {
        facts.percentiles[1].into()
    }),
    number("potential_percentile", Rank, "the same by potential", |facts, _| {
        facts.percentiles[2].into()
    }),
    whole(
        "cooperation_years",
        Account,
        "full years since the cooperation began; 0 if unknown",
        |facts, today| {
            let years = facts.cooperation_since.and_then(|since| today.years_since(since));
            years.map_or(0, i64::from)
        },
    ),
    whole(
        "contract_days_left",
        Account,
        "days until the last contract ends; −100000 if there is none",
        |facts, today| facts.contract_ends_on.map_or(-NEVER_DAYS, |day| (day - today).num_days()),
    ),
    whole("key_person_level", Contact, "1 (highest) to 5; 6 if unknown", |facts, _| {
        facts.level.map_or(UNKNOWN_LEVEL, i64::from)
    }),
    whole("mails_90d", Mails, "mails sent to the contact in the last 90 days", |facts, _| {
        facts.mails_90d
    }),
    whole(
        "clicks_365d",
        Clicks,
        "links that the contact followed for the first time in the last 365 days",
        |facts, _| facts.clicks_365d,
    ),
    whole(
        "last_human_days",
        Contact,
        "days since the contact did something that only a person does, such as a click; 100000 if never",
        |facts, today| days_since(facts.last_human_on, today),
    ),
    number(
        "interval_days",
        Contact,
        "the contact's own interval in days; 0 if behaviour has not moved it yet",
        |facts, _| facts.interval_days.unwrap_or(0.0),
    ),
    text("country", Account, "country, two capital letters; empty if unknown", |facts| {
        &facts.country
    }),
    text("locale", Contact, "language tag, such as zh-CN; empty if unknown", |facts| &facts.locale),
    text("industry", Account, "line of business; empty if unknown", |facts| &facts.industry),
    text("rep", Account, "address of the account's rep; empty if there is none", |facts| {
        &facts.rep
    }),
    yes_no("has_need", "attribute has_need is yes", |facts, _| says_yes(facts, "has_need")),
    yes_no("can_pay", "attribute can_pay is yes", |facts, _| says_yes(facts, "can_pay")),
    yes_no("has_authority", "attribute has_authority is yes", |facts, _| {
        says_yes(facts, "has_authority")
    }),
    yes_no("urgent", "attribute urgent is yes", |facts, _| says_yes(facts, "urgent")),
];

/// Days that stand for "never" in facts that count days: past any threshold that somebody would
/// write, and still a whole number to compare with.
pub(in crate::domain) const NEVER_DAYS: i64 = 100_000;

/// The level that stands for "unknown": below the lowest real one.
const UNKNOWN_LEVEL: i64 = 6;

/// How a value is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Read {
    Number(fn(&Facts, NaiveDate) -> f64),
    Whole(fn(&Facts, NaiveDate) -> i64),
    Text(fn(&Facts) -> &str),
    YesNo(fn(&Facts, NaiveDate) -> bool),
}

impl Read {
    pub(super) fn value(self, facts: &Facts, today: NaiveDate) -> FactValue<'_> {
        match self {
            Self::Number(read) => FactValue::Number(read(facts, today)),
            Self::Whole(read) => FactValue::Whole(read(facts, today)),
            Self::Text(read) => FactValue::Text(read(facts)),
            Self::YesNo(read) => FactValue::YesNo(read(facts, today)),
        }
    }
}

const fn number(
    name: &'static str,
    source: FactSource,
    meaning: &'static str,
    read: fn(&Facts, NaiveDate) -> f64,
) -> FactInfo {
    FactInfo { name, kind: Number, source, meaning, read: Read::Number(read) }
}

const fn whole(
    name: &'static str,
    source: FactSource,
    meaning: &'static str,
    read: fn(&Facts, NaiveDate) -> i64,
) -> FactInfo {
    FactInfo { name, kind: Whole, source, meaning, read: Read::Whole(read) }
}

const fn text(
    name: &'static str,
    source: FactSource,
    meaning: &'static str,
    read: fn(&Facts) -> &str,
) -> FactInfo {
    FactInfo { name, kind: Text, source, meaning, read: Read::Text(read) }
}

const fn yes_no(
    name: &'static str,
    meaning: &'static str,
    read: fn(&Facts, NaiveDate) -> bool,
) -> FactInfo {
    FactInfo { name, kind: YesNo, source: Account, meaning, read: Read::YesNo(read) }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of orders stay far below 2^53")]
const fn count(orders: i64) -> f64 {
    orders as f64
}

fn days_since(day: Option<NaiveDate>, today: NaiveDate) -> i64 {
    day.map_or(NEVER_DAYS, |day| (today - day).num_days())
}

fn says_yes(facts: &Facts, attribute: &str) -> bool {
    facts.attributes.get(attribute).is_some_and(|text| {
        matches!(text.to_lowercase().as_str(), "yes" | "y" | "true" | "1" | "是")
    })
}
