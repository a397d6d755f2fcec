//! Reports as servers write them, and as nobody should.
use proptest::prelude::*;

use super::*;
use crate::domain::{AddressEffect, Feedback, Refusal};

const CORPUS: &str = include_str!("../../../tests/data/delivery-reports.txt");

fn ada() -> EmailAddress {
    "ada@example.org".parse().unwrap()
}

fn judged(text: &str) -> Judged {
    DeliveryReport::parse(text).unwrap_or_else(|| panic!("no report: {text}")).judge(&ada())
}

fn summary(judged: &Judged) -> String {
    let effect = match judged.effect {
        AddressEffect::Nothing => "none",
        AddressEffect::Count(_) => "count",
        AddressEffect::Suppress(_) => "suppress",
    };
    let refusal = judged.refusal.map_or("-", Refusal::as_str);
    format!("{} {refusal} {effect}", judged.feedback.as_str())
}

#[test]
fn reports_of_many_servers_mean_what_they_say() {
    let cases: Vec<_> = CORPUS.split("\n## ").skip(1).collect();
    assert!(cases.len() >= 40, "{} reports", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let (name, rest) = case.split_once("\n=> ").unwrap();
        let (expected, text) = rest.split_once('\n').unwrap();
        let found = summary(&judged(text));
        if found != expected {
            wrong.push(format!("{name}: {found}, not {expected}"));
        }
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(judged(text), judged(&crlf), "{name}, with CRLF");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_text_that_says_of_nobody_what_was_done_is_no_report() {
    for text in ["", "\n\n", "Reporting-MTA: dns; x\n", "Action: exploded\n", "Action\nfailed: x"] {
        assert_eq!(DeliveryReport::parse(text), None, "{text}");
    }
}

#[test]
fn the_words_are_the_servers_own_or_the_status() {
    let with = |line: &str| judged(&format!("Action: failed\nStatus: 5.1.1 (x)\n{line}\n")).words;
    assert_eq!(with("Diagnostic-Code: smtp; 550\u{202e} no\n such user"), "550 no such user");
    assert_eq!(with(""), "5.1.1");
    assert_eq!(with("Diagnostic-Code: smtp;"), "5.1.1");
    let long = with(&format!("Diagnostic-Code: smtp; {}", "long ".repeat(2_000)));
    assert!((900..=1_000).contains(&long.chars().count()));
}

#[test]
fn of_very_many_recipients_the_first_are_read() {
    let one = "Final-Recipient: rfc822; x@example.net\nAction: failed\nStatus: 5.1.1\n\n";
    let report = DeliveryReport::parse(&one.repeat(10_000)).unwrap();
    assert_eq!(report.recipients.len(), MOST_RECIPIENTS);
}

#[test]
fn no_report_that_blames_policy_or_pace_touches_an_address() {
    let words = ["550 5.1.1 user unknown", "550 no such user", "552 5.2.2 full", "5.1.1", ""];
    let blames = ["5.7.1", "5.7.26", "5.7.28", "4.7.0", "5.7.606", "5.7.0", "4.7.28"];
    for (status, words) in blames.iter().flat_map(|blame| words.map(|words| (blame, words))) {
        let text = format!("Action: failed\nStatus: {status}\nDiagnostic-Code: smtp; {words}\n");
        assert_eq!(judged(&text).effect, AddressEffect::Nothing, "{text}");
        let text =
            format!("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 {status} no\n");
        assert_eq!(judged(&text).effect, AddressEffect::Nothing, "{text}");
    }
    for said in
        ["550 Connection frequency limited", "421 too many messages", "550 Mail content denied"]
    {
        let text = format!("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; {said}\n");
        assert_eq!(judged(&text).effect, AddressEffect::Nothing, "{text}");
    }
}

/// Lines that are fields, almost fields, or anything.
fn line() -> impl Strategy<Value = String> {
    let name = "(?i)(action|status|diagnostic-code|final-recipient|original-recipient|x)";
    let value = "(failed|delayed|delivered|[245]\\.[0-9]{1,3}\\.[0-9]{1,4}|smtp; ?[2-5][0-9]{2}[ -].{0,30}|rfc822;.{0,20}|.{0,40})";
    prop_oneof![
        8 => (name, value).prop_map(|(name, value)| format!("{name}: {value}")),
        1 => Just(String::new()),
        1 => "[ \t].{0,30}",
        1 => ".{0,60}",
    ]
}

proptest! {
    #[test]
    fn whatever_a_report_holds_reading_it_ends_and_only_a_bounce_has_an_effect(
        lines in prop::collection::vec(line(), 0..40),
        end in "(\n|\r\n)",
    ) {
        if let Some(report) = DeliveryReport::parse(&lines.join(&end)) {
            let judged = report.judge(&ada());
            prop_assert!(
                judged.feedback == Feedback::Bounce || judged.effect == AddressEffect::Nothing
            );
            prop_assert!(judged.words.chars().count() <= 1_000);
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = DeliveryReport::parse(&text).map(|report| report.judge(&ada()));
        let _ = DeliveryReport::parse(&format!("Action: failed\nDiagnostic-Code: {text}"))
            .map(|report| report.judge(&ada()));
    }
}
