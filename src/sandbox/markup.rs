//! Just enough HTML reading for the inbox: attributes out of a mail, and a `<base>` into it.
//!
//! What is read here comes from strangers. Nothing is made safe in this file: the page shows a mail's
//! HTML only inside a sandboxed frame.
use std::fmt::Write as _;

use mail_parser::decoders::html::add_html_token;

/// Calls `visit` with tag and attribute name, both in lower case, and the decoded value, in the order
/// of the document. Tags without attributes are passed over.
fn each_attribute(html: &str, mut visit: impl FnMut(&str, &str, String)) {
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (tag, attributes) = split_at_any(rest, &[' ', '\t', '\r', '\n', '/', '>']);
            let tag = tag.to_ascii_lowercase();
            rest = attributes;
            while let Some((name, value, after)) = next_attribute(rest) {
                visit(&tag, &name.to_ascii_lowercase(), decoded(value));
                rest = after;
            }
        }
    }
}

/// The next attribute of the tag that `text` is in the middle of, and what follows it.
fn next_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
    if text.is_empty() || text.starts_with('>') {
        return None;
    }
    // An equals sign in first place is part of the name, as browsers have it; so a name is never empty.
    let first = text.chars().next().map_or(0, char::len_utf8);
    let (tail, _) = split_at_any(&text[first..], &[' ', '\t', '\r', '\n', '/', '>', '=']);
    let (name, after) = text.split_at(first + tail.len());
    let Some(value) = after.trim_start().strip_prefix('=') else {
        return Some((name, "", after));
    };
    let value = value.trim_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let (value, after) = quoted.split_once(quote).unwrap_or((quoted, ""));
            return Some((name, value, after));
        }
    }
    let (value, after) = split_at_any(value, &[' ', '\t', '\r', '\n', '>']);
    Some((name, value, after))
}

fn split_at_any<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// `value` with its character references replaced.
fn decoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest name of a character reference has 31 letters.
        let end = rest.bytes().take(33).position(|byte| byte == b';');
        let end = end.map_or(1, |end| end + 1);
        add_html_token(&mut text, &rest.as_bytes()[..end], false);
        rest = &rest[end..];
    }
    text + rest
}

/// The addresses in a mail's HTML, each in the order of the document, as often as they occur.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    /// Where links lead. Links inside the mail (`#top`) are left out.
    pub(super) links: Vec<String>,
    /// Where images come from, an open pixel among them.
    pub(super) images: Vec<String>,
}

pub(super) fn addresses(html: &str) -> Addresses {
    let mut found = Addresses::default();
    each_attribute(html, |tag, name, value| {
        let value = value.trim();
        match (tag, name) {
            ("a" | "area", "href") if !value.is_empty() && !value.starts_with('#') => {
                found.links.push(value.to_owned());
            }
            ("img", "src") if !value.is_empty() => found.images.push(value.to_owned()),
            _ => {}
        }
    });
    found
}

/// The language that the document itself names, if any.
pub(super) fn language(html: &str) -> Option<String> {
    let mut language = None;
    each_attribute(html, |tag, name, value| {
        if tag == "html" && name == "lang" && language.is_none() {
            language = Some(value);
        }
    });
    language
}

/// The document, changed so that its links open in a tab of their own and its inline images
/// (`cid:…`, RFC 2392) are fetched from where `part_of` says.
pub(super) fn for_frame(html: &str, part_of: impl Fn(&str) -> Option<String>) -> String {
    let (before, after) = html.split_at(base_place(html));
    let mut page = String::with_capacity(html.len() + 64);
    page.push_str(before);
    page.push_str(r#"<base target="_blank">"#);
    let mut rest = after;
    while let Some(at) = rest.find("cid:") {
        page.push_str(&rest[..at]);
        let (id, tail) =
            split_at_any(&rest[at + 4..], &['"', '\'', ')', ' ', '>', '\r', '\n', '\t']);
        match part_of(id) {
            Some(address) => page.push_str(&address),
            None => {
                let _ = write!(page, "cid:{id}");
            }
        }
        rest = tail;
    }
    page.push_str(rest);
    page
}

/// Where a `<base>` does not come before the document type, which would change how browsers lay out.
fn base_place(html: &str) -> usize {
    // Only ASCII letters change, so places in one are places in the other.
    let lower = html.to_ascii_lowercase();
    for tag in ["<head", "<html", "<!doctype"] {
        let Some(start) = lower.find(tag) else { continue };
        let follows = lower.as_bytes().get(start + tag.len());
        if follows.is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>') {
            return lower[start..].find('>').map_or(0, |end| start + end + 1);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_images_are_found_however_they_are_written() {
        let html = "<p><a class=x HREF='http://a/?b=1&amp;c=2'>A</a><A\nhref=http://b/>B</A>\
                    <a href=\"#top\">up</a><!-- <a href='http://no/'> --><a>none</a>\
                    <img alt='a > b' src=\"http://p/o.gif\"/>5 < 6 <a href=\"/x&#61;&#x4e2d;&\">";
        let found = addresses(html);
        assert_eq!(found.links, ["http://a/?b=1&c=2", "http://b/", "/x=\u{4e2d}&"]);
        assert_eq!(found.images, ["http://p/o.gif"]);
    }

    #[test]
    fn torn_markup_ends_the_search_and_nothing_else() {
        for html in [
            "<",
            "<a",
            "<a href",
            "<a href=",
            "<a href='x",
            "<!--",
            "<a =",
            "<\u{4e2d}",
            "<a \u{4e2d}=&",
        ] {
            let _ = addresses(html);
        }
        assert_eq!(addresses("<a href=\"x").links, ["x"]);
    }

    #[test]
    fn links_open_in_a_tab_of_their_own() {
        let framed = |html| for_frame(html, |_| None);
        let base = "<base target=\"_blank\">";
        assert_eq!(framed("<!DOCTYPE html><P>"), format!("<!DOCTYPE html>{base}<P>"));
        assert_eq!(framed("<HTML><Head id=h>x"), format!("<HTML><Head id=h>{base}x"));
        assert_eq!(framed("<header>x"), format!("{base}<header>x"));
        assert_eq!(framed(""), base);
    }

    #[test]
    fn inline_images_lead_to_their_part() {
        let part_of = |id: &str| (id == "logo@x").then(|| "/m/1/part/2".to_owned());
        let framed = for_frame("<img src=\"cid:logo@x\"><img src=cid:gone>", part_of);
        assert!(framed.ends_with("<img src=\"/m/1/part/2\"><img src=cid:gone>"), "{framed}");
    }

    #[test]
    fn the_language_is_the_documents_own() {
        assert_eq!(
            language("<!doctype html><html lang='zh-CN'><p lang=en>").as_deref(),
            Some("zh-CN")
        );
        assert_eq!(language("<p lang=en>"), None);
    }
}
