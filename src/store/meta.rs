//! Single values that belong to the whole database.
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, Tx, execute, on_pool};
use crate::domain::doctor::Must;

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

/// Why no mail is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What mail waits for: everything that was found broken.
    pub by: Vec<Must>,
}

/// Under which the daemon's word is known.
const CONFIGURATION: &str = "configuration";
const HELD_BACK: &str = "held_back";

impl Store {
    /// The value of `key`, if it has one.
    pub(super) async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        let sql = "select value from meta where key = $1";
        Ok(on_pool!(self, pool => sqlx::query_scalar(sql).bind(key).fetch_optional(pool).await?))
    }

    /// What the daemon said last of its configuration; `None` if no daemon ever ran, or if a newer
    /// program said it in other words.
    pub async fn configuration_note(&self) -> Result<Option<ConfigurationNote>, StoreError> {
        Ok(self.meta(CONFIGURATION).await?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// What mail waits for, as a daemon found it last, if it does; `None` as well if a newer program
    /// said it in other words, since whoever sends looks for itself.
    pub async fn held_back(&self) -> Result<Option<HeldBack>, StoreError> {
        Ok(self.meta(HELD_BACK).await?.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

impl Tx {
    /// Writes down what the daemon says of its configuration.
    pub async fn note_configuration(&mut self, note: &ConfigurationNote) -> Result<(), StoreError> {
        self.put_meta(CONFIGURATION, &super::json(note)).await.map(|_| ())
    }

    /// Writes down what mail waits for, or that it waits for nothing.
    pub async fn hold_back(&mut self, held_back: Option<&HeldBack>) -> Result<(), StoreError> {
        if let Some(held_back) = held_back {
            self.put_meta(HELD_BACK, &super::json(held_back)).await?;
        } else {
            execute!(self, "delete from meta where key = $1", HELD_BACK);
        }
        Ok(())
    }

    /// Returns whether the value is another one than before.
    pub(super) async fn put_meta(
        &mut self,
        key: &'static str,
        value: &str,
    ) -> Result<bool, StoreError> {
        let sql = "insert into meta (key, value) values ($1, $2)
                   on conflict (key) do update set value = excluded.value
                   where meta.value <> excluded.value";
        Ok(execute!(self, sql, key, value) > 0)
    }
}
