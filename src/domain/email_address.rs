//! A mail address in the one form that the database and the envelope know.
use std::{borrow::Cow, fmt, str::FromStr};

use super::text::has_hidden_characters;

/// An address that was checked once, at the edge.
///
/// The local part is kept as given, since only the receiving host may interpret it (RFC 5321
/// section 2.4); the domain is an IDNA2008/UTS-46 A-label in lower case, so that `用户@例子.com` and
/// its ASCII spelling are one address.
///
/// # Examples
///
/// ```
/// # use perennial::domain::EmailAddress;
/// let address: EmailAddress = "Ada@例子.COM".parse()?;
/// assert_eq!(address.as_str(), "Ada@xn--fsqu00a.com");
/// assert_eq!(address.match_key(), "ada@xn--fsqu00a.com");
/// # Ok::<(), perennial::domain::EmailAddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

/// Why a string is not an [`EmailAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailAddressError {
    /// There is no `@` between two non-empty parts, or the domain has no dot.
    #[error("expected `name@domain.tld`")]
    Shape,
    /// Longer than the 254 octets that RFC 5321 leaves for a path.
    #[error("longer than 254 octets")]
    TooLong,
    /// The local part or the domain holds something that may not stand there.
    #[error("holds a character that mail does not allow there")]
    Character,
}

/// RFC 5321 section 4.5.3.1.3: a path has at most 256 octets, two of them angle brackets.
const MAX_OCTETS: usize = 254;

impl EmailAddress {
    /// The address as the database knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`, as it was given.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`, an A-label in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The part after the `@` as it goes into an envelope.
    ///
    /// Beside a local part in ASCII it is the A-label, which every relay understands. Beside any other
    /// one, which needs SMTPUTF8 anyhow, it is the U-label (RFC 6531 section 3.3): some relays refuse
    /// a mixture of both.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::EmailAddress;
    /// let [plain, international]: [EmailAddress; 2] = ["a@例子.com".parse()?, "王@例子.com".parse()?];
    /// assert_eq!(plain.domain_in_envelope(), "xn--fsqu00a.com");
    /// assert_eq!(international.domain_in_envelope(), "例子.com");
    /// # Ok::<(), perennial::domain::EmailAddressError>(())
    /// ```
    #[must_use]
    pub fn domain_in_envelope(&self) -> Cow<'_, str> {
        if !self.needs_smtp_utf8() {
            return Cow::Borrowed(self.domain());
        }
        match idna::domain_to_unicode(self.domain()) {
            (domain, Ok(())) => Cow::Owned(domain),
            (_, Err(_)) => Cow::Borrowed(self.domain()),
        }
    }

    /// The whole address as it goes into a header: in ASCII, or as RFC 6532 has it, with a domain that
    /// can be read, where its local part is not ASCII.
    #[must_use]
    pub fn in_header(&self) -> Cow<'_, str> {
        if !self.needs_smtp_utf8() {
            return Cow::Borrowed(self.as_str());
        }
        Cow::Owned(format!("{}@{}", self.local(), self.domain_in_envelope()))
    }

    /// Whether only a relay with SMTPUTF8 (RFC 6531) can be given it: its local part is not ASCII.
    #[must_use]
    pub fn needs_smtp_utf8(&self) -> bool {
        !self.local().is_ascii()
    }

    /// What two spellings of one mailbox have in common; suppression and duplicates go by it.
    #[must_use]
    pub fn match_key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if has_hidden_characters(text) {
            return Err(EmailAddressError::Character);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailAddressError::Shape)?;
        if local.is_empty() || !domain.trim_end_matches('.').contains('.') {
            return Err(EmailAddressError::Shape);
        }
        let domain = idna::domain_to_ascii_strict(domain.trim_end_matches('.'))
            .map_err(|_| EmailAddressError::Character)?;
        let checked =
            lettre::Address::new(local, &domain).map_err(|_| EmailAddressError::Character)?;
        let address = checked.to_string();
        if address.len() > MAX_OCTETS { Err(EmailAddressError::TooLong) } else { Ok(Self(address)) }
    }
}

/// Masked, because log lines and error messages are read by people who have no need of it.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let initial = self.0.chars().next().unwrap_or('?');
        write!(f, "{initial}***@{}", self.domain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_folded_to_lower_case_and_the_local_part_is_not() {
        let address: EmailAddress = " Ada@Example.ORG ".parse().unwrap();
        assert_eq!(address.as_str(), "Ada@example.org");
        assert_eq!(address.match_key(), "ada@example.org");
    }

    #[test]
    fn an_international_domain_is_kept_as_its_a_label() {
        let address: EmailAddress = "wang@例子.中国".parse().unwrap();
        assert_eq!(address.domain(), "xn--fsqu00a.xn--fiqs8s");
    }

    #[test]
    fn two_spellings_of_an_international_domain_are_one_address_for_suppression() {
        let [kept, written]: [EmailAddress; 2] =
            ["User@例子.com", "user@XN--FSQU00A.com"].map(|text| text.parse().unwrap());
        assert_eq!(kept.match_key(), written.match_key());
    }

    #[test]
    fn shapes_that_cannot_be_delivered_are_refused() {
        for text in ["", "ada", "@example.org", "ada@", "ada@localhost"] {
            assert_eq!(text.parse::<EmailAddress>(), Err(EmailAddressError::Shape), "{text:?}");
        }
        for text in ["a..b@example.org", "a\r\nBcc:x@example.org", "a\0b@example.org", "a b@c.de"] {
            assert_eq!(text.parse::<EmailAddress>(), Err(EmailAddressError::Character), "{text:?}");
        }
        let long = format!("{}@{}.org", "a".repeat(60), "b.".repeat(110));
        assert!(long.parse::<EmailAddress>().is_err());
    }

    #[test]
    fn debug_never_shows_the_local_part() {
        let address: EmailAddress = "ada.lovelace@example.org".parse().unwrap();
        assert_eq!(format!("{address:?}"), "a***@example.org");
    }

    proptest::proptest! {
        #[test]
        fn parsing_what_was_printed_changes_nothing(text in "[a-zA-Z0-9.]{1,12}@[a-zA-Z]{1,8}\\.[a-z]{2,4}") {
            if let Ok(address) = text.parse::<EmailAddress>() {
                proptest::prop_assert_eq!(address.as_str().parse(), Ok(address));
            }
        }
    }
}
