//! What an audit says, in English and Chinese.
use crate::{
    cli::{Language, status},
    domain::audit::{Fault, Findings, Invariant, Judged, MessageFault, Offence, Unchecked},
    engine::Audited,
};

/// What must hold, a clause.
pub(in crate::cli) const fn invariant(language: Language, invariant: Invariant) -> &'static str {
    match invariant {
        Invariant::SentWasTaken => language.say(
            "every mail that was answered with 250 was taken by the relay",
            "凡收到 250 的邮件，中继均已接收",
        ),
        Invariant::TakenIsKnown => language.say(
            "every message taken belongs to a mail that may have left",
            "中继接收的每封邮件都对应一封可能已发出的邮件",
        ),
        Invariant::NoHiddenSend => language
            .say("no mail that says that nothing left was taken", "记为未发出的邮件均未被接收"),
        Invariant::NoCopyWithoutDoubt => language.say(
            "no mail was taken twice, unless a doubt was ended by sending again",
            "除存疑后重发外，没有邮件被接收两次",
        ),
        Invariant::DoubtsPerKill => language.say(
            "a crash leaves no more doubts than there are connections",
            "每次崩溃留下的存疑邮件不多于连接数",
        ),
        Invariant::NothingVanishes => {
            language.say("no mail vanishes, goes back or is stuck", "没有邮件消失、倒退或卡住")
        }
        Invariant::NothingAfterUnsubscribing => language
            .say("nothing left for a contact who had unsubscribed", "退订之后没有再向其发出邮件"),
        Invariant::AttemptsInOrder => language.say(
            "attempts are in order, one lease each, none after acceptance",
            "发送尝试依次进行，各持一次租约，接收之后不再尝试",
        ),
        Invariant::WithinLimits => language
            .say("the relay never saw more connections than are allowed", "中继所见连接数从未超限"),
        Invariant::SoundMessages => language
            .say("messages are sound: lines, headers, recipient", "邮件格式无误：行、信头、收件人"),
    }
}

/// Whether it holds, or why nobody knows.
pub(in crate::cli) fn verdict(language: Language, judged: &Judged) -> String {
    match (judged.is_broken(), judged.unchecked) {
        (true, _) => language.say("BROKEN", "不成立").to_owned(),
        (false, None) => language.say("holds", "成立").to_owned(),
        (false, Some(why)) => match language {
            Language::English => format!("not checked: {}", unchecked(language, why)),
            Language::Chinese => format!("未检查：{}", unchecked(language, why)),
        },
    }
}

/// Why something was not checked, with what to do about it.
pub(in crate::cli) const fn unchecked(language: Language, why: Unchecked) -> &'static str {
    match why {
        Unchecked::NoKills => language
            .say("say with --kills how many crashes there were", "请用 --kills 说明崩溃次数"),
        Unchecked::NoRelay => language.say("the configuration has no relay", "配置中没有中继"),
        Unchecked::NoConnections => {
            language.say("the ledger tells of no connections", "中继的账本没有连接记录")
        }
        Unchecked::NoMessages => language.say(
            "name the folder of the messages with --messages",
            "请用 --messages 指明邮件所在文件夹",
        ),
    }
}

/// What breaks an invariant, with where it is.
pub(in crate::cli) fn offence(language: Language, offence: &Offence) -> String {
    let said = fault(language, &offence.fault);
    match (language, offence.mail, offence.line) {
        (Language::English, Some(mail), Some(line)) => {
            format!("mail {}, line {line} of the ledger: {said}", mail.0)
        }
        (Language::English, Some(mail), None) => format!("mail {}: {said}", mail.0),
        (Language::Chinese, Some(mail), Some(line)) => {
            format!("邮件 {}（账本第 {line} 行）：{said}", mail.0)
        }
        (Language::Chinese, Some(mail), None) => format!("邮件 {}：{said}", mail.0),
        (_, None, _) => said,
    }
}

/// How many more there are.
pub(in crate::cli) fn more(language: Language, left: u64) -> String {
    match language {
        Language::English => format!("and {left} more"),
        Language::Chinese => format!("另有 {left} 处"),
    }
}

/// What is wrong, a clause.
pub(in crate::cli) fn fault(language: Language, fault: &Fault) -> String {
    match language {
        Language::English => in_english(fault),
        Language::Chinese => in_chinese(fault),
    }
}

fn in_english(fault: &Fault) -> String {
    let state = |state| status::state(Language::English, state);
    match fault {
        Fault::NotTaken => "the relay answered 250, and its ledger does not have it".to_owned(),
        Fault::UnknownMail => "there is no such mail in the database".to_owned(),
        Fault::OtherNonce => {
            "the database has it under another random number; was it made anew or \
                              put back?"
                .to_owned()
        }
        Fault::TakenIn(of) => format!("the relay has it, and the database says `{}`", state(*of)),
        Fault::Copies { taken, allowed } => {
            format!("the relay has {taken} copies, and doubts explain {allowed}")
        }
        Fault::TooManyDoubts { found, allowed } => {
            format!("crashes left {found} mails in doubt, and could have left {allowed}")
        }
        Fault::Gone => "attempts or contents are recorded of a mail that is gone".to_owned(),
        Fault::Stuck(of) => format!(
            "it has been `{}` for longer than its lease or its welcome; does a daemon run?",
            state(*of)
        ),
        Fault::WentBack => "it was tried and is planned again".to_owned(),
        Fault::AfterUnsubscribing => {
            "the relay took it after its contact had unsubscribed".to_owned()
        }
        Fault::Gap(no) => format!("attempt {no} does not follow the one before"),
        Fault::Lease(no) => format!("attempt {no} was made under the lease of an earlier one"),
        Fault::Overlap(no) => format!("attempt {no} began before the one before had ended"),
        Fault::AfterAccepted(no) => format!("attempt {no} follows one that was accepted"),
        Fault::NeverClaimed(no) => format!("it was not claimed for attempt {no}"),
        Fault::Connections { seen, allowed } => {
            format!("the relay saw {seen} connections at once, and {allowed} are allowed")
        }
        Fault::Message(fault) => match fault {
            MessageFault::Absent => "it is not in the folder of the messages".to_owned(),
            MessageFault::LongLine => "a line has more than 998 octets".to_owned(),
            MessageFault::BareLineEnd => "a line feed or carriage return stands alone".to_owned(),
            MessageFault::Nul => "it holds a NUL".to_owned(),
            MessageFault::MissingHeader(name) => format!("the header `{name}` is missing"),
            MessageFault::RepeatedHeader(name) => {
                format!("the header `{name}` is there more than once")
            }
            MessageFault::OtherMessageId => "its Message-ID is not that of the ledger".to_owned(),
            MessageFault::OtherRecipient => {
                "it is addressed to somebody else than its envelope".to_owned()
            }
        },
    }
}

