//! Which of several mails to one contact is sent, and which it makes needless.
use std::cmp::Reverse;

use chrono::{NaiveDate, TimeDelta};

use super::{Candidate, Considered, Fate, NextMail, View};
use crate::domain::{Campaign, OccasionKind, OccasionRule};

impl View<'_> {
    /// The mail that covers one of `campaign` for the occasion of `day` that is due on `target`,
    /// although it has left already.
    pub(super) fn covered_by_past(
        &self,
        campaign: &Campaign,
        day: NaiveDate,
        target: NaiveDate,
    ) -> Option<(usize, NaiveDate)> {
        let reach = i64::from(self.rules.cadence.merge_days);
        let rank = self.rules.rank(campaign.occasion.kind());
        self.contact.history.iter().filter(|past| past.counts).find_map(|past| {
            let by = self.rules.campaigns.iter().position(|known| known.key == past.campaign)?;
            let other = &self.rules.campaigns[by];
            let near = (self.day_of(past.at) - target).num_days().abs() < reach;
            let stronger = past.kind != OccasionKind::CheckIn && self.rules.rank(past.kind) <= rank;
            let covers = near && stronger && self.may_cover(other, campaign);
            let same = past.day == day && is_same_occasion(other, campaign);
            (covers || same).then_some((by, past.day))
        })
    }

    /// Whether a mail of `stronger` makes one of `weaker` close by needless. Steps of one series and
    /// campaigns that are exempt from the gap stand beside others.
    fn may_cover(&self, stronger: &Campaign, weaker: &Campaign) -> bool {
        !self.rules.is_exempt(weaker) && stronger.family() != weaker.family()
    }

    /// Lets stronger candidates cover weaker ones close by, and takes the earliest of the rest.
    pub(super) fn choose(
        &self,
        mut candidates: Vec<Candidate>,
        considered: &mut Vec<Considered>,
    ) -> Option<NextMail> {
        let campaign = |mail: &Candidate| &self.rules.campaigns[mail.campaign];
        candidates.sort_by_key(|mail| {
            let Campaign { occasion, priority, audience, .. } = campaign(mail);
            let rank = self.rules.rank(occasion.kind());
            (rank, -priority, Reverse(audience.specificity()), mail.when, mail.campaign)
        });
        let reach = TimeDelta::days(i64::from(self.rules.cadence.merge_days));
        let mut standing: Vec<Candidate> = Vec::with_capacity(candidates.len());
        for mail in candidates {
            let cover = standing.iter().find(|other| {
                let near = (other.when - mail.when).abs() < reach;
                let day = other.occurrence.day == mail.occurrence.day;
                near && self.may_cover(campaign(other), campaign(&mail))
                    || day && is_same_occasion(campaign(other), campaign(&mail))
            });
            if let Some(other) = cover {
                considered.push(Considered {
                    campaign: mail.campaign,
                    day: Some(mail.occurrence.day),
                    fate: Fate::Covered { by: other.campaign, day: other.occurrence.day },
                    delayed: None,
                });
            } else {
                standing.push(mail);
            }
        }
        let chosen = standing.iter().copied().min_by_key(|mail| (mail.when, mail.campaign));
        for mail in standing {
            let fate = if Some(mail) == chosen { Fate::Chosen } else { Fate::Later(mail.when) };
            considered.push(Considered {
                campaign: mail.campaign,
                day: Some(mail.occurrence.day),
                fate,
                delayed: mail.delayed,
            });
        }
        chosen.map(|mail| NextMail {
            campaign: mail.campaign,
            occurrence: mail.occurrence,
            when: mail.when,
            not_after: self.not_after(&mail),
        })
    }
}

/// Whether two campaigns have the same reason to write on the same day: then only one of them does,
/// exempt or not. News have nothing in common but their kind.
fn is_same_occasion(one: &Campaign, other: &Campaign) -> bool {
    one.family() != other.family()
        && one.occasion == other.occasion
        && one.occasion != OccasionRule::OneOff
}
