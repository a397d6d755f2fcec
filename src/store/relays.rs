//! What is known of each relay beyond a restart, shared by all daemons on one database.
use std::collections::HashMap;

use super::{Store, StoreError, Tx, TxInner, execute, json_keys, on_pool, on_tx};

impl Store {
    /// What is known of each relay, by its name.
    pub async fn relay_states(&self) -> Result<HashMap<String, String>, StoreError> {
        let sql = "select name, state from relays";
        let rows: Vec<(String, String)> =
            on_pool!(self, pool => sqlx::query_as(sql).fetch_all(pool).await?);
        Ok(rows.into_iter().collect())
    }
}

impl Tx {
    /// What is known of these relays, by name; nothing of one that was not used yet. Nobody else
    /// changes it until this transaction ends.
    pub async fn relay_states(
        &mut self,
        names: &[&str],
    ) -> Result<HashMap<String, String>, StoreError> {
        let names = json_keys(names.iter());
        if let TxInner::Postgres(tx) = &mut self.inner {
            // A row that is not there cannot be locked.
            let sql = "insert into relays (name, state)
                       select value->>0, '' from json_each($1) where true
                       order by 1 on conflict (name) do nothing";
            sqlx::query(sql).bind(&names).execute(&mut **tx).await?;
        }
        let sql = self.dialect(
            "select name, state from relays where name in (select value->>0 from json_each($1))",
            "select name, state from relays where name in (select value->>0 from json_each($1))
             order by name for update",
        );
        let rows: Vec<(String, String)> =
            on_tx!(self, conn => sqlx::query_as(sql).bind(&names).fetch_all(conn).await?);
        Ok(rows.into_iter().filter(|(_, state)| !state.is_empty()).collect())
    }

    /// Writes down what is known of a relay now.
    pub async fn put_relay_state(&mut self, name: &str, state: &str) -> Result<(), StoreError> {
        let sql = "insert into relays (name, state) values ($1, $2)
                   on conflict (name) do update set state = excluded.state";
        execute!(self, sql, name, state);
        Ok(())
    }
}
