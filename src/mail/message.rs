//! A rendered letter as the bytes that a relay takes.
use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, FixedOffset};
use mail_builder::{
    MessageBuilder,
    headers::{HeaderType, message_id::MessageId, raw::Raw, url::URL},
};

use super::{
    calendar::Invite,
    enclosed::Enclosed,
    parts::content,
    words::{named, unstructured},
};
use crate::domain::{EmailAddress, LineFault, line_fault, one_line};

/// Characters of any text that goes into a header.
const MAX_HEADER_TEXT: usize = 256;
/// Gmail cuts a message off behind this much HTML, and with it the way to unsubscribe.
pub(super) const MAX_HTML: usize = 102_400;
/// Octets of an address in a header, which cannot be folded; those of ours are far shorter.
const MAX_URL: usize = 900;
/// RFC 2919 section 3.
const MAX_LIST_ID: usize = 255;

/// A name and an address, as they stand in a header.
#[derive(Clone, Copy)]
pub struct Mailbox<'a> {
    /// Display name; may be empty.
    pub name: &'a str,
    /// Address.
    pub address: &'a EmailAddress,
}

/// Everything that one message is made of. Nothing is added: the same message gives the same bytes.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// Who writes.
    pub from: Mailbox<'a>,
    /// Who reads.
    pub to: Mailbox<'a>,
    /// Where answers go, if not to the writer.
    pub reply_to: Option<Mailbox<'a>>,
    /// Subject.
    pub subject: &'a str,
    /// The plain text part.
    pub text: &'a str,
    /// The HTML part.
    pub html: &'a str,
    /// Its pictures, and the files that go with it.
    pub enclosed: &'a Enclosed,
    /// When it was written, in the writer's zone.
    pub date: DateTime<FixedOffset>,
    /// `unique@domain`, without the angle brackets; the same for every attempt.
    pub message_id: &'a str,
    /// The calendar entry that goes with it.
    pub calendar: Option<Invite<'a>>,
    /// To whom it goes, which decides the headers for programs.
    pub kind: Kind<'a>,
}

/// What sort of mail a [`Message`] is.
#[derive(Clone, Copy)]
pub enum Kind<'a> {
    /// To the contacts of a campaign: with a way out (RFC 2369, RFC 8058) and an id (RFC 2919).
    List(List<'a>),
    /// To a colleague, by itself: a digest or a test (RFC 3834).
    Automatic,
}

/// The campaign behind a message.
#[derive(Clone, Copy)]
pub struct List<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// Its key and the sending domain, `birthday.example.com`.
    pub id: &'a str,
    /// The one-click address, `https`.
    pub unsubscribe_url: &'a str,
    /// The mailbox that takes requests to unsubscribe.
    pub unsubscribe_mailbox: &'a EmailAddress,
    /// Four words with `:` between them, under which the largest receiver counts complaints. None of
    /// them may differ from reader to reader.
    pub feedback_id: &'a str,
}

/// Why a message cannot be composed. None of these gets better by trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// An address of ours that only mail servers with SMTPUTF8 (RFC 6531) understand; the reader's may be
    /// one.
    #[error("an address of ours is not ASCII")]
    AddressNotAscii,
    /// The message id is not `left@right` of printable ASCII.
    #[error("the message id is not `left@right` of printable ASCII")]
    MessageId,
    /// The list id is not of letters, digits, `-`, `_` and `.`, or longer than 255.
    #[error("the list id is not made of letters, digits, `-`, `_` and `.`")]
    ListId,
    /// The feedback id is not of four words.
    #[error("the feedback id is not made of four words of letters, digits, `-`, `_` and `.`")]
    FeedbackId,
    /// The unsubscribe address is not a short one of https, or http for a trial at home.
    #[error(
        "the unsubscribe address is not one of http or https with at most 900 printable characters"
    )]
    UnsubscribeUrl,
    /// The year has not four digits.
    #[error("the date is not in the years 1900 to 9999")]
    Date,
    /// More than 102,400 bytes of HTML.
    #[error("the HTML has {0} bytes, more than the 102400 that mail clients show")]
    HtmlTooLong(usize),
    /// A key could not sign.
    #[error("the message could not be signed; look at the keys in `[dkim]`")]
    Unsigned,
    /// The finished lines break a rule of RFC 5322.
    #[error("the message breaks a rule of RFC 5322: {0}")]
    Lines(LineFault),
    /// The finished bytes break another one.
    #[error("the message breaks a rule of RFC 5322: {0}")]
    Malformed(&'static str),
}

