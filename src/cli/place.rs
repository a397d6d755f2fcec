//! The files that a daemon keeps beside its database.
use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use aws_lc_rs::digest;

use super::context::Usage;
use crate::store::Identity;

/// Where a daemon works.
#[derive(Debug)]
pub(super) struct Place {
    /// What tells this place from another one.
    pub(super) name: String,
    /// Outcomes that the database did not take.
    pub(super) outcomes: PathBuf,
    /// How far the database has come.
    pub(super) witness: PathBuf,
    /// Held for as long as this lives.
    _lock: Option<File>,
}

impl Place {
    /// Takes the place of the daemon of the database at `url`, which says of itself what it is. A file
    /// database has one place, and a server has any number.
    ///
    /// # Errors
    ///
    /// If another daemon has it, or its files cannot be made.
    pub(super) fn take(url: &str, identity: &Identity) -> anyhow::Result<Self> {
        match file_of(url) {
            Some(database) => Self::beside(&database),
            None => Self::of_server(&identity.name()),
        }
    }

    fn beside(database: &Path) -> anyhow::Result<Self> {
        let database = fs::canonicalize(database)
            .with_context(|| format!("the database {} cannot be found", database.display()))?;
        let beside = |what: &str| {
            let mut name = database.clone().into_os_string();
            name.push(what);
            PathBuf::from(name)
        };
        let lock = lock(&beside("-daemon"), &database)?;
        Ok(Self {
            name: format!("/{}{}", machine(), database.display()),
            outcomes: beside("-outcomes.jsonl"),
            witness: beside("-witness"),
            _lock: Some(lock),
        })
    }

    /// What a server cannot keep for us lies in the folder that the service manager gives, or in the
    /// user's.
    fn of_server(name: &str) -> anyhow::Result<Self> {
        let of_user = || {
            let home = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
            let home =
                home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")));
            home.map(|home| home.join("perennial"))
        };
        let folder = env::var_os("STATE_DIRECTORY").map(PathBuf::from).or_else(of_user);
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        fs::create_dir_all(&folder).with_context(|| {
            format!(
                "the folder {} cannot be made; set STATE_DIRECTORY to one that can",
                folder.display()
            )
        })?;
        let hash = digest::digest(&digest::SHA256, name.as_bytes());
        let mut half = [0; 8];
        half.copy_from_slice(&hash.as_ref()[..8]);
        let stem = format!("{:016x}", u64::from_be_bytes(half));
        Ok(Self {
            name: String::new(),
            outcomes: folder.join(format!("{stem}-outcomes.jsonl")),
            witness: folder.join(format!("{stem}-witness")),
            _lock: None,
        })
    }
}

/// The file of a file database.
fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

/// The machine's own number, where it has one; containers often have none.
fn machine() -> String {
    fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned()
}

/// A lock that the system takes away when the process ends, however it ends.
fn lock(path: &Path, database: &Path) -> anyhow::Result<File> {
    let cannot = || format!("the lock {} cannot be taken; is the folder writable?", path.display());
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)
        .with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let (holder, database) = (holder.trim(), database.display());
            return Err(Usage(format!(
                "another daemon (process {holder}) is running on {database}, and a file has room for \
                 one; stop that one, or use PostgreSQL for several"
            ))
            .into());
        }
        Err(TryLockError::Error(failure)) => return Err(failure).with_context(cannot),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).with_context(cannot)?;
    Ok(file)
}
