//! What every admin expects of five fields, one claim a test.
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::{
    Asia::Shanghai,
    Europe::{Berlin, London},
    Tz, UTC,
};
use proptest::prelude::*;

use super::*;
use crate::domain::samples::at;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The local times of the first `count` runs after `after`, as `YYYY-MM-DD HH:MM`.
fn runs(text: &str, after: &str, zone: Tz, count: usize) -> Vec<String> {
    let (schedule, first) = (schedule(text), Some(at(after)));
    std::iter::successors(first, |after| schedule.next_after(*after, zone))
        .skip(1)
        .take(count)
        .map(|at| at.with_timezone(&zone).format("%F %H:%M").to_string())
        .collect()
}

fn complaint(text: &str) -> String {
    text.parse::<Schedule>().unwrap_err().to_string()
}

#[test]
fn five_fields_are_enough_and_one_is_monday() {
    let monday = ["2026-09-28 09:00", "2026-10-05 09:00"];
    assert_eq!(runs("0 9 * * 1", "2026-09-25T12:00:00Z", UTC, 2), monday);
}

#[test]
fn six_fields_are_refused_rather_than_read_with_sunday_as_one() {
    let expected = "expected five fields (minute hour day month weekday), found 6";
    assert_eq!(complaint("0 0 9 * * 1"), expected);
}

#[test]
fn zero_and_seven_and_names_are_sunday_and_ranges_may_end_with_it() {
    for text in ["0 9 * * 0", "0 9 * * 7", "0 9 * * sun", "0 9 * * Sunday", "@weekly"] {
        assert!(runs(text, "2026-09-25T12:00:00Z", UTC, 1)[0].starts_with("2026-09-27"), "{text}");
    }
    for text in ["0 9 * * 6-7", "0 9 * * sat-sun", "0 9 * * 6,0"] {
        let weekend = ["2026-09-26 09:00", "2026-09-27 09:00", "2026-10-03 09:00"];
        assert_eq!(runs(text, "2026-09-25T12:00:00Z", UTC, 3), weekend, "{text}");
    }
}

#[test]
fn a_restricted_day_and_a_restricted_weekday_are_alternatives() {
    let friday_or_13th = ["2026-09-11 09:00", "2026-09-13 09:00", "2026-09-18 09:00"];
    assert_eq!(runs("0 9 13 * 5", "2026-09-10T00:00:00Z", UTC, 3), friday_or_13th);
    let fridays = ["2026-09-11 09:00", "2026-09-18 09:00"];
    assert_eq!(runs("0 9 * * 5", "2026-09-10T00:00:00Z", UTC, 2), fridays);
    let odd_mondays = ["2026-09-07 09:00", "2026-09-21 09:00"];
    assert_eq!(runs("0 9 */2 * 1", "2026-09-01T10:00:00Z", UTC, 2), odd_mondays);
}

#[test]
fn the_last_day_of_the_month_follows_its_length() {
    let last = ["2027-12-31 18:00", "2028-01-31 18:00", "2028-02-29 18:00", "2028-03-31 18:00"];
    assert_eq!(runs("0 18 L * *", "2027-12-01T00:00:00Z", UTC, 4), last);
}

#[test]
fn the_nth_weekday_of_a_month_is_one_day() {
    let second_monday = ["2026-09-14 08:00", "2026-10-12 08:00"];
    assert_eq!(runs("0 8 * * 1#2", "2026-09-01T00:00:00Z", UTC, 2), second_monday);
    let fifth_friday = ["2026-10-30 08:00", "2027-01-29 08:00"];
    assert_eq!(runs("0 8 * * fri#5", "2026-09-01T00:00:00Z", UTC, 2), fifth_friday);
}

#[test]
fn a_time_that_spring_leaves_out_runs_at_the_first_instant_after_the_gap() {
    let night = ["2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"];
    assert_eq!(runs("30 2 * * *", "2026-03-27T12:00:00Z", Berlin, 3), night);
    let next = schedule("30 2 * * *").next_after(at("2026-03-28T12:00:00Z"), Berlin);
    assert_eq!(next, Some(at("2026-03-29T01:00:00Z")));
}

#[test]
fn a_time_that_autumn_repeats_runs_once() {
    let night = ["2026-10-25 01:30", "2026-10-26 01:30"];
    assert_eq!(runs("30 1 * * *", "2026-10-24T12:00:00Z", London, 2), night);
    let next = schedule("30 1 * * *").next_after(at("2026-10-24T12:00:00Z"), London);
    assert_eq!(next, Some(at("2026-10-25T00:30:00Z")), "the first of the two");
}

#[test]
fn what_runs_all_the_time_rests_in_no_hour_and_never_runs_twice_at_once() {
    for zone in [Berlin, London, chrono_tz::Australia::Lord_Howe, Shanghai] {
        for day in ["2026-10-24", "2026-03-28", "2026-04-04", "2026-10-03"] {
            let every = schedule("*/10 * * * *");
            let mut now = at(&format!("{day}T09:00:00Z"));
            for _ in 0..24 * 6 {
                let next = every.next_after(now, zone).unwrap();
                assert_eq!(next - now, TimeDelta::minutes(10), "{zone} after {now}");
                now = next;
            }
        }
    }
    let hourly = ["2026-03-29 01:30", "2026-03-29 03:30"];
    assert_eq!(runs("30 * * * *", "2026-03-29T00:00:00Z", Berlin, 2), hourly);
}

