//! What rules classify by.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::FromRow;

use super::{Store, StoreError, day_text, json_keys, on_pool, parsed_option};
use crate::domain::{AccountId, ContactId, Engagement, Facts, WantedFacts, typical_gap_days};

/// The days that count as "the last twelve months", and as "the last year" of clicks.
const YEAR_DAYS: u64 = 365;
/// The days in which mails are counted.
const MAILS_DAYS: u64 = 90;

/// A contact with what it is classified by.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactFacts {
    /// Who.
    pub contact: ContactId,
    /// The contact's account.
    pub account: Option<AccountId>,
    /// What is known.
    pub facts: Facts,
    /// What the account bought in the last 365 days, in hundredths.
    pub value_cents: i64,
    /// When classification was last asked for, if it was.
    pub(super) asked_at: Option<i64>,
}

#[derive(Debug, FromRow)]
struct ContactRow {
    id: i64,
    account_id: Option<i64>,
    level: Option<i64>,
    country: Option<String>,
    locale: Option<String>,
    industry: Option<String>,
    rep: Option<String>,
    potential_cents: Option<i64>,
    cooperation_since: Option<String>,
    engagement: String,
    attributes: String,
    account_attributes: Option<String>,
    asked_at: Option<i64>,
}

#[derive(Debug, FromRow)]
struct AccountRow {
    id: i64,
    country: Option<String>,
    industry: Option<String>,
    rep: Option<String>,
    potential_cents: Option<i64>,
    cooperation_since: Option<String>,
    attributes: String,
}

#[derive(Debug, Default, FromRow)]
struct OrderSums {
    account_id: i64,
    amount_cents: i64,
    amount_before_cents: i64,
    profit_cents: i64,
    orders: i64,
    orders_ever: i64,
    last_order_on: Option<String>,
    last_delivery_on: Option<String>,
    contract_ends_on: Option<String>,
}

/// What is known of accounts by their orders and contracts.
#[derive(Debug, Default)]
struct Business {
    sums: HashMap<i64, OrderSums>,
    gaps: HashMap<i64, i64>,
}

macro_rules! facts_sql {
    ($condition:literal) => {
        concat!(include_str!("sql/facts_page.sql"), $condition, " order by c.id")
    };
}

