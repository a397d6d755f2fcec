//! What a daemon left behind, and work that one daemon does for all.
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Store, StoreError, Tx, execute, json, json_keys, on_pool, on_tx};
use crate::domain::{ContactId, MOST_STRIKES, OutreachId};

/// What was taken back from daemons that let their leases end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Mails that are ready again, since nothing of them had left.
    pub ready: u64,
    /// Mails whose content may have left.
    pub in_doubt: Vec<OutreachId>,
    /// Mails that nobody touches any more.
    pub quarantined: Vec<OutreachId>,
}

/// What is recorded of an attempt that nobody lived to see the end of.
pub(super) const UNSEEN: &str = "the daemon stopped before the relay's answer was written down";

#[derive(Debug, FromRow)]
struct TakenBack {
    id: i64,
    contact_id: i64,
    state: String,
}

impl Store {
    /// Whether mails may leave now that daemons broke down with.
    pub async fn has_struck(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let sql = "select id from outreach
                   where state = 'ready' and strikes > 0 and next_at <= $1 limit 1";
        let waits: Option<i64> = on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(now.timestamp_millis()).fetch_optional(pool).await?);
        Ok(waits.is_some())
    }
}

impl Tx {
    /// Takes back what a daemon left behind whose lease has ended: a claimed mail is ready again,
    /// since nothing left, until daemons have broken down with it too often; one whose content may
    /// have left is in doubt.
    pub async fn recover(&mut self, now: DateTime<Utc>) -> Result<Recovered, StoreError> {
        let ms = now.timestamp_millis();
        // The number of an attempt in which nothing happened is given to the next one.
        let sql = "update outreach
                   set state = case when strikes + 1 >= $2 then 'quarantined' else 'ready' end,
                       settled_at = case when strikes + 1 >= $2 then $1 end,
                       strikes = strikes + 1, attempt = attempt - 1,
                       lease_token = null, lease_until = null
                   where state = 'claimed' and lease_until <= $1
                   returning id, contact_id, state";
        let back: Vec<TakenBack> = on_tx!(self, conn => sqlx::query_as(sql)
            .bind(ms).bind(i64::from(MOST_STRIKES)).fetch_all(conn).await?);
        let (quarantined, ready): (Vec<_>, Vec<_>) =
            back.into_iter().partition(|row| row.state == "quarantined");
        let contacts = quarantined.iter().map(|row| ContactId(row.contact_id));
        if !quarantined.is_empty() {
            self.decide_at_once(contacts, now).await?;
        }
        Ok(Recovered {
            ready: ready.len() as u64,
            in_doubt: self.doubt_unseen(now).await?,
            quarantined: quarantined.iter().map(|row| OutreachId(row.id)).collect(),
        })
    }

    /// Puts what was being sent under a lease that has ended in doubt, and writes down the attempts
    /// that nobody saw the end of.
    async fn doubt_unseen(&mut self, now: DateTime<Utc>) -> Result<Vec<OutreachId>, StoreError> {
        // The token is read before it is taken away; `returning` would show the row after that.
        let sql = self.dialect(
            "select id, attempt, lease_token from outreach
             where state = 'sending' and lease_until <= $1",
            "select id, attempt, lease_token from outreach
             where state = 'sending' and lease_until <= $1 order by id for update skip locked",
        );
        let ms = now.timestamp_millis();
        let rows: Vec<(i64, i64, Option<i64>)> =
            on_tx!(self, conn => sqlx::query_as(sql).bind(ms).fetch_all(conn).await?);
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "update outreach
                   set state = 'in_doubt', settled_at = $2, lease_token = null, lease_until = null
                   where id in (select cast(value->>0 as bigint) from json_each($1))";
        let ids = json_keys(rows.iter().map(|(id, ..)| id));
        execute!(self, sql, ids, ms);
        let sql = "insert into attempts (outreach_id, no, lease_token, began_at, ended_at, verdict, reply)
                   select cast(value->>0 as bigint), cast(value->>1 as bigint),
                          cast(value->>2 as bigint), cast($2 as bigint), cast($2 as bigint),
                          'in_doubt', $3
                   from json_each($1)";
        let attempts = json(&rows);
        execute!(self, sql, attempts, ms, UNSEEN);
        let doubts: Vec<_> = rows.iter().map(|(id, attempt, _)| (*id, *attempt)).collect();
        self.open_doubts(&doubts, now).await?;
        Ok(rows.into_iter().map(|(id, ..)| OutreachId(id)).collect())
    }

    /// Keeps the leases of a daemon that is alive and has not come to these mails yet.
    pub async fn renew(
        &mut self,
        lease_tokens: &[i64],
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "update outreach set lease_until = $2
                   where state = 'claimed'
                     and lease_token in (select cast(value->>0 as bigint) from json_each($1))";
        let tokens = json_keys(lease_tokens.iter());
        execute!(self, sql, tokens, until.timestamp_millis());
        Ok(())
    }

    /// Takes on, or keeps, the work called `name` for `holder` until `until`. Returns the token
    /// under which it is held, or nothing if another daemon does it. A row and no lock of the
    /// session, so that it holds behind a pooler of connections too.
    pub async fn take_duty(
        &mut self,
        name: &str,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "insert into duties (name, holder, token, held_until) values ($1, $2, 1, $4)
                   on conflict (name) do update set
                       holder = excluded.holder,
                       token = duties.token
                           + case when duties.holder = excluded.holder then 0 else 1 end,
                       held_until = excluded.held_until
                   where duties.holder = excluded.holder or duties.held_until <= $3
                   returning token";
        let (now, until) = (now.timestamp_millis(), until.timestamp_millis());
        Ok(on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(name).bind(holder).bind(now).bind(until).fetch_optional(conn).await?))
    }

    /// Gives the work called `name` up, so that another daemon need not wait.
    pub async fn leave_duty(&mut self, name: &str, holder: &str) -> Result<(), StoreError> {
        let sql = "update duties set held_until = 0 where name = $1 and holder = $2";
        execute!(self, sql, name, holder);
        Ok(())
    }
}
