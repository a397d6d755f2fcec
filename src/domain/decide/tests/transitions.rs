//! Clocks that are set forward and back, in every zone.
use chrono::{Datelike, Days, NaiveDate, NaiveTime, Offset as _, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use super::*;
use crate::domain::{ContactId, PastOutreach, Place, SendWindow, samples::a_contact};

/// The days on which the offset of `zone` changes, 2024 to 2030. Looked for by weeks: none is taken back
/// within one.
fn changes(zone: Tz) -> Vec<NaiveDate> {
    let offset =
        |day: &NaiveDate| zone.offset_from_utc_datetime(&day.and_time(NaiveTime::MIN)).fix();
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    let weeks = (0..53 * 7).map(|week| first + Days::new(week * 7));
    weeks
        .filter(|week| offset(week) != offset(&(*week + Days::new(7))))
        .filter_map(|week| {
            week.iter_days().take(7).find(|day| offset(day) != offset(&(*day + Days::new(1))))
        })
        .collect()
}

/// Mail may leave at any minute, so that some contacts' own one is skipped and some's comes twice.
fn all_day() -> Rules {
    let hours = (NaiveTime::MIN, NaiveTime::from_hms_opt(23, 59, 0).unwrap());
    let window = SendWindow::new(hours, &[], [true; 7], Place::default()).unwrap();
    let mut rules = rules();
    rules.campaigns.truncate(1);
    Rules { window, ..rules }
}

#[test]
fn a_birthday_around_a_change_of_clocks_is_kept_once_on_its_day_in_every_zone() {
    let rules = all_day();
    let mut seen = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        for (place, change) in changes(zone).into_iter().enumerate() {
            for birthday in change.iter_days().take(3).map(|day| day - Days::new(1)) {
                let (month, day) = (birthday.month(), birthday.day());
                let id = ContactId(i64::try_from(place).unwrap() * 31 + i64::from(day));
                let born = a_contact().born(&format!("{month:02}-{day:02}"));
                let mut contact = Snapshot { id, zone, last_mail_at: None, ..born };
                let long_before = birthday.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(5);
                let Verdict::Send(mail) = decide(&rules, &contact, long_before).verdict else {
                    panic!("{zone} {birthday}: nothing in sight")
                };
                let there = mail.when.with_timezone(&zone).date_naive();
                assert_eq!((mail.occurrence.day, there), (birthday, birthday), "{zone}");
                // Whenever one looks before it leaves, it is the same mail at the same time.
                for minutes in [2000, 700, 90, 30, 0] {
                    let now = mail.when - TimeDelta::minutes(minutes);
                    assert_eq!(
                        decide(&rules, &contact, now).verdict,
                        Verdict::Send(mail),
                        "{zone} {birthday}, {minutes} minutes before"
                    );
                }
                contact.history.push(PastOutreach {
                    campaign: rules.campaigns[0].key.clone(),
                    kind: rules.campaigns[0].occasion.kind(),
                    day: birthday,
                    at: mail.when,
                    counts: true,
                });
                contact.last_mail_at = Some(mail.when);
                for minutes in [0, 30, 90, 700, 2000] {
                    let now = mail.when + TimeDelta::minutes(minutes);
                    let next = decide(&rules, &contact, now).verdict;
                    assert!(
                        !matches!(&next, Verdict::Send(next) if next.occurrence.day == birthday),
                        "{zone} {birthday}, {minutes} minutes after: {next:?}"
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 5000, "{seen}");
}
