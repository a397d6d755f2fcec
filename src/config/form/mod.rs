//! The forms that a value can have, and what is said of one that has another.
mod country;
mod day;
mod number;
mod time;

use std::{fmt, ops::RangeInclusive, time::Duration};

use chrono::NaiveTime;
use chrono_tz::Tz;
use toml::{Spanned, de::DeValue};

use crate::domain::{
    EmailAddress, Locale, LocaleError, Schedule, Span, has_hidden_characters, nearest, one_line,
};

pub(super) use country::ByCountry;
pub(super) use day::{DATE, NthOrLast, TERM};
pub(super) use number::{Fraction, RATE};
pub(super) use time::{CAP, Moment, Offset, TIMES};

/// The value, or everything that is wrong with it.
pub(super) type Checked<T> = Result<T, Vec<Complaint>>;

/// One thing that is wrong with a value.
#[derive(Debug)]
pub(super) struct Complaint {
    /// Where in the file, in bytes.
    pub(super) at: usize,
    pub(super) message: String,
}

/// What a value must look like.
pub(super) trait Form {
    type Value;

    /// What is expected, to follow that word: `a whole number from 1 to 65535`.
    fn expected(&self) -> String;

    /// The value, if it has this form.
    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Self::Value>;
}

/// A text that means something, such as an address.
pub(super) struct Words<T> {
    pub(super) expected: &'static str,
    pub(super) read: fn(&str) -> Result<T, String>,
}

impl<T> Form for Words<T> {
    type Value = T;

    fn expected(&self) -> String {
        self.expected.to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<T> {
        let DeValue::String(text) = value.get_ref() else { return Err(mismatch(self, value)) };
        (self.read)(text).map_err(|message| complaint(value, message))
    }
}

/// The longest text that may go into a header.
const MAX_CHARS: usize = 256;

/// A line of text.
pub(super) const TEXT: Words<String> = Words {
    expected: "a text",
    read: |text| {
        if text.trim().is_empty() {
            Err("expected a text, found an empty one".to_owned())
        } else if has_hidden_characters(text) {
            Err("expected a text on one line, without hidden characters".to_owned())
        } else if text.chars().count() > MAX_CHARS {
            Err(format!("expected a text of {MAX_CHARS} characters at most"))
        } else {
            Ok(text.trim().to_owned())
        }
    },
};

/// A name that files, keys and web addresses can carry.
pub(super) const NAME: Words<String> = Words {
    expected: "a name of small letters, digits, `-` and `_`",
    read: |text| {
        if is_name(text) { Ok(text.to_owned()) } else { Err(not_this(NAME.expected, text)) }
    },
};

/// Whether `text` is a name as [`NAME`] has them, of 64 characters at most.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// A language.
pub(super) const LOCALE: Words<Locale> = Words {
    expected: "a language tag such as `en` or `zh-CN`",
    read: |text| text.parse().map_err(|error: LocaleError| not_this_said(error, text)),
};

/// A time zone.
pub(super) const ZONE: Words<Tz> = Words {
    expected: "a time zone such as `Europe/Berlin`",
    read: |text| {
        text.parse().map_err(|_| {
            let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let hint = hint(nearest(text, zones));
            format!("there is no time zone `{}`{hint}", one_line(text, 64))
        })
    },
};

/// A mail address; a complaint does not repeat it.
pub(super) const ADDRESS: Words<EmailAddress> = Words {
    expected: "a mail address such as `name@example.com`",
    read: |text| said(text.parse()),
};

/// A recurring time.
pub(super) const SCHEDULE: Words<Schedule> = Words {
    expected: "a schedule such as `30 7 * * mon-fri` or `@daily`",
    read: |text| said(text.parse()),
};

/// A recurring time that comes often enough for mail to leave on time.
pub(super) const TICK: Words<Schedule> = Words {
    expected: "a schedule that comes at least once an hour, day and night, such as `* * * * *`",
    read: |text| {
        let tick = said(text.parse::<Schedule>())?;
        if tick.is_hourly() { Ok(tick) } else { Err(not_this(TICK.expected, text)) }
    },
};

/// A path; relative ones are relative to the folder of the configuration.
pub(super) const PATH: Words<String> = Words { expected: "a path", read: TEXT.read };

/// A country.
pub(super) const COUNTRY: Words<String> = Words {
    expected: "a country of two capital letters such as `CN`",
    read: |text| {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if fits { Ok(text.to_owned()) } else { Err(not_this(COUNTRY.expected, text)) }
    },
};

/// A day of the week; its number from Monday, 0.
pub(super) const WEEKDAY: Words<usize> = Words {
    expected: "a day of the week such as `Monday`",
    read: |text| {
        let day: Result<chrono::Weekday, _> = text.parse();
        day.map(|day| day.num_days_from_monday() as usize)
            .map_err(|_| not_this(WEEKDAY.expected, text))
    },
};

/// A whole number within a range.
pub(super) struct Whole<T>(pub(super) RangeInclusive<T>);

impl<T: TryFrom<i64> + PartialOrd + fmt::Display> Form for Whole<T> {
    type Value = T;

