//! Which domains belong to one owner, as DMARC sees it.

/// What stands before the country in the names under which many countries hand out domains, as in
/// `example.com.cn` and `example.co.uk`.
const SECOND_LEVELS: [&str; 14] =
    ["ac", "co", "com", "edu", "gob", "gov", "gr", "idv", "ltd", "ne", "net", "or", "org", "plc"];

/// The part of `domain` that one owner holds: `example.com` of `mail.example.com`, `example.com.cn`
/// of `mail.example.com.cn` (RFC 7489 section 3.2).
///
/// Worked out from the form of the name and not from a list of all registries, which is out of date
/// by the time that it is shipped. What it does not know, it takes for one owner too few: the names
/// below `city.example.jp` count as that owner's, and a receiver judges by its own list anyway.
#[must_use]
pub fn organisation(domain: &str) -> &str {
    let mut dots = domain.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), Some(second)) = (dots.next(), dots.next()) else { return domain };
    let is_country = domain.len() - last - 1 == 2;
    if is_country && SECOND_LEVELS.contains(&&domain[second + 1..last]) {
        return dots.next().map_or(domain, |third| &domain[third + 1..]);
    }
    &domain[second + 1..]
}

/// Whether `domain` is `parent` or a name below it.
#[must_use]
pub fn is_within(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_what_is_registered_and_what_is_above_the_names_of_one_owner() {
        for (domain, expected) in [
            ("example.com", "example.com"),
            ("bounce.mail.example.com", "example.com"),
            ("news.example.cn", "example.cn"),
            ("example.com.cn", "example.com.cn"),
            ("news.example.com.cn", "example.com.cn"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("com.cn", "com.cn"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(organisation(domain), expected, "{domain}");
        }
    }

    #[test]
    fn a_name_that_only_ends_alike_is_not_within() {
        assert!(is_within("mail.example.com", "example.com"));
        assert!(is_within("example.com", "example.com"));
        assert!(!is_within("badexample.com", "example.com"));
        assert!(!is_within("example.com", "mail.example.com"));
    }
}
