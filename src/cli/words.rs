//! Decisions as sentences, in English and Chinese.
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{Language, tiers::tiers};
use crate::{
    domain::{
        Campaign, Considered, Fate, Hold, NotMeant, OccasionRule, Rules, Suppression, Verdict,
    },
    engine::Explanation,
};

/// The whole explanation of one contact, a few short paragraphs.
pub(super) fn explanation(language: Language, explanation: &Explanation, rules: &Rules) -> String {
    let Explanation { contact, facts, decision, now, .. } = explanation;
    let name = if facts.name.is_empty() { facts.email.as_str() } else { facts.name.as_str() };
    let zone = contact.zone;
    let asked = moment(language, *now, zone);
    let mut lines = vec![match language {
        Language::English => format!("{name} <{}>, as of {asked}", facts.email.as_str()),
        Language::Chinese => format!("{name} <{}>，截至 {asked}", facts.email.as_str()),
    }];
    lines.push(String::new());
    lines.push(verdict(language, &decision.verdict, rules, zone));
    lines.push(cadence(language, explanation, rules));
    if !contact.standings.is_empty() {
        lines.push(format!("\n{}", language.say("Tiers", "级别")));
        lines.extend(tiers(language, explanation, rules));
    }
    if !decision.considered.is_empty() {
        lines.push(format!("\n{}", language.say("Occasions considered", "考虑过的理由")));
        let sentences =
            decision.considered.iter().map(|entry| considered(language, entry, rules, zone));
        lines.extend(sentences);
    }
    lines.join("\n")
}

fn verdict(language: Language, verdict: &Verdict, rules: &Rules, zone: Tz) -> String {
    match verdict {
        Verdict::Hold(hold) => hold_sentence(language, *hold).to_owned(),
        Verdict::Send(mail) => {
            let what = title(language, &rules.campaigns[mail.campaign], rules);
            let when = moment(language, mail.when, zone);
            let years = mail.occurrence.years;
            match language {
                Language::English => {
                    let years = years.map_or(String::new(), |years| format!(" ({years} years)"));
                    format!("Next mail: {what}{years}, on {when}.")
                }
                Language::Chinese => {
                    let years = years.map_or(String::new(), |years| format!("（{years} 年）"));
                    format!("下一封邮件：{what}{years}，{when} 发出。")
                }
            }
        }
    }
}

const fn hold_sentence(language: Language, hold: Hold) -> &'static str {
    match hold {
        Hold::Suppressed(Suppression::Unsubscribed) => {
            language.say("Nothing is sent: the contact has unsubscribed.", "不发送：联系人已退订。")
        }
        Hold::Suppressed(Suppression::NoSuchAddress) => language.say(
            "Nothing is sent: a mail server said that the address does not exist.",
            "不发送：邮件服务器表示该地址不存在。",
        ),
        Hold::NoConsent => language.say(
            "Nothing is sent: the contact has not allowed mail (may_send = no).",
            "不发送：联系人未同意接收邮件（may_send = no）。",
        ),
        Hold::NothingInSight => language.say(
            "Nothing is sent: no campaign has a day for this contact within the next year.",
            "不发送：未来一年内没有任何活动适用于该联系人。",
        ),
    }
}

fn cadence(language: Language, explanation: &Explanation, rules: &Rules) -> String {
    let contact = &explanation.contact;
    let (cadence, standing) = rules.cadence.of(&contact.standings);
    let own = contact.engagement.interval_days(cadence);
    let (every, min, max) = (cadence.every.as_days(), cadence.min.as_days(), cadence.max.as_days());
    let moved = contact.engagement.interval_days.is_some();
    let last =
        contact.last_mail_at.map(|at| date(language, at.with_timezone(&contact.zone).date_naive()));
    match language {
        Language::English => {
            let tier = standing.map_or("no tier".to_owned(), |s| format!("tier {}", s.tier));
            let habit = if moved {
                format!("clicks have moved it to {own:.0} days")
            } else {
                "nothing has moved it yet".to_owned()
            };
            let last = last.map_or("never written to".to_owned(), |day| format!("last mail {day}"));
            format!(
                "Cadence: every {every} days ({tier}, between {min} and {max}); {habit}; {last}."
            )
        }
        Language::Chinese => {
            let tier = standing.map_or("未分级".to_owned(), |s| format!("级别 {}", s.tier));
            let habit = if moved {
                format!("因点击已调整为 {own:.0} 天")
            } else {
                "尚未因其行为调整".to_owned()
            };
            let last = last.map_or("从未写过信".to_owned(), |day| format!("上次邮件 {day}"));
            format!("联系频率：每 {every} 天（{tier}，范围 {min}–{max} 天）；{habit}；{last}。")
        }
    }
}

fn considered(language: Language, entry: &Considered, rules: &Rules, zone: Tz) -> String {
    let what = title(language, &rules.campaigns[entry.campaign], rules);
    let day = entry.day.map(|day| date(language, day));
    let fate = fate(language, entry.fate, rules, zone);
    match (language, day) {
        (Language::English, Some(day)) => format!("  {what}, {day}: {fate}"),
        (Language::English, None) => format!("  {what}: {fate}"),
        (Language::Chinese, Some(day)) => format!("  {what}，{day}：{fate}"),
        (Language::Chinese, None) => format!("  {what}：{fate}"),
    }
}

