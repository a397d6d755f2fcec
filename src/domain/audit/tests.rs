use chrono::{DateTime, TimeDelta, Utc};

use super::*;

const NONCE: i64 = 7;
const FIRST: OutreachId = OutreachId(1);

fn at(time: &str) -> DateTime<Utc> {
    format!("2026-05-14T{time}Z").parse().unwrap()
}

fn terms() -> AuditTerms {
    AuditTerms {
        now: at("12:00:00"),
        since: None,
        lease: TimeDelta::minutes(15),
        connections: Some(4),
        window: 1,
        daemons: 1,
        kills: Some(1),
    }
}

fn attempt(no: u32, verdict: AttemptVerdict) -> AuditedAttempt {
    let minutes = i64::from(no) * 10;
    let began = at("09:00:00") + TimeDelta::minutes(minutes);
    let has_left = matches!(verdict, AttemptVerdict::Accepted | AttemptVerdict::InDoubt);
    AuditedAttempt {
        no,
        lease_token: i64::from(no),
        began_at: Some(began),
        sending_at: has_left.then_some(began + TimeDelta::seconds(1)),
        ended_at: began + TimeDelta::seconds(2),
        verdict,
    }
}

/// A mail in this state after attempts that ended in these ways.
fn mail(state: OutreachState, verdicts: &[AttemptVerdict]) -> AuditedMail {
    let attempts: Vec<_> = (1..).zip(verdicts).map(|(no, verdict)| attempt(no, *verdict)).collect();
    AuditedMail {
        id: FIRST,
        nonce: NONCE,
        state,
        attempt: u32::try_from(attempts.len()).unwrap(),
        not_after: at("17:00:00"),
        lease_until: None,
        unsubscribed_at: None,
        attempts,
        doubts: Vec::new(),
    }
}

fn sent() -> AuditedMail {
    mail(OutreachState::Sent, &[AttemptVerdict::Accepted])
}

/// A mail whose first attempt ended in doubt, of which this became.
fn doubted(state: OutreachState, verdicts: &[AttemptVerdict], end: DoubtEnd) -> AuditedMail {
    let doubts = vec![AuditedDoubt { attempt: 1, end }];
    AuditedMail { doubts, ..mail(state, verdicts) }
}

/// A relay that took the first mail at these times.
fn relay(times: &[&str]) -> RelayLedger {
    let mut relay = RelayLedger::default();
    for (line, time) in (1..).zip(times) {
        relay.accept(FIRST, Acceptance { nonce: NONCE, at: at(time), line });
    }
    relay
}

/// The invariants that are broken and by what, where this mail meets this relay.
fn broken(terms: AuditTerms, mail: &AuditedMail, relay: RelayLedger) -> Vec<(&'static str, Fault)> {
    let mut audit = Audit::new(terms, relay);
    audit.see(mail);
    broken_in(&audit.finish(&Connections::default()))
}

fn broken_in(findings: &Findings) -> Vec<(&'static str, Fault)> {
    let offences = findings.judged.iter().flat_map(|judged| {
        judged.examples.iter().map(|offence| (judged.invariant.code(), offence.fault))
    });
    offences.collect()
}

#[test]
fn a_mail_that_was_taken_once_and_says_so_breaks_nothing() {
    let mut audit = Audit::new(terms(), relay(&["09:10:01"]));
    audit.see(&sent());
    let findings = audit.finish(&Connections::default());
    assert!(findings.hold());
    assert_eq!((findings.accepted, findings.duplicates, findings.missing), (1, 0, 0));
}

#[test]
fn a_mail_that_we_were_told_250_for_must_be_in_the_relays_ledger() {
    assert_eq!(broken(terms(), &sent(), relay(&[])), [("I1", Fault::NotTaken)]);
}

#[test]
fn what_was_answered_before_the_relays_ledger_begins_is_not_looked_for_in_it() {
    let terms = AuditTerms { since: Some(at("10:00:00")), ..terms() };
    assert_eq!(broken(terms, &sent(), relay(&[])), []);
}

