//! Rules that are in order and still do what nobody would expect.
use chrono::NaiveDate;

use super::{Locale, OccasionRule, Place, Rules};

/// Something about the rules that an admin may want to know before it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    /// Where it is configured.
    pub place: Place,
    /// What is surprising.
    pub what: SurpriseKind,
}

/// What is surprising about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SurpriseKind {
    /// No contact is meant by the campaign.
    ReachesNobody {
        /// Its key.
        campaign: String,
    },
    /// The campaign's time is over.
    Ended {
        /// Its key.
        campaign: String,
        /// Its last day.
        until: NaiveDate,
    },
    /// The interval may become shorter than the gap, which then decides.
    IntervalUnderGap {
        /// The tier; empty for the fallback.
        tier: String,
        /// The shortest interval in days.
        interval: u32,
        /// The gap in days.
        gap: u32,
    },
    /// Mails of a series follow one another more closely than the gap allows.
    StepsUnderGap {
        /// The campaign's key.
        campaign: String,
        /// Days between two of them.
        days: u32,
        /// The gap in days.
        gap: u32,
    },
    /// Readers of a language get a mail in another one.
    OtherLanguage {
        /// The campaign's key.
        campaign: String,
        /// The readers' language.
        reads: Locale,
        /// The language that they get.
        gets: Locale,
    },
}

impl Rules {
    /// What is surprising about the rules by themselves, as of `today`.
    #[must_use]
    pub fn surprises(&self, today: NaiveDate) -> Vec<Surprise> {
        let mut found = self.short_intervals();
        for campaign in &self.campaigns {
            if let Some(until) = campaign.runs.map(|runs| runs.until).filter(|end| *end < today) {
                let what = SurpriseKind::Ended { campaign: campaign.key.clone(), until };
                found.push(Surprise { place: campaign.place.clone(), what });
            }
            if let OccasionRule::Invitation(event) = &campaign.occasion
                && event.day() < today
            {
                let (campaign_key, until) = (campaign.key.clone(), event.day());
                let what = SurpriseKind::Ended { campaign: campaign_key, until };
                found.push(Surprise { place: campaign.place.clone(), what });
            }
        }
        found.extend(self.close_steps());
        found
    }

    fn short_intervals(&self) -> Vec<Surprise> {
        let tiers = self.cadence.tiers.iter().chain([&self.cadence.fallback]);
        let surprising = tiers.filter_map(|tier| {
            let (interval, gap) = (tier.cadence.min.as_days(), self.cadence.gap_days(tier));
            let what = SurpriseKind::IntervalUnderGap { tier: tier.tier.clone(), interval, gap };
            (interval < gap).then(|| Surprise { place: tier.place.clone(), what })
        });
        surprising.collect()
    }

    fn close_steps(&self) -> Vec<Surprise> {
        let gap = self.cadence.min_gap.value;
        let mut found = Vec::new();
        for (place, campaign) in self.campaigns.iter().enumerate() {
            let earlier = self.campaigns[..place].iter();
            let closest = earlier
                .filter(|other| other.family() == campaign.family())
                .map(|other| other.offset_days.abs_diff(campaign.offset_days))
                .min();
            if let Some(days) = closest.filter(|days| !self.is_exempt(campaign) && *days < gap) {
                let what =
                    SurpriseKind::StepsUnderGap { campaign: campaign.key.clone(), days, gap };
                found.push(Surprise { place: campaign.place.clone(), what });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Category, DayOff, RunningDays, Span,
        samples::{campaign, rules},
    };

    fn kinds(rules: &Rules) -> Vec<SurpriseKind> {
        let today = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
        rules.surprises(today).into_iter().map(|surprise| surprise.what).collect()
    }

    #[test]
    fn ordinary_rules_surprise_nobody() {
        assert_eq!(kinds(&rules()), []);
    }

    #[test]
    fn an_interval_that_the_gap_overrules_is_told() {
        let mut rules = rules();
        rules.cadence.fallback.cadence.min = Span::days(5);
        let what = SurpriseKind::IntervalUnderGap { tier: String::new(), interval: 5, gap: 10 };
        assert_eq!(kinds(&rules), [what]);
    }

    #[test]
    fn steps_closer_than_the_gap_are_told_unless_they_are_exempt() {
        let mut rules = rules();
        for (key, offset_days) in [("x/a", -7), ("x/b", 0)] {
            let mut step = campaign(key, OccasionRule::Birthday, 0, DayOff::Keep);
            step.offset_days = offset_days;
            rules.campaigns.push(step);
        }
        let what = SurpriseKind::StepsUnderGap { campaign: "x/b".into(), days: 7, gap: 10 };
        assert_eq!(kinds(&rules), [what]);
        rules.categories = vec![Category {
            key: "s".into(),
            caps: Vec::new(),
            exempt: true,
            place: Place::default(),
        }];
        rules.campaigns.iter_mut().for_each(|campaign| campaign.category = Some(0));
        assert_eq!(kinds(&rules), []);
    }

    #[test]
    fn a_campaign_whose_time_is_over_is_told() {
        let mut rules = rules();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let until = day("2026-01-31");
        rules.campaigns[0].runs = Some(RunningDays { from: day("2026-01-01"), until });
        assert_eq!(kinds(&rules), [SurpriseKind::Ended { campaign: "birthday".into(), until }]);
    }
}