#[test]
fn short_forms_mean_the_start_of_their_span() {
    for (text, expected) in [
        ("@hourly", "2026-09-25 13:00"),
        ("@daily", "2026-09-26 00:00"),
        ("@weekly", "2026-09-27 00:00"),
        ("@monthly", "2026-10-01 00:00"),
        ("@yearly", "2027-01-01 00:00"),
    ] {
        assert_eq!(runs(text, "2026-09-25T12:00:00Z", UTC, 1), [expected], "{text}");
    }
    assert!(complaint("@dayly").starts_with("expected @hourly"));
}

#[test]
fn a_complaint_names_the_field_and_what_may_stand_there() {
    for (text, expected) in [
        ("61 9 * * *", "expected 0 to 59 as the minute, found `61`"),
        ("0 24 * * *", "expected 0 to 23 as the hour, found `24`"),
        ("0 9 0 * *", "expected 1 to 31 as the day, found `0`"),
        ("0 9 * 13 *", "expected 1 to 12 or names from `jan` as the month, found `13`"),
        ("0 9 * * 8", "expected 0 to 7 or names from `sun` as the weekday, found `8`"),
        ("0 9 * * mnoday", "expected `mon` as the weekday, found `mnoday`"),
        ("*/0 * * * *", "expected 0 to 59 as the minute, found `*/0`"),
        ("0 17-9 * * *", "expected 0 to 23 as the hour, found `17-9`"),
        ("0 9 * * 1#6", "expected 1 to 5 after the `#` as the weekday, found `1#6`"),
        ("0 9 30 2 *", "no day is ever like that"),
    ] {
        assert_eq!(complaint(text), expected, "{text}");
    }
}

#[test]
fn beyond_the_years_that_are_known_there_is_no_next_time() {
    let daily = schedule("@daily");
    for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, at("2100-01-01T00:00:00Z")]
    {
        assert_eq!(daily.next_after(instant, Shanghai), None);
    }
}

const SHAPES: [&str; 10] = [
    "* * * * *",
    "*/7 */5 * * *",
    "30 2 * * *",
    "0,30 0-3 * * *",
    "15 1 13 * 5",
    "0 9 L * mon#1",
    "59 23 31 12 *",
    "0 0 29 2 *",
    "5 */2 1-10/3 jan-jun sat-sun",
    "@hourly",
];

proptest! {
    #[test]
    fn the_next_time_is_later_and_nothing_lies_between(
        seconds in 0_i64..4_070_000_000, nanos in 0_u32..1_000_000_000,
        shape in 0..SHAPES.len(), zone in 0..chrono_tz::TZ_VARIANTS.len(), share in 0.0..1.0_f64,
    ) {
        let (schedule, zone) = (schedule(SHAPES[shape]), chrono_tz::TZ_VARIANTS[zone]);
        let after = DateTime::from_timestamp(seconds, nanos).unwrap();
        if let Some(next) = schedule.next_after(after, zone) {
            prop_assert!(next > after);
            let between = after + (next - after - TimeDelta::nanoseconds(1)).mul_share(share);
            prop_assert_eq!(schedule.next_after(between, zone), Some(next));
        }
    }

    #[test]
    fn counting_minute_by_minute_finds_the_same_time(
        start in 1_700_000_000_i64..1_900_000_000, minute in 0_u32..60, hour in 0_u32..24,
        day in 1_u32..32, weekday in 0_u32..8,
    ) {
        let after = DateTime::from_timestamp(start, 0).unwrap();
        let schedule = schedule(&format!("{minute} {hour} {day} * {weekday}"));
        let fits = |at: &DateTime<Utc>| {
            let weekdays = at.weekday().num_days_from_sunday() == weekday % 7;
            (at.minute(), at.hour()) == (minute, hour) && (at.day() == day || weekdays)
        };
        let whole = after + TimeDelta::seconds(60 - start.rem_euclid(60));
        let counted = (0..8 * 24 * 60).map(|n| whole + TimeDelta::minutes(n)).find(fits);
        prop_assert_eq!(schedule.next_after(after, UTC), counted);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[-0-9a-zA-Z*/,#L@ ]{0,24}") {
        let _ = text.parse::<Schedule>();
    }
}

trait Share {
    fn mul_share(self, share: f64) -> Self;
}

impl Share for TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "a share of whole seconds")]
    #[expect(clippy::cast_precision_loss, reason = "a share of whole seconds")]
    fn mul_share(self, share: f64) -> Self {
        Self::seconds((self.num_seconds() as f64 * share) as i64)
    }
}

#[test]
fn a_schedule_with_a_night_off_is_not_hourly() {
    let is_hourly = |text: &str| text.parse::<Schedule>().unwrap().is_hourly();
    for text in ["* * * * *", "*/15 * * * *", "59 * * * *", "@hourly"] {
        assert!(is_hourly(text), "{text}");
    }
    for text in ["@daily", "* 8-20 * * *", "* * * * mon-fri", "0 */2 * * *", "* * 1 * *"] {
        assert!(!is_hourly(text), "{text}");
    }
}