#[test]
fn a_mail_that_is_only_taken_as_sent_may_be_missing_and_is_counted() {
    let assumed = doubted(OutreachState::Sent, &[AttemptVerdict::InDoubt], DoubtEnd::Settled);
    let mut audit = Audit::new(terms(), relay(&[]));
    audit.see(&assumed);
    let findings = audit.finish(&Connections::default());
    assert!(findings.hold(), "{findings:?}");
    assert_eq!((findings.doubts, findings.missing), (1, 1));
}

#[test]
fn a_message_that_no_mail_belongs_to_is_found() {
    let audit = Audit::new(terms(), relay(&["09:10:01"]));
    let findings = audit.finish(&Connections::default());
    assert_eq!(broken_in(&findings), [("I2", Fault::UnknownMail)]);
}

#[test]
fn a_message_with_another_random_number_is_not_taken_for_the_same_mail() {
    let other = AuditedMail { nonce: NONCE + 1, ..sent() };
    let found = broken(terms(), &other, relay(&["09:10:01"]));
    assert_eq!(found, [("I1", Fault::NotTaken), ("I2", Fault::OtherNonce)]);
}

#[test]
fn a_mail_that_waits_or_was_given_up_is_not_at_the_relay() {
    use OutreachState as S;
    for state in [S::Ready, S::Claimed, S::Failed, S::Expired, S::Suppressed] {
        let lease_until = Some(at("12:10:00"));
        let mail = AuditedMail { lease_until, ..mail(state, &[AttemptVerdict::Rejected]) };
        let found = broken(terms(), &mail, relay(&["09:10:01"]));
        assert_eq!(found, [("I2", Fault::TakenIn(state)), ("I3", Fault::TakenIn(state))]);
    }
}

#[test]
fn a_mail_that_is_sent_again_after_a_doubt_may_be_at_the_relay_already() {
    let mail = doubted(OutreachState::Ready, &[AttemptVerdict::InDoubt], DoubtEnd::Resent);
    assert_eq!(broken(terms(), &mail, relay(&["09:10:01"])), []);
}

#[test]
fn a_second_copy_needs_a_doubt_that_was_ended_by_sending_again() {
    let copies = ["09:10:01", "09:20:01"];
    let fault = Fault::Copies { taken: 2, allowed: 1 };
    assert_eq!(broken(terms(), &sent(), relay(&copies)), [("I4", fault)]);
    let open = doubted(OutreachState::InDoubt, &[AttemptVerdict::InDoubt], DoubtEnd::Open);
    assert_eq!(broken(terms(), &open, relay(&copies)), [("I4", fault)]);
    let verdicts = [AttemptVerdict::InDoubt, AttemptVerdict::Accepted];
    let resent = doubted(OutreachState::Sent, &verdicts, DoubtEnd::Resent);
    assert_eq!(broken(terms(), &resent, relay(&copies)), []);
}

/// Mails that a crash left in doubt, under rows of their own.
fn left_behind(count: i64) -> Vec<AuditedMail> {
    let of = |id| AuditedMail {
        id: OutreachId(id),
        attempt: 1,
        attempts: Vec::new(),
        ..mail(OutreachState::InDoubt, &[])
    };
    (1..=count).map(of).collect()
}

#[test]
fn a_crash_leaves_no_more_doubts_than_there_are_connections() {
    let found = |count| {
        let mut audit = Audit::new(terms(), RelayLedger::default());
        for mail in left_behind(count) {
            audit.see(&mail);
        }
        broken_in(&audit.finish(&Connections::default()))
    };
    assert_eq!(found(4), []);
    assert_eq!(found(5), [("I5", Fault::TooManyDoubts { found: 5, allowed: 4 })]);
}

#[test]
fn a_doubt_that_a_daemon_saw_is_not_put_down_to_a_crash() {
    let terms = AuditTerms { kills: Some(0), ..terms() };
    let seen = doubted(OutreachState::InDoubt, &[AttemptVerdict::InDoubt], DoubtEnd::Open);
    assert_eq!(broken(terms, &seen, relay(&[])), []);
    let mut unseen = seen;
    unseen.attempts[0].sending_at = None;
    let fault = Fault::TooManyDoubts { found: 1, allowed: 0 };
    assert_eq!(broken(terms, &unseen, relay(&[])), [("I5", fault)]);
}

