//! What stands between a mail and its reader, in English and Chinese.
use chrono_tz::Tz;

use super::{date, doctor, moment};
use crate::{
    cli::{Language, status::state},
    domain::{DoubtPolicy, OutreachState, doctor::Must},
    store::{CameBack, HaltCause, HeldBack, LastAttempt, PastMail},
};

/// Why everything stands still.
pub(in crate::cli) const fn halt(language: Language, why: HaltCause) -> &'static str {
    match (language, why) {
        (Language::English, why) => why.in_english(),
        (Language::Chinese, HaltCause::Restored) => {
            "数据库回到了更早的状态（例如恢复了备份），不知道此后已发送的邮件"
        }
        (Language::Chinese, HaltCause::Moved) => {
            "数据库换了位置（例如被复制、机器被克隆或备用服务器接管），另一份可能正在发送同样的邮件，或这一份不知道最后发送的邮件"
        }
        (Language::Chinese, HaltCause::ClockJumped) => "系统时钟向前跳了一小时以上",
    }
}

/// That no mail is sent, and what it waits for.
pub(in crate::cli) fn held_back(language: Language, held_back: &HeldBack) -> String {
    let since = held_back.since.format("%Y-%m-%d %H:%M UTC");
    let named = |Must { check, subject }: &Must| {
        let check = doctor::check(language, *check);
        match language {
            Language::English => format!("{check} ({subject})"),
            Language::Chinese => format!("{check}（{subject}）"),
        }
    };
    let by: Vec<_> = held_back.by.iter().map(named).collect();
    match language {
        Language::English => format!(
            "no mail is sent since {since}, as these are broken: {}; `perennial doctor` says what to do",
            by.join(", ")
        ),
        Language::Chinese => format!(
            "自 {since} 起不发送邮件，因为以下各项有问题：{}；请运行 `perennial doctor` 查看处理办法",
            by.join("、")
        ),
    }
}

/// What becomes of a mail in doubt without evidence.
pub(in crate::cli) const fn doubt_policy(language: Language, policy: DoubtPolicy) -> &'static str {
    match policy {
        DoubtPolicy::Hold => language.say("hold", "等待"),
        DoubtPolicy::Resend => language.say("resend", "重发"),
        DoubtPolicy::AssumeSent => language.say("assume-sent", "视为已发送"),
    }
}

/// What became of a mail, and what was said at its last attempt.
pub(in crate::cli) fn past_mail(language: Language, mail: &PastMail, zone: Tz) -> String {
    let (campaign, day) = (&mail.campaign, date(language, mail.day));
    let state = state(language, mail.state);
    let said = mail.last.as_ref().map(|last| said(language, mail.state, last, zone));
    let said = said.unwrap_or_default();
    let back = mail.came_back.as_ref().map(|back| came_back(language, back, zone));
    let back = back.unwrap_or_default();
    match language {
        Language::English => format!("  {campaign}, {day}: {state}{said}{back}"),
        Language::Chinese => format!("  {campaign}，{day}：{state}{said}{back}"),
    }
}

fn came_back(language: Language, back: &CameBack, zone: Tz) -> String {
    let when = moment(language, back.at, zone);
    let (english, chinese) = back.refusal.map(crate::domain::Refusal::reason).unzip();
    let words = &back.words;
    match language {
        Language::English => {
            let reason = english.map_or_else(String::new, |reason| format!(": {reason}"));
            format!("; it came back, {when}{reason}: {words}")
        }
        Language::Chinese => {
            let reason = chinese.map_or_else(String::new, |reason| format!("：{reason}"));
            format!("；已退回，{when}{reason}：{words}")
        }
    }
}

fn said(language: Language, state: OutreachState, last: &LastAttempt, zone: Tz) -> String {
    let LastAttempt { no, relay, words, refusal, .. } = last;
    let when = moment(language, last.ended_at, zone);
    let relay = relay.as_deref().unwrap_or("-");
    if state == OutreachState::Sent {
        return match language {
            Language::English => format!(", {when} ({relay})"),
            Language::Chinese => format!("，{when}（{relay}）"),
        };
    }
    let (english, chinese) = refusal.map(crate::domain::Refusal::reason).unzip();
    match language {
        Language::English => {
            let reason = english.map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{reason}; attempt {no}, {when} ({relay}): {words}")
        }
        Language::Chinese => {
            let reason = chinese.map_or_else(String::new, |reason| format!("：{reason}"));
            format!("{reason}；第 {no} 次尝试，{when}（{relay}）：{words}")
        }
    }
}
