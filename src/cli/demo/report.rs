//! What the demo shows of its story.
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    play::{Month, Story, Told},
    world::World,
};
use crate::{
    cli::{
        Language,
        output::{self, Output, table},
        words,
    },
    clock::Clock,
    domain::{
        Barrier, Considered, ContactId, Decision, Fate, Hold, Rules, Snapshot, Verdict, decide,
    },
    store::LetterFacts,
};

/// Rows of a table before it is cut.
const ROWS: usize = 24;
/// Examples of contacts who were held.
const HELD_ROWS: usize = 10;

/// The story of one day as a table, of many days by month.
pub(super) async fn story(
    output: Output,
    world: &World,
    story: &Story,
    days: u32,
) -> anyhow::Result<()> {
    let language = output.language;
    let totals = world.engine.store.totals().await?;
    output::line(match language {
        Language::English => format!(
            "\nMade-up data: {} contacts in {} accounts, {} reps, {} orders. {} mails were sent over SMTP.",
            totals.contacts, totals.accounts, totals.reps, totals.orders, story.sent
        ),
        Language::Chinese => format!(
            "\n虚构数据：{} 位联系人，{} 家客户，{} 位销售代表，{} 笔订单。已通过 SMTP 发送 {} 封邮件。",
            totals.contacts, totals.accounts, totals.reps, totals.orders, story.sent
        ),
    });
    if days == 1 {
        sent(output, world, story).await?;
    } else {
        months(output, story);
    }
    held(output, world).await
}

async fn sent(output: Output, world: &World, story: &Story) -> anyhow::Result<()> {
    let language = output.language;
    let say = |english, chinese| language.say(english, chinese);
    let rules = &world.engine.config.rules;
    let shown: Vec<&Told> = spread(&story.told);
    let facts = world.engine.store.letter_facts(shown.iter().map(|told| told.contact)).await?;
    let mut rows = table([
        say("When, where they are", "当地时间"),
        say("Who", "联系人"),
        say("Account", "客户"),
        say("Tier", "级别"),
        say("Why", "原因"),
    ]);
    for told in &shown {
        let facts = facts.get(&told.contact);
        let why = why_sent(language, told, rules);
        let local = told.mail.when.with_timezone(&told.zone);
        rows.add_row([
            format!("{} {}", local.format("%m-%d %H:%M"), city(told.zone)),
            facts.map_or_else(String::new, |facts| facts.name.clone()),
            facts.map_or_else(String::new, |facts| facts.account.clone()),
            told.tier.clone(),
            why,
        ]);
    }
    output::line(rows.to_string());
    let more = story.told.len().saturating_sub(shown.len());
    if more > 0 {
        output::line(match language {
            Language::English => format!("… and {more} more; all of them are in the inbox."),
            Language::Chinese => format!("…… 另有 {more} 封，均在收件箱中。"),
        });
    }
    Ok(())
}

/// The part of a zone's name that people know it by.
fn city(zone: chrono_tz::Tz) -> String {
    zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ")
}

/// The occasion of a mail, what it counts and what it covers.
fn why_sent(language: Language, told: &Told, rules: &Rules) -> String {
    let title = |place: usize| words::title(language, &rules.campaigns[place], rules);
    let years = told.mail.occurrence.years.map(|years| match language {
        Language::English => format!(", {years} years"),
        Language::Chinese => format!("，{years} 年"),
    });
    let covered: Vec<_> = told.covers.iter().map(|place| title(*place)).collect();
    let covered = covered.join(language.say(" and ", "、"));
    let covers = match language {
        _ if covered.is_empty() => String::new(),
        Language::English => format!("; covers {covered}"),
        Language::Chinese => format!("；覆盖{covered}"),
    };
    format!("{}{}{covers}", title(told.mail.campaign), years.unwrap_or_default())
}

/// A cut of the story that shows every campaign: rows at even distances.
fn spread(told: &[Told]) -> Vec<&Told> {
    let mut by_campaign = BTreeMap::<usize, Vec<&Told>>::new();
    for one in told {
        by_campaign.entry(one.mail.campaign).or_default().push(one);
    }
    let share = ROWS / by_campaign.len().max(1);
    let mut shown: Vec<_> =
        by_campaign.into_values().flat_map(|rows| rows.into_iter().take(share.max(1))).collect();
    shown.sort_by_key(|told| (told.mail.when, told.contact));
    shown
}

