//! Ends doubts about mails: by evidence, by a campaign's policy, or by an operator's word.
use chrono::TimeDelta;
use tracing::{info, warn};

use super::{Engine, EngineError, PAGE, chain};
use crate::{
    domain::{DoubtPolicy, Feedback, OutreachId, OutreachState, Resolution},
    store::{Claimed, OpenDoubt, StoreError, Tx},
};

/// What came of an operator's word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Mails about which the doubt was ended.
    pub done: u64,
    /// Mails that were not in doubt.
    pub not_in_doubt: Vec<OutreachId>,
    /// Mails whose time is over, so that they are not sent again.
    pub too_late: Vec<OutreachId>,
}

/// Under which a resolution by the campaign's policy is written down.
const BY_POLICY: &str = "policy";
/// The same for an operator.
const BY_OPERATOR: &str = "operator";

impl Engine {
    /// Ends the doubts that what came back, or the policies of their campaigns, end now. Returns how
    /// many.
    pub async fn settle_doubts(&self) -> Result<u64, EngineError> {
        let now = self.clock.now();
        let grace = TimeDelta::from_std(self.config.patience.doubt_grace).unwrap_or(TimeDelta::MAX);
        let (mut after, mut ended) = (None, self.believe_early_answers().await?);
        loop {
            let page = self.store.open_doubts(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(ended) };
            after = Some((last.doubt.since, last.outreach));
            let resolve = |open: &OpenDoubt| {
                let policy = self.doubt_policy(&open.campaign);
                Some((open.outreach, policy.resolve(&open.doubt, now, grace)?))
            };
            let answers: Vec<_> = page.iter().filter_map(resolve).collect();
            if answers.is_empty() {
                continue;
            }
            let mut tx = self.store.begin().await?;
            let done = tx.resolve_doubts(&answers, BY_POLICY, now).await?;
            tx.commit().await?;
            ended += done;
            info!(done, "Ended the doubt about {done} mails, as their campaigns say");
        }
    }

    /// A reader may be faster than the relay's answer, or than the death of whoever waited for it; then
    /// there was no doubt yet that the answer could end.
    async fn believe_early_answers(&self) -> Result<u64, EngineError> {
        let mut ended = 0;
        loop {
            let answered = self.store.answered_doubts(PAGE).await?;
            if answered.is_empty() {
                return Ok(ended);
            }
            let mut tx = self.store.begin().await?;
            for (outreach, kind) in &answered {
                let proof = [(*outreach, Resolution::Evidence)];
                ended += tx.resolve_doubts(&proof, kind, self.clock.now()).await?;
            }
            tx.commit().await?;
            let done = answered.len();
            info!(done, "{done} mails in doubt had left: something had come back from them");
        }
    }

    /// The policy of a campaign; that of one that is configured no more is to hold.
    #[must_use]
    pub fn doubt_policy(&self, campaign: &str) -> DoubtPolicy {
        let known = self.config.rules.campaigns.iter().find(|known| known.key == campaign);
        known.map_or(DoubtPolicy::Hold, |campaign| campaign.in_doubt)
    }

    /// All mails in doubt, the oldest doubt first.
    pub async fn doubts(&self) -> Result<Vec<OpenDoubt>, EngineError> {
        let mut all: Vec<OpenDoubt> = Vec::new();
        loop {
            let after = all.last().map(|last| (last.doubt.since, last.outreach));
            let page = self.store.open_doubts(after, PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Ends the doubt about these mails in the way that an operator says. A mail whose time is over is
    /// not sent again.
    pub async fn resolve_doubts(
        &self,
        which: &[OutreachId],
        how: Resolution,
    ) -> Result<Resolved, EngineError> {
        let now = self.clock.now();
        let open = self.doubts().await?;
        let mut resolved = Resolved::default();
        let mut answers = Vec::new();
        for id in which {
            match open.iter().find(|open| open.outreach == *id) {
                None => resolved.not_in_doubt.push(*id),
                Some(open) if how == Resolution::Resent && open.doubt.not_after < now => {
                    resolved.too_late.push(*id);
                }
                Some(_) => answers.push((*id, how)),
            }
        }
        let mut tx = self.store.begin().await?;
        resolved.done = tx.resolve_doubts(&answers, BY_OPERATOR, now).await?;
        tx.commit().await?;
        let done = resolved.done;
        warn!(done, how = how.as_str(), "An operator ended the doubt about {done} mails");
        Ok(resolved)
    }

    /// What a sender knows of a mail that was taken from it while it waited: nobody else knows better.
    pub(super) async fn testify(&self, claimed: &Claimed, to: OutreachState) {
        let Some(how) = Resolution::known(to) else { return };
        let testified = async {
            let mut tx = self.store.begin().await?;
            let attempt = (claimed.attempt, claimed.lease_token);
            let was_open = tx.testify(claimed.id, attempt, how, self.clock.now()).await?;
            tx.commit().await?;
            Ok::<bool, StoreError>(was_open)
        };
        let id = claimed.id.0;
        match testified.await {
            Ok(true) => {
                let how = how.as_str();
                info!(outreach.id = id, "Outreach {id} is in doubt no more: {how}");
            }
            Ok(false) => {}
            Err(failure) => {
                warn!(
                    error = chain(&failure),
                    outreach.id = id,
                    "What is known of outreach {id} is lost"
                );
            }
        }
    }

    /// Whatever comes back from a mail proves that a relay had taken it. Returns whether that ended a
    /// doubt.
    pub(super) async fn take_as_evidence(
        &self,
        tx: &mut Tx,
        outreach: OutreachId,
        feedback: Feedback,
    ) -> Result<bool, EngineError> {
        let proof = [(outreach, Resolution::Evidence)];
        Ok(tx.resolve_doubts(&proof, feedback.as_str(), self.clock.now()).await? > 0)
    }
}
