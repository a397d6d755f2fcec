//! What came back from a mail.
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Store, StoreError, Tx, execute, on_pool, on_tx, parsed, parsed_option};
use crate::domain::{ContactId, EmailAddress, Engagement, Feedback, Locale, OutreachId};

/// The mail and the contact that a piece of feedback is about.
#[derive(Debug, Clone)]
pub struct FeedbackTarget {
    /// The mail.
    pub outreach: OutreachId,
    /// The contact.
    pub contact: ContactId,
    /// The contact's address.
    pub email: EmailAddress,
    /// The contact's language, if one is known.
    pub locale: Option<Locale>,
    /// Whether opens and clicks may be recorded, if the contact said so.
    pub may_track: Option<bool>,
}

#[derive(Debug, FromRow)]
struct TargetRow {
    id: i64,
    email: String,
    locale: Option<String>,
    may_track: Option<i64>,
}

impl Store {
    /// The mail with this identity and its contact, if there is one.
    pub async fn feedback_target(
        &self,
        outreach: OutreachId,
    ) -> Result<Option<FeedbackTarget>, StoreError> {
        let sql = "select c.id, c.email, c.locale, c.may_track
                   from outreach o
                   join contacts c on c.id = o.contact_id
                   where o.id = $1";
        let row: Option<TargetRow> = on_pool!(self, pool => sqlx::query_as(sql).bind(outreach.0).fetch_optional(pool).await?);
        row.map(|row| {
            Ok(FeedbackTarget {
                outreach,
                contact: ContactId(row.id),
                email: parsed(&row.email, "contacts", row.id, "email")?,
                locale: parsed_option(row.locale.as_ref(), "contacts", row.id, "locale")?,
                may_track: row.may_track.map(|yes| yes != 0),
            })
        })
        .transpose()
    }

    /// The destination of link `no` of a mail, if it has such a link.
    pub async fn link(&self, outreach: OutreachId, no: u16) -> Result<Option<String>, StoreError> {
        let sql = "select url from links where outreach_id = $1 and no = $2";
        Ok(on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(outreach.0).bind(i64::from(no)).fetch_optional(pool).await?))
    }
}

impl Tx {
    /// Counts a piece of feedback. Returns whether the mail had none of its kind before, whatever
    /// the link.
    pub async fn count_feedback(
        &mut self,
        outreach: OutreachId,
        feedback: Feedback,
        link_no: u16,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        // PostgreSQL lets two writers in at once, and both would be the first.
        let sql = self.dialect(
            "select id from outreach where id = $1",
            "select id from outreach where id = $1 for no key update",
        );
        execute!(self, sql, outreach.0);
        let sql = "select count(*) from feedback where outreach_id = $1 and kind = $2";
        let known: i64 = on_tx!(self, conn => sqlx::query_scalar(sql)
            .bind(outreach.0).bind(feedback.as_str()).fetch_one(conn).await?);
        let sql = "insert into feedback (outreach_id, kind, link_no, first_at, last_at, times)
                   values ($1, $2, $3, $4, $4, 1)
                   on conflict (outreach_id, kind, link_no) do update set
                       last_at = excluded.last_at,
                       times = feedback.times + 1";
        execute!(
            self,
            sql,
            outreach.0,
            feedback.as_str(),
            i64::from(link_no),
            at.timestamp_millis()
        );
        Ok(known == 0)
    }

    /// What a contact's behaviour said so far. Nobody else changes it until this transaction ends.
    pub async fn engagement(&mut self, contact: ContactId) -> Result<Engagement, StoreError> {
        let sql = self.dialect(
            "select engagement from contacts where id = $1",
            "select engagement from contacts where id = $1 for update",
        );
        let text: String =
            on_tx!(self, conn => sqlx::query_scalar(sql).bind(contact.0).fetch_one(conn).await?);
        let corrupt =
            StoreError::Corrupt { table: "contacts", id: contact.0, column: "engagement" };
        serde_json::from_str(&text).map_err(|_| corrupt)
    }

    /// Writes down what a contact's behaviour says now, and has the contact classified and decided
    /// on anew.
    pub async fn put_engagement(
        &mut self,
        contact: ContactId,
        engagement: &Engagement,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "update contacts set engagement = $2 where id = $1";
        let text = super::json(engagement);
        execute!(self, sql, contact.0, text);
        self.classify_at_once([contact].into_iter(), now).await?;
        self.decide_at_once([contact].into_iter(), now).await
    }
}
