//! The judge: sees every mail once and says of each invariant whether it holds.
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Acceptance, AttemptVerdict, AuditTerms, AuditedMail, Connections, DoubtEnd, Fault, Invariant,
    MessageFault, Offence, RelayLedger, Unchecked,
};
use crate::domain::{OutreachId, OutreachState};

/// Offences that are shown of each invariant.
pub const MOST_EXAMPLES: usize = 5;

/// Beyond a lease or a welcome that is over, how long somebody may take to notice: the configuration
/// wants a tick at least once an hour.
const LONGEST_TICK: TimeDelta = TimeDelta::hours(1);

/// By how much the relay's clock may differ from ours; logs that count in seconds cut one off.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(2);

/// What became of one invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Which one.
    pub invariant: Invariant,
    /// How many things were looked at.
    pub checked: u64,
    /// How many of them break it.
    pub breaches: u64,
    /// The first of those, [`MOST_EXAMPLES`] at most.
    pub examples: Vec<Offence>,
    /// Why it was not checked, if it was not.
    pub unchecked: Option<Unchecked>,
}

impl Judged {
    /// Whether something breaks it.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.breaches > 0
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Each invariant, in their order.
    pub judged: Vec<Judged>,
    /// Our mails by state.
    pub mails: BTreeMap<OutreachState, u64>,
    /// Doubts that are or were, of all attempts.
    pub doubts: u64,
    /// Of those, doubts that a daemon left that did not live to see an answer.
    pub left_by_crashes: u64,
    /// Messages of ours that the relay took.
    pub accepted: u64,
    /// Of those, copies beyond the first of a mail.
    pub duplicates: u64,
    /// Mails that are in doubt or were taken as sent or failed, and that the relay never took.
    pub missing: u64,
}

impl Findings {
    /// Whether no invariant is broken.
    #[must_use]
    pub fn hold(&self) -> bool {
        !self.judged.iter().any(Judged::is_broken)
    }
}

/// Holds every mail against the relay's ledger.
#[derive(Debug)]
pub struct Audit {
    terms: AuditTerms,
    relay: RelayLedger,
    findings: Findings,
}

impl Audit {
    /// An audit that has seen no mail yet.
    #[must_use]
    pub fn new(terms: AuditTerms, relay: RelayLedger) -> Self {
        let judged = |invariant| Judged {
            invariant,
            checked: 0,
            breaches: 0,
            examples: Vec::new(),
            unchecked: None,
        };
        let findings = Findings {
            judged: Invariant::ALL.map(judged).to_vec(),
            mails: BTreeMap::new(),
            doubts: 0,
            left_by_crashes: 0,
            accepted: relay.count(),
            duplicates: 0,
            missing: 0,
        };
        Self { terms, relay, findings }
    }

    /// Looks at one mail of ours; each is to be shown once.
    pub fn see(&mut self, mail: &AuditedMail) {
        *self.findings.mails.entry(mail.state).or_default() += 1;
        let (own, foreign): (Vec<_>, Vec<_>) =
            self.relay.take(mail.id).into_iter().partition(|copy| copy.nonce == mail.nonce);
        for copy in &foreign {
            self.check(Invariant::TakenIsKnown, 1);
            self.break_at(Invariant::TakenIsKnown, mail.id, copy.line, Fault::OtherNonce);
        }
        self.see_sent(mail, &own);
        self.see_taken(mail, &own);
        self.see_doubts(mail, &own);
        self.see_place(mail);
        self.see_unsubscribed(mail, &own);
        self.see_attempts(mail);
    }

    /// Something was recorded of a mail that is gone.
    pub fn see_gone(&mut self, mail: OutreachId) {
        self.break_for(Invariant::NothingVanishes, mail, Fault::Gone);
    }

    /// Takes in what was found out about the message of one line of the relay's ledger.
    pub fn see_message(&mut self, mail: OutreachId, line: u64, faults: &[MessageFault]) {
        self.check(Invariant::SoundMessages, 1);
        if let Some(first) = faults.first() {
            let fault = Fault::Message(*first);
            self.break_at(Invariant::SoundMessages, mail, line, fault);
        }
    }

    /// Says what was found, once every mail and message has been seen.
    #[must_use]
    pub fn finish(mut self, connections: &Connections) -> Findings {
        for (mail, copy) in std::mem::take(&mut self.relay).rest() {
            self.check(Invariant::TakenIsKnown, 1);
            self.break_at(Invariant::TakenIsKnown, mail, copy.line, Fault::UnknownMail);
        }
        self.count_doubts();
        self.count_connections(connections);
        if self.of(Invariant::SoundMessages).checked == 0 {
            self.of(Invariant::SoundMessages).unchecked = Some(Unchecked::NoMessages);
        }
        self.findings
    }

