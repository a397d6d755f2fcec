//! Reasons to write, and the campaigns that make mails of them.
use chrono::NaiveDate;

use super::{Condition, DayOff, Locale, Standing};

/// A kind of reason to write, stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OccasionKind {
    /// The contact's birthday.
    Birthday,
    /// The day on which the cooperation with the account began.
    CooperationAnniversary,
    /// A day on which many people greet one another.
    Holiday,
    /// Enough time has passed since the last mail.
    CheckIn,
}

impl OccasionKind {
    /// Every kind, strongest first: the order in which near occasions cover one another unless
    /// configuration gives another.
    pub const ALL: [Self; 4] =
        [Self::Birthday, Self::CooperationAnniversary, Self::Holiday, Self::CheckIn];

    /// The name in configuration and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Birthday => "birthday",
            Self::CooperationAnniversary => "cooperation-anniversary",
            Self::Holiday => "holiday",
            Self::CheckIn => "check-in",
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How a campaign finds its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OccasionRule {
    /// Each contact's birthday.
    Birthday,
    /// The anniversary of each account's first day.
    CooperationAnniversary,
    /// The holiday at this place of the calendar.
    Holiday(usize),
    /// Each contact's own interval.
    CheckIn,
}

impl OccasionRule {
    /// The kind of reason.
    #[must_use]
    pub const fn kind(self) -> OccasionKind {
        match self {
            Self::Birthday => OccasionKind::Birthday,
            Self::CooperationAnniversary => OccasionKind::CooperationAnniversary,
            Self::Holiday(_) => OccasionKind::Holiday,
            Self::CheckIn => OccasionKind::CheckIn,
        }
    }
}

/// An occasion, who is meant, and what they get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// The name in configuration; part of every occurrence's key.
    pub key: String,
    /// Its days.
    pub occasion: OccasionRule,
    /// Folder of the template.
    pub template: String,
    /// Who is meant.
    pub audience: Audience,
    /// Days after the occasion on which the mail is still welcome; 0 means the day itself.
    pub welcome_days: u32,
    /// What becomes of an occasion on a day on which no mail leaves.
    pub day_off: DayOff,
    /// The higher number wins between campaigns of one kind.
    pub priority: i64,
}

/// Who is meant by a campaign. An empty list means everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Scheme and tier, any of which the contact must be in.
    pub tiers: Vec<(String, String)>,
    /// Languages; `zh` covers `zh-CN`.
    pub locales: Vec<Locale>,
    /// Countries, ISO 3166-1 alpha-2.
    pub countries: Vec<String>,
    /// A rule over facts. It is looked at when contacts are classified; who fits has a standing in
    /// the scheme that [`audience_scheme`] names.
    pub when: Option<Condition>,
}

/// The tier of whoever fits the rule of an audience.
pub const AUDIENCE_TIER: &str = "audience";

/// What the scheme of an audience begins with; no scheme of the configuration has such a name.
const AUDIENCE_PREFIX: &str = "campaign:";

/// The scheme that says who fits the rule of a campaign's audience. The steps of a series,
/// `FAMILY/STEP`, share one.
#[must_use]
pub fn audience_scheme(campaign: &str) -> String {
    format!("{AUDIENCE_PREFIX}{}", family(campaign))
}

/// The campaign, or series of them, whose audience a scheme is; `None` for a scheme of tiers.
#[must_use]
pub fn audience_of(scheme: &str) -> Option<&str> {
    scheme.strip_prefix(AUDIENCE_PREFIX)
}

fn family(campaign: &str) -> &str {
    campaign.split_once('/').map_or(campaign, |(family, _)| family)
}

/// The first list of an [`Audience`] that a contact is not on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMeant {
    /// Of other tiers.
    Tier,
    /// Of another language.
    Locale,
    /// Of another country.
    Country,
    /// Not one for whom the rule holds.
    Rule,
}

impl Audience {
    /// Whether a contact of these properties is meant by `campaign`, or what speaks against it.
    pub fn admits(
        &self,
        campaign: &str,
        standings: &[Standing],
        locale: &Locale,
        country: Option<&str>,
    ) -> Result<(), NotMeant> {
        let in_tier = |(scheme, tier): &(String, String)| {
            standings.iter().any(|standing| standing.scheme == *scheme && standing.tier == *tier)
        };
        if !self.tiers.is_empty() && !self.tiers.iter().any(in_tier) {
            return Err(NotMeant::Tier);
        }
        let speaks = |wanted: &Locale| locale.fallbacks(locale).any(|tag| tag == wanted.as_str());
        if !self.locales.is_empty() && !self.locales.iter().any(speaks) {
            return Err(NotMeant::Locale);
        }
        let lives = |wanted: &String| country == Some(wanted.as_str());
        if !self.countries.is_empty() && !self.countries.iter().any(lives) {
            return Err(NotMeant::Country);
        }
        let in_audience =
            |standing: &Standing| audience_of(&standing.scheme) == Some(family(campaign));
        if self.when.is_some() && !standings.iter().any(in_audience) {
            return Err(NotMeant::Rule);
        }
        Ok(())
    }
}

/// One day on which a campaign has reason to write to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The civil day in the contact's zone.
    pub day: NaiveDate,
    /// Years since it began: age, or years of cooperation; `None` where nothing is counted.
    pub years: Option<u32>,
}
