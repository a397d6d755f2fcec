//! What `check` warns of, as sentences.
use super::date;
use crate::{
    cli::Language,
    domain::{Surprise, SurpriseKind},
};

/// A warning with its place.
pub(in crate::cli) fn surprise(language: Language, surprise: &Surprise) -> String {
    let Surprise { place, what } = surprise;
    let said = match language {
        Language::English => in_english(what),
        Language::Chinese => in_chinese(what),
    };
    format!("{place}: {said}")
}

fn in_english(what: &SurpriseKind) -> String {
    match what {
        SurpriseKind::ReachesNobody { campaign } => {
            format!("campaign `{campaign}` means none of the contacts that are known")
        }
        SurpriseKind::Ended { campaign, until } => {
            let until = date(Language::English, *until);
            format!("the time of campaign `{campaign}` was over on {until}; take its file away")
        }
        SurpriseKind::IntervalUnderGap { tier, interval, gap } => {
            let tier = if tier.is_empty() { "fallback" } else { tier };
            format!(
                "`{tier}` allows a check-in every {interval} days, but the minimum gap is {gap} days, \
                 so the gap decides"
            )
        }
        SurpriseKind::StepsUnderGap { campaign, days, gap } => format!(
            "`{campaign}` is {days} days from another mail of its series, but the minimum gap is \
             {gap} days: it will be late or dropped; a category that is `exempt` lets it through"
        ),
        SurpriseKind::OtherLanguage { campaign, reads, gets } => {
            format!("contacts who read {reads} get campaign `{campaign}` in {gets}")
        }
    }
}

fn in_chinese(what: &SurpriseKind) -> String {
    match what {
        SurpriseKind::ReachesNobody { campaign } => {
            format!("活动“{campaign}”不面向任何已知联系人")
        }
        SurpriseKind::Ended { campaign, until } => {
            let until = date(Language::Chinese, *until);
            format!("活动“{campaign}”已于 {until} 结束；可删除其文件")
        }
        SurpriseKind::IntervalUnderGap { tier, interval, gap } => {
            let tier = if tier.is_empty() { "fallback" } else { tier };
            format!("“{tier}”允许每 {interval} 天问候一次，但最小间隔为 {gap} 天，以间隔为准")
        }
        SurpriseKind::StepsUnderGap { campaign, days, gap } => format!(
            "“{campaign}”与同系列另一封邮件相隔 {days} 天，但最小间隔为 {gap} 天：将被推迟或放弃；\
             归入 `exempt` 的类别即可发出"
        ),
        SurpriseKind::OtherLanguage { campaign, reads, gets } => {
            format!("使用 {reads} 的联系人会收到 {gets} 版的活动“{campaign}”")
        }
    }
}
