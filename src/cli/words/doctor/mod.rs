//! What `doctor` found, and what to do about it.
mod names;
mod places;

use super::super::Language;
use crate::domain::doctor::{Check, Finding, Soundness, State, Why};

/// Two sentences: what was found, and what to do.
pub(in crate::cli) struct Said {
    /// What was found.
    pub(in crate::cli) found: String,
    /// What to do; nothing, if there is nothing to do.
    pub(in crate::cli) todo: String,
}

/// Both sentences in both languages, English first.
struct Both {
    found: [String; 2],
    todo: [String; 2],
}

fn found(english: impl Into<String>, chinese: impl Into<String>) -> Both {
    Both { found: [english.into(), chinese.into()], todo: Default::default() }
}

impl Both {
    fn todo(mut self, english: impl Into<String>, chinese: impl Into<String>) -> Self {
        self.todo = [english.into(), chinese.into()];
        self
    }

    fn in_language(self, language: Language) -> Said {
        let one = |[english, chinese]: [String; 2]| match language {
            Language::English => english,
            Language::Chinese => chinese,
        };
        Said { found: one(self.found), todo: one(self.todo) }
    }
}

/// What was looked at, a few words.
pub(in crate::cli) const fn check(language: Language, check: Check) -> &'static str {
    match check {
        Check::Spf => "SPF",
        Check::Dkim => "DKIM",
        Check::Dmarc => "DMARC",
        Check::Alignment => language.say("alignment", "域名一致"),
        Check::Mx => language.say("receives mail", "能否收信"),
        Check::Hello => "PTR/HELO",
        Check::Relay => language.say("relay", "中继"),
        Check::RelayCertificate => language.say("relay's TLS", "中继 TLS"),
        Check::RelayOffers => language.say("relay offers", "中继能力"),
        Check::Tracking => language.say("public pages", "公开页面"),
        Check::TrackingCertificate => language.say("pages' TLS", "页面 TLS"),
        Check::OneClick => language.say("one-click", "一键退订"),
        Check::Clock => language.say("clock", "时钟"),
        Check::Database => language.say("database", "数据库"),
    }
}

/// The verdict, a word or two.
pub(in crate::cli) const fn soundness(language: Language, soundness: Soundness) -> &'static str {
    match soundness {
        Soundness::Fine => language.say("fine", "正常"),
        Soundness::Warning => language.say("warning", "警告"),
        Soundness::Broken => language.say("BROKEN", "有问题"),
        Soundness::NotChecked => language.say("not checked", "未检查"),
    }
}

/// What was found, and what to do.
pub(in crate::cli) fn said(language: Language, finding: &Finding) -> Said {
    let both = match &finding.state {
        State::NotChecked(why) => unchecked(why),
        State::Spf(state) => names::spf(state),
        State::Dkim(state) => names::dkim(state),
        State::Dmarc(state) => names::dmarc(state),
        State::Alignment(state) => names::alignment(state),
        State::Mx(state) => names::mx(state),
        State::Relay(state) => places::relay(state),
        State::Certificate(state) => places::certificate(*state),
        State::Offers(state) => places::offers(*state),
        State::Tracking(state) => places::tracking(state),
        State::OneClick(state) => places::one_click(state),
        State::Clock(state) => places::clock(state),
        State::Database(state) => places::database(state),
    };
    both.in_language(language)
}

/// A finding for the log: what was looked at, what was found, and what to do.
pub(in crate::cli) fn sentence(finding: &Finding) -> String {
    let language = Language::English;
    let (check, Said { found, todo }) = (check(language, finding.check), said(language, finding));
    format!("{check} ({}): {found}; {todo}", finding.subject)
}

fn unchecked(why: &Why) -> Both {
    match why {
        Why::Offline => found("needs the network", "需要网络")
            .todo("run it without --offline", "去掉 --offline 再运行"),
        Why::NoResolver => found("this machine names no DNS resolver", "本机没有配置 DNS 解析服务器").todo(
            "put a `nameserver` line into /etc/resolv.conf",
            "请在 /etc/resolv.conf 中写一行 `nameserver`",
        ),
        Why::Unanswered { name, cause } => found(
            format!("no answer of the DNS about {name}: {cause}"),
            format!("DNS 没有答复 {name}：{cause}"),
        )
        .todo(
            "try again; if it stays so, ask whoever runs the DNS of that name",
            "请重试；若仍如此，请联系该域名的 DNS 管理者",
        ),
        Why::Unreachable(cause) => found(
            format!("could not be reached: {cause}"),
            format!("无法连接：{cause}"),
        )
        .todo(
            "look at the host, the port and the firewall, and try again",
            "请检查主机、端口和防火墙后重试",
        ),
        Why::RelaySigns => found(
            "there is no [dkim], so the relay has to sign",
            "没有 [dkim]，须由中继签名",
        )
        .todo(
            "send yourself a test and look for dkim=pass and your own domain in Authentication-Results; \
             h= of the signature must name List-Unsubscribe and List-Unsubscribe-Post",
            "给自己发一封测试邮件，在 Authentication-Results 中确认 dkim=pass 且为自己的域名；签名的 h= \
             须含 List-Unsubscribe 和 List-Unsubscribe-Post",
        ),
        Why::RelayDelivers => found(
            "mail leaves through a relay, whose names receivers look at",
            "邮件经中继发出，收件方看的是中继的名称",
        ),
        Why::NoRelay => found("mail goes into a folder, nobody gets it", "邮件写入文件夹，无人收到")
            .todo("set delivery.via = \"relay\" to send", "要发送请设置 delivery.via = \"relay\""),
        Why::Depends => found(
            "cannot be seen before what it depends on is fine",
            "须等其前提正常后才能检查",
        ),
        Why::FixedTime => found("the time was fixed with --now", "时间由 --now 固定"),
        Why::NoOtherClock => found(
            "nobody answered with another clock",
            "没有可供比较的其他时钟",
        )
        .todo("see that a time service such as chrony runs", "请确认 chrony 等对时服务在运行"),
    }
}

/// The verdict on everything.
pub(in crate::cli) fn total(language: Language, findings: &[Finding]) -> String {
    let count = |wanted| findings.iter().filter(|finding| finding.soundness() == wanted).count();
    let (broken, warnings) = (count(Soundness::Broken), count(Soundness::Warning));
    let (fine, unchecked) = (count(Soundness::Fine), count(Soundness::NotChecked));
    match language {
        Language::English => {
            format!(
                "{broken} broken, {warnings} to be warned of, {fine} fine, {unchecked} not checked."
            )
        }
        Language::Chinese => {
            format!(
                "有问题 {broken} 项，警告 {warnings} 项，正常 {fine} 项，未检查 {unchecked} 项。"
            )
        }
    }
}
