//! What a template may say: every value of one letter, in the words of its reader.
mod event;
mod feedback;
mod sample;

use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;

use super::{Honorific, Locale, one_line};
pub use event::LetterEvent;
pub use feedback::feedback_id;

/// The values that a mail template is rendered with. Every field is always there; what is not
/// known is the empty string, so that a template can ask with `{{#if}}`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The salutation without its punctuation, from [`greeting`].
    pub greeting: String,
    /// The reader.
    pub contact: LetterContact,
    /// The reader's company.
    pub account: LetterAccount,
    /// Who writes.
    pub rep: LetterRep,
    /// The company that the rep writes for.
    pub company: LetterCompany,
    /// Why the letter is written.
    pub occasion: LetterOccasion,
    /// What it invites to; every value of it is empty in a letter that invites to nothing.
    pub event: LetterEvent,
}

/// The reader of a [`Letter`].
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LetterContact {
    /// Full name.
    pub name: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Job title.
    pub title: String,
}

/// The reader's company.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LetterAccount {
    /// Name.
    pub name: String,
}

/// The person who signs a [`Letter`].
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LetterRep {
    /// Name.
    pub name: String,
    /// Job title.
    pub title: String,
    /// Address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
}

/// The company that sends a [`Letter`]. It comes from our own configuration, never from a list.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LetterCompany {
    /// Name.
    pub name: String,
    /// Web site, `https://…`.
    pub website: String,
    /// Address for questions.
    pub email: String,
    /// Postal address on one line; many countries require it.
    pub postal_address: String,
}

/// The reason for a [`Letter`].
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LetterOccasion {
    /// Name of the holiday or event in the reader's language; empty for other occasions.
    pub name: String,
    /// The day itself, not the day of sending; `2026-05-14` in a template.
    pub date: NaiveDate,
    /// The day in the reader's language, from [`date_text`].
    pub date_text: String,
    /// Days from the day of writing to the day itself, by the reader's calendar: 0 on the day,
    /// negative after it.
    pub days_until: i64,
    /// Which anniversary it is; 0 for an occasion that does not count years.
    pub years: u32,
}

/// What is known of a person's name; empty where it is not.
#[derive(Clone, Copy, Default)]
pub struct NameParts<'a> {
    /// Full name as it is written.
    pub full: &'a str,
    /// Given name.
    pub given: &'a str,
    /// Family name.
    pub family: &'a str,
}

/// Family names of two characters, which a full name of Han characters does not set apart.
const COMPOUND_FAMILY_NAMES: &str = "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 \
    尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 \
    闾丘 令狐 百里 呼延 东郭 南门 西门 轩辕 拓跋 歐陽 東方 獨孤 南宮 萬俟 聞人 諸葛 尉遲 赫連 澹臺 \
    濮陽 公孫 仲孫 鍾離 長孫 鮮于 閭丘 東郭 南門 西門 軒轅 司馬";

/// Longest part of a name that is used, in characters.
const NAME_CHARACTERS: usize = 64;

/// The salutation: `Dear Ms Meyer`, `Dear Anna` or `Hello`; `王总，您好`, `王伟，您好` or `您好`. The
/// punctuation after it is the template's.
///
/// Languages other than Chinese get the English words, so give the locale of the template that was
/// found, not the one that was looked for.
///
/// # Examples
///
/// ```
/// # use perennial::domain::{Honorific, Locale, NameParts, greeting};
/// let name = NameParts { full: "欧阳静", ..NameParts::default() };
/// let chinese: Locale = "zh-CN".parse()?;
/// assert_eq!(greeting(&chinese, name, Some(Honorific::Ms)), "欧阳女士，您好");
/// # Ok::<(), perennial::domain::LocaleError>(())
/// ```
#[must_use]
pub fn greeting(locale: &Locale, name: NameParts<'_>, honorific: Option<Honorific>) -> String {
    let [full, given, family] =
        [name.full, name.given, name.family].map(|part| one_line(part, NAME_CHARACTERS));
    let family = if family.is_empty() { han_family_name(&full).to_owned() } else { family };
    if locale.is_chinese() {
        chinese_greeting(&full, &given, &family, honorific)
    } else {
        english_greeting(&full, &given, &family, honorific)
    }
}

/// The date as people write it: `14 May 2026`, `2026年5月14日`.
#[must_use]
pub fn date_text(locale: &Locale, date: NaiveDate) -> String {
    if locale.is_chinese() {
        format!("{}年{}月{}日", date.year(), date.month(), date.day())
    } else {
        date.format("%-d %B %Y").to_string()
    }
}

fn chinese_greeting(full: &str, given: &str, family: &str, form: Option<Honorific>) -> String {
    let joined = match (full.is_empty(), is_han(family)) {
        (false, _) => full.to_owned(),
        (true, true) => format!("{family}{given}"),
        (true, false) => format!("{given} {family}").trim().to_owned(),
    };
    let named = if family.is_empty() || form.is_none() { &joined } else { family };
    match (named, form) {
        ("", _) => "您好".to_owned(),
        (named, None) => format!("{named}，您好"),
        (named, Some(form)) => {
            // Chinese sets a space between Latin letters and Han characters.
            let space = if named.ends_with(|c: char| c.is_ascii_alphanumeric()) { " " } else { "" };
            format!("{named}{space}{}，您好", form.chinese())
        }
    }
}

