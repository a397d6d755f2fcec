//! Where messages lie: files, folders as mail servers fill them, and standard input.
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Octets of a message that are read. The part for machines comes before the mail that is returned
/// (RFC 6522 section 3), so that what is cut is of no use here.
pub const MOST_BYTES: u64 = 1024 * 1024;

/// A message as it lies there.
#[derive(Debug)]
pub struct Raw {
    /// Its first [`MOST_BYTES`].
    pub bytes: Vec<u8>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// The files with one message each that `path` stands for: itself, or, of a Maildir, everything in its
/// `new` and `cur`, by name. `tmp` holds what is not whole yet.
///
/// # Errors
///
/// When there is nothing at `path`, a folder in it cannot be listed, or it is a folder and no Maildir.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let folders = ["new", "cur"].map(|name| path.join(name));
    if !folders.iter().all(|folder| folder.is_dir()) {
        let kind = io::ErrorKind::InvalidInput;
        return Err(io::Error::new(kind, "it is a folder without `new` and `cur`, so no Maildir"));
    }
    let mut files = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_hidden && !entry.path().is_dir() {
                files.push(entry.path());
            }
        }
    }
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(files)
}

/// Reads the message in a file.
///
/// # Errors
///
/// When the file cannot be opened or read.
pub fn read_file(path: &Path) -> io::Result<Raw> {
    read(&mut File::open(path)?)
}

/// Reads a message from standard input to its end, so that who writes it is not cut off.
///
/// # Errors
///
/// When standard input cannot be read.
pub fn read_stdin() -> io::Result<Raw> {
    let mut input = io::stdin().lock();
    let raw = read(&mut input)?;
    io::copy(&mut input, &mut io::sink())?;
    Ok(raw)
}

fn read(source: &mut impl Read) -> io::Result<Raw> {
    let mut bytes = Vec::new();
    source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > MOST_BYTES;
    bytes.truncate(usize::try_from(MOST_BYTES).unwrap_or(usize::MAX));
    Ok(Raw { bytes, is_cut })
}
