//! As much of HTTP/1.1 as asking our own pages takes (RFC 9112).
use chrono::{DateTime, Utc};

use crate::domain::{doctor::PublicAnswer, one_line};

/// Characters of a text or an address that are kept.
const MAX_TEXT: usize = 200;

/// The answer in `received`, or nothing if its end has not arrived. `is_over` says that no more
/// comes.
pub(super) fn read(received: &[u8], is_over: bool) -> Option<PublicAnswer> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]);
    let body = &received[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let value = |wanted: &str| {
        let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        header.map(|(_, value)| value.trim())
    };
    let is_chunked = value("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    let length = value("content-length").and_then(|digits| digits.parse::<usize>().ok());
    let is_whole = if is_chunked {
        body.ends_with(b"0\r\n\r\n")
    } else {
        length.is_some_and(|length| body.len() >= length)
    };
    if !is_whole && !is_over {
        return None;
    }
    let body = String::from_utf8_lossy(body);
    // The first chunk holds all that is looked at.
    let text = if is_chunked { body.split("\r\n").nth(1).unwrap_or_default() } else { &*body };
    let date = value("date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    Some(PublicAnswer {
        status,
        location: value("location").map(|to| one_line(to, MAX_TEXT)),
        date: date.map(|date| date.with_timezone(&Utc)),
        text: one_line(text, MAX_TEXT),
        last_instant: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> PublicAnswer {
        let (location, date, last_instant) = (None, None, None);
        PublicAnswer { status, location, date, text: text.to_owned(), last_instant }
    }

    #[test]
    fn an_answer_ends_with_its_length_its_last_chunk_or_the_connection() {
        for (text, is_over, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, Some(answer(200, "ok"))),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", false, None),
            ("HTTP/1.1 410 Gone\r\n\r\ngone", false, None),
            ("HTTP/1.1 410 Gone\r\n\r\ngone", true, Some(answer(410, "gone"))),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                false,
                Some(answer(200, "ok")),
            ),
            ("HTTP/1.1 200 OK\r\nConte", true, None),
            ("SSH-2.0-x\r\n\r\n", true, None),
            ("HTTP/1.1 \r\n\r\n", true, None),
        ] {
            assert_eq!(read(text.as_bytes(), is_over), expected, "{text:?}");
        }
    }

    #[test]
    fn the_time_and_the_way_on_are_read() {
        let text =
            b"HTTP/1.1 301 x\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nLocation: /\x07y\r\n\r\n";
        let answer = read(text, true).unwrap();
        assert_eq!(answer.date.unwrap().to_rfc3339(), "1994-11-06T08:49:37+00:00");
        assert_eq!(answer.location.as_deref(), Some("/y"));
    }
}
