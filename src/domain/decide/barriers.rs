//! What holds a mail to one contact back.
use chrono::{DateTime, TimeDelta, Utc};

use super::View;
use crate::domain::{
    Barred, Barrier, Campaign, Cap, LocalWindow, OccasionRule, PastOutreach, Rules, Snapshot,
    TierCadence,
};

/// What holds mails back, worked out once for a contact.
pub(super) struct Barriers {
    /// For mails without exemption.
    general: Option<Barred>,
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
        let days = rules.cadence.gap_days(tier);
        let gap = contact.last_mail_at.map(|last| Barred {
            by: Barrier::Gap { days },
            until: Some(last + TimeDelta::days(i64::from(days))),
        });
        let caps = capped(rules.cadence.caps(tier), contact, Barrier::Cap, |_| true);
        let pause = contact
            .wish
            .paused_until
            .map(|day| Barred { by: Barrier::Pause, until: Some(window.moment(day)) });
        Self {
            general: Barred::longest(gap.into_iter().chain(caps)),
            pause,
            is_interval_wished: contact.wish.every_days.is_some(),
        }
    }
}

impl View<'_> {
    /// What holds a mail of `campaign` back for longest that could leave at `free`.
    pub(super) fn barred(&self, campaign: &Campaign, free: DateTime<Utc>) -> Option<Barred> {
        let (rules, barriers) = (self.rules, &self.barriers);
        let is_check_in = campaign.occasion == OccasionRule::CheckIn;
        let asked_for = is_check_in && barriers.is_interval_wished;
        let exempt = asked_for || rules.is_exempt(campaign);
        let general = if exempt { None } else { barriers.general };
        let own = campaign.category.and_then(|place| {
            let in_category =
                |past: &PastOutreach| rules.category_of(&past.campaign) == Some(place);
            capped(&rules.categories[place].caps, self.contact, Barrier::CategoryCap, in_category)
        });
        let barred = Barred::longest(general.into_iter().chain(own).chain(barriers.pause))?;
        barred.until.is_none_or(|until| free < until).then_some(barred)
    }
}

/// What `caps` hold back of a contact who has had the mails that are `counted`.
fn capped(
    caps: &[Cap],
    contact: &Snapshot,
    barrier: fn(Cap) -> Barrier,
    counted: impl Fn(&PastOutreach) -> bool,
) -> Option<Barred> {
    if caps.is_empty() {
        return None;
    }
    let history = contact.history.iter().filter(|past| past.counts && counted(past));
    let mut sent: Vec<_> = history.map(|past| past.at).collect();
    sent.sort_unstable();
    Barred::longest(caps.iter().filter_map(|cap| cap.bars(barrier(*cap), &sent)))
}
