use std::{env, fs, path::Path, process::Command, sync::LazyLock};

use chrono::DateTime;
use mail_parser::{MessageParser, MimeHeaders as _};
use perennial::{
    domain::{
        Dkim, DkimKey, EmailAddress, Event, EventKind, Locale, ed25519_key, one_line, rsa_key,
    },
    mail::{Enclosed, Invite, Kind, List, Mailbox, Message, compose, sign},
};

use super::{dice::Dice, oracle::Oracle};

const MESSAGES: u64 = 1_000;
/// Names in the DNS, and what is published there.
const RECORDS: [(&str, &str); 2] = [
    (
        "r._domainkey.example.com.",
        concat!("v=DKIM1; k=rsa; p=", include_str!("../../data/dkim/rsa.pub")),
    ),
    (
        "e._domainkey.example.com.",
        concat!("v=DKIM1; k=ed25519; p=", include_str!("../../data/dkim/ed25519.pub")),
    ),
];

static REP: LazyLock<EmailAddress> = LazyLock::new(|| "rep@example.com".parse().unwrap());
static ANNA: LazyLock<EmailAddress> = LazyLock::new(|| "anna@customer.example".parse().unwrap());
static WANG: LazyLock<EmailAddress> = LazyLock::new(|| "王伟@例子.com".parse().unwrap());

fn dkim() -> Dkim {
    let rsa = rsa_key(include_str!("../../data/dkim/rsa.pem")).unwrap();
    let ed25519 = ed25519_key(include_str!("../../data/dkim/ed25519.pem")).unwrap();
    Dkim {
        domain: "example.com".to_owned(),
        rsa: DkimKey { selector: "r".to_owned(), pair: rsa },
        ed25519: Some(DkimKey { selector: "e".to_owned(), pair: ed25519 }),
    }
}

/// A signed message, and what its reader has to find in it.
struct Sample {
    bytes: Vec<u8>,
    to: String,
    subject: String,
    files: Vec<String>,
    calendar: serde_json::Value,
}

fn sample(seed: u64, dkim: &Dkim) -> Sample {
    let mut dice = Dice(seed);
    let [from, to, subject] = [4, 6, 12].map(|most| dice.text(most));
    let [text, html] = [60, 200].map(|most| dice.text(most));
    let enclosed = dice.enclosed();
    let length = [20, 45, 300, 860][dice.below(4)];
    let url = format!("https://m.example/u/{}", "a".repeat(length));
    let event = an_event(&dice.text(5), seed);
    let locale = Locale::english();
    let from = Mailbox { name: &from, address: &REP };
    let calendar =
        Invite { event: &event, locale: &locale, organizer: from, uid: "0123@example.com" };
    let list = List {
        name: &subject,
        id: "birthday.example.com",
        unsubscribe_url: &url,
        unsubscribe_mailbox: &REP,
        feedback_id: "birthday:birthday:service:examplecom",
    };
    let reader = if seed.is_multiple_of(7) { &WANG } else { &ANNA };
    let has_calendar = dice.below(4) == 0;
    let date = DateTime::parse_from_rfc3339("2020-01-02T09:30:00+08:00").unwrap();
    let bytes = compose(&Message {
        from,
        to: Mailbox { name: &to, address: reader },
        reply_to: (dice.below(2) == 0).then_some(from),
        subject: &subject,
        text: &text,
        html: &html,
        enclosed: &enclosed,
        date,
        message_id: &format!("{seed}.7f3a@example.com"),
        calendar: has_calendar.then_some(calendar),
        kind: if seed.is_multiple_of(10) { Kind::Automatic } else { Kind::List(list) },
    })
    .unwrap();
    let Enclosed { files, .. } = enclosed;
    Sample {
        bytes: sign(&bytes, dkim, date.to_utc()).unwrap(),
        to: reader.in_header().into_owned(),
        subject: one_line(&subject, 256),
        files: files.into_iter().map(|file| file.name).collect(),
        calendar: if has_calendar { entry(&event, reader) } else { serde_json::Value::Null },
    }
}

/// What a calendar has to make of `event`.
fn entry(event: &Event, reader: &EmailAddress) -> serde_json::Value {
    let (method, [start, end], yearly) = match event.kind {
        EventKind::Day { yearly } => ("PUBLISH", ["2020-12-05", "2020-12-06"], yearly),
        kind => {
            let hours = ["2020-12-05T06:00:00+00:00", "2020-12-05T10:00:00+00:00"];
            (if kind == EventKind::Meeting { "REQUEST" } else { "PUBLISH" }, hours, false)
        }
    };
    let local = if reader == &*WANG { "%E7%8E%8B%E4%BC%9F" } else { reader.local() };
    let attendee = format!("mailto:{local}@{}", reader.domain());
    serde_json::json!({
        "methods": [method, method],
        "summary": one_line(event.title(&Locale::english()), 256),
        "start": start,
        "end": end,
        "attendees": if event.kind == EventKind::Meeting { vec![attendee] } else { Vec::new() },
        "yearly": yearly,
    })
}

