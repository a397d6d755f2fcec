//! One line of a file, understood.
use std::{collections::BTreeMap, fmt::Display};

use chrono_tz::Tz;

use super::{
    Columns, Target,
    amount::parse_amount,
    country::parse_country,
    date::{parse_date, parse_instant},
    fields::Field,
    key_of,
};
use crate::domain::{
    AccountRecord, Birthday, ContactRecord, ContractRecord, EmailAddress, Honorific, ImportKind,
    Locale, OrderRecord, Record, RepRecord, TouchKind, TouchRecord, Wish, half_width, one_line,
    parse_wanted,
};

/// Longest text that a cell may give, in characters; the rest is cut off.
const MAX_TEXT_CHARS: usize = 256;
/// How much of a cell is shown where it is at fault, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// A cell that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: `{value}`: {reason}")]
pub struct FieldProblem {
    /// The column's name in the file.
    pub column: String,
    /// The cell on one line, at most 60 characters of it.
    pub value: String,
    /// What is wrong with it, and what was expected.
    pub reason: String,
}

impl Columns {
    /// Understands one line; a cell that is missing or blank says nothing about its field.
    ///
    /// Texts are put on one line, without hidden characters, and cut after 256 characters.
    ///
    /// # Errors
    ///
    /// With every cell that cannot be used.
    pub fn parse(&self, cells: &[&str]) -> Result<Record, Vec<FieldProblem>> {
        let mut line = Line { columns: self, cells, problems: Vec::new() };
        let record = match self.kind {
            ImportKind::Contacts => line.contact().map(Record::Contact),
            ImportKind::Accounts => line.account().map(Record::Account),
            ImportKind::Reps => line.rep().map(Record::Rep),
            ImportKind::Orders => line.order().map(Record::Order),
            ImportKind::Contracts => line.contract().map(Record::Contract),
            ImportKind::Touches => line.touch().map(Record::Touch),
        };
        match record {
            Some(record) if line.problems.is_empty() => Ok(record),
            _ => Err(line.problems),
        }
    }
}

/// A line while it is being understood.
struct Line<'a> {
    columns: &'a Columns,
    cells: &'a [&'a str],
    problems: Vec<FieldProblem>,
}

impl<'a> Line<'a> {
    fn contact(&mut self) -> Option<ContactRecord> {
        let email = self.required(Field::Email, parse_email);
        Some(ContactRecord {
            name: self.text(Field::Name),
            given_name: self.text(Field::GivenName),
            family_name: self.text(Field::FamilyName),
            honorific: self.optional(Field::Honorific, str::parse::<Honorific>),
            title: self.text(Field::Title),
            phone: self.code(Field::Phone),
            account: self.code(Field::Account),
            locale: self.optional(Field::Locale, parse_locale),
            zone: self.optional(Field::Zone, parse_zone),
            country: self.optional(Field::Country, parse_country),
            birthday: self.optional(Field::Birthday, parse_birthday),
            level: self.optional(Field::Level, parse_level),
            may_send: self.optional(Field::MaySend, parse_yes_no),
            may_track: self.optional(Field::MayTrack, parse_yes_no),
            wish: Wish {
                paused_until: self.optional(Field::PausedUntil, parse_date),
                every_days: self.optional(Field::EveryDays, parse_every_days),
                only: self.optional(Field::Wants, parse_wanted),
            },
            attributes: self.attributes(),
            email: email?,
        })
    }

    fn account(&mut self) -> Option<AccountRecord> {
        let (key, name) = (self.code(Field::Key), self.text(Field::Name));
        if key.is_none() && name.is_none() {
            let has_key = self.cell(Field::Key).is_some();
            let field = if has_key { Field::Key } else { Field::Name };
            self.blame(field, "", "is blank; an account needs a key or a name");
        }
        Some(AccountRecord {
            rep: self.optional(Field::Rep, parse_email),
            country: self.optional(Field::Country, parse_country),
            industry: self.text(Field::Industry),
            cooperation_since: self.optional(Field::CooperationSince, parse_date),
            potential_cents: self.optional(Field::Potential, parse_potential),
            attributes: self.attributes(),
            // The same name in full-width letters is the same account.
            key: key.or_else(|| name.as_deref().map(|name| half_width(name).into_owned()))?,
            name,
        })
    }

    fn rep(&mut self) -> Option<RepRecord> {
        let email = self.required(Field::Email, parse_email);
        Some(RepRecord {
            name: self.text(Field::Name),
            title: self.text(Field::Title),
            phone: self.code(Field::Phone),
            locale: self.optional(Field::Locale, parse_locale),
            zone: self.optional(Field::Zone, parse_zone),
            email: email?,
        })
    }

    fn order(&mut self) -> Option<OrderRecord> {
        let key = self.required(Field::Key, parse_code);
        let account = self.required(Field::Account, parse_code);
        let ordered_on = self.required(Field::OrderedOn, parse_date);
        let amount_cents = self.required(Field::Amount, parse_amount);
        Some(OrderRecord {
            delivered_on: self.optional(Field::DeliveredOn, parse_date),
            profit_cents: self.optional(Field::Profit, parse_amount),
            key: key?,
            account: account?,
            ordered_on: ordered_on?,
            amount_cents: amount_cents?,
        })
    }