/// The bytes of `message`: CRLF line ends, no line over 998 octets, headers in ASCII. Only a reader whose
/// address has a local part outside of ASCII stands in `To` as that (RFC 6532): such a message needs a
/// relay with SMTPUTF8 anyhow.
///
/// # Errors
///
/// When a part of it cannot stand in a message.
pub fn compose(message: &Message<'_>) -> Result<Vec<u8>, ComposeError> {
    check(message)?;
    let mut builder = MessageBuilder::new()
        .header("From", mailbox(message.from))
        .header("To", mailbox(message.to));
    if let Some(reply_to) = message.reply_to {
        builder = builder.header("Reply-To", mailbox(reply_to));
    }
    builder = builder
        .header("Subject", unstructured(one_line(message.subject, MAX_HEADER_TEXT)))
        .header("Date", Raw::new(message.date.format("%a, %-d %b %Y %H:%M:%S %z").to_string()))
        .header("Message-ID", MessageId::new(message.message_id));
    builder = match message.kind {
        Kind::List(list) => list_headers(builder, &list),
        Kind::Automatic => builder
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .header("X-Auto-Response-Suppress", Raw::new("OOF, AutoReply")),
    };
    let mut bytes = Vec::with_capacity(message.html.len() * 2 + message.text.len() * 2 + 8_192);
    builder.header("MIME-Version", Raw::new("1.0")).body(content(message)).serialize(&mut bytes);
    let reader = message.to.address;
    check_bytes(&bytes, reader.needs_smtp_utf8().then(|| reader.in_header()).as_deref())?;
    Ok(bytes)
}

fn check(message: &Message<'_>) -> Result<(), ComposeError> {
    let reply_to = message.reply_to.map(|mailbox| mailbox.address);
    let organizer = message.calendar.map(|invite| invite.organizer.address);
    let addresses = [Some(message.from.address), reply_to, organizer];
    if addresses.into_iter().flatten().any(|address| !address.as_str().is_ascii()) {
        return Err(ComposeError::AddressNotAscii);
    }
    let id = message.message_id;
    let has_two_sides = id
        .split_once('@')
        .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains('@'));
    if !has_two_sides || !printable(id) || id.len() > 250 {
        return Err(ComposeError::MessageId);
    }
    if !(1900..=9999).contains(&message.date.year()) {
        return Err(ComposeError::Date);
    }
    if message.html.len() > MAX_HTML {
        return Err(ComposeError::HtmlTooLong(message.html.len()));
    }
    if let Kind::List(list) = message.kind {
        check_list(&list)?;
    }
    Ok(())
}

fn check_list(list: &List<'_>) -> Result<(), ComposeError> {
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if list.id.len() > MAX_LIST_ID || !is_word(list.id) {
        return Err(ComposeError::ListId);
    }
    let words = list.feedback_id.split(':');
    if words.clone().count() != 4 || !words.into_iter().all(is_word) {
        return Err(ComposeError::FeedbackId);
    }
    let url = list.unsubscribe_url;
    // RFC 8058 section 3.1 wants https; plain http is for development on one's own machine.
    let known = url.starts_with("https://") || url.starts_with("http://");
    if !known || url.len() > MAX_URL || !printable(url) {
        return Err(ComposeError::UnsubscribeUrl);
    }
    if !list.unsubscribe_mailbox.as_str().is_ascii() {
        return Err(ComposeError::AddressNotAscii);
    }
    Ok(())
}

/// Whether `text` can stand between angle brackets.
fn printable(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic() && !b"<>()".contains(&b))
}

fn list_headers<'x>(builder: MessageBuilder<'x>, list: &List<'x>) -> MessageBuilder<'x> {
    let mailto = format!("mailto:{}?subject=unsubscribe", list.unsubscribe_mailbox.as_str());
    let urls = [Cow::Borrowed(list.unsubscribe_url), Cow::Owned(mailto)];
    let name = one_line(list.name, MAX_HEADER_TEXT);
    builder
        .header("List-Id", named(name, list.id))
        .header("List-Unsubscribe", URL::new_list(urls.into_iter()))
        .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"))
        .header("Feedback-ID", Raw::new(list.feedback_id))
}

