//! A folder in place of a relay, for demos and rehearsals.
use std::{
    fmt,
    future::Future,
    io,
    path::{Path, PathBuf},
};

use tokio::{
    fs::{self, File},
    io::AsyncWriteExt,
};

use super::refusal;
use crate::domain::{Outcome, Phase, one_line};

/// Characters of a stem that are kept.
const MAX_STEM: usize = 120;

/// Writes `message` to `<folder>/<stem>.eml`, which appears whole or not at all. The same stem again
/// replaces the file.
pub(super) async fn write<F, E>(
    folder: &Path,
    message: &[u8],
    stem: &str,
    before_content: F,
) -> Outcome
where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    if let Some(refusal) = refusal::of_content(message) {
        return refusal;
    }
    let not_sent = |phase, cause: &str| Outcome::NotSent { phase, cause: one_line(cause, 300) };
    if let Err(error) = fs::create_dir_all(folder).await {
        return not_sent(Phase::Connect, &error.to_string());
    }
    if let Err(error) = before_content.await {
        return not_sent(Phase::Data, &format!("not marked as being sent: {error}"));
    }
    let name = format!("{}.eml", file_stem(stem));
    match replace(folder, &name, message).await {
        Ok(()) => Outcome::Accepted { text: format!("written to {name}") },
        Err(error) => not_sent(Phase::Content, &error.to_string()),
    }
}

async fn replace(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    let unfinished: PathBuf = folder.join(format!(".{name}.part"));
    let mut file = File::create(&unfinished).await?;
    file.write_all(message).await?;
    file.sync_all().await?;
    fs::rename(&unfinished, folder.join(name)).await?;
    // The name is durable only when the folder is; not every system lets a folder be opened.
    if let Ok(folder) = File::open(folder).await {
        let _ = folder.sync_all().await;
    }
    Ok(())
}

/// `stem` as a file name on every system: ASCII letters, digits, `-`, `_` and inner dots.
fn file_stem(stem: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = stem.chars().map(plain).take(MAX_STEM).collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "message".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::smtp::{
        Transport,
        testing::{MESSAGE, marked, to},
    };

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_message_becomes_one_file_under_a_safe_name() {
        let home = tempfile::tempdir().unwrap();
        let transport = Transport::Folder(home.path().join("out"));
        for stem in ["7-ada", "../../etc/passwd", "节日", "."] {
            let outcome = transport.send(&to("ada"), MESSAGE, stem, marked()).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        let expected = ["7-ada.eml", "_.._etc_passwd.eml", "__.eml", "message.eml"];
        assert_eq!(names(&home.path().join("out")), expected);
        assert_eq!(std::fs::read(home.path().join("out/7-ada.eml")).unwrap(), MESSAGE);
    }

    #[tokio::test]
    async fn nothing_is_written_without_its_mark() {
        let home = tempfile::tempdir().unwrap();
        let outcome = write(home.path(), MESSAGE, "ada", ready(Err("disk full"))).await;
        assert!(matches!(outcome, Outcome::NotSent { phase: Phase::Data, .. }), "{outcome:?}");
        assert!(names(home.path()).is_empty());
    }

    #[tokio::test]
    async fn what_no_relay_would_be_given_is_not_written() {
        let home = tempfile::tempdir().unwrap();
        let outcome = write(home.path(), b"a\nb\n", "ada", marked()).await;
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
        assert!(names(home.path()).is_empty());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_not_sent_to() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), "").unwrap();
        let outcome = write(&home.path().join("file/out"), MESSAGE, "ada", marked()).await;
        assert!(matches!(outcome, Outcome::NotSent { phase: Phase::Connect, .. }), "{outcome:?}");
    }
}
