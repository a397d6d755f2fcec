//! The forms of days.
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use toml::{Spanned, de::DeValue};

use super::{Checked, Form, Whole, Words, complaint, hint, mismatch, not_this};
use crate::domain::{Nth, SolarTerm, nearest};

/// A day, as a text or as TOML's own.
pub(in crate::config) struct Date;

/// A day, as a text or as TOML's own.
pub(in crate::config) const DATE: Date = Date;

impl Form for Date {
    type Value = NaiveDate;

    fn expected(&self) -> String {
        "a day such as `2026-11-08`".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<NaiveDate> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Datetime(day) if day.time.is_none() => day.to_string(),
            _ => return Err(mismatch(self, value)),
        };
        let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
        day.ok_or_else(|| complaint(value, not_this(self.expected(), &text)))
    }
}

/// A whole number within a range, or the last of what is counted.
pub(in crate::config) struct NthOrLast(pub(in crate::config) RangeInclusive<u8>);

impl Form for NthOrLast {
    type Value = Nth;

    fn expected(&self) -> String {
        format!("a whole number from {} to {}, or `\"last\"`", self.0.start(), self.0.end())
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Nth> {
        match value.get_ref() {
            DeValue::String(text) if text == "last" => Ok(Nth::Last),
            DeValue::Integer(_) => Whole(self.0.clone()).read(value).map(Nth::Number),
            _ => Err(mismatch(self, value)),
        }
    }
}

/// One of the 24 solar terms.
pub(in crate::config) const TERM: Words<SolarTerm> = Words {
    expected: "a solar term in pinyin such as `qingming`",
    read: |text| {
        text.parse().map_err(|_| {
            let hint = hint(nearest(text, SolarTerm::NAMES.into_iter()));
            format!("{}{hint}", not_this(TERM.expected, text))
        })
    },
};
