//! Brings everybody's standing in line with the facts and the rules.
use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tracing::info;

use super::{Engine, EngineError, PAGE};
use crate::{
    domain::{
        AUDIENCE_TIER, AccountId, Condition, ContactId, FactSource, Facts, Population, Ranking,
        Snapshot, Standing, Subject, Survey, TierMove, WantedFacts,
    },
    store::{ContactFacts, Stood},
};

/// What a round of classification did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclassified {
    /// Contacts that were looked at.
    pub considered: u64,
    /// Contacts that stand elsewhere now.
    pub moved: u64,
}

/// How old a classification of everybody may be for those who only look.
const FRESH: TimeDelta = TimeDelta::hours(26);

/// What one pass over the contacts goes by.
pub(super) struct Pass {
    now: DateTime<Utc>,
    today: NaiveDate,
    wanted: WantedFacts,
    stale_only: bool,
    population: Population,
    audiences: Vec<(String, Condition)>,
}

impl Engine {
    /// Puts the rules of the configuration in force and classifies those whose facts or rules have
    /// changed, and everybody when the time for it has come, since time alone changes facts. Costs a
    /// few queries if nothing is to be done.
    pub async fn refresh(&self) -> Result<Reclassified, EngineError> {
        let fingerprint = &self.config.rules_fingerprint;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        tx.adopt_rules(fingerprint, now).await?;
        tx.commit().await?;
        let schedules = &self.config.schedules;
        let is_over = |at| {
            let next = schedules.reclassify.next_after(at, schedules.zone);
            next.is_some_and(|next| next <= now)
        };
        match self.store.classified(fingerprint).await? {
            None => self.reclassify(false).await,
            Some(at) if is_over(at) => self.reclassify(false).await,
            Some(_) if self.store.has_classification_due().await? => self.reclassify(true).await,
            Some(_) => Ok(Reclassified::default()),
        }
    }

    /// What places contacts as of now without writing anything down; `None` if what is written down
    /// holds.
    pub(super) async fn placing(&self) -> Result<Option<Pass>, EngineError> {
        let now = self.clock.now();
        let classified = self.store.classified(&self.config.rules_fingerprint).await?;
        let is_fresh = |at: DateTime<Utc>| (TimeDelta::zero()..FRESH).contains(&(now - at));
        if classified.is_some_and(is_fresh) && !self.store.has_classification_due().await? {
            return Ok(None);
        }
        let known = match classified {
            Some(_) => self.store.population().await?,
            None => None,
        };
        Ok(Some(self.pass(known).await?))
    }

    /// Puts `contacts`, which come next after `after`, where they stand by `pass`.
    pub(super) async fn place(
        &self,
        pass: &Pass,
        contacts: &mut [Snapshot],
        after: ContactId,
    ) -> Result<(), EngineError> {
        let facts = self.page(pass, after).await?;
        let stood = self.store.stood(facts.iter().map(|contact| contact.contact)).await?;
        let mut placed: HashMap<_, _> = facts
            .iter()
            .map(|contact| {
                let known = stood.get(&contact.contact);
                (contact.contact, self.stands(pass, contact, known))
            })
            .collect();
        for contact in contacts {
            if let Some(stood) = placed.remove(&contact.id) {
                (contact.standings, contact.value_cents) = (stood.standings, stood.value_cents);
            }
        }
        Ok(())
    }

    /// Classifies every contact, or only those whose facts have changed if `stale_only`. All accounts
    /// are surveyed before, for `stale_only` only if one has changed since the last time.
    #[tracing::instrument(name = "engine.reclassify", skip_all, err)]
    pub async fn reclassify(&self, stale_only: bool) -> Result<Reclassified, EngineError> {
        let known = if stale_only { self.store.population().await? } else { None };
        let is_known = known.is_some();
        let pass = Pass { stale_only, ..self.pass(known).await? };
        if !is_known {
            let mut tx = self.store.begin().await?;
            tx.put_population(&pass.population).await?;
            tx.commit().await?;
        }

        let mut done = Reclassified::default();
        let mut page = self.page(&pass, ContactId(0)).await?;
        while let Some(last) = page.last() {
            // The driver's thread reads the next page while this one is classified.
            let after = last.contact;
            let (next, moved) =
                tokio::try_join!(self.page(&pass, after), self.settle_page(&pass, &page))?;
            done.considered += page.len() as u64;
            done.moved += moved;
            page = next;
        }
        if !stale_only {
            let mut tx = self.store.begin().await?;
            tx.all_classified_by(&self.config.rules_fingerprint, pass.now).await?;
            tx.commit().await?;
        }
        if done.considered > 0 {
            let Reclassified { considered, moved } = done;
            info!(considered, moved, "Classified {considered} contacts, {moved} of them moved");
        }
        Ok(done)
    }

    /// What a pass over everybody goes by; all accounts are surveyed unless what was found is `known`.
    /// Writes nothing.
    pub(super) async fn pass(&self, known: Option<Population>) -> Result<Pass, EngineError> {
        let rules = &self.config.rules;
        let now = self.clock.now();
        let today = now.with_timezone(&self.config.defaults.zone).date_naive();
        let wanted = WantedFacts::of(rules.facts());
        let population = match known {
            Some(population) => population,
            None => self.survey(today, wanted).await?,
        };
        let audiences = rules.audiences().map(|(scheme, when)| (scheme, when.clone())).collect();
        Ok(Pass { now, today, wanted, stale_only: false, population, audiences })
    }

