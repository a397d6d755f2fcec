//! The rules of deciding, one claim a test.
mod limits;
mod occasions;
mod transitions;
mod years;

use chrono::{DateTime, NaiveDate, Utc};

use super::*;
use crate::domain::{
    Engagement,
    samples::{a_contact, at, rules},
};

/// The next mail under `rules` and the contact's day on which it leaves.
fn next_of(rules: &Rules, contact: &Snapshot, now: &str) -> (NextMail, NaiveDate) {
    let decision = decide(rules, contact, at(now));
    let Verdict::Send(mail) = decision.verdict else { panic!("nothing is sent: {decision:?}") };
    (mail, mail.when.with_timezone(&contact.zone).date_naive())
}

/// What became of the first occasion of the first campaign.
fn fate_of(rules: &Rules, contact: &Snapshot, now: &str) -> Fate {
    let decision = decide(rules, contact, at(now));
    decision.considered.iter().find(|entry| entry.campaign == 0).expect("it is considered").fate
}

fn next(contact: &Snapshot, now: &str) -> Option<(String, DateTime<Utc>)> {
    let rules = rules();
    match decide(&rules, contact, at(now)).verdict {
        Verdict::Send(mail) => Some((rules.campaigns[mail.campaign].key.clone(), mail.when)),
        Verdict::Hold(_) => None,
    }
}

fn next_day(contact: &Snapshot, now: &str) -> (String, String) {
    let (campaign, when) = next(contact, now).expect("a mail is in sight");
    (campaign, when.with_timezone(&contact.zone).date_naive().to_string())
}

fn fates(contact: &Snapshot, now: &str, campaign: &str) -> Vec<Fate> {
    let rules = rules();
    let decision = decide(&rules, contact, at(now));
    let of_campaign = |entry: &&Considered| rules.campaigns[entry.campaign].key == campaign;
    decision.considered.iter().filter(of_campaign).map(|entry| entry.fate).collect()
}

#[test]
fn suppression_outranks_everything() {
    let mut contact = a_contact().born("09-25");
    contact.suppressed = Some(Suppression::Unsubscribed);
    contact.may_send = Some(false);
    assert_eq!(
        decide(&rules(), &contact, at("2026-09-25T08:00:00Z")).verdict,
        Verdict::Hold(Hold::Suppressed(Suppression::Unsubscribed))
    );
}

#[test]
fn without_consent_nothing_is_sent() {
    let mut contact = a_contact().born("09-25");
    contact.may_send = Some(false);
    let decision = decide(&rules(), &contact, at("2026-09-25T08:00:00Z"));
    assert_eq!(decision.verdict, Verdict::Hold(Hold::NoConsent));
    assert_eq!(decision.look_again_at(at("2026-09-25T08:00:00Z")), None);
}

#[test]
fn commercial_mail_needs_consent_on_record_where_the_law_wants_it() {
    for (country, may_send, commercial, is_sent) in [
        (Some("CN"), None, true, false),
        (Some("CN"), Some(true), true, true),
        (Some("CN"), None, false, true),
        (Some("DE"), None, true, true),
        (None, None, true, true),
    ] {
        let mut rules = rules();
        rules.campaigns.iter_mut().for_each(|campaign| campaign.commercial = commercial);
        let country = country.map(ToOwned::to_owned);
        let contact = Snapshot { country, may_send, ..a_contact().born("09-25") };
        let fate = fate_of(&rules, &contact, "2026-09-20T08:00:00Z");
        let is_left_out = fate == Fate::NotMeant(NotMeant::NoConsentOnRecord);
        assert_eq!(is_left_out, !is_sent, "{:?} {may_send:?}: {fate:?}", contact.country);
    }
}

#[test]
fn a_check_in_comes_when_the_interval_ends() {
    let contact = a_contact().last_mailed("2026-06-01T08:00:00Z");
    let expected = ("check-in".to_owned(), "2026-08-31".to_owned());
    assert_eq!(next_day(&contact, "2026-06-02T00:00:00Z"), expected);
}

