//! What holds a mail to one contact back.
use chrono::{DateTime, TimeDelta, Utc};

use super::View;
use crate::domain::{
    Barred, Barrier, Campaign, OccasionRule, Snapshot, limits::Cap, rules::Rules,
    rules::TierCadence, window::LocalWindow,
};

/// What holds mails of each category back, worked out once for a contact.
pub(super) struct Barriers {
    /// For mails without exemption.
    general: Option<Barred>,
    /// For each category, what its own caps add.
    categories: Vec<Option<Barred>>,
    /// For every mail.
    pause: Option<Barred>,
    /// Whether the contact has said how often to write; then gap and caps do not hold for check-ins.
    is_interval_wished: bool,
}

impl Barriers {
    pub(super) fn of(
        rules: &Rules,
        tier: &TierCadence,
        contact: &Snapshot,
        window: &LocalWindow<'_>,
    ) -> Self {
        let mut sent: Vec<_> =
            contact.history.iter().filter(|past| past.counts).map(|past| past.at).collect();
        sent.sort_unstable();
        let days = rules.cadence.gap_days(tier);
        let gap = contact.last_mail_at.map(|last| Barred {
            by: Barrier::Gap { days },
            until: Some(last + TimeDelta::days(i64::from(days))),
        });
        let caps = capped(rules.cadence.caps(tier), &sent, Barrier::Cap);
        let categories = rules.categories.iter().enumerate().map(|(place, category)| {
            let of_category = |past: &&crate::domain::PastOutreach| {
                past.counts && rules.category_of(&past.campaign) == Some(place)
            };
            if category.caps.is_empty() {
                return None;
            }
            let mut sent: Vec<_> =
                contact.history.iter().filter(of_category).map(|past| past.at).collect();
            sent.sort_unstable();
            capped(&category.caps, &sent, Barrier::CategoryCap)
        });
        let pause = contact
            .wish
            .paused_until
            .map(|day| Barred { by: Barrier::Pause, until: Some(window.moment(day)) });
        Self {
            general: Barred::longest(gap.into_iter().chain(caps)),
            categories: categories.collect(),
            pause,
            is_interval_wished: contact.wish.every_days.is_some(),
        }
    }

    /// What holds mails of `campaign` back for longest.
    fn against(&self, rules: &Rules, campaign: &Campaign) -> Option<Barred> {
        let asked_for = campaign.occasion == OccasionRule::CheckIn && self.is_interval_wished;
        let exempt = asked_for || rules.is_exempt(campaign);
        let general = if exempt { None } else { self.general };
        let own = campaign.category.and_then(|place| self.categories[place]);
        Barred::longest(general.into_iter().chain(own).chain(self.pause))
    }
}

impl View<'_> {
    /// What holds a mail of `campaign` back that could leave at `free`.
    pub(super) fn barred(&self, campaign: &Campaign, free: DateTime<Utc>) -> Option<Barred> {
        let barred = self.barriers.against(self.rules, campaign)?;
        barred.until.is_none_or(|until| free < until).then_some(barred)
    }
}

fn capped(caps: &[Cap], sent: &[DateTime<Utc>], barrier: fn(Cap) -> Barrier) -> Option<Barred> {
    Barred::longest(caps.iter().filter_map(|cap| cap.bars(barrier(*cap), sent)))
}
