//! Everything that the demo runs on: a folder, a configuration, a list, an inbox, an engine.
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::{
    super::init::{Readers, SAMPLES, fresh_key, write_new},
    DemoArgs,
};
use crate::{
    cli::{Global, context, context::Usage, output::Output},
    clock::{Clock, ManualClock},
    config::{Config, Files},
    domain::ImportKind,
    engine::{Engine, ImportOptions},
    sandbox::Inbox,
    store::Store,
    web,
};

pub(super) struct World {
    pub engine: Engine,
    pub inbox: Inbox,
    pub clock: Arc<ManualClock>,
    pub folder: PathBuf,
    tracking: web::Tracking,
    /// Removed at the end, unless the folder was named.
    _temporary: Option<tempfile::TempDir>,
}

impl World {
    pub(super) async fn build(
        global: &Global,
        output: Output,
        args: &DemoArgs,
        start: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let (folder, temporary) = folder(args.dir.as_deref())?;
        let clock = Arc::new(ManualClock::starting_at(start));
        let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let shared: Arc<dyn Clock> = clock.clone();
        let inbox =
            Inbox::start(local(args.smtp_port), local(args.page_port), shared.clone()).await?;
        let listener = web::Bound::to(local(args.tracking_port)).await?;
        let mut config = configure(&folder, inbox.smtp_address(), listener.address())?;
        if let Some(database) = &global.database {
            config.database_url.clone_from(database);
        }
        let templates = context::templates(config.templates.as_deref())?;
        let store = if temporary.is_some() && global.database.is_none() {
            Store::open_fleeting(&config.database_url).await?
        } else {
            Store::open(&config.database_url).await?
        };
        let engine = context::assemble_with(config, (templates, store), shared)?;
        if engine.store.totals().await?.contacts > 0 {
            let why = "the database holds contacts already; the demo wants an empty one";
            return Err(Usage(why.to_owned()).into());
        }
        bring_in(&engine, output, &folder).await?;
        let tracking = listener.serve(engine.clone());
        Ok(Self { engine, inbox, clock, folder, tracking, _temporary: temporary })
    }

    pub(super) async fn stop(self) {
        self.tracking.stop().await;
        self.inbox.stop().await;
        self.engine.store.close().await;
    }
}

fn folder(named: Option<&Path>) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(named) = named else {
        let temporary = tempfile::Builder::new().prefix("perennial-demo-").tempdir()?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    if named.exists() {
        let why = format!("{} is there already; the demo wants a new folder", named.display());
        return Err(Usage(why).into());
    }
    std::fs::create_dir_all(named)
        .with_context(|| format!("{} cannot be made", named.display()))?;
    Ok((std::path::absolute(named)?, None))
}

/// Writes a configuration as an admin would, with the built-in inbox as its relay, and reads it.
fn configure(folder: &Path, smtp: SocketAddr, tracking: SocketAddr) -> anyhow::Result<Config> {
    let text = include_str!("perennial.toml")
        .replace("SMTP_PORT", &smtp.port().to_string())
        .replace("TRACKING", &tracking.to_string());
    let files = Files::embedded().with("perennial.toml", &text);
    let dir = folder.join("config");
    for below in ["calendar", "campaigns"] {
        std::fs::create_dir_all(dir.join(below))?;
    }
    for (path, text) in files.iter() {
        std::fs::write(dir.join(path), text)?;
    }
    write_new(&dir.join("secret.key"), &fresh_key()?, Readers::Owner)?;
    Ok(Config::parse(&files, &dir, &|name| std::env::var(name).ok())?)
}

/// Imports the sample list in the order in which its files refer to one another.
async fn bring_in(engine: &Engine, output: Output, folder: &Path) -> anyhow::Result<()> {
    let dir = folder.join("samples");
    std::fs::create_dir_all(&dir)?;
    let bar = output.progress(SAMPLES.len() as u64, output.language.say("Importing", "导入"));
    for (name, text) in SAMPLES {
        let path = dir.join(name);
        std::fs::write(&path, text)?;
        let kind: ImportKind = name.trim_end_matches(".csv").parse()?;
        let options = ImportOptions { kind, columns: Vec::new(), dry_run: false };
        let mut refused = None;
        let report =
            engine.import(&path, &options, &mut |row| refused = Some(row), &mut |_| ()).await?;
        if let Some(row) = refused {
            anyhow::bail!("{} lines of {name} were refused: {row:?}", report.refused);
        }
        bar.inc(1);
    }
    engine.refresh().await?;
    bar.finish_and_clear();
    Ok(())
}
