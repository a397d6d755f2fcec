//! `tiers.toml`: schemes and their tiers.
use super::{
    distinct,
    rule::{self, RULE},
};
use crate::{
    config::{
        form::{Days, NAME, OneOf, Whole, Words, hint},
        table::{Complained, Table},
    },
    domain::{
        Condition, FACTS, FactInfo, FactType, Place, Scheme, Share, Span, Tier, Top, nearest,
    },
};

/// The schemes, if all could be read, and what is known of their names.
type Schemes = (Option<Vec<Scheme>>, Option<Vec<(String, Vec<String>)>>);

/// A scheme as far as it could be read.
struct Draft {
    key: Option<String>,
    tiers: Vec<Option<TierDraft>>,
    names: Option<Vec<String>>,
    dwell: Option<Span>,
    margin_percent: Option<u8>,
}

/// A tier as far as it could be read.
struct TierDraft {
    key: Option<String>,
    place: Place,
    /// `None` if it is hard to say, because a key is misspelt.
    has_rule: Option<bool>,
    rules: Result<(Option<Condition>, Option<Top>), Complained>,
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
        let (when, top) = tier.rules.ok()?;
        Some(Tier { key: tier.key?, when, top, place: tier.place })
    });
    Some(Scheme {
        tiers: tiers.collect::<Option<_>>()?,
        key: draft.key?,
        dwell: draft.dwell?,
        margin_percent: draft.margin_percent?,
    })
}

fn scheme(table: &mut Table<'_>) -> Draft {
    let key = table.needed("key", &NAME, "The name of the scheme, for the other files.");
    let meaning = "How long a contact stays in a tier at least, unless it moves up, so that nobody \
                   goes to and fro. It holds after a change of the rules as well.";
    let dwell = table.or("dwell", &Days { from: 0 }, "\"0 days\"", meaning);
    let meaning = "By how much of a threshold a contact may miss its tier and stay in it, in percent: \
                   with 10, whoever came in with `revenue_12m >= 100000` leaves below 90000, and \
                   whoever came into a top of 50 leaves after place 55. Coming in takes all of it.";
    let margin_percent = table.or("margin_percent", &Whole(0..=50_u8), "0", meaning);
    let mut earlier = Vec::new();
    let tiers = table.rows("tier", |table| Some(tier(table, &mut earlier)));
    let keys = tiers.iter().map(|tier| tier.as_ref()?.key.as_deref());
    let names =
        distinct(table, "tier", keys).filter(|_| !tiers.is_empty() && table.is_understood());
    check_last(table, &tiers);
    Draft { key, tiers, names, dwell, margin_percent }
}

/// Complains unless the last tier, and no other, is for everybody who is left.
fn check_last(table: &mut Table<'_>, tiers: &[Option<TierDraft>]) {
    let last = tiers.len().checked_sub(1);
    if last.is_none() {
        table.miss("tier", "one section `[[scheme.tier]]` or more");
    }
    for (place, tier) in tiers.iter().enumerate() {
        let Some(tier) = tier else { continue };
        if tier.has_rule == Some(true) && Some(place) == last {
            let message = "the last tier is for everybody who is left; take its `when` and `top` \
                           away, or add a tier without them";
            table.complain_about("tier", place, message);
        }
        if tier.has_rule == Some(false) && Some(place) != last {
            let message = "missing `when` or `top`: only the last tier goes without, since it takes \
                           everybody";
            table.complain_about("tier", place, message);
        }
    }
}

