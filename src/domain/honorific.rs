//! How a person is addressed, in whatever language the list says it.
use std::str::FromStr;

/// The word before (English) or after (Chinese) a family name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Honorific {
    /// Mr, 先生.
    Mr,
    /// Ms, 女士.
    Ms,
    /// Mrs, 太太, 夫人.
    Mrs,
    /// Miss, 小姐.
    Miss,
    /// Dr, 博士.
    Dr,
    /// Prof, 教授.
    Prof,
    /// Head of a firm or department, 总. English has no such form of address.
    Director,
    /// Teacher or respected senior, 老师. English has no such form of address.
    Teacher,
}

/// The text is not a form of address that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected Mr, Ms, Mrs, Miss, Dr, Prof, Director, Teacher or 先生, 女士, 小姐, 博士, 教授, 总, 老师"
)]
pub struct HonorificError;

impl Honorific {
    /// The canonical word, lower-case English, as the database has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mr => "mr",
            Self::Ms => "ms",
            Self::Mrs => "mrs",
            Self::Miss => "miss",
            Self::Dr => "dr",
            Self::Prof => "prof",
            Self::Director => "director",
            Self::Teacher => "teacher",
        }
    }

    /// What stands before a family name in English; `None` where English has no such word.
    #[must_use]
    pub const fn english(self) -> Option<&'static str> {
        match self {
            Self::Mr => Some("Mr"),
            Self::Ms => Some("Ms"),
            Self::Mrs => Some("Mrs"),
            Self::Miss => Some("Miss"),
            Self::Dr => Some("Dr"),
            Self::Prof => Some("Prof"),
            Self::Director | Self::Teacher => None,
        }
    }

    /// What stands after a family name in Chinese.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Mr => "先生",
            // 太太 after a family name means the wife of its bearer, which business mail avoids.
            Self::Ms | Self::Mrs => "女士",
            Self::Miss => "小姐",
            Self::Dr => "博士",
            Self::Prof => "教授",
            Self::Director => "总",
            Self::Teacher => "老师",
        }
    }
}

impl FromStr for Honorific {
    type Err = HonorificError;

    /// Reads English words in any case, with or without a full stop, and Chinese ones.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::Honorific;
    /// assert_eq!("Prof.".parse(), Ok(Honorific::Prof));
    /// assert_eq!("总经理".parse(), Ok(Honorific::Director));
    /// assert!("Herr".parse::<Honorific>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().trim_end_matches(['.', '．', '。']).to_lowercase();
        Ok(match word.as_str() {
            "mr" | "mister" | "sir" | "先生" => Self::Mr,
            "ms" | "madam" | "女士" => Self::Ms,
            "mrs" | "太太" | "夫人" => Self::Mrs,
            "miss" | "小姐" => Self::Miss,
            "dr" | "doctor" | "博士" => Self::Dr,
            "prof" | "professor" | "教授" => Self::Prof,
            "director" | "总" | "总经理" | "总监" | "董事长" => Self::Director,
            "teacher" | "老师" => Self::Teacher,
            _ => return Err(HonorificError),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Honorific; 8] = [
        Honorific::Mr,
        Honorific::Ms,
        Honorific::Mrs,
        Honorific::Miss,
        Honorific::Dr,
        Honorific::Prof,
        Honorific::Director,
        Honorific::Teacher,
    ];

    #[test]
    fn every_form_is_read_back_from_its_database_and_spoken_words() {
        for form in ALL {
            assert_eq!(form.as_str().parse(), Ok(form));
            if let Some(english) = form.english() {
                assert_eq!(english.parse(), Ok(form));
            }
            if form != Honorific::Mrs {
                assert_eq!(form.chinese().parse(), Ok(form));
            }
        }
    }

    #[test]
    fn case_full_stops_and_space_around_do_not_matter() {
        for text in [" MR. ", "mr", "Mr", "先生", "\u{3000}先生"] {
            assert_eq!(text.parse(), Ok(Honorific::Mr), "{text:?}");
        }
    }

    #[test]
    fn an_unknown_word_is_refused_and_not_guessed() {
        for text in ["", ".", "Mx Wang", "同志", "mr\0"] {
            assert_eq!(text.parse::<Honorific>(), Err(HonorificError), "{text:?}");
        }
    }
}
