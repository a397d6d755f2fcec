//! Single values that belong to the whole database.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, Tx, execute, on_pool};

/// What a running daemon says of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationNote {
    /// Since when the one in force is in force.
    pub since: DateTime<Utc>,
    /// When a newer one was refused, if one was.
    pub refused_at: Option<DateTime<Utc>>,
    /// What is wrong with that one.
    pub refused: Vec<String>,
}

impl Store {
    /// What the daemon said last of its configuration; `None` if no daemon ever ran, or if a newer
    /// program said it in other words.
    pub async fn configuration_note(&self) -> Result<Option<ConfigurationNote>, StoreError> {
        let sql = "select value from meta where key = 'configuration'";
        let text: Option<String> =
            on_pool!(self, pool => sqlx::query_scalar(sql).fetch_optional(pool).await?);
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

impl Tx {
    /// Writes down what the daemon says of its configuration.
    pub async fn note_configuration(&mut self, note: &ConfigurationNote) -> Result<(), StoreError> {
        let sql = "insert into meta (key, value) values ('configuration', $1)
                   on conflict (key) do update set value = excluded.value";
        let text = super::json(note);
        execute!(self, sql, text);
        Ok(())
    }
}
