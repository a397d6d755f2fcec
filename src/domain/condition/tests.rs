use super::{
    limits::{MAX_BYTES, MAX_DEPTH},
    *,
};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, 25).unwrap()
}

fn holds(rule: &str, facts: &Facts) -> bool {
    Condition::compile(rule)
        .unwrap_or_else(|error| panic!("{rule}: {error:?}"))
        .holds(facts, today())
}

/// Line, column and message.
fn complaint(rule: &str) -> (usize, usize, String) {
    let error = Condition::compile(rule).expect_err(rule);
    (error.line, error.column, error.message)
}

fn seated(seats: &str) -> Facts {
    let attributes =
        [("seats".to_owned(), seats.to_owned()), ("culture".to_owned(), "CN".to_owned())];
    Facts { attributes: attributes.into(), ..Facts::default() }
}

#[test]
fn whole_numbers_and_fractions_compare_with_one_another() {
    let facts = Facts { revenue_12m: 100_000.0, level: Some(2), ..Facts::default() };
    assert!(holds("revenue_12m >= 100000 && key_person_level <= 2", &facts));
    assert!(!holds("revenue_12m > 100000", &facts));
    assert!(holds("revenue_12m / 2 == 50000.0 && 7 / 2 == 3 && 7 / 2.0 == 3.5", &facts));
    assert!(holds("100000 <= revenue_12m && -1 < 0 && 7 % 2 == 1", &facts));
}

#[test]
fn texts_lists_and_yes_or_no_facts_can_be_used() {
    let mut facts = Facts { country: "CN".into(), ..Facts::default() };
    facts.attributes.insert("has_need".into(), "Yes".into());
    assert!(holds("country in ['CN', 'SG'] && has_need && !urgent", &facts));
    assert!(holds("industry == '' || industry.startsWith('mach')", &facts));
    assert!(holds("lower(country) + '!' == 'cn!' && size(country) == 2", &facts));
    assert!(holds("country.endsWith('N') && country.contains('C') && has_need != urgent", &facts));
    assert!(holds("has_need ? orders_12m == 0 : urgent", &facts));
}

#[test]
fn an_attribute_that_is_missing_is_an_empty_text_and_the_number_zero() {
    for rule in [
        "attr('culture') == 'CN' && attributes['culture'] == 'CN' && attributes.culture == 'CN'",
        "attribute_number('seats') > 50 && has(attributes.seats)",
    ] {
        assert!(holds(rule, &seated(" 50.5 ")), "{rule}");
        assert!(!holds(rule, &Facts::default()), "{rule}");
    }
    assert!(holds("attr('culture') == '' && attribute_number('seats') == 0", &Facts::default()));
    assert!(holds("attribute_number('seats') == 0", &seated("many")));
}

#[test]
fn the_day_can_be_asked_for() {
    let facts = Facts::default();
    assert!(holds("month() == 9 && days_since('2026-09-24') == 1", &facts));
    assert_eq!(complaint("days_since('2026-02-30') > 1").1, 12);
}

#[test]
fn a_mistake_is_told_with_its_place_wherever_it_is() {
    assert_eq!(
        complaint("orders_12m > 3 &&\n revenu_12m > 5"),
        (2, 2, "there is no fact `revenu_12m`, did you mean `revenue_12m`?".into())
    );
    assert_eq!(
        complaint("orders_12m > 0 && country > 5"),
        (1, 27, "expected two numbers or two texts to compare, found a text and a number".into())
    );
    assert_eq!(
        complaint("orders_12m > 0 || industry == '机械' && orders_12m"),
        (1, 39, "expected yes or no beside `&&`, found a number".into())
    );
    assert_eq!(
        complaint("revenue_12m + country > 5"),
        (1, 15, "expected a number after `+`, found a text".into())
    );
    assert_eq!(
        complaint("country.startWith('C')").2,
        "there is no function `startWith`, did you mean `startsWith`?"
    );
    assert_eq!(complaint("month(1) > 2").2, "`month` does not take 1 values");
    assert_eq!(complaint("orders_12m in ['a']").1, 16);
}

