//! Claims about the calendar that comes with the program, and about what is wrong with one.
use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, Weekday};

use super::*;
use crate::domain::{DayStatus, Rules};

fn rules() -> Rules {
    Folder::new().parse(&Files::embedded()).unwrap_or_else(|error| panic!("{error}")).rules
}

/// The days off of a year that are no weekend, and the days of weekends on which people work, as
/// the table writes them.
fn unusual_days(rules: &Rules, country: &str, year: i32) -> BTreeSet<String> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let days = first.iter_days().take_while(|day| day.year() == year);
    days.filter_map(|day| {
        let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        match rules.days_off.of(Some(country), day)? {
            DayStatus::Off(_) if is_weekend => None,
            DayStatus::Off(_) => Some(day.format("%m%d").to_string()),
            DayStatus::Working => Some(day.format("+%m%d").to_string()),
        }
    })
    .collect()
}

#[test]
fn days_off_are_those_of_another_list_but_for_what_is_known_better() {
    let table =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/public-holidays.txt"));
    let rules = rules();
    let mut deviations = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        let (country, year) = (words[0], words[1].parse().unwrap());
        let theirs: BTreeSet<_> = words[2..].iter().map(|word| (*word).to_owned()).collect();
        let ours = unusual_days(&rules, country, year);
        let only = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect::<Vec<_>>().join(" ");
        let (missing, added) = (only(&theirs, &ours), only(&ours, &theirs));
        if ours != theirs {
            deviations.push(format!("{country} {year}: without {missing}; with {added}"));
        }
    }
    // HK: the other list lacks Easter before 2028. KR, TW and VN: days that are off since 2025 or 2026
    // are rules here, so the years before have them too. KR 2030: an election that is not called yet.
    // SG 2028: the other list has Deepavali in the wrong month. TW and VN: days that were moved by
    // notice, and Saturdays worked for them, are past. VN from 2027: how long Tết is off is announced
    // the autumn before; by rule it is the eve and four days, in the other list a day earlier.
    insta::assert_snapshot!(deviations.join("\n"), @r"
    HK 2024: without ; with 0329 0401
    HK 2025: without ; with 0418 0421
    HK 2026: without ; with 0403
    HK 2027: without ; with 0326
    KR 2024: without ; with 0501 0717
    KR 2025: without ; with 0501 0717
    KR 2030: without 0327; with 
    SG 2028: without 1115; with 1017
    TW 2024: without +0217; with 0501 0927 1025 1225
    TW 2025: without +0208; with 0501
    VN 2024: without +0504 0208 0429; with 0215 1125
    VN 2025: without +0426 0127 0502; with 0203 1124
    VN 2026: without +0822 0831; with 
    VN 2027: without 0204; with 0211
    VN 2028: without 0124; with 0131
    VN 2030: without 0131; with 0207
    ");
}

#[test]
fn every_day_has_a_name_in_english_and_chinese_and_its_days_to_come() {
    let rules = rules();
    let today = "2026-11-22".parse().unwrap();
    for holiday in &rules.holidays {
        let has = |tag| holiday.names.iter().any(|(locale, _)| locale.as_str() == tag);
        assert!(has("en") && has("zh"), "{}", holiday.key);
        assert!(holiday.next_on_or_after(today).is_some(), "{}", holiday.key);
    }
}

#[test]
fn an_announced_year_of_china_has_its_periods_and_its_working_weekends() {
    let rules = rules();
    let status = |day: &str| match rules.days_off.of(Some("CN"), day.parse().unwrap()) {
        Some(DayStatus::Off(place)) => rules.holidays[place].key.clone(),
        Some(DayStatus::Working) => "works".to_owned(),
        None => "usual".to_owned(),
    };
    let days = ["2026-02-14", "2026-02-15", "2026-02-23", "2026-02-24", "2026-09-20", "2026-10-07"];
    assert_eq!(
        days.map(status),
        ["works", "spring-festival", "spring-festival", "usual", "works", "china-national-day"]
    );
}

#[test]
fn a_file_of_ones_own_is_read_with_the_others() {
    let own = "[[holiday]]\nkey = \"our-day\"\nnames = { en = \"Our day\" }\noff_in = [\"AT\"]\n\
               rule = { after = \"seollal\", days = 3 }\n";
    let files = Files::embedded().with("calendar/ours.toml", own);
    let rules = Folder::new().parse(&files).unwrap_or_else(|error| panic!("{error}")).rules;
    let place = rules.holidays.iter().position(|holiday| holiday.key == "our-day").unwrap();
    let day = "2027-02-10".parse().unwrap();
    assert_eq!(rules.days_off.of(Some("AT"), day), Some(DayStatus::Off(place)));
    assert_eq!(rules.holidays[place].next_on_or_after(day), Some(day));
}

/// The complaints about a file `calendar/ours.toml` with these rules, each of a day of its own.
fn about_rules(rules: &[&str]) -> String {
    let rows = rules.iter().enumerate().map(|(number, rule)| {
        format!(
            "[[holiday]]\nkey = \"day-{number}\"\nnames = {{ en = \"X\" }}\nrule = {{ {rule} }}\n"
        )
    });
    let text: String = rows.collect();
    Folder::new().complaints(&Files::embedded().with("calendar/ours.toml", &text))
}

