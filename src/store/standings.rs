//! Where contacts stand, how they came there, and whom to classify anew.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{
    ContactFacts, Store, StoreError, Tx, decisions::decide_at_once_sql, execute, instant, json,
    json_keys, on_pool, read_all,
};
use crate::domain::{ContactId, Population, Standing, TierMove};

/// The statement that asks, as of `$2`, for the classification of the contacts for which a condition
/// over `$1` holds.
macro_rules! classify_sql {
    ($condition:literal) => {
        concat!(
            "insert into classify_due (contact_id, asked_at)
             select id, cast($2 as bigint) from contacts where ",
            $condition,
            " order by id on conflict (contact_id, asked_at) do nothing"
        )
    };
}
pub(super) use classify_sql;

/// Where a contact stands in all schemes, with what its account bought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stood {
    /// What the account bought in the last 365 days, in hundredths.
    pub value_cents: i64,
    /// In the order of the schemes.
    pub standings: Vec<Standing>,
}

/// A standing as it is stored: scheme, tier, since, reason.
type Stored = (String, String, i64, String);

#[derive(Debug, FromRow)]
struct MoveRow {
    id: i64,
    contact_id: i64,
    scheme: String,
    from_tier: String,
    to_tier: String,
    at: i64,
    reason: String,
}

/// Under which the rules that all contacts were classified by are known.
const CLASSIFIED_BY: &str = "classified_by";
/// Under which the last survey is known.
const POPULATION: &str = "population";

