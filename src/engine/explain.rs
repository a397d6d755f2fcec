//! One contact's decision, with everything it was made from.
use chrono::{DateTime, Utc};

use super::{Engine, EngineError};
use crate::{
    domain::{
        ChannelCadence, ChannelDue, ContactId, Decision, EmailAddress, Snapshot, TierMove, decide,
    },
    store::{LetterFacts, PastMail},
};

/// A decision and what it was made from. It is made by the function that the daemon acts on.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// As of when.
    pub now: DateTime<Utc>,
    /// What was decided on.
    pub contact: Snapshot,
    /// Names, for the sentences.
    pub facts: LetterFacts,
    /// What was decided.
    pub decision: Decision,
    /// When calls and visits are due.
    pub channels: Vec<ChannelDue>,
    /// How the contact moved from tier to tier, the latest move first.
    pub moves: Vec<TierMove>,
    /// What became of the contact's mails, the latest first; none where decisions are compared.
    pub mails: Vec<PastMail>,
}

/// Mails that an explanation goes back.
const MAILS: u32 = 5;

impl Engine {
    /// Decides on one contact and keeps everything that went into it.
    pub async fn explain(&self, address: &EmailAddress) -> Result<Explanation, EngineError> {
        let now = self.clock.now();
        let no_contact = || EngineError::NoSuchContact(address.clone());
        let contact = self.store.snapshot_of(&self.snapshot_options(), address, now).await?;
        let mut contact = contact.ok_or_else(no_contact)?;
        if let Some(pass) = self.placing().await? {
            let before = ContactId(contact.id.0 - 1);
            self.place(&pass, std::slice::from_mut(&mut contact), before).await?;
        }
        let mails = self.store.past_mails(contact.id, MAILS).await?;
        Ok(Explanation { mails, ..self.explanation(contact, now).await? })
    }

    /// The decision on `contact` as of `now`, with everything that went into it, and without mails.
    pub(super) async fn explanation(
        &self,
        contact: Snapshot,
        now: DateTime<Utc>,
    ) -> Result<Explanation, EngineError> {
        let mut facts = self.store.letter_facts(std::iter::once(contact.id)).await?;
        let facts = facts.remove(&contact.id).ok_or(EngineError::Vanished)?;
        let decision = decide(&self.config.rules, &contact, now);
        let moves = self.store.moves(contact.id).await?;
        let channels = self.channels(&contact).await?;
        let mails = Vec::new();
        Ok(Explanation { now, contact, facts, decision, channels, moves, mails })
    }

    async fn channels(&self, contact: &Snapshot) -> Result<Vec<ChannelDue>, EngineError> {
        let day = |at: DateTime<Utc>| at.with_timezone(&contact.zone).date_naive();
        let last = self.store.last_touches(contact.id, self.clock.now()).await?;
        let due = |cadence: &ChannelCadence| {
            let last = last.get(cadence.channel.as_str()).copied().map(day);
            cadence.due(&contact.standings, day(contact.known_since), last)
        };
        Ok(self.config.rules.cadence.channels.iter().filter_map(due).collect())
    }
}
