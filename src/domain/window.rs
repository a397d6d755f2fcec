//! The hours in which a contact may be written to, in the contact's own zone.
use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    TimeZone, Utc,
};
use chrono_tz::Tz;

use super::{ContactId, DayStatus, DaysOff, Place, Rules, Snapshot, scatter};

/// When mail may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendWindow {
    /// The times of day at which it may, from the first up to but not including the second, in order
    /// and apart from each other.
    hours: Vec<(NaiveTime, NaiveTime)>,
    /// Allowed days of the week, Monday first.
    weekdays: [bool; 7],
    /// Where it is configured.
    pub place: Place,
}

/// What becomes of an occasion on a day on which no mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOff {
    /// It goes out on the day all the same.
    Keep,
    /// It goes out on the last allowed day before.
    Previous,
    /// It goes out on the first allowed day after.
    Next,
    /// It is left out that time.
    Skip,
}

/// Salt of the per-contact minute, so that it is independent of other scattered numbers.
const MINUTE_SALT: u64 = 1;

/// How many days a day off can shift an occasion by: longer than any run of public holidays.
pub(super) const LONGEST_SHIFT_DAYS: u8 = 14;

/// How far ahead a day is looked for on which mail may leave at all; past it mail leaves on a day off.
const LONGEST_CLOSURE_DAYS: usize = 400;

impl SendWindow {
    /// Mail from `opens` until `closes` but for the `quiet` times, on these days of the week.
    ///
    /// `None` if no time of any day is left.
    #[must_use]
    pub fn new(
        (opens, closes): (NaiveTime, NaiveTime),
        quiet: &[(NaiveTime, NaiveTime)],
        weekdays: [bool; 7],
        place: Place,
    ) -> Option<Self> {
        let mut hours = vec![(opens, closes)];
        for (begins, ends) in quiet {
            let parts = |(from, until): (NaiveTime, NaiveTime)| {
                [(from, until.min(*begins)), (from.max(*ends), until)]
            };
            hours =
                hours.into_iter().flat_map(parts).filter(|(from, until)| from < until).collect();
        }
        hours.sort_unstable();
        (!hours.is_empty() && weekdays.contains(&true)).then_some(Self { hours, weekdays, place })
    }

    /// The end of the last hour at which mail may leave.
    fn closes(&self) -> NaiveTime {
        self.hours.last().map_or(NaiveTime::MIN, |(_, until)| *until)
    }

    /// The contact's own minute of the day: scattered over all allowed minutes, so that a holiday for
    /// everybody does not reach the relay in one minute.
    fn minute(&self, contact: ContactId) -> NaiveTime {
        let length = |(from, until): &(NaiveTime, NaiveTime)| (*until - *from).num_minutes();
        let minutes = self.hours.iter().map(length).sum::<i64>().max(1);
        let mut left = (scatter(contact.0, MINUTE_SALT) % minutes.cast_unsigned()).cast_signed();
        for range in &self.hours {
            if left < length(range) {
                return range.0 + TimeDelta::minutes(left);
            }
            left -= length(range);
        }
        self.hours.first().map_or(NaiveTime::MIN, |(from, _)| *from)
    }

    /// Whether mail may leave at `time` of a day.
    #[must_use]
    pub fn is_open_at(&self, time: NaiveTime) -> bool {
        self.hours.iter().any(|(from, until)| (*from..*until).contains(&time))
    }
}

impl Default for SendWindow {
    /// Monday to Friday, 9 to 17 o'clock.
    fn default() -> Self {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        let weekdays = [true, true, true, true, true, false, false];
        Self { hours: vec![(time(9), time(17))], weekdays, place: Place::default() }
    }
}

/// The window as it is for one contact: by the clock there, and with the days off there.
#[derive(Debug, Clone, Copy)]
pub struct LocalWindow<'a> {
    window: &'a SendWindow,
    days_off: &'a DaysOff,
    country: Option<&'a str>,
    zone: Tz,
    /// The contact's own minute of the day.
    minute: NaiveTime,
}

