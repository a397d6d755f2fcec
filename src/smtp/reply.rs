//! What a relay says, read from its bytes.
//!
//! lettre's own reader is not used: it gives up on codes such as 571, on bytes that are not UTF-8
//! and on lines over 1,000 octets, and each of these after the dot would leave a message in doubt
//! that was plainly refused or accepted.
use std::io;

use crate::domain::{EnhancedStatus, Reply, one_line};

/// Octets of one whole reply; a relay that says more is not making sense.
const MAX_REPLY: usize = 64 * 1024;
/// Octets of text that are kept.
const MAX_TEXT: usize = 4096;

/// One whole reply.
#[derive(Debug)]
pub(super) struct Heard {
    /// The reply as the rest of the program knows it.
    pub(super) reply: Reply,
    /// Its lines without their codes, since EHLO is answered line by line.
    pub(super) lines: Vec<String>,
}

/// Takes the first whole reply out of `received`, or nothing if its end has not arrived yet.
///
/// Lines end with CRLF and with nothing else (RFC 5321 section 2.3.8).
///
/// # Errors
///
/// If what was received can never become a reply.
pub(super) fn take(received: &mut Vec<u8>) -> io::Result<Option<Heard>> {
    let (mut code, mut lines, mut start) = (None, Vec::new(), 0);
    while let Some(length) = received[start..].windows(2).position(|pair| pair == b"\r\n") {
        let line = &received[start..start + length];
        start += length + 2;
        let Some((this, is_last, text)) = parts(line) else {
            return Err(nonsense("the relay said something that is no SMTP reply"));
        };
        if *code.get_or_insert(this) != this {
            return Err(nonsense("the relay changed the code in the middle of a reply"));
        }
        lines.push(String::from_utf8_lossy(text).into_owned());
        if is_last {
            received.drain(..start);
            return Ok(Some(Heard { reply: reply(this, &lines), lines }));
        }
    }
    if received.len() > MAX_REPLY {
        return Err(nonsense("the relay's reply is longer than 64 kB"));
    }
    Ok(None)
}

fn nonsense(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The code of a line, whether it is the last one, and its text.
fn parts(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if !(200..600).contains(&code) {
        return None;
    }
    match rest {
        [] => Some((code, true, rest)),
        [b' ', text @ ..] => Some((code, true, text)),
        [b'-', text @ ..] => Some((code, false, text)),
        _ => None,
    }
}

/// Joins `lines`, with the enhanced status that begins each of them said once.
fn reply(code: u16, lines: &[String]) -> Reply {
    let enhanced = lines.first().and_then(|line| status(code, line)).map(|(status, _)| status);
    let texts = lines.iter().map(|line| match status(code, line) {
        Some((status, rest)) if Some(status) == enhanced => rest,
        _ => line.as_str(),
    });
    let mut text = one_line(&texts.collect::<Vec<_>>().join(" "), MAX_TEXT);
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    Reply { code, enhanced, text }
}

/// The enhanced status in front of `line`, if its class agrees with the code (RFC 2034 section 4).
fn status(code: u16, line: &str) -> Option<(EnhancedStatus, &str)> {
    EnhancedStatus::split(line).filter(|(status, _)| u16::from(status.class) == code / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(bytes: &[u8]) -> Reply {
        let mut received = bytes.to_vec();
        let heard = take(&mut received).unwrap().unwrap();
        assert!(received.is_empty());
        heard.reply
    }

    fn status(class: u8, subject: u16, detail: u16) -> EnhancedStatus {
        EnhancedStatus { class, subject, detail }
    }

    #[test]
    fn a_reply_in_pieces_is_read_once_its_last_line_ends() {
        let whole = b"250-mail.example.org\r\n250-SIZE 9\r\n250 HELP\r\n";
        for cut in 0..whole.len() {
            assert!(take(&mut whole[..cut].to_vec()).unwrap().is_none(), "cut at {cut}");
        }
        let heard = take(&mut whole.to_vec()).unwrap().unwrap();
        assert_eq!(heard.lines, ["mail.example.org", "SIZE 9", "HELP"]);
    }

    #[test]
    fn the_enhanced_status_is_said_once_and_apart() {
        let reply = only(b"550-5.1.1 no such user\r\n550 5.1.1 here\r\n");
        let expected =
            Reply { code: 550, enhanced: Some(status(5, 1, 1)), text: "no such user here".into() };
        assert_eq!(reply, expected);
    }

    #[test]
    fn a_status_of_another_class_is_only_text() {
        let reply = only(b"250 5.1.1 odd\r\n");
        assert_eq!((reply.enhanced, reply.text.as_str()), (None, "5.1.1 odd"));
    }

    #[test]
    fn codes_that_lettre_gives_up_on_are_understood() {
        assert_eq!(only(b"571 5.7.1 refused\r\n").code, 571);
        assert_eq!(only(b"250\r\n").text, "");
        assert_eq!(only(b"554 \xb7\xb4\xc0\xac\xbb\xf8\r\n").code, 554);
    }

    #[test]
    fn text_is_stripped_of_controls_and_cut_at_four_kilobytes() {
        assert_eq!(only(b"250 a\x1b[31m\x00b\r\n").text, "a[31mb");
        let long = format!("550 {}\r\n", "中".repeat(5000));
        assert_eq!(only(long.as_bytes()).text.len(), 4095);
    }

    #[test]
    fn what_can_never_be_a_reply_is_an_error() {
        for bytes in
            ["hello\r\n", "199 x\r\n", "600 x\r\n", "25\r\n", "250-a\r\n251 b\r\n", "+50 x\r\n"]
        {
            assert!(take(&mut bytes.as_bytes().to_vec()).is_err(), "{bytes:?}");
        }
        assert!(take(&mut vec![b'2'; MAX_REPLY + 1]).is_err());
    }

    #[test]
    fn a_line_that_ends_in_lf_alone_has_not_ended() {
        assert!(take(&mut b"250 ok\n".to_vec()).unwrap().is_none());
    }

    #[test]
    fn only_the_first_of_two_replies_is_taken() {
        let mut received = b"250 one\r\n250 two\r\n".to_vec();
        assert_eq!(take(&mut received).unwrap().unwrap().reply.text, "one");
        assert_eq!(received, b"250 two\r\n");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = take(&mut bytes);
        }
    }
}
