//! What another configuration would change.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Engine, EngineError, Explanation, PAGE, forecast::walk, reclassify::Pass};
use crate::domain::{ContactId, Snapshot, Standing};

/// Mails that go and mails that come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift {
    /// Mails that would not go out any more.
    pub lost: u64,
    /// Mails that would go out besides.
    pub gained: u64,
}

/// What another configuration would change within some days.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// Contacts that were looked at.
    pub contacts: u64,
    /// Contacts whose tier or mails would change.
    pub affected: u64,
    /// Contacts by scheme and the tiers that they would leave and enter; `None` where the scheme is
    /// in one of the two only.
    pub moves: BTreeMap<(String, Option<String>, Option<String>), u64>,
    /// Mails by day in the configuration's zone.
    pub by_day: BTreeMap<NaiveDate, Shift>,
    /// Mails by campaign.
    pub by_campaign: BTreeMap<String, Shift>,
    /// Some of the contacts, with both decisions.
    pub examples: Vec<Example>,
}

/// One contact under both configurations.
#[derive(Debug, Clone)]
pub struct Example {
    /// Under the one in force.
    pub before: Explanation,
    /// Under the other one.
    pub after: Explanation,
}

/// Contacts that are shown in full.
const EXAMPLES: usize = 10;

/// When and for what a contact would be written to: the day, and the campaign's key.
type Mails = Vec<(NaiveDate, String)>;

impl Engine {
    /// Holds this engine's configuration against that of `other`, which is on the same database:
    /// where everybody would stand, and which mails would go out within `days`. Writes nothing;
    /// `progress` is told of contacts looked at.
    #[tracing::instrument(name = "engine.difference", skip_all, err)]
    pub async fn difference(
        &self,
        other: &Self,
        days: u32,
        mut progress: impl FnMut(u64),
    ) -> Result<Difference, EngineError> {
        let now = self.clock.now();
        let span = (now, now + TimeDelta::days(i64::from(days)));
        let passes = (self.pass(None).await?, other.pass(None).await?);
        let mut found = Difference::default();
        let mut chosen = Vec::new();
        let mut after = ContactId(0);
        loop {
            let old = self.placed(&passes.0, after, now).await?;
            let new = other.placed(&passes.1, after, now).await?;
            let Some(last) = old.last() else { break };
            after = last.id;
            // Somebody may have come or gone between the two.
            let new: HashMap<_, _> = new.iter().map(|contact| (contact.id, contact)).collect();
            let both = old.iter().filter_map(|before| Some((before, *new.get(&before.id)?)));
            for (before, after) in both {
                let affected = found.note((self, before), (other, after), span);
                if affected && chosen.len() < EXAMPLES {
                    chosen.push((before.clone(), after.clone()));
                }
            }
            progress(found.contacts);
        }
        for (before, after) in chosen {
            let before = self.explanation(before, now).await?;
            let after = other.explanation(after, now).await?;
            found.examples.push(Example { before, after });
        }
        Ok(found)
    }

    /// The contacts after `after`, where they would stand by `pass` and as this configuration sees
    /// them.
    async fn placed(
        &self,
        pass: &Pass,
        after: ContactId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Snapshot>, EngineError> {
        let mut page = self.store.snapshots(&self.snapshot_options(), after, now, PAGE).await?;
        self.place(pass, &mut page, after).await?;
        Ok(page)
    }

    /// The mails to `contact` within `span`.
    fn mails(&self, contact: &Snapshot, span: (DateTime<Utc>, DateTime<Utc>)) -> Mails {
        let rules = &self.config.rules;
        let mut mails = Mails::new();
        walk(rules, &mut contact.clone(), None, span, |_, mail| {
            let day = mail.when.with_timezone(&self.config.schedules.zone).date_naive();
            mails.push((day, rules.campaigns[mail.campaign].key.clone()));
        });
        mails
    }
}

impl Difference {
    /// Whether nothing would change.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.affected == 0
    }

    /// Notes what changes for one contact; says whether anything does.
    fn note(
        &mut self,
        (old, before): (&Engine, &Snapshot),
        (new, after): (&Engine, &Snapshot),
        span: (DateTime<Utc>, DateTime<Utc>),
    ) -> bool {
        self.contacts += 1;
        let moves = moves(&before.standings, &after.standings);
        let (old, mut gained) = (old.mails(before, span), new.mails(after, span));
        let mut lost = Mails::new();
        for mail in old {
            match gained.iter().position(|other| *other == mail) {
                Some(place) => drop(gained.swap_remove(place)),
                None => lost.push(mail),
            }
        }
        let affected = !(moves.is_empty() && lost.is_empty() && gained.is_empty());
        self.affected += u64::from(affected);
        for step in moves {
            *self.moves.entry(step).or_default() += 1;
        }
        for (day, campaign) in lost {
            self.by_day.entry(day).or_default().lost += 1;
            self.by_campaign.entry(campaign).or_default().lost += 1;
        }
        for (day, campaign) in gained {
            self.by_day.entry(day).or_default().gained += 1;
            self.by_campaign.entry(campaign).or_default().gained += 1;
        }
        affected
    }
}

/// The schemes in which the tiers differ, with both.
fn moves(before: &[Standing], after: &[Standing]) -> Vec<(String, Option<String>, Option<String>)> {
    let tier = |standings: &[Standing], scheme: &str| {
        let standing = standings.iter().find(|standing| standing.scheme == scheme);
        standing.map(|standing| standing.tier.clone())
    };
    let mut schemes: Vec<_> =
        before.iter().chain(after).map(|standing| standing.scheme.as_str()).collect();
    schemes.sort_unstable();
    schemes.dedup();
    schemes
        .into_iter()
        .map(|scheme| (scheme.to_owned(), tier(before, scheme), tier(after, scheme)))
        .filter(|(_, from, to)| from != to)
        .collect()
}
