//! Each kind of occasion has its days.
use chrono::NaiveDate;

use super::{fate_of, next_of};
use crate::domain::{
    Audience, Campaign, Category, DayOff, Deed, DeedKind, Event, EventKind, Locale, Milestone,
    OccasionKind, OccasionRule, Place, RoundYears, Rules, RunningDays, SendWindow, Snapshot,
    Standing, Term,
    decide::Fate,
    samples::{a_contact, at, campaign, rules},
};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The rules of the samples with this campaign alone.
fn only(campaign: Campaign) -> Rules {
    Rules { campaigns: vec![campaign], ..rules() }
}

/// Nobody has written to this contact for a year.
fn quiet() -> Snapshot {
    a_contact().last_mailed("2025-06-01T08:00:00Z")
}

#[test]
fn our_own_anniversary_is_the_same_day_for_everybody_and_counts_its_years() {
    let founded = OccasionRule::CompanyAnniversary(day("2009-03-18"));
    let rules = only(campaign("ours", founded, 3, DayOff::Next));
    let (mail, leaves_on) = next_of(&rules, &quiet(), "2026-01-10T00:00:00Z");
    assert_eq!((leaves_on, mail.occurrence.years), (day("2026-03-18"), Some(17)));
}

#[test]
fn a_contract_is_spoken_of_before_its_end_and_not_after_its_welcome() {
    let contract_end = Campaign {
        offset_days: -30,
        ..campaign("end", OccasionRule::ContractMilestone(Milestone::End), 7, DayOff::Next)
    };
    let rules = only(contract_end);
    let term = |starts_on, ends_on| Term { starts_on: day(starts_on), ends_on: day(ends_on) };
    let contact = Snapshot {
        terms: vec![term("2025-01-01", "2025-12-31"), term("2026-01-01", "2026-12-31")],
        ..quiet()
    };
    let (mail, leaves_on) = next_of(&rules, &contact, "2026-02-01T00:00:00Z");
    assert_eq!((mail.occurrence.day, leaves_on), (day("2026-12-31"), day("2026-12-01")));
    let late = next_of(&rules, &contact, "2026-12-08T06:00:00Z");
    assert_eq!(late.1, day("2026-12-08"), "a week late is welcome");
    assert_eq!(fate_of(&rules, &contact, "2026-12-09T06:00:00Z"), Fate::TooLate);
}

#[test]
fn mid_term_is_half_way() {
    let mid = OccasionRule::ContractMilestone(Milestone::MidTerm);
    let rules = only(campaign("mid", mid, 7, DayOff::Next));
    let term = Term { starts_on: day("2026-01-01"), ends_on: day("2026-12-31") };
    let contact = Snapshot { terms: vec![term], ..quiet() };
    assert_eq!(next_of(&rules, &contact, "2026-02-01T00:00:00Z").1, day("2026-07-02"));
}

#[test]
fn every_delivery_is_followed_up_once() {
    let after = Campaign {
        offset_days: 7,
        ..campaign("after", OccasionRule::FollowUp(DeedKind::Delivery), 5, DayOff::Next)
    };
    let rules = only(after);
    let deed = |kind, on| Deed { kind, on: day(on) };
    let mut contact = Snapshot {
        deeds: vec![
            deed(DeedKind::Order, "2026-05-20"),
            deed(DeedKind::Delivery, "2026-05-25"),
            deed(DeedKind::Delivery, "2026-06-15"),
        ],
        ..quiet()
    };
    let (mail, leaves_on) = next_of(&rules, &contact, "2026-05-26T00:00:00Z");
    assert_eq!((mail.occurrence.day, leaves_on), (day("2026-05-25"), day("2026-06-01")));
    contact = contact.had("after", OccasionKind::FollowUp, "2026-05-25T08:00:00Z");
    contact.history[0].at = at("2026-06-01T08:00:00Z");
    contact.last_mail_at = Some(at("2026-06-01T08:00:00Z"));
    assert_eq!(next_of(&rules, &contact, "2026-06-01T09:00:00Z").1, day("2026-06-22"));
}

fn event() -> Event {
    Event {
        kind: EventKind::Meeting,
        starts_at: at("2026-12-05T06:00:00Z"),
        ends_at: at("2026-12-05T10:00:00Z"),
        zone: chrono_tz::Asia::Shanghai,
        titles: vec![(Locale::english(), "Customer day".into())],
        places: vec![(Locale::english(), "Shanghai".into())],
        sequence: 0,
    }
}

