//! Which line of the configuration a fate comes from.
use super::{Considered, Fate};
use crate::domain::{Barrier, Place, Rules, TierCadence};

impl Rules {
    /// The place of the rule that decided `entry` for a contact of `tier`; `None` where the contact
    /// decided.
    #[must_use]
    pub fn decided_at<'a>(
        &'a self,
        entry: &Considered,
        tier: &'a TierCadence,
    ) -> Option<&'a Place> {
        let campaign = &self.campaigns[entry.campaign];
        match entry.fate {
            Fate::Covered { .. } => Some(&self.strength_place),
            Fate::DayOff => Some(&self.window.place),
            Fate::Dropped { by, .. } => self.barrier_at(by, tier, entry.campaign),
            Fate::Chosen | Fate::Later(_) => match entry.delayed {
                Some(by) => self.barrier_at(by, tier, entry.campaign),
                None => Some(&campaign.place),
            },
            Fate::Done
            | Fate::TooLate
            | Fate::BeforeKnown
            | Fate::OutsideSpan
            | Fate::NotMeant(_)
            | Fate::NoDate => Some(&campaign.place),
        }
    }

    fn barrier_at<'a>(
        &'a self,
        by: Barrier,
        tier: &'a TierCadence,
        campaign: usize,
    ) -> Option<&'a Place> {
        match by {
            Barrier::Gap { .. } if tier.min_gap.is_some() => Some(&tier.place),
            Barrier::Gap { .. } => Some(&self.cadence.min_gap.place),
            Barrier::Cap(_) if tier.caps.is_some() => Some(&tier.place),
            Barrier::Cap(_) => Some(&self.cadence.caps.place),
            Barrier::CategoryCap(_) => {
                let category = self.campaigns[campaign].category?;
                Some(&self.categories[category].place)
            }
            Barrier::Pause => None,
        }
    }
}
