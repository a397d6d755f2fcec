//! What rules classify by, and the standings that come of it.
use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::FromRow;

use super::{
    CONTACTS_BY_ID, Store, StoreError, Tx, contacts_in_order, day_text,
    decisions::decide_at_once_sql, execute, json, json_keys, on_pool, parsed_option,
};
use crate::domain::{ContactId, Facts, Standing};

/// The days that count as "the last twelve months".
const YEAR_DAYS: u64 = 365;

#[derive(Debug, FromRow)]
struct FactRow {
    id: i64,
    account_id: Option<i64>,
    level: Option<i64>,
    country: Option<String>,
    locale: Option<String>,
    industry: Option<String>,
    potential_cents: Option<i64>,
    cooperation_since: Option<String>,
    attributes: String,
    account_attributes: Option<String>,
}

#[derive(Debug, Default, FromRow)]
struct OrderSums {
    account_id: i64,
    amount_cents: i64,
    profit_cents: i64,
    orders: i64,
    last_order_on: Option<String>,
    contract_ends_on: Option<String>,
}

impl Store {
    /// The facts of up to `limit` contacts after `after`, by id, as of `today`; only of those whose
    /// facts have changed if `stale_only`.
    pub async fn facts(
        &self,
        after: ContactId,
        stale_only: bool,
        today: NaiveDate,
        limit: u32,
    ) -> Result<Vec<(ContactId, Facts)>, StoreError> {
        let sql = include_str!("sql/facts_page.sql");
        let (floor, limit) = (i64::from(stale_only), i64::from(limit));
        let rows: Vec<FactRow> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(after.0).bind(floor).bind(limit).fetch_all(pool).await?);
        let sums = self.order_sums(&rows, today).await?;
        rows.into_iter()
            .map(|row| {
                let sums = row.account_id.and_then(|account| sums.get(&account));
                Ok((ContactId(row.id), row.facts(sums)?))
            })
            .collect()
    }

    async fn order_sums(
        &self,
        rows: &[FactRow],
        today: NaiveDate,
    ) -> Result<HashMap<i64, OrderSums>, StoreError> {
        let accounts: std::collections::BTreeSet<_> =
            rows.iter().filter_map(|row| row.account_id).collect();
        let sql = include_str!("sql/facts_of_accounts.sql");
        let (ids, since) = (json_keys(accounts.iter()), day_text(today - Days::new(YEAR_DAYS)));
        let sums: Vec<OrderSums> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(ids).bind(since).bind(day_text(today)).fetch_all(pool).await?);
        Ok(sums.into_iter().map(|sums| (sums.account_id, sums)).collect())
    }

    /// Where these contacts stand, by contact.
    pub async fn standings(
        &self,
        contacts: impl Iterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, Vec<Standing>>, StoreError> {
        let sql = "select contact_id, scheme, tier, since, reason from standings
                   where contact_id in (select cast(value->>0 as bigint) from json_each($1))
                   order by contact_id, scheme";
        let ids = json_keys(contacts.map(|contact| contact.0));
        let rows: Vec<(i64, String, String, i64, String)> =
            on_pool!(self, pool => sqlx::query_as(sql).bind(ids).fetch_all(pool).await?);
        let mut found: HashMap<ContactId, Vec<Standing>> = HashMap::new();
        for (contact, scheme, tier, since, reason) in rows {
            let since = super::instant(since).ok_or(StoreError::Corrupt {
                table: "standings",
                id: contact,
                column: "since",
            })?;
            let standing = Standing { scheme, tier, since, reason };
            found.entry(ContactId(contact)).or_default().push(standing);
        }
        Ok(found)
    }
}

impl Tx {
    /// Writes down where contacts stand now.
    pub async fn put_standings(
        &mut self,
        standings: &[(ContactId, Standing)],
    ) -> Result<(), StoreError> {
        let sql = include_str!("sql/standings_write.sql");
        let rows: Vec<_> = standings
            .iter()
            .map(|(contact, s)| {
                (contact.0, &s.scheme, &s.tier, s.since.timestamp_millis(), &s.reason)
            })
            .collect();
        let rows = json(&rows);
        execute!(self, sql, rows);
        Ok(())
    }

    /// Notes that these contacts are classified; those that moved are decided on anew.
    pub async fn classified(
        &mut self,
        contacts: &[ContactId],
        moved: &[ContactId],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "update contacts set reclassify = 0
                   where id in (select cast(value->>0 as bigint) from json_each($1))";
        let ids = json_keys(contacts.iter().map(|contact| contact.0));
        self.take_contacts(CONTACTS_BY_ID, &ids).await?;
        execute!(self, sql, ids);
        self.decide_at_once(moved.iter().copied(), now).await
    }

    /// Has every contact classified and decided on anew, for the rules have changed. Returns
    /// whether they had, as told by their `fingerprint`.
    pub async fn adopt_rules(
        &mut self,
        fingerprint: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "insert into meta (key, value) values ('rules', $1)
                   on conflict (key) do update set value = excluded.value
                   where meta.value <> excluded.value";
        let changed = execute!(self, sql, fingerprint);
        if changed > 0 {
            let everybody = contacts_in_order!("id > cast($1 as bigint)");
            self.take_contacts(everybody, "0").await?;
            let sql = "update contacts set reclassify = 1";
            execute!(self, sql);
            let sql = decide_at_once_sql!("id > cast($1 as bigint)");
            execute!(self, sql, "0", now.timestamp_millis());
        }
        Ok(changed > 0)
    }

    /// Forgets standings in schemes that the rules do not have any more.
    pub async fn drop_schemes_except(&mut self, schemes: &[String]) -> Result<(), StoreError> {
        let sql = "delete from standings
                   where scheme not in (select value->>0 from json_each($1))";
        let keys = json_keys(schemes.iter());
        execute!(self, sql, keys);
        Ok(())
    }
}

impl FactRow {
    fn facts(self, sums: Option<&OrderSums>) -> Result<Facts, StoreError> {
        let attributes = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let mut all: std::collections::BTreeMap<String, String> =
            self.account_attributes.as_deref().map(attributes).unwrap_or_default();
        let own: std::collections::BTreeMap<String, String> = attributes(&self.attributes);
        all.extend(own);
        let since = self.cooperation_since.as_ref();
        let last = sums.and_then(|sums| sums.last_order_on.as_ref());
        let ends = sums.and_then(|sums| sums.contract_ends_on.as_ref());
        Ok(Facts {
            revenue_12m: whole_units(sums.map_or(0, |sums| sums.amount_cents)),
            profit_12m: whole_units(sums.map_or(0, |sums| sums.profit_cents)),
            orders_12m: sums.map_or(0, |sums| sums.orders),
            last_order_on: parsed_option(last, "orders", self.id, "ordered_on")?,
            potential: whole_units(self.potential_cents.unwrap_or(0)),
            cooperation_since: parsed_option(since, "accounts", self.id, "cooperation_since")?,
            contract_ends_on: parsed_option(ends, "contracts", self.id, "ends_on")?,
            level: self.level.and_then(|level| u8::try_from(level).ok()),
            country: self.country.unwrap_or_default(),
            locale: self.locale.unwrap_or_default(),
            industry: self.industry.unwrap_or_default(),
            attributes: all,
        })
    }
}

/// Hundredths as units of the list's currency.
#[expect(clippy::cast_precision_loss, reason = "sums of money stay far below 2^53 hundredths")]
fn whole_units(cents: i64) -> f64 {
    cents as f64 / 100.0
}
