//! Takes in what comes back from a mail.
use chrono::{DateTime, Utc};
use tracing::info;

use super::{Engine, EngineError};
use crate::{
    domain::{AddressEffect, EmailAddress, Feedback, OutreachId, Suppression},
    store::Tx,
};

/// What became of a piece of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was the first of its kind on that mail.
    First,
    /// It was counted; it tells nothing new of the contact.
    Again,
    /// The contact does not allow it to be kept, or there is no such mail. Nothing was written.
    NotKept,
}

impl Engine {
    /// Records `feedback` on a mail; `link_no` is the link that was followed, 0 where there is none.
    ///
    /// An unsubscription is in force when this returns: no mail to the address is claimed or begun
    /// any more.
    #[tracing::instrument(name = "engine.record", skip_all, err)]
    pub async fn record(
        &self,
        outreach: OutreachId,
        feedback: Feedback,
        link_no: u16,
    ) -> Result<Recorded, EngineError> {
        let now = self.clock.now();
        let Some(target) = self.store.feedback_target(outreach).await? else {
            return Ok(Recorded::NotKept);
        };
        if feedback.is_tracking() && !self.may_track(target.may_track) {
            return Ok(Recorded::NotKept);
        }
        let mut standings = self.store.standings(std::iter::once(target.contact)).await?;
        let standings = standings.remove(&target.contact).unwrap_or_default();
        let (tier, _) = self.config.rules.cadence.of(&standings);

        let mut tx = self.store.begin().await?;
        let first = tx.count_feedback(outreach, feedback, link_no, now).await?;
        let mut is_proof = false;
        if first {
            is_proof = self.take_as_evidence(&mut tx, outreach, feedback).await?;
            match feedback {
                Feedback::Open | Feedback::Bounce | Feedback::Delay | Feedback::Receipt => {}
                Feedback::Unsubscribe => {
                    tx.suppress(&target.email, Suppression::Unsubscribed, now).await?;
                }
                Feedback::Click => {
                    let known = tx.engagement(target.contact).await?;
                    let engagement = known.after(feedback, &tier.cadence, now);
                    tx.put_engagement(target.contact, &engagement, now).await?;
                }
            }
        }
        tx.commit().await?;
        let kind = feedback.as_str();
        if is_proof {
            info!(outreach.id = outreach.0, "Outreach {} has arrived after all", outreach.0);
        }
        info!(outreach.id = outreach.0, feedback.kind = kind, "Recorded {kind} of {}", outreach.0);
        Ok(if first { Recorded::First } else { Recorded::Again })
    }

    /// Does what a relay's answer at that time means for an address. Doing it again changes nothing.
    pub(super) async fn judge_address(
        &self,
        address: &EmailAddress,
        effect: AddressEffect,
        at: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        if effect == AddressEffect::Nothing {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let why = self.judge_address_in(&mut tx, address, effect, at).await?;
        tx.commit().await?;
        say_suppressed(why);
        Ok(())
    }

    /// The same within a transaction. Returns why the address is suppressed, if that follows.
    pub(super) async fn judge_address_in(
        &self,
        tx: &mut Tx,
        address: &EmailAddress,
        effect: AddressEffect,
        at: DateTime<Utc>,
    ) -> Result<Option<Suppression>, EngineError> {
        let why = match effect {
            AddressEffect::Nothing => None,
            AddressEffect::Suppress(why) => Some(why),
            AddressEffect::Count(trouble) => {
                let events = tx.note_trouble(address, trouble, at).await?;
                trouble.suppresses(&events, at)
            }
        };
        if let Some(why) = why {
            tx.suppress(address, why, self.clock.now()).await?;
        }
        Ok(why)
    }

    /// Puts an address on the suppression list and stops every mail to it that has not begun to
    /// leave.
    pub async fn suppress(
        &self,
        address: &EmailAddress,
        why: Suppression,
    ) -> Result<(), EngineError> {
        let mut tx = self.store.begin().await?;
        tx.suppress(address, why, self.clock.now()).await?;
        tx.commit().await?;
        say_suppressed(Some(why));
        Ok(())
    }
}

/// Logs what became of an address, and never the address.
pub(super) fn say_suppressed(why: Option<Suppression>) {
    if let Some(why) = why {
        info!(why = why.as_str(), "Suppressed an address: {}", why.as_str());
    }
}
