//! `doctor`: whether mail would arrive, and whether what that takes is in place.
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{
    Global, context,
    output::{self, Output, table},
    words::doctor as words,
};
use crate::{
    domain::doctor::{Finding, Soundness},
    engine::{self, Patient},
    lookup::World,
    store::Store,
};

/// Parts that are looked at side by side.
const PARTS: u64 = 4;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Look only at what needs no network.
    #[arg(long)]
    offline: bool,
}

pub(super) async fn doctor(
    global: &Global,
    output: Output,
    args: &DoctorArgs,
) -> anyhow::Result<ExitCode> {
    let config = context::config(global)?;
    let clock = context::clock(global);
    let store = Store::open(&config.database_url).await;
    let store = store.map_err(|error| output::failure(&error.into()));
    let patient = Patient {
        config: &config,
        store: store.map_err(|said| said.trim_start_matches("error: ").to_owned()),
        clock: &*clock,
        is_real_time: global.now.is_none(),
    };
    let world = (!args.offline).then(World::of_this_machine);
    let waiting = output.language.say("Looking", "检查中");
    let bar = output.progress(PARTS, waiting);
    let findings = engine::examine(&patient, world.as_ref(), &|| bar.inc(1)).await;
    bar.finish_and_clear();
    if let Ok(store) = &patient.store {
        store.close().await;
    }
    if output.json {
        output::json(&as_json(output, &findings))?;
    } else {
        print(output, &findings);
    }
    let is_broken = findings.iter().any(|finding| finding.soundness() == Soundness::Broken);
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(output: Output, findings: &[Finding]) {
    let language = output.language;
    let say = |english, chinese| language.say(english, chinese);
    let mut rows = table([
        say("Check", "检查"),
        say("Of", "对象"),
        say("Verdict", "结论"),
        say("What was found", "发现"),
        say("What to do", "怎么办"),
    ]);
    for finding in findings {
        let said = words::said(language, finding);
        rows.add_row([
            words::check(language, finding.check).to_owned(),
            finding.subject.clone(),
            words::soundness(language, finding.soundness()).to_owned(),
            said.found,
            said.todo,
        ]);
    }
    output::line(rows.to_string());
    output::line(words::total(language, findings));
}

fn as_json(output: Output, findings: &[Finding]) -> serde_json::Value {
    let shown = |finding: &Finding| {
        let said = words::said(output.language, finding);
        json!({
            "check": finding.check.as_str(), "subject": finding.subject,
            "verdict": finding.soundness().as_str(), "found": said.found,
            "todo": Some(said.todo).filter(|todo| !todo.is_empty()),
        })
    };
    let is_sound = findings.iter().all(|finding| finding.soundness() != Soundness::Broken);
    json!({ "sound": is_sound, "findings": findings.iter().map(shown).collect::<Vec<_>>() })
}