#[test]
fn a_click_brings_the_check_in_closer() {
    let mut contact = a_contact();
    contact.engagement = Engagement { interval_days: Some(60.0), last_human_at: None };
    assert_eq!(next_day(&contact, "2026-06-02T00:00:00Z").1, "2026-07-31");
}

#[test]
fn a_birthday_on_a_sunday_is_kept_and_a_check_in_waits_for_monday() {
    let birthday = a_contact().born("1990-09-27").last_mailed("2026-09-01T08:00:00Z");
    assert_eq!(
        next_day(&birthday, "2026-09-20T00:00:00Z"),
        ("birthday".into(), "2026-09-27".into())
    );
    let mut check_in = a_contact();
    check_in.engagement.interval_days = Some(41.0);
    assert_eq!(next_day(&check_in, "2026-06-02T00:00:00Z").1, "2026-07-13");
}

#[test]
fn a_day_that_was_shifted_to_monday_is_welcome_as_long_as_any_other() {
    // 4 July 2026 is a Saturday; the mail of Monday is welcome for three days more.
    let mut contact = a_contact().last_mailed("2026-05-01T08:00:00Z");
    contact.cooperation_since = chrono::NaiveDate::from_ymd_opt(2017, 7, 4);
    for (today, leaves_on) in
        [("2026-07-05", "2026-07-06"), ("2026-07-06", "2026-07-06"), ("2026-07-09", "2026-07-09")]
    {
        let next = next_day(&contact, &format!("{today}T06:00:00Z"));
        assert_eq!(next, ("anniversary".to_owned(), leaves_on.to_owned()), "{today}");
    }
    assert_eq!(next_day(&contact, "2026-07-10T06:00:00Z").0, "check-in");
}

#[test]
fn a_birthday_covers_a_holiday_and_a_check_in_close_by() {
    let contact = a_contact().chinese().born("1990-09-28").last_mailed("2026-06-25T08:00:00Z");
    let now = "2026-09-20T00:00:00Z";
    assert_eq!(next_day(&contact, now), ("birthday".into(), "2026-09-28".into()));
    for weaker in ["mid-autumn", "check-in"] {
        assert!(
            matches!(fates(&contact, now, weaker)[..], [Fate::Covered { by: 0, .. }]),
            "{weaker}"
        );
    }
}

#[test]
fn a_holiday_just_after_the_birthday_mail_is_covered_by_it() {
    let contact =
        a_contact().chinese().had("birthday", OccasionKind::Birthday, "2026-09-20T02:00:00Z");
    let fates = fates(&contact, "2026-09-21T00:00:00Z", "mid-autumn");
    let day = "2026-09-20".parse().unwrap();
    assert_eq!(fates[0], Fate::Covered { by: 0, day });
}

#[test]
fn a_covering_occasion_far_away_covers_nothing() {
    let contact = a_contact().chinese().born("1990-11-20").last_mailed("2026-09-01T08:00:00Z");
    assert_eq!(
        next_day(&contact, "2026-09-20T00:00:00Z"),
        ("mid-autumn".into(), "2026-09-25".into())
    );
}

#[test]
fn a_mail_inside_the_gap_moves_to_its_end_if_it_is_still_welcome_then() {
    let contact = a_contact().cooperating_since("2020-09-22").last_mailed("2026-09-13T08:00:00Z");
    assert_eq!(
        next_day(&contact, "2026-09-21T00:00:00Z"),
        ("anniversary".into(), "2026-09-23".into())
    );
}

#[test]
fn a_mail_that_is_not_welcome_after_the_gap_is_dropped_with_its_reason() {
    let contact = a_contact().chinese().last_mailed("2026-09-20T08:00:00Z");
    assert_eq!(
        fates(&contact, "2026-09-21T00:00:00Z", "mid-autumn")[0],
        Fate::Dropped { by: Barrier::Gap { days: 10 }, until: Some(at("2026-09-30T08:00:00Z")) }
    );
}

