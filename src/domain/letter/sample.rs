//! Letters to try templates with.
use chrono::{NaiveDate, TimeDelta};

use super::{
    Letter, LetterAccount, LetterCompany, LetterContact, LetterEvent, LetterOccasion, LetterRep,
    NameParts, date_text, greeting,
};
use crate::domain::{Event, EventKind, Honorific, Locale, instant};

const SAMPLE_DATE: NaiveDate =
    NaiveDate::from_ymd_opt(2026, 5, 14).expect("the day is in the calendar");

impl Letter {
    /// A letter with every value filled in, to try templates with.
    #[must_use]
    pub fn sample(locale: &Locale) -> Self {
        let chinese = locale.is_chinese();
        let say = |english: &str, han: &str| (if chinese { han } else { english }).to_owned();
        let date = SAMPLE_DATE;
        let (family, given) = (say("Meyer", "欧阳"), say("Anna", "静"));
        let full = say("Anna Meyer", "欧阳静");
        let name = NameParts { full: &full, given: &given, family: &family };
        Self {
            greeting: greeting(locale, name, Some(Honorific::Ms)),
            contact: LetterContact {
                name: full.clone(),
                given_name: given.clone(),
                family_name: family.clone(),
                title: say("Head of Purchasing", "采购总监"),
            },
            account: LetterAccount { name: say("Meyer & Sons", "华岳精密机械有限公司") },
            rep: LetterRep {
                name: say("James O'Neil", "林晓雯"),
                title: say("Key Account Manager", "大客户经理"),
                email: "rep@example.com".to_owned(),
                phone: say("+44 20 7946 0123", "+86 21 5555 0123"),
            },
            company: LetterCompany {
                name: say("Northwind Bearings", "北风轴承"),
                website: "https://www.example.com/".to_owned(),
                email: "hello@example.com".to_owned(),
                postal_address: say(
                    "12 Harbour Street, London E14 9GE, United Kingdom",
                    "上海市浦东新区世纪大道100号12层，邮编200120",
                ),
            },
            occasion: LetterOccasion {
                name: say("Mid-Autumn Festival", "中秋节"),
                date,
                date_text: date_text(locale, date),
                days_until: 14,
                years: 5,
            },
            event: LetterEvent::of(&sample_event(), locale),
        }
    }

    /// A letter that knows of its reader nothing, and of its sender no more than has to be
    /// configured: what a template must survive.
    #[must_use]
    pub fn sample_of_a_stranger(locale: &Locale) -> Self {
        let full = Self::sample(locale);
        let nothing = String::new;
        Self {
            greeting: greeting(locale, NameParts::default(), None),
            contact: LetterContact {
                name: nothing(),
                given_name: nothing(),
                family_name: nothing(),
                title: nothing(),
            },
            account: LetterAccount { name: nothing() },
            rep: LetterRep {
                name: nothing(),
                title: nothing(),
                email: nothing(),
                phone: nothing(),
            },
            company: LetterCompany { website: nothing(), ..full.company },
            occasion: LetterOccasion { days_until: 0, years: 0, ..full.occasion },
            event: full.event,
        }
    }
}

/// An afternoon on the day of the sample.
fn sample_event() -> Event {
    let zone = chrono_tz::Asia::Shanghai;
    let opens = SAMPLE_DATE.and_hms_opt(14, 0, 0).expect("every day has an afternoon");
    let starts_at = instant(opens, zone);
    let texts = |english: &str, han: &str| {
        let chinese = "zh".parse().expect("the tag is well-formed");
        vec![(Locale::english(), english.to_owned()), (chinese, han.to_owned())]
    };
    Event {
        kind: EventKind::Meeting,
        starts_at,
        ends_at: starts_at + TimeDelta::hours(4),
        zone,
        titles: texts("Open Day & Customer Forum", "客户开放日暨交流会"),
        places: texts(
            "Harbour Hall, 100 Century Avenue, Shanghai",
            "上海市世纪大道100号港湾会议厅",
        ),
        sequence: 0,
    }
}
