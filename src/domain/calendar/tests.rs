//! Claims about single days and their rules.
use proptest::prelude::*;

use super::*;
use crate::domain::{Meridian, SolarTerm};
use chrono::Weekday;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn holiday(rule: DayRule) -> Holiday {
    Holiday::new("x".into(), vec![(Locale::english(), "X".into())], rule)
}

#[test]
fn lunar_holidays_fall_on_their_published_days() {
    let spring = holiday(DayRule::lunar(1, 1));
    let autumn = holiday(DayRule::lunar(8, 15));
    for (year, spring_day, autumn_day) in [
        (2024, "2024-02-10", "2024-09-17"),
        (2025, "2025-01-29", "2025-10-06"),
        (2026, "2026-02-17", "2026-09-25"),
        (2027, "2027-02-06", "2027-09-15"),
    ] {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        assert_eq!(spring.next_on_or_after(first), Some(day(spring_day)));
        assert_eq!(autumn.next_on_or_after(first), Some(day(autumn_day)));
    }
}

#[test]
fn a_holiday_is_found_on_its_very_day_and_not_the_day_after() {
    let new_year = holiday(DayRule::Fixed { month: 1, day: 1 });
    assert_eq!(new_year.next_on_or_after(day("2026-01-01")), Some(day("2026-01-01")));
    assert_eq!(new_year.next_on_or_after(day("2026-01-02")), Some(day("2027-01-01")));
}

#[test]
fn a_leap_days_anniversary_is_the_28th_in_a_common_year() {
    assert_eq!(anniversary(day("2024-02-29"), 2026), Some(day("2026-02-28")));
    assert_eq!(anniversary(day("2024-02-29"), 2028), Some(day("2028-02-29")));
}

#[test]
fn a_name_missing_in_a_language_is_given_in_english() {
    let mut mid_autumn = holiday(DayRule::lunar(8, 15));
    mid_autumn.names.push(("zh".parse().unwrap(), "中秋节".into()));
    assert_eq!(mid_autumn.name(&"zh-CN".parse().unwrap()), "中秋节");
    assert_eq!(mid_autumn.name(&"de".parse().unwrap()), "X");
}

fn first(rule: &DayRule, year: i32) -> Option<NaiveDate> {
    rule.in_year(year).first().copied()
}

#[test]
fn easter_is_where_the_tables_have_it() {
    let table = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/easter.txt"));
    let mut count = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [year, western, orthodox] = line.split(' ').collect::<Vec<_>>()[..] else { panic!() };
        for (church, expected) in [(Church::Western, western), (Church::Orthodox, orthodox)] {
            let found = church.easter(year.parse().unwrap()).unwrap();
            assert_eq!(found.format("%Y %m%d").to_string(), format!("{year} {expected}"));
            count += 1;
        }
    }
    assert_eq!(count, 2 * 201);
}

#[test]
fn weekdays_are_counted_from_either_end_of_a_month() {
    let rule = |month, weekday, nth| DayRule::Weekday { month, weekday, nth };
    let thanksgiving = rule(11, Weekday::Thu, Nth::Number(4));
    assert_eq!(first(&thanksgiving, 2026), Some(day("2026-11-26")));
    let memorial_day = rule(5, Weekday::Mon, Nth::Last);
    assert_eq!(first(&memorial_day, 2026), Some(day("2026-05-25")));
    assert_eq!(first(&memorial_day, 2027), Some(day("2027-05-31")));
    let fifth_friday = rule(2, Weekday::Fri, Nth::Number(5));
    assert_eq!(first(&fifth_friday, 2026), None);
}

#[test]
fn a_weekday_near_a_day_may_be_the_day_itself() {
    let rule = |month, day, weekday, seek| DayRule::Near { month, day, weekday, seek };
    let victoria_day = rule(5, 24, Weekday::Mon, Seek::OnOrBefore);
    assert_eq!(first(&victoria_day, 2026), Some(day("2026-05-18")));
    assert_eq!(first(&victoria_day, 2027), Some(day("2027-05-24")));
    let advent = rule(11, 27, Weekday::Sun, Seek::OnOrAfter);
    assert_eq!(first(&advent, 2026), Some(day("2026-11-29")));
    assert_eq!(first(&advent, 2022), Some(day("2022-11-27")));
}

