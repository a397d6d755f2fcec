//! What stands between a mail and its reader, in English and Chinese.
use super::doctor;
use crate::{
    cli::Language,
    domain::{DoubtPolicy, doctor::Must},
    store::{HaltCause, HeldBack},
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