    /// I1.
    fn see_sent(&mut self, mail: &AuditedMail, own: &[Acceptance]) {
        let answered = mail.attempts.iter().filter(|a| a.verdict == AttemptVerdict::Accepted);
        let answered_at = answered.map(|attempt| attempt.ended_at).max();
        // A mail that is taken as sent was in doubt before, and nobody was told 250.
        let assumed = mail.doubts.iter().any(|doubt| doubt.end == DoubtEnd::Settled);
        let is_sent = answered_at.is_some() || (mail.state == OutreachState::Sent && !assumed);
        let in_scope = answered_at.is_none_or(|at| self.covers(at));
        if is_sent && in_scope {
            self.check(Invariant::SentWasTaken, 1);
            if own.is_empty() {
                self.break_for(Invariant::SentWasTaken, mail.id, Fault::NotTaken);
            }
        }
    }

    /// Whether the relay's ledger would tell of `at`.
    fn covers(&self, at: DateTime<Utc>) -> bool {
        at <= self.terms.now && self.terms.since.is_none_or(|since| at >= since)
    }

    /// I2, I3 and I4.
    fn see_taken(&mut self, mail: &AuditedMail, own: &[Acceptance]) {
        let may_have_left = mail.may_have_left();
        self.check(Invariant::TakenIsKnown, own.len() as u64);
        if !may_have_left {
            self.check(Invariant::NoHiddenSend, 1);
            for copy in own {
                let fault = Fault::TakenIn(mail.state);
                self.break_at(Invariant::TakenIsKnown, mail.id, copy.line, fault);
            }
            if let Some(copy) = own.first() {
                let fault = Fault::TakenIn(mail.state);
                self.break_at(Invariant::NoHiddenSend, mail.id, copy.line, fault);
            }
        }
        let resent = mail.doubts.iter().filter(|doubt| doubt.end == DoubtEnd::Resent).count();
        let (taken, allowed) = (own.len() as u64, 1 + resent as u64);
        self.check(Invariant::NoCopyWithoutDoubt, u64::from(taken > 0));
        self.findings.duplicates += taken.saturating_sub(1);
        if taken > allowed {
            let fault = Fault::Copies { taken, allowed };
            self.break_for(Invariant::NoCopyWithoutDoubt, mail.id, fault);
        }
    }

    /// What [`Self::count_doubts`] adds up.
    fn see_doubts(&mut self, mail: &AuditedMail, own: &[Acceptance]) {
        let doubted = mail.doubted_attempts();
        self.findings.doubts += doubted.len() as u64;
        let left = doubted.iter().filter(|no| mail.was_left_by_a_crash(**no)).count();
        // What is still being sent under a lease that is over will be in doubt when somebody looks.
        let orphaned = mail.state == OutreachState::Sending
            && mail.lease_until.is_some_and(|until| until <= self.terms.now);
        self.findings.left_by_crashes += left as u64 + u64::from(orphaned);
        let may_be_lost = !doubted.is_empty() && mail.state.is_settled();
        self.findings.missing += u64::from(may_be_lost && own.is_empty());
    }

    /// I5.
    fn count_doubts(&mut self) {
        let AuditTerms { connections, window, kills, .. } = self.terms;
        let found = self.findings.left_by_crashes;
        let (Some(connections), Some(kills)) = (connections, kills) else {
            let why = if connections.is_none() { Unchecked::NoRelay } else { Unchecked::NoKills };
            self.of(Invariant::DoubtsPerKill).unchecked = Some(why);
            return;
        };
        let allowed = u64::from(kills) * u64::from(connections) * u64::from(window);
        self.check(Invariant::DoubtsPerKill, found);
        if found > allowed {
            let fault = Fault::TooManyDoubts { found, allowed };
            self.blame(Invariant::DoubtsPerKill, Offence { mail: None, line: None, fault });
        }
    }

    /// I6.
    fn see_place(&mut self, mail: &AuditedMail) {
        self.check(Invariant::NothingVanishes, 1);
        let patience = self.terms.now - LONGEST_TICK;
        let is_stuck = match mail.state {
            OutreachState::Claimed | OutreachState::Sending => {
                mail.lease_until.is_none_or(|until| until + self.terms.lease < patience)
            }
            OutreachState::Ready => mail.not_after < patience,
            _ => false,
        };
        if is_stuck {
            self.break_for(Invariant::NothingVanishes, mail.id, Fault::Stuck(mail.state));
        }
        if mail.state == OutreachState::Planned && !mail.attempts.is_empty() {
            self.break_for(Invariant::NothingVanishes, mail.id, Fault::WentBack);
        }
    }

