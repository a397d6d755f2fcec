//! What stands between a mail and its reader, in English and Chinese.
use crate::{cli::Language, domain::DoubtPolicy, store::HaltCause};

/// Why everything stands still.
pub(in crate::cli) const fn halt(language: Language, why: HaltCause) -> &'static str {
    match (language, why) {
        (Language::English, why) => why.in_english(),
        (Language::Chinese, HaltCause::Restored) => {
            "数据库回到了更早的状态（例如恢复了备份），不知道此后已发送的邮件"
        }
        (Language::Chinese, HaltCause::Moved) => {
            "数据库换了位置（例如被复制或机器被克隆），另一份可能正在发送同样的邮件"
        }
        (Language::Chinese, HaltCause::ClockJumped) => "系统时钟向前跳了一小时以上",
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
