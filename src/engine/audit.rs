//! Holds the ledger of a relay against ours.
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::PAGE;
use crate::{
    domain::{
        OutreachId,
        audit::{
            Acceptance, Audit, AuditTerms, Connections, ExpectedMessage, Findings, MessageFault,
            MessageId, RelayLedger, message_faults,
        },
    },
    store::{Store, StoreError},
};

/// Where a relay's ledger is, and what in it is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSources {
    /// The ledger: a JSON object on each line, as `docs/delivery-proof.md` describes it.
    pub ledger: PathBuf,
    /// A folder with the messages that were taken, as `SHA256.eml`.
    pub messages: Option<PathBuf>,
    /// The domains of our Message-IDs.
    pub domains: Vec<String>,
}

/// What an audit saw and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The findings.
    pub findings: Findings,
    /// Messages that the relay took for others than us.
    pub foreign: u64,
}

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger, or a message, cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(String, #[source] std::io::Error),
    /// A line of the ledger is not what is expected.
    #[error("{file}:{line}: {said}; docs/delivery-proof.md says what a line must look like")]
    BadLine {
        /// The ledger.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// What the reader says.
        said: String,
    },
    /// A worker of ours panicked.
    #[error("a worker stopped unexpectedly")]
    Worker,
}

impl AuditSources {
    fn bad_line(&self, line: u64, said: &str) -> AuditError {
        let file = self.ledger.display().to_string();
        AuditError::BadLine { file, line, said: said.to_owned() }
    }
}

/// Octets of one line of a ledger: a Message-ID and two addresses with room to spare.
const MAX_LINE: u64 = 65_536;
/// Octets of one message; larger ones are no mail of ours.
const MAX_MESSAGE: u64 = 64 << 20;

/// Reads a relay's ledger and every mail of `store`, and judges them under `terms`. The ledger is
/// read first, since a mail that goes on meanwhile only gets further.
#[tracing::instrument(name = "engine.audit", skip_all, err)]
pub async fn audit(
    store: &Store,
    sources: AuditSources,
    terms: AuditTerms,
) -> Result<Audited, AuditError> {
    let read = tokio::task::spawn_blocking(move || Reading::default().of(&sources));
    let read = read.await.map_err(|_| AuditError::Worker)??;
    let mut audit = Audit::new(terms, read.taken);
    let mut after = OutreachId(0);
    loop {
        let page = store.audited_mails(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for mail in &page {
            audit.see(mail);
        }
    }
    for mail in store.vanished_mails().await? {
        audit.see_gone(mail);
    }
    for (mail, line, faults) in &read.messages {
        audit.see_message(*mail, *line, faults);
    }
    Ok(Audited { findings: audit.finish(&read.connections), foreign: read.foreign })
}

/// One line of a ledger; keys that are not needed here are left alone.
#[derive(Deserialize)]
struct Line {
    event: String,
    at: Option<Moment>,
    connection: Option<u64>,
    message_id: Option<String>,
    to: Option<String>,
    sha256: Option<String>,
}

/// Unix milliseconds, or RFC 3339.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Moment {
    Unix(i64),
    Text(DateTime<Utc>),
}

impl Moment {
    fn instant(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Unix(ms) => DateTime::from_timestamp_millis(ms),
            Self::Text(at) => Some(at),
        }
    }
}

/// What is known of a ledger so far.
#[derive(Default)]
struct Reading {
    taken: RelayLedger,
    connections: Connections,
    foreign: u64,
    /// What was found in each message that was looked at.
    messages: Vec<(OutreachId, u64, Vec<MessageFault>)>,
}

impl Reading {
    fn of(mut self, sources: &AuditSources) -> Result<Self, AuditError> {
        let unreadable =
            |error| AuditError::Unreadable(sources.ledger.display().to_string(), error);
        let mut reader = BufReader::new(File::open(&sources.ledger).map_err(unreadable)?);
        let mut text = Vec::new();
        for number in 1.. {
            text.clear();
            let mut bounded = reader.by_ref().take(MAX_LINE);
            let read = bounded.read_until(b'\n', &mut text).map_err(unreadable)?;
            // What a relay that lost power was just writing was not answered.
            if read == 0 || (!text.ends_with(b"\n") && (read as u64) < MAX_LINE) {
                break;
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(&text)
                .map_err(|error| sources.bad_line(number, &error.to_string()))?;
            self.take(number, &line, sources)?;
        }
        Ok(self)
    }

    fn take(&mut self, number: u64, line: &Line, sources: &AuditSources) -> Result<(), AuditError> {
        let at = line.at.and_then(Moment::instant);
        match (line.event.as_str(), at, line.connection) {
            ("accepted", at, _) => self.accept(number, (at, line), sources)?,
            ("connected", Some(at), Some(connection)) => self.connections.connected(connection, at),
            ("closed", Some(at), Some(connection)) => self.connections.closed(connection, at),
            _ => {}
        }
        Ok(())
    }

    fn accept(
        &mut self,
        number: u64,
        (at, line): (Option<DateTime<Utc>>, &Line),
        sources: &AuditSources,
    ) -> Result<(), AuditError> {
        let at = at.ok_or_else(|| sources.bad_line(number, "`at` is missing or no instant"))?;
        let message_id = line.message_id.as_deref();
        let message_id =
            message_id.ok_or_else(|| sources.bad_line(number, "`message_id` is missing"))?;
        let Some(id) = MessageId::of(message_id, &sources.domains) else {
            self.foreign += 1;
            return Ok(());
        };
        self.taken.accept(id.mail, Acceptance { nonce: id.nonce, at, line: number });
        if let Some(folder) = &sources.messages {
            let expected = ExpectedMessage { message_id, to: line.to.as_deref() };
            let faults = look_at(folder, line.sha256.as_deref(), &expected)?;
            self.messages.push((id.mail, number, faults));
        }
        Ok(())
    }
}

/// What is wrong with the message of that name in `folder`.
fn look_at(
    folder: &Path,
    sha256: Option<&str>,
    expected: &ExpectedMessage<'_>,
) -> Result<Vec<MessageFault>, AuditError> {
    // The name comes from a file of somebody else's and must not lead out of the folder.
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(name) = sha256.filter(is_name) else { return Ok(vec![MessageFault::Absent]) };
    let path = folder.join(format!("{name}.eml"));
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(vec![MessageFault::Absent]);
        }
        Err(error) => return Err(AuditError::Unreadable(path.display().to_string(), error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_MESSAGE)
        .read_to_end(&mut bytes)
        .map_err(|error| AuditError::Unreadable(path.display().to_string(), error))?;
    Ok(message_faults(&bytes, expected))
}
