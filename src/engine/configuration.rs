//! What became of the configuration on disk, for whoever asks from outside the daemon.
use super::{Engine, EngineError};
use crate::store::ConfigurationNote;

impl Engine {
    /// Notes that the configuration of this engine is in force, or why the newer one on disk is
    /// not: `refused` holds what is wrong with it, one line each.
    pub async fn note_configuration(&self, refused: Vec<String>) -> Result<(), EngineError> {
        let now = self.clock.now();
        let known = self.store.configuration_note().await?;
        let since = known.filter(|_| !refused.is_empty()).map_or(now, |note| note.since);
        let refused_at = (!refused.is_empty()).then_some(now);
        let mut tx = self.store.begin().await?;
        tx.note_configuration(&ConfigurationNote { since, refused_at, refused }).await?;
        Ok(tx.commit().await?)
    }
}
