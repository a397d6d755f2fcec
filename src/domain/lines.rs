//! The lines of a message.

/// Octets of a line without its CRLF (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;

/// What is wrong with the lines of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// A carriage return that no line feed follows.
    #[error("a carriage return without a line feed")]
    BareCr,
    /// A line feed behind no carriage return.
    #[error("a line feed without a carriage return")]
    BareLf,
    /// A line of more than 998 octets without its end.
    #[error("a line of more than 998 octets")]
    TooLong,
}

/// What is wrong with the lines of `message`, if something is; the last one may have no end.
///
/// A server that takes a bare CR or LF for the end of a line sees the end of a message where we see none
/// (SMTP smuggling, CVE-2023-51764).
#[must_use]
pub fn line_fault(message: &[u8]) -> Option<LineFault> {
    let (mut start, mut lines) = (0, 0);
    for end in memchr::memchr_iter(b'\n', message) {
        if end == start || message[end - 1] != b'\r' {
            return Some(LineFault::BareLf);
        }
        if end - 1 - start > MAX_LINE {
            return Some(LineFault::TooLong);
        }
        start = end + 1;
        lines += 1;
    }
    if message.len() - start > MAX_LINE {
        return Some(LineFault::TooLong);
    }
    // Each line feed has one before it, so any other one stands alone.
    (memchr::memchr_iter(b'\r', message).count() > lines).then_some(LineFault::BareCr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cr_or_lf_that_stands_alone_is_found_wherever_it_is() {
        let good = "Subject: x\r\n\r\nfirst\r\nlast\r\n";
        assert_eq!(line_fault(good.as_bytes()), None);
        for place in 0..=good.len() {
            for (alone, fault) in [("\r", LineFault::BareCr), ("\n", LineFault::BareLf)] {
                let mut message = good.to_owned();
                message.insert_str(place, alone);
                assert_eq!(line_fault(message.as_bytes()), Some(fault), "{message:?}");
            }
        }
    }

    #[test]
    fn a_line_may_have_998_octets_and_no_more() {
        let line = |octets| format!("{}\r\n", "x".repeat(octets));
        assert_eq!(line_fault(line(998).as_bytes()), None);
        assert_eq!(line_fault(line(999).as_bytes()), Some(LineFault::TooLong));
        assert_eq!(line_fault(&line(999).as_bytes()[..999]), Some(LineFault::TooLong));
        assert_eq!(line_fault((line(998) + "\r\n" + &line(998)).as_bytes()), None);
    }
}
