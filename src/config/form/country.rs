//! Texts by country.
use toml::{Spanned, de::DeValue};

use super::{COUNTRY, Checked, Complaint, Form, TEXT, mismatch};

/// A short text for each of some countries; an empty one says that there is none.
pub(in crate::config) struct ByCountry;

/// The subject has to follow on the same line.
const MAX_CHARS: usize = 16;

impl Form for ByCountry {
    type Value = Vec<(String, String)>;

    fn expected(&self) -> String {
        "texts by country such as `{ CN = \"广告\" }`".to_owned()
    }

    fn read(&self, value: &Spanned<DeValue<'_>>) -> Checked<Self::Value> {
        let DeValue::Table(entries) = value.get_ref() else { return Err(mismatch(self, value)) };
        let mut texts = Vec::new();
        let mut complaints = Vec::new();
        for (country, text) in entries {
            let at = country.span().start;
            match (COUNTRY.read)(country.get_ref()) {
                Ok(country) => match short(text) {
                    Ok(text) => texts.push((country, text)),
                    Err(more) => complaints.extend(more),
                },
                Err(message) => complaints.push(Complaint { at, message }),
            }
        }
        if complaints.is_empty() { Ok(texts) } else { Err(complaints) }
    }
}

fn short(value: &Spanned<DeValue<'_>>) -> Checked<String> {
    if value.get_ref().as_str() == Some("") {
        return Ok(String::new());
    }
    let text = TEXT.read(value)?;
    if text.chars().count() <= MAX_CHARS {
        return Ok(text);
    }
    let message = format!("expected a text of {MAX_CHARS} characters at most");
    Err(vec![Complaint { at: value.span().start, message }])
}
