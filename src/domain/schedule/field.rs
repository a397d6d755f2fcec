//! The five fields as sets of numbers.
use super::{super::nearest, ScheduleError};

/// A set of numbers below 64, one bit each.
pub(super) type Set = u64;

/// Days of the month; of these only the last one if `last`.
pub(super) type Days = (Set, bool);

/// Weekdays from Sunday, and the days of the month on which they count.
pub(super) type Weekdays = (Set, Set);

const EVERY_DAY: Set = 0xffff_fffe;
pub(super) const ANY_DAY: Days = (EVERY_DAY, false);
pub(super) const ANY_WEEKDAY: Weekdays = (0x7f, EVERY_DAY);

/// One of the five fields.
pub(super) struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    /// Names of the numbers from `min` on; three letters are enough.
    names: &'static [&'static str],
}

pub(super) const MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
pub(super) const HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
const DAY: Field = Field { name: "day", min: 1, max: 31, names: &[] };
pub(super) const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ],
};
const WEEKDAY: Field = Field {
    name: "weekday",
    min: 0,
    max: 7,
    names: &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
};

impl Field {
    /// The numbers that `text` lists.
    pub(super) fn read(&self, text: &str) -> Result<Set, ScheduleError> {
        text.split(',').try_fold(0, |set, term| Ok(set | self.term(term)?))
    }

    /// `*`, `5`, `5-9`, and each with `/2`.
    fn term(&self, term: &str) -> Result<Set, ScheduleError> {
        let (range, step) = match term.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)),
            None => (term, Some(1)),
        };
        let step: usize = step.ok_or_else(|| self.error(term))?;
        let (first, last) = if range == "*" {
            (self.min, self.max)
        } else if let Some((first, last)) = range.split_once('-') {
            (self.number(first, term)?, self.range_end(last, term)?)
        } else {
            let first = self.number(range, term)?;
            (first, if term.contains('/') { self.max } else { first })
        };
        if first > last {
            return Err(self.error(term));
        }
        Ok((first..=last).step_by(step).fold(0, |set, number| set | 1 << number))
    }

    fn number(&self, text: &str, term: &str) -> Result<u32, ScheduleError> {
        let word = text.to_ascii_lowercase();
        let named = || {
            let place = self.names.iter().position(|n| word.len() >= 3 && n.starts_with(&word))?;
            Some(u32::try_from(place).ok()? + self.min)
        };
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { word.parse().ok() } else { named() };
        number.filter(|n| (self.min..=self.max).contains(n)).ok_or_else(|| self.error(term))
    }

    /// A week that is counted up to Sunday ends with it, so there it is 7.
    fn range_end(&self, text: &str, term: &str) -> Result<u32, ScheduleError> {
        let end = self.number(text, term)?;
        Ok(if self.name == WEEKDAY.name && end == 0 { 7 } else { end })
    }

    fn error(&self, found: &str) -> ScheduleError {
        let near = nearest(&found.to_ascii_lowercase(), self.names.iter().copied());
        let expected = match (near, self.names) {
            (Some(name), _) => format!("`{}`", &name[..3]),
            (None, [first, ..]) => {
                format!("{} to {} or names from `{}`", self.min, self.max, &first[..3])
            }
            (None, []) => format!("{} to {}", self.min, self.max),
        };
        ScheduleError::Field { field: self.name, expected, found: found.to_owned() }
    }
}

/// The ways in which a day of the month can fit.
pub(super) fn days(field: &str) -> Result<Vec<Days>, ScheduleError> {
    let (last, listed): (Vec<&str>, _) =
        field.split(',').partition(|term| term.eq_ignore_ascii_case("l"));
    let last = last.first().map(|_| (EVERY_DAY, true));
    let listed: Vec<&str> = listed;
    let listed = if listed.is_empty() { None } else { Some((DAY.read(&listed.join(","))?, false)) };
    Ok(last.into_iter().chain(listed).collect())
}

/// The ways in which a weekday can fit.
pub(super) fn weekdays(field: &str) -> Result<Vec<Weekdays>, ScheduleError> {
    let mut found = Vec::new();
    for term in field.split(',') {
        let (weekday, within) = match term.split_once('#') {
            None => (WEEKDAY.term(term)?, EVERY_DAY),
            Some((weekday, nth)) => {
                let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
                let nth: u32 = nth.ok_or_else(|| ScheduleError::Field {
                    field: WEEKDAY.name,
                    expected: "1 to 5 after the `#`".to_owned(),
                    found: term.to_owned(),
                })?;
                let week: Set = 0b1111_1110 << (7 * (nth - 1));
                (1 << WEEKDAY.number(weekday, term)?, week & EVERY_DAY)
            }
        };
        // 7 is Sunday as well as 0.
        found.push((weekday & 0x7f | weekday >> 7, within));
    }
    Ok(found)
}

pub(super) fn members(set: Set) -> impl Iterator<Item = u32> {
    (0..Set::BITS).filter(move |number| set >> number & 1 == 1)
}

pub(super) fn list(set: Set) -> String {
    members(set).map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}
