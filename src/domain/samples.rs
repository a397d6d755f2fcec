//! Rules and contacts for tests, each with the fewest fields that matter.
use chrono::{DateTime, Utc};

use super::{
    Audience, Cadence, CadenceRules, Campaign, ContactId, DayOff, DayRule, DaysOff, DoubtPolicy,
    Engagement, Holiday, LeapDay, Limit, Locale, OccasionKind, OccasionRule, PastOutreach, Place,
    Rules, SendWindow, Snapshot, Span, TierCadence, Wish,
};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Birthday, cooperation anniversary, Mid-Autumn (Chinese only) and check-in; written to at 9 to 17
/// o'clock on working days, a gap of ten days, a check-in each quarter.
pub(crate) fn rules() -> Rules {
    let holiday = Holiday::new(
        "mid-autumn".into(),
        vec![(Locale::english(), "Mid-Autumn Festival".into())],
        DayRule::lunar(8, 15),
    );
    Rules {
        schemes: Vec::new(),
        cadence: CadenceRules {
            scheme: "priority".into(),
            tiers: Vec::new(),
            fallback: TierCadence {
                tier: String::new(),
                cadence: Cadence {
                    every: Span::days(91),
                    min: Span::days(21),
                    max: Span::days(182),
                },
                min_gap: None,
                caps: None,
                place: Place::default(),
            },
            min_gap: Limit { value: 10, place: Place::default() },
            caps: Limit { value: Vec::new(), place: Place::default() },
            channels: Vec::new(),
            merge_days: 10,
            catch_up_days: 14,
        },
        holidays: vec![holiday],
        days_off: DaysOff::default(),
        categories: Vec::new(),
        campaigns: vec![
            campaign("birthday", OccasionRule::Birthday, 2, DayOff::Keep),
            campaign("anniversary", OccasionRule::CooperationAnniversary, 3, DayOff::Next),
            Campaign {
                audience: Audience { locales: vec!["zh".parse().unwrap()], ..Audience::default() },
                ..campaign("mid-autumn", OccasionRule::Holiday(0), 0, DayOff::Keep)
            },
            campaign("check-in", OccasionRule::CheckIn, 0, DayOff::Next),
        ],
        window: SendWindow::default(),
        budget: None,
        strength: OccasionKind::ALL.to_vec(),
        strength_place: Place::default(),
        leap_day: LeapDay::Feb28,
        prior_consent: vec!["CN".to_owned()],
        default_locale: Locale::english(),
    }
}

pub(crate) fn campaign(key: &str, occasion: OccasionRule, welcome: u32, off: DayOff) -> Campaign {
    Campaign {
        key: key.into(),
        occasion,
        offset_days: 0,
        runs: None,
        template: key.into(),
        round: None,
        audience: Audience::default(),
        welcome_days: welcome,
        day_off: off,
        priority: 0,
        category: None,
        in_doubt: DoubtPolicy::Hold,
        commercial: true,
        place: Place::default(),
    }
}

/// An English contact in Berlin, known since 2020, last written to on 1 June 2026.
pub(crate) fn a_contact() -> Snapshot {
    Snapshot {
        id: ContactId(7),
        locale: Locale::english(),
        zone: chrono_tz::Europe::Berlin,
        country: None,
        birthday: None,
        cooperation_since: None,
        known_since: at("2020-01-01T00:00:00Z"),
        may_send: Some(true),
        suppressed: None,
        standings: Vec::new(),
        value_cents: 0,
        engagement: Engagement::default(),
        wish: Wish::default(),
        terms: Vec::new(),
        deeds: Vec::new(),
        last_mail_at: Some(at("2026-06-01T08:00:00Z")),
        history: Vec::new(),
    }
}

impl Snapshot {
    pub(crate) fn born(mut self, text: &str) -> Self {
        self.birthday = Some(text.parse().unwrap());
        self
    }

    pub(crate) fn chinese(mut self) -> Self {
        self.locale = "zh-CN".parse().unwrap();
        self.zone = chrono_tz::Asia::Shanghai;
        self
    }

    pub(crate) fn cooperating_since(mut self, day: &str) -> Self {
        self.cooperation_since = Some(day.parse().unwrap());
        self
    }

    pub(crate) fn last_mailed(mut self, instant: &str) -> Self {
        self.last_mail_at = Some(at(instant));
        self
    }

    pub(crate) fn known_since(mut self, instant: &str) -> Self {
        self.known_since = at(instant);
        self
    }

    pub(crate) fn had(mut self, campaign: &str, kind: OccasionKind, instant: &str) -> Self {
        let at = at(instant);
        let day = at.with_timezone(&self.zone).date_naive();
        self.history.push(PastOutreach { campaign: campaign.into(), kind, day, at, counts: true });
        self.last_mail_at = self.last_mail_at.max(Some(at));
        self
    }
}