fn an_event(title: &str, seed: u64) -> Event {
    let yearly = seed.is_multiple_of(2);
    let kinds = [EventKind::Meeting, EventKind::Reminder, EventKind::Day { yearly }];
    let kind = kinds[usize::try_from(seed % 3).unwrap()];
    Event {
        kind,
        starts_at: "2020-12-05T06:00:00Z".parse().unwrap(),
        ends_at: "2020-12-05T10:00:00Z".parse().unwrap(),
        zone: chrono_tz::Asia::Shanghai,
        titles: vec![(Locale::english(), title.to_owned())],
        places: vec![(Locale::english(), "上海市示例路 1 号".to_owned())],
        sequence: 0,
    }
}

#[tokio::test]
async fn a_thousand_messages_are_those_that_were_signed_and_say_what_was_said() {
    let dkim = dkim();
    let oracle = Oracle::new(&RECORDS);
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..MESSAGES {
        let sample = sample(seed, &dkim);
        assert_eq!(oracle.passes(&sample.bytes).await, [true, true], "seed {seed}");
        assert_read_back(&sample, seed);
        write(folder.path(), seed, &sample);
    }
    let records: serde_json::Value =
        RECORDS.iter().map(|(name, record)| (*name, record.trim())).collect();
    fs::write(folder.path().join("records.json"), records.to_string()).unwrap();
    ask_python(folder.path());
}

#[tokio::test]
async fn what_is_changed_on_the_way_is_no_longer_signed() {
    let oracle = Oracle::new(&RECORDS);
    let bytes = sample(1, &dkim()).bytes;
    let text = String::from_utf8(bytes).unwrap();
    for (old, new) in [
        ("/u/a", "/u/b"),
        ("=One-Click", "=One-Clicl"),
        ("\r\nSubject:", "\r\nSubject: Other\r\nSubject:"),
        ("\r\nFrom:", "\r\nFrom: other@example.com\r\nFrom:"),
        ("\r\nTo:", "\r\nTo: other@example.com\r\nTo:"),
        ("\r\nDate:", "\r\nDate: Thu, 2 Jan 2020 09:30:01 +0800\r\nDate:"),
        (
            "\r\nMIME-Version:",
            "\r\nReply-To: other@example.com\r\nReply-To: b@c.d\r\nMIME-Version:",
        ),
        ("\r\nFeedback-ID: b", "\r\nFeedback-ID: c"),
        ("\r\n--=_", "\r\nx\r\n--=_"),
    ] {
        assert!(text.contains(old), "{old:?}");
        let changed = text.replacen(old, new, 1);
        assert_eq!(oracle.passes(changed.as_bytes()).await, [false, false], "{new:?}");
    }
    let refolded = text.replacen("\r\n <mailto:", "\r\n\t  <mailto:", 1);
    assert_ne!(refolded, text);
    assert_eq!(oracle.passes(refolded.as_bytes()).await, [true, true], "a relay may fold anew");
}

fn assert_read_back(sample: &Sample, seed: u64) {
    let parsed = MessageParser::default().parse(&sample.bytes).unwrap();
    assert_eq!(parsed.subject().unwrap_or_default(), sample.subject, "seed {seed}");
    let to = parsed.to().and_then(|to| to.first()?.address());
    assert_eq!(to, Some(sample.to.as_str()), "seed {seed}");
    let names = parsed.attachments().filter_map(|part| part.attachment_name());
    let names: Vec<_> = names.filter(|name| name.rsplit('.').next() == Some("pdf")).collect();
    assert_eq!(names, sample.files, "seed {seed}");
}

fn write(folder: &Path, seed: u64, sample: &Sample) {
    let Sample { to, subject, files, calendar, .. } = sample;
    let expected = serde_json::json!({
        "to": to, "subject": subject, "files": files, "calendar": calendar
    });
    fs::write(folder.join(format!("{seed:04}.eml")), &sample.bytes).unwrap();
    fs::write(folder.join(format!("{seed:04}.json")), expected.to_string()).unwrap();
}

/// Has dkimpy, icalendar and Python's own parser look at the messages; `tests/run` names a Python that
/// has them.
fn ask_python(folder: &Path) {
    let Some(python) = env::var_os("TEST_DKIM_PYTHON") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify.py");
    let done = Command::new(python).arg(script).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