#[test]
fn an_invitation_reaches_newcomers_and_never_comes_after_the_event() {
    let invitation = Campaign {
        offset_days: -21,
        ..campaign("day", OccasionRule::Invitation(event()), 60, DayOff::Next)
    };
    let rules = only(invitation);
    assert_eq!(next_of(&rules, &quiet(), "2026-11-01T00:00:00Z").1, day("2026-11-16"));
    let newcomer = quiet().known_since("2026-12-01T00:00:00Z");
    assert_eq!(next_of(&rules, &newcomer, "2026-12-01T09:00:00Z").1, day("2026-12-01"));
    assert_eq!(fate_of(&rules, &newcomer, "2026-12-06T09:00:00Z"), Fate::TooLate);
}

#[test]
fn whoever_comes_into_the_audience_is_won_back_once() {
    let win_back = Campaign {
        audience: Audience::default(),
        ..campaign("win-back", OccasionRule::WinBack, 14, DayOff::Next)
    };
    let rules = only(win_back);
    assert_eq!(fate_of(&rules, &quiet(), "2026-05-11T00:00:00Z"), Fate::NoDate);
    let standing = Standing {
        scheme: "campaign:win-back".into(),
        tier: "audience".into(),
        since: at("2026-05-11T02:00:00Z"),
        reason: String::new(),
    };
    let contact = Snapshot { standings: vec![standing], ..quiet() };
    assert_eq!(next_of(&rules, &contact, "2026-05-11T02:00:00Z").1, day("2026-05-11"));
    let had = contact.had("win-back", OccasionKind::WinBack, "2026-05-11T08:00:00Z");
    assert_eq!(fate_of(&rules, &had, "2026-05-11T09:00:00Z"), Fate::Done);
}

#[test]
fn a_one_off_leaves_within_its_span_or_not_at_all() {
    let runs = RunningDays { from: day("2026-10-08"), until: day("2026-10-16") };
    let news =
        Campaign { runs: Some(runs), ..campaign("news", OccasionRule::OneOff, 0, DayOff::Next) };
    let rules = only(news);
    assert_eq!(next_of(&rules, &quiet(), "2026-09-01T00:00:00Z").1, day("2026-10-08"));
    let newcomer = quiet().known_since("2026-10-14T00:00:00Z");
    assert_eq!(next_of(&rules, &newcomer, "2026-10-14T06:00:00Z").1, day("2026-10-14"));
    assert_eq!(fate_of(&rules, &quiet(), "2026-10-17T09:00:00Z"), Fate::OutsideSpan);
    let busy = quiet().last_mailed("2026-10-07T08:00:00Z");
    assert!(matches!(
        fate_of(&rules, &busy, "2026-10-08T00:00:00Z"),
        Fate::Dropped { until: Some(_), .. }
    ));
}

#[test]
fn the_steps_of_a_series_stand_beside_each_other() {
    let ends = OccasionRule::ContractMilestone(Milestone::End);
    let step = |key: &str, offset_days| Campaign {
        offset_days,
        ..campaign(key, ends.clone(), 5, DayOff::Next)
    };
    let mut rules = rules();
    rules.campaigns = vec![step("end/first", -14), step("end/second", -3)];
    let term = Term { starts_on: day("2026-01-01"), ends_on: day("2026-12-31") };
    let mut contact = Snapshot { terms: vec![term], ..quiet() };
    let (first, leaves_on) = next_of(&rules, &contact, "2026-12-01T00:00:00Z");
    assert_eq!((first.campaign, leaves_on), (0, day("2026-12-17")));
    contact = contact.had("end/first", OccasionKind::ContractMilestone, "2026-12-31T08:00:00Z");
    contact.history[0].at = first.when;
    contact.last_mail_at = Some(first.when);
    let (second, leaves_on) = next_of(&rules, &contact, "2026-12-17T12:00:00Z");
    assert_eq!((second.campaign, leaves_on), (1, day("2026-12-28")));
}

#[test]
fn round_years_have_a_template_of_their_own() {
    let round = RoundYears { every: 5, template: "jubilee".into() };
    let anniversary = Campaign {
        round: Some(round),
        ..campaign("anniversary", OccasionRule::CooperationAnniversary, 3, DayOff::Next)
    };
    let templates = [Some(4), Some(5), Some(10), None].map(|years| anniversary.template_for(years));
    assert_eq!(templates, ["anniversary", "jubilee", "jubilee", "anniversary"]);
}

