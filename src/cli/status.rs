//! `status` and `migrate`: what is there and what waits.
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Global, Language, context,
    output::{self, Output, table},
    words,
};
use crate::{
    config::Delivery,
    domain::{Effective, OutreachState, Route, RouteState},
    store::{ConfigurationNote, Halt, LedgerCount, Store, Totals},
};

pub(super) async fn status(global: &Global, output: Output) -> anyhow::Result<()> {
    let store = context::store(global).await?;
    let now = context::clock(global).now();
    let totals = store.totals().await?;
    let ledger = store.ledger().await?;
    let overdue = store.overdue(now).await?;
    let next = store.next_decision_at().await?;
    let configuration = store.configuration_note().await?;
    let halt = store.halt().await?;
    let held_back = store.held_back().await?;
    let doubts = store.open_doubts(None, 1).await?;
    let relays = relays(global, &store, now).await?;
    if output.json {
        let states: serde_json::Map<_, _> = ledger
            .iter()
            .map(|count| (count.state.as_str().to_owned(), json!(count.rows)))
            .collect();
        return output::json(&json!({
            "now": now, "database": store.kind(), "totals": totals, "ledger": states,
            "decisions_due": overdue, "next_decision_at": next, "configuration": configuration,
            "halt": halt, "held_back": held_back,
            "oldest_doubt": doubts.first().map(|open| open.doubt.since),
            "relays": relays.iter().map(Paced::json).collect::<Vec<_>>(),
        }));
    }
    if let Some(halt) = halt {
        print_halt(output, &halt);
    }
    if let Some(held_back) = held_back {
        let said = words::held_back(output.language, &held_back);
        output::line(match output.language {
            Language::English => format!("ATTENTION: {said}."),
            Language::Chinese => format!("请注意：{said}。"),
        });
    }
    print_totals(output, store.kind(), &totals);
    print_ledger(output, &ledger, &totals);
    let next = next.map_or_else(
        || output.language.say("never", "无").to_owned(),
        |at| at.max(now).format("%Y-%m-%d %H:%M UTC").to_string(),
    );
    output::line(match output.language {
        Language::English => format!("{overdue} decisions are due; the next one: {next}."),
        Language::Chinese => format!("待作决定 {overdue} 个；最近一个：{next}。"),
    });
    print_relays(output, &relays);
    if let Some(open) = doubts.first() {
        let since = open.doubt.since.format("%Y-%m-%d %H:%M UTC");
        output::line(match output.language {
            Language::English => {
                format!("Mails are in doubt, the oldest since {since}: `perennial doubt list`.")
            }
            Language::Chinese => format!("有存疑邮件，最早始于 {since}：`perennial doubt list`。"),
        });
    }
    if let Some(note) = configuration {
        print_configuration(output, &note);
    }
    Ok(())
}

/// How fast one relay is at the moment.
struct Paced {
    relay: String,
    effective: Effective,
}

impl Paced {
    fn json(&self) -> serde_json::Value {
        json!({
            "name": self.relay, "per_hour": self.effective.per_hour,
            "left_today": self.effective.left_today, "connections": self.effective.connections,
            "limited_by": words::relays::bind(Language::English, &self.effective.bind),
        })
    }
}

/// The relays of the configuration, if it can be read: `status` also serves somebody who is mending it.
async fn relays(global: &Global, store: &Store, now: DateTime<Utc>) -> anyhow::Result<Vec<Paced>> {
    let Ok(config) = context::config(global) else { return Ok(Vec::new()) };
    let Delivery::Relays(relays) = &config.delivery else { return Ok(Vec::new()) };
    let states = store.relay_states().await?;
    let paced = relays.iter().map(|relay| {
        let state = states.get(&relay.name).and_then(|text| RouteState::from_json(text).ok());
        let providers = &config.providers;
        let route = Route { relay, providers, zone: config.schedules.zone };
        let effective = state.unwrap_or_default().effective(&route, "", now);
        Paced { relay: relay.name.clone(), effective }
    });
    Ok(paced.collect())
}

fn print_relays(output: Output, relays: &[Paced]) {
    if relays.is_empty() {
        return;
    }
    let say = |english, chinese| output.language.say(english, chinese);
    let mut rows = table([
        say("Relay", "中继"),
        say("Mails an hour", "每小时封数"),
        say("Left today", "今日剩余"),
        say("Connections", "连接数"),
        say("Limited by", "受限于"),
    ]);
    for Paced { relay, effective } in relays {
        rows.add_row([
            relay.clone(),
            words::relays::per_hour(output.language, effective),
            effective.left_today.map_or_else(String::new, |left| left.to_string()),
            effective.connections.to_string(),
            words::relays::bind(output.language, &effective.bind),
        ]);
    }
    output::line(rows.to_string());
}

