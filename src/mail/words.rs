//! Text that looks as if it were encoded already.
use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_builder::headers::{HeaderType, address::Address, raw::Raw, text::Text};

/// Bytes of text in one word: in base64 and with what stands around it, no more than the 75 characters
/// of RFC 2047 section 2.
const MAX_WORD: usize = 45;

/// `text`, of one line, as the value of a header that says it and nothing else.
///
/// The builder leaves `=?utf-8?Q?=41?=.` as it is, since the dot behind it makes it no encoded word.
/// Many programs decode it all the same, so that a name on a list could say one thing here and
/// another there.
pub(super) fn unstructured(text: String) -> HeaderType<'static> {
    if text.contains("=?") {
        HeaderType::Raw(Raw::new(encoded(&text)))
    } else {
        HeaderType::Text(Text::new(text))
    }
}

/// An address, or the id of a list, with a name before it unless that is empty.
///
/// The builder puts a name that looks encoded into quotation marks, in which nothing is to be decoded;
/// many programs do it all the same.
pub(super) fn named<'x>(name: String, address: impl Into<Cow<'x, str>>) -> HeaderType<'x> {
    let address = address.into();
    if name.contains("=?") {
        HeaderType::Raw(Raw::new(format!("{} <{address}>", encoded(&name))))
    } else {
        HeaderType::Address(Address::new_address((!name.is_empty()).then_some(name), address))
    }
}

fn encoded(mut text: &str) -> String {
    let mut words = Vec::new();
    while !text.is_empty() {
        let (word, rest) = text.split_at(text.floor_char_boundary(MAX_WORD));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        text = rest;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use mail_builder::MessageBuilder;
    use mail_parser::MessageParser;

    use super::*;

    #[test]
    fn what_looks_encoded_is_read_as_it_was_written() {
        let long = "=?utf-8?Q?=41?= 中秋快乐".repeat(9);
        for text in ["=?utf-8?Q?=41?=.", "=?", "a =?utf-8?B?QmNj?= b", "中=?x", &long] {
            let message = MessageBuilder::new()
                .header("Subject", unstructured(text.to_owned()))
                .header("To", named(text.to_owned(), "a@example.org"));
            let bytes = message.text_body("").write_to_vec().unwrap();
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(parsed.subject(), Some(text));
            let to = parsed.to().and_then(|to| to.first()).unwrap();
            assert_eq!((to.name(), to.address()), (Some(text), Some("a@example.org")));
            let lines = String::from_utf8(bytes).unwrap();
            assert!(lines.lines().all(|line| line.len() <= 90), "{lines}");
        }
    }
}
