//! What a message is, and where a signed return path may stand in it.
use std::borrow::Cow;

use encoding_rs::GB18030;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use crate::domain::DeliveryReport;

/// A message as far as it concerns us.
pub(super) struct Incoming {
    pub(super) content: Content,
    /// Texts in which a return path of ours may stand, the one to be trusted most first.
    pub(super) places: Vec<String>,
}

/// What a message has in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A `multipart/report` with a part for machines that says what was done.
    Report(DeliveryReport),
    /// Something without such a part from the null sender (RFC 5321 section 4.5.5): a bounce that is
    /// made for people, or another answer of a program.
    Automatic,
    /// Anything else.
    Other,
}

/// Octets of a block of headers that are looked at.
const MOST_HEADERS: usize = 64 * 1024;

/// Reads `bytes`, which anybody may have written. Never fails: what cannot be read is something else.
pub(super) fn read(bytes: &[u8]) -> Incoming {
    let other = || Incoming { content: Content::Other, places: Vec::new() };
    let Some(message) = MessageParser::new().parse(bytes) else { return other() };
    let Some(head) = headers_of(&message) else { return other() };
    let mut places = vec![head];
    let statuses =
        || message.parts.iter().filter(|part| is_status(part)).map(|part| text(part.contents()));
    let is_report = message.parts.iter().any(|part| is_type(part, "multipart", &["report"]));
    let report = statuses().find_map(|text| DeliveryReport::parse(&text));
    let content = match report {
        Some(report) if is_report => Content::Report(report),
        _ if is_from_nobody(&message) => Content::Automatic,
        _ => Content::Other,
    };
    // Postfix names the sender of the mail beside the recipients: `X-Postfix-Sender`.
    places.extend(statuses().map(Cow::into_owned));
    places.extend(message.parts.iter().filter_map(returned_headers));
    Incoming { content, places }
}

/// Whether this is the part for machines: RFC 3464 section 2.1, RFC 6533 section 4.
fn is_status(part: &MessagePart<'_>) -> bool {
    is_type(part, "message", &["delivery-status", "global-delivery-status"])
}

fn is_type(part: &MessagePart<'_>, kind: &str, subtypes: &[&str]) -> bool {
    part.content_type().is_some_and(|found| {
        let subtype = found.subtype().unwrap_or_default();
        found.ctype().eq_ignore_ascii_case(kind)
            && subtypes.iter().any(|known| subtype.eq_ignore_ascii_case(known))
    })
}

fn is_from_nobody(message: &Message<'_>) -> bool {
    let mut paths = message.headers_raw();
    paths.any(|(name, value)| name.eq_ignore_ascii_case("Return-Path") && value.trim() == "<>")
}

/// The block of headers at the front of a message.
fn headers_of(message: &Message<'_>) -> Option<String> {
    let root = message.parts.first()?;
    let place = root.offset_header as usize..root.offset_body as usize;
    message.raw_message.get(place).map(beginning)
}

/// The headers of the mail that came back, if this part has them.
fn returned_headers(part: &MessagePart<'_>) -> Option<String> {
    match &part.body {
        PartType::Message(message) => headers_of(message),
        _ if is_type(part, "text", &["rfc822-headers"])
            || is_type(part, "message", &["global-headers", "rfc822", "global"]) =>
        {
            Some(beginning(part.contents()))
        }
        _ => None,
    }
}

fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_HEADERS)]).into_owned()
}

/// Text without a charset of its own: UTF-8, or what servers in China write.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(
        |_| {
            let chinese = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
            chinese.unwrap_or_else(|| String::from_utf8_lossy(bytes))
        },
        Cow::Borrowed,
    )
}