/// The one thing to know first.
fn print_halt(output: Output, halt: &Halt) {
    let since = halt.since.format("%Y-%m-%d %H:%M UTC");
    let why = words::halt(output.language, halt.why);
    output::line(match output.language {
        Language::English => format!(
            "NOTHING IS DECIDED OR SENT since {since}: {why}. Look at it, then run `perennial resume`."
        ),
        Language::Chinese => {
            format!("自 {since} 起不再作决定、不再发送：{why}。请检查后运行 `perennial resume`。")
        }
    });
}

/// What the daemon said last of its configuration.
fn print_configuration(output: Output, note: &ConfigurationNote) {
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let since = time(note.since);
    let Some(refused_at) = note.refused_at.map(time) else {
        output::line(match output.language {
            Language::English => format!("The daemon's configuration is in force since {since}."),
            Language::Chinese => format!("守护进程的配置自 {since} 起生效。"),
        });
        return;
    };
    output::line(match output.language {
        Language::English => format!(
            "The daemon refused the configuration on disk at {refused_at}; the one of {since} stays \
             in force:"
        ),
        Language::Chinese => {
            format!("守护进程于 {refused_at} 拒绝了磁盘上的配置；{since} 的配置仍然有效：")
        }
    });
    note.refused.iter().for_each(|line| output::line(format!("  {line}")));
}

/// A state of the ledger, for people.
pub(super) const fn state(language: Language, state: OutreachState) -> &'static str {
    match state {
        OutreachState::Planned => language.say("planned", "已计划"),
        OutreachState::Ready => language.say("ready", "待发送"),
        OutreachState::Claimed => language.say("claimed", "处理中"),
        OutreachState::Sending => language.say("sending", "发送中"),
        OutreachState::Sent => language.say("sent", "已发送"),
        OutreachState::Failed => language.say("failed", "失败"),
        OutreachState::Expired => language.say("expired", "已过期"),
        OutreachState::Suppressed => language.say("suppressed", "已停发"),
        OutreachState::InDoubt => language.say("in doubt", "存疑"),
        OutreachState::Quarantined => language.say("quarantined", "已隔离"),
    }
}

pub(super) async fn migrate(global: &Global, output: Output) -> anyhow::Result<()> {
    let store = context::store(global).await?;
    let kind = store.kind();
    store.close().await;
    if output.json {
        return output::json(&json!({ "database": kind, "current": true }));
    }
    output::line(match output.language {
        Language::English => format!("The {kind} database is at this program's version."),
        Language::Chinese => format!("{kind} 数据库已是当前版本。"),
    });
    Ok(())
}

fn print_totals(output: Output, kind: &str, totals: &Totals) {
    output::line(match output.language {
        Language::English => format!(
            "{} with {} contacts in {} accounts, {} reps, {} orders, {} contracts, {} touches; {} \
             addresses suppressed.",
            kind,
            totals.contacts,
            totals.accounts,
            totals.reps,
            totals.orders,
            totals.contracts,
            totals.touches,
            totals.suppressed
        ),
        Language::Chinese => format!(
            "{}：联系人 {}，客户 {}，销售代表 {}，订单 {}，合同 {}，接触记录 {}；停发地址 {}。",
            kind,
            totals.contacts,
            totals.accounts,
            totals.reps,
            totals.orders,
            totals.contracts,
            totals.touches,
            totals.suppressed
        ),
    });
}

fn print_ledger(output: Output, ledger: &[LedgerCount], totals: &Totals) {
    let say = |english, chinese| output.language.say(english, chinese);
    let mut rows =
        table([say("Mails", "邮件"), say("Count", "数量"), say("Oldest was due", "最早应发时间")]);
    for count in ledger {
        let waits = !count.state.is_settled();
        let oldest = count.oldest_due_at.filter(|_| waits);
        rows.add_row([
            state(output.language, count.state).to_owned(),
            count.rows.to_string(),
            oldest.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M UTC").to_string()),
        ]);
    }
    if !ledger.is_empty() {
        output::line(rows.to_string());
        let Totals { opened, clicked, bounced, .. } = totals;
        output::line(match output.language {
            Language::English => {
                format!("Opened {opened}, clicked {clicked}, came back {bounced}.")
            }
            Language::Chinese => format!("打开 {opened}，点击 {clicked}，退回 {bounced}。"),
        });
    }
}
