//! The language in which the command line speaks.
use std::str::FromStr;

use crate::domain::Locale;

/// English or Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

impl Language {
    /// The language of the environment, as `locale(7)` orders its variables; English if it says
    /// nothing that we speak.
    pub(super) fn of_environment() -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty())
            .map_or(Self::English, |value| {
                if value.starts_with("zh") { Self::Chinese } else { Self::English }
            })
    }

    /// One of two texts.
    pub(super) const fn say<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// The locale whose names of holidays and companies are used.
    pub(super) fn locale(self) -> Locale {
        self.say("en", "zh-CN").parse().expect("both are language tags")
    }
}

impl FromStr for Language {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<Locale>() {
            Ok(locale) if locale.is_chinese() => Ok(Self::Chinese),
            Ok(locale) if locale.as_str().starts_with("en") => Ok(Self::English),
            _ => Err("expected en or zh"),
        }
    }
}