#[test]
fn a_mail_whose_lease_or_welcome_is_long_over_is_stuck() {
    use OutreachState as S;
    let with = |state, lease_until, not_after| {
        broken(
            terms(),
            &AuditedMail { not_after, lease_until, ..mail(state, &[]) },
            RelayLedger::default(),
        )
    };
    let (early, late) = (at("09:00:00"), at("17:00:00"));
    for state in [S::Claimed, S::Sending] {
        assert_eq!(with(state, Some(early), late), [("I6", Fault::Stuck(state))]);
        assert_eq!(with(state, Some(at("11:55:00")), late), []);
    }
    assert_eq!(with(S::Ready, None, early), [("I6", Fault::Stuck(S::Ready))]);
    assert_eq!(with(S::Ready, None, late), []);
}

#[test]
fn a_mail_that_was_tried_is_not_planned_again_and_does_not_vanish() {
    let planned = mail(OutreachState::Planned, &[AttemptVerdict::NotSent]);
    assert_eq!(broken(terms(), &planned, relay(&[])), [("I6", Fault::WentBack)]);
    let mut audit = Audit::new(terms(), RelayLedger::default());
    audit.see_gone(FIRST);
    assert_eq!(broken_in(&audit.finish(&Connections::default())), [("I6", Fault::Gone)]);
}

#[test]
fn nothing_is_taken_for_who_had_unsubscribed_before_its_content_left() {
    let unsubscribed = |time: &str| AuditedMail { unsubscribed_at: Some(at(time)), ..sent() };
    let while_sending = unsubscribed("09:10:01");
    assert_eq!(broken(terms(), &while_sending, relay(&["09:10:02"])), []);
    let before = unsubscribed("09:10:00");
    let found = broken(terms(), &before, relay(&["09:10:02"]));
    assert_eq!(found, [("I7", Fault::AfterUnsubscribing)]);
    let mut unrecorded = before;
    unrecorded.attempts[0].sending_at = None;
    assert_eq!(broken(terms(), &unrecorded, relay(&["09:10:02"])), []);
    let found = broken(terms(), &unrecorded, relay(&["09:30:02"]));
    assert_eq!(found, [("I7", Fault::AfterUnsubscribing)]);
}

#[test]
fn attempts_are_numbered_without_a_gap_one_lease_each_one_after_the_other() {
    let verdicts = [AttemptVerdict::NotSent, AttemptVerdict::Rejected];
    let found = |change: fn(&mut AuditedMail)| {
        let mut mail = mail(OutreachState::Ready, &verdicts);
        change(&mut mail);
        broken(terms(), &mail, relay(&[]))
    };
    assert_eq!(found(|_| ()), []);
    assert_eq!(
        found(|mail| {
            mail.attempts[1].no = 3;
            mail.attempt = 3;
        }),
        [("I8", Fault::Gap(3))]
    );
    assert_eq!(found(|mail| mail.attempts[1].lease_token = 1), [("I8", Fault::Lease(2))]);
    let overlap = |mail: &mut AuditedMail| mail.attempts[1].began_at = Some(at("09:10:01"));
    assert_eq!(found(overlap), [("I8", Fault::Overlap(2))]);
    assert_eq!(found(|mail| mail.attempt = 1), [("I8", Fault::NeverClaimed(2))]);
    let accepted = |mail: &mut AuditedMail| mail.attempts[0].verdict = AttemptVerdict::Accepted;
    assert!(found(accepted).contains(&("I8", Fault::AfterAccepted(2))));
}

/// The most connections of these spans, in seconds after nine.
fn most(spans: &[(i64, i64)]) -> u64 {
    let mut connections = Connections::default();
    let mut events: Vec<_> = (0..)
        .zip(spans)
        .flat_map(|(number, (from, to))| [(*from, number, true), (*to, number, false)])
        .collect();
    events.sort_unstable();
    for (second, number, begins) in events {
        let at = at("09:00:00") + TimeDelta::seconds(second);
        if begins { connections.connected(number, at) } else { connections.closed(number, at) }
    }
    connections.most_at_once()
}

#[test]
fn connections_that_follow_one_another_are_one_at_a_time() {
    assert_eq!(most(&[(0, 10), (10, 20), (20, 30)]), 1);
    assert_eq!(most(&[(0, 10), (9, 20), (1, 2)]), 2);
    assert_eq!(most(&[]), 0);
}

