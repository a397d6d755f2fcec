//! An invitation as calendar programs read it (RFC 5545), to be answered by mail (RFC 5546, 6047), and a
//! reminder that asks for no answer.
//!
//! Written here and not by a crate: the one that was tried leaves lines of 76 octets.
use std::fmt::Write as _;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::message::Mailbox;
use crate::domain::{EmailAddress, Event, EventKind, Locale, one_line};

/// Who made the object (RFC 5545 section 3.7.3).
const PRODUCT: &str = "-//Perennial//Perennial//EN";
/// How the reader is invited: a person who has not answered yet and is asked to.
const ASKED: &str = ";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE";
/// Octets of a content line without its line break (RFC 5545 section 3.1).
const MAX_LINE: usize = 75;
/// Characters of a text or a name.
const MAX_TEXT: usize = 256;
/// What stands for itself in the address of a `mailto:` besides letters and digits: `atext` and the
/// dot, without what RFC 6068 section 2 wants encoded.
const PLAIN_IN_MAILTO: &str = "!$'*+-@_~.";

/// The calendar entry that a message carries. The reader of the message is the one invited, and
/// the entry is as old as the message.
#[derive(Clone, Copy)]
pub struct Invite<'a> {
    /// What is invited to.
    pub event: &'a Event,
    /// Language of its texts.
    pub locale: &'a Locale,
    /// Who reads the answers.
    pub organizer: Mailbox<'a>,
    /// `unique@domain`, the same in every message about this event to this reader, by which a
    /// calendar knows a change or a reminder from a second event.
    pub uid: &'a str,
}

/// What the message asks of the calendar: the `METHOD` of the object and of its MIME part, which
/// have to agree (RFC 6047 section 2.4).
pub(super) const fn method(event: &Event) -> &'static str {
    match event.kind {
        EventKind::Meeting => "REQUEST",
        EventKind::Reminder | EventKind::Day { .. } => "PUBLISH",
    }
}

/// The calendar object: CRLF line ends, lines of at most 75 octets, ending in a line break.
///
/// Times are in UTC. Every calendar shows them by its owner's clock, and there is no definition of
/// a zone for two programs to read in two ways.
pub(super) fn calendar(invite: &Invite<'_>, to: Mailbox<'_>, written_at: DateTime<Utc>) -> String {
    let event = invite.event;
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        format!("PRODID:{PRODUCT}"),
        format!("METHOD:{}", method(event)),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}", text(invite.uid)),
        format!("SEQUENCE:{}", event.sequence),
        format!("DTSTAMP:{}", utc(written_at)),
    ];
    lines.extend(span(event));
    lines.extend([
        format!("SUMMARY:{}", text(event.title(invite.locale))),
        format!("LOCATION:{}", text(event.place(invite.locale))),
        "STATUS:CONFIRMED".to_owned(),
        format!("ORGANIZER{}:{}", name(invite.organizer), mailto(invite.organizer.address)),
    ]);
    // Of a published entry there must be none (RFC 5546 section 3.2.1): nobody is asked.
    if event.kind == EventKind::Meeting {
        lines.push(format!("ATTENDEE{ASKED}{}:{}", name(to), mailto(to.address)));
    }
    lines.extend(["END:VEVENT", "END:VCALENDAR"].map(ToOwned::to_owned));
    let mut object = String::with_capacity(2_048);
    for line in &lines {
        fold(line, &mut object);
    }
    object
}

/// When it is. A whole day has no zone and keeps nobody busy; its end is the day after it (RFC 5545
/// section 3.6.1).
fn span(event: &Event) -> Vec<String> {
    let EventKind::Day { yearly } = event.kind else {
        let [starts, ends] = [event.starts_at, event.ends_at].map(utc);
        return vec![format!("DTSTART:{starts}"), format!("DTEND:{ends}")];
    };
    let [first, after] = [event.day(), event.day() + Days::new(1)].map(date);
    let mut lines = vec![
        format!("DTSTART;VALUE=DATE:{first}"),
        format!("DTEND;VALUE=DATE:{after}"),
        "TRANSP:TRANSPARENT".to_owned(),
    ];
    if yearly {
        lines.push("RRULE:FREQ=YEARLY".to_owned());
    }
    lines
}

