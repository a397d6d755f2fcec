//! Counts for people who look.
use chrono::{DateTime, Utc};

use super::{Store, StoreError, on_pool};
use crate::domain::{Locale, OutreachState};

/// How many rows of the ledger are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerCount {
    /// The state.
    pub state: OutreachState,
    /// Rows in it.
    pub rows: i64,
    /// When the one that waits longest was to leave.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

/// How much of everything there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Totals {
    /// Contacts.
    pub contacts: i64,
    /// Accounts.
    pub accounts: i64,
    /// Reps.
    pub reps: i64,
    /// Orders.
    pub orders: i64,
    /// Contracts.
    pub contracts: i64,
    /// Touches.
    pub touches: i64,
    /// Suppressed addresses.
    pub suppressed: i64,
    /// Mails of which at least one open was recorded.
    pub opened: i64,
    /// Mails of which at least one click was recorded.
    pub clicked: i64,
    /// Mails that came back.
    pub bounced: i64,
}

impl Store {
    /// The ledger by state; states without rows are left out.
    pub async fn ledger(&self) -> Result<Vec<LedgerCount>, StoreError> {
        let sql = "select state, count(*), min(due_at) from outreach group by state";
        let rows: Vec<(String, i64, i64)> =
            on_pool!(self, pool => sqlx::query_as(sql).fetch_all(pool).await?);
        let mut counts = rows
            .into_iter()
            .map(|(state, rows, oldest)| {
                let state = OutreachState::from_name(&state).ok_or(StoreError::Corrupt {
                    table: "outreach",
                    id: 0,
                    column: "state",
                })?;
                Ok(LedgerCount { state, rows, oldest_due_at: super::instant(oldest) })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        counts.sort_by_key(|count| count.state);
        Ok(counts)
    }

    /// The languages that contacts have, each once.
    pub async fn locales(&self) -> Result<Vec<Locale>, StoreError> {
        let sql = "select min(id), locale from contacts where locale is not null
                   group by locale order by locale";
        let rows: Vec<(i64, String)> =
            on_pool!(self, pool => sqlx::query_as(sql).fetch_all(pool).await?);
        rows.iter().map(|(id, tag)| super::parsed(tag, "contacts", *id, "locale")).collect()
    }

    /// How much of everything there is.
    pub async fn totals(&self) -> Result<Totals, StoreError> {
        let sql = include_str!("sql/totals.sql");
        Ok(on_pool!(self, pool => sqlx::query_as(sql).fetch_one(pool).await?))
    }
}