impl<'a> LocalWindow<'a> {
    /// The window of `rules` for `contact`.
    #[must_use]
    pub fn of(rules: &'a Rules, contact: &'a Snapshot) -> Self {
        Self {
            window: &rules.window,
            days_off: &rules.days_off,
            country: contact.country.as_deref(),
            zone: contact.zone,
            minute: rules.window.minute(contact.id),
        }
    }

    /// Whether business mail may leave on `day`: not on days off, and on the days of the week that
    /// are allowed or that the country has made working days.
    #[must_use]
    pub fn allows(&self, day: NaiveDate) -> bool {
        match self.days_off.of(self.country, day) {
            Some(DayStatus::Off(_)) => false,
            Some(DayStatus::Working) => true,
            None => self.window.weekdays[day.weekday().num_days_from_monday() as usize],
        }
    }

    /// `day` moved according to `policy`; `None` if the policy leaves the occasion out.
    #[must_use]
    pub fn shift(&self, day: NaiveDate, policy: DayOff) -> Option<NaiveDate> {
        match policy {
            DayOff::Keep => Some(day),
            _ if self.allows(day) => Some(day),
            DayOff::Skip => None,
            DayOff::Previous => day
                .iter_days()
                .rev()
                .take(usize::from(LONGEST_SHIFT_DAYS) + 1)
                .find(|day| self.allows(*day)),
            DayOff::Next => day
                .iter_days()
                .take(usize::from(LONGEST_SHIFT_DAYS) + 1)
                .find(|day| self.allows(*day)),
        }
    }

    /// The instant on `day` at which the contact is written to.
    #[must_use]
    pub fn moment(&self, day: NaiveDate) -> DateTime<Utc> {
        instant(day.and_time(self.minute), self.zone)
    }

    /// The instant on `day` from which mail no longer leaves.
    #[must_use]
    pub fn close_of(&self, day: NaiveDate) -> DateTime<Utc> {
        instant(day.and_time(self.window.closes()), self.zone)
    }

    /// The first instant at or after `from` at which the contact may be written to: `from` itself
    /// inside the window, else the contact's minute of this or the next allowed day, or the end of
    /// the quiet time that `from` is in. With [`DayOff::Keep`] every day is an allowed one.
    #[must_use]
    pub fn first_allowed(&self, from: DateTime<Utc>, policy: DayOff) -> DateTime<Utc> {
        let local = from.with_timezone(&self.zone);
        let (today, time) = (local.date_naive(), local.time());
        let usable = |day: NaiveDate| policy == DayOff::Keep || self.allows(day);
        if usable(today) {
            if self.window.is_open_at(time) {
                return from;
            }
            let later = self.window.hours.iter().map(|(opens, _)| *opens).find(|at| *at > time);
            if let Some(opens) = later {
                let at = if self.minute > time { self.minute } else { opens };
                return instant(today.and_time(at), self.zone).max(from);
            }
        }
        let mut days = today.iter_days().skip(1).take(LONGEST_CLOSURE_DAYS);
        let last = today + Days::new(LONGEST_CLOSURE_DAYS as u64);
        self.moment(days.find(|day| usable(*day)).unwrap_or(last))
    }
}

/// The instant at which a clock on the wall in `zone` shows `local`: in the hour that is skipped in
/// spring the first instant after it, in the hour that comes twice in autumn the earlier one.
#[must_use]
pub fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        LocalResult::None => after_gap(local, zone),
    }
}

