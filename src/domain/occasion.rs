//! Reasons to write.
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::TouchKind;

/// A kind of reason to write, stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OccasionKind {
    /// The contact's birthday.
    Birthday,
    /// The day on which the cooperation with the account began.
    CooperationAnniversary,
    /// The day on which our own company was founded.
    CompanyAnniversary,
    /// A contract begins, is half over or ends.
    ContractMilestone,
    /// Something that the contact is invited to.
    Invitation,
    /// A day on which many people greet one another.
    Holiday,
    /// An order, a delivery or a service visit some days ago.
    FollowUp,
    /// The contact has come into an audience of those who may leave us.
    WinBack,
    /// A mail that goes out once, within a time span.
    OneOff,
    /// Enough time has passed since the last mail.
    CheckIn,
}

impl OccasionKind {
    /// Every kind, strongest first: the order in which near occasions cover one another unless
    /// configuration gives another.
    pub const ALL: [Self; 10] = [
        Self::Birthday,
        Self::CooperationAnniversary,
        Self::CompanyAnniversary,
        Self::ContractMilestone,
        Self::Invitation,
        Self::Holiday,
        Self::FollowUp,
        Self::WinBack,
        Self::OneOff,
        Self::CheckIn,
    ];

    /// The name in configuration and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Birthday => "birthday",
            Self::CooperationAnniversary => "cooperation-anniversary",
            Self::CompanyAnniversary => "company-anniversary",
            Self::ContractMilestone => "contract-milestone",
            Self::Invitation => "invitation",
            Self::Holiday => "holiday",
            Self::FollowUp => "follow-up",
            Self::WinBack => "win-back",
            Self::OneOff => "one-off",
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OccasionRule {
    /// Each contact's birthday.
    Birthday,
    /// The anniversary of each account's first day.
    CooperationAnniversary,
    /// The anniversary of the day on which our company was founded.
    CompanyAnniversary(NaiveDate),
    /// A day in the life of each contract of the account.
    ContractMilestone(Milestone),
    /// An event to come.
    Invitation(Event),
    /// The holiday at this place of the calendar.
    Holiday(usize),
    /// Each of these things that happened.
    FollowUp(DeedKind),
    /// The day on which the contact came into the campaign's audience.
    WinBack,
    /// The first day of the campaign's time span.
    OneOff,
    /// Each contact's own interval.
    CheckIn,
}

impl OccasionRule {
    /// The kind of reason.
    #[must_use]
    pub const fn kind(&self) -> OccasionKind {
        match self {
            Self::Birthday => OccasionKind::Birthday,
            Self::CooperationAnniversary => OccasionKind::CooperationAnniversary,
            Self::CompanyAnniversary(_) => OccasionKind::CompanyAnniversary,
            Self::ContractMilestone(_) => OccasionKind::ContractMilestone,
            Self::Invitation(_) => OccasionKind::Invitation,
            Self::Holiday(_) => OccasionKind::Holiday,
            Self::FollowUp(_) => OccasionKind::FollowUp,
            Self::WinBack => OccasionKind::WinBack,
            Self::OneOff => OccasionKind::OneOff,
            Self::CheckIn => OccasionKind::CheckIn,
        }
    }

    /// Whether a contact whom we learn of after the day is still meant: the day is ours, not
    /// something of the contact's past.
    #[must_use]
    pub const fn welcomes_newcomers(&self) -> bool {
        matches!(self, Self::Invitation(_) | Self::WinBack | Self::OneOff | Self::CheckIn)
    }
}

/// A day in the life of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// Its first day.
    Start,
    /// The day half-way between first and last.
    MidTerm,
    /// Its last day.
    End,
}

/// A contract of the contact's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Term {
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
}

impl Term {
    /// The day of `milestone`.
    #[must_use]
    pub fn day_of(self, milestone: Milestone) -> NaiveDate {
        match milestone {
            Milestone::Start => self.starts_on,
            Milestone::MidTerm => self.starts_on + (self.ends_on - self.starts_on) / 2,
            Milestone::End => self.ends_on,
        }
    }
}

/// Something that happened to an account or a contact and that a follow-up may be due for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeedKind {
    /// The account ordered.
    Order,
    /// Something was delivered.
    Delivery,
    /// Somebody was there to help.
    Service,
    /// A call.
    Call,
    /// A visit.
    Visit,
    /// The contact was at an event.
    Event,
}

