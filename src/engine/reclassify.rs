//! Brings everybody's standing in line with the facts and the rules.
use tracing::info;

use super::{Engine, EngineError, PAGE};
use crate::domain::{ContactId, Evaluator, Facts, Standing};

/// What a round of classification did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclassified {
    /// Contacts that were looked at.
    pub considered: u64,
    /// Contacts that stand elsewhere now.
    pub moved: u64,
}

impl Engine {
    /// Puts the rules of the configuration in force and classifies those whose facts or rules have
    /// changed. Costs one query if nothing has.
    pub async fn refresh(&self) -> Result<Reclassified, EngineError> {
        let mut tx = self.store.begin().await?;
        let changed = tx.adopt_rules(&self.config.rules_fingerprint, self.clock.now()).await?;
        if changed {
            let keys: Vec<_> =
                self.config.rules.schemes.iter().map(|scheme| scheme.key.clone()).collect();
            tx.drop_schemes_except(&keys).await?;
        }
        tx.commit().await?;
        self.reclassify(true).await
    }

    /// Classifies every contact, or only those whose facts have changed if `stale_only`.
    #[tracing::instrument(name = "engine.reclassify", skip_all, err)]
    pub async fn reclassify(&self, stale_only: bool) -> Result<Reclassified, EngineError> {
        let now = self.clock.now();
        let today = now.with_timezone(&self.config.defaults.zone).date_naive();
        let evaluator = Evaluator::new();
        let mut done = Reclassified::default();
        let mut after = ContactId(0);
        loop {
            let page = self.store.facts(after, stale_only, today, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            let contacts: Vec<_> = page.iter().map(|(contact, _)| *contact).collect();
            let known = self.store.standings(contacts.iter().copied()).await?;

            let mut changes = Vec::new();
            for (contact, facts) in &page {
                let stood = known.get(contact).map_or(&[][..], Vec::as_slice);
                let fresh = self.standings(&evaluator, facts, today);
                changes.extend(fresh.into_iter().filter_map(|(scheme, tier, reason)| {
                    let same = |old: &&Standing| old.scheme == scheme && old.tier == tier;
                    let standing =
                        Standing { scheme: scheme.clone(), tier: tier.clone(), since: now, reason };
                    (!stood.iter().any(|old| same(&old))).then_some((*contact, standing))
                }));
            }

            let mut moved: Vec<_> = changes.iter().map(|(contact, _)| *contact).collect();
            moved.dedup();
            let mut tx = self.store.begin().await?;
            tx.put_standings(&changes).await?;
            tx.classified(&contacts, &moved, now).await?;
            tx.commit().await?;
            done.considered += contacts.len() as u64;
            done.moved += moved.len() as u64;
        }
        if done.considered > 0 {
            let Reclassified { considered, moved } = done;
            info!(considered, moved, "Classified {considered} contacts, {moved} of them moved");
        }
        Ok(done)
    }

    /// Scheme, tier and reason of each scheme for a contact with these facts.
    fn standings(
        &self,
        evaluator: &Evaluator,
        facts: &Facts,
        today: chrono::NaiveDate,
    ) -> Vec<(String, String, String)> {
        let classify = |scheme: &crate::domain::Scheme| {
            let (tier, reason) = scheme.classify(evaluator, facts, today);
            (scheme.key.clone(), tier.key.clone(), reason)
        };
        self.config.rules.schemes.iter().map(classify).collect()
    }
}
