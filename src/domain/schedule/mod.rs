//! When recurring work runs: five cron fields, read as Vixie cron reads them.
//!
//! The `cron` crate finds the days and hours; it wants six fields, counts Sunday as 1, takes day and
//! weekday together, and trips over both clock changes. This file is where that ends.
mod field;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::window::instant;
use field::{ANY_DAY, ANY_WEEKDAY, Days, HOUR, MINUTE, MONTH, Set, Weekdays, list, members};

/// A recurring time, such as `30 7 * * mon-fri`, in minutes, hours, days, months and weekdays.
///
/// - 0 and 7 are Sunday and 1 is Monday; `L` is the last day of the month, `1#2` its second Monday.
/// - If day and weekday are both restricted, either is enough; a field that begins with `*` does not
///   restrict.
/// - A time that spring leaves out runs at the first instant after the gap, a time that autumn
///   repeats runs once. If minute or hour begins with `*`, it runs by real time through both, since
///   work that is done every minute must not rest for an hour.
///
/// # Examples
///
/// ```
/// # use perennial::domain::Schedule;
/// let schedule: Schedule = "0 9 * * 1".parse()?;
/// let friday = "2026-09-25T12:00:00Z".parse().unwrap();
/// let next = schedule.next_after(friday, chrono_tz::Asia::Shanghai).unwrap();
/// assert_eq!(next.to_rfc3339(), "2026-09-28T01:00:00+00:00");
/// # Ok::<(), perennial::domain::ScheduleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    source: String,
    /// Any of them is enough.
    parts: Vec<Part>,
    /// Whether minute or hour begins with `*`, so that real time counts and not the clock's face.
    by_real_time: bool,
}

/// Why a text is not a [`Schedule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields.
    #[error("expected five fields (minute hour day month weekday), found {0}")]
    Fields(usize),
    /// A word after `@` that is none of the short forms.
    #[error("expected @hourly, @daily, @weekly, @monthly or @yearly, found `{0}`")]
    Short(String),
    /// A field that cannot be read.
    #[error("expected {expected} as the {field}, found `{found}`")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Well-formed, but no day is like that, such as 30 February.
    #[error("no day is ever like that")]
    Never,
}

/// Days, weekdays and times that all must fit.
#[derive(Debug, Clone)]
struct Part {
    cron: cron::Schedule,
    only_last_day: bool,
}

/// Longer than any change of clocks that repeats an hour.
const LONGEST_REPEAT: TimeDelta = TimeDelta::hours(3);

impl Schedule {
    /// The first instant after `after` at which the clocks in `zone` show a time of the schedule;
    /// `None` outside of the years 1970 to 2099.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        if !(1970..2100).contains(&after.year()) {
            return None;
        }
        let local = after.with_timezone(&zone).naive_local();
        let repeated = matches!(zone.from_local_datetime(&local), LocalResult::Ambiguous(..));
        let mut face = if repeated { local - LONGEST_REPEAT } else { local };
        let mut first: Option<DateTime<Utc>> = None;
        // Up to `local` a face may still come a second time; past it the first find is the answer.
        while face <= local || first.is_none() {
            let Some(next) = self.next_face(face) else { break };
            face = next;
            let found = self.instants(face, zone).into_iter().flatten().find(|at| *at > after);
            first = match (first, found) {
                (Some(known), Some(found)) => Some(known.min(found)),
                (known, found) => known.or(found),
            };
        }
        first
    }

    /// Whether the schedule runs at least once in every hour of a week.
    #[must_use]
    pub fn is_hourly(&self) -> bool {
        let monday = DateTime::UNIX_EPOCH + TimeDelta::days(4);
        // Two looks an hour: no hour and a half without a run can lie between them.
        (0..2 * 24 * 7).map(|half_hours| monday + TimeDelta::minutes(30 * half_hours)).all(|from| {
            let next = self.next_after(from, Tz::UTC);
            next.is_some_and(|next| next - from <= TimeDelta::hours(1))
        })
    }

    /// The instants, in order, at which the schedule runs for a clock that shows `face`.
    fn instants(&self, face: NaiveDateTime, zone: Tz) -> [Option<DateTime<Utc>>; 2] {
        if !self.by_real_time {
            return [Some(instant(face, zone)), None];
        }
        let local = zone.from_local_datetime(&face);
        [local.earliest(), local.latest()].map(|at| at.map(|at| at.with_timezone(&Utc)))
    }

    /// The first time after `face` that fits, on a clock that is never changed.
    fn next_face(&self, face: NaiveDateTime) -> Option<NaiveDateTime> {
        self.parts.iter().filter_map(|part| part.next_face(face)).min()
    }
}

impl Part {
    fn next_face(&self, face: NaiveDateTime) -> Option<NaiveDateTime> {
        let mut faces = self.cron.after(&face.and_utc()).map(|at| at.naive_utc());
        faces.find(|face| !self.only_last_day || (*face + TimeDelta::days(1)).day() == 1)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let source = text.trim().to_owned();
        let long = match source.to_ascii_lowercase().as_str() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other if other.starts_with('@') => return Err(ScheduleError::Short(source)),
            _ => &source,
        };
        let fields: Vec<&str> = long.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(ScheduleError::Fields(fields.len()));
        };
        let by_real_time = minute.starts_with('*') || hour.starts_with('*');
        let times = [MINUTE.read(minute)?, HOUR.read(hour)?];
        let month_set = MONTH.read(month)?;
        let days = field::days(day)?;
        let weekdays = field::weekdays(weekday)?;
        let either = !day.starts_with('*') && !weekday.starts_with('*');
        let pairs: Vec<_> = if either {
            let by_day = days.iter().map(|days| (*days, ANY_WEEKDAY));
            let by_weekday = weekdays.iter().map(|weekdays| (ANY_DAY, *weekdays));
            by_day.chain(by_weekday).collect()
        } else {
            days.iter().flat_map(|days| weekdays.iter().map(|w| (*days, *w))).collect()
        };
        let parts = pairs.into_iter().filter_map(|pair| part(times, month_set, pair)).collect();
        let schedule = Self { source, parts, by_real_time };
        match schedule.next_face(DateTime::UNIX_EPOCH.naive_utc()) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Schedule {}

/// The part for these times, months, days and weekdays; `None` if they have no day in common.
fn part(times: [Set; 2], months: Set, (days, weekdays): (Days, Weekdays)) -> Option<Part> {
    const NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let names: Vec<_> = members(weekdays.0).map(|number| NAMES[number as usize]).collect();
    let [minutes, hours] = times.map(list);
    let (day, month, weekday) = (list(days.0 & weekdays.1), list(months), names.join(","));
    let cron = format!("0 {minutes} {hours} {day} {month} {weekday}").parse().ok()?;
    Some(Part { cron, only_last_day: days.1 })
}

#[cfg(test)]
mod tests;
