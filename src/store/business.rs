//! Orders, contracts and touches as files bring them in.
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use super::{CONTACTS_BY_ID, Change, StoreError, Tx, day_text, import::Keyed, on_tx};
use crate::domain::{
    AccountId, ContactId, ContractRecord, OrderRecord, RepId, TouchKind, TouchRecord,
};

#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
struct OrderRow {
    key: String,
    account_id: i64,
    ordered_on: String,
    delivered_on: Option<String>,
    amount_cents: i64,
    profit_cents: Option<i64>,
}

impl Keyed for OrderRow {
    const SELECT: &'static str = "select key, account_id, ordered_on, delivered_on, amount_cents,
                profit_cents
         from orders
         where key in (select value->>0 from json_each($1))";
    const WRITE: &'static str = include_str!("sql/orders_write.sql");

    fn key(&self) -> &str {
        &self.key
    }

    fn over(self, old: &Self) -> Self {
        Self {
            delivered_on: self.delivered_on.or_else(|| old.delivered_on.clone()),
            profit_cents: self.profit_cents.or(old.profit_cents),
            ..self
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
struct ContractRow {
    key: String,
    account_id: i64,
    starts_on: String,
    ends_on: String,
    value_cents: Option<i64>,
}

impl Keyed for ContractRow {
    const SELECT: &'static str = "select key, account_id, starts_on, ends_on, value_cents
         from contracts
         where key in (select value->>0 from json_each($1))";
    const WRITE: &'static str = include_str!("sql/contracts_write.sql");

    fn key(&self) -> &str {
        &self.key
    }

    fn over(self, old: &Self) -> Self {
        Self { value_cents: self.value_cents.or(old.value_cents), ..self }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
struct TouchRow {
    key: String,
    contact_id: i64,
    kind: String,
    at: i64,
    rep_id: Option<i64>,
    outcome: Option<String>,
}

impl Keyed for TouchRow {
    const SELECT: &'static str = "select key, contact_id, kind, at, rep_id, outcome
         from touches
         where key in (select value->>0 from json_each($1))";
    const WRITE: &'static str = include_str!("sql/touches_write.sql");

    fn key(&self) -> &str {
        &self.key
    }

    fn over(self, old: &Self) -> Self {
        Self {
            rep_id: self.rep_id.or(old.rep_id),
            outcome: self.outcome.or_else(|| old.outcome.clone()),
            ..self
        }
    }
}

impl Tx {
    /// Brings orders in, each with its account.
    pub async fn import_orders(
        &mut self,
        records: &[(OrderRecord, AccountId)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows = records.iter().map(|(order, account)| OrderRow {
            key: order.key.clone(),
            account_id: account.0,
            ordered_on: day_text(order.ordered_on),
            delivered_on: order.delivered_on.map(day_text),
            amount_cents: order.amount_cents,
            profit_cents: order.profit_cents,
        });
        self.upsert(rows.collect(), now).await
    }

    /// Brings contracts in, each with its account.
    pub async fn import_contracts(
        &mut self,
        records: &[(ContractRecord, AccountId)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows = records.iter().map(|(contract, account)| ContractRow {
            key: contract.key.clone(),
            account_id: account.0,
            starts_on: day_text(contract.starts_on),
            ends_on: day_text(contract.ends_on),
            value_cents: contract.value_cents,
        });
        self.upsert(rows.collect(), now).await
    }

    /// Brings touches in, each with its contact and rep. A mail among them moves the contact's last
    /// mail, and with it the next check-in; whoever was touched is decided on anew.
    pub async fn import_touches(
        &mut self,
        records: &[(TouchRecord, ContactId, Option<RepId>)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let rows: Vec<_> = records
            .iter()
            .map(|(touch, contact, rep)| TouchRow {
                key: touch.key(),
                contact_id: contact.0,
                kind: touch.kind.as_str().to_owned(),
                at: touch.at.timestamp_millis(),
                rep_id: rep.map(|rep| rep.0),
                outcome: touch.outcome.clone(),
            })
            .collect();
        let mails: Vec<_> = records
            .iter()
            .filter(|(touch, ..)| touch.kind == TouchKind::Email && touch.at <= now)
            .map(|(touch, contact, _)| [contact.0, touch.at.timestamp_millis()])
            .collect();
        let changes = self.upsert(rows, now).await?;
        let sql = include_str!("sql/contacts_mailed.sql");
        let mails = super::json(&mails);
        self.take_contacts(CONTACTS_BY_ID, &mails).await?;
        let mailed: Vec<i64> =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(mails).fetch_all(conn).await?);
        // A visit may be a reason to write, too.
        let news = records.iter().zip(&changes).filter(|(_, change)| **change != Change::Unchanged);
        let touched = news.map(|((_, contact, _), _)| *contact);
        self.decide_at_once(mailed.into_iter().map(ContactId).chain(touched), now).await?;
        Ok(changes)
    }
}
