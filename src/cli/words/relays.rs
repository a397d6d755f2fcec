//! How fast relays are at the moment, in English and Chinese.
use chrono::{DateTime, Utc};

use crate::{
    cli::Language,
    domain::{Bind, Cause, Effective, Per, Rate},
};

/// Mails an hour that may leave.
pub(in crate::cli) fn per_hour(language: Language, effective: &Effective) -> String {
    effective.per_hour.map_or_else(
        || language.say("as fast as it takes them", "不限").to_owned(),
        |mails| mails.to_string(),
    )
}

/// What holds most.
pub(in crate::cli) fn bind(language: Language, bind: &Bind) -> String {
    let english = language == Language::English;
    match bind {
        Bind::Connections => language.say("its connections", "连接数").to_owned(),
        Bind::Rate(limit) => rate(language, *limit),
        Bind::WarmUp { most } if english => format!("the warm-up: {most} mails today"),
        Bind::WarmUp { most } => format!("预热：今日 {most} 封"),
        Bind::Backoff { percent } if english => {
            format!("it asked for less: {percent} % of the usual pace")
        }
        Bind::Backoff { percent } => format!("对方要求降速：正常速度的 {percent}%"),
        Bind::Suspended { until } if english => {
            format!("it asked to wait until {}", moment(*until))
        }
        Bind::Suspended { until } => format!("对方要求等待至 {}", moment(*until)),
        Bind::Open { cause: why, until } if english => {
            format!("not used until {}: {}", moment(*until), cause(language, *why))
        }
        Bind::Open { cause: why, until } => {
            format!("停用至 {}：{}", moment(*until), cause(language, *why))
        }
        Bind::Trial => {
            language.say("one mail tries whether it works again", "正以一封邮件试探").to_owned()
        }
    }
}

fn rate(language: Language, limit: Rate) -> String {
    let per = match limit.per {
        Per::Second => language.say("second", "秒"),
        Per::Minute => language.say("minute", "分钟"),
        Per::Hour => language.say("hour", "小时"),
        Per::Day => language.say("day", "天"),
    };
    match language {
        Language::English => format!("its rate: {} a {per}", limit.mails),
        Language::Chinese => format!("速率：每{per} {} 封", limit.mails),
    }
}

const fn cause(language: Language, why: Cause) -> &'static str {
    match why {
        Cause::Unreachable => language.say("it cannot be reached", "无法连接"),
        Cause::Ours => language.say(
            "it does not accept us (password, sender, certificate)",
            "对方不接受我们（密码、发件人或证书）",
        ),
        Cause::Throttled => {
            language.say("it said again and again that we send too much", "多次提示发送过多")
        }
        Cause::Policy => {
            language.say("it refuses our mail for policy or reputation", "因策略或信誉拒收")
        }
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
