//! A campaign's mail to one contact, to look at or to send as a test.
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{
    Engine, EngineError,
    letter::{Identity, Occasion, Stamp, event_of},
};
use crate::{
    domain::{Campaign, EmailAddress, Envelope, Event, Outcome, OutreachId, next_occurrence},
    mail::{Kind, Rendered},
    store::LetterFacts,
};

/// A mail as a contact would get it. Its links belong to no outreach, so following them counts
/// nowhere.
#[derive(Clone)]
pub struct Preview {
    /// Subject, text and HTML.
    pub rendered: Rendered,
    /// The message, headers included.
    pub eml: Vec<u8>,
}

/// Outreach 0 does not exist: what its links report is not kept.
pub(super) const NOBODY: Identity =
    Identity { outreach: OutreachId(0), nonce: 0, issued_on: NaiveDate::MIN };

impl Engine {
    /// The campaign called `key`.
    pub fn campaign(&self, key: &str) -> Result<&Campaign, EngineError> {
        let campaigns = &self.config.rules.campaigns;
        campaigns.iter().find(|campaign| campaign.key == key).ok_or_else(|| {
            let known: Vec<_> = campaigns.iter().map(|campaign| campaign.key.as_str()).collect();
            EngineError::NoSuchCampaign(key.to_owned(), known.join(", "))
        })
    }

    /// The mail of campaign `key` that `address` would get on its next occasion.
    pub async fn preview(&self, key: &str, address: &EmailAddress) -> Result<Preview, EngineError> {
        let campaign = self.campaign(key)?;
        let explanation = self.explain(address).await?;
        let now = explanation.now;
        let next = next_occurrence(&self.config.rules, &explanation.contact, campaign, now);
        let occasion = Occasion {
            campaign,
            day: next.map_or_else(|| day_of(campaign, now.date_naive()), |next| next.day),
            years: next.and_then(|next| next.years),
        };
        let identity = Identity { issued_on: now.date_naive(), ..NOBODY };
        let draft = self.render(&explanation.facts, occasion, identity)?;
        let eml = self.message(&explanation.facts, campaign, &draft, identity)?;
        Ok(Preview { rendered: draft.rendered, eml })
    }

    /// Sends the mail of campaign `key`, marked as a test, to `address`. It is in no statistic.
    /// It is written as to the contact `like`, or else as to a reader of whom nothing is known.
    pub async fn send_test(
        &self,
        key: &str,
        address: &EmailAddress,
        like: Option<&EmailAddress>,
    ) -> Result<String, EngineError> {
        let campaign = self.campaign(key)?;
        let now = self.clock.now();
        let facts = match like {
            Some(like) => self.explain(like).await?.facts,
            None => stranger(address.clone()),
        };
        let facts = LetterFacts { email: address.clone(), ..facts };
        let day = now.with_timezone(&self.config.defaults.zone).date_naive();
        let occasion = Occasion { campaign, day: day_of(campaign, day), years: Some(1) };
        let identity = Identity { issued_on: now.date_naive(), ..NOBODY };
        let mut draft = self.render(&facts, occasion, identity)?;
        draft.rendered.subject = format!("[Test] {}", draft.rendered.subject);
        let domain = self.config.sender.address.domain();
        let message_id = format!("test.{:x}.{key}@{domain}", now.timestamp_micros());
        let stamp = Stamp { kind: Kind::Automatic, message_id: &message_id };
        let eml = self.compose(&facts, campaign, &draft, stamp)?;
        self.deliver_test(&self.envelope(address.clone(), identity), &eml, now).await
    }

    async fn deliver_test(
        &self,
        envelope: &Envelope,
        eml: &[u8],
        now: DateTime<Utc>,
    ) -> Result<String, EngineError> {
        let stem = format!("test-{}", now.timestamp_micros());
        let nothing_to_mark = std::future::ready(Ok::<_, std::convert::Infallible>(()));
        let outcome = self.transport.send(envelope, eml, &stem, nothing_to_mark).await;
        self.transport.close().await;
        match outcome {
            Outcome::Accepted { text } => Ok(text),
            Outcome::Rejected { phase, reply } => {
                let said = format!("{reply} (at {})", phase.as_str());
                Err(EngineError::TestRefused(said))
            }
            Outcome::NotSent { phase, cause } => {
                Err(EngineError::TestRefused(format!("{cause} (at {})", phase.as_str())))
            }
            Outcome::InDoubt { cause } => {
                Err(EngineError::TestRefused(format!("{cause}; it may have arrived all the same")))
            }
        }
    }
}

/// The day of the occasion whose mail would leave on `today`.
fn day_of(campaign: &Campaign, today: NaiveDate) -> NaiveDate {
    let before = TimeDelta::days(i64::from(campaign.offset_days));
    event_of(campaign).map_or(today.checked_sub_signed(before).unwrap_or(today), Event::day)
}

/// A reader of whom nothing is known but the address.
pub(super) fn stranger(email: EmailAddress) -> LetterFacts {
    LetterFacts {
        email,
        name: String::new(),
        given_name: String::new(),
        family_name: String::new(),
        honorific: None,
        title: String::new(),
        locale: None,
        country: None,
        zone: None,
        may_track: Some(false),
        account: String::new(),
        rep: None,
    }
}
