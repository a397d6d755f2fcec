//! From options to a ready engine: the wiring of the whole program.
use std::{path::Path, sync::Arc};

use anyhow::Context as _;

use super::Global;
use crate::{
    clock::{Clock, ManualClock, SystemClock},
    config::{Config, Delivery, Files},
    domain::{Campaign, Keyring},
    engine::Engine,
    mail::Templates,
    smtp::Transport,
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

/// The database that the options or the configuration name; the rest of the configuration may be
/// wrong.
pub(super) async fn store(global: &Global) -> anyhow::Result<Store> {
    let of_files = || {
        let files = Files::read(&global.config).ok()?;
        Config::database_url_of(&files, &global.config, &|name| std::env::var(name).ok())
    };
    let url = match global.database.clone().or_else(of_files) {
        Some(url) => url,
        None => config(global)?.database_url,
    };
    Ok(Store::open(&url).await?)
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
    assemble_with(config, (templates, store), clock)
}

/// The same with templates and a database that are open already.
pub(super) fn assemble_with(
    config: Config,
    (templates, store): (Templates, Store),
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Engine> {
    let (keyring, transport) = (keyring(&config)?, transport(&config));
    Ok(Engine {
        store,
        clock,
        config: Arc::new(config),
        templates: Arc::new(templates),
        keyring: Arc::new(keyring),
        transport,
    })
}

/// The keys that sign links.
pub(super) fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    Keyring::new(config.tracking.keys.iter().copied())
        .context("the keys that sign links cannot be used")
}

/// The way out.
pub(super) fn transport(config: &Config) -> Arc<Transport> {
    Arc::new(match &config.delivery {
        Delivery::Relays(relays) => Transport::to_relays(relays),
        Delivery::Folder(folder) => Transport::Folder(folder.clone()),
    })
}

/// Fails if a campaign has no template that its readers could get.
pub(super) fn refuse_missing_templates(
    config: &Config,
    templates: &Templates,
) -> anyhow::Result<()> {
    let missing = missing_templates(config, templates);
    if missing.is_empty() { Ok(()) } else { Err(Usage(missing.join("\n")).into()) }
}

/// A campaign needs its template in the default language at least.
pub(super) fn missing_templates(config: &Config, templates: &Templates) -> Vec<String> {
    let default = &config.defaults.locale;
    let is_missing = |campaign: &Campaign, name: &str| {
        let mut locales = std::iter::once(default).chain(&campaign.audience.locales);
        locales.all(|locale| templates.find(name, locale, default).is_none())
    };
    let known: Vec<_> = templates.names().collect();
    let mut said = Vec::new();
    for campaign in &config.rules.campaigns {
        for name in campaign.templates().filter(|name| is_missing(campaign, name)) {
            let (place, known) = (&campaign.place, known.join(", "));
            said.push(format!(
                "{place}: template: there is no template `{name}` in {default}; there are {known}"
            ));
        }
    }
    said
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
