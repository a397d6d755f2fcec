//! The one function that decides.
//!
//! [`decide`] looks at one contact and says which mail comes next, when, and what became of every
//! other occasion. The daemon calls it to act, `explain` prints it, `plan` walks it forward: none of
//! them has rules of its own, so they cannot disagree.
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{
    Campaign, ContactId, DayOff, NotMeant, OccasionKind, OccasionRule, Occurrence, Rules, Snapshot,
    Suppression, anniversary, scattered_share, window::LONGEST_SHIFT_DAYS,
};

/// What the rules say for one contact, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// For whom.
    pub contact: ContactId,
    /// The next mail, or why there is none.
    pub verdict: Verdict,
    /// Every occasion that was looked at and what became of it, in the order of the campaigns.
    pub considered: Vec<Considered>,
}

/// The next mail, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This mail comes next.
    Send(NextMail),
    /// Nothing is sent.
    Hold(Hold),
}

/// The mail that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextMail {
    /// Place of the campaign in [`Rules::campaigns`].
    pub campaign: usize,
    /// The occasion.
    pub occurrence: Occurrence,
    /// When it leaves; never before the `now` of the decision.
    pub when: DateTime<Utc>,
    /// After this it is not welcome any more.
    pub not_after: DateTime<Utc>,
}

/// Why a contact hears nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// On the suppression list. Outranks every other reason.
    Suppressed(Suppression),
    /// The contact did not allow mail.
    NoConsent,
    /// No campaign has a day for this contact within sight.
    NothingInSight,
}

/// What became of one occasion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Considered {
    /// Place of the campaign in [`Rules::campaigns`].
    pub campaign: usize,
    /// The occasion's day, if it has one.
    pub day: Option<NaiveDate>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an occasion that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is the next mail.
    Chosen,
    /// It has its turn later, as things stand.
    Later(DateTime<Utc>),
    /// A stronger occasion close by covers it.
    Covered {
        /// Place of the stronger campaign.
        by: usize,
        /// Its day.
        day: NaiveDate,
    },
    /// It was sent already, or is on its way.
    Done,
    /// It is over.
    TooLate,
    /// It was before we knew the contact.
    BeforeKnown,
    /// The minimum gap after another mail lasts until it is not welcome any more.
    DroppedByGap(DateTime<Utc>),
    /// It falls on a day on which no mail leaves, and its policy leaves it out.
    DayOff,
    /// The campaign does not mean this contact.
    NotMeant(NotMeant),
    /// The date that it depends on is not known.
    NoDate,
}

/// How far ahead a dated occasion is looked for. Longer than a year, so that next year's birthday
/// is in sight on the day after this year's.
const HORIZON_DAYS: i64 = 400;

/// Occurrences of one campaign that are looked at: those that are over, done or left out, and the
/// first that is not.
const TRIES: usize = 4;

/// Salt of the share by which a contact's first check-in is spread.
const CATCH_UP_SALT: u64 = 2;

/// Decides on `contact` as of `now`.
///
/// Total and deterministic: the same arguments give the same decision.
#[must_use]
pub fn decide(rules: &Rules, contact: &Snapshot, now: DateTime<Utc>) -> Decision {
    let hold = |hold| Decision {
        contact: contact.id,
        verdict: Verdict::Hold(hold),
        considered: Vec::new(),
    };
    if let Some(why) = contact.suppressed {
        return hold(Hold::Suppressed(why));
    }
    if !contact.may_send {
        return hold(Hold::NoConsent);
    }
    let view = View::new(rules, contact, now);
    let mut considered = Vec::with_capacity(rules.campaigns.len() + 2);
    let mut candidates = Vec::with_capacity(rules.campaigns.len());
    for place in 0..rules.campaigns.len() {
        candidates.extend(view.candidate(place, &mut considered));
    }
    let chosen = view.choose(candidates, &mut considered);
    considered.sort_by_key(|entry| (entry.campaign, entry.day));
    let verdict = chosen.map_or(Verdict::Hold(Hold::NothingInSight), Verdict::Send);
    Decision { contact: contact.id, verdict, considered }
}

/// The day of `campaign`'s next occasion for `contact` on or after the day of `now`, whether or not
/// a mail would go out on it; what a preview is dated.
#[must_use]
pub fn next_occurrence(
    rules: &Rules,
    contact: &Snapshot,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> Option<Occurrence> {
    let view = View::new(rules, contact, now);
    view.occurrence(campaign, view.today)
}

/// A mail that could come next. Its welcome ends with the window on `last_day`; the instant is
/// worked out for the one that is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Candidate {
    campaign: usize,
    occurrence: Occurrence,
    when: DateTime<Utc>,
    last_day: NaiveDate,
}