/// Adds `line` in pieces of at most 75 octets, none of which cuts a character.
fn fold(line: &str, object: &mut String) {
    let (mut rest, mut room) = (line, MAX_LINE);
    while rest.len() > room {
        let mut end = rest.floor_char_boundary(room);
        // Some programs take all white space after a line break for the fold's.
        if rest[end..].starts_with(' ') {
            end = rest.floor_char_boundary(end - 1);
        }
        let (piece, after) = rest.split_at(end);
        object.push_str(piece);
        object.push_str("\r\n ");
        (rest, room) = (after, MAX_LINE - 1);
    }
    object.push_str(rest);
    object.push_str("\r\n");
}

/// A value of type TEXT (RFC 5545 section 3.3.11); on one line, it needs no `\n`.
fn text(value: &str) -> String {
    let mut escaped = String::new();
    for character in one_line(value, MAX_TEXT).chars() {
        if matches!(character, '\\' | ',' | ';') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The parameter that names a person; nothing if there is no name. In quotation marks everything
/// may stand but a quotation mark, for which there is no escape (RFC 5545 section 3.2).
fn name(mailbox: Mailbox<'_>) -> String {
    let name = one_line(mailbox.name, MAX_TEXT).replace('"', "'");
    if name.is_empty() { name } else { format!(";CN=\"{name}\"") }
}

fn mailto(address: &EmailAddress) -> String {
    let mut uri = "mailto:".to_owned();
    for byte in address.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN_IN_MAILTO.contains(char::from(byte)) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing into a string does not fail");
        }
    }
    uri
}

