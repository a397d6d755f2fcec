//! `diff`: what another configuration would change.
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use clap::Args;
use serde_json::{Value, json};

use super::{
    Global, Language, context, explain,
    output::{self, Output, table},
    words,
};
use crate::{
    config::{Config, Files},
    domain::Rules,
    engine::{Difference, Engine, Example, Shift},
};

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Folder of the other configuration; its relative paths count from the current one, where it
    /// would stand.
    dir: PathBuf,
    /// How many days to look ahead.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=730))]
    days: u32,
}

pub(super) async fn diff(global: &Global, output: Output, args: &DiffArgs) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    let files = Files::read(&args.dir)?;
    let config = Config::parse(&files, &global.config, &|name| std::env::var(name).ok())?;
    let other = Engine { config: Arc::new(config), ..engine.clone() };
    let total = u64::try_from(engine.store.totals().await?.contacts).unwrap_or(0);
    let bar = output.progress(total, output.language.say("contacts", "联系人"));
    let found = engine.difference(&other, args.days, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    if output.json {
        let rules = (&engine.config.rules, &other.config.rules);
        return output::json(&as_json(&found, rules, args.days));
    }
    print(output, &found, (&engine, &other), args.days);
    Ok(())
}

fn as_json(found: &Difference, (old, new): (&Rules, &Rules), days: u32) -> Value {
    let shifts = |shift: &Shift| json!({ "lost": shift.lost, "gained": shift.gained });
    let by_day: BTreeMap<_, _> = found.by_day.iter().map(|(day, s)| (day, shifts(s))).collect();
    let by_campaign: BTreeMap<_, _> =
        found.by_campaign.iter().map(|(key, s)| (key, shifts(s))).collect();
    let moves: Vec<_> = found
        .moves
        .iter()
        .map(|((scheme, from, to), contacts)| {
            json!({ "scheme": scheme, "from": from, "to": to, "contacts": contacts })
        })
        .collect();
    let example = |example: &Example| {
        json!({
            "before": explain::as_json(&example.before, old),
            "after": explain::as_json(&example.after, new),
        })
    };
    let examples: Vec<_> = found.examples.iter().map(example).collect();
    json!({
        "days": days,
        "contacts": found.contacts,
        "affected": found.affected,
        "tier_moves": moves,
        "mails_by_day": by_day,
        "mails_by_campaign": by_campaign,
        "examples": examples,
    })
}

fn print(output: Output, found: &Difference, engines: (&Engine, &Engine), days: u32) {
    let language = output.language;
    let say = |english, chinese| language.say(english, chinese);
    if found.is_none() {
        output::line(say("No change.", "没有变化。"));
        return;
    }
    let (affected, contacts) = (found.affected, found.contacts);
    output::line(match language {
        Language::English => format!(
            "{affected} of {contacts} contacts would be affected within {days} days, as things stand."
        ),
        Language::Chinese => {
            format!("照目前情况，{days} 天内 {contacts} 位联系人中有 {affected} 位会受影响。")
        }
    });
    if !found.moves.is_empty() {
        let mut rows = table([
            say("Scheme", "方案"),
            say("From", "从"),
            say("To", "到"),
            say("Contacts", "联系人"),
        ]);
        for ((scheme, from, to), contacts) in &found.moves {
            let tier = |tier: &Option<String>| tier.clone().unwrap_or_else(|| "–".to_owned());
            rows.add_row([scheme.clone(), tier(from), tier(to), contacts.to_string()]);
        }
        output::line(format!("\n{rows}"));
    }
    let by_day = found.by_day.iter().map(|(day, shift)| (day.to_string(), *shift));
    print_shifts(output, say("Day", "日期"), by_day);
    let by_campaign = found.by_campaign.iter().map(|(key, shift)| (key.clone(), *shift));
    print_shifts(output, say("Campaign", "活动"), by_campaign);
    for example in &found.examples {
        print_example(language, example, engines);
    }
}

/// A table of mails that go and come.
fn print_shifts(output: Output, title: &str, shifts: impl Iterator<Item = (String, Shift)>) {
    let say = |english, chinese| output.language.say(english, chinese);
    let mut rows = table([title, say("Fewer mails", "减少邮件"), say("More mails", "增加邮件")]);
    let mut is_empty = true;
    for (name, shift) in shifts {
        is_empty = false;
        let signed = |sign: &str, count: u64| {
            if count == 0 { String::new() } else { format!("{sign}{count}") }
        };
        rows.add_row([name, signed("−", shift.lost), signed("+", shift.gained)]);
    }
    if !is_empty {
        output::line(format!("\n{rows}"));
    }
}

/// Both explanations of a contact, without what is the same in both.
fn print_example(language: Language, example: &Example, (old, new): (&Engine, &Engine)) {
    let before = words::explanation(language, &example.before, &old.config.rules);
    let after = words::explanation(language, &example.after, &new.config.rules);
    let title = before.lines().next().unwrap_or_default();
    output::line(format!("\n{title}"));
    let (old_lines, new_lines): (Vec<_>, Vec<_>) =
        (before.lines().collect(), after.lines().collect());
    let differs = |line: &str| !line.trim().is_empty();
    for line in old_lines.iter().filter(|line| differs(line) && !new_lines.contains(line)) {
        output::line(format!("  − {}", line.trim()));
    }
    for line in new_lines.iter().filter(|line| differs(line) && !old_lines.contains(line)) {
        output::line(format!("  + {}", line.trim()));
    }
}
