//! From options to a ready engine: the wiring of the whole program.
use std::{path::Path, sync::Arc};

use anyhow::Context as _;

use super::Global;
use crate::{
    clock::{Clock, ManualClock, SystemClock},
    config::{Config, Delivery, Files},
    domain::Keyring,
    engine::Engine,
    mail::Templates,
    smtp::{RelayPool, Transport},
    store::Store,
};

/// The command was used in a way that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

/// The clock that the options ask for.
pub(super) fn clock(global: &Global) -> Arc<dyn Clock> {
    match global.now {
        Some(now) => Arc::new(ManualClock::starting_at(now)),
        None => Arc::new(SystemClock),
    }
}

/// The configuration that the options name, with their database.
pub(super) fn config(global: &Global) -> anyhow::Result<Config> {
    let dir = &global.config;
    if !dir.exists() {
        let shown = dir.display();
        return Err(Usage(format!(
            "there is no configuration folder {shown}; `perennial init` makes one, --config DIR names another"
        ))
        .into());
    }
    let files = Files::read(dir)?;
    let mut config = Config::parse(&files, dir, &|name| std::env::var(name).ok())?;
    if let Some(database) = &global.database {
        config.database_url.clone_from(database);
    }
    Ok(config)
}

/// An engine on the configuration and database that the options name.
pub(super) async fn engine(global: &Global) -> anyhow::Result<Engine> {
    let config = config(global)?;
    assemble(config, clock(global)).await
}

/// An engine on a configuration.
pub(super) async fn assemble(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Engine> {
    let templates = templates(config.templates.as_deref())?;
    let store = Store::open(&config.database_url).await?;
    let keyring = Keyring::new(config.tracking.keys.iter().copied())
        .context("the keys that sign links cannot be used")?;
    let transport = match &config.delivery {
        Delivery::Relay(relay) => Transport::Relay(Arc::new(RelayPool::new(relay.clone()))),
        Delivery::Folder(folder) => Transport::Folder(folder.clone()),
    };
    Ok(Engine {
        store,
        clock,
        config: Arc::new(config),
        templates: Arc::new(templates),
        keyring: Arc::new(keyring),
        transport: Arc::new(transport),
    })
}

/// The templates, or everything that is wrong with them as one usage error.
pub(super) fn templates(folder: Option<&Path>) -> anyhow::Result<Templates> {
    // A folder that is not there overrides nothing; `check` says so.
    let folder = folder.filter(|folder| folder.exists());
    Templates::load(folder).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Usage(format!("{} problems in the templates:\n  {}", problems.len(), lines.join("\n  ")))
            .into()
    })
}
