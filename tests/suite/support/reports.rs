//! Delivery reports as a mail server sends them.

/// A report to the address `to` about `contact`: what was done, its status, and the server's words.
pub(crate) fn report(
    to: &str,
    contact: &str,
    (action, status, words): (&str, &str, &str),
) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nDelivered-To: {to}\r\n\
         From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\nTo: {to}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b1\"\r\n\r\n\
         --b1\r\nContent-Type: text/plain\r\n\r\nYour mail was not delivered.\r\n\
         --b1\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.net\r\n\r\n\
         Final-Recipient: rfc822; {contact}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {words}\r\n\r\n\
         --b1\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         Message-ID: <1.0000000000000007@example.com>\r\nSubject: Hello\r\n--b1--\r\n"
    )
    .into_bytes()
}

/// No such user, for good.
pub(crate) const UNKNOWN: (&str, &str, &str) = ("failed", "5.1.1", "550 5.1.1 no such user");
/// Switched off, which counts if it comes twice.
pub(crate) const DISABLED: (&str, &str, &str) = ("failed", "5.2.1", "550 5.2.1 switched off");
/// Still on its way.
pub(crate) const DELAYED: (&str, &str, &str) = ("delayed", "4.2.2", "452 4.2.2 mailbox full");
