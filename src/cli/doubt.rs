//! `doubt`: the mails of which nobody knows whether they arrived, and what becomes of them.
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    Global, Language, context,
    context::Usage,
    output::{self, Output, table},
    words,
};
use crate::{
    domain::{OutreachId, Resolution},
    engine::{Engine, Resolved},
    store::OpenDoubt,
};

#[derive(Debug, Subcommand)]
pub(super) enum DoubtCommand {
    /// Show every mail in doubt, the oldest first.
    List,
    /// Send mails again; whoever has got one already gets it twice.
    Resend(Which),
    /// Take mails as sent; whoever has not got one does not get it.
    AssumeSent(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Numbers of mails, as `doubt list` shows them.
    #[arg(value_name = "NUMBER", required_unless_present = "all")]
    numbers: Vec<i64>,
    /// All mails in doubt.
    #[arg(long, conflicts_with = "numbers")]
    all: bool,
}

pub(super) async fn doubt(
    global: &Global,
    output: Output,
    command: &DoubtCommand,
) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    match command {
        DoubtCommand::List => list(&engine, output).await?,
        DoubtCommand::Resend(which) => {
            resolve(&engine, output, which, Resolution::Resent).await?;
        }
        DoubtCommand::AssumeSent(which) => {
            resolve(&engine, output, which, Resolution::AssumedSent).await?;
        }
    }
    engine.store.close().await;
    Ok(())
}

async fn list(engine: &Engine, output: Output) -> anyhow::Result<()> {
    let doubts = engine.doubts().await?;
    if output.json {
        let rows: Vec<_> = doubts.iter().map(|open| shown(engine, open)).collect();
        return output::json(&rows);
    }
    let say = |english, chinese| output.language.say(english, chinese);
    if doubts.is_empty() {
        output::line(say("No mail is in doubt.", "没有存疑邮件。"));
        return Ok(());
    }
    let mut rows = table([
        say("Number", "编号"),
        say("To", "收件人"),
        say("Campaign", "活动"),
        say("Day", "日期"),
        say("In doubt since", "存疑起始"),
        say("Welcome until", "有效至"),
        say("Relay", "中继"),
        say("Last seen", "最后情况"),
        say("What follows", "后续处理"),
    ]);
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    for open in &doubts {
        rows.add_row([
            open.outreach.0.to_string(),
            open.email.as_str().to_owned(),
            open.campaign.clone(),
            open.day.to_string(),
            time(open.doubt.since),
            time(open.doubt.not_after),
            open.relay.clone().unwrap_or_default(),
            open.cause.clone(),
            words::doubt_policy(output.language, engine.doubt_policy(&open.campaign)).to_owned(),
        ]);
    }
    output::line(rows.to_string());
    output::line(say(
        "Ask the relay's log for a number's Message-ID, then `perennial doubt resend NUMBER` or \
         `perennial doubt assume-sent NUMBER`.",
        "可按 Message-ID 查询中继日志，然后运行 `perennial doubt resend 编号` 或 `perennial doubt assume-sent 编号`。",
    ));
    Ok(())
}

fn shown(engine: &Engine, open: &OpenDoubt) -> serde_json::Value {
    let policy = words::doubt_policy(Language::English, engine.doubt_policy(&open.campaign));
    json!({
        "number": open.outreach.0, "to": open.email.as_str(), "campaign": open.campaign,
        "day": open.day, "attempt": open.attempt, "since": open.doubt.since,
        "not_after": open.doubt.not_after, "resent": open.doubt.resent, "relay": open.relay,
        "cause": open.cause, "policy": policy,
    })
}

async fn resolve(
    engine: &Engine,
    output: Output,
    which: &Which,
    how: Resolution,
) -> anyhow::Result<()> {
    let numbers: Vec<OutreachId> = if which.all {
        let now = engine.clock.now();
        let is_in_time =
            |open: &&OpenDoubt| how != Resolution::Resent || open.doubt.not_after >= now;
        engine.doubts().await?.iter().filter(is_in_time).map(|open| open.outreach).collect()
    } else {
        which.numbers.iter().copied().map(OutreachId).collect()
    };
    let Resolved { done, not_in_doubt, too_late } = engine.resolve_doubts(&numbers, how).await?;
    let listed =
        |ids: &[OutreachId]| ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ");
    if output.json {
        output::json(&json!({
            "done": done, "not_in_doubt": ids(&not_in_doubt), "too_late": ids(&too_late),
        }))?;
    } else {
        output::line(match (output.language, how) {
            (Language::English, Resolution::Resent) => {
                format!("{done} mails leave again with the next round.")
            }
            (Language::English, _) => format!("{done} mails are taken as sent."),
            (Language::Chinese, Resolution::Resent) => format!("{done} 封邮件将在下一轮重新发送。"),
            (Language::Chinese, _) => format!("{done} 封邮件视为已发送。"),
        });
    }
    if !too_late.is_empty() {
        let late = listed(&too_late);
        return Err(Usage(format!(
            "the time of {late} is over, so they would not be welcome; `perennial doubt assume-sent` ends the doubt"
        ))
        .into());
    }
    if !not_in_doubt.is_empty() {
        let others = listed(&not_in_doubt);
        return Err(
            Usage(format!("{others}: not in doubt; `perennial doubt list` shows what is")).into()
        );
    }
    Ok(())
}

fn ids(list: &[OutreachId]) -> Vec<i64> {
    list.iter().map(|id| id.0).collect()
}
