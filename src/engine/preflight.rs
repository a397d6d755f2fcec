//! Looks whether mail may leave at all, before the first one and each day.
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::time::timeout;
use tracing::warn;

use super::{Engine, EngineError, Patient, examine};
use crate::{
    config::Delivery,
    domain::doctor::{Finding, Preflight, Soundness, broken_musts},
    lookup::Lookup,
    store::HeldBack,
};

/// How long all of it may take; what is not known then was not looked at.
const PATIENCE: Duration = Duration::from_mins(1);

type Looking = Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>;

/// Who looks, and how it is said what was found. Cheap to clone.
#[derive(Clone)]
pub struct Inspector {
    look: Arc<dyn Fn(Engine) -> Looking + Send + Sync>,
    say: fn(&Finding) -> String,
}

impl Inspector {
    /// One who asks what `lookup` makes, anew each time, since a machine may come to another network,
    /// and who logs what `say` says of a finding: what was found, and what to do.
    pub fn new<L: Lookup>(
        lookup: impl Fn() -> L + Send + Sync + 'static,
        say: fn(&Finding) -> String,
    ) -> Self {
        let look = move |engine: Engine| -> Looking {
            let lookup = lookup();
            Box::pin(async move {
                let patient = Patient {
                    config: &engine.config,
                    store: Ok(engine.store.clone()),
                    clock: &*engine.clock,
                    is_real_time: engine.clock.is_real(),
                };
                examine(&patient, Some(&lookup), &|| ()).await
            })
        };
        Self { look: Arc::new(look), say }
    }
}

/// What an inspection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// What mail waits for, if it does.
    pub held_back: Option<HeldBack>,
    /// What is broken, whether mail waits for it or not, in words.
    pub broken: Vec<String>,
}

impl Engine {
    /// Looks at everything that mail depends on, and writes down what it waits for. Nobody is asked if
    /// mail goes into a folder, if the configuration says so, or if somebody made our time up.
    pub async fn inspect(&self, inspector: &Inspector) -> Result<Inspected, EngineError> {
        if !self.clock.is_real() {
            return Ok(Inspected::default());
        }
        let known = self.store.held_back().await?;
        let preflight = match &self.config.delivery {
            Delivery::Relays(_) => self.config.preflight,
            Delivery::Folder(_) => Preflight::Off,
        };
        if preflight == Preflight::Off {
            self.hold_back(known.as_ref(), None).await?;
            return Ok(Inspected::default());
        }
        let before = known.as_ref().map_or(&[][..], |known| &known.by);
        let looked = timeout(PATIENCE, (inspector.look)(self.clone())).await;
        let (broken, by) = if let Ok(findings) = looked {
            let is_broken = |finding: &&Finding| finding.soundness() == Soundness::Broken;
            let broken = findings.iter().filter(is_broken).map(inspector.say).collect();
            (broken, broken_musts(&findings, before))
        } else {
            warn!("Whether mail would arrive could not be found out within {PATIENCE:?}");
            (Vec::new(), before.to_vec())
        };
        let since = known.as_ref().map_or_else(|| self.clock.now(), |known| known.since);
        let holds = preflight == Preflight::Block && !by.is_empty();
        let held_back = holds.then_some(HeldBack { since, by });
        self.hold_back(known.as_ref(), held_back.as_ref()).await?;
        Ok(Inspected { held_back, broken })
    }

    /// Writes down what mail waits for, if that has changed.
    async fn hold_back(
        &self,
        known: Option<&HeldBack>,
        held_back: Option<&HeldBack>,
    ) -> Result<(), EngineError> {
        if known == held_back {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        tx.hold_back(held_back).await?;
        Ok(tx.commit().await?)
    }
}
