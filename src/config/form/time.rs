//! Forms of times, and of counts of mails in a time.
use chrono::{NaiveDateTime, NaiveTime};
use toml::{Spanned, de::DeValue};

use super::{Checked, Form, Words, complaint, mismatch, not_this};
use crate::domain::{Cap, Span};

/// A day and a time by the clock of some place, as TOML's own or as a text.
pub(in crate::config) struct Moment;

impl Form for Moment {
    type Value = NaiveDateTime;

    fn expected(&self) -> String {
        "a day and a time such as 2026-12-05T14:00".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<NaiveDateTime> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Datetime(moment) if moment.offset.is_none() && moment.date.is_some() => {
                moment.to_string()
            }
            _ => return Err(mismatch(self, value)),
        };
        ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())
            .ok_or_else(|| complaint(value, not_this(self.expected(), &text)))
    }
}

/// A number of days before or after; its sign says which.
pub(in crate::config) struct Offset;

impl Form for Offset {
    type Value = i32;

    fn expected(&self) -> String {
        "a number of days such as `-30 days`, `0 days` or `7 days`, one year at most".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<i32> {
        const MOST: u32 = 366;
        let DeValue::String(text) = value.get_ref() else { return Err(mismatch(self, value)) };
        let (sign, rest) = match text.trim().strip_prefix(['-', '−']) {
            Some(rest) => (-1, rest),
            None => (1, text.trim().trim_start_matches('+')),
        };
        let span: Option<Span> = rest.parse().ok();
        span.filter(|span| span.as_days() <= MOST)
            .map(|span| sign * span.as_days().cast_signed())
            .ok_or_else(|| complaint(value, not_this(self.expected(), text)))
    }
}

/// A time of day and a later one.
pub(in crate::config) const TIMES: Words<(NaiveTime, NaiveTime)> = Words {
    expected: "two times of one day such as `12:00-13:30`, the later one second; a night is two of them",
    read: |text| {
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        text.split_once(['-', '–'])
            .and_then(|(from, until)| Some((time(from)?, time(until)?)))
            .filter(|(from, until)| from < until)
            .ok_or_else(|| not_this(TIMES.expected, text))
    },
};

/// A number of mails in a number of days.
pub(in crate::config) const CAP: Words<Cap> = Words {
    expected: "a number of mails and of days such as `3 in 30 days`",
    read: |text| {
        text.split_once(" in ")
            .and_then(|(most, days)| {
                let span: Span = days.parse().ok()?;
                Some(Cap { days: span.as_days(), most: most.trim().parse().ok()? })
            })
            .filter(|cap| cap.days > 0)
            .ok_or_else(|| not_this(CAP.expected, text))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read<F: Form>(form: &F, text: &str) -> Option<F::Value> {
        let value = DeValue::parse(text).unwrap();
        form.read(&value).ok()
    }

    #[test]
    fn a_moment_may_stand_with_or_without_quotes() {
        let moment =
            chrono::NaiveDate::from_ymd_opt(2026, 10, 8).and_then(|day| day.and_hms_opt(14, 30, 0));
        for text in ["2026-10-08T14:30:00", "\"2026-10-08T14:30\"", "\"2026-10-08 14:30\""] {
            assert_eq!(read(&Moment, text), moment, "{text}");
        }
        assert_eq!(read(&Moment, "2026-10-08T14:30:00Z"), None, "the zone is a key of its own");
    }

    #[test]
    fn an_offset_has_a_sign_and_a_unit() {
        assert_eq!(read(&Offset, "\"-30 days\""), Some(-30));
        assert_eq!(read(&Offset, "\"+1 week\""), Some(7));
        assert_eq!(read(&Offset, "\"0 days\""), Some(0));
        for text in ["\"-30\"", "30", "\"2 years\"", "\"- -1 day\""] {
            assert_eq!(read(&Offset, text), None, "{text}");
        }
    }

    #[test]
    fn a_cap_says_how_many_in_how_long() {
        assert_eq!(read(&CAP, "\"3 in 30 days\""), Some(Cap { days: 30, most: 3 }));
        assert_eq!(read(&CAP, "\"0 in 1 year\""), Some(Cap { days: 365, most: 0 }));
        for text in ["\"3\"", "\"3 in 0 days\"", "\"-1 in 3 days\"", "\"many in 3 days\""] {
            assert_eq!(read(&CAP, text), None, "{text}");
        }
    }

    #[test]
    fn quiet_times_go_forward() {
        assert!(read(&TIMES, "\"12:00-13:30\"").is_some());
        assert!(read(&TIMES, "\"13:30-12:00\"").is_none());
    }
}