#[test]
fn a_day_that_a_year_does_not_have_is_left_out() {
    let leap_day = DayRule::Fixed { month: 2, day: 29 };
    assert_eq!(first(&leap_day, 2028), Some(day("2028-02-29")));
    assert_eq!(first(&leap_day, 2026), None);
    let leap_sixth =
        DayRule::Lunar(LunarDay { month: 6, leap: true, day: 1, meridian: Meridian::China });
    assert_eq!(first(&leap_sixth, 2025), Some(day("2025-07-25")));
    assert_eq!(first(&leap_sixth, 2026), None);
}

#[test]
fn the_last_day_of_a_lunar_year_is_the_one_before_the_next() {
    let (eve, spring) = (DayRule::lunar(12, 30), DayRule::lunar(1, 1));
    for year in 1901..2100 {
        let next = first(&spring, year + 1).unwrap();
        assert_eq!(first(&eve, year), next.pred_opt());
    }
}

#[test]
fn a_solar_term_goes_by_the_midnight_of_the_country_that_keeps_it() {
    let solstice = |meridian| DayRule::Term { term: "dongzhi".parse().unwrap(), meridian };
    // At 15:59:09 UTC, a minute before midnight in China.
    assert_eq!(first(&solstice(Meridian::China), 2021), Some(day("2021-12-21")));
    assert_eq!(first(&solstice(Meridian::Korea), 2021), Some(day("2021-12-22")));
}

#[test]
fn a_table_may_have_two_days_in_a_year_and_a_day_may_be_counted_from_it() {
    let eid = DayRule::Dates(vec![day("2033-01-02"), day("2033-12-23")]);
    let after = DayRule::After { rule: Box::new(eid.clone()), days: 1 };
    assert_eq!(eid.in_year(2033).len(), 2);
    assert_eq!(after.in_year(2033), [day("2033-01-03"), day("2033-12-24")]);
    assert_eq!(eid.in_year(2034), []);
    let mut holiday = holiday(eid);
    assert_eq!(holiday.next_on_or_after(day("2033-01-03")), Some(day("2033-12-23")));
    holiday.kept_in = vec!["SA".into()];
    assert_eq!(holiday.next_on_or_after(day("2034-01-01")), None);
}

#[test]
fn a_day_is_kept_by_those_on_either_list_and_by_all_without_lists() {
    let [chinese, english] = ["zh-CN", "en"].map(|tag| tag.parse::<Locale>().unwrap());
    let mut spring = holiday(DayRule::lunar(1, 1));
    assert!(spring.is_kept_by(&english, None));
    spring.kept_in = vec!["CN".into()];
    spring.kept_by = vec!["zh".parse().unwrap()];
    assert!(spring.is_kept_by(&english, Some("CN")));
    assert!(spring.is_kept_by(&chinese, Some("US")));
    assert!(!spring.is_kept_by(&english, Some("US")));
    assert!(!spring.is_kept_by(&english, None));
}

fn off(rule: DayRule) -> Holiday {
    let mut holiday = holiday(rule);
    holiday.off_in = vec!["XX".into()];
    holiday
}

fn observed(how: Observed) -> ObservedIn {
    ObservedIn { country: "XX".into(), how, holidays: Vec::new() }
}

#[test]
fn a_weekend_is_made_up_for_as_the_country_does() {
    // A Saturday and a Sunday.
    let holidays = [25, 26].map(|day| off(DayRule::Fixed { month: 12, day }));
    for (how, expected) in [
        (Observed::No, vec![]),
        (Observed::AfterSunday, vec![(27, 1)]),
        (Observed::AfterWeekend, vec![(27, 0), (28, 1)]),
        (Observed::Nearest, vec![(24, 0), (27, 1)]),
    ] {
        let days = DaysOff::new(&holidays, &[observed(how)], &[]);
        let found: Vec<_> = [20, 21, 22, 23, 24, 27, 28, 29, 30, 31]
            .into_iter()
            .filter_map(|day| {
                let date = NaiveDate::from_ymd_opt(2027, 12, day).unwrap();
                match days.of(Some("XX"), date)? {
                    DayStatus::Off(place) => Some((day, place)),
                    DayStatus::Working => None,
                }
            })
            .collect();
        assert_eq!(found, expected, "{how:?}");
    }
}

