//! Where a contact stands and how it came there, as sentences and as JSON.
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Language, words::date};
use crate::{
    domain::{Place, Rules, Standing, TierMove, audience_of},
    engine::Explanation,
};

/// How many moves of a scheme are told.
const MOVES: usize = 3;

/// A line for each scheme with its last moves, and one for each audience.
pub(super) fn tiers(language: Language, explanation: &Explanation, rules: &Rules) -> Vec<String> {
    let zone = explanation.contact.zone;
    let mut lines = Vec::new();
    for standing in &explanation.contact.standings {
        lines.push(sentence(language, standing, rules, zone));
        let moves = moves_of(&explanation.moves, &standing.scheme);
        lines.extend(moves.map(|gone| move_sentence(language, gone, zone)));
    }
    lines
}

/// The last moves of a scheme, the latest first.
fn moves_of<'a>(moves: &'a [TierMove], scheme: &'a str) -> impl Iterator<Item = &'a TierMove> {
    moves.iter().filter(move |gone| gone.scheme == scheme).take(MOVES)
}

fn sentence(language: Language, standing: &Standing, rules: &Rules, zone: Tz) -> String {
    let since = date(language, standing.since.with_timezone(&zone).date_naive());
    let Standing { scheme, tier, .. } = standing;
    let place = place(standing, rules);
    let place = place.map_or_else(String::new, |place| format!("  [{place}]"));
    let reason = reason(standing, rules);
    let reason = because(language, &reason);
    let sentence = match (language, audience_of(scheme)) {
        (Language::English, None) => format!("  {scheme}: {tier} since {since}, because {reason}"),
        (Language::Chinese, None) => format!("  {scheme}：{tier}，自 {since} 起，因为 {reason}"),
        (Language::English, Some(campaign)) => {
            format!("  in the audience of {campaign} since {since}, because {reason}")
        }
        (Language::Chinese, Some(campaign)) => {
            format!("  属于活动 {campaign} 的受众，自 {since} 起，因为 {reason}")
        }
    };
    sentence + &place
}

/// Where the tier, or the campaign of the audience, is configured.
fn place<'a>(standing: &Standing, rules: &'a Rules) -> Option<&'a Place> {
    if let Some(family) = audience_of(&standing.scheme) {
        let campaign = rules.campaigns.iter().find(|campaign| campaign.family() == family)?;
        return Some(&campaign.place);
    }
    let scheme = rules.schemes.iter().find(|scheme| scheme.key == standing.scheme)?;
    scheme.tier(&standing.tier).map(|tier| &tier.place)
}

fn move_sentence(language: Language, gone: &TierMove, zone: Tz) -> String {
    let day = date(language, gone.at.with_timezone(&zone).date_naive());
    let TierMove { from, to, .. } = gone;
    let reason = because(language, &gone.reason);
    match language {
        Language::English => format!("    {day}: from {from} to {to}, because {reason}"),
        Language::Chinese => format!("    {day}：从 {from} 到 {to}，因为 {reason}"),
    }
}

/// The rule of the tier or audience as it is now, with the values that put the contact there; empty
/// for a tier of everybody who is left.
fn reason(standing: &Standing, rules: &Rules) -> String {
    let seen = &standing.reason;
    if audience_of(&standing.scheme).is_some() {
        let rule = rules.audiences().find(|(scheme, _)| *scheme == standing.scheme);
        return rule.map_or(String::new(), |(_, when)| format!("{} ({seen})", when.source()));
    }
    let scheme = rules.schemes.iter().find(|scheme| scheme.key == standing.scheme);
    let tier = scheme.and_then(|scheme| scheme.tier(&standing.tier));
    tier.map_or(String::new(), |tier| tier.reason(seen))
}

fn because(language: Language, reason: &str) -> &str {
    if reason.is_empty() {
        language.say("no other tier fits", "不符合其他任何级别")
    } else {
        reason
    }
}

/// The same for programs.
pub(super) fn as_json(explanation: &Explanation, rules: &Rules) -> Value {
    let standings = explanation.contact.standings.iter().map(|standing| {
        let moves: Vec<_> = moves_of(&explanation.moves, &standing.scheme)
            .map(|gone| {
                json!({ "at": gone.at, "from": gone.from, "to": gone.to, "reason": gone.reason })
            })
            .collect();
        json!({
            "scheme": standing.scheme,
            "tier": standing.tier,
            "since": standing.since,
            "reason": reason(standing, rules),
            "decided_at": place(standing, rules).map(ToString::to_string),
            "moves": moves,
        })
    });
    standings.collect()
}