    /// A page of contacts after `after` with the facts that `pass` looks at.
    pub(super) async fn page(
        &self,
        pass: &Pass,
        after: ContactId,
    ) -> Result<Vec<ContactFacts>, EngineError> {
        let (stale_only, amount) = (pass.stale_only, (PAGE, pass.wanted));
        let mut page = self.store.facts(after, stale_only, pass.today, amount).await?;
        for ContactFacts { facts, .. } in &mut page {
            facts.percentiles = pass.population.percentiles(facts);
        }
        Ok(page)
    }

    /// Classifies a page of contacts and writes down what is new. Returns how many moved.
    async fn settle_page(&self, pass: &Pass, page: &[ContactFacts]) -> Result<u64, EngineError> {
        let known = self.store.stood(page.iter().map(|contact| contact.contact)).await?;
        let (mut changes, mut history, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        for contact in page {
            let stood = known.get(&contact.contact);
            let fresh = self.stands(pass, contact, stood);
            if stood == Some(&fresh) {
                continue;
            }
            let before = stood.map_or(&[][..], |stood| &stood.standings);
            if stood.is_none() || before != fresh.standings {
                moved.push(contact.contact);
            }
            let news = self.moves(before, &fresh.standings);
            history.extend(news.map(|gone| (contact.contact, gone)));
            changes.push((contact.contact, fresh));
        }
        let mut tx = self.store.begin().await?;
        tx.put_standings(&changes).await?;
        tx.add_moves(&history).await?;
        tx.classified(page, &moved, pass.now).await?;
        tx.commit().await?;
        Ok(moved.len() as u64)
    }

    /// Where a contact stands in every scheme and audience.
    pub(super) fn stands(
        &self,
        pass: &Pass,
        contact: &ContactFacts,
        stood: Option<&Stood>,
    ) -> Stood {
        let ContactFacts { account, facts, value_cents, .. } = contact;
        let Pass { today, population, now, .. } = pass;
        let subject = Subject { facts, account: *account, population, today: *today };
        let stood = |scheme: &str| {
            let known = stood.map_or(&[][..], |stood| &stood.standings);
            known.iter().find(|standing| standing.scheme == scheme)
        };
        let schemes = self.config.rules.schemes.iter().filter_map(|scheme| {
            let before = stood(&scheme.key);
            scheme.settle(before, &subject, *now).or_else(|| before.cloned())
        });
        let audiences = pass.audiences.iter().filter_map(|(scheme, when)| {
            let enters = || Standing {
                scheme: scheme.clone(),
                tier: AUDIENCE_TIER.to_owned(),
                since: *now,
                reason: when.seen(facts, *today),
            };
            let fits = when.holds(facts, *today);
            fits.then(|| stood(scheme).cloned().unwrap_or_else(enters))
        });
        Stood { value_cents: *value_cents, standings: schemes.chain(audiences).collect() }
    }

    /// The moves from tier to tier; the first tier of a scheme is none.
    fn moves(&self, before: &[Standing], after: &[Standing]) -> impl Iterator<Item = TierMove> {
        self.config.rules.schemes.iter().filter_map(move |scheme| {
            let of = |standings: &[Standing]| {
                standings.iter().find(|standing| standing.scheme == scheme.key).cloned()
            };
            let (from, to) = (of(before)?, of(after)?);
            (from.tier != to.tier).then(|| TierMove {
                scheme: scheme.key.clone(),
                reason: scheme.tier(&to.tier).map_or(String::new(), |tier| tier.reason(&to.reason)),
                from: from.tier,
                to: to.tier,
                at: to.since,
            })
        })
    }

    /// Looks at all accounts for what none can tell from its own facts.
    async fn survey(
        &self,
        today: NaiveDate,
        wanted: WantedFacts,
    ) -> Result<Population, EngineError> {
        let rules = &self.config.rules;
        let mut ranking = Ranking::default();
        if rules.facts().any(|fact| fact.source == FactSource::Rank) {
            self.each_account(today, wanted, |_, facts| ranking.add(&facts)).await?;
        }
        let percentiles = ranking.finish();
        let mut survey = Survey::new(&rules.schemes, percentiles.clone());
        if !survey.is_idle() {
            self.each_account(today, wanted, |account, mut facts| {
                facts.percentiles = percentiles.percentiles(&facts);
                survey.add(account, &facts, today);
            })
            .await?;
        }
        Ok(survey.finish())
    }

    async fn each_account(
        &self,
        today: NaiveDate,
        wanted: WantedFacts,
        mut look: impl FnMut(AccountId, Facts),
    ) -> Result<(), EngineError> {
        let mut after = AccountId(0);
        loop {
            let page = self.store.account_facts(after, today, (PAGE, wanted)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (account, facts) in page {
                look(account, facts);
            }
        }
    }
}
