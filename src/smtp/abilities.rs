//! What a relay offers in its answer to EHLO.
use lettre::transport::smtp::authentication::Mechanism;

use super::reply::Heard;

/// The extensions of one relay that this program has a use for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a keyword of its own")]
pub(super) struct Abilities {
    /// PIPELINING, RFC 2920.
    pub(super) pipelining: bool,
    /// STARTTLS, RFC 3207.
    pub(super) starttls: bool,
    /// SMTPUTF8, RFC 6531.
    pub(super) smtp_utf8: bool,
    /// 8BITMIME, RFC 6152.
    pub(super) eight_bit: bool,
    /// SIZE, RFC 1870: the largest message in octets; 0 if it is offered without a limit.
    pub(super) size: Option<usize>,
    /// The best mechanism of AUTH that both sides know, RFC 4954.
    pub(super) auth: Option<Mechanism>,
}

impl Abilities {
    /// Reads the answer to EHLO, whose first line is a greeting.
    pub(super) fn read(heard: &Heard) -> Self {
        let mut abilities = Self::default();
        for line in heard.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("PIPELINING") => abilities.pipelining = true,
                Some("STARTTLS") => abilities.starttls = true,
                Some("SMTPUTF8") => abilities.smtp_utf8 = true,
                Some("8BITMIME") => abilities.eight_bit = true,
                Some("SIZE") => {
                    abilities.size = Some(words.next().and_then(|w| w.parse().ok()).unwrap_or(0));
                }
                Some("AUTH") => abilities.auth = best(&words.collect::<Vec<_>>()),
                _ => {}
            }
        }
        abilities
    }

    /// Whether a message of this many octets is larger than the relay takes.
    pub(super) fn is_too_large(&self, octets: usize) -> bool {
        self.size.is_some_and(|limit| limit > 0 && octets > limit)
    }
}

/// PLAIN takes one round trip and LOGIN three.
fn best(offered: &[&str]) -> Option<Mechanism> {
    [("PLAIN", Mechanism::Plain), ("LOGIN", Mechanism::Login)]
        .into_iter()
        .find(|(name, _)| offered.contains(name))
        .map(|(_, mechanism)| mechanism)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::reply;

    fn read(lines: &str) -> Abilities {
        Abilities::read(&reply::take(&mut lines.as_bytes().to_vec()).unwrap().unwrap())
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let abilities = read(
            "250-x\r\n250-size 10\r\n250-Pipelining\r\n250-StartTLS\r\n250 Auth login PLAIN\r\n",
        );
        let expected = Abilities {
            pipelining: true,
            starttls: true,
            size: Some(10),
            auth: Some(Mechanism::Plain),
            ..Abilities::default()
        };
        assert_eq!(abilities, expected);
    }

    #[test]
    fn the_greeting_is_no_ability() {
        assert_eq!(read("250 STARTTLS\r\n"), Abilities::default());
    }

    #[test]
    fn a_size_without_a_number_is_no_limit() {
        assert!(!read("250-x\r\n250 SIZE\r\n").is_too_large(usize::MAX));
        assert!(!read("250-x\r\n250 SIZE 0\r\n").is_too_large(usize::MAX));
        assert!(!read("250-x\r\n250 SIZE 10\r\n").is_too_large(10));
        assert!(read("250-x\r\n250 SIZE 10\r\n").is_too_large(11));
    }
}
