//! What is in a message below its headers (RFC 2046).
use std::borrow::Cow;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mail_builder::{headers::content_type::ContentType, mime::MimePart};

use super::{
    calendar::{calendar, method},
    enclosed::{Enclosure, content_id},
    message::Message,
};

/// The name of the attached invitation.
const CALENDAR_FILE: &str = "invite.ics";

/// Text and HTML, the HTML together with its pictures; with a calendar entry, that is the third way
/// to show the letter, and a file besides for programs that know calendars as files only. Outlook
/// looks for it nowhere but in the first part.
pub(super) fn content<'x>(message: &'x Message<'_>) -> MimePart<'x> {
    let id = message.message_id;
    let mut ways = vec![MimePart::new("text/plain", body(message.text)), html(message)];
    let mut files = Vec::new();
    if let Some((inline, file)) = invitation(message) {
        ways.push(inline);
        files.push(file);
    }
    files.extend(message.enclosed.files.iter().map(attached));
    let letter = multipart("alternative", id, ways);
    if files.is_empty() {
        return letter;
    }
    files.insert(0, letter);
    multipart("mixed", id, files)
}

/// The HTML, and the pictures that it shows (RFC 2387).
fn html<'x>(message: &'x Message<'_>) -> MimePart<'x> {
    let html = MimePart::new("text/html", body(message.html));
    let images = &message.enclosed.images;
    if images.is_empty() {
        return html;
    }
    let mut parts = vec![html];
    parts.extend(images.iter().map(|image| {
        let kind = ContentType::new(image.media_type).attribute("name", image.name.as_str());
        let inline = ContentType::new("inline").attribute("filename", image.name.as_str());
        MimePart::new(kind, &*image.bytes)
            .header("Content-Disposition", inline)
            .cid(content_id(&image.name))
    }));
    multipart("related", message.message_id, parts)
}

/// A file with its name as it is (RFC 2231), and in ASCII for programs that read that alone. The two
/// stand in different headers, since of two in one header some programs take the wrong one.
fn attached(file: &Enclosure) -> MimePart<'_> {
    let kind = ContentType::new(file.media_type).attribute("name", file.ascii_name());
    let is_utf8_text = file.media_type.starts_with("text/") && str::from_utf8(&file.bytes).is_ok();
    let kind = if is_utf8_text { kind.attribute("charset", "utf-8") } else { kind };
    MimePart::new(kind, &*file.bytes).attachment(file.name.as_str())
}

/// The calendar entry, to be shown and as a file.
fn invitation<'x>(message: &'x Message<'_>) -> Option<(MimePart<'x>, MimePart<'x>)> {
    let invite = message.calendar.as_ref()?;
    let object = calendar(invite, message.to, message.date.to_utc()).into_bytes();
    let inline = ContentType::new("text/calendar")
        .attribute("method", method(invite.event))
        .attribute("charset", "UTF-8");
    let file = ContentType::new("application/ics").attribute("name", CALENDAR_FILE);
    let inline = MimePart::new(inline, object.clone());
    Some((inline, MimePart::new(file, object).attachment(CALENDAR_FILE)))
}

fn multipart<'x>(kind: &str, message_id: &str, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
    let content_type = ContentType::new(format!("multipart/{kind}"))
        .attribute("boundary", boundary(kind, message_id));
    let content_type = match kind {
        "related" => content_type.attribute("type", "text/html"),
        _ => content_type,
    };
    MimePart::new(content_type, parts)
}

