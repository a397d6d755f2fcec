//! Whether a message is sound, without knowing what it says.

/// What a relay's ledger says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedMessage<'a> {
    /// Its Message-ID, with or without the brackets.
    pub message_id: &'a str,
    /// The recipient of its envelope, if the ledger names one.
    pub to: Option<&'a str>,
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFault {
    /// It is not in the folder, so nobody can look at it.
    Absent,
    /// A line has more than 998 octets without its end (RFC 5322 section 2.1.1).
    LongLine,
    /// A line feed or a carriage return stands alone, which can smuggle a second message past a
    /// server (CVE-2023-51764).
    BareLineEnd,
    /// A NUL, which RFC 5322 section 4 forbids.
    Nul,
    /// This header is missing.
    MissingHeader(&'static str),
    /// This header is there more than once.
    RepeatedHeader(&'static str),
    /// Its Message-ID is not the one of the ledger.
    OtherMessageId,
    /// It is addressed to somebody else than its envelope.
    OtherRecipient,
}

/// RFC 5322 section 2.1.1, without the line end.
const MAX_LINE: usize = 998;

/// Headers that every mail to a list must have once: RFC 5322 section 3.6, RFC 2045 section 4,
/// RFC 2919, RFC 2369 and RFC 8058.
const NEEDED: [&str; 9] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// Everything that is wrong with the `bytes` of a message, each kind once.
#[must_use]
pub fn message_faults(bytes: &[u8], expected: &ExpectedMessage<'_>) -> Vec<MessageFault> {
    let mut faults = line_faults(bytes);
    let headers = headers(bytes);
    let values = |name: &str| {
        let of = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        headers.iter().filter(of).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    for name in NEEDED {
        match values(name).len() {
            0 => faults.push(MessageFault::MissingHeader(name)),
            1 => {}
            _ => faults.push(MessageFault::RepeatedHeader(name)),
        }
    }
    let bare = |text: &str| text.trim().trim_matches(['<', '>']).to_owned();
    if values("Message-ID").iter().any(|value| bare(value) != bare(expected.message_id)) {
        faults.push(MessageFault::OtherMessageId);
    }
    if let Some(to) = expected.to {
        let to = bare(to);
        if values("To").iter().any(|value| !mailbox(value).eq_ignore_ascii_case(&to)) {
            faults.push(MessageFault::OtherRecipient);
        }
    }
    faults
}

fn line_faults(bytes: &[u8]) -> Vec<MessageFault> {
    let mut faults = Vec::new();
    // Behind each split is a line, which may have no CR or LF of its own.
    let mut rest = bytes;
    let (mut long, mut bare) = (false, false);
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let line = &rest[..end.unwrap_or(rest.len())];
        long |= line.len() > MAX_LINE;
        bare |= line.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        rest = end.map_or(&[], |end| &rest[end + 2..]);
    }
    if long {
        faults.push(MessageFault::LongLine);
    }
    if bare {
        faults.push(MessageFault::BareLineEnd);
    }
    if bytes.contains(&0) {
        faults.push(MessageFault::Nul);
    }
    faults
}

/// The headers with their values unfolded.
fn headers(bytes: &[u8]) -> Vec<(String, String)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in String::from_utf8_lossy(&bytes[..end]).split("\r\n") {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    headers
}

/// The address of `Name <local@domain>` or of `local@domain`.
fn mailbox(value: &str) -> &str {
    let value = value.trim();
    let inside = value.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    inside.unwrap_or(value)
}