/// What became of an occasion, a clause.
pub(super) fn fate(language: Language, fate: Fate, rules: &Rules, zone: Tz) -> String {
    let say = |english: &'static str, chinese: &'static str| language.say(english, chinese);
    match fate {
        Fate::Chosen => say("this is the next mail", "这就是下一封邮件").to_owned(),
        Fate::Later(when) => {
            let when = moment(language, when, zone);
            match language {
                Language::English => format!("comes later, on {when}"),
                Language::Chinese => format!("稍后发送，{when}"),
            }
        }
        Fate::Covered { by, day } => {
            let (by, day) = (title(language, &rules.campaigns[by], rules), date(language, day));
            match language {
                Language::English => {
                    format!("covered by {by} on {day}, which is stronger and close")
                }
                Language::Chinese => format!("已由 {day} 的“{by}”覆盖（更重要且日期相近）"),
            }
        }
        Fate::Done => say("already sent or given up", "已发送或已放弃").to_owned(),
        Fate::TooLate => say("over, and no longer welcome", "已过期，不宜再发").to_owned(),
        Fate::BeforeKnown => {
            say("was before the contact was imported", "发生在联系人导入之前").to_owned()
        }
        Fate::DroppedByGap(until) => {
            let until = moment(language, until, zone);
            match language {
                Language::English => {
                    format!("dropped: the minimum gap lasts until {until}, too late for it")
                }
                Language::Chinese => format!("放弃：最小间隔持续到 {until}，届时已不合适"),
            }
        }
        Fate::DayOff => {
            say("falls on a day without mail and is left out", "当天不发邮件，本次略过").to_owned()
        }
        Fate::NotMeant(why) => not_meant(language, why).to_owned(),
        Fate::NoDate => say("its date is not known", "日期未知").to_owned(),
    }
}

const fn not_meant(language: Language, why: NotMeant) -> &'static str {
    match why {
        NotMeant::Tier => language.say("meant for other tiers", "面向其他级别"),
        NotMeant::Locale => language.say("meant for other languages", "面向其他语言"),
        NotMeant::Country => language.say("meant for other countries", "面向其他国家或地区"),
        NotMeant::Rule => language.say(
            "meant for others: the rule of its audience does not hold",
            "面向其他联系人：不符合其受众规则",
        ),
    }
}

/// What a campaign is called: the holiday's name, or the kind of occasion.
pub(super) fn title(language: Language, campaign: &Campaign, rules: &Rules) -> String {
    match campaign.occasion {
        OccasionRule::Birthday => language.say("birthday", "生日").to_owned(),
        OccasionRule::CooperationAnniversary => {
            language.say("cooperation anniversary", "合作周年").to_owned()
        }
        OccasionRule::Holiday(place) => rules.holidays[place].name(&language.locale()).to_owned(),
        OccasionRule::CheckIn => language.say("check-in", "问候").to_owned(),
    }
}

/// A reason for which contacts are held, a clause.
pub(super) fn held(language: Language, reason: &str) -> &str {
    match reason {
        "later" => language.say("the next mail comes later", "下一封邮件在此之后"),
        "unsubscribed" => language.say("unsubscribed", "已退订"),
        "no-such-address" => language.say("address does not exist", "地址不存在"),
        "no-consent" => language.say("mail not allowed (may_send = no)", "未同意接收邮件"),
        "nothing-in-sight" => language.say("no campaign fits", "没有适用的活动"),
        other => other,
    }
}

pub(super) fn plan_total(language: Language, mails: u64, days: u32, contacts: u64) -> String {
    match language {
        Language::English => {
            format!(
                "{mails} mails to {contacts} contacts in the next {days} days, as things stand."
            )
        }
        Language::Chinese => {
            format!("照目前情况，未来 {days} 天将向 {contacts} 位联系人发送 {mails} 封邮件。")
        }
    }
}

pub(super) const fn plan_nothing(language: Language) -> &'static str {
    language.say(
        "Nothing will go out. `perennial explain EMAIL` says why for one contact.",
        "没有要发送的邮件。用 `perennial explain EMAIL` 可查看某位联系人的原因。",
    )
}

/// `Fri 25 September 2026`, `2026年9月25日（周五）`.
pub(super) fn date(language: Language, day: NaiveDate) -> String {
    match language {
        Language::English => day.format("%a %-d %B %Y").to_string(),
        Language::Chinese => {
            let weekday = ["一", "二", "三", "四", "五", "六", "日"]
                [day.weekday().num_days_from_monday() as usize];
            format!("{}年{}月{}日（周{weekday}）", day.year(), day.month(), day.day())
        }
    }
}

/// A day with its time of day in the contact's zone.
pub(super) fn moment(language: Language, at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    let (day, time) = (date(language, local.date_naive()), local.format("%H:%M %Z"));
    format!("{day} {time}")
}
