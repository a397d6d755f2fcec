//! Who is at the top of all accounts: places that no account can tell from its own facts.
//!
//! A survey of all accounts leaves a [`Population`], a few numbers that say from which value on an
//! account is in; contacts are then placed one by one.
use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{AccountId, FactInfo, FactValue, Facts, Scheme, facts::NEVER_DAYS};

/// The first accounts by a fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// By what they are ordered, the greatest first.
    pub by: &'static FactInfo,
    /// How many they are.
    pub share: Share,
    /// Whether each rep has a top of its own; accounts without a rep are in none then.
    pub per_rep: bool,
}

/// How many accounts are at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// This many.
    Count(u32),
    /// This share of those who compete, 1 to 100, rounded up.
    Percent(u8),
}

impl Share {
    /// The number of places among `competitors`.
    #[must_use]
    pub fn places(self, competitors: usize) -> usize {
        match self {
            Self::Count(count) => competitors.min(count as usize),
            Self::Percent(percent) => (competitors * usize::from(percent)).div_ceil(100),
        }
    }
}

/// The last place of a top. Ordered like the accounts: a greater value first, then a lower id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPlace {
    /// The bits of the value, so that it is the same after it was stored.
    value: u64,
    account: i64,
}

impl LastPlace {
    fn new(value: f64, account: AccountId) -> Self {
        Self { value: value.to_bits(), account: account.0 }
    }

    /// The value.
    #[must_use]
    pub const fn value(self) -> f64 {
        f64::from_bits(self.value)
    }

    /// Whether an account with `value` is at this place or before it.
    #[must_use]
    pub fn admits(self, value: f64, account: AccountId) -> bool {
        value > self.value() || (value.to_bits() == self.value && account.0 <= self.account)
    }
}

/// From where on an account is at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// The last place that is in.
    pub last: LastPlace,
    /// The last place that whoever was in keeps.
    pub keeps: LastPlace,
}

/// The last places of the top of `competitors`, which may be in any order, or `None` if nobody
/// competes. Only values above zero compete. Whoever is in keeps a place that is farther down by
/// `margin`, a share of the number of places.
#[must_use]
pub fn bar(mut competitors: Vec<(f64, AccountId)>, share: Share, margin: f64) -> Option<Bar> {
    competitors.retain(|(value, _)| *value > 0.0);
    let places = share.places(competitors.len());
    let kept = places.saturating_add(share_of(places, margin)).min(competitors.len());
    let mut at = |place: usize| {
        let order = |a: &(f64, AccountId), b: &(f64, AccountId)| {
            b.0.total_cmp(&a.0).then(a.1.0.cmp(&b.1.0))
        };
        let (_, last, _) = competitors.select_nth_unstable_by(place.checked_sub(1)?, order);
        Some(LastPlace::new(last.0, last.1))
    };
    Some(Bar { keeps: at(kept)?, last: at(places)? })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of accounts"
)]
fn share_of(places: usize, margin: f64) -> usize {
    (places as f64 * margin.max(0.0)) as usize
}

/// What a survey of all accounts found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Population {
    /// By scheme, tier, and rep; the rep is empty where all accounts compete with one another.
    tops: BTreeMap<String, BTreeMap<String, BTreeMap<String, Bar>>>,
    /// For revenue, profit and potential: the bits of the value that each percentile begins with.
    percentiles: [Vec<u64>; 3],
}

impl Population {
    /// The top of a tier for accounts of `rep`, if anybody is in it.
    #[must_use]
    pub fn bar(&self, scheme: &str, tier: &str, rep: &str) -> Option<&Bar> {
        self.tops.get(scheme)?.get(tier)?.get(rep)
    }