impl Store {
    /// Up to `limit` contacts after `after`, by id, with their facts as of `today`; only those whose
    /// facts have changed if `stale_only`. Facts that are not `wanted` are left at nothing, and so
    /// are percentiles.
    pub async fn facts(
        &self,
        after: ContactId,
        stale_only: bool,
        today: NaiveDate,
        (limit, wanted): (u32, WantedFacts),
    ) -> Result<Vec<ContactFacts>, StoreError> {
        let sql = if stale_only {
            facts_sql!(
                "where c.id in (select distinct contact_id from classify_due
                                where contact_id > $1 order by contact_id limit $2)"
            )
        } else {
            facts_sql!("where c.id in (select id from contacts where id > $1 order by id limit $2)")
        };
        let rows: Vec<ContactRow> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(after.0).bind(i64::from(limit)).fetch_all(pool).await?);
        let accounts: BTreeSet<_> = rows.iter().filter_map(|row| row.account_id).collect();
        let business = self.business(&accounts, today, wanted).await?;
        let contacts = json_keys(rows.iter().map(|row| row.id));
        let mails = self.mails(wanted.mails.then_some(&contacts), today).await?;
        let clicks = self.clicks(wanted.clicks.then_some(&contacts), today).await?;
        rows.into_iter()
            .map(|row| {
                let (contact, account, asked_at) =
                    (ContactId(row.id), row.account_id, row.asked_at);
                let mut facts = row.facts()?;
                let value_cents = business.add_to(&mut facts, account)?;
                facts.mails_90d = mails.get(&contact.0).copied().unwrap_or(0);
                facts.clicks_365d = clicks.get(&contact.0).copied().unwrap_or(0);
                let account = account.map(AccountId);
                Ok(ContactFacts { contact, account, facts, value_cents, asked_at })
            })
            .collect()
    }

    /// The facts of up to `limit` accounts after `after`, by id, as of `today`; what belongs to
    /// contacts alone is left at nothing.
    pub async fn account_facts(
        &self,
        after: AccountId,
        today: NaiveDate,
        (limit, wanted): (u32, WantedFacts),
    ) -> Result<Vec<(AccountId, Facts)>, StoreError> {
        let sql = "select a.id, a.country, a.industry, r.email as rep, a.potential_cents,
                          a.cooperation_since, a.attributes
                   from accounts a
                   left join reps r on r.id = a.rep_id
                   where a.id > $1
                   order by a.id
                   limit $2";
        let rows: Vec<AccountRow> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(after.0).bind(i64::from(limit)).fetch_all(pool).await?);
        let accounts: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        let business = self.business(&accounts, today, wanted).await?;
        rows.into_iter()
            .map(|row| {
                let account = row.id;
                let mut facts = row.facts()?;
                business.add_to(&mut facts, Some(account))?;
                Ok((AccountId(account), facts))
            })
            .collect()
    }

    async fn business(
        &self,
        accounts: &BTreeSet<i64>,
        today: NaiveDate,
        wanted: WantedFacts,
    ) -> Result<Business, StoreError> {
        if accounts.is_empty() {
            return Ok(Business::default());
        }
        let sql = include_str!("sql/facts_of_accounts.sql");
        let ids = json_keys(accounts.iter());
        let (since, before) =
            (day_text(today - Days::new(YEAR_DAYS)), day_text(today - Days::new(2 * YEAR_DAYS)));
        let sums: Vec<OrderSums> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(&ids).bind(since).bind(day_text(today)).bind(before).fetch_all(pool).await?);
        let gaps = if wanted.gaps { self.gaps(&ids, today).await? } else { HashMap::new() };
        Ok(Business { sums: sums.into_iter().map(|sums| (sums.account_id, sums)).collect(), gaps })
    }

    /// The typical gap between orders of each account in `ids` that has one.
    async fn gaps(&self, ids: &str, today: NaiveDate) -> Result<HashMap<i64, i64>, StoreError> {
        let sql = "select account_id, ordered_on from orders
                   where account_id in (select cast(value->>0 as bigint) from json_each($1))
                     and ordered_on <= $2
                   group by account_id, ordered_on";
        let rows: Vec<(i64, String)> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(ids).bind(day_text(today)).fetch_all(pool).await?);
        let mut days: HashMap<i64, Vec<NaiveDate>> = HashMap::new();
        for (account, day) in rows {
            let day = super::parsed(&day, "orders", account, "ordered_on")?;
            days.entry(account).or_default().push(day);
        }
        let gap = |(account, days)| Some((account, typical_gap_days(days)?));
        Ok(days.into_iter().filter_map(gap).collect())
    }

    /// How many mails each of these contacts was sent lately.
    async fn mails(
        &self,
        contacts: Option<&String>,
        today: NaiveDate,
    ) -> Result<HashMap<i64, i64>, StoreError> {
        let sql = "select contact_id, count(*) from outreach
                   where contact_id in (select cast(value->>0 as bigint) from json_each($1))
                     and state = 'sent' and settled_at >= $2
                   group by contact_id";
        self.counts(sql, contacts, today - Days::new(MAILS_DAYS)).await
    }

    /// How many links each of these contacts followed within a year.
    async fn clicks(
        &self,
        contacts: Option<&String>,
        today: NaiveDate,
    ) -> Result<HashMap<i64, i64>, StoreError> {
        let sql = "select o.contact_id, count(*) from outreach o
                   join feedback f on f.outreach_id = o.id
                   where o.contact_id in (select cast(value->>0 as bigint) from json_each($1))
                     and f.kind = 'click' and f.first_at >= $2
                   group by o.contact_id";
        self.counts(sql, contacts, today - Days::new(YEAR_DAYS)).await
    }

    async fn counts(
        &self,
        sql: &'static str,
        contacts: Option<&String>,
        since: NaiveDate,
    ) -> Result<HashMap<i64, i64>, StoreError> {
        let Some(contacts) = contacts else { return Ok(HashMap::new()) };
        let since = since.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
        let counts: Vec<(i64, i64)> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(contacts).bind(since).fetch_all(pool).await?);
        Ok(counts.into_iter().collect())
    }
}

