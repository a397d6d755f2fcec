//! Every reply the server gives, with its enhanced status code (RFC 2034, RFC 3463).

pub(super) const GREETING: &str = "220 localhost Perennial development inbox ESMTP\r\n";
pub(super) const HELO: &str = "250 localhost\r\n";
pub(super) const BYE: &str = "221 2.0.0 bye\r\n";
pub(super) const OK: &str = "250 2.0.0 ok\r\n";
pub(super) const SENDER_OK: &str = "250 2.1.0 sender ok\r\n";
pub(super) const RECIPIENT_OK: &str = "250 2.1.5 recipient ok\r\n";
pub(super) const KEPT: &str = "250 2.0.0 kept in the inbox\r\n";
pub(super) const HELP: &str =
    "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT; mail is kept, not sent on\r\n";
pub(super) const CANNOT_VERIFY: &str = "252 2.1.5 every recipient is taken\r\n";
pub(super) const START: &str = "354 end with a dot on a line of its own\r\n";

pub(super) const STOPPING: &str = "421 4.3.2 the inbox is stopping\r\n";
pub(super) const IDLE: &str = "421 4.4.2 idle for 5 minutes\r\n";
pub(super) const TOO_MANY_CONNECTIONS: &str = "421 4.7.0 too many connections\r\n";
pub(super) const TOO_MANY_ERRORS: &str = "421 4.7.0 too many errors\r\n";
pub(super) const NOT_HTTP: &str =
    "421 4.7.0 this is the SMTP server; the web page has another port\r\n";
pub(super) const TOO_MANY_RECIPIENTS: &str = "452 4.5.3 too many recipients\r\n";

pub(super) const UNKNOWN: &str = "500 5.5.1 unknown command\r\n";
pub(super) const LINE_TOO_LONG: &str = "500 5.5.6 line too long\r\n";
pub(super) const SYNTAX: &str = "501 5.5.4 syntax error\r\n";
pub(super) const BAD_SENDER: &str = "501 5.1.7 bad sender address\r\n";
pub(super) const BAD_RECIPIENT: &str = "501 5.1.3 bad recipient address\r\n";
pub(super) const NOT_OFFERED: &str = "502 5.5.1 command not offered\r\n";
pub(super) const SAY_HELLO: &str = "503 5.5.1 say EHLO or HELO first\r\n";
pub(super) const MAIL_TWICE: &str = "503 5.5.1 sender given already\r\n";
pub(super) const NO_MAIL: &str = "503 5.5.1 say MAIL first\r\n";
pub(super) const NO_RECIPIENTS: &str = "503 5.5.1 no valid recipients\r\n";
pub(super) const TOO_BIG: &str = "552 5.3.4 message too big\r\n";
/// RFC 6531 section 3.5.
pub(super) const NEEDS_SMTPUTF8: &str = "553 5.6.7 address needs SMTPUTF8\r\n";
pub(super) const PARAMETER_NOT_OFFERED: &str = "555 5.5.4 parameter not offered\r\n";
