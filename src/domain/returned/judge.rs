//! From a report to what follows from it.
use super::{Action, DeliveryReport, Recipient, diagnostic};
use crate::domain::{AddressEffect, EmailAddress, Feedback, Refusal, Reply};

/// What follows from a report for the mail that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// [`Feedback::Bounce`], [`Feedback::Delay`] or [`Feedback::Receipt`].
    pub feedback: Feedback,
    /// Why it has not arrived, or not yet.
    pub refusal: Option<Refusal>,
    /// What that means for the contact's address: nothing unless the mail came back.
    pub effect: AddressEffect,
    /// What the server said, or the status alone; one line, 1,000 characters at most. It may name an
    /// address.
    pub words: String,
}

impl Judged {
    const RECEIPT: Self = Self {
        feedback: Feedback::Receipt,
        refusal: None,
        effect: AddressEffect::Nothing,
        words: String::new(),
    };
}

impl DeliveryReport {
    /// What follows for the mail to `contact`. A failure is judged as a relay's own refusal is.
    ///
    /// Where a report names `contact`, the others in it do not matter. Where it does not, the address is
    /// forwarded: then the mail came back only if it reached nobody, and the mildest cause counts.
    #[must_use]
    pub fn judge(&self, contact: &EmailAddress) -> Judged {
        let about: Vec<_> = self.recipients.iter().filter(|found| found.is(contact)).collect();
        let about = if about.is_empty() { self.recipients.iter().collect() } else { about };
        let all_are = |actions: &[Action]| {
            about.iter().all(|found| found.action.is_some_and(|action| actions.contains(&action)))
        };
        let (feedback, action) = if all_are(&[Action::Failed]) {
            (Feedback::Bounce, Action::Failed)
        } else if all_are(&[Action::Failed, Action::Delayed]) {
            (Feedback::Delay, Action::Delayed)
        } else {
            return Judged::RECEIPT;
        };
        let causes = about.into_iter().filter(|found| found.action == Some(action));
        let mildest =
            causes.map(Recipient::cause).min_by_key(|(refusal, _)| weight(effect(*refusal)));
        let (refusal, words) = mildest.unzip();
        let effect = match refusal {
            Some(refusal) if feedback == Feedback::Bounce => effect(refusal),
            _ => AddressEffect::Nothing,
        };
        Judged { feedback, refusal, effect, words: words.unwrap_or_default() }
    }
}

impl Recipient {
    /// Why the mail was refused or put off, and the words for it.
    ///
    /// The status of a report and the reply in it come from two servers at times. Where they disagree,
    /// the one that spares the address is believed, so that no blame of policy or pace suppresses.
    fn cause(&self) -> (Refusal, String) {
        let diagnostic = self.diagnostic.as_deref();
        let (phase, reply) = diagnostic::reply(diagnostic, self.status);
        let said = Refusal::of(phase, &reply);
        let by_status = self.status.filter(|status| reply.enhanced != Some(*status));
        let by_status = by_status.map(|status| {
            let enhanced = Some(status);
            Refusal::of(phase, &Reply { enhanced, ..reply })
        });
        let milder = by_status.filter(|other| weight(effect(*other)) < weight(effect(said)));
        (milder.unwrap_or(said), diagnostic::words(diagnostic, self.status))
    }
}

const fn effect(refusal: Refusal) -> AddressEffect {
    refusal.follows(None).address
}

/// How much an effect costs the address.
const fn weight(effect: AddressEffect) -> u8 {
    match effect {
        AddressEffect::Nothing => 0,
        AddressEffect::Count(_) => 1,
        AddressEffect::Suppress(_) => 2,
    }
}