    /// The percentiles of an account by revenue, by profit and by potential: how many of a hundred
    /// accounts that have any have no more; 0 without any.
    #[must_use]
    pub fn percentiles(&self, facts: &Facts) -> [u8; 3] {
        let mut found = [0; 3];
        for ((found, steps), value) in found.iter_mut().zip(&self.percentiles).zip(ranked(facts)) {
            let reached = steps.partition_point(|step| f64::from_bits(*step) <= value);
            *found = u8::try_from(reached).unwrap_or(100);
        }
        found
    }
}

const fn ranked(facts: &Facts) -> [f64; 3] {
    [facts.revenue_12m, facts.profit_12m, facts.potential]
}

/// Finds the percentiles of all accounts.
#[derive(Debug, Default)]
pub struct Ranking {
    values: [Vec<f64>; 3],
}

impl Ranking {
    /// Takes an account in.
    pub fn add(&mut self, facts: &Facts) {
        for (values, value) in self.values.iter_mut().zip(ranked(facts)) {
            if value > 0.0 {
                values.push(value);
            }
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Population {
        let percentiles = self.values.map(|mut values| {
            values.sort_unstable_by(f64::total_cmp);
            let last_of = |percent: usize| (values.len() * percent).div_ceil(100).checked_sub(1);
            (1..=100).filter_map(|percent| Some(values.get(last_of(percent)?)?.to_bits())).collect()
        });
        Population { percentiles, ..Population::default() }
    }
}

/// Finds the tops of all tiers that have one.
#[derive(Debug)]
pub struct Survey<'r> {
    tops: Vec<Competition<'r>>,
    population: Population,
}

#[derive(Debug)]
struct Competition<'r> {
    scheme: &'r Scheme,
    /// Its place in the scheme.
    tier: usize,
    top: &'r Top,
    by_rep: BTreeMap<String, Vec<(f64, AccountId)>>,
}

impl<'r> Survey<'r> {
    /// A survey for these schemes; `population` has the percentiles.
    #[must_use]
    pub fn new(schemes: &'r [Scheme], population: Population) -> Self {
        let tops = schemes.iter().flat_map(|scheme| {
            scheme.tiers.iter().enumerate().filter_map(move |(tier, rules)| {
                let top = rules.top.as_ref()?;
                Some(Competition { scheme, tier, top, by_rep: BTreeMap::new() })
            })
        });
        Self { tops: tops.collect(), population }
    }

    /// Whether no tier has a top, so that nobody needs to be looked at.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.tops.is_empty()
    }

    /// Takes an account in.
    pub fn add(&mut self, account: AccountId, facts: &Facts, today: NaiveDate) {
        for Competition { scheme, tier, top, by_rep } in &mut self.tops {
            let fits =
                scheme.tiers[*tier].when.as_ref().is_none_or(|when| when.holds(facts, today));
            let rep = if top.per_rep { facts.rep.as_str() } else { "" };
            let has_no_rep = top.per_rep && rep.is_empty();
            let Some(value) = top.value(facts, today).filter(|_| fits && !has_no_rep) else {
                continue;
            };
            match by_rep.get_mut(rep) {
                Some(competitors) => competitors.push((value, account)),
                None => drop(by_rep.insert(rep.to_owned(), vec![(value, account)])),
            }
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Population {
        let mut population = self.population;
        for Competition { scheme, tier, top, by_rep } in self.tops {
            let bars = by_rep.into_iter().filter_map(|(rep, competitors)| {
                Some((rep, bar(competitors, top.share, scheme.margin())?))
            });
            let tiers = population.tops.entry(scheme.key.clone()).or_default();
            tiers.insert(scheme.tiers[tier].key.clone(), bars.collect());
        }
        population
    }
}

impl Top {
    /// What an account is ordered by, if it is known and above zero.
    #[must_use]
    pub fn value(&self, facts: &Facts, today: NaiveDate) -> Option<f64> {
        let value = self.by.read(facts, today);
        if value == FactValue::Whole(NEVER_DAYS) {
            return None;
        }
        value.as_number().filter(|value| *value > 0.0 && value.is_finite())
    }
}
