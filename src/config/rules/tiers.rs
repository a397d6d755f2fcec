//! `tiers.toml`: schemes and their tiers.
use super::{
    distinct,
    rule::{self, RULE},
};
use crate::{
    config::{
        form::NAME,
        table::{Complained, Table},
    },
    domain::{Condition, Scheme, Tier},
};

/// The schemes, if all could be read, and what is known of their names.
type Schemes = (Option<Vec<Scheme>>, Option<Vec<(String, Vec<String>)>>);

/// A scheme as far as it could be read.
struct Draft {
    key: Option<String>,
    tiers: Vec<Option<TierDraft>>,
    names: Option<Vec<String>>,
}

/// A tier as far as it could be read.
struct TierDraft {
    key: Option<String>,
    /// `None` if it is hard to say, because a key is misspelt.
    has_rule: Option<bool>,
    when: Result<Option<Condition>, Complained>,
}

/// Reads the whole file.
pub(super) fn read(file: &mut Table<'_>) -> Schemes {
    let drafts = file.rows("scheme", |table| Some(scheme(table)));
    if drafts.is_empty() {
        file.miss("scheme", "one section `[[scheme]]` or more");
    }
    let keys = drafts.iter().map(|draft| draft.as_ref()?.key.as_deref());
    let is_known =
        distinct(file, "scheme", keys).is_some() && !drafts.is_empty() && file.is_understood();
    let names = drafts.iter().map(|draft| {
        let draft = draft.as_ref()?;
        Some((draft.key.clone()?, draft.names.clone()?))
    });
    let names = if is_known { names.collect() } else { None };
    (drafts.into_iter().map(|draft| finished(draft?)).collect(), names)
}

fn finished(draft: Draft) -> Option<Scheme> {
    let tiers = draft.tiers.into_iter().map(|tier| {
        let tier = tier?;
        Some(Tier { key: tier.key?, when: tier.when.ok()? })
    });
    Some(Scheme { tiers: tiers.collect::<Option<_>>()?, key: draft.key? })
}

fn scheme(table: &mut Table<'_>) -> Draft {
    let key = table.needed("key", &NAME, "The name of the scheme, for the other files.");
    let tiers = table.rows("tier", |table| Some(tier(table)));
    let keys = tiers.iter().map(|tier| tier.as_ref()?.key.as_deref());
    let names =
        distinct(table, "tier", keys).filter(|_| !tiers.is_empty() && table.is_understood());
    let last = tiers.len().checked_sub(1);
    if last.is_none() {
        table.miss("tier", "one section `[[scheme.tier]]` or more");
    }
    for (place, tier) in tiers.iter().enumerate() {
        let Some(tier) = tier else { continue };
        if tier.has_rule == Some(true) && Some(place) == last {
            let message = "the last tier is for everybody who is left; take its `when` away, or add \
                           a tier without one";
            table.complain_about("tier", place, message);
        }
        if tier.has_rule == Some(false) && Some(place) != last {
            let message =
                "missing `when`: only the last tier goes without, since it takes everybody";
            table.complain_about("tier", place, message);
        }
    }
    Draft { key, tiers, names }
}

fn tier(table: &mut Table<'_>) -> TierDraft {
    let key = table.needed("key", &NAME, "The name of the tier, for the other files.");
    let meaning = "Who belongs to it: a rule over the facts below, in the Common Expression \
                   Language. Tiers are tried in their order; the last one has no rule.";
    let rule = table.optional("when", &RULE, "everybody who is left", meaning);
    let is_given = table.has("when");
    let has_rule = (is_given || table.is_understood()).then_some(is_given);
    let when = match rule {
        None if is_given => Err(Complained),
        None => Ok(None),
        Some(rule) => rule::compile(&rule).map(Some).map_err(|error| {
            // The parser goes on with every token that it knows.
            let message = error.message.split(" expecting {").next().unwrap_or_default();
            table.complain_inside("when", (error.line, error.column), message);
            Complained
        }),
    };
    TierDraft { key, has_rule, when }
}
