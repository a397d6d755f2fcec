use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::{FACTS, Survey};

fn tier(key: &str, when: Option<&str>, top: Option<Top>) -> Tier {
    Tier {
        key: key.into(),
        when: when.map(|rule| Condition::compile(rule).unwrap()),
        top,
        place: Place::default(),
    }
}

fn priority(dwell: u32, margin_percent: u8) -> Scheme {
    let tiers = vec![
        tier("priority", Some("revenue_12m >= 100000"), None),
        tier("general", Some("orders_12m > 0"), None),
        tier("last", None, None),
    ];
    Scheme { key: "priority".into(), tiers, dwell: Span::days(dwell), margin_percent }
}

fn tops(share: Share, per_rep: bool, margin_percent: u8) -> Scheme {
    let by = FACTS.iter().find(|fact| fact.name == "revenue_12m").unwrap();
    let top = Top { by, share, per_rep };
    let tiers = vec![tier("top", Some("country != 'DE'"), Some(top)), tier("rest", None, None)];
    Scheme { key: "value".into(), tiers, dwell: Span::days(0), margin_percent }
}

fn day(day: i64) -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + chrono::TimeDelta::days(day)
}

fn worth(revenue_12m: f64) -> Facts {
    Facts { revenue_12m, orders_12m: i64::from(revenue_12m > 0.0), ..Facts::default() }
}

/// Where somebody with `revenue` stands on a day who stood at `stood`.
fn settled(scheme: &Scheme, stood: Option<Standing>, revenue: f64, at: i64) -> Option<Standing> {
    let (facts, population) = (worth(revenue), Population::default());
    let today = day(at).date_naive();
    let subject = Subject { facts: &facts, account: None, population: &population, today };
    scheme.settle(stood.as_ref(), &subject, day(at)).or(stood)
}

/// The tiers in which somebody is whose revenue is one of `revenues` each day.
fn walk(scheme: &Scheme, revenues: &[f64]) -> Vec<String> {
    let mut stood = None;
    let days = revenues.iter().zip(0..).map(|(revenue, at)| {
        stood = settled(scheme, stood.take(), *revenue, at);
        stood.as_ref().unwrap().tier.clone()
    });
    days.collect()
}

#[test]
fn the_first_tier_that_fits_is_taken_with_the_values_that_were_seen() {
    let scheme = priority(0, 0);
    let stands = settled(&scheme, None, 120_000.0, 0).unwrap();
    assert_eq!((stands.tier.as_str(), stands.since), ("priority", day(0)));
    assert_eq!(stands.reason, "revenue_12m = 120000.00");
    assert_eq!(
        scheme.tiers[0].reason(&stands.reason),
        "revenue_12m >= 100000 (revenue_12m = 120000.00)"
    );
    let last = settled(&scheme, None, 0.0, 0).unwrap();
    assert_eq!((last.tier.as_str(), last.reason.as_str()), ("last", ""));
}

#[test]
fn a_tier_is_left_at_once_without_dwell_time_and_margin() {
    assert_eq!(walk(&priority(0, 0), &[1e5, 99_999.0, 1e5]), ["priority", "general", "priority"]);
}