fn in_chinese(fault: &Fault) -> String {
    let state = |state| status::state(Language::Chinese, state);
    match fault {
        Fault::NotTaken => "中继已答复 250，但其账本中没有这封邮件".to_owned(),
        Fault::UnknownMail => "数据库中没有这封邮件".to_owned(),
        Fault::OtherNonce => "数据库中的随机数不同；数据库是否曾重建或回退？".to_owned(),
        Fault::TakenIn(of) => format!("中继已接收，数据库却记为“{}”", state(*of)),
        Fault::Copies { taken, allowed } => {
            format!("中继收到 {taken} 份，而存疑只能解释 {allowed} 份")
        }
        Fault::TooManyDoubts { found, allowed } => {
            format!("崩溃留下 {found} 封存疑邮件，上限为 {allowed} 封")
        }
        Fault::Gone => "有发送记录或正文，但邮件本身已不存在".to_owned(),
        Fault::Stuck(of) => {
            format!("处于“{}”的时间已超过租约或有效期；守护进程是否在运行？", state(*of))
        }
        Fault::WentBack => "尝试发送之后又回到计划状态".to_owned(),
        Fault::AfterUnsubscribing => "联系人退订之后中继才接收".to_owned(),
        Fault::Gap(no) => format!("第 {no} 次尝试与前一次不连续"),
        Fault::Lease(no) => format!("第 {no} 次尝试使用了更早的租约"),
        Fault::Overlap(no) => format!("第 {no} 次尝试开始时，前一次尚未结束"),
        Fault::AfterAccepted(no) => format!("邮件已被接收，却又有第 {no} 次尝试"),
        Fault::NeverClaimed(no) => format!("第 {no} 次尝试没有取得租约"),
        Fault::Connections { seen, allowed } => {
            format!("中继同时看到 {seen} 个连接，上限为 {allowed} 个")
        }
        Fault::Message(fault) => match fault {
            MessageFault::Absent => "邮件文件夹中没有这封邮件".to_owned(),
            MessageFault::LongLine => "有一行超过 998 个字节".to_owned(),
            MessageFault::BareLineEnd => "有单独的换行符或回车符".to_owned(),
            MessageFault::Nul => "含有 NUL 字符".to_owned(),
            MessageFault::MissingHeader(name) => format!("缺少信头 `{name}`"),
            MessageFault::RepeatedHeader(name) => format!("信头 `{name}` 重复"),
            MessageFault::OtherMessageId => "Message-ID 与账本不同".to_owned(),
            MessageFault::OtherRecipient => "收件人与信封不同".to_owned(),
        },
    }
}

/// Our mails, by state.
pub(in crate::cli) fn mails(language: Language, states: &[String]) -> String {
    match (language, states) {
        (Language::English, []) => "There are no mails.".to_owned(),
        (Language::Chinese, []) => "没有邮件。".to_owned(),
        (Language::English, _) => format!("Mails: {}.", states.join(", ")),
        (Language::Chinese, _) => format!("邮件：{}。", states.join("，")),
    }
}

/// What the relay took.
pub(in crate::cli) fn relay(language: Language, audited: &Audited) -> String {
    let Audited { findings: Findings { accepted, duplicates, .. }, foreign } = audited;
    match language {
        Language::English => format!(
            "The relay took {accepted} messages of ours, {duplicates} of them copies, and {foreign} \
             of others."
        ),
        Language::Chinese => format!(
            "中继接收我方邮件 {accepted} 封，其中重复 {duplicates} 封；另有他方邮件 {foreign} 封。"
        ),
    }
}

/// How many doubts there were, and what became of them.
pub(in crate::cli) fn doubts(language: Language, findings: &Findings) -> String {
    let Findings { doubts, left_by_crashes, missing, .. } = findings;
    match language {
        Language::English => format!(
            "Doubts: {doubts}, {left_by_crashes} of them left by crashes; {missing} of these mails \
             did not arrive."
        ),
        Language::Chinese => format!(
            "存疑 {doubts} 次，其中由崩溃造成 {left_by_crashes} 次；这些邮件中有 {missing} 封未送达。"
        ),
    }
}

/// The verdict on everything.
pub(in crate::cli) fn total(language: Language, findings: &Findings) -> String {
    let broken = findings.judged.iter().filter(|judged| judged.is_broken()).count();
    match (language, broken) {
        (Language::English, 0) => "Nothing is broken.".to_owned(),
        (Language::English, 1) => "1 invariant is broken.".to_owned(),
        (Language::English, _) => format!("{broken} invariants are broken."),
        (Language::Chinese, 0) => "没有违例。".to_owned(),
        (Language::Chinese, _) => format!("有 {broken} 项不成立。"),
    }
}
