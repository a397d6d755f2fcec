//! Campaigns: an occasion, who is meant, and what they get.
use chrono::{DateTime, NaiveDate, Utc};

use super::{Condition, DayOff, DoubtPolicy, Locale, OccasionRule, Place, Standing};

/// An occasion, who is meant, and what they get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// The name in configuration; part of every occurrence's key.
    pub key: String,
    /// Its days.
    pub occasion: OccasionRule,
    /// Days between the occasion and the mail: −7 is a week before it.
    pub offset_days: i32,
    /// First and last day on which its mail may leave, if it does not run for good.
    pub runs: Option<RunningDays>,
    /// Folder of the template.
    pub template: String,
    /// Another template for round numbers of years.
    pub round: Option<RoundYears>,
    /// Who is meant.
    pub audience: Audience,
    /// Days after the mail's day on which it is still welcome; 0 means the day itself.
    pub welcome_days: u32,
    /// What becomes of an occasion on a day on which no mail leaves.
    pub day_off: DayOff,
    /// The higher number wins between campaigns of one kind.
    pub priority: i64,
    /// Place of its category in [`super::Rules::categories`].
    pub category: Option<usize>,
    /// What becomes of a mail of which nobody knows whether it arrived.
    pub in_doubt: DoubtPolicy,
    /// Whether its mail advertises, so that the laws on commercial mail hold for it.
    pub commercial: bool,
    /// Where it is configured.
    pub place: Place,
}

/// The days on which a campaign runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningDays {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub until: NaiveDate,
}

/// A template for every so many years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundYears {
    /// Years between two of them; 1 or more.
    pub every: u32,
    /// Folder of the template.
    pub template: String,
}

impl Campaign {
    /// The folder of the template for an occurrence that counts `years`.
    #[must_use]
    pub fn template_for(&self, years: Option<u32>) -> &str {
        let round =
            self.round.as_ref().filter(|round| years.is_some_and(|years| years % round.every == 0));
        round.map_or(&self.template, |round| &round.template)
    }

    /// The name of its file, which the steps of one series share.
    #[must_use]
    pub fn family(&self) -> &str {
        self.key.split_once('/').map_or(&self.key, |(family, _)| family)
    }

    /// The folders of all templates that its mails may need.
    pub fn templates(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.template.as_str())
            .chain(self.round.iter().map(|round| round.template.as_str()))
    }
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
    /// The contact does not keep the holiday.
    OtherCulture,
    /// The contact wants no mail of this kind.
    NotWanted,
    /// It advertises in a country that wants consent before, and none is on record.
    NoConsentOnRecord,
}

impl Audience {
    /// How narrowly the audience is drawn: the number of its conditions. Of two campaigns of one
    /// priority the narrower one is meant.
    #[must_use]
    pub fn specificity(&self) -> usize {
        let Self { tiers, locales, countries, when } = self;
        let lists = [tiers.is_empty(), locales.is_empty(), countries.is_empty()];
        lists.into_iter().filter(|is_empty| !is_empty).count() + usize::from(when.is_some())
    }

    /// Since when a contact with these standings has been in the audience of the `family` of
    /// campaigns by its rule.
    #[must_use]
    pub fn since(&self, family: &str, standings: &[Standing]) -> Option<DateTime<Utc>> {
        let member = |standing: &&Standing| audience_of(&standing.scheme) == Some(family);
        standings.iter().find(member).map(|standing| standing.since)
    }

    /// Whether a contact of these properties is meant by the `family`, or what speaks against it.
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
        let speaks = |wanted: &Locale| locale.is_within(wanted);
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