#[test]
fn a_tier_is_not_left_for_a_worse_one_before_its_dwell_time_is_over() {
    let dwelling = walk(&priority(3, 0), &[1e5, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(dwelling, ["priority", "priority", "priority", "last", "last"]);
    assert_eq!(walk(&priority(3, 0), &[0.0, 1.0, 1e5]), ["last", "general", "priority"]);
}

#[test]
fn a_tier_is_kept_within_the_margin_and_entered_without_it() {
    let walked = walk(&priority(0, 10), &[95_000.0, 1e5, 90_000.0, 89_999.0, 95_000.0]);
    assert_eq!(walked, ["general", "priority", "priority", "general", "general"]);
}

#[test]
fn a_tier_that_the_rules_do_not_have_any_more_is_left() {
    let gone = Standing {
        scheme: "priority".into(),
        tier: "gone".into(),
        since: day(0),
        reason: String::new(),
    };
    assert_eq!(settled(&priority(90, 50), Some(gone), 0.0, 1).unwrap().tier, "last");
}

fn surveyed(scheme: Scheme, accounts: &[Facts]) -> (Vec<Scheme>, Population) {
    let schemes = vec![scheme];
    let mut survey = Survey::new(&schemes, Population::default());
    for (facts, id) in accounts.iter().zip(1..) {
        survey.add(AccountId(id), facts, day(0).date_naive());
    }
    let population = survey.finish();
    (schemes, population)
}

/// Which accounts are in the first tier, by their ids from 1.
fn at_top(scheme: Scheme, accounts: &[Facts]) -> Vec<i64> {
    let (schemes, population) = surveyed(scheme, accounts);
    let in_top = |(facts, id): (&Facts, i64)| {
        let account = Some(AccountId(id));
        let today = day(0).date_naive();
        let subject = Subject { facts, account, population: &population, today };
        (schemes[0].classify(&subject) == 0).then_some(id)
    };
    accounts.iter().zip(1..).filter_map(in_top).collect()
}

#[test]
fn the_top_is_of_those_who_fit_the_rule_and_a_tie_is_broken_by_the_id() {
    let german = Facts { country: "DE".into(), ..worth(900.0) };
    let accounts = [worth(5.0), german, worth(7.0), worth(5.0), worth(0.0)];
    assert_eq!(at_top(tops(Share::Count(2), false, 0), &accounts), [1, 3]);
    assert_eq!(at_top(tops(Share::Count(9), false, 0), &accounts), [1, 3, 4]);
    assert_eq!(at_top(tops(Share::Percent(34), false, 0), &accounts), [1, 3]);
    assert_eq!(at_top(tops(Share::Percent(1), false, 0), &accounts), [3]);
}

#[test]
fn each_rep_has_a_top_and_nobodys_accounts_have_none() {
    let of = |rep: &str, revenue| Facts { rep: rep.into(), ..worth(revenue) };
    let accounts = [of("ada", 1.0), of("ada", 2.0), of("bob", 1.0), of("", 9.0)];
    assert_eq!(at_top(tops(Share::Count(1), true, 0), &accounts), [2, 3]);
}

#[test]
fn whoever_is_at_the_top_keeps_a_place_within_the_margin() {
    let accounts: Vec<_> = (0..40_i32).map(|worse| worth(f64::from(100 - worse))).collect();
    let (schemes, population) = surveyed(tops(Share::Count(20), false, 10), &accounts);
    let stands = |place: i64, tier: &str| {
        let account = Some(AccountId(place));
        let facts = &accounts[usize::try_from(place - 1).unwrap()];
        let subject =
            Subject { facts, account, population: &population, today: day(0).date_naive() };
        let (scheme, tier, reason) = ("value".to_owned(), tier.to_owned(), String::new());
        let stood = Standing { scheme, tier, since: day(0), reason };
        schemes[0].settle(Some(&stood), &subject, day(1)).map_or(stood.tier, |fresh| fresh.tier)
    };
    assert_eq!([stands(20, "rest"), stands(21, "rest")], ["top", "rest"]);
    assert_eq!([stands(22, "top"), stands(23, "top")], ["top", "rest"]);
}

#[test]
fn a_top_says_which_value_was_enough() {
    let accounts = [worth(5.0), worth(7.0)];
    let (schemes, population) = surveyed(tops(Share::Percent(50), false, 0), &accounts);
    let today = day(0).date_naive();
    let account = Some(AccountId(2));
    let subject = Subject { facts: &accounts[1], account, population: &population, today };
    let stands = schemes[0].settle(None, &subject, day(0)).unwrap();
    assert_eq!(stands.reason, "country = \"\", revenue_12m = 7.00 ≥ 7.00");
    assert_eq!(
        schemes[0].tiers[0].rule().unwrap(),
        "country != 'DE', top = { percent = 50, by = \"revenue_12m\" }"
    );
}

#[test]
fn a_tier_is_within_one_that_asks_for_less() {
    let one = |when, share| tops_tier(when, share);
    assert!(one(None, Some(3)).is_within(&one(None, Some(5))));
    assert!(!one(None, Some(5)).is_within(&one(None, Some(3))));
    assert!(!one(Some("urgent"), Some(3)).is_within(&one(None, Some(5))));
    assert!(one(Some("urgent && has_need"), Some(3)).is_within(&one(Some("urgent"), None)));
    assert!(!one(Some("urgent"), None).is_within(&one(Some("urgent"), Some(3))));
}

fn tops_tier(when: Option<&str>, count: Option<u32>) -> Tier {
    let by = &FACTS[0];
    tier("t", when, count.map(|count| Top { by, share: Share::Count(count), per_rep: false }))
}

proptest! {
    #[test]
    fn nobody_flaps(revenues in prop::collection::vec(90_001.0..110_000.0_f64, 1..40)) {
        let walked = walk(&priority(0, 10), &revenues);
        let moves = walked.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert!(moves <= 1, "{walked:?}");
    }

    #[test]
    fn the_order_of_the_accounts_does_not_matter(
        values in prop::collection::vec(0..6_u8, 1..30), percent in 1..=100_u8, turn in 0..30_usize,
    ) {
        let accounts: BTreeMap<i64, f64> =
            values.iter().zip(1..).map(|(value, id)| (id, f64::from(*value))).collect();
        let mut list: Vec<_> = accounts.iter().map(|(id, value)| (*value, AccountId(*id))).collect();
        let share = Share::Percent(percent);
        let straight = crate::domain::bar(list.clone(), share, 0.1);
        let middle = turn % list.len();
        list.rotate_left(middle);
        list.reverse();
        prop_assert_eq!(straight, crate::domain::bar(list, share, 0.1));

        let competing = values.iter().filter(|value| **value > 0).count();
        let admitted = |last: fn(&crate::domain::Bar) -> crate::domain::LastPlace| {
            let inside = |bar| accounts.iter().filter(|(id, value)| {
                **value > 0.0 && last(bar).admits(**value, AccountId(**id))
            }).count();
            straight.as_ref().map_or(0, inside)
        };
        let expected = (competing * usize::from(percent)).div_ceil(100);
        prop_assert_eq!(admitted(|bar| bar.last), expected, "exactly so many, rounded up");
        prop_assert!(admitted(|bar| bar.keeps) >= expected);
    }
}