impl Store {
    /// Where these contacts stand, by contact.
    pub async fn standings(
        &self,
        contacts: impl Iterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, Vec<Standing>>, StoreError> {
        let stood = self.stood(contacts).await?;
        Ok(stood.into_iter().map(|(contact, stood)| (contact, stood.standings)).collect())
    }

    /// Where these contacts stand, by contact, with their values.
    pub async fn stood(
        &self,
        contacts: impl Iterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, Stood>, StoreError> {
        let ids = json_keys(contacts.map(|contact| contact.0));
        let rows: Vec<(i64, i64, String)> = read_all!(
            self,
            (contact_id, value_cents, standings),
            "select contact_id, value_cents, standings from standings
             where contact_id in (select cast(value->>0 as bigint) from json_each($1))",
            ids
        );
        rows.into_iter()
            .map(|(id, value_cents, text)| {
                let corrupt =
                    || StoreError::Corrupt { table: "standings", id, column: "standings" };
                let stored: Vec<Stored> = serde_json::from_str(&text).map_err(|_| corrupt())?;
                let standings = stored.into_iter().map(|(scheme, tier, since, reason)| {
                    let since = instant(since).ok_or_else(corrupt)?;
                    Ok(Standing { scheme, tier, since, reason })
                });
                let standings = standings.collect::<Result<_, StoreError>>()?;
                Ok((ContactId(id), Stood { value_cents, standings }))
            })
            .collect()
    }

    /// Every move of a contact from one tier to another, the latest first.
    pub async fn moves(&self, contact: ContactId) -> Result<Vec<TierMove>, StoreError> {
        let sql = "select id, contact_id, scheme, from_tier, to_tier, at, reason from tier_moves
                   where contact_id = $1 order by at desc, id desc";
        let rows: Vec<MoveRow> =
            on_pool!(self, pool => sqlx::query_as(sql).bind(contact.0).fetch_all(pool).await?);
        rows.into_iter().map(|row| Ok(row.read()?.1)).collect()
    }

    /// Every contact's moves from `since` on, the earliest first.
    pub async fn moves_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<(ContactId, TierMove)>, StoreError> {
        let sql = "select id, contact_id, scheme, from_tier, to_tier, at, reason from tier_moves
                   where at >= $1 order by at, id";
        let rows: Vec<MoveRow> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(since.timestamp_millis()).fetch_all(pool).await?);
        rows.into_iter().map(MoveRow::read).collect()
    }

    /// The last survey of all accounts, if it is still good.
    pub async fn population(&self) -> Result<Option<Population>, StoreError> {
        let text = self.meta(POPULATION).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// When every contact was last classified, if that was by the rules with this `fingerprint`.
    pub async fn classified(&self, fingerprint: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let known = self.meta(CLASSIFIED_BY).await?;
        let known = known.as_deref().and_then(|text| text.split_once(' '));
        let ours = known.filter(|(rules, _)| *rules == fingerprint);
        Ok(ours.and_then(|(_, ms)| super::instant(ms.parse().ok()?)))
    }

    /// Whether anybody is to be classified anew.
    pub async fn has_classification_due(&self) -> Result<bool, StoreError> {
        let sql = "select contact_id from classify_due limit 1";
        let found: Option<i64> =
            on_pool!(self, pool => sqlx::query_scalar(sql).fetch_optional(pool).await?);
        Ok(found.is_some())
    }
}

impl Tx {
    /// Writes down where contacts stand now, in all schemes.
    pub async fn put_standings(
        &mut self,
        standings: &[(ContactId, Stood)],
    ) -> Result<(), StoreError> {
        if standings.is_empty() {
            return Ok(());
        }
        let sql = include_str!("sql/standings_write.sql");
        let stored = |s: &Standing| {
            (s.scheme.clone(), s.tier.clone(), s.since.timestamp_millis(), s.reason.clone())
        };
        let rows: Vec<(i64, i64, String)> = standings
            .iter()
            .map(|(contact, stood)| {
                let all: Vec<Stored> = stood.standings.iter().map(stored).collect();
                (contact.0, stood.value_cents, json(&all))
            })
            .collect();
        let rows = json(&rows);
        execute!(self, sql, rows);
        Ok(())
    }

    /// Adds to the history of moves.
    pub async fn add_moves(&mut self, moves: &[(ContactId, TierMove)]) -> Result<(), StoreError> {
        if moves.is_empty() {
            return Ok(());
        }
        let sql = "insert into tier_moves (contact_id, scheme, from_tier, to_tier, at, reason)
                   select cast(value->>0 as bigint), value->>1, value->>2, value->>3,
                          cast(value->>4 as bigint), value->>5
                   from json_each($1)";
        let rows: Vec<_> = moves
            .iter()
            .map(|(contact, m)| {
                (contact.0, &m.scheme, &m.from, &m.to, m.at.timestamp_millis(), &m.reason)
            })
            .collect();
        let rows = json(&rows);
        execute!(self, sql, rows);
        Ok(())
    }

    /// Notes that these contacts are classified; those that moved are decided on anew. What was
    /// asked for after their facts were read is still to be done.
    pub async fn classified(
        &mut self,
        contacts: &[ContactFacts],
        moved: &[ContactId],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let settled: Vec<_> = contacts
            .iter()
            .filter_map(|contact| Some((contact.contact.0, contact.asked_at?)))
            .collect();
        if !settled.is_empty() {
            // Requests of one contact are few; those up to the one that was seen are looked up by
            // contact.
            let sql = "delete from classify_due where (contact_id, asked_at) in (
                           select d.contact_id, d.asked_at
                           from json_each($1) as seen
                           join classify_due d on d.contact_id = cast(seen.value->>0 as bigint)
                           where d.asked_at <= cast(seen.value->>1 as bigint))";
            let rows = json(&settled);
            execute!(self, sql, rows);
        }
        if moved.is_empty() {
            return Ok(());
        }
        self.decide_at_once(moved.iter().copied(), now).await
    }

    /// Asks for the classification of these contacts.
    pub async fn classify_at_once(
        &mut self,
        contacts: impl Iterator<Item = ContactId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = classify_sql!("id in (select cast(value->>0 as bigint) from json_each($1))");
        let ids = json_keys(contacts.map(|contact| contact.0));
        execute!(self, sql, ids, now.timestamp_millis());
        Ok(())
    }

    /// Has every contact decided on anew, for the rules have changed. Returns whether they had, as
    /// told by their `fingerprint`.
    pub async fn adopt_rules(
        &mut self,
        fingerprint: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let changed = self.put_meta("rules", fingerprint).await?;
        if changed {
            let sql = decide_at_once_sql!("id > cast($1 as bigint)");
            execute!(self, sql, "0", now.timestamp_millis());
        }
        Ok(changed)
    }

    /// Notes that every contact was classified by the rules with this `fingerprint`.
    pub async fn all_classified_by(
        &mut self,
        fingerprint: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let value = format!("{fingerprint} {}", now.timestamp_millis());
        self.put_meta(CLASSIFIED_BY, &value).await.map(|_| ())
    }

    /// Keeps a survey of all accounts.
    pub async fn put_population(&mut self, population: &Population) -> Result<(), StoreError> {
        self.put_meta(POPULATION, &json(population)).await.map(|_| ())
    }

    /// Has all accounts surveyed anew before anybody is classified.
    pub(super) async fn forget_population(&mut self) -> Result<(), StoreError> {
        let sql = "delete from meta where key = $1";
        execute!(self, sql, POPULATION);
        Ok(())
    }
}

impl MoveRow {
    fn read(self) -> Result<(ContactId, TierMove), StoreError> {
        let corrupt = StoreError::Corrupt { table: "tier_moves", id: self.id, column: "at" };
        let (scheme, from, to, reason) = (self.scheme, self.from_tier, self.to_tier, self.reason);
        let at = instant(self.at).ok_or(corrupt)?;
        Ok((ContactId(self.contact_id), TierMove { scheme, from, to, at, reason }))
    }
}
