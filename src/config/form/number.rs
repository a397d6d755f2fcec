//! Forms of numbers that are not just whole ones.
use std::ops::RangeInclusive;

use toml::{Spanned, de::DeValue};

use super::{Checked, Form, Words, complaint, mismatch, not_this};
use crate::domain::Rate;

/// So many mails in a time.
pub(in crate::config) const RATE: Words<Rate> = Words {
    expected: "a number of mails and a time such as `20 per second`, `600 per minute` or `5000 per day`",
    read: |text| text.parse().map_err(|_| not_this(RATE.expected, text)),
};

/// A number with two decimals at most, in hundredths.
pub(in crate::config) struct Fraction {
    pub(in crate::config) hundredths: RangeInclusive<u32>,
}

impl Form for Fraction {
    type Value = u32;

    fn expected(&self) -> String {
        let [from, to] = [self.hundredths.start(), self.hundredths.end()];
        let text = |hundredths: u32| f64::from(hundredths) / 100.0;
        format!("a number from {} to {}", text(*from), text(*to))
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<u32> {
        let digits = match value.get_ref() {
            DeValue::Integer(digits) => digits.to_string(),
            DeValue::Float(digits) => digits.to_string(),
            _ => return Err(mismatch(self, value)),
        };
        let hundredths = digits.parse().ok().map(|number: f64| (number * 100.0).round());
        let hundredths = hundredths.filter(|n| (0.0..=1_000_000.0).contains(n)).map(|number| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "just checked"
            )]
            let number = number as u32;
            number
        });
        hundredths
            .filter(|number| self.hundredths.contains(number))
            .ok_or_else(|| complaint(value, not_this(self.expected(), &digits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u32> {
        Fraction { hundredths: 101..=1000 }.read(&DeValue::parse(text).unwrap()).ok()
    }

    #[test]
    fn a_factor_is_read_in_hundredths() {
        assert_eq!(read("1.5"), Some(150));
        assert_eq!(read("2"), Some(200));
        assert_eq!(read("10.0"), Some(1000));
        for text in ["1", "1.001", "11", "-2", "nan", "inf", "\"1.5\"", "1e300"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