#[test]
fn a_row_that_names_a_day_goes_before_the_one_for_all_days() {
    let holidays = [off(DayRule::Fixed { month: 12, day: 26 })];
    let named = ObservedIn { holidays: vec![0], ..observed(Observed::No) };
    let days = DaysOff::new(&holidays, &[observed(Observed::AfterSunday), named], &[]);
    assert_eq!(days.of(Some("XX"), day("2027-12-26")), Some(DayStatus::Off(0)));
    assert_eq!(days.of(Some("XX"), day("2027-12-27")), None);
}

#[test]
fn what_is_announced_for_a_year_takes_the_place_of_the_rules() {
    let holidays = [off(DayRule::Fixed { month: 5, day: 1 })];
    let announced = OffYear {
        country: "XX".into(),
        year: 2026,
        off: vec![(0, day("2026-05-04"), day("2026-05-05"))],
        working: vec![day("2026-05-09")],
    };
    let days = DaysOff::new(&holidays, &[], &[announced]);
    let status = |text| days.of(Some("XX"), day(text));
    assert_eq!(status("2026-05-01"), None);
    assert_eq!(status("2026-05-05"), Some(DayStatus::Off(0)));
    assert_eq!(status("2026-05-06"), None);
    assert_eq!(status("2026-05-09"), Some(DayStatus::Working));
    assert_eq!(status("2027-05-01"), Some(DayStatus::Off(0)));
}

#[test]
fn nothing_is_off_where_the_country_has_no_days_or_is_not_known() {
    let days = DaysOff::new(&[off(DayRule::Fixed { month: 5, day: 1 })], &[], &[]);
    assert_eq!(days.of(Some("YY"), day("2026-05-01")), None);
    assert_eq!(days.of(None, day("2026-05-01")), None);
}

fn any_rule() -> impl Strategy<Value = DayRule> {
    let weekday = || (0..7_u8).prop_map(|number| Weekday::try_from(number).unwrap());
    let meridian =
        || prop_oneof![Just(Meridian::China), Just(Meridian::Korea), Just(Meridian::Vietnam)];
    let nth = prop_oneof![(1..=5_u8).prop_map(Nth::Number), Just(Nth::Last)];
    let seek = prop_oneof![Just(Seek::OnOrAfter), Just(Seek::OnOrBefore)];
    let church = prop_oneof![Just(Church::Western), Just(Church::Orthodox)];
    let term = (0..24_usize).prop_map(|place| SolarTerm::NAMES[place].parse().unwrap());
    let simple = prop_oneof![
        (1..=12_u8, 1..=31_u8).prop_map(|(month, day)| DayRule::Fixed { month, day }),
        (1..=12_u8, weekday(), nth).prop_map(|(month, weekday, nth)| DayRule::Weekday {
            month,
            weekday,
            nth
        }),
        (1..=12_u8, 1..=31_u8, weekday(), seek)
            .prop_map(|(month, day, weekday, seek)| DayRule::Near { month, day, weekday, seek }),
        (church, any::<i16>()).prop_map(|(church, days)| DayRule::Easter { church, days }),
        (1..=12_u8, any::<bool>(), 1..=30_u8, meridian()).prop_map(
            |(month, leap, day, meridian)| DayRule::Lunar(LunarDay { month, leap, day, meridian })
        ),
        (term, meridian()).prop_map(|(term, meridian)| DayRule::Term { term, meridian }),
    ];
    (simple, prop::option::of(any::<i16>())).prop_map(|(rule, days)| match days {
        Some(days) => DayRule::After { rule: Box::new(rule), days },
        None => rule,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_rule_panics_in_five_centuries(rule in any_rule()) {
        for year in 1800..=2300 {
            prop_assert!(rule.in_year(year).len() <= 1);
        }
    }

    #[test]
    fn the_next_day_is_the_first_one_there_is(rule in any_rule(), from in 0..30_000_u64) {
        let holiday = holiday(rule);
        let from = day("2019-01-01") + chrono::Days::new(from);
        let next = holiday.next_on_or_after(from);
        let first = holiday.days.iter().copied().filter(|day| *day >= from).min();
        prop_assert_eq!(next, first);
    }
}
