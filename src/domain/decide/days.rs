//! The days of a campaign for one contact.
use chrono::{Days, NaiveDate, TimeDelta};

use super::View;
use crate::domain::{
    Campaign, OccasionKind, OccasionRule, Occurrence, anniversary_on_or_after,
    occasion::years_between, scattered_share,
};

/// Salt of the share by which a contact's first check-in is spread.
const CATCH_UP_SALT: u64 = 2;

impl View<'_> {
    /// The campaign's first occasion on or after `from`.
    pub(super) fn occurrence(&self, campaign: &Campaign, from: NaiveDate) -> Option<Occurrence> {
        let contact = self.contact;
        let uncounted = |day| Occurrence { day, years: None };
        match &campaign.occasion {
            OccasionRule::Birthday => {
                let birthday = contact.birthday?;
                let day = birthday.next_on_or_after(from, self.rules.leap_day);
                Some(Occurrence { day, years: years_between(birthday.year(), day) })
            }
            OccasionRule::CooperationAnniversary => {
                anniversary_on_or_after(contact.cooperation_since?, from)
            }
            OccasionRule::CompanyAnniversary(founded) => anniversary_on_or_after(*founded, from),
            OccasionRule::ContractMilestone(milestone) => {
                let days = contact.terms.iter().map(|term| term.day_of(*milestone));
                days.filter(|day| *day >= from).min().map(uncounted)
            }
            OccasionRule::Invitation(event) => {
                Some(event.day()).filter(|day| *day >= from).map(uncounted)
            }
            OccasionRule::Holiday(holiday) => {
                self.rules.holidays.get(*holiday)?.next_on_or_after(from).map(uncounted)
            }
            OccasionRule::FollowUp(kind) => {
                let deeds = contact.deeds.iter().filter(|deed| deed.kind == *kind);
                deeds.map(|deed| deed.on).filter(|day| *day >= from).min().map(uncounted)
            }
            OccasionRule::WinBack => {
                let since = campaign.audience.since(campaign.family(), &contact.standings)?;
                let day = since.with_timezone(&contact.zone).date_naive();
                (day >= from).then_some(uncounted(day))
            }
            OccasionRule::OneOff => {
                let day = campaign.runs?.from;
                (day >= from).then_some(uncounted(day))
            }
            OccasionRule::CheckIn => Some(uncounted(self.check_in_day())),
        }
    }

    /// The day on which the contact's interval ends. An interval that had ended before we knew the
    /// contact, or never began, ends on a day of the contact's own within the catch-up time, so
    /// that an import does not write to everybody at once.
    fn check_in_day(&self) -> NaiveDate {
        let days = self.interval_days();
        let share = scattered_share(self.contact.id.0, CATCH_UP_SALT);
        let catch_up =
            self.known_day + whole_days(share * f64::from(self.rules.cadence.catch_up_days));
        let tried = self.contact.history.iter().filter(|past| past.kind == OccasionKind::CheckIn);
        match self.contact.last_mail_at.max(tried.map(|past| past.at).max()) {
            None => catch_up,
            Some(last) => {
                let due = last.with_timezone(&self.contact.zone).date_naive() + whole_days(days);
                if due < self.known_day { catch_up } else { due }
            }
        }
    }

    /// Days between two check-ins: what the contact asked for, else what behaviour and tier say.
    fn interval_days(&self) -> f64 {
        let asked = self.contact.wish.every_days.map(f64::from);
        asked.unwrap_or_else(|| self.contact.engagement.interval_days(&self.tier.cadence))
    }
}

/// `day` moved by `offset` days; the end of the calendar where that is passed.
pub(super) fn moved(day: NaiveDate, offset: i32) -> NaiveDate {
    day.checked_add_signed(TimeDelta::days(i64::from(offset))).unwrap_or(NaiveDate::MAX)
}

/// `days` as whole days, rounded down; never negative.
fn whole_days(days: f64) -> Days {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "days of an interval"
    )]
    Days::new(days.max(0.0) as u64)
}