#[test]
fn after_three_days_of_outage_a_birthday_is_let_go_and_two_days_late_it_is_not() {
    let contact = a_contact().born("1990-09-21").last_mailed("2026-09-01T08:00:00Z");
    assert_eq!(
        next_day(&contact, "2026-09-23T08:00:00Z"),
        ("birthday".into(), "2026-09-23".into())
    );
    assert_eq!(fates(&contact, "2026-09-23T20:00:00Z", "birthday")[0], Fate::TooLate);
}

#[test]
fn a_contact_imported_after_its_birthday_is_not_wished_late() {
    let contact = a_contact().born("1990-09-24").known_since("2026-09-25T01:00:00Z");
    assert_eq!(fates(&contact, "2026-09-25T08:00:00Z", "birthday")[0], Fate::BeforeKnown);
    assert_eq!(
        next_day(&contact.born("1990-09-25"), "2026-09-25T01:00:00Z"),
        ("birthday".into(), "2026-09-25".into())
    );
}

#[test]
fn overdue_contacts_of_an_import_are_spread_over_the_catch_up_days() {
    let mut days = std::collections::BTreeMap::<NaiveDate, u32>::new();
    for id in 0..1000 {
        let mut contact = a_contact().last_mailed("2024-01-01T08:00:00Z");
        contact = contact.known_since("2026-09-01T01:00:00Z");
        contact.id = ContactId(id);
        let (_, when) = next(&contact, "2026-09-01T01:00:00Z").unwrap();
        *days.entry(when.date_naive()).or_default() += 1;
    }
    assert!(days.len() >= 10, "{days:?}");
    assert!(days.values().all(|count| *count < 300), "{days:?}");
    assert!(*days.last_key_value().unwrap().0 < "2026-09-16".parse().unwrap());
}

#[test]
fn what_was_sent_is_not_sent_again_and_next_years_is_in_sight() {
    let contact = a_contact().born("1990-09-25").had(
        "birthday",
        OccasionKind::Birthday,
        "2026-09-25T08:00:00Z",
    );
    let now = "2026-09-25T09:00:00Z";
    assert_eq!(fates(&contact, now, "birthday")[0], Fate::Done);
    assert!(matches!(fates(&contact, now, "birthday")[1], Fate::Later(_)));
}

#[test]
fn a_check_in_that_failed_is_tried_again_an_interval_later_and_not_at_once() {
    let mut contact = a_contact().had("check-in", OccasionKind::CheckIn, "2026-08-31T08:00:00Z");
    contact.history[0].counts = false;
    contact.last_mail_at = Some(at("2026-06-01T08:00:00Z"));
    assert_eq!(next_day(&contact, "2026-09-01T08:00:00Z").1, "2026-11-30");
}

#[test]
fn a_birthday_mail_that_failed_is_not_made_twice_and_leaves_room_for_others() {
    let mut contact =
        a_contact().chinese().had("birthday", OccasionKind::Birthday, "2026-09-22T02:00:00Z");
    contact.birthday = Some("1990-09-22".parse().unwrap());
    contact.history[0].counts = false;
    contact.last_mail_at = Some(at("2026-09-01T08:00:00Z"));
    let now = "2026-09-23T02:00:00Z";
    assert_eq!(fates(&contact, now, "birthday")[0], Fate::Done);
    assert_eq!(next_day(&contact, now), ("mid-autumn".into(), "2026-09-25".into()));
}

#[test]
fn a_campaign_for_others_says_why() {
    let fates = fates(&a_contact(), "2026-09-21T00:00:00Z", "mid-autumn");
    assert_eq!(fates, [Fate::NotMeant(NotMeant::Locale)]);
}

#[test]
fn the_day_before_the_first_anniversary_counts_one_year() {
    let contact = a_contact().cooperating_since("2025-09-24").last_mailed("2026-09-01T08:00:00Z");
    let Verdict::Send(mail) = decide(&rules(), &contact, at("2026-09-23T00:00:00Z")).verdict else {
        panic!("nothing is sent");
    };
    assert_eq!(mail.occurrence.years, Some(1));
}
