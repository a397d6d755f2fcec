//! One SMTP conversation (RFC 5321) as a machine without sockets: bytes in, replies and mails out.
use std::borrow::Cow;

use smtp_proto::{
    Error, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo, Request,
    request::receiver::{DataReceiver, DummyDataReceiver, MAX_LINE_LENGTH},
};

use super::reply;

/// The biggest message taken, in bytes; announced by SIZE (RFC 1870).
pub(in crate::sandbox) const MAX_MESSAGE: usize = 25 << 20;
/// Recipients of one message; RFC 5321 section 4.5.3.1.8 asks for at least 100.
const MAX_RECIPIENTS: usize = 1_000;
/// Refused commands after which the conversation is over.
const MAX_ERRORS: u32 = 100;
/// `MAIL` flags that belong to what EHLO offered.
const OFFERED: u64 = MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8;

/// A message whose acceptance is about to be confirmed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Delivery {
    pub(in crate::sandbox) from: String,
    pub(in crate::sandbox) to: Vec<String>,
    pub(in crate::sandbox) raw: Vec<u8>,
}

/// Whether the conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Open,
    Close,
}

enum Mode {
    Commands,
    /// The rest of a line that was too long to keep.
    Overlong,
    Content(DataReceiver, Vec<u8>),
    /// The rest of a message that was too big to keep.
    Oversized(DummyDataReceiver),
}

struct Envelope {
    from: String,
    to: Vec<String>,
    utf8: bool,
}

/// The state of one conversation.
pub(super) struct Session {
    mode: Mode,
    line: Vec<u8>,
    greeted: bool,
    envelope: Option<Envelope>,
    errors: u32,
}

impl Session {
    pub(super) const fn new() -> Self {
        Self { mode: Mode::Commands, line: Vec::new(), greeted: false, envelope: None, errors: 0 }
    }