impl DeedKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Order, Self::Delivery, Self::Service, Self::Call, Self::Visit, Self::Event];

    /// The name in configuration; but for `order` that of the touch in lists and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Delivery => "delivery",
            Self::Service => TouchKind::Service.as_str(),
            Self::Call => TouchKind::Call.as_str(),
            Self::Visit => TouchKind::Visit.as_str(),
            Self::Event => TouchKind::Event.as_str(),
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Something that happened on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deed {
    /// What.
    pub kind: DeedKind,
    /// When.
    pub on: NaiveDate,
}

/// What a reader's calendar makes of an [`Event`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EventKind {
    /// A meeting: the reader is asked to come, and to say so.
    #[default]
    Meeting,
    /// An entry and no more: nobody is asked for an answer.
    Reminder,
    /// The same for a whole day, wherever the reader is.
    Day {
        /// Whether the day is the same each year.
        yearly: bool,
    },
}

/// Something that contacts are invited to, or reminded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What calendars make of it.
    pub kind: EventKind,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// The zone of the place, whose clocks the invitation goes by.
    pub zone: chrono_tz::Tz,
    /// What it is called, by language; English is always there.
    pub titles: Vec<(super::Locale, String)>,
    /// Where it is, by language; English is always there.
    pub places: Vec<(super::Locale, String)>,
    /// How often the invitation has been changed, for calendars that have it (RFC 5545 3.8.7.4).
    pub sequence: u32,
}

impl Event {
    /// What it is called in `locale`, else in English.
    #[must_use]
    pub fn title(&self, locale: &super::Locale) -> &str {
        in_language(&self.titles, locale)
    }

    /// Where it is, in the words of `locale`, else in English.
    #[must_use]
    pub fn place(&self, locale: &super::Locale) -> &str {
        in_language(&self.places, locale)
    }

    /// A whole day, as the clocks of `zone` have it.
    #[must_use]
    pub fn hours_of(day: NaiveDate, zone: chrono_tz::Tz) -> [DateTime<Utc>; 2] {
        let midnight = |day: NaiveDate| super::instant(day.and_time(NaiveTime::MIN), zone);
        [midnight(day), midnight(day + Days::new(1))]
    }

    /// The day on which it begins, where it is.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        self.starts_at.with_timezone(&self.zone).date_naive()
    }
}

fn in_language<'a>(texts: &'a [(super::Locale, String)], locale: &super::Locale) -> &'a str {
    let english = super::Locale::english();
    let mut tags = locale.fallbacks(&english);
    let text = tags.find_map(|tag| texts.iter().find(|(known, _)| known.as_str() == tag));
    text.map_or("", |(_, text)| text)
}

/// One day on which a campaign has reason to write to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The occasion's own day in the contact's zone; the mail may leave some days before or after.
    pub day: NaiveDate,
    /// Years since it began: age, or years of cooperation; `None` where nothing is counted.
    pub years: Option<u32>,
}

/// The first anniversary of `start` on or after `from`, with its years; never `start` itself.
#[must_use]
pub fn anniversary_on_or_after(start: NaiveDate, from: NaiveDate) -> Option<Occurrence> {
    let first = from.max(start + TimeDelta::days(1));
    let day = [first.year(), first.year() + 1]
        .into_iter()
        .filter_map(|year| super::anniversary(start, year))
        .find(|day| *day >= first)?;
    Some(Occurrence { day, years: years_between(Some(start.year()), day) })
}

/// Years from `year` to the year of `day`; `None` if the first is not known or not earlier.
pub(super) fn years_between(year: Option<i32>, day: NaiveDate) -> Option<u32> {
    u32::try_from(day.year() - year?).ok().filter(|years| *years > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in OccasionKind::ALL {
            assert_eq!(OccasionKind::from_name(kind.as_str()), Some(kind));
        }
        for kind in DeedKind::ALL {
            assert_eq!(DeedKind::from_name(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn mid_term_is_half_way_and_rounds_down() {
        let term = Term { starts_on: day("2026-01-01"), ends_on: day("2026-12-31") };
        assert_eq!(term.day_of(Milestone::MidTerm), day("2026-07-02"));
        let a_day = Term { starts_on: day("2026-01-01"), ends_on: day("2026-01-01") };
        assert_eq!(a_day.day_of(Milestone::MidTerm), day("2026-01-01"));
    }

    #[test]
    fn the_first_day_is_no_anniversary_and_29_february_is_kept_on_the_28th() {
        let start = day("2024-02-29");
        let next = |from: &str| anniversary_on_or_after(start, day(from)).unwrap();
        assert_eq!(next("2024-02-29"), Occurrence { day: day("2025-02-28"), years: Some(1) });
        assert_eq!(next("2025-03-01").day, day("2026-02-28"));
        assert_eq!(next("2028-02-29"), Occurrence { day: day("2028-02-29"), years: Some(4) });
    }
}