fn months(output: Output, story: &Story) {
    let say = |english, chinese| output.language.say(english, chinese);
    let mut rows = table([
        say("Month", "月份"),
        say("Mails", "邮件"),
        say("Opened", "打开"),
        say("Clicked", "点击"),
        say("Unsubscribed", "退订"),
    ]);
    let cells = |name: &str, month: Month| {
        let Month { sent, opened, clicked, unsubscribed } = month;
        [
            name.to_owned(),
            sent.to_string(),
            opened.to_string(),
            clicked.to_string(),
            unsubscribed.to_string(),
        ]
    };
    for (name, month) in &story.months {
        rows.add_row(cells(name, *month));
    }
    rows.add_row(cells(say("all", "合计"), Month { sent: story.sent, ..story.read }));
    output::line(rows.to_string());
}

/// Every contact with what comes next, as of now.
async fn everybody(world: &World) -> anyhow::Result<Vec<(Snapshot, Decision)>> {
    const MOST: u32 = 10_000;
    let engine = &world.engine;
    let now = world.clock.now();
    let contacts =
        engine.store.snapshots(&engine.snapshot_options(), ContactId(0), now, MOST).await?;
    let decided = contacts.into_iter().map(|contact| {
        let decision = decide(&engine.config.rules, &contact, now);
        (contact, decision)
    });
    Ok(decided.collect())
}

/// The occasion about which a decision has most to tell: one of these days that was dropped, or
/// covered by a stronger one.
fn telling(contact: &Snapshot, decision: &Decision, now: DateTime<Utc>) -> Option<Considered> {
    const THESE_DAYS: i64 = 10;
    let today = now.with_timezone(&contact.zone).date_naive();
    let near = |entry: &&Considered| {
        entry.day.is_some_and(|day| (day - today).num_days().abs() <= THESE_DAYS)
            && matches!(entry.fate, Fate::Covered { .. } | Fate::Dropped { .. })
    };
    decision.considered.iter().find(near).copied()
}

/// The name under which a decision is counted among the held.
fn reason(contact: &Snapshot, decision: &Decision, now: DateTime<Utc>) -> &'static str {
    let fate = telling(contact, decision, now).map(|entry| entry.fate);
    match (decision.verdict, fate) {
        (Verdict::Hold(hold), _) => hold.as_str(),
        (Verdict::Send(_), Some(Fate::Dropped { by: Barrier::Gap { .. }, .. })) => "gap",
        (Verdict::Send(_), Some(Fate::Dropped { by: Barrier::Pause, .. })) => "paused",
        (Verdict::Send(_), Some(Fate::Dropped { .. })) => "cap",
        (Verdict::Send(_), Some(_)) => "covered",
        (Verdict::Send(_), None) => "later",
    }
}

async fn held(output: Output, world: &World) -> anyhow::Result<()> {
    let language = output.language;
    let now = world.clock.now();
    let everybody = everybody(world).await?;
    let mut by_reason = BTreeMap::<&str, Vec<&(Snapshot, Decision)>>::new();
    for entry in &everybody {
        by_reason.entry(reason(&entry.0, &entry.1, now)).or_default().push(entry);
    }
    let share = HELD_ROWS / by_reason.len().max(1);
    let shown: Vec<_> =
        by_reason.values().flat_map(|entries| entries.iter().take(share.max(1))).collect();
    let ids = shown.iter().map(|(contact, _)| contact.id);
    let facts = world.engine.store.letter_facts(ids).await?;
    let mut rows = table([language.say("Held", "暂不发送"), language.say("Why", "原因")]);
    for (contact, decision) in shown {
        rows.add_row([name(&facts, contact.id), why_held(language, world, contact, decision)]);
    }
    output::line(format!("\n{rows}"));
    Ok(())
}

fn name(facts: &HashMap<ContactId, LetterFacts>, contact: ContactId) -> String {
    facts.get(&contact).map_or_else(String::new, |facts| facts.name.clone())
}

fn why_held(language: Language, world: &World, contact: &Snapshot, decision: &Decision) -> String {
    let rules = &world.engine.config.rules;
    let mail = match decision.verdict {
        Verdict::Hold(Hold::NothingInSight) => {
            return words::held(language, "nothing-in-sight").to_owned();
        }
        Verdict::Hold(hold) => return words::held(language, hold.as_str()).to_owned(),
        Verdict::Send(mail) => mail,
    };
    if let Some(entry) = telling(contact, decision, world.clock.now()) {
        let what = words::title(language, &rules.campaigns[entry.campaign], rules);
        let fate = words::fate(language, entry.fate, rules, contact.zone);
        return format!("{what}: {fate}");
    }
    let what = words::title(language, &rules.campaigns[mail.campaign], rules);
    let when = words::moment(language, mail.when, contact.zone);
    match language {
        Language::English => format!("next is {what}, {when}"),
        Language::Chinese => format!("下一封是“{what}”，{when}"),
    }
}

