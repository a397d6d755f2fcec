//! Messages as mail servers wrap reports up, and as others write them.
use encoding_rs::GBK;
use proptest::prelude::*;

use super::message::{Content, read};
use crate::domain::{AddressEffect, Feedback, Keyring, Suppression};

const STATUS: &str = "Reporting-MTA: dns; mx.example.net\r\n\r\n\
                      Final-Recipient: rfc822; ada@example.org\r\n\
                      Action: failed\r\nStatus: 5.1.1\r\n\
                      Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n";

fn ring() -> Keyring {
    Keyring::new([(1, [7; 32])]).unwrap()
}

fn path() -> String {
    format!("{}@bounce.example.com", ring().bounce(42, "2026-05-14".parse().unwrap()))
}

/// A report with this status in a part of this type, with these headers in front and returned.
fn report(headers: &str, (kind, status): (&str, &str), returned: &str) -> Vec<u8> {
    format!(
        "{headers}From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b1\"\r\n\r\n\
         --b1\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nYour mail was not delivered.\r\n\r\n\
         --b1\r\nContent-Type: {kind}\r\n\r\n{status}\r\n\
         --b1\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}\r\n--b1--\r\n"
    )
    .into_bytes()
}

const PLAIN: (&str, &str) = ("message/delivery-status", STATUS);

fn mail_named(bytes: &[u8]) -> Option<i64> {
    let places = read(bytes).places;
    places.iter().find_map(|text| ring().find_bounce(text)).map(|token| token.outreach)
}

fn is_a_bounce_of_ada(bytes: &[u8]) -> bool {
    let Content::Report(report) = read(bytes).content else { return false };
    let judged = report.judge(&"ada@example.org".parse().unwrap());
    judged.feedback == Feedback::Bounce
        && judged.effect == AddressEffect::Suppress(Suppression::NoSuchAddress)
}

#[test]
fn a_report_names_its_mail_wherever_the_return_path_stands() {
    let path = path();
    for header in ["Delivered-To", "X-Original-To", "Original-Recipient", "Envelope-To", "To"] {
        let bytes = report(&format!("{header}: <{path}>\r\n"), PLAIN, "Subject: Hello");
        assert!(is_a_bounce_of_ada(&bytes));
        assert_eq!(mail_named(&bytes), Some(42), "{header}");
    }
    let folded = report(&format!("To: x@example.com,\r\n\t{}\r\n", path.to_uppercase()), PLAIN, "");
    assert_eq!(mail_named(&folded), Some(42));
    let returned = report("", PLAIN, &format!("Return-Path: <{path}>\r\nSubject: Hello"));
    assert_eq!(mail_named(&returned), Some(42));
    let postfix = format!("X-Postfix-Sender: rfc822; {path}\r\n{STATUS}");
    let beside = report("", ("message/delivery-status", &postfix), "Subject: Hello");
    assert_eq!(mail_named(&beside), Some(42));
    let forwarded = format!(
        "SRS0=AbCd=EF=example.com={}@fwd.example.net",
        path.replace("@bounce.example.com", "")
    );
    assert_eq!(mail_named(&report(&format!("To: {forwarded}\r\n"), PLAIN, "")), Some(42));
}

#[test]
fn a_return_path_that_is_not_signed_names_nothing() {
    let path = path();
    let other = Keyring::new([(1, [8; 32])]).unwrap().bounce(42, "2026-05-14".parse().unwrap());
    let mut changed = path.clone();
    changed.replace_range(20..21, if &path[20..21] == "a" { "b" } else { "a" });
    for header in [
        format!("To: {changed}"),
        format!("To: {other}@bounce.example.com"),
        format!("To: {}", &path[1..]),
        "Message-ID: <42.0000000000000007@example.com>".to_owned(),
    ] {
        let bytes = report(&format!("{header}\r\n"), PLAIN, &header);
        assert!(is_a_bounce_of_ada(&bytes));
        assert_eq!(mail_named(&bytes), None, "{header}");
    }
}

