//! The rules in force: everything that an admin decides.
use chrono::{Days, NaiveDate};

use super::{
    Cadence, Campaign, Cap, Category, Condition, DaysOff, DeedKind, FactInfo, Holiday, LeapDay,
    Locale, NotMeant, OccasionKind, OccasionRule, Scheme, SendWindow, Snapshot, Span, Standing,
    audience_scheme, window::LONGEST_SHIFT_DAYS,
};

/// Where something stands in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, as `cadence.toml`.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

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
    /// Groups of campaigns with limits of their own.
    pub categories: Vec<Category>,
    /// What is written, to whom, on what occasion.
    pub campaigns: Vec<Campaign>,
    /// When mail may leave.
    pub window: SendWindow,
    /// The most mails on one day; `None` is no limit.
    pub budget: Option<u32>,
    /// Which kind of occasion covers which, strongest first; every kind is in it once.
    pub strength: Vec<OccasionKind>,
    /// Where that order is configured.
    pub strength_place: Place,
    /// What becomes of a birthday on 29 February in a common year.
    pub leap_day: LeapDay,
    /// Countries, ISO 3166-1 alpha-2, in which commercial mail needs consent that is on record.
    pub prior_consent: Vec<String>,
    /// The language of last resort.
    pub default_locale: Locale,
}

/// How often to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CadenceRules {
    /// The scheme whose tiers set the interval of mail.
    pub scheme: String,
    /// What each tier of that scheme sets.
    pub tiers: Vec<TierCadence>,
    /// What holds for a contact that stands nowhere yet.
    pub fallback: TierCadence,
    /// The least number of days between any two mails to one contact.
    pub min_gap: Limit<u32>,
    /// The most mails to one contact in windows of different lengths.
    pub caps: Limit<Vec<Cap>>,
    /// Days within which a stronger occasion covers a weaker one; at least the gap.
    pub merge_days: u32,
    /// Days over which contacts that are overdue when we first learn of them are spread.
    pub catch_up_days: u32,
    /// How often calls and visits are due, by channel.
    pub channels: Vec<ChannelCadence>,
}

/// A limit and where it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit<T> {
    /// The limit.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// What a tier sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierCadence {
    /// The tier's name.
    pub tier: String,
    /// The interval.
    pub cadence: Cadence,
    /// The gap in place of that for all.
    pub min_gap: Option<u32>,
    /// The caps in place of those for all.
    pub caps: Option<Vec<Cap>>,
    /// Where it stands.
    pub place: Place,
}

/// How often a rep is to be in touch by a channel other than mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelCadence {
    /// The channel.
    pub channel: Channel,
    /// The scheme whose tiers set the interval.
    pub scheme: String,
    /// The interval of each tier; a tier that is not here has none.
    pub tiers: Vec<(String, Span)>,
}

/// A way for a rep to be in touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By telephone.
    Call,
    /// In person.
    Visit,
}

impl Channel {
    /// The name in configuration, which is that of the touch.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Visit => "visit",
        }
    }
}

/// What decisions need to know of the past besides the contact's own mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// The contracts of the account.
    pub terms: bool,
    /// The orders of the account and their deliveries.
    pub orders: bool,
    /// The touches of the contact.
    pub touches: bool,
    /// How many days back orders and touches matter.
    pub deed_days: i64,
    /// How many days back the contact's own mails matter.
    pub history_days: i64,
}

/// When a rep is to be in touch next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelDue {
    /// The channel.
    pub channel: Channel,
    /// Days between two of them.
    pub every: Span,
    /// When it was last done, if ever.
    pub last: Option<NaiveDate>,
    /// When it is due next; on the contact's first day with us if it was never done.
    pub due: NaiveDate,
}

impl ChannelCadence {
    /// When the channel is due for a contact with these standings, known to us since `known`;
    /// `None` if nothing is.
    #[must_use]
    pub fn due(
        &self,
        standings: &[Standing],
        known: NaiveDate,
        last: Option<NaiveDate>,
    ) -> Option<ChannelDue> {
        let standing = standings.iter().find(|standing| standing.scheme == self.scheme)?;
        let (_, every) = self.tiers.iter().find(|(tier, _)| *tier == standing.tier)?;
        let due = last.map_or(known, |last| last + Days::new(u64::from(every.as_days())));
        Some(ChannelDue { channel: self.channel, every: *every, last, due })
    }
}

/// How far back mails are remembered for the decision at least: longer than any occasion's year.
const HISTORY_DAYS: i64 = 400;