/// One contact at one instant, with what is worked out once.
struct View<'a> {
    rules: &'a Rules,
    contact: &'a Snapshot,
    now: DateTime<Utc>,
    today: NaiveDate,
    known_day: NaiveDate,
    /// No mail before this.
    gap_until: Option<DateTime<Utc>>,
}

impl<'a> View<'a> {
    fn new(rules: &'a Rules, contact: &'a Snapshot, now: DateTime<Utc>) -> Self {
        let gap = TimeDelta::days(i64::from(rules.cadence.min_gap_days));
        Self {
            rules,
            contact,
            now,
            today: now.with_timezone(&contact.zone).date_naive(),
            known_day: contact.known_since.with_timezone(&contact.zone).date_naive(),
            gap_until: contact.last_mail_at.map(|last| last + gap),
        }
    }

    /// The first occurrence of the campaign at `place` that can still be sent.
    fn candidate(&self, place: usize, considered: &mut Vec<Considered>) -> Option<Candidate> {
        let campaign = &self.rules.campaigns[place];
        let Snapshot { standings, locale, country, .. } = self.contact;
        let mut note = |day, fate| considered.push(Considered { campaign: place, day, fate });
        if let Err(reason) =
            campaign.audience.admits(&campaign.key, standings, locale, country.as_deref())
        {
            note(None, Fate::NotMeant(reason));
            return None;
        }
        let shifted = if campaign.day_off == DayOff::Next { LONGEST_SHIFT_DAYS as u64 } else { 0 };
        let mut from = self.today - Days::new(u64::from(campaign.welcome_days) + shifted);
        for _ in 0..TRIES {
            let Some(occurrence) = self.occurrence(campaign, from) else {
                note(None, Fate::NoDate);
                return None;
            };
            if (occurrence.day - self.today).num_days() > HORIZON_DAYS {
                return None;
            }
            match self.placed(place, occurrence) {
                Ok(mail) => return Some(mail),
                Err(fate) => note(Some(occurrence.day), fate),
            }
            from = occurrence.day + Days::new(1);
        }
        None
    }

    /// When `occurrence` would leave, or why it will not.
    fn placed(&self, place: usize, occurrence: Occurrence) -> Result<Candidate, Fate> {
        let campaign = &self.rules.campaigns[place];
        let window = &self.rules.window;
        let zone = self.contact.zone;
        let check_in = campaign.occasion == OccasionRule::CheckIn;
        if !check_in {
            let same = |past: &&super::PastOutreach| {
                past.campaign == campaign.key && past.day == occurrence.day
            };
            if self.contact.history.iter().any(|past| same(&past)) {
                return Err(Fate::Done);
            }
            if let Some((by, day)) = self.covered_by_past(campaign, occurrence.day) {
                return Err(Fate::Covered { by, day });
            }
        }
        let day = window.shift(occurrence.day, campaign.day_off).ok_or(Fate::DayOff)?;
        if !check_in && day < self.known_day {
            return Err(Fate::BeforeKnown);
        }
        let welcome = Days::new(u64::from(campaign.welcome_days));
        let moment = window.moment(day, zone, self.contact.id);
        let free =
            if moment >= self.now { moment } else { self.allowed(self.now, campaign.day_off) };
        let gap = self.gap_until.filter(|until| free < *until);
        let when = gap.map_or(free, |until| self.allowed(until, campaign.day_off));
        // A check-in has no day of its own to be late for: its welcome begins when it can leave.
        let begins = if check_in { when.with_timezone(&zone).date_naive() } else { day };
        let candidate = Candidate { campaign: place, occurrence, when, last_day: begins + welcome };
        // On its own moment nothing is late, whatever the zone.
        if when == moment || when < self.not_after(&candidate) {
            return Ok(candidate);
        }
        match gap {
            Some(until) if free < self.not_after(&candidate) => Err(Fate::DroppedByGap(until)),
            _ => Err(Fate::TooLate),
        }
    }

    /// The first instant from `from` on that the window allows.
    fn allowed(&self, from: DateTime<Utc>, policy: DayOff) -> DateTime<Utc> {
        let Snapshot { id, zone, .. } = self.contact;
        self.rules.window.first_allowed(from, *zone, *id, policy)
    }

    /// The end of the candidate's welcome.
    fn not_after(&self, candidate: &Candidate) -> DateTime<Utc> {
        self.rules.window.close_of(candidate.last_day, self.contact.zone)
    }

    /// The mail that covers an occasion of `campaign` on `day` although it has left already.
    fn covered_by_past(&self, campaign: &Campaign, day: NaiveDate) -> Option<(usize, NaiveDate)> {
        let reach = i64::from(self.rules.cadence.merge_days);
        let rank = self.rules.rank(campaign.occasion.kind());
        self.contact.history.iter().find_map(|past| {
            let near = (past.day - day).num_days().abs() < reach;
            let stronger = past.kind != OccasionKind::CheckIn && self.rules.rank(past.kind) <= rank;
            let by = self.rules.campaigns.iter().position(|known| known.key == past.campaign)?;
            let other = past.counts && past.campaign != campaign.key;
            (near && stronger && other).then_some((by, past.day))
        })
    }