#[test]
fn of_two_campaigns_for_one_occasion_the_higher_priority_writes_and_the_other_never_does() {
    let deliveries = OccasionRule::FollowUp(DeedKind::Delivery);
    let after = |key: &str, priority, offset_days| Campaign {
        priority,
        offset_days,
        category: Some(0),
        ..campaign(key, deliveries.clone(), 5, DayOff::Next)
    };
    let mut rules = rules();
    let exempt =
        Category { key: "service".into(), caps: Vec::new(), exempt: true, place: Place::default() };
    rules.categories = vec![exempt];
    rules.campaigns = vec![after("general", 0, 3), after("special", 5, 40)];
    let mut contact = Snapshot {
        deeds: vec![Deed { kind: DeedKind::Delivery, on: day("2026-05-25") }],
        ..quiet()
    };
    let (mail, leaves_on) = next_of(&rules, &contact, "2026-05-26T00:00:00Z");
    assert_eq!((mail.campaign, leaves_on), (1, day("2026-07-06")));
    contact = contact.had("special", OccasionKind::FollowUp, "2026-05-25T08:00:00Z");
    contact.history[0].at = mail.when;
    let fate = fate_of(&rules, &contact, "2026-05-26T09:00:00Z");
    assert_eq!(fate, Fate::Covered { by: 1, day: day("2026-05-25") });
}

#[test]
fn a_check_in_is_never_left_out_whatever_becomes_of_days_off() {
    let check_in = campaign("check-in", OccasionRule::CheckIn, 7, DayOff::Skip);
    let mut rules = only(check_in);
    // Ninety-one days after this Saturday comes a Saturday.
    let contact = a_contact().last_mailed("2026-05-30T08:00:00Z");
    assert_eq!(next_of(&rules, &contact, "2026-06-01T00:00:00Z").1, day("2026-08-31"));
    let nine = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let mut mondays = [false; 7];
    mondays[0] = true;
    rules.window = SendWindow::new((nine(9), nine(17)), &[], mondays, Place::default()).unwrap();
    let (mail, leaves_on) = next_of(&rules, &contact, "2026-09-01T00:00:00Z");
    assert_eq!((leaves_on, mail.when > at("2026-09-01T00:00:00Z")), (day("2026-09-07"), true));
}

#[test]
fn a_campaign_that_runs_from_a_later_day_writes_on_that_day() {
    let runs = RunningDays { from: day("2026-12-01"), until: day("2027-03-31") };
    let check_in = Campaign {
        runs: Some(runs),
        ..campaign("check-in", OccasionRule::CheckIn, 7, DayOff::Next)
    };
    let rules = only(check_in);
    assert_eq!(next_of(&rules, &quiet(), "2026-10-01T00:00:00Z").1, day("2026-12-01"));
    assert_eq!(fate_of(&rules, &quiet(), "2027-04-01T00:00:00Z"), Fate::OutsideSpan);
}

#[test]
fn old_deliveries_do_not_hide_a_new_one() {
    let after = Campaign {
        offset_days: 7,
        ..campaign("after", OccasionRule::FollowUp(DeedKind::Delivery), 7, DayOff::Next)
    };
    let rules = only(after);
    let old = (20..=24).map(|on| format!("2026-09-{on}"));
    let on = old.chain(["2026-10-06".to_owned()]);
    let deeds = on.map(|on| Deed { kind: DeedKind::Delivery, on: day(&on) }).collect();
    let contact = Snapshot { deeds, ..quiet().known_since("2026-10-05T00:00:00Z") };
    assert_eq!(next_of(&rules, &contact, "2026-10-07T00:00:00Z").1, day("2026-10-13"));
}

#[test]
fn of_two_campaigns_of_one_priority_the_more_specific_one_writes() {
    let mut rules = rules();
    let english = Audience { locales: vec![Locale::english()], ..Audience::default() };
    rules.campaigns = vec![
        campaign("a-birthday", OccasionRule::Birthday, 2, DayOff::Keep),
        Campaign {
            audience: english,
            ..campaign("z-birthday", OccasionRule::Birthday, 2, DayOff::Keep)
        },
    ];
    let contact = quiet().born("1990-06-02");
    assert_eq!(next_of(&rules, &contact, "2026-06-01T00:00:00Z").0.campaign, 1);
}
