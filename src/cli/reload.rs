//! Puts a changed configuration in force while the daemon runs, or says why it does not.
use std::{fs, path::Path, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Global, context};
use crate::{
    config::{Config, Delivery},
    engine::{Engine, Live},
};

/// Between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Name, time of change and length of each file: what a change of any of them changes.
type Stamp = Vec<(String, Option<std::time::SystemTime>, u64)>;

/// Watches the files of the configuration and the templates, and the signal to read them again,
/// until told to stop.
pub(super) async fn watch(
    global: &Global,
    live: &Live,
    mut hangup: Hangup,
    stop: &CancellationToken,
) {
    let stamp_of = |live: &Live| stamp(&global.config, live.current().config.templates.as_deref());
    let mut loaded = stamp_of(live);
    let mut seen = loaded.clone();
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            () = hangup.next() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamp_of(live);
        // A file that is still being written changes once more before the next look.
        let is_settled = now == seen;
        seen.clone_from(&now);
        if asked || (is_settled && now != loaded) {
            loaded = now;
            reload(global, live).await;
        }
    }
}

/// Reads everything anew; what is wrong leaves the old configuration in force, whole.
async fn reload(global: &Global, live: &Live) {
    let old = live.current();
    let refused = match renewed(global, &old) {
        Ok(new) => {
            tracing::info!("The configuration has changed and is in force");
            live.replace(new);
            Vec::new()
        }
        Err(error) => {
            let said = format!("{error:#}");
            tracing::error!(
                error = %said,
                "The configuration on disk was refused; the one before stays in force"
            );
            said.lines().map(|line| line.trim().to_owned()).collect()
        }
    };
    if let Err(error) = live.current().note_configuration(refused).await {
        tracing::warn!(%error, "What became of the configuration could not be written down");
    }
}

/// The engine on what is on disk now, with the database, the clock and, if the relay is the same,
/// the connections of `old`.
fn renewed(global: &Global, old: &Engine) -> anyhow::Result<Engine> {
    let mut config = context::config(global)?;
    keep_what_needs_a_restart(&mut config, &old.config);
    let templates = context::templates(config.templates.as_deref())?;
    context::refuse_missing_templates(&config, &templates)?;
    let keyring = context::keyring(&config)?;
    let transport = if config.delivery == old.config.delivery {
        Arc::clone(&old.transport)
    } else {
        context::transport(&config)
    };
    if let Delivery::Folder(folder) = &config.delivery
        && config.delivery != old.config.delivery
    {
        tracing::warn!(folder = %folder.display(), "Mail goes to a folder from now on");
    }
    Ok(Engine {
        store: old.store.clone(),
        clock: Arc::clone(&old.clock),
        config: Arc::new(config),
        templates: Arc::new(templates),
        keyring: Arc::new(keyring),
        transport,
    })
}

/// The database and the listening address cannot change under a running daemon.
fn keep_what_needs_a_restart(new: &mut Config, old: &Config) {
    if new.database_url != old.database_url {
        tracing::warn!("database.url has changed; that needs a restart");
        new.database_url.clone_from(&old.database_url);
    }
    if new.tracking.listen != old.tracking.listen {
        tracing::warn!("tracking.listen has changed; that needs a restart");
        new.tracking.listen = old.tracking.listen;
    }
}

fn stamp(config: &Path, templates: Option<&Path>) -> Stamp {
    let mut stamp = Vec::new();
    collect(config, 2, &mut stamp);
    if let Some(templates) = templates {
        collect(templates, 4, &mut stamp);
    }
    stamp.sort_unstable();
    stamp
}

/// Files of `folder` and so many folders deep; links are followed, as systems that swap whole
/// folders want it.
fn collect(folder: &Path, depth: u8, stamp: &mut Stamp) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_dir() && depth > 0 {
            collect(&path, depth - 1, stamp);
        } else if about.is_file() {
            stamp.push((path.display().to_string(), about.modified().ok(), about.len()));
        }
    }
}

/// SIGHUP, where there is such a thing. From when this is made on it ends nothing, and one that comes
/// before somebody waits for it is not lost.
pub(super) struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
