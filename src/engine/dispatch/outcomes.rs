//! Outcomes that the database did not take before the daemon had to end, one JSON line each.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use tracing::{error, info, warn};

use crate::{
    domain::Resolution,
    engine::{Engine, EngineError},
    store::Mark,
};

/// Appends `marks` to the file, durably. Where that fails too, the log has them.
pub(super) fn keep(path: Option<&Path>, marks: &[Mark]) {
    let kept = path.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)).and_then(|path| {
        let mut options = OpenOptions::new();
        // What relays say may name addresses.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.create(true).append(true).open(path)?;
        for mark in marks {
            let line = serde_json::to_string(mark).map_err(io::Error::other)?;
            writeln!(file, "{line}")?;
        }
        file.sync_all()
    });
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

impl Engine {
    /// Writes down the outcomes that an earlier daemon had to leave in the file at `path`, and takes
    /// the file away. An outcome of a mail that has come in doubt meanwhile ends the doubt. Returns how
    /// many outcomes there were.
    ///
    /// # Errors
    ///
    /// If the database does not take them; the file stays then.
    pub async fn take_kept_outcomes(&self, path: &Path) -> Result<usize, EngineError> {
        // Another daemon may be adding to it; what it adds from now on is in a file of its own.
        let mut taken = path.as_os_str().to_owned();
        taken.push(".taken");
        let taken = Path::new(&taken);
        if !taken.exists() && fs::rename(path, taken).is_err() {
            return Ok(0);
        }
        let Ok(file) = File::open(taken) else { return Ok(0) };
        // A line that was cut off when the disk was full tells nothing; its mail stays in doubt.
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        let marks: Vec<Mark> = lines.filter_map(|line| serde_json::from_str(&line).ok()).collect();
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let moved = tx.mark_settled(&marks, now).await?;
        for mark in marks.iter().filter(|mark| !moved.contains(&mark.id)) {
            if let (Some(attempt), Some(how)) = (&mark.attempt, Resolution::known(mark.to)) {
                tx.testify(mark.id, (attempt.no, mark.lease_token), how, now).await?;
            }
        }
        tx.commit().await?;
        if let Err(failure) = fs::remove_file(taken) {
            warn!(error = %failure, "The file of kept outcomes cannot be removed; it is harmless");
        }
        let count = marks.len();
        info!(count, "Wrote down {count} outcomes that the last daemon could not");
        Ok(count)
    }
}
