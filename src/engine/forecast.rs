//! Walks the decision forward in time, as if every mail left at its time.
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Engine, EngineError, PAGE, plan::take_as_sent};
use crate::domain::{
    ClickRate, ContactId, Decision, Feedback, NextMail, Rules, Snapshot, Verdict, decide,
};

/// What a forecast supposes of readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Nobody answers.
    Silent,
    /// Each follows links as often as in the last year.
    AsBefore,
}

/// One mail of the forecast.
#[derive(Debug, Clone, Copy)]
pub struct Foreseen<'a> {
    /// For whom.
    pub contact: &'a Snapshot,
    /// What and when.
    pub mail: &'a NextMail,
}

/// What a forecast comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Contacts that were looked at.
    pub contacts: u64,
    /// Mails by day in the configuration's zone.
    pub by_day: BTreeMap<NaiveDate, u64>,
    /// Mails by campaign.
    pub by_campaign: BTreeMap<String, u64>,
    /// Mails by tier of the scheme that sets the cadence.
    pub by_tier: BTreeMap<String, u64>,
    /// Contacts without a mail in the time, by reason.
    pub held: BTreeMap<&'static str, u64>,
}

/// The reason for those whose next mail comes after the forecast ends.
const LATER: &str = "later";

impl Engine {
    /// Foresees the mails from now until `days` days later, showing each to `observe` and the number
    /// of contacts looked at to `progress`.
    #[tracing::instrument(name = "engine.forecast", skip_all, err)]
    pub async fn forecast(
        &self,
        days: u32,
        readers: Readers,
        mut observe: impl FnMut(Foreseen<'_>),
        mut progress: impl FnMut(u64),
    ) -> Result<Outlook, EngineError> {
        let now = self.clock.now();
        let until = now + TimeDelta::days(i64::from(days));
        let mut outlook = Outlook::default();
        let overall = match readers {
            Readers::Silent => None,
            Readers::AsBefore => Some(self.store.click_rate().await?),
        };
        let placing = self.placing().await?;
        let mut after = ContactId(0);
        loop {
            let mut page = self.store.snapshots(&self.snapshot_options(), after, now, PAGE).await?;
            let Some(last) = page.last().map(|contact| contact.id) else { break };
            if let Some(pass) = &placing {
                self.place(pass, &mut page, after).await?;
            }
            after = last;
            outlook.contacts += page.len() as u64;
            let rates = self.click_rates(&page, overall).await?;
            for (contact, rate) in page.into_iter().zip(rates) {
                self.foresee((contact, rate), (now, until), &mut outlook, &mut observe);
            }
            progress(outlook.contacts);
        }
        Ok(outlook)
    }

    /// How often each contact of `page` follows links, if the list does so at the rate `overall`.
    async fn click_rates(
        &self,
        page: &[Snapshot],
        overall: Option<f64>,
    ) -> Result<Vec<Option<ClickRate>>, EngineError> {
        let Some(overall) = overall else { return Ok(vec![None; page.len()]) };
        let clicked = self.store.clicked_mails(page.iter().map(|contact| contact.id)).await?;
        let rate = |contact: &Snapshot| {
            let mails = contact.history.iter().filter(|past| past.counts).count();
            let clicked = clicked.get(&contact.id).copied().unwrap_or(0);
            Some(ClickRate::of(clicked, u32::try_from(mails).unwrap_or(u32::MAX), overall))
        };
        Ok(page.iter().map(rate).collect())
    }

    fn foresee(
        &self,
        (mut contact, rate): (Snapshot, Option<ClickRate>),
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        outlook: &mut Outlook,
        observe: &mut impl FnMut(Foreseen<'_>),
    ) {
        let rules = &self.config.rules;
        let mut mails = 0_u64;
        let rest = walk(rules, &mut contact, rate, (now, until), |contact, mail| {
            mails += 1;
            observe(Foreseen { contact, mail });
            let day = mail.when.with_timezone(&self.config.schedules.zone).date_naive();
            let (_, standing) = rules.cadence.of(&contact.standings);
            let tier = standing.map_or("–", |standing| standing.tier.as_str()).to_owned();
            *outlook.by_day.entry(day).or_default() += 1;
            let campaign = rules.campaigns[mail.campaign].key.clone();
            *outlook.by_campaign.entry(campaign).or_default() += 1;
            *outlook.by_tier.entry(tier).or_default() += 1;
        });
        if mails == 0 {
            *outlook.held.entry(reason(&rest)).or_default() += 1;
        }
    }
}

/// Decides on `contact` from `now` on, each time as if the mail before had left at its time, and
/// shows every mail before `until` to `each`. Returns the decision that comes after them.
pub(super) fn walk(
    rules: &Rules,
    contact: &mut Snapshot,
    rate: Option<ClickRate>,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
    mut each: impl FnMut(&Snapshot, &NextMail),
) -> Decision {
    let mut decision = decide(rules, contact, now);
    let mut nth = 0;
    while let Verdict::Send(mail) = decision.verdict
        && mail.when < until
    {
        each(contact, &mail);
        take_as_sent(rules, contact, &mail);
        nth += 1;
        if rate.is_some_and(|rate| rate.expects_click(contact.id, nth)) {
            let (tier, _) = rules.cadence.of(&contact.standings);
            let engagement = contact.engagement;
            contact.engagement = engagement.after(Feedback::Click, &tier.cadence, mail.when);
        }
        decision = decide(rules, contact, mail.when);
    }
    decision
}

const fn reason(decision: &Decision) -> &'static str {
    match &decision.verdict {
        Verdict::Hold(hold) => hold.as_str(),
        Verdict::Send(_) => LATER,
    }
}
