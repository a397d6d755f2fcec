//! The mails of one contact, for whoever asks what became of them.
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::FromRow;

use super::{Store, StoreError, instant, on_pool, parsed, retried::reply};
use crate::domain::{ContactId, OutreachId, OutreachState, Phase, Refusal};

/// A mail that is past its planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMail {
    /// The mail.
    pub outreach: OutreachId,
    /// The campaign's key.
    pub campaign: String,
    /// The occasion's civil day.
    pub day: NaiveDate,
    /// Where it stands.
    pub state: OutreachState,
    /// When it was to leave.
    pub due_at: DateTime<Utc>,
    /// How its last attempt ended, if there was one.
    pub last: Option<LastAttempt>,
    /// What the report said with which it came back, if it did.
    pub came_back: Option<CameBack>,
}

/// A delivery report that says that a mail was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameBack {
    /// When it was taken in.
    pub at: DateTime<Utc>,
    /// What was wrong.
    pub refusal: Option<Refusal>,
    /// The server's words.
    pub words: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAttempt {
    /// Its number, 1 for the first.
    pub no: u32,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The relay, if it came to one.
    pub relay: Option<String>,
    /// What the relay's refusal means, if it refused.
    pub refusal: Option<Refusal>,
    /// The relay's words with their codes, or why there are none.
    pub words: String,
}

#[derive(Debug, FromRow)]
struct Row {
    id: i64,
    campaign: String,
    occasion_on: String,
    state: String,
    due_at: i64,
    no: Option<i64>,
    ended_at: Option<i64>,
    relay: Option<String>,
    phase: Option<String>,
    code: Option<i64>,
    enhanced: Option<String>,
    reply: Option<String>,
    back_at: Option<i64>,
    back_refusal: Option<String>,
    back_words: Option<String>,
}

impl Store {
    /// The latest `limit` mails of a contact that are past their planning, the latest first.
    pub async fn past_mails(
        &self,
        contact: ContactId,
        limit: u32,
    ) -> Result<Vec<PastMail>, StoreError> {
        let sql =
            "select o.id, o.campaign, o.occasion_on, o.state, o.due_at, a.no, a.ended_at, a.relay,
                          a.phase, a.code, a.enhanced, a.reply,
                          f.first_at as back_at, f.refusal as back_refusal, f.words as back_words
                   from outreach o
                   left join attempts a on a.outreach_id = o.id
                       and a.no = (select max(no) from attempts where outreach_id = o.id)
                   left join feedback f on f.outreach_id = o.id and f.kind = 'bounce'
                   where o.contact_id = $1 and o.state <> 'planned'
                   order by o.due_at desc, o.id desc
                   limit $2";
        let rows: Vec<Row> = on_pool!(self, pool => sqlx::query_as(sql)
            .bind(contact.0).bind(i64::from(limit)).fetch_all(pool).await?);
        rows.into_iter().map(Row::mail).collect()
    }
}

impl Row {
    fn mail(self) -> Result<PastMail, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "outreach", id: self.id, column };
        Ok(PastMail {
            outreach: OutreachId(self.id),
            day: parsed(&self.occasion_on, "outreach", self.id, "occasion_on")?,
            state: OutreachState::from_name(&self.state).ok_or(corrupt("state"))?,
            due_at: instant(self.due_at).ok_or(corrupt("due_at"))?,
            campaign: self.campaign.clone(),
            came_back: self.came_back(),
            last: self.last(),
        })
    }

    fn came_back(&self) -> Option<CameBack> {
        Some(CameBack {
            at: instant(self.back_at?)?,
            refusal: self.back_refusal.as_deref().and_then(Refusal::from_name),
            words: self.back_words.clone().unwrap_or_default(),
        })
    }

    fn last(self) -> Option<LastAttempt> {
        let text = self.reply?;
        let reply = reply(self.code, self.enhanced.as_deref(), &text);
        let phase = self.phase.as_deref().and_then(Phase::from_name);
        Some(LastAttempt {
            no: u32::try_from(self.no?).ok()?,
            ended_at: instant(self.ended_at?)?,
            relay: self.relay,
            refusal: phase.zip(reply.as_ref()).map(|(phase, reply)| Refusal::of(phase, reply)),
            words: reply.map_or(text, |reply| reply.to_string()),
        })
    }
}