impl CadenceRules {
    /// What holds for a contact with these standings, and where the contact stands in the scheme.
    #[must_use]
    pub fn of<'a>(&'a self, standings: &'a [Standing]) -> (&'a TierCadence, Option<&'a Standing>) {
        let standing = standings.iter().find(|standing| standing.scheme == self.scheme);
        let own =
            standing.and_then(|standing| self.tiers.iter().find(|tier| tier.tier == standing.tier));
        (own.unwrap_or(&self.fallback), standing)
    }

    /// Days between any two mails in this tier.
    #[must_use]
    pub fn gap_days(&self, tier: &TierCadence) -> u32 {
        tier.min_gap.unwrap_or(self.min_gap.value)
    }

    /// The caps on all mails in this tier.
    #[must_use]
    pub fn caps<'a>(&'a self, tier: &'a TierCadence) -> &'a [Cap] {
        tier.caps.as_deref().unwrap_or(&self.caps.value)
    }
}

impl Rules {
    /// Whether a tier goes by a place among all accounts, so that all have to be surveyed.
    #[must_use]
    pub fn has_tops(&self) -> bool {
        self.schemes.iter().any(|scheme| scheme.tiers.iter().any(|tier| tier.top.is_some()))
    }

    /// The rules of audiences, one for each campaign or series of them, by the scheme that they make.
    pub fn audiences(&self) -> impl Iterator<Item = (String, &Condition)> {
        let mut seen: Vec<String> = Vec::new();
        self.campaigns.iter().filter_map(move |campaign| {
            let when = campaign.audience.when.as_ref()?;
            let scheme = audience_scheme(&campaign.key);
            if seen.contains(&scheme) {
                return None;
            }
            seen.push(scheme.clone());
            Some((scheme, when))
        })
    }

    /// The facts that classification asks for.
    pub fn facts(&self) -> impl Iterator<Item = &'static FactInfo> {
        let audiences =
            self.campaigns.iter().filter_map(|campaign| campaign.audience.when.as_ref());
        self.schemes.iter().flat_map(Scheme::facts).chain(audiences.flat_map(Condition::names))
    }

    /// The place of `kind` in the order of strength; a lower number is stronger.
    #[must_use]
    pub fn rank(&self, kind: OccasionKind) -> usize {
        self.strength.iter().position(|known| *known == kind).unwrap_or(self.strength.len())
    }

    /// Whether `campaign` means `contact`, or what speaks against it.
    pub fn means(&self, campaign: &Campaign, contact: &Snapshot) -> Result<(), NotMeant> {
        let Snapshot { standings, locale, country, wish, may_send, .. } = contact;
        if !wish.wants(campaign.occasion.kind()) {
            return Err(NotMeant::NotWanted);
        }
        if let OccasionRule::Holiday(holiday) = campaign.occasion
            && let Some(holiday) = self.holidays.get(holiday)
            && !holiday.is_kept_by(locale, country.as_deref())
        {
            return Err(NotMeant::OtherCulture);
        }
        let wants_consent = country.as_ref().is_some_and(|one| self.prior_consent.contains(one));
        if campaign.commercial && wants_consent && may_send.is_none() {
            return Err(NotMeant::NoConsentOnRecord);
        }
        campaign.audience.admits(campaign.family(), standings, locale, country.as_deref())
    }

    /// What the campaigns look at besides the contact.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let tiers = self.cadence.tiers.iter().chain([&self.cadence.fallback]);
        let caps = tiers
            .flat_map(|tier| self.cadence.caps(tier))
            .chain(self.categories.iter().flat_map(|category| &category.caps));
        let longest_cap = caps.map(|cap| i64::from(cap.days)).max().unwrap_or(0);
        // The last mail counts until the next check-in, however seldom that is.
        let tiers = self.cadence.tiers.iter().chain([&self.cadence.fallback]);
        let longest_pause =
            tiers.map(|tier| i64::from(tier.cadence.max.as_days())).max().unwrap_or(0);
        let history_days = HISTORY_DAYS.max(longest_cap).max(longest_pause);
        let mut needs = Needs { history_days, ..Needs::default() };
        for campaign in &self.campaigns {
            // A one-off is not to be sent again as long as it runs.
            if let Some(runs) = campaign.runs {
                let days = (runs.until - runs.from).num_days() + HISTORY_DAYS;
                needs.history_days = needs.history_days.max(days);
            }
            match &campaign.occasion {
                OccasionRule::ContractMilestone(_) => needs.terms = true,
                OccasionRule::FollowUp(kind) => {
                    let days = i64::from(campaign.offset_days).max(0)
                        + i64::from(campaign.welcome_days)
                        + i64::from(LONGEST_SHIFT_DAYS);
                    needs.deed_days = needs.deed_days.max(days);
                    needs.orders |= matches!(kind, DeedKind::Order | DeedKind::Delivery);
                    needs.touches |= !matches!(kind, DeedKind::Order | DeedKind::Delivery);
                }
                _ => {}
            }
        }
        needs
    }

    /// Whether the gap and the caps for all mails do not hold for `campaign`.
    pub(super) fn is_exempt(&self, campaign: &Campaign) -> bool {
        campaign.category.is_some_and(|place| self.categories[place].exempt)
    }

    /// The category that the campaign called `key` is in.
    pub(super) fn category_of(&self, key: &str) -> Option<usize> {
        self.campaigns.iter().find(|campaign| campaign.key == key)?.category
    }
}
