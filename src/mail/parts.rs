//! What is in a message below its headers (RFC 2046).
use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mail_builder::{headers::content_type::ContentType, mime::MimePart};
use ring::digest;

use super::{
    calendar::{METHOD, calendar},
    message::Message,
};

/// The name of the attached invitation.
const CALENDAR_FILE: &str = "invite.ics";

/// Text and HTML; with a calendar entry, that is the third way to show the letter, and a file
/// besides for programs that know calendars as files only. Outlook looks for it nowhere but in the
/// first part.
pub(super) fn content<'x>(message: &'x Message<'_>) -> MimePart<'x> {
    let id = message.message_id;
    let mut parts = vec![
        MimePart::new("text/plain", body(message.text)),
        MimePart::new("text/html", body(message.html)),
    ];
    let Some(invite) = &message.calendar else { return multipart("alternative", id, parts) };
    let object = calendar(invite, message.to, message.date.to_utc()).into_bytes();
    let inline =
        ContentType::new("text/calendar").attribute("method", METHOD).attribute("charset", "UTF-8");
    let file = ContentType::new("application/ics").attribute("name", CALENDAR_FILE);
    parts.push(MimePart::new(inline, object.clone()));
    let letter = multipart("alternative", id, parts);
    let file = MimePart::new(file, object).attachment(CALENDAR_FILE);
    multipart("mixed", id, vec![letter, file])
}

fn multipart<'x>(kind: &str, message_id: &str, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
    let content_type = ContentType::new(format!("multipart/{kind}"))
        .attribute("boundary", boundary(kind, message_id));
    MimePart::new(content_type, parts)
}

/// NUL may not stand in a message (RFC 5322 section 4), and a bare carriage return not in a line.
fn body(text: &str) -> Cow<'_, str> {
    let refused = ['\0', '\r'];
    if text.contains(refused) { Cow::Owned(text.replace(refused, "")) } else { Cow::Borrowed(text) }
}

/// An encoded part holds no `=_`, and one that needs no encoding would have to guess the hash.
fn boundary(kind: &str, message_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("{kind} {message_id}").as_bytes());
    format!("=_{}", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use chrono::DateTime;
    use mail_parser::{MessageParser, MimeHeaders as _, PartType};

    use super::*;
    use crate::{
        domain::{EmailAddress, Event, Locale},
        mail::{Invite, Kind, Mailbox, compose},
    };

    static REP: LazyLock<EmailAddress> = LazyLock::new(|| "rep@example.com".parse().unwrap());
    static ANNA: LazyLock<EmailAddress> =
        LazyLock::new(|| "anna@customer.example".parse().unwrap());

    fn an_event() -> Event {
        let text = |text: &str| vec![(Locale::english(), text.to_owned())];
        Event {
            starts_at: "2026-12-05T06:00:00Z".parse().unwrap(),
            ends_at: "2026-12-05T10:00:00Z".parse().unwrap(),
            zone: chrono_tz::Asia::Shanghai,
            titles: text("客户日"),
            places: text("上海市示例路 1 号"),
            sequence: 0,
        }
    }

    fn invitation(event: &Event) -> Vec<u8> {
        let locale = Locale::english();
        let organizer = Mailbox { name: "林晓雯", address: &REP };
        let uid = "0123@example.com";
        compose(&Message {
            from: organizer,
            to: Mailbox { name: "欧阳静", address: &ANNA },
            reply_to: None,
            subject: "Hello",
            text: "Hello\n",
            html: "<p>Hello</p>\n",
            date: DateTime::parse_from_rfc3339("2026-05-04T09:30:00+08:00").unwrap(),
            message_id: "1.2@example.com",
            calendar: Some(Invite { event, locale: &locale, organizer, uid }),
            kind: Kind::Automatic,
        })
        .unwrap()
    }

    #[test]
    fn the_calendar_is_an_alternative_in_the_first_part_and_a_file_in_the_second() {
        let bytes = invitation(&an_event());
        let message = MessageParser::default().parse(&bytes).unwrap();
        let kinds = message.parts.iter().map(|part| {
            let kind = part.content_type().unwrap();
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
        });
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            [
                "multipart/mixed",
                "multipart/alternative",
                "text/plain",
                "text/html",
                "text/calendar",
                "application/ics"
            ]
        );
        let children = |part: usize| match &message.parts[part].body {
            PartType::Multipart(children) => children.clone(),
            _ => Vec::new(),
        };
        assert_eq!((children(0), children(1)), (vec![1, 5], vec![2, 3, 4]));
    }

    #[test]
    fn part_and_object_agree_on_the_method_and_both_copies_on_everything() {
        let bytes = invitation(&an_event());
        let message = MessageParser::default().parse(&bytes).unwrap();
        let [inline, file] = [&message.parts[4], &message.parts[5]];
        let kind = inline.content_type().unwrap();
        assert_eq!(kind.attribute("method"), Some(METHOD));
        assert_eq!(kind.attribute("charset"), Some("UTF-8"));
        assert_eq!((file.attachment_name(), inline.attachment_name()), (Some(CALENDAR_FILE), None));
        assert_eq!(inline.contents(), file.contents());
        let object = String::from_utf8(inline.contents().to_vec()).unwrap();
        assert!(object.contains(&format!("\r\nMETHOD:{METHOD}\r\n")), "{object}");
        assert!(object.contains("SUMMARY:客户日\r\n"), "{object}");
        assert!(object.contains("DTSTAMP:20260504T013000Z\r\n"), "{object}");
        assert!(object.replace("\r\n ", "").contains(":mailto:anna@customer.example\r\n"));
    }

    #[test]
    fn the_same_invitation_is_the_same_bytes() {
        assert_eq!(invitation(&an_event()), invitation(&an_event()));
    }
}
