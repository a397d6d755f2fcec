//! A mail as a person or a program reads it: decoded, and harmless to show once escaped.
use mail_parser::{Addr, Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Received, markup};
use crate::domain::one_line;

/// Characters of a header that are shown; more is an attack or a mistake.
const SHOWN: usize = 300;
/// Characters of the text that the list shows beside the subject.
const PREVIEW: usize = 160;

/// Who is named in a `From` or `To`. Both parts are on one line and without hidden characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// Empty if the header gives none.
    pub(super) name: String,
    pub(super) address: String,
}

impl Person {
    /// The name, or the address of one without.
    pub(super) fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }

    fn of(addr: &Addr<'_>) -> Self {
        let part = |part: Option<&str>| one_line(part.unwrap_or_default(), SHOWN);
        Self { name: part(addr.name()), address: part(addr.address()) }
    }

    fn bare(address: &str) -> Self {
        Self { name: String::new(), address: one_line(address, SHOWN) }
    }
}

/// What the list shows of a mail.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) from: Person,
    /// The first `To`; the first of the envelope if the header is missing.
    pub(super) to: Person,
    /// How many more `To` names.
    pub(super) others: usize,
    pub(super) subject: String,
    pub(super) preview: String,
    /// Primary language subtag such as `en` or `zh`, if the mail says or its writing shows.
    pub(super) language: Option<String>,
    pub(super) has_attachments: bool,
    haystack: String,
}

impl Summary {
    /// Whether each word of `query` occurs in the names, addresses, subject or preview; case is
    /// ignored. `query` must be in lower case.
    pub(super) fn matches(&self, query: &str) -> bool {
        query.split_whitespace().all(|word| self.haystack.contains(word))
    }
}

/// An attachment or inline part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Place in the message, for [`Letter::part`].
    pub(super) place: u32,
    pub(super) name: String,
    /// Content type in lower case, such as `image/png`.
    pub(super) kind: String,
    pub(super) bytes: usize,
}

/// A parsed mail.
pub(super) struct Letter<'a> {
    received: &'a Received,
    message: Message<'a>,
}

impl<'a> Letter<'a> {
    pub(super) fn parse(received: &'a Received) -> Self {
        let mut message = MessageParser::new().parse(&received.raw).unwrap_or_default();
        // Its methods take a first part for granted, which a mail without any header lacks.
        if message.parts.is_empty() {
            message.parts.push(MessagePart::default());
        }
        Self { received, message }
    }

    pub(super) fn subject(&self) -> String {
        one_line(self.message.subject().unwrap_or_default(), SHOWN)
    }

    /// The first `From`, or the envelope's sender.
    pub(super) fn from(&self) -> Person {
        self.message
            .from()
            .and_then(Address::first)
            .map_or_else(|| Person::bare(&self.received.from), Person::of)
    }

    /// All `To`, or the envelope's recipients; never empty.
    pub(super) fn to(&self) -> Vec<Person> {
        let named: Vec<_> = self.message.all_to().flat_map(Address::iter).map(Person::of).collect();
        if named.is_empty() {
            self.received.to.split(", ").map(Person::bare).collect()
        } else {
            named
        }
    }

