//! Dates and instants as people and spreadsheets write them.
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use crate::domain::half_width;

/// Why a text is not a date, or not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// None of the forms.
    #[error("expected a date such as `2026-01-31`")]
    Shape,
    /// `03/04/2026` is in March to some and in April to others.
    #[error("the order of day and month is not clear; write {}", .0.iter().map(|d| format!("`{d}`")).collect::<Vec<_>>().join(" or "))]
    Ambiguous(Vec<NaiveDate>),
    /// A form that we know, a day that the calendar does not.
    #[error("there is no such day")]
    NoSuchDay,
    /// Most often a digit too few or too many.
    #[error("expected a year from 1900 to 2100")]
    Year,
    /// A time of day that could be anywhere.
    #[error("the time needs its zone, as in `2026-01-31T14:30:00+08:00`; a date alone will do")]
    NoZone,
}

/// A day from 1900 to 2100: `2026-01-31`, `2026/1/31`, `2026.1.31`, `20260131`, `31.01.2026`,
/// `2026年1月31日`, also with a time of midnight after it, as databases export days.
///
/// # Errors
///
/// If the text is none of these; `03/04/2026` is refused and told how to be written.
pub fn parse_date(text: &str) -> Result<NaiveDate, DateError> {
    let text = half_width(text);
    let text = text.trim();
    let (day, time) = split_time(text);
    if !time.bytes().all(|b| matches!(b, b'0' | b':' | b'.' | b'Z')) {
        return Err(DateError::Shape);
    }
    let compact: String = day.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.len() > 32 {
        return Err(DateError::Shape);
    }
    let [year, month, day] = parts(&compact)?;
    checked(year, month, day)
}

/// An instant: RFC 3339 with its offset, or a date as [`parse_date`] takes it, which means noon UTC.
///
/// # Errors
///
/// If the text is neither; a time of day without an offset is refused.
pub fn parse_instant(text: &str) -> Result<DateTime<Utc>, DateError> {
    let text = half_width(text);
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        let instant = instant.with_timezone(&Utc);
        return if is_plausible(instant.year()) { Ok(instant) } else { Err(DateError::Year) };
    }
    match parse_date(text) {
        Ok(day) => {
            Ok(day.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default()).and_utc())
        }
        Err(DateError::Shape) if split_time(text).1.contains(':') => Err(DateError::NoZone),
        Err(error) => Err(error),
    }
}

/// `2026-01-31` and `00:00:00` of `2026-01-31T00:00:00` or `2026-01-31 00:00:00`.
fn split_time(text: &str) -> (&str, &str) {
    let Some(colon) = text.find(':') else { return (text, "") };
    let start = text[..colon].rfind(|c: char| c.is_whitespace() || c == 'T');
    start.map_or((text, ""), |at| {
        let (day, time) = text.split_at(at);
        (day, time.trim_start_matches(|c: char| c.is_whitespace() || c == 'T'))
    })
}

/// Year, month and day as digits.
fn parts(text: &str) -> Result<[&str; 3], DateError> {
    if let Some((year, rest)) = text.split_once('年') {
        let (month, day) = rest.split_once('月').ok_or(DateError::Shape)?;
        let day = day.strip_suffix(['日', '号']).unwrap_or(day);
        return Ok([year, month, day]);
    }
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok([&text[..4], &text[4..6], &text[6..]]);
    }
    let separator = text.chars().find(|c| !c.is_ascii_digit()).ok_or(DateError::Shape)?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts.as_slice() else { return Err(DateError::Shape) };
    match (first.len(), separator, third.len()) {
        (4, '-' | '/' | '.', _) => Ok([first, second, third]),
        (_, '.', 4) => Ok([third, second, first]),
        (_, '-' | '/', 4) => {
            let mut readings: Vec<_> =
                [checked(third, first, second), checked(third, second, first)]
                    .into_iter()
                    .flatten()
                    .collect();
            readings.dedup();
            Err(if readings.is_empty() { DateError::Shape } else { DateError::Ambiguous(readings) })
        }
        _ => Err(DateError::Shape),
    }
}

fn checked(year: &str, month: &str, day: &str) -> Result<NaiveDate, DateError> {
    let number = |text: &str, digits: usize| {
        let plain = (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if plain {
            text.parse::<u32>().map_err(|_| DateError::Shape)
        } else {
            Err(DateError::Shape)
        }
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let year = i32::try_from(year).map_err(|_| DateError::Year)?;
    if !is_plausible(year) {
        return Err(DateError::Year);
    }
    NaiveDate::from_ymd_opt(year, month, day).ok_or(DateError::NoSuchDay)
}

const fn is_plausible(year: i32) -> bool {
    year >= 1900 && year <= 2100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_clear_spelling_is_the_same_day() {
        for text in [
            "2026-01-31",
            "2026/1/31",
            "2026.1.31",
            "20260131",
            "31.01.2026",
            "31.1.2026",
            "2026年1月31日",
            "2026 年 01 月 31 日",
            "２０２６－０１－３１",
            " 2026-01-31 ",
            "2026-01-31 00:00:00",
            "2026-01-31T00:00:00.000Z",
            "2026/1/31 0:00",
        ] {
            assert_eq!(parse_date(text), Ok(day("2026-01-31")), "{text}");
        }
    }

    #[test]
    fn a_day_that_could_be_a_month_is_refused_and_told_how_to_be_written() {
        let error = parse_date("03/04/2026").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the order of day and month is not clear; write `2026-03-04` or `2026-04-03`"
        );
        // Clear by itself, but its neighbours in the column are not.
        assert_eq!(parse_date("13/04/2026"), Err(DateError::Ambiguous(vec![day("2026-04-13")])));
        assert_eq!(parse_date("04-04-2026"), Err(DateError::Ambiguous(vec![day("2026-04-04")])));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-01",
            "31.1.26",
            "2026-1-31x",
            "1/2/26",
            "46053",
            "2026-01-31 14:30",
        ] {
            assert_eq!(parse_date(text), Err(DateError::Shape), "{text}");
        }
        assert_eq!(parse_date("2026-02-30"), Err(DateError::NoSuchDay));
        assert_eq!(parse_date("0202-02-03"), Err(DateError::Year));
        assert_eq!(parse_date("99/99/2026"), Err(DateError::Shape));
    }

    #[test]
    fn an_instant_needs_its_zone_and_a_day_means_noon() {
        assert_eq!(
            parse_instant("2026-01-31T14:30:00+08:00").unwrap().to_rfc3339(),
            "2026-01-31T06:30:00+00:00"
        );
        assert_eq!(
            parse_instant("2026年1月31日").unwrap().to_rfc3339(),
            "2026-01-31T12:00:00+00:00"
        );
        assert_eq!(parse_instant("2026-01-31 14:30"), Err(DateError::NoZone));
        assert_eq!(parse_instant("2026-01-31T14:30:00"), Err(DateError::NoZone));
        assert_eq!(parse_instant("soon"), Err(DateError::Shape));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[0-9年月日T:/. -]{0,20}|\\PC{0,20}") {
            let _ = (parse_date(&text), parse_instant(&text));
        }
    }
}
