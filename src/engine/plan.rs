//! Fills the outbox with the mails that are due.
use std::collections::BTreeMap;

use aws_lc_rs::rand::SecureRandom;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::info;

use super::{Engine, EngineError, PAGE};
use crate::{
    domain::{Decision, Hold, NextMail, PastOutreach, Rules, Snapshot, Verdict, decide},
    store::{DecisionDue, LATEST_RELEASE, NewOutreach},
};

/// What one round of planning did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// Contacts that were decided on.
    pub considered: u64,
    /// Mails that were added to the outbox.
    pub queued: u64,
    /// Contacts for whom the next mail is in the future.
    pub waiting: u64,
    /// Contacts who get nothing, by reason.
    pub held: BTreeMap<&'static str, u64>,
}

/// Mails that one contact may be owed at one instant. With a minimum gap of a day or more it is one;
/// the bound keeps a gap of zero from running away.
const MOST_AT_ONCE: usize = 8;

impl Engine {
    /// Decides on every contact whose next decision is due, and writes the mails whose time has
    /// come into the outbox. Safe to repeat: an occurrence is written down once.
    pub async fn plan(&self) -> Result<Planned, EngineError> {
        self.plan_observed(|_, _| ()).await
    }

    /// The same, showing each contact and its decision to `observe`.
    #[tracing::instrument(name = "engine.plan", skip_all, err)]
    pub async fn plan_observed(
        &self,
        observe: impl FnMut(&Snapshot, &Decision) + Send,
    ) -> Result<Planned, EngineError> {
        let now = self.clock.now();
        // Who goes first on a day is not known before all of its mails are.
        let budget = self.config.rules.day_budget(now, self.config.schedules.zone);
        let until = budget.map_or(now, |budget| budget.ends_at);
        let mut seen = Seen { done: Planned::default(), observe };
        let unreleased = self.store.unreleased(now - LATEST_RELEASE).await?;
        if !unreleased.is_empty() {
            let mut tx = self.store.begin().await?;
            tx.decide_at_once(unreleased.into_iter(), now).await?;
            tx.commit().await?;
        }
        loop {
            let due = self.store.due(until, PAGE).await?;
            if due.is_empty() {
                break;
            }
            self.plan_page(&due, (now, until), &mut seen).await?;
        }
        let done = seen.done;
        if done.considered > 0 {
            let Planned { considered, queued, .. } = &done;
            info!(considered, queued, "Decided on {considered} contacts, queued {queued} mails");
        }
        Ok(done)
    }

    /// Decides on the contacts of these entries and writes down what follows.
    async fn plan_page(
        &self,
        due: &[DecisionDue],
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        seen: &mut Seen<impl FnMut(&Snapshot, &Decision)>,
    ) -> Result<(), EngineError> {
        let contacts = due.iter().map(DecisionDue::contact);
        let page = self.store.snapshots_of(&self.snapshot_options(), contacts, now).await?;
        let mut mails = Vec::new();
        let mut again = Vec::with_capacity(page.len());
        let Seen { done, observe } = seen;
        done.considered += page.len() as u64;
        for mut contact in page {
            let (owed, next) = self.owed(&mut contact, (now, until), observe);
            done.note(&owed, next);
            mails.extend(owed.mails);
            // Everything until then has just been decided on.
            let soonest = until + TimeDelta::milliseconds(i64::from(until > now));
            again.extend(next.map(|next| (contact.id, next.max(soonest))));
        }
        mails.sort_by_key(|mail| mail.due_at);
        let mut tx = self.store.begin().await?;
        tx.withdraw(due.iter().map(DecisionDue::contact), now).await?;
        let queued = tx.enqueue(&mails, now).await?;
        tx.decided(due, &again).await?;
        tx.commit().await?;
        seen.done.queued += queued;
        Ok(())
    }

    /// The mails that `contact` is owed by `until`, decided at `now`, and when to look again.
    fn owed(
        &self,
        contact: &mut Snapshot,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        observe: &mut impl FnMut(&Snapshot, &Decision),
    ) -> (Owed, Option<DateTime<Utc>>) {
        let rules = &self.config.rules;
        let mut decision = decide(rules, contact, now);
        observe(contact, &decision);
        let mut owed = Owed { mails: Vec::new(), hold: None };
        while let Verdict::Send(mail) = decision.verdict
            && mail.when <= until
            && owed.mails.len() < MOST_AT_ONCE
        {
            owed.mails.push(new_outreach(rules, contact, &mail));
            take_as_sent(rules, contact, &mail);
            decision = decide(rules, contact, now);
        }
        if let Verdict::Hold(hold) = decision.verdict {
            owed.hold = Some(hold);
        }
        (owed, decision.look_again_at(now))
    }
}

/// What a round of planning has come to, and who watches it.
struct Seen<F> {
    done: Planned,
    observe: F,
}

struct Owed {
    mails: Vec<NewOutreach>,
    hold: Option<Hold>,
}

impl Planned {
    fn note(&mut self, owed: &Owed, next: Option<DateTime<Utc>>) {
        if let Some(hold) = owed.hold {
            *self.held.entry(hold.as_str()).or_default() += 1;
        } else if owed.mails.is_empty() && next.is_some() {
            self.waiting += 1;
        }
    }
}

/// `contact` as it is once `mail` has left at its time; what `plan` writes down and the forecast
/// supposes.
pub(super) fn take_as_sent(rules: &Rules, contact: &mut Snapshot, mail: &NextMail) {
    let campaign = &rules.campaigns[mail.campaign];
    contact.history.push(PastOutreach {
        campaign: campaign.key.clone(),
        kind: campaign.occasion.kind(),
        day: mail.occurrence.day,
        at: mail.when,
        counts: true,
    });
    contact.last_mail_at = contact.last_mail_at.max(Some(mail.when));
}

fn new_outreach(rules: &Rules, contact: &Snapshot, mail: &NextMail) -> NewOutreach {
    let campaign = &rules.campaigns[mail.campaign];
    NewOutreach {
        contact: contact.id,
        campaign: campaign.key.clone(),
        kind: campaign.occasion.kind(),
        day: mail.occurrence.day,
        years: mail.occurrence.years,
        due_at: mail.when,
        not_after: mail.not_after,
        nonce: nonce(),
        precedence: rules.precedence(contact),
    }
}

/// A random number, as for a Message-ID: 63 bits, so that it is positive everywhere.
pub(super) fn nonce() -> i64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system has random numbers");
    i64::from_le_bytes(bytes) & i64::MAX
}