    /// The HTML body, if there is one.
    pub(super) fn html(&self) -> Option<&str> {
        self.message.html_bodies().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.as_ref()),
            _ => None,
        })
    }

    /// The plain text body, if there is one; never made from the HTML.
    pub(super) fn text(&self) -> Option<&str> {
        self.message.text_bodies().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.as_ref()),
            _ => None,
        })
    }

    /// Names and decoded values of the headers, in the order of the mail.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let root = self.message.parts.first();
        let headers = root.map(|root| root.headers.as_slice()).unwrap_or_default();
        let values = headers.iter().map(|header| {
            let place = header.offset_start as usize..header.offset_end as usize;
            (header.name(), self.received.raw.get(place).unwrap_or_default())
        });
        // No header of ours comes near this length; DKIM signatures have about 600 characters.
        values.map(|(name, value)| (one_line(name, 80), one_line(&decode(value), 8_000))).collect()
    }

    /// The addresses in `List-Unsubscribe` (RFC 2369), in the order of preference.
    pub(super) fn list_unsubscribe(&self) -> Vec<String> {
        let headers = self.headers();
        let value = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("List-Unsubscribe"))
            .map_or("", |(_, value)| value);
        let parts = value.split('<').skip(1);
        parts.filter_map(|part| part.split_once('>')).map(|(inside, _)| inside.to_owned()).collect()
    }

    /// The `Content-Language` header, else the HTML's `lang`, else Chinese if it is written so.
    fn language(&self, shown: &str) -> Option<String> {
        let said = self.message.parts.first().and_then(|root| root.content_language().as_text());
        let html = || self.html().and_then(markup::language);
        let tag = said.map(str::to_owned).or_else(html).unwrap_or_default();
        let primary: String =
            tag.trim().chars().take_while(char::is_ascii_alphabetic).take(9).collect();
        match primary.len() {
            2 | 3 => Some(primary.to_ascii_lowercase()),
            _ => is_written_in_chinese(shown).then(|| "zh".to_owned()),
        }
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        let places = self.message.attachments.iter();
        places.filter_map(|place| self.describe(*place)).collect()
    }

    fn describe(&self, place: u32) -> Option<Part> {
        let part = self.message.part(place)?;
        let kind = part.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("octet-stream")),
        );
        let name = one_line(part.attachment_name().unwrap_or_default(), 100);
        let bytes = part.contents().len();
        Some(Part { place, name, kind: kind.to_ascii_lowercase(), bytes })
    }

    /// A part's description and its decoded content.
    pub(super) fn part(&self, place: u32) -> Option<(Part, &[u8])> {
        if !self.message.attachments.contains(&place) {
            return None;
        }
        Some((self.describe(place)?, self.message.part(place)?.contents()))
    }

    /// The place of the part with this Content-ID.
    pub(super) fn part_with_content_id(&self, id: &str) -> Option<u32> {
        let mut places = self.message.attachments.iter().copied();
        places.find(|place| self.message.part(*place).is_some_and(|p| p.content_id() == Some(id)))
    }
}

/// `raw`'s encoded words (RFC 2047) decoded, folding undone.
fn decode(raw: &[u8]) -> String {
    if !raw.windows(2).any(|pair| pair == b"=?") {
        return String::from_utf8_lossy(raw).into_owned();
    }
    // The parser wants the end of the line that it is in.
    let line = [raw.trim_ascii_end(), b"\r\n"].concat();
    let value = mail_parser::parsers::MessageStream::new(&line).parse_unstructured();
    value.as_text().unwrap_or_default().to_owned()
}

