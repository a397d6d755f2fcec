//! Gaps, caps, wishes: how often, and what is dropped.
use super::{fate_of, next_of};
use crate::domain::{
    Barrier, Campaign, Cap, Category, DayOff, LocalWindow, OccasionKind, OccasionRule, Place,
    Rules, Snapshot, Standing, TierCadence, Wish,
    decide::{Fate, Verdict, decide},
    samples::{a_contact, at, campaign, rules},
};

const BIRTHDAY: OccasionKind = OccasionKind::Birthday;

fn capped(caps: Vec<Cap>) -> Rules {
    let mut rules = rules();
    rules.cadence.caps.value = caps;
    rules.cadence.min_gap.value = 0;
    rules.cadence.merge_days = 0;
    rules
}

/// Three mails in May 2026, a birthday on 2 June.
fn much_written_to() -> Snapshot {
    let contact = a_contact().born("1990-06-02").last_mailed("2026-05-04T08:00:00Z");
    contact
        .had("a", BIRTHDAY, "2026-05-04T08:00:00Z")
        .had("b", BIRTHDAY, "2026-05-11T08:00:00Z")
        .had("c", BIRTHDAY, "2026-05-18T08:00:00Z")
}

#[test]
fn a_capped_mail_moves_to_its_first_allowed_moment_and_says_why() {
    let cap = Cap { days: 30, most: 3 };
    let decision = decide(&capped(vec![cap]), &much_written_to(), at("2026-06-02T00:00:00Z"));
    let Verdict::Send(mail) = decision.verdict else { panic!("it is still welcome") };
    assert!(mail.when >= at("2026-06-03T08:00:00Z"), "{}", mail.when);
    let birthday = decision.considered.iter().find(|entry| entry.campaign == 0).unwrap();
    assert_eq!((birthday.fate, birthday.delayed), (Fate::Chosen, Some(Barrier::Cap(cap))));
}

#[test]
fn a_mail_that_a_cap_holds_past_its_welcome_is_dropped_with_the_cap() {
    let cap = Cap { days: 365, most: 3 };
    let fate = fate_of(&capped(vec![cap]), &much_written_to(), "2026-06-02T00:00:00Z");
    let until = Some(at("2027-05-04T08:00:00Z"));
    assert_eq!(fate, Fate::Dropped { by: Barrier::Cap(cap), until });
}

#[test]
fn zero_means_zero_and_absence_means_no_cap() {
    let none = Cap { days: 30, most: 0 };
    let contact = a_contact().born("1990-06-02");
    let decision = decide(&capped(vec![none]), &contact, at("2026-06-02T00:00:00Z"));
    assert!(matches!(decision.verdict, Verdict::Hold(_)), "{decision:?}");
    assert!(decision.considered.iter().all(|entry| !matches!(entry.fate, Fate::Chosen)));
    next_of(&capped(Vec::new()), &much_written_to(), "2026-06-02T00:00:00Z");
}

#[test]
fn a_tier_may_have_a_gap_and_caps_of_its_own() {
    let mut rules = rules();
    let fallback = rules.cadence.fallback.clone();
    rules.cadence.tiers = vec![TierCadence { tier: "best".into(), min_gap: Some(2), ..fallback }];
    let best = Standing {
        scheme: "priority".into(),
        tier: "best".into(),
        since: at("2026-01-01T00:00:00Z"),
        reason: String::new(),
    };
    let contact = a_contact().born("1990-06-05").last_mailed("2026-06-02T08:00:00Z");
    let now = "2026-06-05T00:00:00Z";
    let gap = Barrier::Gap { days: 10 };
    assert!(matches!(fate_of(&rules, &contact, now), Fate::Dropped { by, .. } if by == gap));
    let contact = Snapshot { standings: vec![best], ..contact };
    assert_eq!(next_of(&rules, &contact, now).0.campaign, 0);
}

#[test]
fn a_category_has_its_own_caps_and_an_exempt_one_stands_above_the_gap_and_the_others() {
    let mut rules = rules();
    let cap = Cap { days: 30, most: 1 };
    rules.categories = vec![
        Category {
            key: "marketing".into(),
            caps: vec![cap],
            exempt: false,
            place: Place::default(),
        },
        Category { key: "service".into(), caps: Vec::new(), exempt: true, place: Place::default() },
    ];
    let birthday = |category| Campaign {
        category,
        ..campaign("birthday", OccasionRule::Birthday, 2, DayOff::Keep)
    };
    rules.campaigns = vec![birthday(Some(0))];
    let contact = a_contact().born("1990-06-20").had("birthday", BIRTHDAY, "2026-06-01T08:00:00Z");
    let fate = fate_of(&rules, &contact, "2026-06-20T00:00:00Z");
    assert!(matches!(fate, Fate::Dropped { by: Barrier::CategoryCap(by), .. } if by == cap));
    rules.campaigns = vec![birthday(Some(1))];
    let contact = contact.last_mailed("2026-06-19T08:00:00Z");
    assert_eq!(next_of(&rules, &contact, "2026-06-20T00:00:00Z").0.campaign, 0);
}

#[test]
fn a_pause_holds_everything_back_and_what_it_outlasts_is_dropped() {
    let wish = Wish { paused_until: "2026-09-01".parse().ok(), ..Wish::default() };
    let contact = Snapshot { wish, ..a_contact().born("1990-06-20") };
    let rules = rules();
    let fate = fate_of(&rules, &contact, "2026-06-20T00:00:00Z");
    let until = Some(LocalWindow::of(&rules, &contact).moment("2026-09-01".parse().unwrap()));
    assert_eq!(fate, Fate::Dropped { by: Barrier::Pause, until });
    let (mail, leaves_on) = next_of(&rules, &contact, "2026-06-20T00:00:00Z");
    assert_eq!((mail.campaign, leaves_on.to_string().as_str()), (3, "2026-09-01"));
}

#[test]
fn only_what_the_contact_wants_is_sent_and_as_seldom_as_wanted() {
    let birthdays_only = Wish { only: Some(vec!["birthday".into()]), ..Wish::default() };
    let contact = Snapshot { wish: birthdays_only, ..a_contact().born("1990-12-20") };
    assert_eq!(next_of(&rules(), &contact, "2026-06-20T00:00:00Z").0.campaign, 0);
    let yearly = Wish { every_days: Some(365), ..Wish::default() };
    let contact = Snapshot { wish: yearly, ..a_contact() };
    let (_, leaves_on) = next_of(&rules(), &contact, "2026-06-20T00:00:00Z");
    assert_eq!(leaves_on.to_string(), "2027-06-01", "over the bounds of the tier");
    let often = Wish { every_days: Some(3), ..Wish::default() };
    let contact = Snapshot { wish: often, ..a_contact() };
    let (_, leaves_on) = next_of(&rules(), &contact, "2026-06-02T00:00:00Z");
    assert_eq!(leaves_on.to_string(), "2026-06-04", "over the gap as well");
}