    fn contract(&mut self) -> Option<ContractRecord> {
        let key = self.required(Field::Key, parse_code);
        let account = self.required(Field::Account, parse_code);
        let starts_on = self.required(Field::StartsOn, parse_date);
        let ends_on = self.required(Field::EndsOn, parse_date);
        if starts_on.zip(ends_on).is_some_and(|(starts_on, ends_on)| ends_on < starts_on) {
            let value = self.cell(Field::EndsOn).unwrap_or_default();
            self.blame(Field::EndsOn, value, "the contract ends before it starts");
        }
        Some(ContractRecord {
            value_cents: self.optional(Field::Value, parse_amount),
            key: key?,
            account: account?,
            starts_on: starts_on?,
            ends_on: ends_on?,
        })
    }

    fn touch(&mut self) -> Option<TouchRecord> {
        let contact = self.required(Field::Contact, parse_email);
        let kind = self.required(Field::Kind, str::parse::<TouchKind>);
        let at = self.required(Field::At, parse_instant);
        Some(TouchRecord {
            key: self.code(Field::Key),
            rep: self.optional(Field::Rep, parse_email),
            outcome: self.text(Field::Outcome),
            contact: contact?,
            kind: kind?,
            at: at?,
        })
    }

    /// The cell of a field, if the file has a column for it; blank if the line is short.
    fn cell(&self, field: Field) -> Option<&'a str> {
        let place = self.place(field)?;
        Some(self.cells.get(place).copied().unwrap_or_default())
    }

    fn place(&self, field: Field) -> Option<usize> {
        self.columns.targets.iter().position(|target| *target == Target::Field(field))
    }

    fn text(&self, field: Field) -> Option<String> {
        Some(one_line(self.cell(field)?, MAX_TEXT_CHARS)).filter(|text| !text.is_empty())
    }

    /// A text in which full-width forms are only a way to type.
    fn code(&self, field: Field) -> Option<String> {
        self.text(field).map(|text| half_width(&text).into_owned())
    }

    fn optional<T, E: Display>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let cell = self.cell(field)?;
        // A hidden mark that a copy from a web page left behind is not part of a date.
        let clean = one_line(cell, MAX_TEXT_CHARS + 1);
        if clean.is_empty() {
            return None;
        }
        parse(&clean).map_err(|error| self.blame(field, cell, &error.to_string())).ok()
    }

    fn required<T, E: Display>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let blank = self.cell(field).is_none_or(|cell| one_line(cell, 1).is_empty());
        if blank {
            self.blame(field, "", "is blank; no line can do without it");
            return None;
        }
        self.optional(field, parse)
    }

    fn blame(&mut self, field: Field, value: &str, reason: &str) {
        let header = self.place(field).and_then(|place| self.columns.headers.get(place));
        let column = header.cloned().unwrap_or_else(|| key_of(self.columns.kind, field).to_owned());
        let value = one_line(value, MAX_SHOWN_CHARS);
        self.problems.push(FieldProblem { column, value, reason: reason.to_owned() });
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        let targets = self.columns.targets.iter().zip(self.cells);
        targets
            .filter_map(|(target, cell)| match target {
                Target::Attribute(name) => Some((name.clone(), one_line(cell, MAX_TEXT_CHARS))),
                Target::Field(_) | Target::Ignored => None,
            })
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

fn parse_email(text: &str) -> Result<EmailAddress, crate::domain::EmailAddressError> {
    half_width(text).parse()
}

fn parse_birthday(text: &str) -> Result<Birthday, crate::domain::BirthdayError> {
    // Databases export a day as the midnight that it begins with.
    let day = text.split_once(" 00:00").or_else(|| text.split_once("T00:00"));
    day.map_or(text, |(day, _)| day).parse()
}

fn parse_code(text: &str) -> Result<String, &'static str> {
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err("is longer than 256 characters");
    }
    Ok(half_width(text).into_owned())
}

fn parse_potential(text: &str) -> Result<i64, String> {
    let cents = parse_amount(text).map_err(|error| error.to_string())?;
    if cents < 0 { Err("a potential is never negative".to_owned()) } else { Ok(cents) }
}

fn parse_every_days(text: &str) -> Result<u32, &'static str> {
    let days = text.trim().parse().ok().filter(|days| (1..=3650).contains(days));
    days.ok_or("expected a number of days from 1 to 3650")
}

fn parse_level(text: &str) -> Result<u8, &'static str> {
    match half_width(text).as_ref() {
        "1" => Ok(1),
        "2" => Ok(2),
        "3" => Ok(3),
        "4" => Ok(4),
        "5" => Ok(5),
        _ => Err("expected a level from 1 (highest) to 5"),
    }
}

fn parse_yes_no(text: &str) -> Result<bool, &'static str> {
    match half_width(text).to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "是" => Ok(true),
        "no" | "n" | "false" | "0" | "否" => Ok(false),
        _ => Err("expected yes or no"),
    }
}

fn parse_zone(text: &str) -> Result<Tz, &'static str> {
    let text = half_width(text).replace(' ', "_");
    text.parse().map_err(|_| "expected a time zone such as `Asia/Shanghai` or `Europe/Berlin`")
}

/// A language tag, or the name of a language that lists write out.
fn parse_locale(text: &str) -> Result<Locale, crate::domain::LocaleError> {
    let text = half_width(text).to_lowercase();
    match text.as_str() {
        "chinese" | "中文" | "汉语" | "简体中文" => "zh-CN",
        "english" | "英文" | "英语" => "en",
        "german" | "deutsch" | "德文" | "德语" => "de",
        "french" | "法文" | "法语" => "fr",
        "japanese" | "日文" | "日语" => "ja",
        tag => tag,
    }
    .parse()
}

#[cfg(test)]
mod tests;
