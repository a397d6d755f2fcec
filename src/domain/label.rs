//! The word that some countries want at the front of the subject of commercial mail.

use super::one_line;

/// What stands before the subject of commercial mail, by the country of its reader. China wants
/// “广告” or “AD” (Measures for the Administration of Internet E-mail Services, article 13).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// The label of each country, ISO 3166-1 alpha-2; an empty one is none.
    #[must_use]
    pub const fn new(by_country: Vec<(String, String)>) -> Self {
        Self(by_country)
    }

    /// `subject` with the label of `country` at its very front. A subject that begins with it, as a
    /// word of its own, is left as it is, and a reader whose country is not known gets no label.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::Labels;
    /// let labels = Labels::new(vec![("CN".to_owned(), "广告".to_owned())]);
    /// assert_eq!(labels.before(Some("CN"), "新品上市"), "广告 新品上市");
    /// assert_eq!(labels.before(Some("SG"), "New products"), "New products");
    /// ```
    #[must_use]
    pub fn before(&self, country: Option<&str>, subject: &str) -> String {
        let label = country.and_then(|country| self.0.iter().find(|(known, _)| known == country));
        // Characters that no reader sees may not stand before the label and so hide it from a test.
        let subject = one_line(subject, usize::MAX);
        match label.map(|(_, label)| label.as_str()) {
            None | Some("") => subject,
            Some(label) if is_labelled(&subject, label) => subject,
            Some(label) => format!("{label} {subject}"),
        }
    }
}

/// Whether `subject` begins with `label` and not with a word that only begins like it: `AD` is none in
/// `ADIDAS`, nor `广告` in `广告业`.
fn is_labelled(subject: &str, label: &str) -> bool {
    let rest = subject.strip_prefix(label);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        let label = |country: &str, label: &str| (country.to_owned(), label.to_owned());
        Labels::new(vec![label("CN", "广告"), label("HK", ""), label("MO", "AD")])
    }

    #[test]
    fn the_label_is_the_first_that_is_read() {
        for subject in ["新品", " 新品", "\u{200b}新品", "关于广告的新品", "[AD] 新品"]
        {
            assert!(labels().before(Some("CN"), subject).starts_with("广告"), "{subject:?}");
        }
        for subject in ["广告：新品", "广告 新品", "广告】新品", "广告"] {
            assert_eq!(labels().before(Some("CN"), subject), subject);
        }
    }

    #[test]
    fn a_word_that_only_begins_like_the_label_is_none() {
        for (country, subject) in
            [("CN", "广告业年会"), ("CN", "广告2026"), ("MO", "ADIDAS"), ("MO", "AD2026")]
        {
            let labelled = labels().before(Some(country), subject);
            assert!(labelled.ends_with(&format!(" {subject}")), "{labelled}");
        }
        assert_eq!(labels().before(Some("MO"), "AD: shoes"), "AD: shoes");
    }

    #[test]
    fn no_label_stands_where_none_is_wanted() {
        for country in [None, Some("HK"), Some("DE"), Some("cn")] {
            assert_eq!(labels().before(country, "新品"), "新品", "{country:?}");
        }
    }
}