#[test]
fn the_part_for_machines_is_read_however_it_is_wrapped() {
    let international = ("message/global-delivery-status; charset=utf-8", STATUS);
    let encoded = STATUS.replace("Status: 5", "Status:=205");
    let quoted = (
        "message/delivery-status\r\nContent-Transfer-Encoding: quoted-printable",
        encoded.as_str(),
    );
    let loud = ("MESSAGE/DELIVERY-STATUS; name=\"details.txt\"", STATUS);
    for part in [PLAIN, international, quoted, loud] {
        let bytes = report("", part, "Subject: Hello");
        assert!(is_a_bounce_of_ada(&bytes), "{part:?}");
        let bare = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
        assert!(is_a_bounce_of_ada(bare.as_bytes()), "{part:?}, lines that end in LF");
    }
}

#[test]
fn a_report_that_is_cut_within_what_it_returns_is_read() {
    let mut bytes = report(&format!("To: {}\r\n", path()), PLAIN, &"X: y\r\n".repeat(100));
    bytes.truncate(bytes.len() - 300);
    assert!(is_a_bounce_of_ada(&bytes));
    assert_eq!(mail_named(&bytes), Some(42));
}

#[test]
fn a_returned_mail_names_itself_by_its_own_headers() {
    let mail = format!("Return-Path: <{}>\r\nSubject: Hello\r\n\r\nDear Ada", path());
    let whole = String::from_utf8(report("", PLAIN, &mail)).unwrap();
    let whole = whole.replace("text/rfc822-headers", "message/rfc822");
    assert!(is_a_bounce_of_ada(whole.as_bytes()));
    assert_eq!(mail_named(whole.as_bytes()), Some(42));
}

#[test]
fn words_in_gbk_are_read_as_chinese() {
    let status = STATUS.replace("no such user", "用户不存在 user unknown");
    let text = String::from_utf8(report("", ("message/delivery-status", &status), "")).unwrap();
    let text =
        text.replace("us-ascii", "gbk").replace("Your mail was not delivered.", "您的邮件被退回");
    let (bytes, _, has_errors) = GBK.encode(&text);
    assert!(!has_errors && std::str::from_utf8(&bytes).is_err());
    let Content::Report(report) = read(&bytes).content else { panic!("no report") };
    let judged = report.judge(&"ada@example.org".parse().unwrap());
    assert_eq!(judged.words, "550 5.1.1 用户不存在 user unknown");
}

#[test]
fn what_is_no_report_is_something_else() {
    let to = format!("To: {}\r\n", path());
    let qmail = format!(
        "Return-Path: <>\r\n{to}Subject: failure notice\r\n\r\n\
         Hi. This is the qmail-send program.\r\n<ada@example.org>:\r\n\
         192.0.2.1 does not like recipient.\r\nRemote host said: 550 no such user\r\n"
    );
    assert_eq!(read(qmail.as_bytes()).content, Content::Automatic);
    let away = format!("Return-Path: <>\r\n{to}Auto-Submitted: auto-replied\r\n\r\nI am away.\r\n");
    assert_eq!(read(away.as_bytes()).content, Content::Automatic);
    let seen = ("message/disposition-notification", "Disposition: automatic-action; deleted\r\n");
    let seen = report("Return-Path: <>\r\n", seen, "");
    assert_eq!(read(&seen).content, Content::Automatic);
    let person = qmail.replace("Return-Path: <>", "Return-Path: <ada@example.org>");
    assert_eq!(read(person.as_bytes()).content, Content::Other);
    let mixed = String::from_utf8(report(&to, PLAIN, "")).unwrap();
    let mixed = mixed.replace("multipart/report; report-type=delivery-status", "multipart/mixed");
    assert_eq!(read(mixed.as_bytes()).content, Content::Other, "somebody passes a report on");
    let empty = report(&to, ("message/delivery-status", "Reporting-MTA: dns; x\r\n"), "");
    assert_eq!(read(&empty).content, Content::Other);
    for bytes in ["", "\r\n", "no mail at all", "\0\0\0", "Content-Type: multipart/report\r\n\r\n"]
    {
        assert_eq!(read(bytes.as_bytes()).content, Content::Other, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_message_breaks_the_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        at in any::<prop::sample::Index>(),
    ) {
        let _ = read(&bytes);
        let mut damaged = report(&format!("To: {}\r\n", path()), PLAIN, "Subject: Hello");
        let at = at.index(damaged.len());
        damaged.splice(at..at, bytes);
        let _ = read(&damaged);
    }
}
