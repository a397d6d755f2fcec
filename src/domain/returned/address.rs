//! Addresses as reports write them: `rfc822; ada@example.org`, `utf-8; \x{738B}@example.org`.
use crate::domain::EmailAddress;

/// What the value of an `Original-Recipient` or `Final-Recipient` may mean: as it stands, and decoded,
/// since servers differ in whether they decode what they were given, and a `+` may stand for itself.
pub(super) fn spellings(value: &str) -> impl Iterator<Item = EmailAddress> {
    let (_, address) = value.split_once(';').unwrap_or(("", value));
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    let plain = address.parse().ok();
    let decoded = [decoded_xtext(address), decoded_unicode(address)];
    let decoded = decoded.into_iter().flatten().filter_map(|text| text.parse().ok());
    plain.into_iter().chain(decoded)
}

/// `+2B` stands for `+` (RFC 3461 section 4); `None` if nothing is written so.
fn decoded_xtext(text: &str) -> Option<String> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = || std::str::from_utf8(others.get(..2)?).ok();
        let byte = match *first {
            b'+' => code().and_then(|code| u8::from_str_radix(code, 16).ok()),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &others[2..] } else { others };
    }
    String::from_utf8(decoded).ok().filter(|decoded| decoded != text)
}

/// `\x{738B}` stands for `王` (RFC 6533 section 3); `None` if nothing is written so, or badly.
fn decoded_unicode(text: &str) -> Option<String> {
    let mut pieces = text.split("\\x{");
    let mut decoded = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_once('}')?;
        decoded.push(u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?);
        decoded.push_str(rest);
    }
    (decoded != text).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_in_every_way_that_it_is_written() {
        for (value, expected) in [
            ("rfc822; ada@example.org", "ada@example.org"),
            ("rfc822;<ada@example.org>", "ada@example.org"),
            ("ada@example.org", "ada@example.org"),
            ("rfc822; ada+news@example.org", "ada+news@example.org"),
            ("rfc822; ada+2Bnews@example.org", "ada+news@example.org"),
            (r"utf-8; \x{738B}@example.org", "王@example.org"),
            ("utf-8; 王@例子.com", "王@xn--fsqu00a.com"),
        ] {
            let mut found = spellings(value).map(|address| address.as_str().to_owned());
            assert!(found.any(|address| address == expected), "{value}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for value in
            ["", ";", "rfc822;", "x400; /S=ada/", "rfc822; +", r"utf-8; \x{}@", r"\x{D800}"]
        {
            assert_eq!(spellings(value).next(), None, "{value}");
        }
    }
}
