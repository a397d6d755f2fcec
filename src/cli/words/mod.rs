//! Decisions as sentences, in English and Chinese.
pub(super) mod audit;
mod delivery;
pub(super) mod doctor;
pub(super) mod inbound;
pub(super) mod relays;
mod surprise;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

pub(super) use self::{
    delivery::{doubt_policy, halt, held_back, past_mail},
    surprise::surprise,
};
use super::{Language, tiers::tiers};
use crate::{
    domain::{
        Barrier, Campaign, Channel, ChannelDue, Considered, DeedKind, Fate, Hold, Milestone,
        NotMeant, OccasionRule, Rules, Suppression, Verdict,
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
    if !explanation.channels.is_empty() {
        lines.push(format!("\n{}", language.say("For the rep", "销售代表")));
        let today = now.with_timezone(&zone).date_naive();
        lines.extend(explanation.channels.iter().map(|due| channel(language, due, today)));
    }
    if !decision.considered.is_empty() {
        lines.push(format!("\n{}", language.say("Occasions considered", "考虑过的理由")));
        let (tier, _) = rules.cadence.of(&contact.standings);
        lines.extend(decision.considered.iter().map(|entry| {
            let place = rules.decided_at(entry, tier);
            let place = place.map_or_else(String::new, |place| format!("  [{place}]"));
            considered(language, entry, rules, zone) + &place
        }));
    }
    if !explanation.mails.is_empty() {
        lines.push(format!("\n{}", language.say("Mails", "邮件")));
        lines.extend(explanation.mails.iter().map(|mail| past_mail(language, mail, zone)));
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
        Hold::Suppressed(Suppression::MailboxFull) => language.say(
            "Nothing is sent: the mailbox was full each time for weeks.",
            "不发送：该邮箱数周来一直已满。",
        ),
        Hold::Suppressed(Suppression::Refused) => language.say(
            "Nothing is sent: the contact's mail server refused mail for good, more than once.",
            "不发送：联系人的邮件服务器多次永久拒收邮件。",
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
    let (tier, standing) = rules.cadence.of(&contact.standings);
    let cadence = &tier.cadence;
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

/// When a call or a visit is due.
fn channel(language: Language, due: &ChannelDue, today: NaiveDate) -> String {
    let what = match due.channel {
        Channel::Call => language.say("call", "致电"),
        Channel::Visit => language.say("visit", "拜访"),
    };
    let (every, day) = (due.every.as_days(), date(language, due.due));
    let last = due.last.map(|last| date(language, last));
    match language {
        Language::English => {
            let last = last.map_or("none yet".to_owned(), |last| format!("last one {last}"));
            let overdue = if due.due < today { "overdue since" } else { "due" };
            format!("  {what}: every {every} days, {last}, {overdue} {day}")
        }
        Language::Chinese => {
            let last = last.map_or("尚无".to_owned(), |last| format!("上次 {last}"));
            let overdue = if due.due < today { "已逾期，应于" } else { "应于" };
            format!("  {what}：每 {every} 天，{last}，{overdue} {day}")
        }
    }
}

fn considered(language: Language, entry: &Considered, rules: &Rules, zone: Tz) -> String {
    let what = title(language, &rules.campaigns[entry.campaign], rules);
    let day = entry.day.map(|day| date(language, day));
    let mut fate = fate(language, entry.fate, rules, zone);
    if let Some(by) = entry.delayed {
        let by = barrier(language, by);
        fate = match language {
            Language::English => format!("{fate}; {by} held it back until then"),
            Language::Chinese => format!("{fate}；因{by}而推迟"),
        };
    }
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
        Fate::Dropped { by, until: None } => {
            let by = barrier(language, by);
            match language {
                Language::English => format!("dropped: {by}, for good"),
                Language::Chinese => format!("放弃：{by}，长期有效"),
            }
        }
        Fate::Dropped { by, until: Some(until) } => {
            let (by, until) = (barrier(language, by), moment(language, until, zone));
            match language {
                Language::English => format!("dropped: {by} lasts until {until}, too late for it"),
                Language::Chinese => format!("放弃：{by}持续到 {until}，届时已不合适"),
            }
        }
        Fate::OutsideSpan => say("the campaign does not run then", "届时活动未在进行").to_owned(),
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
        NotMeant::OtherCulture => language
            .say("not kept in the contact's country or language", "联系人所在地区或语言不过此节"),
        NotMeant::NotWanted => {
            language.say("the contact does not want mails of this kind", "联系人不希望收到此类邮件")
        }
        NotMeant::NoConsentOnRecord => language.say(
            "commercial mail to this country needs consent on record (may_send = yes)",
            "向该国家或地区发送商业邮件须有同意记录（may_send = yes）",
        ),
        NotMeant::Rule => language.say(
            "meant for others: the rule of its audience does not hold",
            "面向其他联系人：不符合其受众规则",
        ),
    }
}

/// What holds a mail back, a noun phrase.
fn barrier(language: Language, barrier: Barrier) -> String {
    match (language, barrier) {
        (Language::English, Barrier::Gap { days }) => format!("the minimum gap of {days} days"),
        (Language::Chinese, Barrier::Gap { days }) => format!("{days} 天的最小间隔"),
        (Language::English, Barrier::Cap(cap)) => {
            format!("the cap of {} mails in {} days", cap.most, cap.days)
        }
        (Language::Chinese, Barrier::Cap(cap)) => {
            format!("{} 天内最多 {} 封的上限", cap.days, cap.most)
        }
        (Language::English, Barrier::CategoryCap(cap)) => {
            format!("the category's cap of {} mails in {} days", cap.most, cap.days)
        }
        (Language::Chinese, Barrier::CategoryCap(cap)) => {
            format!("该类别 {} 天内最多 {} 封的上限", cap.days, cap.most)
        }
        (Language::English, Barrier::Pause) => "the pause that the contact asked for".to_owned(),
        (Language::Chinese, Barrier::Pause) => "联系人要求的暂停".to_owned(),
    }
}

/// What a campaign is called: the holiday's name, the event's title, or the kind of occasion.
pub(super) fn title(language: Language, campaign: &Campaign, rules: &Rules) -> String {
    let say =
        |english: &'static str, chinese: &'static str| language.say(english, chinese).to_owned();
    match &campaign.occasion {
        OccasionRule::Birthday => say("birthday", "生日"),
        OccasionRule::CooperationAnniversary => say("cooperation anniversary", "合作周年"),
        OccasionRule::CompanyAnniversary(_) => say("our anniversary", "公司周年"),
        OccasionRule::ContractMilestone(Milestone::Start) => say("start of contract", "合同开始"),
        OccasionRule::ContractMilestone(Milestone::MidTerm) => {
            say("mid-term of contract", "合同中期")
        }
        OccasionRule::ContractMilestone(Milestone::End) => say("end of contract", "合同到期"),
        OccasionRule::Invitation(event) => event.title(&language.locale()).to_owned(),
        OccasionRule::Holiday(place) => rules.holidays[*place].name(&language.locale()).to_owned(),
        OccasionRule::FollowUp(kind) => match kind {
            DeedKind::Order => say("follow-up of an order", "订单回访"),
            DeedKind::Delivery => say("follow-up of a delivery", "交付回访"),
            DeedKind::Service => say("follow-up of a service visit", "服务回访"),
            DeedKind::Call => say("follow-up of a call", "通话回访"),
            DeedKind::Visit => say("follow-up of a visit", "拜访回访"),
            DeedKind::Event => say("follow-up of an event", "活动回访"),
        },
        OccasionRule::WinBack => say("win-back", "挽回"),
        OccasionRule::OneOff => campaign.key.clone(),
        OccasionRule::CheckIn => say("check-in", "问候"),
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