fn english_greeting(full: &str, given: &str, family: &str, form: Option<Honorific>) -> String {
    match form.and_then(Honorific::english) {
        Some(form) if !family.is_empty() => format!("Dear {form} {family}"),
        Some(form) if !full.is_empty() => format!("Dear {form} {full}"),
        _ if !given.is_empty() => format!("Dear {given}"),
        _ if !full.is_empty() => format!("Dear {full}"),
        _ => "Hello".to_owned(),
    }
}

/// The family name at the head of a Chinese full name; empty when the text is no such name.
///
/// Longer texts are left alone: they are names from other languages, whose order is not known, or
/// not names at all.
fn han_family_name(full: &str) -> &str {
    let length = full.chars().count();
    if !is_han(full) || !(2..=4).contains(&length) {
        return "";
    }
    let compound = COMPOUND_FAMILY_NAMES.split(' ').find(|family| full.starts_with(family));
    compound.map_or_else(
        || full.chars().next().map_or("", |first| &full[..first.len_utf8()]),
        |family| &full[..family.len()],
    )
}

/// Whether the text is made of Han characters and nothing else.
fn is_han(text: &str) -> bool {
    let han = |c| matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
    !text.is_empty() && text.chars().all(han)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        tag.parse().unwrap()
    }

    fn name<'a>(full: &'a str, given: &'a str, family: &'a str) -> NameParts<'a> {
        NameParts { full, given, family }
    }

    #[test]
    fn english_uses_the_most_respectful_form_that_is_known() {
        let english = |parts, form| greeting(&locale("en"), parts, form);
        let anna = name("Anna Meyer", "Anna", "Meyer");
        assert_eq!(english(anna, Some(Honorific::Ms)), "Dear Ms Meyer");
        assert_eq!(english(anna, None), "Dear Anna");
        assert_eq!(english(anna, Some(Honorific::Director)), "Dear Anna");
        assert_eq!(english(name("", "Anna", ""), Some(Honorific::Ms)), "Dear Anna");
        assert_eq!(english(name("", "", "Meyer"), None), "Hello");
        assert_eq!(english(NameParts::default(), Some(Honorific::Mr)), "Hello");
    }

    #[test]
    fn the_family_name_of_a_full_english_name_is_not_guessed() {
        let full = name("Wang Wei", "", "");
        assert_eq!(greeting(&locale("en"), full, Some(Honorific::Mr)), "Dear Mr Wang Wei");
        assert_eq!(greeting(&locale("en"), full, None), "Dear Wang Wei");
    }

    #[test]
    fn chinese_puts_the_form_of_address_after_the_family_name() {
        let chinese = |parts, form| greeting(&locale("zh-CN"), parts, form);
        assert_eq!(chinese(name("王伟", "", ""), Some(Honorific::Director)), "王总，您好");
        assert_eq!(chinese(name("王伟", "", ""), None), "王伟，您好");
        assert_eq!(chinese(name("", "伟", "王"), None), "王伟，您好");
        assert_eq!(chinese(name("", "", "王"), Some(Honorific::Teacher)), "王老师，您好");
        assert_eq!(chinese(NameParts::default(), Some(Honorific::Mr)), "您好");
        assert_eq!(chinese(name("", "Anna", "Meyer"), Some(Honorific::Dr)), "Meyer 博士，您好");
        assert_eq!(chinese(name("", "Anna", "Meyer"), None), "Anna Meyer，您好");
    }

    #[test]
    fn compound_family_names_stay_whole() {
        for (full, family) in [
            ("欧阳静", "欧阳"),
            ("司马相如", "司马"),
            ("诸葛亮", "诸葛"),
            ("上官婉儿", "上官"),
            ("諸葛亮", "諸葛"),
            ("王伟", "王"),
            ("东方", "东方"),
            ("欧晓阳", "欧"),
            ("安娜·迈耶", ""),
            ("采购部王经理", ""),
            ("王", ""),
            ("Wang", ""),
            ("", ""),
        ] {
            assert_eq!(han_family_name(full), family, "{full:?}");
        }
    }

    #[test]
    fn a_name_from_another_language_is_used_whole() {
        let anna = name("安娜·迈耶", "", "");
        assert_eq!(greeting(&locale("zh"), anna, Some(Honorific::Ms)), "安娜·迈耶女士，您好");
    }

    #[test]
    fn a_hostile_name_cannot_break_the_line() {
        let hostile = name("", "Anna\r\nBcc: x\u{202e}", "");
        assert_eq!(greeting(&locale("en"), hostile, None), "Dear Anna Bcc: x");
        let long = "王".repeat(10_000);
        let hostile = name(&long, "", "");
        assert!(greeting(&locale("zh-CN"), hostile, None).chars().count() < 70);
    }

    #[test]
    fn dates_are_written_as_people_write_them() {
        let date = "2026-05-04".parse().unwrap();
        assert_eq!(date_text(&locale("en"), date), "4 May 2026");
        assert_eq!(date_text(&locale("zh-CN"), date), "2026年5月4日");
    }

    #[test]
    fn templates_see_snake_case_and_civil_dates() {
        let value = serde_json::to_value(Letter::sample(&locale("en"))).unwrap();
        assert_eq!(value["contact"]["family_name"], "Meyer");
        assert_eq!(value["occasion"]["date"], "2026-05-14");
        assert_eq!(value["occasion"]["years"], 5);
    }
}