#[test]
fn keys_of_a_rule_that_do_not_go_together_are_told() {
    let complaints = about_rules(&[
        "days = 1",
        "month = 5, day = 1, easter = \"western\"",
        "month = 5, weekday = \"Monday\"",
        "month = 5, day = 1, weekday = \"Monday\"",
        "month = 5, day = 1, nth = 2",
        "month = 5, day = \"last\"",
        "lunar = true, month = 5, day = 31",
        "lunar = true, month = 5, day = 3, seek = \"on-or-after\"",
        "month = 5, day = 3, leap = true",
        "term = \"quingming\"",
        "term = \"qingming\", zone = \"UTC+1\"",
        "dates = [\"tomorrow\", 7]",
        "month = 5, weekday = \"Monday\", nth = 6",
    ]);
    insta::assert_snapshot!(complaints, @r"
    14 problems in the configuration:
    calendar/ours.toml:4: holiday[day-0].rule.month: missing, expected a month, or one of `easter`, `term`, `after`, `dates`
    calendar/ours.toml:8: holiday[day-1].rule.easter: does not go with `month`
    calendar/ours.toml:12: holiday[day-2].rule.nth: missing, expected 1 to 5 or `last`
    calendar/ours.toml:16: holiday[day-3].rule.seek: missing, expected `on-or-after` or `on-or-before`
    calendar/ours.toml:20: holiday[day-4].rule.nth: goes with `weekday` only
    calendar/ours.toml:24: holiday[day-5].rule.day: `last` goes with `lunar = true` only
    calendar/ours.toml:28: holiday[day-6].rule.day: expected 1 to 30 in that month, found `31`
    calendar/ours.toml:32: holiday[day-7].rule.seek: does not go with `lunar`
    calendar/ours.toml:36: holiday[day-8].rule.leap: goes with `lunar = true` only
    calendar/ours.toml:40: holiday[day-9].rule.term: expected a solar term in pinyin such as `qingming`, found `quingming`, did you mean `qingming`?
    calendar/ours.toml:44: holiday[day-10].rule.zone: expected `UTC+8`, `UTC+9` or `UTC+7`, found `UTC+1`, did you mean `UTC+8`?
    calendar/ours.toml:48: holiday[day-11].rule.dates: expected a day such as `2026-11-08`, found `tomorrow`
    calendar/ours.toml:48: holiday[day-11].rule.dates: expected a day such as `2026-11-08`, found a whole number
    calendar/ours.toml:52: holiday[day-12].rule.nth: expected a whole number from 1 to 5, found `6`
    ");
}

#[test]
fn days_that_are_counted_from_each_other_in_a_circle_are_told_once() {
    let complaints = about_rules(&[
        "after = \"day-1\", days = 1",
        "after = \"day-2\", days = 1",
        "after = \"day-0\", days = 1",
        "after = \"day-3\", days = 1",
        "after = \"day-0\", days = 1",
        "after = \"chrismas\", days = 1",
    ]);
    insta::assert_snapshot!(complaints, @r"
    3 problems in the configuration:
    calendar/ours.toml:4: holiday[day-0].rule.after: goes in a circle: `day-0`, `day-1`, `day-2`, `day-0`
    calendar/ours.toml:16: holiday[day-3].rule.after: goes in a circle: `day-3`, `day-3`
    calendar/ours.toml:24: holiday[day-5].rule.after: the calendar has no holiday `chrismas`, did you mean `christmas`?
    ");
}

#[test]
fn a_table_of_days_off_is_checked() {
    let text = "[[observed]]
country = \"China\"
how = \"after-weeknd\"
holidays = [\"chrismas\"]
[[year]]
country = \"CN\"
year = 2026
[[year]]
country = \"CN\"
year = 2027
working = [2028-01-08]
[[year.off]]
holiday = \"newyear\"
from = 2027-01-03
to = 2027-01-01
[[year.off]]
holiday = \"new-year\"
from = 2027-01-03
to = 2027-01-01
[[year.off]]
holiday = \"new-year\"
from = 2026-12-31
to = 2027-01-01
[[holiday]]
key = \"christmas\"
names = { en = \"X\" }
rule = { month = 1, day = 1 }
";
    let files = Files::embedded().with("calendar/ours.toml", text);
    let complaints = Folder::new().complaints(&files);
    insta::assert_snapshot!(complaints, @r"
    10 problems in the configuration:
    calendar/ours.toml:2: observed[1].country: expected a country of two capital letters such as `CN`, found `China`
    calendar/ours.toml:3: observed[1].how: expected `no`, `after-sunday`, `after-weekend` or `nearest-weekday`, found `after-weeknd`, did you mean `after-weekend`?
    calendar/ours.toml:4: observed[1].holidays: the calendar has no holiday `chrismas`, did you mean `christmas`?
    calendar/ours.toml:5: year: CN 2026 is here twice
    calendar/ours.toml:11: year[2].working: expected a day of 2027, found `2028-01-08`
    calendar/ours.toml:13: year[2].off[1].holiday: the calendar has no holiday `newyear`, did you mean `new-year`?
    calendar/ours.toml:15: year[2].off[1].to: expected 2027-01-03 or a later day
    calendar/ours.toml:19: year[2].off[2].to: expected 2027-01-03 or a later day
    calendar/ours.toml:22: year[2].off[3].from: expected a day of 2027, found `2026-12-31`
    calendar/ours.toml:24: holiday: `christmas` is in `calendar.toml` as well
    ");
}

#[test]
fn a_strange_name_of_a_file_is_told() {
    let files = Files::embedded().with("calendar/Nur für uns.toml", "");
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    1 problem in the configuration:
    calendar/Nur für uns.toml: expected a file name of letters, digits, `-` and `_`
    ");
}
