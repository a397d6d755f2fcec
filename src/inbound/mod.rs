//! Mail that comes in: from bytes to what it is, and on to the engine.
//!
//! Delivery reports are taken in (RFC 3464). Anything else is said to be something else and left
//! alone. Nothing is moved or deleted, so a kill between reading and writing costs a second reading.
#![warn(missing_docs)]

mod message;
mod sources;
#[cfg(test)]
mod tests;

pub use sources::{MOST_BYTES, Raw, files, read_file, read_stdin};

use self::message::Content;
use crate::{
    domain::OutreachId,
    engine::{Engine, EngineError, Reported},
};

/// What a message was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// No delivery report; it is left alone.
    NotAReport,
    /// An automatic answer to a mail of ours without a part for machines: a bounce as qmail writes it, or
    /// a note that somebody is away. It is left alone: words for people prove nothing.
    Automatic,
    /// A delivery report without a return path that we signed. It is left alone, whatever it names.
    Unverified,
    /// A report on a mail that this database does not have.
    NoSuchMail(OutreachId),
    /// A report that was taken in.
    Report(Reported),
}

/// Takes a message in. `to` is the address that it was sent to, where the message itself does not say
/// so; with `dry_run` the same comes out and nothing is written.
///
/// The mail is known by its signed return path and by nothing else. It stands in the address that the
/// report was sent to, and most servers repeat it in the report or return it with the headers; all of
/// these are looked at, since a good seal is as good in any place.
///
/// # Errors
///
/// When the database cannot be read or written; then nothing was written.
pub async fn take(
    engine: &Engine,
    bytes: &[u8],
    to: Option<&str>,
    dry_run: bool,
) -> Result<Taken, EngineError> {
    let message = message::read(bytes);
    let to = to.map(|to| format!("{to}@"));
    let mut places = to.iter().chain(&message.places);
    let proof = places.find_map(|text| engine.keyring.find_bounce(text));
    Ok(match (message.content, proof) {
        (Content::Other, _) | (Content::Automatic, None) => Taken::NotAReport,
        (Content::Automatic, Some(_)) => Taken::Automatic,
        (Content::Report(_), None) => Taken::Unverified,
        (Content::Report(report), Some(token)) => {
            let outreach = OutreachId(token.outreach);
            let reported = engine.take_report(outreach, &report, dry_run).await?;
            reported.map_or(Taken::NoSuchMail(outreach), Taken::Report)
        }
    })
}