fn mailbox(mailbox: Mailbox<'_>) -> HeaderType<'_> {
    named(one_line(mailbox.name, MAX_HEADER_TEXT), mailbox.address.in_header())
}

/// The last look before the bytes leave: a bare CR or LF can smuggle a second message past a
/// server (CVE-2023-51764), and a relay re-wraps long lines after they were signed.
/// Of what is not ASCII, headers may have `address` only.
fn check_bytes(bytes: &[u8], address: Option<&str>) -> Result<(), ComposeError> {
    use ComposeError::Malformed;

    if memchr::memchr(0, bytes).is_some() {
        return Err(Malformed("a NUL"));
    }
    if let Some(fault) = line_fault(bytes) {
        return Err(ComposeError::Lines(fault));
    }
    let headers = memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes, |end| &bytes[..end]);
    let mut lines = headers.split(|octet| *octet == b'\n');
    if !headers.is_ascii() && !lines.all(|line| is_ascii_besides(line, address)) {
        return Err(Malformed("a header that is not ASCII"));
    }
    if !bytes.ends_with(b"\n") {
        return Err(Malformed("the last line has no end"));
    }
    Ok(())
}

fn is_ascii_besides(line: &[u8], address: Option<&str>) -> bool {
    let rest = |address: &str| Some(std::str::from_utf8(line).ok()?.replacen(address, "", 1));
    line.is_ascii() || address.and_then(rest).is_some_and(|rest| rest.is_ascii())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use mail_parser::MessageParser;

    use super::*;

    static REP: LazyLock<EmailAddress> = LazyLock::new(|| "rep@example.com".parse().unwrap());
    static NOTHING: LazyLock<Enclosed> = LazyLock::new(Enclosed::default);
    static ANNA: LazyLock<EmailAddress> =
        LazyLock::new(|| "anna@customer.example".parse().unwrap());

    fn a_message() -> Message<'static> {
        Message {
            from: Mailbox { name: "James O'Neil", address: &REP },
            to: Mailbox { name: "Anna Meyer", address: &ANNA },
            reply_to: None,
            subject: "Hello",
            text: "Hello\n",
            html: "<p>Hello</p>\n",
            enclosed: &NOTHING,
            date: DateTime::parse_from_rfc3339("2026-05-04T09:30:00+08:00").unwrap(),
            message_id: "1.2@example.com",
            calendar: None,
            kind: Kind::Automatic,
        }
    }

    fn a_list() -> List<'static> {
        List {
            name: "",
            id: "birthday.example.com",
            unsubscribe_url: "https://links.example/u/token",
            unsubscribe_mailbox: &REP,
            feedback_id: "birthday:birthday:greeting:examplecom",
        }
    }

    fn composed(message: &Message<'_>) -> Result<String, ComposeError> {
        compose(message).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn headers(message: &str) -> Vec<String> {
        let head = message.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        head.split("\r\n").map(ToOwned::to_owned).collect()
    }

    #[test]
    fn mail_to_a_colleague_says_that_it_is_automatic() {
        let message = composed(&a_message()).unwrap();
        assert_eq!(
            headers(&message)[..8],
            [
                "From: \"James O'Neil\" <rep@example.com>",
                "To: \"Anna Meyer\" <anna@customer.example>",
                "Subject: Hello",
                "Date: Mon, 4 May 2026 09:30:00 +0800",
                "Message-ID: <1.2@example.com>",
                "Auto-Submitted: auto-generated",
                "X-Auto-Response-Suppress: OOF, AutoReply",
                "MIME-Version: 1.0",
            ]
        );
    }

    #[test]
    fn a_reader_with_an_international_local_part_stands_in_the_header_as_it_is() {
        let address: EmailAddress = "王伟@xn--fsqu00a.com".parse().unwrap();
        let to = Mailbox { name: "王伟", address: &address };
        let message = composed(&Message { to, subject: "中秋", ..a_message() }).unwrap();
        let to = "To: =?utf-8?B?546L5Lyf?= <王伟@例子.com>";
        let others = headers(&message).into_iter().filter(|line| !line.is_ascii());
        assert_eq!(others.collect::<Vec<_>>(), [to]);
        let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
        let to = parsed.to().and_then(|to| to.first()).unwrap();
        assert_eq!((to.name(), to.address()), (Some("王伟"), Some("王伟@例子.com")));
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        let local: EmailAddress = "王伟@example.com".parse().unwrap();
        let from = Mailbox { name: "", address: &local };
        let refusal = |message: Message<'_>| composed(&message).unwrap_err();
        assert_eq!(refusal(Message { from, ..a_message() }), ComposeError::AddressNotAscii);
        let reply_to = Some(from);
        assert_eq!(refusal(Message { reply_to, ..a_message() }), ComposeError::AddressNotAscii);
        for message_id in ["", "a", "a@", "@b", "a@b@c", "a@b>\r\nBcc: x", "a b@c", "王@b", "<a@b>"]
        {
            let message = Message { message_id, ..a_message() };
            assert_eq!(refusal(message), ComposeError::MessageId, "{message_id:?}");
        }
        let html = &"x".repeat(MAX_HTML + 1);
        let message = Message { html, ..a_message() };
        assert_eq!(refusal(message), ComposeError::HtmlTooLong(MAX_HTML + 1));
    }

    #[test]
    fn what_no_list_header_can_carry_is_refused() {
        let listed =
            |list: List<'_>| composed(&Message { kind: Kind::List(list), ..a_message() }).map(drop);
        assert_eq!(listed(a_list()), Ok(()));
        for id in ["", "a>b", "a b", "a\r\nb", "王.example.com"] {
            assert_eq!(listed(List { id, ..a_list() }), Err(ComposeError::ListId), "{id:?}");
        }
        for unsubscribe_url in
            ["", "mailto:a@b.c", "https://x>,<https://y", "https://x\r\ny", "https://王"]
        {
            let list = List { unsubscribe_url, ..a_list() };
            assert_eq!(listed(list), Err(ComposeError::UnsubscribeUrl), "{unsubscribe_url:?}");
        }
        for feedback_id in ["", "a:b:c", "a:b:c:d:e", "a::c:d", "a:b:c:d\r\nX: y", "a:b:c:王"] {
            let list = List { feedback_id, ..a_list() };
            assert_eq!(listed(list), Err(ComposeError::FeedbackId), "{feedback_id:?}");
        }
    }

    #[test]
    fn a_message_ends_where_it_ends() {
        let text = "a\r\n.\r\nMAIL FROM:<x>\rb\n.\nc\0\n";
        let message = composed(&Message { text, ..a_message() }).unwrap();
        assert!(!message.contains('\0'));
        assert_eq!(message.replace("\r\n", "").matches(['\r', '\n']).count(), 0);
    }

    #[test]
    fn bytes_that_break_a_rule_are_caught_at_the_end() {
        for bytes in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"a\0\r\n", b"a", b"A: \xc3\xa4\r\n\r\n"] {
            assert!(check_bytes(bytes, None).is_err(), "{bytes:?}");
        }
        let long = ["a".repeat(999), "\r\n".to_owned()].concat();
        assert!(check_bytes(long.as_bytes(), None).is_err());
        assert_eq!(check_bytes("A: b\r\n\r\nä\r\n".as_bytes(), None), Ok(()));
        for (line, is_good) in
            [("To: <王@b.c>", true), ("To: 王 <王@b.c>", false), ("To: <李@b.c>", false)]
        {
            let checked = check_bytes(format!("{line}\r\n\r\n").as_bytes(), Some("王@b.c"));
            assert_eq!(checked.is_ok(), is_good, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_makes_a_well_formed_message(name: String, subject: String, body: String) {
            let kind = Kind::List(List { name: &name, ..a_list() });
            let named = |address| Mailbox { name: &name, address };
            let message = composed(&Message {
                from: named(&REP),
                to: named(&ANNA),
                subject: &subject,
                text: &body,
                html: &body,
                kind,
                ..a_message()
            }).unwrap();
            proptest::prop_assert_eq!(headers(&message).len(), 11);
            let parsed = MessageParser::default().parse(message.as_bytes()).unwrap();
            let expected = one_line(&subject, MAX_HEADER_TEXT);
            proptest::prop_assert_eq!(parsed.subject().unwrap_or_default(), expected);
            proptest::prop_assert_eq!(parsed.parts.len(), 3);
        }
    }
}
