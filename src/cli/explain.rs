//! `explain`: one contact's decision as sentences.
use serde_json::{Value, json};

use super::{
    Global, context,
    output::{self, Output},
    tiers, words,
};
use crate::{
    domain::{Considered, EmailAddress, Fate, Rules, Verdict},
    engine::Explanation,
};

pub(super) async fn explain(
    global: &Global,
    output: Output,
    email: &EmailAddress,
) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    engine.refresh().await?;
    let explanation = engine.explain(email).await?;
    let rules = &engine.config.rules;
    if output.json {
        return output::json(&as_json(&explanation, rules));
    }
    output::line(words::explanation(output.language, &explanation, rules));
    Ok(())
}

fn as_json(explanation: &Explanation, rules: &Rules) -> Value {
    let Explanation { now, contact, facts, decision, .. } = explanation;
    let (cadence, standing) = rules.cadence.of(&contact.standings);
    let next = match &decision.verdict {
        Verdict::Hold(hold) => json!({ "hold": hold.as_str() }),
        Verdict::Send(mail) => json!({
            "campaign": rules.campaigns[mail.campaign].key,
            "occasion": mail.occurrence.day,
            "years": mail.occurrence.years,
            "when": mail.when,
            "local_time": mail.when.with_timezone(&contact.zone).to_rfc3339(),
            "not_after": mail.not_after,
        }),
    };
    let considered: Vec<_> =
        decision.considered.iter().map(|entry| considered(entry, rules)).collect();
    json!({
        "now": now,
        "email": facts.email.as_str(),
        "name": facts.name,
        "locale": contact.locale.as_str(),
        "zone": contact.zone.name(),
        "standings": tiers::as_json(explanation, rules),
        "value_cents": contact.value_cents,
        "cadence": {
            "set_by": standing.map(|standing| &standing.tier),
            "every_days": cadence.every.as_days(),
            "min_days": cadence.min.as_days(),
            "max_days": cadence.max.as_days(),
            "own_days": contact.engagement.interval_days(cadence),
        },
        "last_mail_at": contact.last_mail_at,
        "next": next,
        "considered": considered,
    })
}

fn considered(entry: &Considered, rules: &Rules) -> Value {
    let fate = match entry.fate {
        Fate::Chosen => json!({ "is": "chosen" }),
        Fate::Later(when) => json!({ "is": "later", "when": when }),
        Fate::Covered { by, day } => {
            json!({ "is": "covered", "by": rules.campaigns[by].key, "day": day })
        }
        Fate::Done => json!({ "is": "done" }),
        Fate::TooLate => json!({ "is": "too-late" }),
        Fate::BeforeKnown => json!({ "is": "before-known" }),
        Fate::DroppedByGap(until) => json!({ "is": "dropped-by-gap", "gap_until": until }),
        Fate::DayOff => json!({ "is": "day-off" }),
        Fate::NotMeant(why) => {
            json!({ "is": "not-meant", "by": format!("{why:?}").to_lowercase() })
        }
        Fate::NoDate => json!({ "is": "no-date" }),
    };
    json!({ "campaign": rules.campaigns[entry.campaign].key, "occasion": entry.day, "fate": fate })
}
