//! What is handed to a connection, in the octets that a relay is told.
use lettre::{
    Address,
    transport::smtp::{
        commands::{Data, Mail, Rcpt},
        extension::{MailBodyParameter, MailParameter},
    },
};

use super::{abilities::Abilities, wire::Saying};
use crate::domain::{EmailAddress, Envelope};

/// What ends content (RFC 5321 section 4.1.1.4), after the CRLF of its last line.
pub(super) const DOT: &[u8] = b".\r\n";

/// One message for one recipient.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// Who it is from and for.
    pub envelope: &'a Envelope,
    /// The message, with lines that end in CRLF; a last line without it is given one.
    pub message: &'a [u8],
    /// What it counts towards.
    pub lane: Lane,
}

/// Messages that share a limit on one connection, such as all that go to one mailbox provider.
/// The default is a lane without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lane {
    /// Which lane it is.
    pub key: u32,
    /// The most messages of this lane that one connection carries.
    pub messages_per_connection: Option<u32>,
}

impl<'a> Parcel<'a> {
    /// A message in the lane without a limit.
    #[must_use]
    pub fn new(envelope: &'a Envelope, message: &'a [u8]) -> Self {
        Self { envelope, message, lane: Lane::default() }
    }

    /// What asks for leave to send the message.
    pub(super) fn introduction(&self, abilities: &Abilities) -> Introduction {
        let Envelope { sender, recipient } = self.envelope;
        Introduction {
            envelope: self.envelope.clone(),
            octets: self.message.len(),
            tells_size: abilities.size.is_some(),
            is_eight_bit: !self.message.is_ascii(),
            needs_smtp_utf8: sender.needs_smtp_utf8() || recipient.needs_smtp_utf8(),
        }
    }

    /// The message as it is sent, with its dot: a dot that begins a line is doubled (RFC 5321 section
    /// 4.5.2). Every line ends in CRLF, since [`super::refusal::of_content`] lets no other through.
    pub(super) fn content(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.message.len() + 1024);
        let mut rest = self.message;
        if rest.starts_with(b".") {
            octets.push(b'.');
        }
        while let Some(end) = memchr::memmem::find(rest, b"\n.") {
            octets.extend_from_slice(&rest[..=end + 1]);
            octets.push(b'.');
            rest = &rest[end + 2..];
        }
        octets.extend_from_slice(rest);
        if !octets.ends_with(b"\r\n") {
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(DOT);
        octets
    }
}

/// MAIL, RCPT and DATA for one message. Two are equal if a relay cannot tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Introduction {
    envelope: Envelope,
    /// Octets of the message, told or not.
    octets: usize,
    tells_size: bool,
    is_eight_bit: bool,
    needs_smtp_utf8: bool,
}

impl Introduction {
    /// The three commands, each answered before the next.
    pub(super) fn commands(&self) -> [Saying; 3] {
        self.lines().map(Saying::new)
    }

    /// The same in one go.
    pub(super) fn group(&self) -> Saying {
        let [mail, rcpt, data] = self.commands();
        mail.before(&rcpt).before(&data)
    }

    fn lines(&self) -> [String; 3] {
        let Envelope { sender, recipient } = &self.envelope;
        let mut parameters = Vec::new();
        if self.tells_size {
            parameters.push(MailParameter::Size(self.octets));
        }
        if self.is_eight_bit {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if self.needs_smtp_utf8 {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(path(sender)), parameters).to_string();
        let rcpt = Rcpt::new(path(recipient), Vec::new()).to_string();
        [mail, rcpt, Data.to_string()]
    }
}

fn path(address: &EmailAddress) -> Address {
    Address::new(address.local(), address.domain_in_envelope())
        .or_else(|_| Address::new(address.local(), address.domain()))
        .expect("an `EmailAddress` passed this very check when it was made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::testing::to;

    fn told(recipient: &str) -> [String; 3] {
        let envelope = Envelope { recipient: recipient.parse().unwrap(), ..to("ada") };
        Parcel::new(&envelope, b"x\r\n").introduction(&Abilities::default()).lines()
    }

    #[test]
    fn a_dot_is_doubled_wherever_it_begins_a_line() {
        for (message, sent) in [
            ("", "\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            ("a.\r\n.\r\n..b", "a.\r\n..\r\n...b\r\n.\r\n"),
            ("\r\n.a\r\n\r\n", "\r\n..a\r\n\r\n.\r\n"),
        ] {
            let content = Parcel::new(&to("ada"), message.as_bytes()).content();
            assert_eq!(String::from_utf8(content).unwrap(), sent, "{message:?}");
        }
    }

    #[test]
    fn an_international_domain_is_told_in_ascii() {
        let told = told("user@例子.com");
        assert_eq!(told[0], "MAIL FROM:<bounce@example.com>\r\n");
        assert_eq!(told[1], "RCPT TO:<user@xn--fsqu00a.com>\r\n");
    }

    #[test]
    fn an_international_local_part_is_told_with_the_domain_as_it_is_read() {
        let told = told("用户@xn--fsqu00a.com");
        assert_eq!(told[0], "MAIL FROM:<bounce@example.com> SMTPUTF8\r\n");
        assert_eq!(told[1], "RCPT TO:<用户@例子.com>\r\n");
    }

    proptest::proptest! {
        #[test]
        fn what_was_sent_can_be_read_back(lines in proptest::collection::vec("[.a]{0,4}", 0..9)) {
            let message = lines.iter().flat_map(|line| [line, "\r\n"]).collect::<String>();
            let content = Parcel::new(&to("ada"), message.as_bytes()).content();
            let content = String::from_utf8(content).unwrap();
            let sent = content.strip_suffix(".\r\n").unwrap();
            let read = sent.split_inclusive('\n').map(|line| line.strip_prefix('.').unwrap_or(line));
            let expected = if message.is_empty() { "\r\n" } else { &message };
            proptest::prop_assert_eq!(read.collect::<String>(), expected);
        }
    }
}