/// The one object of a headless demo.
pub(super) async fn headless(
    output: Output,
    world: &World,
    story: &Story,
    second_round_sent: u64,
    days: u32,
) -> anyhow::Result<()> {
    let totals = world.engine.store.totals().await?;
    let now = world.clock.now();
    let mut held = BTreeMap::<&str, u64>::new();
    let mut moved = 0_u64;
    for (contact, decision) in everybody(world).await? {
        *held.entry(reason(&contact, &decision, now)).or_default() += 1;
        moved += u64::from(contact.engagement.interval_days.is_some());
    }
    let mut campaigns = BTreeMap::<&str, u64>::new();
    for told in &story.told {
        let campaign = &world.engine.config.rules.campaigns[told.mail.campaign];
        *campaigns.entry(campaign.key.as_str()).or_default() += 1;
    }
    if !output.json {
        self::story(output, world, story, days).await?;
    }
    let summary = json!({
        "database": world.engine.store.kind(),
        "days": days,
        "contacts": totals.contacts,
        "accounts": totals.accounts,
        "reps": totals.reps,
        "orders": totals.orders,
        "contracts": totals.contracts,
        "touches": totals.touches,
        "sent": story.sent,
        "failed": story.failed,
        "received": world.inbox.count(),
        "by_campaign": campaigns,
        "held": held,
        "opened": totals.opened,
        "clicked": totals.clicked,
        "unsubscribed": totals.suppressed,
        "cadence_moved": moved,
        "second_round_sent": second_round_sent,
    });
    output::json(&summary)
}

/// Where to look and what to try.
pub(super) fn addresses(output: Output, world: &World) {
    let say = |english, chinese| output.language.say(english, chinese);
    let now = world.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let config = world.folder.join("config");
    output::line(format!(
        "\n{}  {}/\n{}  {}\n{}  {}\n",
        say("Inbox page:", "收件箱页面："),
        world.inbox.page_url(),
        say("Tracking:  ", "跟踪地址：  "),
        world.engine.config.tracking.base_url,
        say("SMTP:      ", "SMTP：      "),
        world.inbox.smtp_address(),
    ));
    output::line(say(
        "Open a mail there and click a link: that is real feedback, and it shows here.",
        "在收件箱里打开一封邮件并点击链接：这就是真实的反馈，会显示在这里。",
    ));
    output::line(format!(
        "  perennial --config {} --now {now} explain EMAIL\n{}",
        config.display(),
        say("Ctrl-C ends the demo.", "按 Ctrl-C 结束演示。"),
    ));
}

/// Tells of cadences that move, until told to stop.
pub(super) async fn watch(
    output: Output,
    world: &World,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    let mut known = intervals(world).await?;
    let mut clicked = world.engine.store.totals().await?.clicked;
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        let totals = world.engine.store.totals().await?;
        if totals.clicked == clicked {
            continue;
        }
        clicked = totals.clicked;
        let fresh = intervals(world).await?;
        let moved: Vec<_> =
            fresh.iter().filter(|(contact, days)| known.get(contact) != Some(days)).collect();
        let facts =
            world.engine.store.letter_facts(moved.iter().map(|(contact, _)| **contact)).await?;
        for (contact, days) in moved {
            let before = known.get(contact).copied().unwrap_or_default();
            let (name, email) = facts
                .get(contact)
                .map_or(("", ""), |facts| (facts.name.as_str(), facts.email.as_str()));
            output::line(match output.language {
                Language::English => {
                    format!(
                        "{name} <{email}> clicked: check-ins every {before} days are now every {days}."
                    )
                }
                Language::Chinese => {
                    format!("{name} <{email}> 点击了链接：问候间隔由 {before} 天变为 {days} 天。")
                }
            });
        }
        known = fresh;
    }
    Ok(())
}

/// Each contact's check-in interval in whole days.
async fn intervals(world: &World) -> anyhow::Result<HashMap<ContactId, u32>> {
    let rules = &world.engine.config.rules;
    let everybody = everybody(world).await?;
    let interval = |(contact, _): &(Snapshot, Decision)| {
        let (tier, _) = rules.cadence.of(&contact.standings);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days")]
        let days = contact.engagement.interval_days(&tier.cadence).round() as u32;
        (contact.id, days)
    };
    Ok(everybody.iter().map(interval).collect())
}