/// Whether `text` reads as Chinese: no kana, which would make it Japanese, and more than the odd name
/// among Latin letters.
fn is_written_in_chinese(text: &str) -> bool {
    let count = |is: fn(char) -> bool| text.chars().filter(|c| is(*c)).count();
    let han = count(|c| matches!(c, '\u{3400}'..='\u{9fff}'));
    let kana = count(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    // A Chinese word has two characters, where an English one has about five letters.
    han > 0 && kana == 0 && han * 5 >= count(|c| c.is_ascii_alphabetic()) * 2
}

pub(super) fn summarise(received: &Received) -> Summary {
    let letter = Letter::parse(received);
    let (from, mut to, subject) = (letter.from(), letter.to(), letter.subject());
    // The parser cuts at bytes, and four of them may make one character.
    let preview = letter.message.body_preview(PREVIEW * 4).unwrap_or_default();
    let preview = one_line(&preview, PREVIEW);
    let language = letter.language(&format!("{subject}{preview}"));
    let haystack = [
        &from.name,
        &from.address,
        &to[0].name,
        &to[0].address,
        &received.from,
        &received.to,
        &subject,
        &preview,
    ];
    let haystack = haystack.map(|part| part.to_lowercase()).join("\n");
    let has_attachments = letter.message.attachment_count() > 0;
    let others = to.len() - 1;
    let to = to.swap_remove(0);
    Summary { from, to, others, subject, preview, language, has_attachments, haystack }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(raw: &str) -> Received {
        let (from, to) = ("bounce@example.org".to_owned(), "b@example.org".to_owned());
        let raw = raw.replace('\n', "\r\n").into_bytes();
        Received { id: 1, at: chrono::DateTime::UNIX_EPOCH, from, to, raw }
    }

    #[test]
    fn a_chinese_mail_is_summed_up_in_chinese() {
        let mail = received(
            "From: =?utf-8?B?5bCP546L?= <wang@example.org>\nTo: =?utf-8?B?5p2O6Zu3?= <li@example.org>, c@d.org\n\
             Subject: =?utf-8?B?5Lit56eL5b+r5LmQ?=\nContent-Type: text/plain; charset=utf-8\n\n你好，\n中秋快乐！\n",
        );
        let summary = summarise(&mail);
        assert_eq!((summary.from.shown(), summary.to.shown()), ("小王", "李雷"));
        assert_eq!((summary.subject.as_str(), summary.others), ("中秋快乐", 1));
        assert_eq!(summary.preview, "你好， 中秋快乐！");
        assert_eq!(summary.language.as_deref(), Some("zh"));
        assert!(summary.matches("中秋 li@example") && !summary.matches("端午"));
    }

    #[test]
    fn a_chinese_name_makes_no_chinese_mail() {
        assert!(!is_written_in_chinese("Call 王伟: moved from B to 2S yesterday"));
        assert!(is_written_in_chinese("Ada，您好：感谢您选择 Perennial"));
        assert!(!is_written_in_chinese("ありがとう中秋") && !is_written_in_chinese(""));
    }

    #[test]
    fn a_mail_without_headers_is_shown_by_its_envelope() {
        for raw in ["", "\n", "no header at all", ":\n:\n\n", "\u{0}\u{1}"] {
            let mail = received(raw);
            let summary = summarise(&mail);
            assert_eq!(summary.from.shown(), "bounce@example.org", "{raw:?}");
            assert_eq!(summary.to.shown(), "b@example.org", "{raw:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_mail_however_broken_stops_the_inbox(lines in proptest::collection::vec(LINE, 0..24)) {
            let mail = received(&lines.join("\n"));
            let summary = summarise(&mail);
            assert!(!summary.matches("not in there"));
            let letter = Letter::parse(&mail);
            let _ = (letter.headers(), letter.parts(), letter.list_unsubscribe(), letter.text());
            let _ = letter.html().map(|html| (markup::addresses(html), markup::for_frame(html, |_| None)));
        }
    }

    /// Lines that a torn multipart mail is made of.
    const LINE: &str = "(--b|--b--||Content-Type: (multipart/(mixed|alternative|related); boundary=b\
        |text/html|text/plain; charset=gbk|message/rfc822|image/png)\
        |Content-Transfer-Encoding: (base64|quoted-printable)|(From|To|Subject): .{0,20}\
        |=\\?utf-8\\?[BQ]\\?.{0,9}|<(a|img|head|!--) ?.{0,9}>?|.{0,20})";

    #[test]
    fn hidden_characters_are_not_shown() {
        let mail = received("From: \"a\u{202e}b\" <a@b.org>\nSubject: x\u{202e}y\u{7}\n\nz");
        let summary = summarise(&mail);
        assert_eq!((summary.from.name.as_str(), summary.subject.as_str()), ("ab", "xy"));
    }

    #[test]
    fn text_and_html_are_what_the_mail_brought() {
        let only_html = received("Content-Type: text/html\n\n<p>hello</p>");
        let letter = Letter::parse(&only_html);
        assert_eq!((letter.html(), letter.text()), (Some("<p>hello</p>"), None));
        let only_text = received("Subject: x\n\nhello");
        let letter = Letter::parse(&only_text);
        assert_eq!((letter.html(), letter.text()), (None, Some("hello")));
    }

    #[test]
    fn headers_come_in_order_unfolded_and_decoded() {
        let mail = received("X-A: 1\nX-A: 2\n  3\nSubject: =?utf-8?Q?=E4=B8=AD?= x\n\n");
        let expected = [("X-A", "1"), ("X-A", "2 3"), ("Subject", "中 x")];
        let headers = Letter::parse(&mail).headers();
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(headers, expected);
    }

    #[test]
    fn every_way_to_unsubscribe_is_listed() {
        let mail = received("List-Unsubscribe: <https://x.org/u?a,b>,\n <mailto:u@x.org>\n\n");
        let ways = Letter::parse(&mail).list_unsubscribe();
        assert_eq!(ways, ["https://x.org/u?a,b", "mailto:u@x.org"]);
    }

    #[test]
    fn an_inline_image_is_found_by_its_content_id() {
        let mail = received(
            "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=cid:l@x>\n\
             --b\nContent-Type: image/PNG; name=\"l.png\"\nContent-ID: <l@x>\nContent-Transfer-Encoding: base64\n\
             Content-Disposition: inline\n\naGk=\n--b--\n",
        );
        let letter = Letter::parse(&mail);
        let place = letter.part_with_content_id("l@x").unwrap();
        let (part, content) = letter.part(place).unwrap();
        assert_eq!(
            (part.kind.as_str(), part.name.as_str(), content),
            ("image/png", "l.png", b"hi".as_slice())
        );
        assert!(letter.part(0).is_none(), "only attachments are parts");
    }
}
