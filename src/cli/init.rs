//! `init`: files to start from.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use aws_lc_rs::rand::SecureRandom;
use clap::Args;

use super::output::{self, Output};
use crate::{
    config::{Files, new_secret_key},
    mail::Templates,
};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Folder to write into.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// The sample list, as the demo uses it.
pub(super) const SAMPLES: [(&str, &str); 6] = [
    ("reps.csv", include_str!("../../samples/reps.csv")),
    ("accounts.csv", include_str!("../../samples/accounts.csv")),
    ("contacts.csv", include_str!("../../samples/contacts.csv")),
    ("orders.csv", include_str!("../../samples/orders.csv")),
    ("contracts.csv", include_str!("../../samples/contracts.csv")),
    ("touches.csv", include_str!("../../samples/touches.csv")),
];

/// The text of a key file with a key that nobody has.
pub(super) fn fresh_key() -> anyhow::Result<String> {
    let mut key = [0; 32];
    aws_lc_rs::rand::SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| anyhow::anyhow!("the operating system has no random numbers"))?;
    Ok(new_secret_key(key))
}

/// Who may read a written file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Everybody,
    Owner,
}

pub(super) fn init(output: Output, args: &InitArgs) -> anyhow::Result<()> {
    let key = fresh_key()?;
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    let mut put = |path: String, text: &str, readers| -> anyhow::Result<()> {
        let target = args.dir.join(&path);
        let new = write_new(&target, text, readers)
            .with_context(|| format!("{} cannot be written", target.display()))?;
        let list = if new { &mut written } else { &mut kept };
        list.push(path);
        Ok(())
    };
    for (path, text) in Files::embedded().iter() {
        put(format!("config/{path}"), text, Readers::Everybody)?;
    }
    put("config/secret.key".to_owned(), &key, Readers::Owner)?;
    for (path, text) in Templates::embedded_files() {
        put(format!("templates/{path}"), text, Readers::Everybody)?;
    }
    for (name, text) in SAMPLES {
        put(format!("samples/{name}"), text, Readers::Everybody)?;
    }
    if output.json {
        return output::json(&serde_json::json!({ "written": written, "kept": kept }));
    }
    let dir = args.dir.display();
    output::line(match output.language {
        super::Language::English => format!(
            "Wrote {} files into {dir}; {} were there already and were left alone.\n\
             Next: edit config/perennial.toml, then `perennial check`.",
            written.len(),
            kept.len()
        ),
        super::Language::Chinese => format!(
            "已在 {dir} 写入 {} 个文件；{} 个原已存在，未作改动。\n\
             下一步：编辑 config/perennial.toml，然后运行 `perennial check`。",
            written.len(),
            kept.len()
        ),
    });
    Ok(())
}

/// Writes a file that is not there yet; returns whether it did.
pub(super) fn write_new(path: &Path, text: &str, readers: Readers) -> io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(mut file) => io::Write::write_all(&mut file, text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
