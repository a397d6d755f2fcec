//! What a relay is told to do.
use std::time::Duration;

/// Something that a client did, and the relay is to answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::smtp) struct Event<'a> {
    /// The command's verb; `CONNECT` and `DOT` for what has none.
    pub(in crate::smtp) verb: &'a str,
    /// The whole line; for `DOT`, the content.
    pub(in crate::smtp) line: &'a str,
    /// How many of this verb there were on all connections, this one included.
    pub(in crate::smtp) nth: usize,
    /// The connection: 1, 2, …
    pub(in crate::smtp) connection: usize,
}

/// The answer.
#[derive(Debug, Clone)]
pub(in crate::smtp) enum Act {
    /// These octets, to which CRLF is added.
    Say(String),
    /// The same, later.
    SayAfter(Duration, String),
    /// Exactly these octets.
    Raw(String),
    /// These octets and CRLF, each octet after such a pause.
    Trickle(Duration, String),
    /// Nothing, for ever.
    Hang,
    /// Hangs up.
    Drop,
    /// Says something, and hangs up.
    SayAndDrop(String),
    /// Says the first at once, and the second unasked when that time has gone.
    SayAgain(String, Duration, String),
    /// Says something, and reads nothing for that time.
    SayAndPause(String, Duration),
    /// Says 354, reads ten octets of content, says this and hangs up.
    SayInContent(&'static str),
    /// The same, but reads on to the dot.
    SayAndReadOn(&'static str),
}

pub(in crate::smtp) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// What a relay without faults does.
pub(in crate::smtp) fn good(event: Event<'_>) -> Act {
    say(match event.verb {
        "CONNECT" => "220 relay.example.org ESMTP",
        "EHLO" => "250-relay.example.org\r\n250-PIPELINING\r\n250-SIZE 10000000\r\n250 8BITMIME",
        "STARTTLS" => "220 go ahead",
        "AUTH" => "235 2.7.0 welcome",
        "DATA" => "354 go",
        "DOT" => return Act::Say(format!("250 2.0.0 queued as {}", event.nth)),
        "QUIT" => return Act::SayAndDrop("221 bye".to_owned()),
        _ => "250 2.1.0 ok",
    })
}
