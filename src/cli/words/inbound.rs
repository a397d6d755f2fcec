//! What came in, in English and Chinese.
use crate::{
    cli::Language,
    domain::{AddressEffect, Feedback},
    engine::Reported,
    inbound::Taken,
};

/// What a message was taken for, for programs.
pub(in crate::cli) const fn kind(taken: &Taken) -> &'static str {
    match taken {
        Taken::NotAReport => "not-a-report",
        Taken::Automatic => "automatic-answer",
        Taken::Unverified => "unverified",
        Taken::NoSuchMail(_) => "no-such-mail",
        Taken::Report(report) => report.judged.feedback.as_str(),
    }
}

/// What a message was taken for, with the reason that a report gives.
pub(in crate::cli) fn taken_for(language: Language, taken: &Taken) -> String {
    let report = match taken {
        Taken::NotAReport => {
            return language.say("not a delivery report", "不是投递报告").to_owned();
        }
        Taken::Automatic => {
            let (english, chinese) = (
                "not a delivery report: an automatic answer without a part for programs",
                "不是投递报告：没有机器可读部分的自动回复",
            );
            return language.say(english, chinese).to_owned();
        }
        Taken::Unverified => {
            let (english, chinese) =
                ("unverified: no return path that we signed", "未经验证：没有我们签名的退信地址");
            return language.say(english, chinese).to_owned();
        }
        Taken::NoSuchMail(_) => {
            let (english, chinese) =
                ("report on a mail that is not in this database", "此数据库中没有报告所指的邮件");
            return language.say(english, chinese).to_owned();
        }
        Taken::Report(report) => report,
    };
    let name = match report.judged.feedback {
        Feedback::Bounce => language.say("bounce", "退信"),
        Feedback::Delay => language.say("delay", "投递延迟"),
        _ => language.say("receipt", "投递回执"),
    };
    let Some((english, chinese)) = report.judged.refusal.map(crate::domain::Refusal::reason) else {
        return name.to_owned();
    };
    match language {
        Language::English => format!("{name}: {english}"),
        Language::Chinese => format!("{name}：{chinese}"),
    }
}

/// What followed from a message.
pub(in crate::cli) fn effect(language: Language, taken: &Taken) -> String {
    let Taken::Report(report) = taken else { return language.say("none", "无").to_owned() };
    if report.is_known {
        return language.say("none, it was known", "无（已有记录）").to_owned();
    }
    let effect = match effect_on_address(report) {
        "suppressed" => language.say("the address is suppressed", "该地址已停发"),
        "counted" => language.say("counted against the address", "已计入该地址的退信次数"),
        _ => language.say("noted, nothing against the address", "已记录，不影响该地址"),
    };
    let end = if report.ended_doubt {
        language.say("; the mail is in doubt no more", "；该邮件不再存疑")
    } else {
        ""
    };
    format!("{effect}{end}")
}

/// What followed for the address, for programs.
pub(in crate::cli) const fn effect_on_address(report: &Reported) -> &'static str {
    match (report.is_known, report.suppressed, report.judged.effect) {
        (true, ..) | (false, None, AddressEffect::Nothing) => "none",
        (false, Some(_), _) | (false, None, AddressEffect::Suppress(_)) => "suppressed",
        (false, None, AddressEffect::Count(_)) => "counted",
    }
}
