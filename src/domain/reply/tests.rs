//! Claims about replies, most of them in the wording of servers in use, written down from what is
//! published and known of them and not recorded from the wire (`tests/data/smtp-replies.csv`).
use proptest::prelude::*;

use super::{
    judge::{Grounds, judge},
    *,
};
use crate::domain::EnhancedStatus;

const CORPUS: &str = include_str!("../../../tests/data/smtp-replies.csv");

const PHASES: [Phase; 9] = [
    Phase::Compose,
    Phase::Connect,
    Phase::Greeting,
    Phase::Tls,
    Phase::Auth,
    Phase::Mail,
    Phase::Rcpt,
    Phase::Data,
    Phase::Content,
];

struct Line {
    phase: Phase,
    reply: Reply,
    class: String,
}

fn corpus() -> Vec<Line> {
    let mut reader = csv::Reader::from_reader(CORPUS.as_bytes());
    let lines = reader.records().map(|record| {
        let record = record.unwrap();
        let phase = PHASES.into_iter().find(|phase| phase.as_str() == &record[2]).unwrap();
        Line { phase, reply: reply(&record[0], &record[1]), class: record[3].to_owned() }
    });
    lines.collect()
}

fn reply(code: &str, text: &str) -> Reply {
    let (enhanced, text) =
        EnhancedStatus::split(text).map_or((None, text), |(status, rest)| (Some(status), rest));
    Reply { code: code.parse().unwrap(), enhanced, text: text.to_owned() }
}

#[test]
fn each_reply_has_the_consequence_of_its_cause() {
    let lines = corpus();
    assert!(lines.len() >= 260);
    let wrong: Vec<String> = lines
        .iter()
        .filter_map(|Line { phase, reply, class }| {
            let found = Refusal::of(*phase, reply).as_str();
            let (code, text) = (reply.code, &reply.text);
            (found != class)
                .then(|| format!("{} {code} {text}: {found}, not {class}", phase.as_str()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} replies:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn fewer_than_one_reply_in_twenty_is_judged_by_its_code_alone() {
    let lines = corpus();
    let guessed: Vec<_> = lines
        .iter()
        .filter(|line| judge(line.phase, &line.reply).1 == Grounds::Guess)
        .map(|line| format!("{} {}", line.reply.code, line.reply.text))
        .collect();
    let (all, few) = (lines.len(), guessed.len());
    println!("judged by the code alone: {few} of {all}");
    assert!(few * 20 < all, "{few} of {all}:\n{}", guessed.join("\n"));
}

#[test]
fn no_reply_about_pace_policy_or_ourselves_costs_an_address_anything() {
    for Line { phase, reply, class } in corpus() {
        let spares = ["throttled", "denied", "policy", "ours", "busy", "greylisted", "later"];
        if spares.iter().any(|name| class.starts_with(name)) {
            let follows = Refusal::of(phase, &reply).follows(reply.wait_hint());
            assert_eq!(follows.address, AddressEffect::Nothing, "{} {}", reply.code, reply.text);
        }
    }
}

#[test]
fn qq_and_netease_never_cost_an_address_anything_for_pace_or_content() {
    for words in [
        "Ip frequency limited",
        "Connection frequency limited",
        "Sender frequency limited",
        "Domain frequency limited",
        "Mail content denied",
        "RP:ORQ 163 mx1",
        "HL:ITC 163 mx1",
        "DT:SPM 163 mx1",
        "Mailbox unavailable or access denied",
    ] {
        for (phase, code) in PHASES.into_iter().flat_map(|phase| [(phase, "550"), (phase, "554")]) {
            let follows = Refusal::of(phase, &reply(code, words)).follows(None);
            assert_eq!(follows.address, AddressEffect::Nothing, "{phase:?} {code} {words}");
        }
    }
}

#[test]
fn our_password_running_out_never_costs_an_address_anything() {
    for phase in [Phase::Auth, Phase::Mail, Phase::Rcpt, Phase::Data] {
        for code in ["530", "534", "535", "538"] {
            assert_eq!(Refusal::of(phase, &reply(code, "5.7.8 expired")), Refusal::Ours);
        }
    }
}

#[test]
fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    for refusal in Refusal::ALL {
        let follows = refusal.follows(None);
        let again = matches!(follows.message, MessageEffect::Retry(_));
        let at_once = matches!(follows.address, AddressEffect::Suppress(_));
        assert!(!(again && at_once), "{refusal:?}");
    }
}

#[test]
fn names_and_reasons_are_each_causes_own() {
    let mut names: Vec<_> = Refusal::ALL.map(Refusal::as_str).into();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Refusal::ALL.len());
    assert!(Refusal::ALL.into_iter().all(|refusal| {
        let (english, chinese) = refusal.reason();
        english.is_ascii() && !chinese.is_ascii()
    }));
}

proptest! {
    #[test]
    fn any_code_in_any_phase_has_a_cause_and_a_4xx_never_ends_a_mail(
        phase in 0..PHASES.len(), code in 0_u16..1000,
        status in prop::option::of((prop::sample::select(vec![2_u8, 4, 5]), 0_u16..1000, 0_u16..1000)),
        text in "\\PC{0,40}",
    ) {
        let enhanced =
            status.map(|(class, subject, detail)| EnhancedStatus { class, subject, detail });
        let reply = Reply { code, enhanced, text };
        let follows = Refusal::of(PHASES[phase], &reply).follows(reply.wait_hint());
        // `Mail content denied` ends the mail whatever the code; no text of chance says that.
        if code < 500 {
            prop_assert!(matches!(follows.message, MessageEffect::Retry(_)));
        }
        if PHASES[phase] < Phase::Rcpt {
            prop_assert_eq!(follows.address, AddressEffect::Nothing);
        }
    }
}
