//! What holds over a year, whatever the rules and whoever the contact.
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Cap, Category, OccasionRule, PastOutreach, Place, RunningDays, Wish,
    samples::{a_contact, at, campaign, rules},
};

fn any_contact() -> impl Strategy<Value = Snapshot> {
    let birthday = prop_oneof![
        Just(None),
        (1_u32..13, 1_u32..29).prop_map(|(m, d)| Some(format!("{m:02}-{d:02}")))
    ];
    let zone = 0..chrono_tz::TZ_VARIANTS.len();
    (0_i64..1_000_000, birthday, zone, any::<bool>(), 0_i64..1000, 0_u64..4000, 5.0..400.0_f64)
        .prop_map(|(id, birthday, zone, chinese, last, since, interval)| {
            let mut contact = a_contact();
            contact.id = ContactId(id);
            contact.birthday = birthday.map(|text| text.parse().unwrap());
            contact.zone = chrono_tz::TZ_VARIANTS[zone];
            if chinese {
                contact.locale = "zh-CN".parse().unwrap();
            }
            contact.last_mail_at =
                (last > 0).then(|| at("2026-01-01T00:00:00Z") - TimeDelta::days(last));
            contact.cooperation_since = (since > 0)
                .then(|| NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() - Days::new(since));
            contact.engagement.interval_days = Some(interval);
            contact
        })
}