#[test]
fn a_rule_must_come_to_yes_or_no() {
    let number = complaint("revenue_12m + 1.0").2;
    assert!(number.contains("yes or no, found one that comes to a number"), "{number}");
    for rule in [
        "revenue_12m >=",
        "",
        "country",
        "[1]",
        "{1: 2} == {1: 2}",
        "null == null",
        "a.b == 1",
        "['CN'].exists(c, c == country)",
        "9007199254740993 > revenue_12m",
        "attr(country) == ''",
    ] {
        assert!(Condition::compile(rule).is_err(), "{rule}");
    }
}

#[test]
fn a_rule_that_divides_by_nothing_does_not_hold_unless_the_rest_decides() {
    let facts = Facts { orders_12m: 20, ..Facts::default() };
    assert!(!holds("orders_12m == 0 || 10 / orders_12m > 1", &facts));
    assert!(!holds("10 / orders_12m > 1", &Facts::default()));
    assert!(!holds("!(10 / orders_12m > 1)", &Facts::default()));
    assert!(holds("10 / orders_12m > 1 || orders_12m == 0", &Facts::default()));
}

#[test]
fn a_margin_loosens_comparisons_of_numbers_whichever_way_they_are_written() {
    let facts = Facts { revenue_12m: 91_000.0, orders_12m: 11, ..Facts::default() };
    for (rule, expected) in [
        ("revenue_12m >= 100000", true),
        ("100000 <= revenue_12m", true),
        ("!(revenue_12m < 100000)", true),
        ("revenue_12m > 102000", false),
        ("orders_12m <= 10", true),
        ("orders_12m < 10", false),
        ("orders_12m == 10", false),
        ("revenue_12m >= 100000 && orders_12m <= 10", true),
    ] {
        let condition = Condition::compile(rule).unwrap();
        assert!(!condition.holds(&facts, today()), "{rule}");
        assert_eq!(condition.nearly_holds(&facts, today(), 0.1), expected, "{rule}");
    }
}

#[test]
fn what_is_the_same_for_everybody_is_known_from_the_text() {
    for (rule, expected) in [
        ("true", Some(true)),
        ("1 < 2 && !false", Some(true)),
        ("orders_12m > 0 || true", Some(true)),
        ("orders_12m > 0 && 1 > 2", Some(false)),
        ("orders_12m > 0 || false", None),
    ] {
        assert_eq!(Condition::compile(rule).unwrap().constant(), expected, "{rule}");
    }
}

#[test]
fn a_rule_that_asks_for_more_is_within_one_that_asks_for_less() {
    for (narrow, wide, expected) in [
        ("has_need", "has_need", true),
        ("revenue_12m > 5", "5 < revenue_12m", true),
        ("revenue_12m >= 10", "revenue_12m > 5", true),
        ("revenue_12m > 5", "revenue_12m >= 5", true),
        ("revenue_12m >= 5", "revenue_12m > 5", false),
        ("revenue_12m == 7", "revenue_12m > 5", true),
        ("orders_12m <= 3", "orders_12m < 4", true),
        ("urgent && has_need", "has_need && urgent", true),
        ("has_need", "has_need && urgent", false),
        ("has_need", "urgent || has_need", true),
        ("has_need || urgent", "urgent || can_pay || has_need", true),
        ("has_need || urgent", "urgent", false),
        ("has_need && (urgent || can_pay)", "urgent || can_pay", true),
    ] {
        let [narrow, wide] = [narrow, wide].map(|rule| Condition::compile(rule).unwrap());
        assert_eq!(narrow.is_within(&wide), expected, "{} in {}", narrow.source(), wide.source());
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_refused_before_it_is_parsed() {
    let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(complaint(&nested(MAX_DEPTH + 1)).2.contains("brackets"));
    assert!(complaint(&nested(100_000)).2.contains("bytes"));
    assert!(complaint(&"-".repeat(MAX_BYTES)).2.contains("operators"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_compiler_panic(text in "\\PC{0,60}") {
        let _ = Condition::compile(&text);
    }

    #[test]
    fn a_margin_of_nothing_changes_nothing(revenue in -1e6..1e6_f64, bound in -1000..1000_i32) {
        let condition = Condition::compile(&format!("revenue_12m > {bound}")).unwrap();
        let facts = Facts { revenue_12m: revenue, ..Facts::default() };
        proptest::prop_assert_eq!(condition.holds(&facts, today()), revenue > f64::from(bound));
    }
}