/// NUL may not stand in a message (RFC 5322 section 4), and a bare carriage return not in a line.
fn body(text: &str) -> Cow<'_, str> {
    match memchr::memchr2(0, b'\r', text.as_bytes()) {
        Some(_) => Cow::Owned(text.replace(['\0', '\r'], "")),
        None => Cow::Borrowed(text),
    }
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
        domain::{EmailAddress, Event, EventKind, Locale},
        mail::{Enclosed, Invite, Kind, Mailbox, compose},
    };

    static REP: LazyLock<EmailAddress> = LazyLock::new(|| "rep@example.com".parse().unwrap());
    static ANNA: LazyLock<EmailAddress> =
        LazyLock::new(|| "anna@customer.example".parse().unwrap());

    fn an_event() -> Event {
        let text = |text: &str| vec![(Locale::english(), text.to_owned())];
        Event {
            kind: EventKind::Meeting,
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
            enclosed: &Enclosed::default(),
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
        for kind in [EventKind::Meeting, EventKind::Reminder, EventKind::Day { yearly: true }] {
            agree(&Event { kind, ..an_event() });
        }
    }

    fn agree(event: &Event) {
        let bytes = invitation(event);
        let message = MessageParser::default().parse(&bytes).unwrap();
        let [inline, file] = [&message.parts[4], &message.parts[5]];
        let kind = inline.content_type().unwrap();
        assert_eq!(kind.attribute("method"), Some(method(event)));
        assert_eq!(kind.attribute("charset"), Some("UTF-8"));
        assert_eq!((file.attachment_name(), inline.attachment_name()), (Some(CALENDAR_FILE), None));
        assert_eq!(inline.contents(), file.contents());
        let object = String::from_utf8(inline.contents().to_vec()).unwrap();
        assert!(object.contains(&format!("\r\nMETHOD:{}\r\n", method(event))), "{object}");
        assert!(object.contains("SUMMARY:客户日\r\n"), "{object}");
        assert!(object.contains("DTSTAMP:20260504T013000Z\r\n"), "{object}");
        let is_asked = object.replace("\r\n ", "").contains(":mailto:anna@customer.example\r\n");
        assert_eq!(is_asked, event.kind == EventKind::Meeting);
    }

    #[test]
    fn pictures_belong_to_the_html_and_files_to_the_letter() {
        let event = an_event();
        let locale = Locale::english();
        let from = Mailbox { name: "", address: &REP };
        let one = |name: &str, media_type, bytes: &[u8]| Enclosure {
            name: name.to_owned(),
            media_type,
            bytes: bytes.into(),
        };
        let enclosed = Enclosed {
            images: vec![one("cake.png", "image/png", b"\x89PNG")],
            files: vec![one("产品目录.csv", "text/csv", "a,王\nb\r\n".as_bytes())],
        };
        let bytes = compose(&Message {
            from,
            to: Mailbox { name: "", address: &ANNA },
            reply_to: None,
            subject: "Hello",
            text: "Hello\n",
            html: "<img src=\"cid:cake.png@perennial\">\n",
            enclosed: &enclosed,
            date: DateTime::parse_from_rfc3339("2026-05-04T09:30:00+08:00").unwrap(),
            message_id: "1.2@example.com",
            calendar: Some(Invite { event: &event, locale: &locale, organizer: from, uid: "u@x" }),
            kind: Kind::Automatic,
        })
        .unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        insta::assert_snapshot!(tree(&message, 0, 0), @r"
        multipart/mixed
          multipart/alternative
            text/plain
            multipart/related
              text/html
              image/png
            text/calendar
          application/ics
          text/csv
        ");
        let file = message.parts.last().unwrap();
        assert_eq!(file.attachment_name(), Some("产品目录.csv"));
        assert_eq!(file.contents(), "a,王\nb\r\n".as_bytes());
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("name=\"attachment.csv\""), "{text}");
        assert!(text.contains("Content-ID: <cake.png@perennial>\r\n"), "{text}");
    }

    fn tree(message: &mail_parser::Message<'_>, part: usize, depth: usize) -> String {
        let kind = message.parts[part].content_type().unwrap();
        let line = format!("{}{}/{}\n", "  ".repeat(depth), kind.ctype(), kind.subtype().unwrap());
        let PartType::Multipart(children) = &message.parts[part].body else { return line };
        let below = children.iter().map(|child| tree(message, *child as usize, depth + 1));
        below.fold(line, |all, one| all + &one)
    }

    #[test]
    fn the_same_invitation_is_the_same_bytes() {
        assert_eq!(invitation(&an_event()), invitation(&an_event()));
    }
}