    /// Takes the next bytes, however they were cut, and adds the replies to `replies`.
    ///
    /// A mail is handed to `keep` before its 250 is written.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        replies: &mut Vec<u8>,
        keep: &mut impl FnMut(Delivery),
    ) -> Flow {
        while !bytes.is_empty() {
            match self.mode {
                Mode::Commands | Mode::Overlong => {
                    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                        self.put_aside(bytes);
                        return Flow::Open;
                    };
                    let (line, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    if self.take_line(line, replies) == Flow::Close {
                        return Flow::Close;
                    }
                }
                Mode::Content(..) | Mode::Oversized(_) => {
                    bytes = self.take_content(bytes, replies, keep);
                }
            }
        }
        Flow::Open
    }

    fn put_aside(&mut self, bytes: &[u8]) {
        if matches!(self.mode, Mode::Overlong) || self.line.len() + bytes.len() > MAX_LINE_LENGTH {
            self.line.clear();
            self.mode = Mode::Overlong;
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn take_line(&mut self, end: &[u8], replies: &mut Vec<u8>) -> Flow {
        let aside = std::mem::take(&mut self.line);
        let line =
            if aside.is_empty() { Cow::Borrowed(end) } else { Cow::Owned([&aside, end].concat()) };
        let overlong = matches!(self.mode, Mode::Overlong) || line.len() > MAX_LINE_LENGTH;
        self.mode = Mode::Commands;
        let mut answer =
            if overlong { Cow::Borrowed(reply::LINE_TOO_LONG) } else { self.answer(&line) };
        if answer.starts_with('5') {
            self.errors += 1;
        }
        if self.errors > MAX_ERRORS {
            answer = Cow::Borrowed(reply::TOO_MANY_ERRORS);
        }
        replies.extend_from_slice(answer.as_bytes());
        let last = answer.starts_with("221") || answer.starts_with("421");
        if last { Flow::Close } else { Flow::Open }
    }

    fn answer(&mut self, line: &[u8]) -> Cow<'static, str> {
        let request = match Request::parse(&mut line.iter()) {
            Ok(request) => request,
            Err(error) => return Cow::Borrowed(complaint(&error, line)),
        };
        Cow::Borrowed(match request {
            Request::Ehlo { .. } => {
                self.greet();
                return Cow::Owned(format!(
                    "250-localhost\r\n250-PIPELINING\r\n250-SIZE {MAX_MESSAGE}\r\n250-8BITMIME\r\n\
                     250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
                ));
            }
            Request::Helo { .. } => {
                self.greet();
                reply::HELO
            }
            Request::Mail { from } => self.mail(from),
            Request::Rcpt { to } => self.rcpt(&to, line),
            Request::Data => self.data(),
            Request::Rset => {
                self.envelope = None;
                reply::OK
            }
            Request::Noop { .. } => reply::OK,
            Request::Vrfy { .. } => reply::CANNOT_VERIFY,
            Request::Help { .. } => reply::HELP,
            Request::Quit => reply::BYE,
            _ => reply::NOT_OFFERED,
        })
    }

    fn greet(&mut self) {
        self.greeted = true;
        self.envelope = None;
    }

    fn mail(&mut self, from: MailFrom<Cow<'_, str>>) -> &'static str {
        let utf8 = from.flags & MAIL_SMTPUTF8 != 0;
        let plain = MailFrom { address: "".into(), flags: 0, size: 0, ..from.clone() };
        if !self.greeted {
            reply::SAY_HELLO
        } else if self.envelope.is_some() {
            reply::MAIL_TWICE
        } else if from.flags & !OFFERED != 0 || plain != MailFrom::default() {
            reply::PARAMETER_NOT_OFFERED
        } else if from.size > MAX_MESSAGE {
            reply::TOO_BIG
        } else if !utf8 && !from.address.is_ascii() {
            reply::NEEDS_SMTPUTF8
        } else {
            let from = from.address.into_owned();
            self.envelope = Some(Envelope { from, to: Vec::new(), utf8 });
            reply::SENDER_OK
        }
    }

    fn rcpt(&mut self, to: &RcptTo<Cow<'_, str>>, line: &[u8]) -> &'static str {
        let Some(envelope) = &mut self.envelope else { return reply::NO_MAIL };
        let address = match to.address.as_ref() {
            // The parser drops the one name that needs no domain (RFC 5321 section 4.5.1).
            "" if line.to_ascii_lowercase().windows(12).any(|part| part == b"<postmaster>") => {
                "postmaster"
            }
            "" => return reply::BAD_RECIPIENT,
            address => address,
        };
        if to.orcpt.is_some() || to.flags != 0 || to.rrvs != 0 {
            reply::PARAMETER_NOT_OFFERED
        } else if !envelope.utf8 && !address.is_ascii() {
            reply::NEEDS_SMTPUTF8
        } else if envelope.to.len() == MAX_RECIPIENTS {
            reply::TOO_MANY_RECIPIENTS
        } else {
            envelope.to.push(address.to_owned());
            reply::RECIPIENT_OK
        }
    }

    fn data(&mut self) -> &'static str {
        match &self.envelope {
            None => reply::NO_MAIL,
            Some(envelope) if envelope.to.is_empty() => reply::NO_RECIPIENTS,
            Some(_) => {
                // The line break after DATA counts: a dot may be the first byte of all.
                let mut receiver = DataReceiver::new();
                receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
                self.mode = Mode::Content(receiver, Vec::new());
                reply::START
            }
        }
    }

    /// Takes bytes of a message's content; gives back those after its end.
    fn take_content<'a>(
        &mut self,
        bytes: &'a [u8],
        replies: &mut Vec<u8>,
        keep: &mut impl FnMut(Delivery),
    ) -> &'a [u8] {
        let mut rest = bytes.iter();
        let mut raw = None;
        let ended = match &mut self.mode {
            Mode::Content(receiver, content) => {
                let ended = receiver.ingest(&mut rest, content);
                if content.len() <= MAX_MESSAGE {
                    raw = ended.then(|| std::mem::take(content));
                } else if !ended {
                    self.mode = Mode::Oversized(DummyDataReceiver::new_data(receiver));
                }
                ended
            }
            Mode::Oversized(receiver) => receiver.ingest(&mut rest),
            Mode::Commands | Mode::Overlong => false,
        };
        if ended {
            self.mode = Mode::Commands;
            let answer = match (raw, self.envelope.take()) {
                (Some(mut raw), Some(Envelope { from, to, .. })) => {
                    raw.shrink_to_fit();
                    keep(Delivery { from, to, raw });
                    reply::KEPT
                }
                _ => reply::TOO_BIG,
            };
            replies.extend_from_slice(answer.as_bytes());
        }
        rest.as_slice()
    }
}