    fn expected(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<T> {
        let DeValue::Integer(digits) = value.get_ref() else {
            let quoted = value.get_ref().as_str().is_some_and(|text| text.parse::<i64>().is_ok());
            let hint = if quoted { "; leave the quotes out" } else { "" };
            let found = found(value.get_ref());
            return Err(complaint(
                value,
                format!("expected {}, found {found}{hint}", self.expected()),
            ));
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let number = number.and_then(|number| T::try_from(number).ok());
        number
            .filter(|number| self.0.contains(number))
            .ok_or_else(|| complaint(value, not_this(self.expected(), &digits.to_string())))
    }
}

/// Yes or no.
pub(super) struct YesNo;

impl Form for YesNo {
    type Value = bool;

    fn expected(&self) -> String {
        "`true` or `false`".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<bool> {
        value.get_ref().as_bool().ok_or_else(|| mismatch(self, value))
    }
}

/// One of a few words.
pub(super) struct OneOf<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Copy> Form for OneOf<T> {
    type Value = T;

    fn expected(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|(word, _)| format!("`{word}`")).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        }
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<T> {
        let DeValue::String(text) = value.get_ref() else { return Err(mismatch(self, value)) };
        let known = self.0.iter().find(|(word, _)| word == text);
        known.map(|(_, meant)| *meant).ok_or_else(|| {
            let hint = hint(nearest(text, self.0.iter().map(|(word, _)| *word)));
            complaint(value, format!("{}{hint}", not_this(self.expected(), text)))
        })
    }
}

/// A number of days with its unit, from the given number of days up to ten years.
pub(super) struct Days {
    pub(super) from: u32,
}

impl Form for Days {
    type Value = Span;

    fn expected(&self) -> String {
        let from =
            if self.from == 0 { String::new() } else { format!(", {} day or more", self.from) };
        format!("a number of days such as `30 days`{from}")
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Span> {
        let DeValue::String(text) = value.get_ref() else { return Err(mismatch(self, value)) };
        let span: Span = said(text.parse()).map_err(|message| complaint(value, message))?;
        if span.as_days() < self.from {
            return Err(complaint(value, not_this(self.expected(), text)));
        }
        Ok(span)
    }
}

/// A length of time with its unit, within a range.
pub(super) struct Length(pub(super) RangeInclusive<Duration>);

impl Form for Length {
    type Value = Duration;

    fn expected(&self) -> String {
        let [from, to] = [self.0.start(), self.0.end()].map(|length| length_text(*length));
        format!("a length of time from `{from}` to `{to}`")
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Duration> {
        let DeValue::String(text) = value.get_ref() else { return Err(mismatch(self, value)) };
        length(text)
            .filter(|length| self.0.contains(length))
            .ok_or_else(|| complaint(value, not_this(self.expected(), text)))
    }
}

const UNITS: [(&str, u64); 4] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)];

fn length(text: &str) -> Option<Duration> {
    let (number, unit) = text.trim().split_once(char::is_whitespace)?;
    let unit = unit.trim();
    let (_, seconds) =
        UNITS.iter().find(|(name, _)| unit == *name || unit.strip_suffix('s') == Some(name))?;
    number.parse::<u64>().ok()?.checked_mul(*seconds).map(Duration::from_secs)
}

fn length_text(length: Duration) -> String {
    let seconds = length.as_secs();
    let whole = UNITS.iter().rev().find(|(_, unit)| seconds.is_multiple_of(*unit));
    let (name, unit) = whole.unwrap_or(&UNITS[0]);
    let plural = if seconds == *unit { "" } else { "s" };
    format!("{} {name}{plural}", seconds / unit)
}

/// A time of day, as a text or as TOML's own.
pub(super) struct TimeOfDay;

impl Form for TimeOfDay {
    type Value = NaiveTime;

    fn expected(&self) -> String {
        "a time of day such as `09:00`".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<NaiveTime> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Datetime(time) if time.date.is_none() => time.to_string(),
            _ => return Err(mismatch(self, value)),
        };
        ["%H:%M", "%H:%M:%S"]
            .iter()
            .find_map(|form| NaiveTime::parse_from_str(text.trim(), form).ok())
            .ok_or_else(|| complaint(value, not_this(self.expected(), &text)))
    }
}

/// A list whose elements all have one form.
pub(super) struct ListOf<F>(pub(super) F);

impl<F: Form> Form for ListOf<F> {
    type Value = Vec<F::Value>;