/// The end of the gap that `local` falls into. Gaps are found by quarter hours, which all zones in
/// use keep; the longest known one is the day that Samoa left out in 2011.
fn after_gap(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    const QUARTERS_OF_TWO_DAYS: i64 = 2 * 24 * 4;
    let floor = local - TimeDelta::seconds(local.and_utc().timestamp().rem_euclid(900));
    (1..=QUARTERS_OF_TWO_DAYS)
        .find_map(|quarters| {
            zone.from_local_datetime(&(floor + TimeDelta::minutes(15 * quarters))).earliest()
        })
        .map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    #[test]
    fn the_hour_that_spring_leaves_out_ends_at_three() {
        let half_past_two = day("2026-03-29").and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(instant(half_past_two, BERLIN), at("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn the_hour_that_autumn_repeats_is_the_first_one() {
        let half_past_two = day("2026-10-25").and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(instant(half_past_two, BERLIN), at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn the_day_that_samoa_left_out_becomes_the_next_one() {
        let noon = day("2011-12-30").and_hms_opt(12, 0, 0).unwrap();
        assert_eq!(instant(noon, chrono_tz::Pacific::Apia), at("2011-12-30T10:00:00Z"));
    }

    fn local<'a>(window: &'a SendWindow, days_off: &'a DaysOff, zone: Tz) -> LocalWindow<'a> {
        LocalWindow { window, days_off, country: None, zone, minute: window.minute(ContactId(1)) }
    }

    #[test]
    fn inside_the_window_now_is_allowed() {
        let now = at("2026-09-25T08:00:00Z");
        let (window, none) = (SendWindow::default(), DaysOff::default());
        assert_eq!(local(&window, &none, BERLIN).first_allowed(now, DayOff::Next), now);
    }

    #[test]
    fn after_hours_on_friday_waits_for_monday() {
        let (window, none) = (SendWindow::default(), DaysOff::default());
        let friday = at("2026-09-25T20:00:00Z");
        let allowed = local(&window, &none, BERLIN).first_allowed(friday, DayOff::Next);
        assert_eq!(allowed.with_timezone(&BERLIN).date_naive(), day("2026-09-28"));
    }

    #[test]
    fn a_birthday_on_sunday_moves_as_its_policy_says() {
        let (window, none) = (SendWindow::default(), DaysOff::default());
        let window = local(&window, &none, BERLIN);
        let sunday = day("2026-09-27");
        assert_eq!(window.shift(sunday, DayOff::Keep), Some(sunday));
        assert_eq!(window.shift(sunday, DayOff::Previous), Some(day("2026-09-25")));
        assert_eq!(window.shift(sunday, DayOff::Next), Some(day("2026-09-28")));
        assert_eq!(window.shift(sunday, DayOff::Skip), None);
    }

    #[test]
    fn quiet_times_are_cut_out_and_nobody_has_a_minute_in_them() {
        let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        let quiet = [(time(12, 0), time(14, 0)), (time(8, 0), time(9, 30))];
        let window =
            SendWindow::new((time(9, 0), time(17, 0)), &quiet, [true; 7], Place::default())
                .unwrap();
        assert_eq!(window.hours, [(time(9, 30), time(12, 0)), (time(14, 0), time(17, 0))]);
        assert!((0..5000).all(|id| window.is_open_at(window.minute(ContactId(id)))));
        let none = DaysOff::default();
        let noon = at("2026-09-25T10:30:00Z");
        let allowed = local(&window, &none, BERLIN).first_allowed(noon, DayOff::Next);
        assert!((at("2026-09-25T12:00:00Z")..at("2026-09-25T15:00:00Z")).contains(&allowed));
        let all = [(time(0, 0), time(23, 59))];
        assert!(
            SendWindow::new((time(9, 0), time(17, 0)), &all, [true; 7], Place::default()).is_none()
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_allowed_is_inside_the_window_and_not_in_the_past(
            seconds in 1_700_000_000_i64..1_900_000_000, contact in 0_i64..100_000, zone in 0_usize..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let (window, none) = (SendWindow::default(), DaysOff::default());
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let view = LocalWindow {
                minute: window.minute(ContactId(contact)),
                ..local(&window, &none, zone)
            };
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let allowed = view.first_allowed(now, DayOff::Next);
            let there = allowed.with_timezone(&zone);
            proptest::prop_assert!(allowed >= now);
            proptest::prop_assert!(view.allows(there.date_naive()), "{there}");
            proptest::prop_assert!(window.is_open_at(there.time()), "{there}");
        }
    }
}