    /// The campaign's first day on or after `from`.
    fn occurrence(&self, campaign: &Campaign, from: NaiveDate) -> Option<Occurrence> {
        match campaign.occasion {
            OccasionRule::Birthday => {
                let birthday = self.contact.birthday?;
                let day = birthday.next_on_or_after(from, self.rules.leap_day);
                Some(Occurrence { day, years: years_between(birthday.year(), day) })
            }
            OccasionRule::CooperationAnniversary => {
                let since = self.contact.cooperation_since?;
                let first = from.max(since + Days::new(1));
                let year = chrono::Datelike::year(&first);
                let day = [year, year + 1]
                    .into_iter()
                    .filter_map(|year| anniversary(since, year))
                    .find(|day| *day >= first)?;
                let years = years_between(Some(chrono::Datelike::year(&since)), day);
                Some(Occurrence { day, years })
            }
            OccasionRule::Holiday(holiday) => {
                let day = self.rules.holidays.get(holiday)?.next_on_or_after(from)?;
                Some(Occurrence { day, years: None })
            }
            OccasionRule::CheckIn => Some(Occurrence { day: self.check_in_day(), years: None }),
        }
    }

    /// The day on which the contact's interval ends. An interval that had ended before we knew the
    /// contact, or never began, ends on a day of the contact's own within the catch-up time, so
    /// that an import does not write to everybody at once.
    fn check_in_day(&self) -> NaiveDate {
        let (cadence, _) = self.rules.cadence.of(&self.contact.standings);
        let days = self.contact.engagement.interval_days(cadence);
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

    /// Lets stronger candidates cover weaker ones close by, and takes the earliest of the rest.
    fn choose(
        &self,
        mut candidates: Vec<Candidate>,
        considered: &mut Vec<Considered>,
    ) -> Option<NextMail> {
        let campaign = |mail: &Candidate| &self.rules.campaigns[mail.campaign];
        candidates.sort_by_key(|mail| {
            let Campaign { occasion, priority, .. } = campaign(mail);
            (self.rules.rank(occasion.kind()), -priority, mail.when, mail.campaign)
        });
        let reach = TimeDelta::days(i64::from(self.rules.cadence.merge_days));
        let mut standing: Vec<Candidate> = Vec::with_capacity(candidates.len());
        for mail in candidates {
            let cover = standing.iter().find(|other| (other.when - mail.when).abs() < reach);
            if let Some(other) = cover {
                considered.push(Considered {
                    campaign: mail.campaign,
                    day: Some(mail.occurrence.day),
                    fate: Fate::Covered { by: other.campaign, day: other.occurrence.day },
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

/// Years from `year` to the year of `day`; `None` if the first is not known or not earlier.
fn years_between(year: Option<i32>, day: NaiveDate) -> Option<u32> {
    let years = chrono::Datelike::year(&day) - year?;
    u32::try_from(years).ok().filter(|years| *years > 0)
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

impl Hold {
    /// The name under which held contacts are counted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suppressed(why) => why.as_str(),
            Self::NoConsent => "no-consent",
            Self::NothingInSight => "nothing-in-sight",
        }
    }
}

impl Decision {
    /// When to decide on this contact again if nothing happens: at the time of the next mail, or
    /// within [`REVIEW_DAYS`] if none is in sight, or never while the contact may not be written
    /// to.
    #[must_use]
    pub fn look_again_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.verdict {
            Verdict::Send(mail) => Some(mail.when),
            Verdict::Hold(Hold::NothingInSight) => Some(next_review(self.contact, now)),
            Verdict::Hold(Hold::Suppressed(_) | Hold::NoConsent) => None,
        }
    }
}

/// Days between two looks at a contact for whom nothing is in sight.
const REVIEW_DAYS: i64 = 30;

/// The contact's next review: each contact has a day of its own in every round of [`REVIEW_DAYS`], so
/// that decisions at different times agree on it and not everybody comes on one day.
fn next_review(contact: ContactId, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.timestamp().div_euclid(SECONDS_A_DAY);
    let ahead = REVIEW_DAYS - (today - contact.0).rem_euclid(REVIEW_DAYS);
    DateTime::from_timestamp((today + ahead) * SECONDS_A_DAY, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// The key under which the ledger knows one occasion of one contact: no clock step, daylight saving
/// change or second planner can make a second row of it.
#[must_use]
pub fn occurrence_key(
    campaign: &str,
    contact: ContactId,
    kind: OccasionKind,
    day: NaiveDate,
) -> String {
    format!("{campaign}|{}|{}|{day}", contact.0, kind.as_str())
}

#[cfg(test)]
mod tests;