#[test]
fn more_connections_than_are_allowed_are_found() {
    let mut connections = Connections::default();
    for number in 0..5 {
        connections.connected(number, at("09:00:00"));
    }
    let findings = |terms| Audit::new(terms, RelayLedger::default()).finish(&connections);
    let fault = Fault::Connections { seen: 5, allowed: 4 };
    assert_eq!(broken_in(&findings(terms())), [("I9", fault)]);
    assert!(findings(AuditTerms { daemons: 2, ..terms() }).hold());
}

#[test]
fn what_cannot_be_checked_says_why() {
    let none = AuditTerms { kills: None, ..terms() };
    let findings = Audit::new(none, RelayLedger::default()).finish(&Connections::default());
    let why: Vec<_> = findings
        .judged
        .iter()
        .filter_map(|judged| Some((judged.invariant.code(), judged.unchecked?)))
        .collect();
    let expected = [
        ("I5", Unchecked::NoKills),
        ("I9", Unchecked::NoConnections),
        ("I10", Unchecked::NoMessages),
    ];
    assert_eq!(why, expected);
}

const GOOD: &str = "From: \"Example\" <hello@example.com>\r\n\
                    To: \"Ada\" <ada@example.org>\r\n\
                    Subject: Good\r\n morning\r\n\
                    Date: Thu, 14 May 2026 09:00:00 +0000\r\n\
                    Message-ID: <1.0000000000000007@example.com>\r\n\
                    MIME-Version: 1.0\r\n\
                    List-Id: <birthday.example.com>\r\n\
                    List-Unsubscribe: <https://example.com/u/x>\r\n\
                    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
                    \r\n\
                    Good morning.\r\n";

fn faults(message: &str) -> Vec<MessageFault> {
    let message_id = "<1.0000000000000007@example.com>";
    let expected = ExpectedMessage { message_id, to: Some("ada@example.org") };
    message_faults(message.as_bytes(), &expected)
}

#[test]
fn a_sound_message_has_no_faults_and_each_fault_is_named() {
    use MessageFault as F;
    assert_eq!(faults(GOOD), []);
    let long = format!("{GOOD}{}\r\n", "x".repeat(999));
    let changed = |from: &str, to: &str| faults(&GOOD.replacen(from, to, 1));
    assert_eq!(faults(&long), [F::LongLine]);
    assert_eq!(faults(&format!("{GOOD}a\n.\r\n")), [F::BareLineEnd]);
    assert_eq!(faults(&format!("{GOOD}\0\r\n")), [F::Nul]);
    assert_eq!(changed("Date: ", "X-Date: "), [F::MissingHeader("Date")]);
    assert_eq!(
        changed("MIME-Version: 1.0", "Subject: x"),
        [F::RepeatedHeader("Subject"), F::MissingHeader("MIME-Version")]
    );
    assert_eq!(changed("<1.", "<2."), [F::OtherMessageId]);
    assert_eq!(changed("<ada@", "<bob@"), [F::OtherRecipient]);
}

#[test]
fn a_fault_of_a_message_breaks_the_tenth_invariant() {
    let mut audit = Audit::new(terms(), RelayLedger::default());
    audit.see_message(FIRST, 1, &[]);
    audit.see_message(FIRST, 2, &[MessageFault::LongLine]);
    let findings = audit.finish(&Connections::default());
    assert_eq!(broken_in(&findings), [("I10", Fault::Message(MessageFault::LongLine))]);
    assert_eq!(findings.judged[9].checked, 2);
}

#[test]
fn only_message_ids_of_our_form_and_domain_are_ours() {
    let ours = ["example.com".to_owned()];
    let read = |text| MessageId::of(text, &ours).map(|id| (id.mail.0, id.nonce));
    assert_eq!(read("<7.00000000000000ff@EXAMPLE.com>"), Some((7, 255)));
    assert_eq!(read("7.00000000000000ff@example.com"), Some((7, 255)));
    for other in [
        "<7.00000000000000ff@example.org>",
        "<7.ff@example.com>",
        "<+7.00000000000000ff@example.com>",
        "<test.1.birthday@example.com>",
        "<7.ffffffffffffffff@example.com>",
        "<>",
        "",
    ] {
        assert_eq!(read(other), None, "{other}");
    }
}
