//! What happened between us and an account, as far as decisions look at it.
use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{Store, StoreError, day_text, json_keys, on_pool};
use crate::domain::{ContactId, Deed, DeedKind, Needs, Term};

/// Contracts and orders by account.
#[derive(Debug, Default)]
pub(super) struct BusinessPast {
    terms: HashMap<i64, Vec<Term>>,
    orders: HashMap<i64, Vec<Deed>>,
}

impl BusinessPast {
    /// What concerns the contacts of one account.
    pub(super) fn of(&self, account: Option<i64>) -> (Vec<Term>, Vec<Deed>) {
        let terms = account.and_then(|account| self.terms.get(&account)).cloned();
        let orders = account.and_then(|account| self.orders.get(&account)).cloned();
        (terms.unwrap_or_default(), orders.unwrap_or_default())
    }
}

/// How long ago a contract may have ended that still matters: a win-back after a year is no
/// milestone any more.
const TERM_DAYS: u64 = 400;

impl Store {
    /// Reads what `needs` asks for of these accounts, as of `today`.
    pub(super) async fn business_past(
        &self,
        accounts: impl Iterator<Item = i64>,
        needs: &Needs,
        today: NaiveDate,
    ) -> Result<BusinessPast, StoreError> {
        let accounts: std::collections::BTreeSet<_> = accounts.collect();
        let accounts = json_keys(accounts.iter());
        let terms = async {
            if !needs.terms {
                return Ok(HashMap::new());
            }
            self.terms(&accounts, today - Days::new(TERM_DAYS)).await
        };
        let orders = async {
            if !needs.orders {
                return Ok(HashMap::new());
            }
            self.orders_since(&accounts, first_day(needs, today)).await
        };
        let (terms, orders) = tokio::try_join!(terms, orders)?;
        Ok(BusinessPast { terms, orders })
    }

    /// The touches of these contacts that `needs` asks for, by contact, as of `today`.
    pub(super) async fn touches_that_matter(
        &self,
        contacts: &[ContactId],
        needs: &Needs,
        today: NaiveDate,
    ) -> Result<HashMap<ContactId, Vec<Deed>>, StoreError> {
        if !needs.touches {
            return Ok(HashMap::new());
        }
        let contacts = json_keys(contacts.iter().map(|contact| contact.0));
        self.touches_since(&contacts, first_day(needs, today)).await
    }

    /// When the contact was last touched before `now`, by the kind of touch.
    pub async fn last_touches(
        &self,
        contact: ContactId,
        now: DateTime<Utc>,
    ) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let sql = "select kind, max(at) from touches where contact_id = $1 and at <= $2
                   group by kind";
        let rows: Vec<(String, i64)> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(contact.0).bind(now.timestamp_millis()).fetch_all(pool).await?);
        Ok(rows.into_iter().filter_map(|(kind, at)| Some((kind, super::instant(at)?))).collect())
    }

    async fn terms(
        &self,
        accounts: &str,
        since: NaiveDate,
    ) -> Result<HashMap<i64, Vec<Term>>, StoreError> {
        let sql = "select id, account_id, starts_on, ends_on from contracts
                   where account_id in (select cast(value->>0 as bigint) from json_each($1))
                     and ends_on >= $2
                   order by account_id, ends_on, id";
        let rows: Vec<(i64, i64, String, String)> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(accounts).bind(day_text(since)).fetch_all(pool).await?);
        let mut found: HashMap<i64, Vec<Term>> = HashMap::new();
        for (id, account, starts_on, ends_on) in rows {
            let starts_on = super::parsed(&starts_on, "contracts", id, "starts_on")?;
            let ends_on = super::parsed(&ends_on, "contracts", id, "ends_on")?;
            found.entry(account).or_default().push(Term { starts_on, ends_on });
        }
        Ok(found)
    }

    async fn orders_since(
        &self,
        accounts: &str,
        since: NaiveDate,
    ) -> Result<HashMap<i64, Vec<Deed>>, StoreError> {
        let sql = "select id, account_id, ordered_on, delivered_on from orders
                   where account_id in (select cast(value->>0 as bigint) from json_each($1))
                     and (ordered_on >= $2 or delivered_on >= $2)
                   order by account_id, ordered_on, id";
        let rows: Vec<(i64, i64, String, Option<String>)> = on_pool!(self, pool =>
            sqlx::query_as(sql).bind(accounts).bind(day_text(since)).fetch_all(pool).await?);
        let mut found: HashMap<i64, Vec<Deed>> = HashMap::new();
        for (id, account, ordered_on, delivered_on) in rows {
            let deeds = found.entry(account).or_default();
            let on = super::parsed(&ordered_on, "orders", id, "ordered_on")?;
            deeds.push(Deed { kind: DeedKind::Order, on });
            let delivered =
                super::parsed_option(delivered_on.as_ref(), "orders", id, "delivered_on")?;
            deeds.extend(delivered.map(|on| Deed { kind: DeedKind::Delivery, on }));
        }
        Ok(found)
    }

    async fn touches_since(
        &self,
        contacts: &str,
        since: NaiveDate,
    ) -> Result<HashMap<ContactId, Vec<Deed>>, StoreError> {
        let sql = "select id, contact_id, kind, at from touches
                   where contact_id in (select cast(value->>0 as bigint) from json_each($1))
                     and at >= $2
                   order by contact_id, at, id";
        let ms = since.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
        let rows: Vec<(i64, i64, String, i64)> = on_pool!(self, pool =>
            sqlx::query_as(sql).bind(contacts).bind(ms).fetch_all(pool).await?);
        let mut found: HashMap<ContactId, Vec<Deed>> = HashMap::new();
        for (id, contact, kind, at) in rows {
            let corrupt = StoreError::Corrupt { table: "touches", id, column: "at" };
            let on = super::instant(at).ok_or(corrupt)?.date_naive();
            let deed = DeedKind::from_name(&kind).map(|kind| Deed { kind, on });
            found.entry(ContactId(contact)).or_default().extend(deed);
        }
        Ok(found)
    }
}

/// The first day on which a deed may have been done that still matters.
fn first_day(needs: &Needs, today: NaiveDate) -> NaiveDate {
    let back = Days::new(needs.deed_days.max(0).cast_unsigned());
    today.checked_sub_days(back).unwrap_or(NaiveDate::MIN)
}
