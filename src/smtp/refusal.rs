//! Messages that are refused on this side, before the relay hears of them.
//!
//! A refusal looks like the relay's own, since it means the same to whoever reads the outcome; its
//! text says who refused.
use super::{abilities::Abilities, parcel::Parcel};
use crate::domain::{EnhancedStatus, Outcome, Phase, Reply, line_fault};

/// Why no relay may be given `message`, if there is a reason.
pub(super) fn of_content(message: &[u8]) -> Option<Outcome> {
    let fault = line_fault(message)?;
    Some(refuse(Phase::Data, 554, (6, 0), &fault.to_string()))
}

/// Why a relay with these abilities may not be given `parcel`, if there is a reason.
pub(super) fn of_parcel(parcel: &Parcel<'_>, abilities: &Abilities) -> Option<Outcome> {
    let Parcel { envelope, message, .. } = parcel;
    if let Some(refusal) = of_content(message) {
        return Some(refusal);
    }
    // RFC 6531 section 3.5 has these codes; another relay may take the address, so that it is not
    // at fault.
    let utf8 = "this relay does not take addresses outside of ASCII (SMTPUTF8)";
    if !abilities.smtp_utf8 && envelope.sender.needs_smtp_utf8() {
        return Some(refuse(Phase::Mail, 553, (6, 7), utf8));
    }
    // RFC 6531 section 3.1 wants 8BITMIME of whoever offers SMTPUTF8.
    let carries_utf8 = abilities.smtp_utf8 && (abilities.eight_bit || message.is_ascii());
    if !carries_utf8 && envelope.recipient.needs_smtp_utf8() {
        return Some(refuse(Phase::Rcpt, 553, (6, 7), utf8));
    }
    if abilities.is_too_large(message.len()) {
        return Some(refuse(Phase::Mail, 552, (3, 4), "larger than the relay takes"));
    }
    if !abilities.eight_bit && !message.is_ascii() {
        return Some(refuse(Phase::Data, 554, (6, 3), "the relay takes seven-bit content only"));
    }
    None
}

fn refuse(phase: Phase, code: u16, (subject, detail): (u16, u16), why: &str) -> Outcome {
    let enhanced = Some(EnhancedStatus { class: 5, subject, detail });
    Outcome::Rejected {
        phase,
        reply: Reply { code, enhanced, text: format!("refused here: {why}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Envelope, Refusal},
        smtp::testing::to,
    };

    fn refusal(
        recipient: &str,
        message: &[u8],
        abilities: &Abilities,
    ) -> Option<(Phase, u16, String)> {
        let envelope = Envelope { recipient: recipient.parse().unwrap(), ..to("ada") };
        match of_parcel(&Parcel::new(&envelope, message), abilities)? {
            Outcome::Rejected { phase, reply } => {
                assert!(reply.text.starts_with("refused here: "), "{}", reply.text);
                Some((phase, reply.code, reply.enhanced.unwrap().to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_that_could_end_the_message_early_are_refused() {
        for message in ["a\n.\nb\r\n", "a\r.\r\nb\r\n", "a\r", "a\n", "\r\r\n", "a\r\n\nb"] {
            let expected = Some((Phase::Data, 554, "5.6.0".to_owned()));
            let refused = refusal("a@example.org", message.as_bytes(), &Abilities::default());
            assert_eq!(refused, expected, "{message:?}");
        }
    }

    #[test]
    fn an_international_domain_needs_nothing_of_the_relay() {
        assert_eq!(refusal("wang@例子.中国", b"x\r\n", &Abilities::default()), None);
    }

    #[test]
    fn an_international_local_part_needs_smtputf8() {
        let able = Abilities { smtp_utf8: true, ..Abilities::default() };
        assert_eq!(refusal("用户@example.org", b"x\r\n", &able), None);
        let expected = Some((Phase::Rcpt, 553, "5.6.7".to_owned()));
        assert_eq!(refusal("用户@example.org", b"x\r\n", &Abilities::default()), expected);
        let message = "To: <用户@example.org>\r\n".as_bytes();
        assert_eq!(refusal("用户@example.org", message, &able), expected, "8BITMIME is missing");
    }

    #[test]
    fn an_international_local_part_without_smtputf8_is_no_fault_of_the_address() {
        let envelope = Envelope { recipient: "用户@example.org".parse().unwrap(), ..to("ada") };
        let parcel = Parcel::new(&envelope, b"x\r\n");
        let Some(Outcome::Rejected { phase, reply }) = of_parcel(&parcel, &Abilities::default())
        else {
            panic!("not refused")
        };
        assert_eq!(Refusal::of(phase, &reply), Refusal::Uncarried);
    }

    #[test]
    fn a_message_above_the_offered_size_is_refused() {
        let small = Abilities { size: Some(3), ..Abilities::default() };
        assert_eq!(refusal("a@example.org", b"x\r\n", &small), None);
        let expected = Some((Phase::Mail, 552, "5.3.4".to_owned()));
        assert_eq!(refusal("a@example.org", b"xx\r\n", &small), expected);
    }

    #[test]
    fn eight_bit_content_needs_8bitmime() {
        let able = Abilities { eight_bit: true, ..Abilities::default() };
        assert_eq!(refusal("a@example.org", "节\r\n".as_bytes(), &able), None);
        let expected = Some((Phase::Data, 554, "5.6.3".to_owned()));
        assert_eq!(refusal("a@example.org", "节\r\n".as_bytes(), &Abilities::default()), expected);
    }
}
