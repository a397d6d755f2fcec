//! Languages, and where to look when a text is missing in one.
use std::{fmt, str::FromStr};

/// A language tag such as `zh-CN` or `en` (BCP 47: language, optional script, optional region).
///
/// Compared without regard to case; kept in the usual case (`zh-Hans-CN`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(String);

/// The text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a language tag such as `en`, `zh-CN` or `de-AT`")]
pub struct LocaleError;

impl Locale {
    /// English, the language of last resort.
    #[must_use]
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// The tag in its usual case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the language is Chinese, of whatever region or script.
    #[must_use]
    pub fn is_chinese(&self) -> bool {
        self.0 == "zh" || self.0.starts_with("zh-")
    }

    /// The language without script and region.
    #[must_use]
    pub fn language(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(language, _)| language)
    }

    /// Whether this is `wider` or a part of it, as `zh-CN` is of `zh`.
    #[must_use]
    pub fn is_within(&self, wider: &Self) -> bool {
        parents(&self.0).any(|tag| tag == wider.0)
    }

    /// The tags under which to look for a text, most specific first: `zh-CN`, then `zh`, then
    /// `default` and what it falls back to.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::Locale;
    /// let (chinese, english): (Locale, Locale) = ("zh-cn".parse()?, "en".parse()?);
    /// let order: Vec<_> = chinese.fallbacks(&english).collect();
    /// assert_eq!(order, ["zh-CN", "zh", "en"]);
    /// # Ok::<(), perennial::domain::LocaleError>(())
    /// ```
    pub fn fallbacks<'a>(&'a self, default: &'a Self) -> impl Iterator<Item = &'a str> {
        parents(&self.0).chain(parents(&default.0))
    }
}

/// `tag`, then `tag` without its last subtag, and so on.
fn parents(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| tag.rsplit_once('-').map(|(parent, _)| parent))
}

impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().replace('_', "-");
        let mut tag = String::new();
        for (place, part) in text.split('-').enumerate() {
            let alphabetic = part.chars().all(|c| c.is_ascii_alphabetic());
            let digits = part.len() == 3 && part.chars().all(|c| c.is_ascii_digit());
            match (place, part.len()) {
                (0, 2 | 3) if alphabetic => tag.push_str(&part.to_ascii_lowercase()),
                (1, 4) if alphabetic => {
                    tag.push('-');
                    tag.push_str(&part[..1].to_ascii_uppercase());
                    tag.push_str(&part[1..].to_ascii_lowercase());
                }
                (1 | 2, 2) if alphabetic => {
                    tag.push('-');
                    tag.push_str(&part.to_ascii_uppercase());
                }
                (1 | 2, 3) if digits => {
                    tag.push('-');
                    tag.push_str(part);
                }
                _ => return Err(LocaleError),
            }
        }
        Ok(Self(tag))
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_tag_are_equal() {
        for text in ["zh-cn", "ZH_CN", " zh-CN "] {
            assert_eq!(text.parse::<Locale>().unwrap().as_str(), "zh-CN");
        }
        assert_eq!("zh-hans-cn".parse::<Locale>().unwrap().as_str(), "zh-Hans-CN");
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for text in ["", "e", "english", "zh-", "../en", "en-US-x-evil", "中文"] {
            assert_eq!(text.parse::<Locale>(), Err(LocaleError), "{text:?}");
        }
    }
}