fn complaint(error: &Error, line: &[u8]) -> &'static str {
    // A web page could make a browser post SMTP commands to this port; nobody else says this.
    let is_http = line.windows(6).any(|part| part == b" HTTP/");
    match error {
        Error::UnknownCommand if is_http => reply::NOT_HTTP,
        Error::UnknownCommand => reply::UNKNOWN,
        Error::InvalidSenderAddress => reply::BAD_SENDER,
        Error::InvalidRecipientAddress => reply::BAD_RECIPIENT,
        Error::UnsupportedParameter { .. } => reply::PARAMETER_NOT_OFFERED,
        _ => reply::SYNTAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n\
                           RCPT TO:<c@example.org>\r\nDATA\r\n";

    /// Feeds `input` in pieces of `size` bytes; gives back the codes of the replies and the mails.
    fn talk_in_pieces(input: &str, size: usize) -> (Vec<String>, Vec<Delivery>) {
        let (mut session, mut replies, mut kept) = (Session::new(), Vec::new(), Vec::new());
        for piece in input.as_bytes().chunks(size) {
            let flow = session.feed(piece, &mut replies, &mut |delivery| kept.push(delivery));
            if flow == Flow::Close {
                break;
            }
        }
        let replies = String::from_utf8(replies).unwrap();
        let last_lines = replies.lines().filter(|line| line.as_bytes()[3] == b' ');
        (last_lines.map(|line| line[..3].to_owned()).collect(), kept)
    }

    fn codes(input: &str) -> String {
        talk_in_pieces(input, usize::MAX).0.join(" ")
    }

    #[test]
    fn however_the_bytes_are_cut_the_mails_are_the_same() {
        let twice = format!(
            "{MESSAGE}..one\r\n.two\r\n\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<d@example.org>\r\nDATA\r\n\
             .\r\nQUIT\r\nNOOP\r\n"
        );
        let whole = talk_in_pieces(&twice, usize::MAX);
        let (codes, kept) = &whole;
        assert_eq!(codes.join(" "), "250 250 250 250 354 250 250 250 354 250 221");
        assert_eq!(kept[0].raw, b".one\r\ntwo\r\n\r\n");
        assert_eq!(kept[0].to, ["b@example.org", "c@example.org"]);
        assert_eq!((kept[1].from.as_str(), kept[1].raw.as_slice()), ("", b"".as_slice()));
        for size in 1..twice.len() {
            assert_eq!(talk_in_pieces(&twice, size), whole, "in pieces of {size}");
        }
    }

    #[test]
    fn commands_out_of_order_are_refused() {
        assert_eq!(codes("MAIL FROM:<a@example.org>\r\n"), "503");
        assert_eq!(codes("EHLO me\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"), "250 503 503");
        let nested = "HELO me\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\nRSET\r\nMAIL FROM:<>\r\n";
        assert_eq!(codes(nested), "250 250 503 503 250 250");
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        let input = "FOO\r\n\r\nSTARTTLS\r\nAUTH PLAIN AGEAYg==\r\nBDAT 3 LAST\r\nVRFY a\r\nHELP\r\nNOOP\r\n";
        assert_eq!(codes(input), "500 500 502 502 502 252 214 250");
        for parameter in ["RET=HDRS", "ENVID=x", "BODY=BINARYMIME", "AUTH=<>", "FOO=1"] {
            let input = format!("EHLO me\r\nMAIL FROM:<a@example.org> {parameter}\r\n");
            assert_eq!(codes(&input), "250 555", "{parameter}");
        }
        let offered = "EHLO me\r\nMAIL FROM:<a@example.org> SIZE=9 BODY=8BITMIME SMTPUTF8\r\n";
        assert_eq!(codes(offered), "250 250");
    }

    #[test]
    fn a_recipient_needs_an_address() {
        let to = |to: &str| codes(&format!("HELO me\r\nMAIL FROM:<>\r\nRCPT TO:{to}\r\n"));
        assert_eq!(to("<a@example.org>"), "250 250 250");
        assert_eq!(to("<Postmaster>"), "250 250 250");
        for bad in ["<>", "<a>", "a@example.org", "<a@b@c>", "<a b@c>", ""] {
            assert_eq!(to(bad), "250 250 501", "{bad:?}");
        }
    }

    #[test]
    fn an_address_in_chinese_needs_smtputf8() {
        let rcpt = "RCPT TO:<用户@example.org>\r\n";
        assert_eq!(codes(&format!("EHLO me\r\nMAIL FROM:<>\r\n{rcpt}")), "250 250 553");
        assert_eq!(codes(&format!("EHLO me\r\nMAIL FROM:<> SMTPUTF8\r\n{rcpt}")), "250 250 250");
    }

    #[test]
    fn a_size_over_the_limit_is_refused_before_the_content() {
        let size = MAX_MESSAGE + 1;
        assert_eq!(codes(&format!("EHLO me\r\nMAIL FROM:<> SIZE={size}\r\n")), "250 552");
    }

    #[test]
    fn no_part_of_a_line_that_is_too_long_becomes_a_command() {
        let input = format!("NOOP {}\r\nNOOP\r\n", "QUIT ".repeat(2_000));
        for size in [1, 100, 4_096, 4_097, 100_000] {
            assert_eq!(talk_in_pieces(&input, size).0, ["500", "250"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_browser_is_turned_away_at_its_first_line() {
        assert_eq!(codes("POST / HTTP/1.1\r\nEHLO me\r\n"), "421");
    }

    #[test]
    fn a_client_that_only_errs_is_sent_away() {
        let input = "FOO\r\n".repeat(200);
        let (codes, _) = talk_in_pieces(&input, usize::MAX);
        assert_eq!((codes.len(), codes.last().map(String::as_str)), (101, Some("421")));
    }
}