    /// I7.
    fn see_unsubscribed(&mut self, mail: &AuditedMail, own: &[Acceptance]) {
        let Some(since) = mail.unsubscribed_at else { return };
        self.check(Invariant::NothingAfterUnsubscribing, 1);
        let late = own.iter().find(|copy| {
            let began = mail.attempts.iter().filter_map(|attempt| attempt.sending_at);
            match began.filter(|began| *began <= copy.at + CLOCKS_APART).max() {
                Some(began) => began > since,
                // Nobody recorded when its content began to leave; that was within one lease.
                None => copy.at > since + self.terms.lease + CLOCKS_APART,
            }
        });
        if let Some(copy) = late {
            let (invariant, fault) =
                (Invariant::NothingAfterUnsubscribing, Fault::AfterUnsubscribing);
            self.break_at(invariant, mail.id, copy.line, fault);
        }
    }

    /// I8.
    fn see_attempts(&mut self, mail: &AuditedMail) {
        self.check(Invariant::AttemptsInOrder, mail.attempts.len() as u64);
        let mut faults = Vec::new();
        for (place, attempt) in mail.attempts.iter().enumerate() {
            let before = place.checked_sub(1).map(|place| &mail.attempts[place]);
            let expected = before.map_or(1, |before| before.no + 1);
            let no = attempt.no;
            if attempt.began_at.is_some() && no != expected {
                faults.push(Fault::Gap(no));
            }
            if no > mail.attempt {
                faults.push(Fault::NeverClaimed(no));
            }
            let Some(before) = before else { continue };
            if attempt.lease_token <= before.lease_token {
                faults.push(Fault::Lease(no));
            }
            if attempt.began_at.is_some_and(|began| began < before.ended_at) {
                faults.push(Fault::Overlap(no));
            }
            if before.verdict == AttemptVerdict::Accepted {
                faults.push(Fault::AfterAccepted(no));
            }
        }
        for fault in faults {
            self.break_for(Invariant::AttemptsInOrder, mail.id, fault);
        }
    }

    /// I9.
    fn count_connections(&mut self, connections: &Connections) {
        let AuditTerms { connections: most, daemons, .. } = self.terms;
        let judged = self.of(Invariant::WithinLimits);
        judged.checked = connections.count();
        let Some(most) = most.filter(|_| judged.checked > 0) else {
            let none = judged.checked == 0;
            judged.unchecked =
                Some(if none { Unchecked::NoConnections } else { Unchecked::NoRelay });
            return;
        };
        let (seen, allowed) = (connections.most_at_once(), u64::from(most) * u64::from(daemons));
        if seen > allowed {
            let fault = Fault::Connections { seen, allowed };
            self.blame(Invariant::WithinLimits, Offence { mail: None, line: None, fault });
        }
    }

    fn of(&mut self, invariant: Invariant) -> &mut Judged {
        &mut self.findings.judged[invariant as usize]
    }

    fn check(&mut self, invariant: Invariant, things: u64) {
        self.of(invariant).checked += things;
    }

    fn break_for(&mut self, invariant: Invariant, mail: OutreachId, fault: Fault) {
        self.blame(invariant, Offence { mail: Some(mail), line: None, fault });
    }

    fn break_at(&mut self, invariant: Invariant, mail: OutreachId, line: u64, fault: Fault) {
        self.blame(invariant, Offence { mail: Some(mail), line: Some(line), fault });
    }

    fn blame(&mut self, invariant: Invariant, offence: Offence) {
        let judged = self.of(invariant);
        judged.breaches += 1;
        if judged.examples.len() < MOST_EXAMPLES {
            judged.examples.push(offence);
        }
    }
}

impl AuditedMail {
    /// Whether our ledger says that something of it may have left.
    fn may_have_left(&self) -> bool {
        matches!(self.state, OutreachState::Sending | OutreachState::Sent | OutreachState::InDoubt)
            || !self.doubts.is_empty()
    }

    /// The attempts that are or were in doubt. A mail that is in doubt is so about its last attempt,
    /// whether or not that was written down.
    fn doubted_attempts(&self) -> Vec<u32> {
        let mut attempts: Vec<_> = self.doubts.iter().map(|doubt| doubt.attempt).collect();
        if self.state == OutreachState::InDoubt && !attempts.contains(&self.attempt) {
            attempts.push(self.attempt);
        }
        attempts
    }

    /// Whether nobody lived to see how attempt `no` ended: it was not recorded, or by somebody who
    /// did not know when its content had begun to leave.
    fn was_left_by_a_crash(&self, no: u32) -> bool {
        let attempt = self.attempts.iter().find(|attempt| attempt.no == no);
        attempt.is_none_or(|attempt| attempt.began_at.is_some() && attempt.sending_at.is_none())
    }
}
