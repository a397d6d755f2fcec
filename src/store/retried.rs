//! What earlier attempts say of mails that are tried again.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{StoreError, Tx, instant, json, on_tx};
use crate::domain::{EnhancedStatus, Phase, Refusal, Reply};

/// The past of one mail.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) first_tried_at: Option<DateTime<Utc>>,
    /// The relay of the last attempt and how it refused, if it did.
    pub(super) refused_by: Option<(String, Refusal)>,
    /// The relays that cannot carry its address.
    pub(super) cannot_carry: Vec<String>,
}

#[derive(Debug, FromRow)]
struct AttemptRow {
    outreach_id: i64,
    no: i64,
    began_at: i64,
    relay: Option<String>,
    phase: Option<String>,
    code: Option<i64>,
    enhanced: Option<String>,
    reply: String,
}

impl Tx {
    /// The pasts of `mails`, each with the number of the attempt that begins now, above 1.
    pub(super) async fn pasts(
        &mut self,
        mails: &[(i64, i64)],
    ) -> Result<HashMap<i64, Past>, StoreError> {
        if mails.is_empty() {
            return Ok(HashMap::new());
        }
        let sql =
            "select a.outreach_id, a.no, a.began_at, a.relay, a.phase, a.code, a.enhanced, a.reply
                   from json_each($1) as mail
                   join attempts a on a.outreach_id = cast(mail.value->>0 as bigint)
                   where a.no in (1, cast(mail.value->>1 as bigint) - 1)
                       or a.code >= 500";
        let rows = json(&mails);
        let rows: Vec<AttemptRow> =
            on_tx!(self, conn => sqlx::query_as(sql).bind(rows).fetch_all(conn).await?);
        let attempt_of: HashMap<i64, i64> = mails.iter().copied().collect();
        let mut pasts: HashMap<i64, Past> = HashMap::new();
        for row in rows {
            let past = pasts.entry(row.outreach_id).or_default();
            if row.no == 1 {
                past.first_tried_at = instant(row.began_at);
            }
            let is_last = attempt_of.get(&row.outreach_id) == Some(&(row.no + 1));
            let refusal = row.refusal();
            if let Some((relay, Refusal::Uncarried)) = &refusal {
                past.cannot_carry.push(relay.clone());
            }
            if is_last {
                past.refused_by = refusal;
            }
        }
        Ok(pasts)
    }
}

impl AttemptRow {
    fn refusal(self) -> Option<(String, Refusal)> {
        let phase = Phase::from_name(&self.phase?)?;
        let reply = reply(self.code, self.enhanced.as_deref(), &self.reply)?;
        Some((self.relay?, Refusal::of(phase, &reply)))
    }
}

/// The reply that an attempt ended with; `None` if there was none.
pub(super) fn reply(code: Option<i64>, enhanced: Option<&str>, text: &str) -> Option<Reply> {
    let code = u16::try_from(code?).ok()?;
    let enhanced = enhanced.and_then(|text| Some(EnhancedStatus::split(text)?.0));
    Some(Reply { code, enhanced, text: text.to_owned() })
}
