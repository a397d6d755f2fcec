//! Takes in what servers report of a mail that had left.
use tracing::info;

use super::{Engine, EngineError, record::say_suppressed};
use crate::domain::{DeliveryReport, EmailAddress, Judged, OutreachId, Suppression};

/// What became of a delivery report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The mail.
    pub outreach: OutreachId,
    /// To whom it went.
    pub contact: EmailAddress,
    /// What the report means.
    pub judged: Judged,
    /// Whether a report of this kind was on record for the mail. Then nothing was written.
    pub is_known: bool,
    /// Why the address is never written to again, if that follows from this report.
    pub suppressed: Option<Suppression>,
    /// Whether it proved that a mail in doubt had left.
    pub ended_doubt: bool,
}

impl Engine {
    /// Takes in a delivery report on a mail that the caller has proof of; `None` if there is no such
    /// mail. The first report of each kind on a mail has its effect, all of it or none, and every later
    /// one has none. With `dry_run` nothing is written and the same is said.
    ///
    /// A report may be faster than what the relay answered to us; then the mail is not in doubt yet, and
    /// [`Engine::settle_doubts`] finds what is written down here.
    #[tracing::instrument(name = "engine.take_report", skip_all, err)]
    pub async fn take_report(
        &self,
        outreach: OutreachId,
        report: &DeliveryReport,
        dry_run: bool,
    ) -> Result<Option<Reported>, EngineError> {
        let now = self.clock.now();
        let Some(target) = self.store.feedback_target(outreach).await? else { return Ok(None) };
        let (contact, judged) = (target.email.clone(), report.judge(&target.email));
        let kind = judged.feedback;
        let known = Reported {
            outreach,
            contact,
            judged,
            is_known: true,
            suppressed: None,
            ended_doubt: false,
        };
        // A folder of reports is read again and again, and most in it are known: those cost no writer.
        if self.store.has_feedback(outreach, kind).await? {
            return Ok(Some(known));
        }
        let mut tx = self.store.begin().await?;
        if !tx.note_report(outreach, &known.judged, now).await? {
            return Ok(Some(known));
        }
        let ended_doubt = self.take_as_evidence(&mut tx, outreach, kind).await?;
        // The time at which it is taken in: that of the failure stands in the report, where anybody
        // may have written it.
        let effect = known.judged.effect;
        let suppressed = self.judge_address_in(&mut tx, &target.email, effect, now).await?;
        let reported = Reported { is_known: false, suppressed, ended_doubt, ..known };
        if dry_run {
            // A transaction that is dropped has changed nothing.
            return Ok(Some(reported));
        }
        tx.commit().await?;
        let (kind, id) = (kind.as_str(), outreach.0);
        info!(outreach.id = id, feedback.kind = kind, ended_doubt, "Recorded {kind} of {id}");
        say_suppressed(suppressed);
        Ok(Some(reported))
    }
}