impl Business {
    /// Adds what is known of `account`, and gives back what it bought, in hundredths.
    fn add_to(&self, facts: &mut Facts, account: Option<i64>) -> Result<i64, StoreError> {
        let Some(account) = account else { return Ok(0) };
        facts.typical_gap_days = self.gaps.get(&account).copied();
        let Some(sums) = self.sums.get(&account) else { return Ok(0) };
        let day = |text: &Option<String>, table, column| {
            parsed_option(text.as_ref(), table, account, column)
        };
        facts.revenue_12m = whole_units(sums.amount_cents);
        facts.revenue_prev_12m = whole_units(sums.amount_before_cents);
        facts.profit_12m = whole_units(sums.profit_cents);
        facts.orders_12m = sums.orders;
        facts.order_count = sums.orders_ever;
        facts.last_order_on = day(&sums.last_order_on, "orders", "ordered_on")?;
        facts.last_delivery_on = day(&sums.last_delivery_on, "orders", "delivered_on")?;
        facts.contract_ends_on = day(&sums.contract_ends_on, "contracts", "ends_on")?;
        Ok(sums.amount_cents)
    }
}

impl ContactRow {
    fn facts(self) -> Result<Facts, StoreError> {
        let mut attributes = self.account_attributes.as_deref().map(attributes).unwrap_or_default();
        attributes.extend(self::attributes(&self.attributes));
        let engagement = engagement(&self.engagement, self.id)?;
        let since = self.cooperation_since.as_ref();
        Ok(Facts {
            potential: whole_units(self.potential_cents.unwrap_or(0)),
            cooperation_since: parsed_option(since, "accounts", self.id, "cooperation_since")?,
            level: self.level.and_then(|level| u8::try_from(level).ok()),
            country: self.country.unwrap_or_default(),
            locale: self.locale.unwrap_or_default(),
            industry: self.industry.unwrap_or_default(),
            rep: self.rep.unwrap_or_default(),
            last_human_on: engagement.last_human_at.map(|at: DateTime<Utc>| at.date_naive()),
            interval_days: engagement.interval_days,
            attributes,
            ..Facts::default()
        })
    }
}

impl AccountRow {
    fn facts(self) -> Result<Facts, StoreError> {
        let since = self.cooperation_since.as_ref();
        Ok(Facts {
            potential: whole_units(self.potential_cents.unwrap_or(0)),
            cooperation_since: parsed_option(since, "accounts", self.id, "cooperation_since")?,
            country: self.country.unwrap_or_default(),
            industry: self.industry.unwrap_or_default(),
            rep: self.rep.unwrap_or_default(),
            attributes: attributes(&self.attributes),
            ..Facts::default()
        })
    }
}

/// Nearly everybody's, of which there is nothing to read.
const NOTHING: &str = "{}";

fn attributes(text: &str) -> BTreeMap<String, String> {
    if text == NOTHING { BTreeMap::new() } else { serde_json::from_str(text).unwrap_or_default() }
}

fn engagement(text: &str, contact: i64) -> Result<Engagement, StoreError> {
    if text == NOTHING {
        return Ok(Engagement::default());
    }
    let corrupt = StoreError::Corrupt { table: "contacts", id: contact, column: "engagement" };
    serde_json::from_str(text).map_err(|_| corrupt)
}

/// Hundredths as units of the list's currency.
#[expect(clippy::cast_precision_loss, reason = "sums of money stay far below 2^53 hundredths")]
fn whole_units(cents: i64) -> f64 {
    cents as f64 / 100.0
}
