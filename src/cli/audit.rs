//! `audit`: whether a relay's ledger and ours agree.
use std::{path::PathBuf, process::ExitCode};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Global, context,
    output::{self, Output, table},
    status,
    words::audit as words,
};
use crate::{
    config::{Config, Delivery},
    domain::audit::{AuditTerms, Judged, Offence},
    engine::{self, AuditSources, Audited},
    store::Store,
};

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The relay's ledger, a JSON object on each line; docs/delivery-proof.md says how to make one of
    /// a log.
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    /// A domain of our Message-IDs, if not that of `sender.address`; may be given more than once.
    #[arg(long, value_name = "DOMAIN")]
    domain: Vec<String>,
    /// A folder with the messages that the relay took, as SHA256.eml.
    #[arg(long, value_name = "DIR")]
    messages: Option<PathBuf>,
    /// How often a daemon was killed, or lost power, in the time of the ledger.
    #[arg(long, value_name = "N")]
    kills: Option<u32>,
    /// How many daemons ran at the same time at most.
    #[arg(long, value_name = "N", default_value_t = 1)]
    daemons: u32,
    /// When the ledger begins, RFC 3339; what was sent before is not looked for in it.
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
}

pub(super) async fn audit(
    global: &Global,
    output: Output,
    args: AuditArgs,
) -> anyhow::Result<ExitCode> {
    let config = context::config(global)?;
    let terms = terms(global, &config, &args);
    let own = || vec![config.sender.address.domain().to_owned()];
    let sources = AuditSources {
        ledger: args.ledger,
        messages: args.messages,
        domains: if args.domain.is_empty() { own() } else { args.domain },
    };
    let store = Store::open(&config.database_url).await?;
    let audited = engine::audit(&store, sources, terms).await?;
    store.close().await;
    if output.json {
        output::json(&as_json(&audited))?;
    } else {
        print(output, &audited);
    }
    Ok(if audited.findings.hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn terms(global: &Global, config: &Config, args: &AuditArgs) -> AuditTerms {
    // Whatever the relays are, one ledger may be that of all of them.
    let relays = match &config.delivery {
        Delivery::Relays(relays) => relays.as_slice(),
        Delivery::Folder(_) => &[],
    };
    let connections: usize = relays.iter().map(|relay| relay.connections).sum();
    let window = relays.iter().map(|relay| relay.window).max().unwrap_or(1);
    AuditTerms {
        now: context::clock(global).now(),
        since: args.since,
        lease: TimeDelta::from_std(config.patience.lease).unwrap_or(TimeDelta::days(1)),
        connections: u32::try_from(connections).ok().filter(|count| *count > 0),
        window: u32::try_from(window).unwrap_or(u32::MAX),
        daemons: args.daemons,
        kills: args.kills,
    }
}

fn print(output: Output, audited: &Audited) {
    let (language, findings) = (output.language, &audited.findings);
    let say = |english, chinese| language.say(english, chinese);
    let mut rows = table([
        say("No.", "编号"),
        say("What must hold", "应当成立"),
        say("Verdict", "结论"),
        say("Checked", "已检查"),
        say("Breaches", "违例"),
    ]);
    for judged in &findings.judged {
        rows.add_row([
            judged.invariant.code().to_owned(),
            words::invariant(language, judged.invariant).to_owned(),
            words::verdict(language, judged),
            judged.checked.to_string(),
            judged.breaches.to_string(),
        ]);
    }
    output::line(rows.to_string());
    for judged in findings.judged.iter().filter(|judged| judged.is_broken()) {
        for offence in &judged.examples {
            let (code, said) = (judged.invariant.code(), words::offence(language, offence));
            output::line(format!("{code}: {said}"));
        }
        let left = judged.breaches - judged.examples.len() as u64;
        if left > 0 {
            output::line(format!("{}: {}", judged.invariant.code(), words::more(language, left)));
        }
    }
    let states = findings.mails.iter().map(|(known, rows)| {
        let name = status::state(language, *known);
        format!("{name} {rows}")
    });
    let states: Vec<_> = states.collect();
    output::line(words::mails(language, &states));
    output::line(words::relay(language, audited));
    output::line(words::doubts(language, findings));
    output::line(words::total(language, findings));
}

fn as_json(audited: &Audited) -> Value {
    let findings = &audited.findings;
    let states: serde_json::Map<_, _> = findings
        .mails
        .iter()
        .map(|(state, rows)| (state.as_str().to_owned(), json!(rows)))
        .collect();
    json!({
        "holds": findings.hold(),
        "invariants": findings.judged.iter().map(judged_as_json).collect::<Vec<_>>(),
        "mails": states,
        "accepted": findings.accepted,
        "foreign": audited.foreign,
        "duplicates": findings.duplicates,
        "doubts": findings.doubts,
        "left_by_crashes": findings.left_by_crashes,
        "missing": findings.missing,
    })
}

fn judged_as_json(judged: &Judged) -> Value {
    let verdict = match (judged.is_broken(), judged.unchecked) {
        (true, _) => "broken",
        (false, Some(_)) => "not_checked",
        (false, None) => "holds",
    };
    let why = judged.unchecked.map(|why| words::unchecked(super::Language::English, why));
    json!({
        "code": judged.invariant.code(),
        "what": words::invariant(super::Language::English, judged.invariant),
        "verdict": verdict,
        "why_not_checked": why,
        "checked": judged.checked,
        "breaches": judged.breaches,
        "examples": judged.examples.iter().map(offence_as_json).collect::<Vec<_>>(),
    })
}

fn offence_as_json(offence: &Offence) -> Value {
    json!({
        "mail": offence.mail.map(|mail| mail.0),
        "line": offence.line,
        "what": words::fault(super::Language::English, &offence.fault),
    })
}
