//! `explain`: one contact's decision as sentences.
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Global, context,
    output::{self, Output},
    tiers, words,
};
use crate::{
    domain::{Barrier, Considered, EmailAddress, Fate, Refusal, Rules, TierCadence, Verdict},
    engine::Explanation,
    store::PastMail,
};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The contact's address.
    email: EmailAddress,
    /// As of this time instead of now, such as 2026-09-25T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
}

pub(super) async fn explain(
    global: &Global,
    output: Output,
    ExplainArgs { email, at }: &ExplainArgs,
) -> anyhow::Result<()> {
    let global = Global { now: at.or(global.now), ..global.clone() };
    let engine = context::engine(&global).await?;
    let explanation = engine.explain(email).await?;
    let rules = &engine.config.rules;
    if output.json {
        return output::json(&as_json(&explanation, rules));
    }
    output::line(words::explanation(output.language, &explanation, rules));
    Ok(())
}

/// The explanation for programs.
pub(super) fn as_json(explanation: &Explanation, rules: &Rules) -> Value {
    let Explanation { now, contact, facts, decision, channels, mails, .. } = explanation;
    let (tier, standing) = rules.cadence.of(&contact.standings);
    let cadence = &tier.cadence;
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
        decision.considered.iter().map(|entry| considered(entry, rules, tier)).collect();
    let channels: Vec<_> = channels
        .iter()
        .map(|due| {
            json!({
                "channel": due.channel.as_str(),
                "every_days": due.every.as_days(),
                "last": due.last,
                "due": due.due,
            })
        })
        .collect();
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
        "channels": channels,
        "considered": considered,
        "mails": mails.iter().map(past_mail).collect::<Vec<_>>(),
    })
}

fn past_mail(mail: &PastMail) -> Value {
    let last = mail.last.as_ref().map(|last| {
        json!({
            "attempt": last.no,
            "ended_at": last.ended_at,
            "relay": last.relay,
            "refusal": last.refusal.map(Refusal::as_str),
            "words": last.words,
        })
    });
    let came_back = mail.came_back.as_ref().map(|back| {
        json!({
            "at": back.at, "refusal": back.refusal.map(Refusal::as_str), "words": back.words,
        })
    });
    json!({
        "outreach": mail.outreach.0,
        "campaign": mail.campaign,
        "occasion": mail.day,
        "state": mail.state.as_str(),
        "due_at": mail.due_at,
        "last_attempt": last,
        "came_back": came_back,
    })
}

fn considered(entry: &Considered, rules: &Rules, tier: &TierCadence) -> Value {
    let fate = match entry.fate {
        Fate::Chosen => json!({ "is": "chosen" }),
        Fate::Later(when) => json!({ "is": "later", "when": when }),
        Fate::Covered { by, day } => {
            json!({ "is": "covered", "by": rules.campaigns[by].key, "day": day })
        }
        Fate::Done => json!({ "is": "done" }),
        Fate::TooLate => json!({ "is": "too-late" }),
        Fate::BeforeKnown => json!({ "is": "before-known" }),
        Fate::Dropped { by, until } => {
            json!({ "is": "dropped", "by": barrier(by), "until": until })
        }
        Fate::OutsideSpan => json!({ "is": "outside-span" }),
        Fate::DayOff => json!({ "is": "day-off" }),
        Fate::NotMeant(why) => {
            json!({ "is": "not-meant", "by": format!("{why:?}").to_lowercase() })
        }
        Fate::NoDate => json!({ "is": "no-date" }),
    };
    let campaign = &rules.campaigns[entry.campaign];
    json!({
        "campaign": campaign.key,
        "decided_at": rules.decided_at(entry, tier).map(ToString::to_string),
        "occasion": entry.day,
        "delayed_by": entry.delayed.map(barrier),
        "fate": fate,
    })
}

fn barrier(barrier: Barrier) -> Value {
    match barrier {
        Barrier::Gap { days } => json!({ "is": "gap", "days": days }),
        Barrier::Cap(cap) => json!({ "is": "cap", "most": cap.most, "days": cap.days }),
        Barrier::CategoryCap(cap) => {
            json!({ "is": "category-cap", "most": cap.most, "days": cap.days })
        }
        Barrier::Pause => json!({ "is": "pause" }),
    }
}
