//! Outcomes that the database did not take before the daemon had to end, one JSON line each.
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tracing::{error, info, warn};

use crate::{
    domain::{AddressEffect, Resolution, Settlement},
    engine::{Engine, EngineError},
    store::Mark,
};

/// Appends `marks` to the file, durably. Where that fails too, the log has them.
pub(super) fn keep(path: Option<&Path>, marks: &[Mark]) {
    let kept = path
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        .and_then(|path| append(path, marks));
    match kept {
        Ok(()) => {
            let count = marks.len();
            warn!(count, "{count} outcomes could not be written down; the next start will do it");
        }
        Err(failure) => {
            for mark in marks {
                let (id, to) = (mark.id.0, mark.to.as_str());
                error!(outreach.id = id, to, error = %failure, "The outcome of outreach {id} is lost: {to}");
            }
        }
    }
}

/// In one piece between two line ends, so that neither what another daemon adds meanwhile nor a line that
/// was cut off when the disk was full becomes one line with it.
fn append(path: &Path, marks: &[Mark]) -> io::Result<()> {
    let mut text = Vec::from(b"\n");
    for mark in marks {
        serde_json::to_writer(&mut text, mark).map_err(io::Error::other)?;
        text.push(b'\n');
    }
    let mut options = OpenOptions::new();
    // What relays say may name addresses.
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.create(true).append(true).open(path)?;
    file.write_all(&text)?;
    file.sync_all()
}

/// The marks of a file, and how many lines of it are none.
fn read(path: &Path) -> io::Result<(Vec<Mark>, usize)> {
    let text = fs::read(path)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let read: Vec<Option<Mark>> = lines.map(|line| serde_json::from_slice(line).ok()).collect();
    let strange = read.iter().filter(|mark| mark.is_none()).count();
    Ok((read.into_iter().flatten().collect(), strange))
}

impl Engine {
    /// Writes down the outcomes that an earlier daemon had to leave in the file at `path`, and takes
    /// the file away; one with lines that are no outcomes, or that fit nothing in the database, is kept
    /// under another name. An outcome of a mail that has come in doubt meanwhile ends the doubt. Returns
    /// how many were written down.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the database does not take them; the file stays then.
    pub async fn take_kept_outcomes(&self, path: &Path) -> Result<usize, EngineError> {
        // Another daemon may be adding to it; what it adds from now on is in a file of its own.
        let taken = beside(path, ".taken");
        if !taken.exists() && fs::rename(path, &taken).is_err() {
            return Ok(0);
        }
        let (marks, strange) = match read(&taken) {
            Ok(read) => read,
            // Another daemon has just done it.
            Err(failure) if failure.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(failure) => return Err(EngineError::Outcomes(failure)),
        };
        let unknown = self.write_down_kept(&marks).await?;
        let cleared = if strange + unknown == 0 {
            fs::remove_file(&taken)
        } else {
            let aside = beside(path, &format!(".strange-{}", self.clock.now().timestamp_millis()));
            let name = aside.display();
            if strange > 0 {
                warn!(
                    strange,
                    "{strange} kept outcomes cannot be read; their mails stay in doubt, and {name} has them"
                );
            }
            if unknown > 0 {
                warn!(
                    unknown,
                    "{unknown} kept outcomes are of attempts that the database does not know, or has another word on; {name} has them"
                );
            }
            fs::rename(&taken, &aside)
        };
        if let Err(failure) = cleared {
            warn!(error = %failure, "The file of kept outcomes cannot be removed; it is harmless");
        }
        let count = marks.len() - unknown;
        info!(count, "Wrote down {count} outcomes that the last daemon could not");
        Ok(count)
    }

    /// As if they had been written down at their time. Doing it again changes nothing. Returns how many
    /// last words nothing in the database asks for, as after a failover that forgot the attempts.
    async fn write_down_kept(&self, marks: &[Mark]) -> Result<usize, EngineError> {
        let now = self.clock.now();
        let mut unknown = 0;
        let mut tx = self.store.begin().await?;
        let moved = tx.mark_settled(marks, now).await?;
        for mark in marks.iter().filter(|mark| !moved.contains(&mark.id)) {
            if let (Some(attempt), Some(how)) = (&mark.attempt, Resolution::known(mark.to)) {
                let known = tx.testify(mark.id, (attempt.no, mark.lease_token), how, now).await?;
                unknown += usize::from(!known);
            }
        }
        tx.commit().await?;
        for mark in marks {
            let Some(attempt) = &mark.attempt else { continue };
            let effect = Settlement::address(&attempt.outcome);
            if effect == AddressEffect::Nothing {
                continue;
            }
            if let Some(target) = self.store.feedback_target(mark.id).await? {
                self.judge_address(&target.email, effect, attempt.ended_at).await?;
            }
        }
        Ok(unknown)
    }
}

/// `path` with `more` at its end.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OutreachId, OutreachState};

    #[test]
    fn a_line_that_was_cut_off_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcomes.jsonl");
        let mark = |id| Mark {
            id: OutreachId(id),
            lease_token: 1,
            from: OutreachState::Claimed,
            to: OutreachState::Ready,
            next_at: None,
            attempt: None,
        };
        keep(Some(&path), &[mark(1), mark(2)]);
        let mut text = fs::read(&path).unwrap();
        text.truncate(text.len() - 9);
        fs::write(&path, text).unwrap();
        keep(Some(&path), &[mark(3)]);
        assert_eq!(read(&path).unwrap(), (vec![mark(1), mark(3)], 1));
    }
}
