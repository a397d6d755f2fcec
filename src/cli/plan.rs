//! `plan`: what will go out.
use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use clap::Args;
use serde_json::json;

use super::{
    Global, chart, context,
    output::{self, Output, table},
    words,
};
use crate::{
    domain::{ContactId, carried_over, occurrence_key},
    engine::{Engine, Foreseen, Outlook, Readers},
};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// How many days to look ahead.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=730))]
    days: u32,
    /// Suppose that readers follow links as often as they did, instead of not at all.
    #[arg(long)]
    expected: bool,
    /// List each mail with its contact.
    #[arg(long)]
    contacts: bool,
}

/// One mail of the list.
struct Line {
    contact: ContactId,
    campaign: String,
    day: NaiveDate,
    when: chrono::DateTime<chrono_tz::Tz>,
    key: String,
}

pub(super) async fn plan(global: &Global, output: Output, args: &PlanArgs) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    let total = u64::try_from(engine.store.totals().await?.contacts).unwrap_or(0);
    let bar = output.progress(total, output.language.say("contacts", "联系人"));
    let mut lines = Vec::new();
    let readers = if args.expected { Readers::AsBefore } else { Readers::Silent };
    let observe = |foreseen: Foreseen<'_>| {
        if args.contacts {
            let campaign = &engine.config.rules.campaigns[foreseen.mail.campaign];
            let (contact, day) = (foreseen.contact.id, foreseen.mail.occurrence.day);
            lines.push(Line {
                contact,
                campaign: campaign.key.clone(),
                day,
                when: foreseen.mail.when.with_timezone(&foreseen.contact.zone),
                key: occurrence_key(&campaign.key, contact, campaign.occasion.kind(), day),
            });
        }
    };
    let outlook =
        engine.forecast(args.days, readers, observe, |done| bar.set_position(done)).await?;
    bar.finish_and_clear();
    lines.sort_by_key(|line| (line.when, line.contact));
    if output.json {
        let held: BTreeMap<_, _> = outlook.held.iter().collect();
        let mails = addressed(&engine, &lines).await?;
        return output::json(&json!({
            "days": args.days,
            "readers": if args.expected { "as-before" } else { "silent" },
            "contacts": outlook.contacts,
            "mails": outlook.by_day.values().sum::<u64>(),
            "by_day": outlook.by_day,
            "budget_per_day": engine.config.rules.budget,
            "carried_over": carried(&engine, &outlook),
            "by_campaign": outlook.by_campaign,
            "by_tier": outlook.by_tier,
            "held": held,
            "list": args.contacts.then_some(mails),
        }));
    }
    print(output, args, &outlook, &carried(&engine, &outlook));
    if args.contacts {
        print_lines(output, &engine, &lines).await?;
    }
    Ok(())
}

/// What the days cannot send within the budget.
fn carried(engine: &Engine, outlook: &Outlook) -> BTreeMap<NaiveDate, u64> {
    let budget = engine.config.rules.budget;
    budget.map(|mails| carried_over(&outlook.by_day, mails)).unwrap_or_default()
}

fn print(output: Output, args: &PlanArgs, outlook: &Outlook, carried: &BTreeMap<NaiveDate, u64>) {
    let language = output.language;
    let total: u64 = outlook.by_day.values().sum();
    output::line(words::plan_total(language, total, args.days, outlook.contacts));
    if total == 0 {
        output::line(words::plan_nothing(language));
    } else {
        output::line("");
        output::line(chart::bars(&by_day_or_week(outlook)));
        if !carried.is_empty() {
            let title = language.say(
                "Left over by the budget of the day, to go out on the next ones while welcome",
                "超出当日预算、在有效期内顺延的邮件",
            );
            let rows: Vec<_> = carried.iter().map(|(day, left)| (day.to_string(), *left)).collect();
            output::line(format!("\n{title}\n{}", chart::bars(&rows)));
        }
        for (title, counts) in [
            (language.say("By campaign", "按活动"), &outlook.by_campaign),
            (language.say("By tier", "按级别"), &outlook.by_tier),
        ] {
            let rows: Vec<_> = counts.iter().map(|(key, count)| (key.clone(), *count)).collect();
            output::line(format!("\n{title}\n{}", chart::bars(&rows)));
        }
    }
    if !outlook.held.is_empty() {
        let title =
            language.say("Contacts without a mail in this time", "此期间内没有邮件的联系人");
        let rows: Vec<_> = outlook
            .held
            .iter()
            .map(|(reason, count)| (words::held(language, reason).to_owned(), *count))
            .collect();
        output::line(format!("\n{title}\n{}", chart::bars(&rows)));
    }
}

/// Days, or weeks by their Monday where days would not fit on a screen.
fn by_day_or_week(outlook: &Outlook) -> Vec<(String, u64)> {
    const MOST_LINES: usize = 45;
    let days = &outlook.by_day;
    if days.len() <= MOST_LINES {
        let day = |day: &NaiveDate| day.format("%a %Y-%m-%d").to_string();
        return days.iter().map(|(date, count)| (day(date), *count)).collect();
    }
    let mut weeks = BTreeMap::<NaiveDate, u64>::new();
    for (date, count) in days {
        let back = u64::from(date.weekday().num_days_from_monday());
        *weeks.entry(*date - chrono::Days::new(back)).or_default() += count;
    }
    weeks.into_iter().map(|(monday, count)| (format!("{monday} +6"), count)).collect()
}

async fn addressed(engine: &Engine, lines: &[Line]) -> anyhow::Result<Vec<serde_json::Value>> {
    let facts = engine.store.letter_facts(lines.iter().map(|line| line.contact)).await?;
    Ok(lines
        .iter()
        .map(|line| {
            json!({
                "email": facts.get(&line.contact).map(|facts| facts.email.as_str()),
                "campaign": line.campaign,
                "occasion": line.day,
                "when": line.when.to_rfc3339(),
                "occurrence": line.key,
            })
        })
        .collect())
}

/// Names are read in pages, so that a long list needs no long query.
const NAMES_PAGE: usize = 1000;

async fn print_lines(output: Output, engine: &Engine, lines: &[Line]) -> anyhow::Result<()> {
    let say = |english, chinese| output.language.say(english, chinese);
    let mut rows = table([
        say("When", "时间"),
        say("Who", "联系人"),
        say("Address", "地址"),
        say("Campaign", "活动"),
    ]);
    for page in lines.chunks(NAMES_PAGE) {
        let facts = engine.store.letter_facts(page.iter().map(|line| line.contact)).await?;
        for line in page {
            let facts = facts.get(&line.contact);
            rows.add_row([
                line.when.format("%Y-%m-%d %H:%M %Z").to_string(),
                facts.map_or_else(String::new, |facts| facts.name.clone()),
                facts.map_or_else(String::new, |facts| facts.email.as_str().to_owned()),
                line.campaign.clone(),
            ]);
        }
    }
    output::line(format!("\n{rows}"));
    Ok(())
}
