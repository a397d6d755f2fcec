//! What came back from a mail.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{Store, StoreError, Tx, execute, json_keys, on_pool, on_tx, parsed, parsed_option};
use crate::domain::{
    ContactId, EmailAddress, Engagement, Feedback, Judged, Locale, OutreachId, Refusal,
};

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

    /// Whether feedback of this kind is on record for a mail.
    pub async fn has_feedback(
        &self,
        outreach: OutreachId,
        feedback: Feedback,
    ) -> Result<bool, StoreError> {
        let sql = "select count(*) from feedback where outreach_id = $1 and kind = $2";
        let known: i64 = on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(outreach.0).bind(feedback.as_str()).fetch_one(pool).await?);
        Ok(known > 0)
    }

    /// The destination of link `no` of a mail, if it has such a link.
    pub async fn link(&self, outreach: OutreachId, no: u16) -> Result<Option<String>, StoreError> {
        let sql = "select urls from links where outreach_id = $1";
        let urls: Option<String> = on_pool!(self, pool => sqlx::query_scalar(sql)
            .bind(outreach.0).fetch_optional(pool).await?);
        let Some(urls) = urls else { return Ok(None) };
        let mut urls: Vec<String> = serde_json::from_str(&urls)
            .map_err(|_| StoreError::Corrupt { table: "links", id: outreach.0, column: "urls" })?;
        let no = usize::from(no);
        Ok((no < urls.len()).then(|| urls.swap_remove(no)))
    }

    /// In how many of their mails these contacts have followed a link.
    pub async fn clicked_mails(
        &self,
        contacts: impl Iterator<Item = ContactId>,
    ) -> Result<HashMap<ContactId, u32>, StoreError> {
        let sql = "select o.contact_id, count(distinct o.id)
                   from outreach o
                   join feedback f on f.outreach_id = o.id and f.kind = 'click'
                   where o.contact_id in (select cast(value->>0 as bigint) from json_each($1))
                   group by o.contact_id";
        let ids = json_keys(contacts.map(|contact| contact.0));
        let rows: Vec<(i64, i64)> =
            on_pool!(self, pool => sqlx::query_as(sql).bind(ids).fetch_all(pool).await?);
        let count = |mails| u32::try_from(mails).unwrap_or(u32::MAX);
        Ok(rows.into_iter().map(|(id, mails)| (ContactId(id), count(mails))).collect())
    }

    /// The share of all sent mails in which a link was followed, 0 to 1; 0 where none was sent.
    pub async fn click_rate(&self) -> Result<f64, StoreError> {
        let sql = "select
                       (select count(distinct outreach_id) from feedback where kind = 'click'),
                       (select count(*) from outreach where state = 'sent')";
        let (clicked, sent): (i64, i64) =
            on_pool!(self, pool => sqlx::query_as(sql).fetch_one(pool).await?);
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        Ok(if sent == 0 { 0.0 } else { clicked as f64 / sent as f64 })
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

    /// Writes down what a server reports of a mail. Returns false, and leaves everything as it is, if
    /// a report of its kind is on record for the mail.
    pub async fn note_report(
        &mut self,
        outreach: OutreachId,
        report: &Judged,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "insert into feedback
                       (outreach_id, kind, link_no, first_at, last_at, times, refusal, words)
                   values ($1, $2, 0, $3, $3, 1, $4, $5)
                   on conflict (outreach_id, kind, link_no) do nothing";
        let (kind, refusal) = (report.feedback.as_str(), report.refusal.map(Refusal::as_str));
        let added =
            execute!(self, sql, outreach.0, kind, at.timestamp_millis(), refusal, &report.words);
        Ok(added == 1)
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