    fn expected(&self) -> String {
        format!("a list, each {}", self.0.expected())
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Self::Value> {
        let DeValue::Array(items) = value.get_ref() else { return Err(mismatch(self, value)) };
        let mut values = Vec::new();
        let mut complaints = Vec::new();
        for item in items {
            match self.0.read(item) {
                Ok(value) => values.push(value),
                Err(more) => complaints.extend(more),
            }
        }
        if complaints.is_empty() { Ok(values) } else { Err(complaints) }
    }
}

/// A text in several languages.
pub(super) struct ByLanguage;

impl Form for ByLanguage {
    type Value = Vec<(Locale, String)>;

    fn expected(&self) -> String {
        "texts by language such as `{ en = \"…\", zh = \"…\" }`".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Self::Value> {
        let DeValue::Table(entries) = value.get_ref() else { return Err(mismatch(self, value)) };
        let mut names: Vec<(Locale, String)> = Vec::new();
        let mut complaints = Vec::new();
        for (tag, text) in entries {
            let at = tag.span().start;
            match (LOCALE.read)(tag.get_ref()) {
                Err(message) => complaints.push(Complaint { at, message }),
                Ok(locale) if names.iter().any(|(known, _)| *known == locale) => {
                    complaints.push(Complaint { at, message: format!("`{locale}` is here twice") });
                }
                Ok(locale) => match TEXT.read(text) {
                    Ok(text) => names.push((locale, text)),
                    Err(more) => complaints.extend(more),
                },
            }
        }
        if complaints.is_empty() { Ok(names) } else { Err(complaints) }
    }
}

/// What a value is, in an admin's words.
pub(super) const fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "yes or no (`true` or `false`)",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// `, did you mean …?`, or nothing.
pub(super) fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"))
}

/// What was expected and what stands there instead.
pub(super) fn not_this(expected: impl fmt::Display, found: &str) -> String {
    format!("expected {expected}, found `{}`", one_line(found, 64))
}

fn not_this_said(error: impl fmt::Display, found: &str) -> String {
    format!("{error}, found `{}`", one_line(found, 64))
}

fn said<T, E: fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn mismatch(form: &impl Form, value: &Spanned<DeValue<'_>>) -> Vec<Complaint> {
    let (expected, found) = (form.expected(), found(value.get_ref()));
    complaint(value, format!("expected {expected}, found {found}"))
}

fn complaint(value: &Spanned<DeValue<'_>>, message: String) -> Vec<Complaint> {
    vec![Complaint { at: value.span().start, message }]
}