/// Plays a year for `contact`: each mail is taken as sent at its time.
fn a_year_of(mut contact: Snapshot, rules: &Rules) -> Vec<(NextMail, DateTime<Utc>)> {
    let (mut now, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let mut sent = Vec::new();
    while let Verdict::Send(mail) = decide(rules, &contact, now).verdict {
        now = mail.when;
        if now >= end {
            break;
        }
        let campaign = &rules.campaigns[mail.campaign];
        contact.history.push(PastOutreach {
            campaign: campaign.key.clone(),
            kind: campaign.occasion.kind(),
            day: mail.occurrence.day,
            at: now,
            counts: true,
        });
        contact.last_mail_at = Some(now);
        sent.push((mail, now));
        assert!(sent.len() < 100, "the year never ends");
    }
    sent
}

/// The rules of the samples with any gap, caps, category and running time.
fn any_rules() -> impl Strategy<Value = Rules> {
    let cap = || (1_u32..60, 0_u32..4).prop_map(|(days, most)| Cap { days, most });
    let caps = || prop::collection::vec(cap(), 0..3);
    let yearly = (200_u32..366, 1_u32..30).prop_map(|(days, most)| Cap { days, most });
    (0_u32..30, 0_u32..20, caps(), yearly, caps(), any::<bool>(), 0_u64..300, 0_u64..60).prop_map(
        |(gap, merge, mut general, yearly, own, exempt, starts, lasts)| {
            let mut rules = rules();
            general.push(yearly);
            rules.cadence.min_gap.value = gap;
            rules.cadence.merge_days = gap + merge;
            rules.cadence.caps.value = general;
            rules.categories =
                vec![Category { key: "x".into(), caps: own, exempt, place: Place::default() }];
            let from = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(starts);
            rules.campaigns.push(Campaign {
                runs: Some(RunningDays { from, until: from + Days::new(lasts) }),
                category: Some(0),
                ..campaign("news", OccasionRule::OneOff, 0, DayOff::Next)
            });
            rules.campaigns[0].category = Some(0);
            rules
        },
    )
}

/// Whether any window of the cap's length has more of `mails` than it allows.
fn is_exceeded(cap: Cap, mails: &[DateTime<Utc>]) -> bool {
    let length = TimeDelta::days(i64::from(cap.days));
    let in_window = |last: &DateTime<Utc>| {
        mails.iter().filter(|at| **at <= *last && **at > *last - length).count()
    };
    mails.iter().any(|last| in_window(last) > cap.most as usize)
}

proptest! {
    #[test]
    fn under_any_rules_no_cap_is_exceeded_and_nothing_leaves_outside_its_span(
        contact in any_contact(), rules in any_rules(),
    ) {
        let zone = contact.zone;
        let year = a_year_of(contact, &rules);
        let exempt = rules.categories[0].exempt;
        let times = |wanted: &dyn Fn(usize) -> bool| -> Vec<_> {
            year.iter().filter(|(mail, _)| wanted(mail.campaign)).map(|(_, at)| *at).collect()
        };
        let in_category = |place: usize| rules.campaigns[place].category == Some(0);
        for cap in &rules.cadence.caps.value {
            // Exempt mails count and are not held, so only mails that are held can break a cap.
            let mails = times(&|place| !exempt || !in_category(place));
            prop_assert!(!is_exceeded(*cap, &mails), "{cap:?}: {mails:?}");
        }
        for cap in &rules.categories[0].caps {
            let mails = times(&in_category);
            prop_assert!(!is_exceeded(*cap, &mails), "{cap:?}: {mails:?}");
        }
        for (mail, when) in &year {
            let day = when.with_timezone(&zone).date_naive();
            let runs = rules.campaigns[mail.campaign].runs;
            prop_assert!(runs.is_none_or(|runs| (runs.from..=runs.until).contains(&day)), "{day}");
        }
    }

    #[test]
    fn whoever_is_suppressed_has_not_agreed_or_wants_nothing_gets_nothing(
        contact in any_contact(), rules in any_rules(), which in 0..3,
    ) {
        let mut contact = contact;
        match which {
            0 => contact.suppressed = Some(crate::domain::Suppression::Unsubscribed),
            1 => contact.may_send = Some(false),
            _ => contact.wish = Wish { only: Some(Vec::new()), ..Wish::default() },
        }
        let decision = decide(&rules, &contact, at("2026-01-01T00:00:00Z"));
        prop_assert!(matches!(decision.verdict, Verdict::Hold(_)));
    }

    #[test]
    fn the_order_of_what_is_known_of_a_contact_does_not_matter(
        contact in any_contact(), rules in any_rules(), days in prop::collection::vec(1_i64..300, 1..6),
    ) {
        let mut contact = contact;
        for day in days {
            let when = at("2026-01-01T00:00:00Z") - TimeDelta::days(day);
            contact = contact.had("check-in", OccasionKind::CheckIn, &when.to_rfc3339());
        }
        let now = at("2026-01-01T00:00:00Z");
        let forward = decide(&rules, &contact, now);
        contact.history.reverse();
        prop_assert_eq!(forward, decide(&rules, &contact, now));
    }

    #[test]
    fn every_campaign_is_considered_with_a_fate(contact in any_contact(), rules in any_rules()) {
        let decision = decide(&rules, &contact, at("2026-06-01T00:00:00Z"));
        let held = matches!(decision.verdict, Verdict::Hold(Hold::NothingInSight));
        prop_assert!(!decision.considered.is_empty());
        prop_assert!(!held || decision.considered.iter().all(|entry| entry.fate != Fate::Chosen));
    }

    #[test]
    fn over_a_year_the_gap_and_the_window_are_kept_and_no_occasion_comes_twice(contact in any_contact()) {
        let rules = rules();
        let zone = contact.zone;
        let mut last = contact.last_mail_at;
        let mut seen = std::collections::BTreeSet::new();
        for (mail, when) in a_year_of(contact, &rules) {
            prop_assert!(last.is_none_or(|last| when - last >= TimeDelta::days(10)), "gap at {when}");
            let local = when.with_timezone(&zone);
            prop_assert!(rules.window.is_open_at(local.time()), "{local}");
            let keeps = rules.campaigns[mail.campaign].day_off == DayOff::Keep;
            prop_assert!(keeps || local.weekday().number_from_monday() <= 5, "{local}");
            prop_assert!(when < mail.not_after);
            prop_assert!(seen.insert((mail.campaign, mail.occurrence.day)));
            last = Some(when);
        }
    }

    #[test]
    fn the_conversation_never_silently_stops(contact in any_contact()) {
        prop_assert!(!a_year_of(contact, &rules()).is_empty());
    }

    #[test]
    fn deciding_twice_is_deciding_once(contact in any_contact(), seconds in 0_i64..31_000_000) {
        let (rules, now) = (rules(), at("2026-01-01T00:00:00Z") + TimeDelta::seconds(seconds));
        let decision = decide(&rules, &contact, now);
        prop_assert_eq!(&decision, &decide(&rules, &contact, now));
        if let Verdict::Send(mail) = decision.verdict {
            prop_assert!(mail.when >= now);
            // At its time the same mail is due: what was foretold is done.
            let later = decide(&rules, &contact, mail.when).verdict;
            prop_assert_eq!(later, Verdict::Send(mail));
        }
    }
}
