//! The one function that decides.
//!
//! [`decide`] looks at one contact and says which mail comes next, when, and what became of every
//! other occasion. The daemon calls it to act, `explain` prints it, `plan` walks it forward: none of
//! them has rules of its own, so they cannot disagree.
mod barriers;
mod days;
mod merge;
mod places;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use self::{barriers::Barriers, days::moved};
use super::{
    Barred, Barrier, Campaign, ContactId, DayOff, LocalWindow, NotMeant, OccasionKind,
    OccasionRule, Occurrence, Rules, Snapshot, Suppression, TierCadence,
    window::LONGEST_SHIFT_DAYS,
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
    /// What it has to wait for, if it could have left earlier.
    pub delayed: Option<Barrier>,
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
    /// Something holds it back until it is not welcome any more.
    Dropped {
        /// What.
        by: Barrier,
        /// Until when; `None` means for good.
        until: Option<DateTime<Utc>>,
    },
    /// The campaign does not run then.
    OutsideSpan,
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
/// first that is not. An account that gets something every day has this many behind it.
const TRIES: usize = 64;

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
    if contact.may_send == Some(false) {
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
    delayed: Option<Barrier>,
}

/// One contact at one instant, with what is worked out once.
struct View<'a> {
    rules: &'a Rules,
    contact: &'a Snapshot,
    window: LocalWindow<'a>,
    tier: &'a TierCadence,
    barriers: Barriers,
    now: DateTime<Utc>,
    today: NaiveDate,
    known_day: NaiveDate,
}

impl<'a> View<'a> {
    fn new(rules: &'a Rules, contact: &'a Snapshot, now: DateTime<Utc>) -> Self {
        let window = LocalWindow::of(rules, contact);
        let (tier, _) = rules.cadence.of(&contact.standings);
        Self {
            rules,
            contact,
            window,
            tier,
            barriers: Barriers::of(rules, tier, contact, &window),
            now,
            today: now.with_timezone(&contact.zone).date_naive(),
            known_day: contact.known_since.with_timezone(&contact.zone).date_naive(),
        }
    }

    /// The first occurrence of the campaign at `place` that can still be sent.
    fn candidate(&self, place: usize, considered: &mut Vec<Considered>) -> Option<Candidate> {
        let campaign = &self.rules.campaigns[place];
        let mut note =
            |day, fate| considered.push(Considered { campaign: place, day, fate, delayed: None });
        if let Err(reason) = self.rules.means(campaign, self.contact) {
            note(None, Fate::NotMeant(reason));
            return None;
        }
        let mut from = self.first_day(campaign);
        for tried in 0..TRIES {
            let Some(occurrence) = self.occurrence(campaign, from) else {
                if tried == 0 {
                    note(None, Fate::NoDate);
                }
                return None;
            };
            let target = moved(occurrence.day, campaign.offset_days);
            if (target - self.today).num_days() > HORIZON_DAYS {
                return None;
            }
            match self.placed(place, occurrence, target) {
                Ok(mail) => return Some(mail),
                Err(fate) => note(Some(occurrence.day), fate),
            }
            // A check-in is due on one day, whatever day is asked for.
            if campaign.occasion == OccasionRule::CheckIn {
                return None;
            }
            from = occurrence.day + Days::new(1);
        }
        None
    }

    /// The first day of an occasion whose mail may still be welcome today.
    fn first_day(&self, campaign: &Campaign) -> NaiveDate {
        let welcome = match (&campaign.occasion, campaign.runs) {
            (OccasionRule::OneOff, Some(runs)) => (runs.until - runs.from).num_days(),
            _ => i64::from(campaign.welcome_days),
        };
        let shifted =
            if campaign.day_off == DayOff::Next { i64::from(LONGEST_SHIFT_DAYS) } else { 0 };
        let back = welcome + shifted + i64::from(campaign.offset_days);
        self.today - TimeDelta::days(back)
    }

    /// When the mail for `occurrence`, due on `target`, would leave, or why it will not.
    fn placed(
        &self,
        place: usize,
        occurrence: Occurrence,
        target: NaiveDate,
    ) -> Result<Candidate, Fate> {
        let campaign = &self.rules.campaigns[place];
        let check_in = campaign.occasion == OccasionRule::CheckIn;
        if !check_in {
            self.is_news(campaign, occurrence.day, target)?;
        }
        // A check-in has no day of its own to keep or to leave out.
        let policy = if check_in { DayOff::Next } else { campaign.day_off };
        let shifted = self.window.shift(target, policy);
        let day = match shifted {
            Some(day) => day,
            None if check_in => target,
            None => return Err(Fate::DayOff),
        };
        if !campaign.occasion.welcomes_newcomers() && day < self.known_day {
            return Err(Fate::BeforeKnown);
        }
        let moment = self.window.moment(day);
        let opens = campaign.runs.map(|runs| self.window.moment(runs.from));
        let soonest = self.now.max(opens.unwrap_or(self.now));
        let free = match (moment >= soonest, shifted.is_some()) {
            (true, true) => moment,
            (true, false) => self.window.first_allowed(moment, policy),
            (false, _) => self.window.first_allowed(soonest, policy),
        };
        let barred = self.barred(campaign, free);
        let when = match barred {
            None => free,
            Some(Barred { by, until: None }) => return Err(Fate::Dropped { by, until: None }),
            Some(Barred { until: Some(until), .. }) => self.window.first_allowed(until, policy),
        };
        // Its welcome begins when it can leave, so it is never late.
        let begins = if check_in { self.day_of(when) } else { day };
        let last_day = last_day(campaign, begins);
        let delayed = barred.map(|barred| barred.by);
        let candidate = Candidate { campaign: place, occurrence, when, last_day, delayed };
        // On its own moment nothing is late, whatever the zone.
        let ended = campaign.runs.is_some_and(|runs| self.day_of(when) > runs.until);
        if !ended && (when == moment || when < self.not_after(&candidate)) {
            return Ok(candidate);
        }
        match barred {
            Some(Barred { by, until }) if free < self.not_after(&candidate) => {
                Err(Fate::Dropped { by, until })
            }
            _ if ended => Err(Fate::OutsideSpan),
            _ => Err(Fate::TooLate),
        }
    }

    /// Whether the occasion of `day` was neither written about nor covered.
    fn is_news(&self, campaign: &Campaign, day: NaiveDate, target: NaiveDate) -> Result<(), Fate> {
        let same = |past: &super::PastOutreach| past.campaign == campaign.key && past.day == day;
        if self.contact.history.iter().any(same) {
            return Err(Fate::Done);
        }
        match self.covered_by_past(campaign, day, target) {
            Some((by, day)) => Err(Fate::Covered { by, day }),
            None => Ok(()),
        }
    }

    /// The day of `instant` by the contact's clock.
    fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.contact.zone).date_naive()
    }

    /// The end of the candidate's welcome.
    fn not_after(&self, candidate: &Candidate) -> DateTime<Utc> {
        self.window.close_of(candidate.last_day)
    }
}

/// The last day on which a mail of `campaign` is welcome that is due on `day`.
fn last_day(campaign: &Campaign, day: NaiveDate) -> NaiveDate {
    let welcome = day + Days::new(u64::from(campaign.welcome_days));
    match (&campaign.occasion, campaign.runs) {
        (OccasionRule::OneOff, Some(runs)) => runs.until,
        // An invitation that comes after the event is worse than none.
        (OccasionRule::Invitation(event), _) => welcome.min(event.day()),
        (_, Some(runs)) => welcome.min(runs.until),
        (_, None) => welcome,
    }
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
