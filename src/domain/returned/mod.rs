//! What a delivery report says (RFC 3464, in other scripts RFC 6533), and what follows from it.
//!
//! Only the part for machines is read. What a server writes for people differs with each of them, and
//! a word in it proves nothing. Anybody may have written a report, so everything in it is bounded, and
//! whose mail it speaks of is known by the signed return path alone (`docs/decisions/0023`).
mod address;
mod diagnostic;
mod fields;
mod judge;
#[cfg(test)]
mod tests;

pub use judge::Judged;

use super::{EmailAddress, EnhancedStatus};

/// A delivery report: what became of one mail, for each recipient that the report names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// One or more, [`MOST_RECIPIENTS`] at most.
    recipients: Vec<Recipient>,
}

/// What a report says of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Recipient {
    action: Option<Action>,
    /// The fields that were there of those that each recipient has once.
    once: Vec<&'static str>,
    /// The spellings of the original and the final recipient that are addresses.
    addresses: Vec<EmailAddress>,
    /// RFC 3463, of class 4 or 5.
    status: Option<EnhancedStatus>,
    /// The value of `Diagnostic-Code`, on one line.
    diagnostic: Option<String>,
}

/// What the server did, RFC 3464 section 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// It has given up.
    Failed,
    /// It keeps trying.
    Delayed,
    /// It has brought the mail to the mailbox.
    Delivered,
    /// It has handed the mail to a server that sends no reports.
    Relayed,
    /// It has sent the mail on to several addresses.
    Expanded,
}

/// What tells one recipient from the next; servers differ in which of them comes first.
const ONCE: [&str; 3] = ["action", "final-recipient", "original-recipient"];
/// A mail of ours has one recipient, and what it is forwarded to are a few.
const MOST_RECIPIENTS: usize = 100;

impl DeliveryReport {
    /// Reads the text of a `message/delivery-status` or `message/global-delivery-status`; `None` if it
    /// says of nobody what was done. Never fails otherwise: fields that make no sense are left out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::{DeliveryReport, Feedback, Suppression, AddressEffect};
    /// let report = DeliveryReport::parse(
    ///     "Reporting-MTA: dns; mx.example.net\n\n\
    ///      Final-Recipient: rfc822; ada@example.org\n\
    ///      Action: failed\n\
    ///      Status: 5.1.1\n\
    ///      Diagnostic-Code: smtp; 550 5.1.1 no such user\n",
    /// );
    /// let judged = report.unwrap().judge(&"ada@example.org".parse()?);
    /// assert_eq!(judged.feedback, Feedback::Bounce);
    /// assert_eq!(judged.effect, AddressEffect::Suppress(Suppression::NoSuchAddress));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut recipients = Vec::new();
        let mut open = Recipient::default();
        for field in fields::fields(text) {
            // A server that forgets the empty line between two recipients names the next one.
            if field.as_ref().is_none_or(|field| open.has(&field.name)) {
                close(&mut open, &mut recipients);
            }
            if let Some(field) = &field {
                open.take(&field.name, &field.value);
            }
        }
        close(&mut open, &mut recipients);
        (!recipients.is_empty()).then_some(Self { recipients })
    }
}

/// Keeps what was read of one recipient, if it says what was done.
fn close(open: &mut Recipient, recipients: &mut Vec<Recipient>) {
    let read = std::mem::take(open);
    if read.action.is_some() && recipients.len() < MOST_RECIPIENTS {
        recipients.push(read);
    }
}

impl Recipient {
    /// Whether a field that a recipient has once is here already.
    fn has(&self, name: &str) -> bool {
        self.once.contains(&name)
    }

    /// Takes a field, whose name is in lower case; the first of a name counts.
    fn take(&mut self, name: &str, value: &str) {
        self.once.extend(ONCE.iter().filter(|once| **once == name));
        match name {
            "action" if self.action.is_none() => self.action = Action::read(value),
            "status" if self.status.is_none() => self.status = status(value),
            "diagnostic-code" if self.diagnostic.is_none() => {
                self.diagnostic = Some(value.to_owned());
            }
            "original-recipient" | "final-recipient" => {
                self.addresses.extend(address::spellings(value));
            }
            _ => {}
        }
    }

    /// Whether it is `contact` that this speaks of.
    fn is(&self, contact: &EmailAddress) -> bool {
        self.addresses.iter().any(|address| address.match_key() == contact.match_key())
    }
}

impl Action {
    fn read(value: &str) -> Option<Self> {
        Some(match first_word(value).to_ascii_lowercase().as_str() {
            "failed" => Self::Failed,
            "delayed" => Self::Delayed,
            "delivered" => Self::Delivered,
            "relayed" => Self::Relayed,
            "expanded" => Self::Expanded,
            _ => return None,
        })
    }
}

/// A status that says that something is wrong; comments may follow it (RFC 3464 section 2.1.1).
fn status(value: &str) -> Option<EnhancedStatus> {
    let (status, _) = EnhancedStatus::split(first_word(value))?;
    matches!(status.class, 4 | 5).then_some(status)
}

fn first_word(value: &str) -> &str {
    value.split(|c: char| c.is_whitespace() || "(;,".contains(c)).next().unwrap_or_default()
}
