//! The rules in force: everything that an admin decides.
use super::{
    Cadence, Campaign, DaysOff, Holiday, LeapDay, Locale, OccasionKind, Scheme, SendWindow,
    Standing,
};

/// The rules in force, checked and with all days worked out.
#[derive(Debug, PartialEq)]
pub struct Rules {
    /// Ways to classify contacts.
    pub schemes: Vec<Scheme>,
    /// How often to write.
    pub cadence: CadenceRules,
    /// Days that matter to many.
    pub holidays: Vec<Holiday>,
    /// Which of them are days off in which country.
    pub days_off: DaysOff,
    /// What is written, to whom, on what occasion.
    pub campaigns: Vec<Campaign>,
    /// When mail may leave.
    pub window: SendWindow,
    /// Which kind of occasion covers which, strongest first; every kind is in it once.
    pub strength: Vec<OccasionKind>,
    /// What becomes of a birthday on 29 February in a common year.
    pub leap_day: LeapDay,
    /// The language of last resort.
    pub default_locale: Locale,
}

/// How often to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CadenceRules {
    /// The scheme whose tiers set the interval.
    pub scheme: String,
    /// The interval of each tier of that scheme.
    pub tiers: Vec<(String, Cadence)>,
    /// The interval of a contact that stands nowhere yet.
    pub fallback: Cadence,
    /// The least number of days between any two mails to one contact.
    pub min_gap_days: u32,
    /// Days within which a stronger occasion covers a weaker one; at least the gap.
    pub merge_days: u32,
    /// Days over which contacts that are overdue when we first learn of them are spread.
    pub catch_up_days: u32,
}

impl CadenceRules {
    /// The interval for a contact with these standings, and the tier that set it, if one did.
    #[must_use]
    pub fn of<'a>(&'a self, standings: &'a [Standing]) -> (&'a Cadence, Option<&'a Standing>) {
        let standing = standings.iter().find(|standing| standing.scheme == self.scheme);
        let found = standing.and_then(|standing| {
            let (_, cadence) = self.tiers.iter().find(|(tier, _)| *tier == standing.tier)?;
            Some((cadence, Some(standing)))
        });
        found.unwrap_or((&self.fallback, None))
    }
}

impl Rules {
    /// The place of `kind` in the order of strength; a lower number is stronger.
    #[must_use]
    pub fn rank(&self, kind: OccasionKind) -> usize {
        self.strength.iter().position(|known| *known == kind).unwrap_or(self.strength.len())
    }
}