fn date(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use icalendar::{Calendar, CalendarComponent, Component as _, Event as Entry};

    use super::*;

    fn an_event(title: &str, place: &str) -> Event {
        Event {
            kind: EventKind::Meeting,
            starts_at: "2026-12-05T06:00:00Z".parse().unwrap(),
            ends_at: "2026-12-05T10:00:00Z".parse().unwrap(),
            zone: chrono_tz::Asia::Shanghai,
            titles: vec![(Locale::english(), title.to_owned())],
            places: vec![(Locale::english(), place.to_owned())],
            sequence: 2,
        }
    }

    fn written(event: &Event, names: [&str; 2]) -> String {
        let [organizer, attendee] = ["rep@example.com", "anna=meyer@customer.example"]
            .map(|address| address.parse::<EmailAddress>().unwrap());
        let organizer = Mailbox { name: names[0], address: &organizer };
        let locale = Locale::english();
        let uid = "0123456789abcdef@example.com";
        let invite = Invite { event, locale: &locale, organizer, uid };
        let to = Mailbox { name: names[1], address: &attendee };
        calendar(&invite, to, "2026-11-20T01:30:00Z".parse().unwrap())
    }

    /// The one event of `text`, as a program that is not ours reads it.
    fn parsed(text: &str) -> Entry {
        let calendar: Calendar = text.parse().unwrap();
        assert!(matches!(calendar.property_value("METHOD"), Some("REQUEST" | "PUBLISH")));
        match calendar.components.as_slice() {
            [CalendarComponent::Event(event)] => event.clone(),
            others => panic!("{others:?}"),
        }
    }

    fn properties(event: &Entry) -> usize {
        event.properties().len() + event.multi_properties().values().map(Vec::len).sum::<usize>()
    }

    fn value<'e>(event: &'e Entry, name: &str) -> &'e str {
        let repeated = || event.multi_properties().get(name).map(|found| found[0].value());
        event.property_value(name).or_else(repeated).unwrap_or_default()
    }

    #[test]
    fn an_invitation_is_what_it_was_when_people_looked_at_it() {
        let event = an_event("Customer day, with supper", "Shanghai; Example Road 1");
        let text = written(&event, ["James O'Neil", "Meyer, Anna"]);
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @r#"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Perennial//Perennial//EN
        METHOD:REQUEST
        BEGIN:VEVENT
        UID:0123456789abcdef@example.com
        SEQUENCE:2
        DTSTAMP:20261120T013000Z
        DTSTART:20261205T060000Z
        DTEND:20261205T100000Z
        SUMMARY:Customer day\, with supper
        LOCATION:Shanghai\; Example Road 1
        STATUS:CONFIRMED
        ORGANIZER;CN="James O'Neil":mailto:rep@example.com
        ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=
         TRUE;CN="Meyer, Anna":mailto:anna%3Dmeyer@customer.example
        END:VEVENT
        END:VCALENDAR
        "#);
    }

    #[test]
    fn another_program_reads_what_was_meant() {
        let event = parsed(&written(&an_event("客户日", "上海市示例路 1 号"), ["", "欧阳静"]));
        for (name, expected) in [
            ("DTSTAMP", "20261120T013000Z"),
            ("DTSTART", "20261205T060000Z"),
            ("DTEND", "20261205T100000Z"),
            ("SUMMARY", "客户日"),
            ("LOCATION", "上海市示例路 1 号"),
            ("SEQUENCE", "2"),
            ("ORGANIZER", "mailto:rep@example.com"),
            ("ATTENDEE", "mailto:anna%3Dmeyer@customer.example"),
        ] {
            assert_eq!(value(&event, name), expected, "{name}");
        }
    }

    fn a_day(yearly: bool) -> Event {
        let zone = chrono_tz::Asia::Shanghai;
        let [starts_at, ends_at] = Event::hours_of("2026-10-08".parse().unwrap(), zone);
        let kind = EventKind::Day { yearly };
        Event { kind, starts_at, ends_at, zone, ..an_event("Ten years together", "Shanghai") }
    }

    #[test]
    fn a_reminder_asks_nobody_for_an_answer() {
        let event = Event { kind: EventKind::Reminder, ..an_event("Webinar", "Online") };
        let text = written(&event, ["James O'Neil", "Meyer, Anna"]);
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @r#"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Perennial//Perennial//EN
        METHOD:PUBLISH
        BEGIN:VEVENT
        UID:0123456789abcdef@example.com
        SEQUENCE:2
        DTSTAMP:20261120T013000Z
        DTSTART:20261205T060000Z
        DTEND:20261205T100000Z
        SUMMARY:Webinar
        LOCATION:Online
        STATUS:CONFIRMED
        ORGANIZER;CN="James O'Neil":mailto:rep@example.com
        END:VEVENT
        END:VCALENDAR
        "#);
    }

    #[test]
    fn a_day_is_a_date_and_comes_each_year_if_it_is_said_so() {
        let text = written(&a_day(true), ["", "Anna"]);
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @r#"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Perennial//Perennial//EN
        METHOD:PUBLISH
        BEGIN:VEVENT
        UID:0123456789abcdef@example.com
        SEQUENCE:2
        DTSTAMP:20261120T013000Z
        DTSTART;VALUE=DATE:20261008
        DTEND;VALUE=DATE:20261009
        TRANSP:TRANSPARENT
        RRULE:FREQ=YEARLY
        SUMMARY:Ten years together
        LOCATION:Shanghai
        STATUS:CONFIRMED
        ORGANIZER:mailto:rep@example.com
        END:VEVENT
        END:VCALENDAR
        "#);
        assert_eq!(value(&parsed(&text), "DTSTART"), "20261008");
        let once = written(&a_day(false), ["", "Anna"]);
        assert_eq!(once, text.replace("RRULE:FREQ=YEARLY\r\n", ""));
    }

    fn check_shape(text: &str) {
        assert!(text.ends_with("END:VCALENDAR\r\n"));
        for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
            assert!(line.len() <= 75 && !line.contains(['\r', '\n', '\0']), "{line:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_line_of_its_own(
            title in "(\\PC|[\r\n\0\",;:\\\\\u{202e}\u{2028}王 ]|ATTENDEE:mailto:x){0,90}",
            name in "(\\PC|[\r\n\0\",;:\\\\^=\u{202e}]|\r\nATTENDEE){0,40}",
        ) {
            let text = written(&an_event(&title, &title), [&name, &name]);
            check_shape(&text);
            let event = parsed(&text);
            proptest::prop_assert_eq!(properties(&event), 10);
            proptest::prop_assert_eq!(value(&event, "SUMMARY"), one_line(&title, MAX_TEXT));
            proptest::prop_assert_eq!(value(&event, "ORGANIZER"), "mailto:rep@example.com");
        }
    }

    #[test]
    fn a_text_without_end_is_cut() {
        for endless in ["长".repeat(10_000), " ".repeat(10_000), "\"".repeat(10_000)] {
            let text = written(&an_event(&endless, &endless), [&endless, &endless]);
            check_shape(&text);
            assert!(text.len() < 6_000, "{}", text.len());
            assert_eq!(properties(&parsed(&text)), 10);
        }
    }
}
