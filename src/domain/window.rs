//! The hours in which a contact may be written to, in the contact's own zone.
use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;

use super::{ContactId, scatter};

/// When mail may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendWindow {
    /// First allowed time of day.
    pub opens: NaiveTime,
    /// End of the allowed time of day, later than `opens`.
    pub closes: NaiveTime,
    /// Allowed days of the week, Monday first.
    pub weekdays: [bool; 7],
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

/// How many days a day off can shift an occasion by.
pub(super) const LONGEST_SHIFT_DAYS: usize = 7;

impl SendWindow {
    /// Whether mail may leave on `day`.
    #[must_use]
    pub fn allows(&self, day: NaiveDate) -> bool {
        self.weekdays[day.weekday().num_days_from_monday() as usize]
    }

    /// `day` moved according to `policy`; `None` if the policy leaves the occasion out.
    #[must_use]
    pub fn shift(&self, day: NaiveDate, policy: DayOff) -> Option<NaiveDate> {
        match policy {
            DayOff::Keep => Some(day),
            _ if self.allows(day) => Some(day),
            DayOff::Skip => None,
            DayOff::Previous => {
                day.iter_days().rev().take(LONGEST_SHIFT_DAYS + 1).find(|day| self.allows(*day))
            }
            DayOff::Next => {
                day.iter_days().take(LONGEST_SHIFT_DAYS + 1).find(|day| self.allows(*day))
            }
        }
    }

    /// The instant on `day` at which `contact` is written to: a minute of the window that is the
    /// contact's own, so that a holiday for everybody does not reach the relay in one minute.
    #[must_use]
    pub fn moment(&self, day: NaiveDate, zone: Tz, contact: ContactId) -> DateTime<Utc> {
        let minutes = (self.closes - self.opens).num_minutes().max(1).cast_unsigned();
        let minute = (scatter(contact.0, MINUTE_SALT) % minutes).cast_signed();
        instant(day.and_time(self.opens) + TimeDelta::minutes(minute), zone)
    }

    /// The instant on `day` after which mail no longer leaves.
    #[must_use]
    pub fn close_of(&self, day: NaiveDate, zone: Tz) -> DateTime<Utc> {
        instant(day.and_time(self.closes), zone)
    }

    /// The first instant at or after `from` at which `contact` may be written to: `from` itself
    /// inside the window, else the contact's minute on the next allowed day. With
    /// [`DayOff::Keep`] every day is an allowed one.
    #[must_use]
    pub fn first_allowed(
        &self,
        from: DateTime<Utc>,
        zone: Tz,
        contact: ContactId,
        policy: DayOff,
    ) -> DateTime<Utc> {
        let local = from.with_timezone(&zone);
        let today = local.date_naive();
        let usable = |day: NaiveDate| policy == DayOff::Keep || self.allows(day);
        if usable(today) {
            if (self.opens..self.closes).contains(&local.time()) {
                return from;
            }
            if local.time() < self.opens {
                return self.moment(today, zone, contact).max(from);
            }
        }
        let next = today
            .iter_days()
            .skip(1)
            .take(LONGEST_SHIFT_DAYS + 1)
            .find(|day| usable(*day))
            .unwrap_or(today);
        self.moment(next, zone, contact)
    }
}

impl Default for SendWindow {
    /// Monday to Friday, 9 to 17 o'clock.
    fn default() -> Self {
        let mut weekdays = [true; 7];
        weekdays[Weekday::Sat.num_days_from_monday() as usize] = false;
        weekdays[Weekday::Sun.num_days_from_monday() as usize] = false;
        Self {
            opens: NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default(),
            closes: NaiveTime::from_hms_opt(17, 0, 0).unwrap_or_default(),
            weekdays,
        }
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

    #[test]
    fn inside_the_window_now_is_allowed() {
        let now = at("2026-09-25T08:00:00Z");
        let allowed = SendWindow::default().first_allowed(now, BERLIN, ContactId(1), DayOff::Next);
        assert_eq!(allowed, now);
    }

    #[test]
    fn after_hours_on_friday_waits_for_monday() {
        let allowed = SendWindow::default().first_allowed(
            at("2026-09-25T20:00:00Z"),
            BERLIN,
            ContactId(1),
            DayOff::Next,
        );
        assert_eq!(allowed.with_timezone(&BERLIN).date_naive(), day("2026-09-28"));
    }

    #[test]
    fn a_birthday_on_sunday_moves_as_its_policy_says() {
        let window = SendWindow::default();
        let sunday = day("2026-09-27");
        assert_eq!(window.shift(sunday, DayOff::Keep), Some(sunday));
        assert_eq!(window.shift(sunday, DayOff::Previous), Some(day("2026-09-25")));
        assert_eq!(window.shift(sunday, DayOff::Next), Some(day("2026-09-28")));
        assert_eq!(window.shift(sunday, DayOff::Skip), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_allowed_is_inside_the_window_and_not_in_the_past(
            seconds in 1_700_000_000_i64..1_900_000_000, contact in 0_i64..100_000, zone in 0_usize..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let (window, zone) = (SendWindow::default(), chrono_tz::TZ_VARIANTS[zone]);
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let allowed = window.first_allowed(now, zone, ContactId(contact), DayOff::Next);
            let local = allowed.with_timezone(&zone);
            proptest::prop_assert!(allowed >= now);
            proptest::prop_assert!(window.allows(local.date_naive()), "{local}");
            proptest::prop_assert!((window.opens..window.closes).contains(&local.time()), "{local}");
        }
    }
}
