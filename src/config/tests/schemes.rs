//! Every row of the schemes that ship, with facts that lead to it.
use chrono::NaiveDate;

use super::*;
use crate::domain::{Facts, Population, Subject};

/// The tier in `scheme` of a contact with these facts, whose account is nobody's top.
fn tier_of(scheme: &str, facts: &Facts) -> String {
    let rules = Folder::new().parse(&Files::embedded()).unwrap().rules;
    let scheme = rules.schemes.iter().find(|known| known.key == scheme).unwrap();
    let population = Population::default();
    let today = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
    let subject = Subject { facts, account: None, population: &population, today };
    scheme.tiers[scheme.classify(&subject)].key.clone()
}

#[test]
fn whoever_buys_much_or_decides_much_has_priority_and_whoever_buys_at_all_is_general() {
    let tier = |facts: Facts| tier_of("priority", &facts);
    assert_eq!(tier(Facts { revenue_12m: 100_000.0, ..Facts::default() }), "priority");
    let key_person = Facts { level: Some(1), potential: 200_000.0, ..Facts::default() };
    assert_eq!(tier(key_person), "priority");
    assert_eq!(tier(Facts { orders_12m: 1, revenue_12m: 10.0, ..Facts::default() }), "general");
    let under_contract =
        Facts { contract_ends_on: NaiveDate::from_ymd_opt(2027, 1, 1), ..Facts::default() };
    assert_eq!(tier(under_contract), "general");
    assert_eq!(tier(Facts { potential: 20_000.0, ..Facts::default() }), "general");
    assert_eq!(tier(Facts::default()), "last");
}

#[test]
fn readiness_is_need_money_authority_and_urgency() {
    let tier = |yes: &[&str]| {
        let attributes = yes.iter().map(|name| ((*name).to_owned(), "yes".to_owned()));
        tier_of("readiness", &Facts { attributes: attributes.collect(), ..Facts::default() })
    };
    assert_eq!(tier(&["has_need", "can_pay", "has_authority", "urgent"]), "bonus", "3S");
    assert_eq!(tier(&["has_need", "can_pay", "has_authority"]), "gold-mine", "2S");
    assert_eq!(tier(&["can_pay"]), "next-month", "1S: able to pay, no need yet");
    assert_eq!(tier(&["has_need"]), "next-quarter", "A: need, not yet able to pay");
    assert_eq!(tier(&[]), "burden", "B: none");
    assert_eq!(tier(&["urgent"]), "burden", "haste alone is no readiness");
}

#[test]
fn a_key_customer_is_red_white_or_black() {
    let tier = |facts: Facts| tier_of("face", &facts);
    let deals = |orders_12m, revenue_12m, profit_12m| Facts {
        revenue_12m,
        profit_12m,
        orders_12m,
        ..Facts::default()
    };
    assert_eq!(tier(deals(4, 80_000.0, 32_000.0)), "red", "high profit per deal, irregular");
    assert_eq!(tier(deals(24, 200_000.0, 16_000.0)), "white", "large volume, thin margin, steady");
    let name = Facts {
        attributes: [("reach".to_owned(), "yes".to_owned())].into(),
        ..deals(2, 3_000.0, 200.0)
    };
    assert_eq!(tier(name), "black", "little profit, but reach");
    assert_eq!(tier(deals(2, 3_000.0, 200.0)), "plain");
}