fn tier(table: &mut Table<'_>, earlier: &mut Vec<Tier>) -> TierDraft {
    let key = table.needed("key", &NAME, "The name of the tier, for the other files.");
    let meaning = "Who belongs to it: a rule over the facts below, in the Common Expression \
                   Language. Tiers are tried in their order; the last one has no rule.";
    let rule = table.optional("when", &RULE, "everybody who is left", meaning);
    let has_top = table.has("top");
    let top = table.section_if(has_top, "top", top);
    let is_given = table.has("when") || has_top;
    let has_rule = (is_given || table.is_understood()).then_some(is_given);
    let when = rule::condition(table, "when", rule);
    let place = table.place("key");
    let rules = match (when, top) {
        (Err(complained), _) => Err(complained),
        (_, None) if has_top => Err(Complained),
        (Ok(when), top) => Ok((when, top)),
    };
    if let (Ok((when, top)), true) = (&rules, is_given) {
        let key = key.clone().unwrap_or_default();
        let tier = Tier { key, when: when.clone(), top: top.clone(), place: place.clone() };
        check_reach(table, &tier, earlier);
        earlier.push(tier);
    }
    TierDraft { key, place, has_rule, rules }
}

/// Complains if the tier can never be entered, or if no later one can.
fn check_reach(table: &Table<'_>, tier: &Tier, earlier: &[Tier]) {
    let complain = |message: String| {
        let key = if tier.when.is_some() { "when" } else { "top" };
        table.complain_inside(key, (1, 1), message);
    };
    let stranger = tier.when.iter().flat_map(Condition::names).find(|f| !f.source.is_of_account());
    if let (Some(_), Some(fact)) = (&tier.top, stranger) {
        let name = fact.name;
        complain(format!("accounts compete for a `top`, and `{name}` belongs to a contact"));
    }
    match tier.when.as_ref().and_then(Condition::constant) {
        Some(false) => return complain("nobody ever fits: this is false for everybody".to_owned()),
        Some(true) if tier.top.is_none() => {
            return complain("this is true for everybody; only the last tier is".to_owned());
        }
        _ => {}
    }
    if let Some(first) = earlier.iter().find(|earlier| tier.is_within(earlier)) {
        let key = &first.key;
        complain(format!("nobody gets here: whoever fits is in the tier `{key}` before"));
    }
}

/// What accounts can be ordered by.
const BY: Words<&'static FactInfo> = Words {
    expected: "a fact about accounts that is a number, such as `revenue_12m`",
    read: |text| {
        let is_number = |fact: &FactInfo| matches!(fact.kind, FactType::Number | FactType::Whole);
        match FACTS.iter().find(|fact| fact.name == text) {
            None => {
                let usable = FACTS.iter().filter(|fact| is_number(fact));
                let near = nearest(text, usable.map(|fact| fact.name));
                Err(format!(
                    "there is no fact `{}`{}",
                    crate::domain::one_line(text, 64),
                    hint(near)
                ))
            }
            Some(fact) if !is_number(fact) => {
                Err(format!("expected {}, and `{text}` is no number", BY.expected))
            }
            Some(fact) if !fact.source.is_of_account() => {
                Err(format!("expected {}, and `{text}` belongs to a contact", BY.expected))
            }
            Some(fact) => Ok(fact),
        }
    },
};

const PER: OneOf<bool> = OneOf(&[("all", false), ("rep", true)]);

fn top(table: &mut Table<'_>) -> Option<Top> {
    let meaning = "What accounts are ordered by, the greatest first; equal ones in the order in which \
                   they were imported. A value of 0, or none, is never at the top.";
    let by = table.needed("by", &BY, meaning);
    let meaning = "How many accounts are at the top, in percent of those that fit `when` and have a \
                   value; rounded up, so that one account is enough for a top.";
    let percent = table.optional("percent", &Whole(1..=100_u8), "`count` says it", meaning);
    let meaning = "How many accounts are at the top.";
    let count = table.optional("count", &Whole(1..=1_000_000_u32), "`percent` says it", meaning);
    let meaning = "Whether accounts compete with `all` others or with those of their own `rep`; then \
                   accounts without a rep are in no top.";
    let per_rep = table.or("per", &PER, "\"all\"", meaning);
    let share = match (table.has("percent"), table.has("count")) {
        (true, true) => {
            table.complain("count", "expected `percent` or `count`, found both");
            None
        }
        (false, false) => {
            table.miss("percent", "`percent` or `count`");
            None
        }
        _ => percent.map(Share::Percent).or(count.map(Share::Count)),
    };
    Some(Top { by: by?, share: share?, per_rep: per_rep? })
}
