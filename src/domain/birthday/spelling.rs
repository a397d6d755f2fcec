//! The ways in which people write a birthday.
use std::str::FromStr;

use super::{Birthday, BirthdayError, Calendar};
use crate::domain::half_width;

impl FromStr for Birthday {
    type Err = BirthdayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The longest form has 20 characters.
        if text.len() > 256 {
            return Err(BirthdayError::Shape);
        }
        let text: String =
            half_width(text).chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let text = text.to_lowercase();
        let lunar = ["lunar:", "lunar", "农历", "農曆", "阴历", "陰曆", "旧历", "舊曆"];
        match lunar.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            Some(rest) => parse_lunar(rest.trim_start_matches(':')),
            None => parse_solar(&text),
        }?
        .checked()
    }
}

fn parse_solar(text: &str) -> Result<Birthday, BirthdayError> {
    let (year, month, day) =
        if text.contains('月') { parse_han(text)? } else { parse_figures(text)? };
    Ok(Birthday { calendar: Calendar::Solar, year, month, day })
}

fn parse_lunar(text: &str) -> Result<Birthday, BirthdayError> {
    let mut calendar = Calendar::Lunar;
    let mut plain = text.to_owned();
    for mark in ["闰", "閏", "leap"] {
        // The mark stands before the month, so at the start or right after the year.
        if let Some((before, after)) = text.split_once(mark) {
            if !before.is_empty() && !before.ends_with(['年', '-', '/']) {
                return Err(BirthdayError::Shape);
            }
            calendar = Calendar::LunarLeap;
            plain = format!("{before}{}", after.trim_start_matches('-'));
        }
    }
    let (year, month, day) =
        if plain.contains('月') { parse_han(&plain)? } else { parse_figures(&plain)? };
    Ok(Birthday { calendar, year, month, day })
}

type YearMonthDay = (Option<i32>, u8, u8);

/// `1990-05-14`, `19900514`, `14.05.1990`, `05-14`, `5/14`, `--05-14`.
fn parse_figures(text: &str) -> Result<YearMonthDay, BirthdayError> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok((Some(number(&text[..4])?), number(&text[4..6])?, number(&text[6..])?));
    }
    let text = text.strip_prefix("--").unwrap_or(text);
    let separator = text.chars().find(|c| !c.is_ascii_digit()).ok_or(BirthdayError::Shape)?;
    if !['-', '/', '.'].contains(&separator) {
        return Err(BirthdayError::Shape);
    }
    let parts: Vec<&str> = text.split(separator).collect();
    match (parts.as_slice(), separator) {
        ([_, _], '.') => Err(BirthdayError::Ambiguous),
        ([month, day], _) => Ok((None, number(month)?, number(day)?)),
        ([year, month, day], _) if year.len() == 4 => {
            Ok((Some(number(year)?), number(month)?, number(day)?))
        }
        ([day, month, year], '.') if year.len() == 4 => {
            Ok((Some(number(year)?), number(month)?, number(day)?))
        }
        ([first, second, third], _) => {
            for part in [first, second, third] {
                number::<u16>(part)?;
            }
            Err(BirthdayError::Ambiguous)
        }
        _ => Err(BirthdayError::Shape),
    }
}

/// `1990年5月14日`, `八月十五`, `腊月初八`.
fn parse_han(text: &str) -> Result<YearMonthDay, BirthdayError> {
    let (year, rest) = match text.split_once('年') {
        Some((year, rest)) => (Some(han_year(year)?), rest),
        None => (None, text),
    };
    let (month, day) = rest.split_once('月').ok_or(BirthdayError::Shape)?;
    let day = day.strip_suffix(['日', '号', '號']).unwrap_or(day);
    let month = match month {
        "正" => 1,
        "冬" => 11,
        "腊" | "臘" => 12,
        other => han_number(other)?,
    };
    Ok((year, month, han_number(day.strip_prefix('初').unwrap_or(day))?))
}

/// `1990` or `一九九〇`.
fn han_year(text: &str) -> Result<i32, BirthdayError> {
    let digits: Option<String> = text
        .chars()
        .map(|c| match c {
            '0'..='9' => Some(c),
            '〇' | '零' | '○' => Some('0'),
            _ => han_digit(c).map(|digit| char::from(b'0' + digit)),
        })
        .collect();
    let digits = digits.filter(|digits| digits.len() == 4).ok_or(BirthdayError::Shape)?;
    number(&digits)
}

/// `14`, or `一` to `三十一`, also with `廿` and `卅`.
fn han_number(text: &str) -> Result<u8, BirthdayError> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return number(text);
    }
    let (tens, units) = if let Some((before, after)) = text.split_once('十') {
        (if before.is_empty() { Some(1) } else { single_han_digit(before) }, after)
    } else if let Some(after) = text.strip_prefix('廿') {
        (Some(2), after)
    } else if let Some(after) = text.strip_prefix('卅') {
        (Some(3), after)
    } else {
        return single_han_digit(text).ok_or(BirthdayError::Shape);
    };
    let units = if units.is_empty() { Some(0) } else { single_han_digit(units) };
    tens.zip(units).map(|(tens, units)| tens * 10 + units).ok_or(BirthdayError::Shape)
}

fn single_han_digit(text: &str) -> Option<u8> {
    let mut chars = text.chars();
    let digit = han_digit(chars.next()?)?;
    if chars.next().is_none() { Some(digit) } else { None }
}

const fn han_digit(c: char) -> Option<u8> {
    Some(match c {
        '一' => 1,
        '二' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

/// ASCII digits only, since `u8::from_str` also takes a sign.
fn number<N: FromStr>(text: &str) -> Result<N, BirthdayError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BirthdayError::Shape);
    }
    text.parse().map_err(|_| BirthdayError::NoSuchDay)
}
