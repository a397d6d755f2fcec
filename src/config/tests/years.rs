//! Seven years of three made-up people under the commented files, mail by mail.
use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};

use super::*;
use crate::domain::{
    Considered, Decision, Fate, Locale, OccasionRule, PastOutreach, Rules, Snapshot, Standing,
    Term, Verdict, decide,
    samples::{a_contact, at},
};

/// What happens to `contact` from 2024 to 2030 if every mail leaves at its time.
fn seven_years(rules: &Rules, mut contact: Snapshot) -> String {
    let mut text = String::new();
    let mut told = BTreeSet::new();
    let mut now = at("2024-01-01T00:00:00Z");
    loop {
        let decision = decide(rules, &contact, now);
        tell_what_gives_way(rules, &decision, &contact, &mut told, &mut text);
        let Verdict::Send(mail) = decision.verdict else { break };
        if mail.when >= at("2031-01-01T00:00:00Z") {
            break;
        }
        let campaign = &rules.campaigns[mail.campaign];
        let local = mail.when.with_timezone(&contact.zone).format("%Y-%m-%d %a %H:%M %Z");
        let name = name(rules, mail.campaign);
        let years = mail.occurrence.years.map_or(String::new(), |years| format!(", {years} years"));
        let of = mail.occurrence.day;
        writeln!(text, "{local}  {name}{years} (of {of})").unwrap();
        contact.history.push(PastOutreach {
            campaign: campaign.key.clone(),
            kind: campaign.occasion.kind(),
            day: mail.occurrence.day,
            at: mail.when,
            counts: true,
        });
        contact.last_mail_at = Some(mail.when);
        now = mail.when;
    }
    text
}

/// Adds the occasions that are covered or dropped, each once.
fn tell_what_gives_way(
    rules: &Rules,
    decision: &Decision,
    contact: &Snapshot,
    told: &mut BTreeSet<(usize, Option<NaiveDate>)>,
    text: &mut String,
) {
    let local = |at: DateTime<Utc>| at.with_timezone(&contact.zone).date_naive();
    for Considered { campaign, day, fate, .. } in &decision.considered {
        let why = match fate {
            Fate::Covered { by, day } => format!("covered by {} of {day}", name(rules, *by)),
            Fate::Dropped { by, until: Some(until) } => {
                format!("dropped, {by:?} until {}", local(*until))
            }
            Fate::DayOff => "left out on a day off".to_owned(),
            _ => continue,
        };
        let is_check_in = rules.campaigns[*campaign].occasion == OccasionRule::CheckIn;
        if !is_check_in && told.insert((*campaign, *day)) {
            let day = day.map_or(String::new(), |day| day.to_string());
            writeln!(text, "    {} of {day}: {why}", name(rules, *campaign)).unwrap();
        }
    }
}

fn name(rules: &Rules, campaign: usize) -> String {
    let campaign = &rules.campaigns[campaign];
    match campaign.occasion {
        OccasionRule::Holiday(place) => rules.holidays[place].name(&Locale::english()).to_owned(),
        _ => campaign.key.clone(),
    }
}

fn of_tier(tier: &str) -> Vec<Standing> {
    vec![Standing {
        scheme: "priority".into(),
        tier: tier.into(),
        since: at("2023-01-01T00:00:00Z"),
        reason: String::new(),
    }]
}

fn person(place: (&str, &str, chrono_tz::Tz), tier: &str) -> Snapshot {
    let (locale, country, zone) = place;
    Snapshot {
        locale: locale.parse().unwrap(),
        country: Some(country.into()),
        zone,
        standings: of_tier(tier),
        last_mail_at: Some(at("2023-12-01T08:00:00Z")),
        ..a_contact()
    }
}

#[test]
fn seven_years_of_a_key_person_in_shanghai_born_by_the_moon() {
    let rules = Folder::new().parse(&Files::embedded()).unwrap().rules;
    let contact = person(("zh-CN", "CN", chrono_tz::Asia::Shanghai), "priority")
        .born("lunar:8-15")
        .cooperating_since("2018-10-01");
    insta::assert_snapshot!("shanghai", seven_years(&rules, contact));
}

#[test]
fn seven_years_of_a_leap_day_child_in_berlin_with_a_contract() {
    let rules = Folder::new().parse(&Files::embedded()).unwrap().rules;
    let term = |starts: &str, ends: &str| Term {
        starts_on: starts.parse().unwrap(),
        ends_on: ends.parse().unwrap(),
    };
    let contact = Snapshot {
        terms: vec![term("2024-04-01", "2026-03-31"), term("2026-04-01", "2029-03-31")],
        ..person(("de", "DE", chrono_tz::Europe::Berlin), "general")
            .born("1988-02-29")
            .cooperating_since("2020-12-24")
    };
    insta::assert_snapshot!("berlin", seven_years(&rules, contact));
}

#[test]
fn seven_years_of_somebody_in_new_york_who_wants_little() {
    let rules = Folder::new().parse(&Files::embedded()).unwrap().rules;
    let contact = person(("en", "US", chrono_tz::America::New_York), "last")
        .born("07-04")
        .cooperating_since("2015-11-26");
    insta::assert_snapshot!("new_york", seven_years(&rules, contact));
}
