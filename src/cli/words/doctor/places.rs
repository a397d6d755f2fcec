//! Relays, the public pages, the clock and the database.
use super::{Both, found};
use crate::domain::{
    Phase,
    doctor::{
        Advice, CertificateFound, ClockFound, DatabaseFound, OffersFound, OneClickFound,
        RelayFound, TrackingFound,
    },
};

pub(super) fn relay(state: &RelayFound) -> Both {
    match state {
        RelayFound::Ready { banner, is_logged_in } => {
            let (english, chinese) = if *is_logged_in {
                ("logged in", "已登录")
            } else {
                ("no login wanted", "无须登录")
            };
            found(format!("{english}; {banner}"), format!("{chinese}；{banner}"))
        }
        RelayFound::Refused { phase, said } => {
            let (english, chinese) = step(*phase);
            found(format!("it refuses {english}: {said}"), format!("拒绝{chinese}：{said}"))
                .todo(remedy(*phase).0, remedy(*phase).1)
        }
        RelayFound::Failed { phase, cause } => {
            let (english, chinese) = step(*phase);
            found(format!("{english} failed: {cause}"), format!("{chinese}失败：{cause}"))
                .todo(remedy(*phase).0, remedy(*phase).1)
        }
    }
}

/// The step of a session, to be refused or to fail.
const fn step(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Compose | Phase::Connect => ("the connection", "连接"),
        Phase::Greeting => ("the greeting", "问候"),
        Phase::Tls => ("TLS", " TLS "),
        Phase::Auth => ("the login", "登录"),
        Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Content => ("the mail", "邮件"),
    }
}

const fn remedy(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Tls => (
            "the certificate must be valid and carry the name in `host`; `authority` names another \
             authority; look whether `security` fits the port",
            "证书须有效且含有 `host` 的名称；可用 `authority` 指定其他机构；请确认 `security` 与端口相符",
        ),
        Phase::Auth => ("look at `user` and `password`", "请检查 `user` 和 `password`"),
        Phase::Greeting => (
            "look whether `security` fits the port, and whether the relay lets this machine in",
            "请确认 `security` 与端口相符，以及中继允许本机连接",
        ),
        _ => (
            "look at `host` and `port`; does the relay run?",
            "请检查 `host` 和 `port`；中继在运行吗？",
        ),
    }
}

pub(super) fn certificate(state: CertificateFound) -> Both {
    match state {
        CertificateFound::NoneHere => {
            found("none, on a way that does not leave this machine", "无，且不离开本机")
        }
        CertificateFound::NoneElsewhere => found(
            "none: everybody on the way reads password and mails",
            "无：沿途任何人都能看到密码和邮件",
        )
        .todo(
            "set security = \"starttls\" or \"tls\"",
            "请设置 security = \"starttls\" 或 \"tls\"",
        ),
        CertificateFound::EndsSoon(last) => {
            let day = last.date_naive();
            found(format!("the certificate ends on {day}"), format!("证书将于 {day} 到期")).todo(
                "renew it; see why that did not happen by itself",
                "请更新证书，并查明为何没有自动更新",
            )
        }
        CertificateFound::Fine(last) => {
            let day = last.date_naive();
            found(format!("the certificate is valid until {day}"), format!("证书有效期至 {day}"))
        }
    }
}

pub(super) fn offers(state: OffersFound) -> Both {
    let OffersFound { offers, advice } = state;
    let mut words = Vec::new();
    match offers.size {
        Some(octets) if octets > 0 => words.push(format!("SIZE {octets}")),
        _ => {}
    }
    for (is_offered, word) in [
        (offers.pipelining, "PIPELINING"),
        (offers.eight_bit, "8BITMIME"),
        (offers.smtp_utf8, "SMTPUTF8"),
    ] {
        words.extend(is_offered.then(|| word.to_owned()));
    }
    let listed = if words.is_empty() { "–".to_owned() } else { words.join(", ") };
    let both = found(listed.clone(), listed);
    match advice {
        Advice::None => both,
        Advice::CouldPipeline => both.todo(
            "if the relay is far away, pipelining = \"rfc2920\" halves the time of a mail",
            "若中继较远，pipelining = \"rfc2920\" 可使每封邮件耗时减半",
        ),
        Advice::CannotPipeline => both.todo(
            "`pipelining` is set and not offered: it has no effect",
            "已设置 `pipelining`，但中继不支持：没有作用",
        ),
    }
}

pub(super) fn tracking(state: &TrackingFound) -> Both {
    match state {
        TrackingFound::LocalOnly => found(
            "the address is this machine's own: no reader can unsubscribe",
            "地址是本机自己的：收件人无法退订",
        )
        .todo(
            "set tracking.base_url to an https address that leads here",
            "请把 tracking.base_url 设为通向本机的 https 地址",
        ),
        TrackingFound::Failed(cause) => {
            found(format!("no answer: {cause}"), format!("没有答复：{cause}")).todo(
                "see that the web server runs, and that its certificate is valid for this name",
                "请确认 Web 服务器在运行，且证书对该名称有效",
            )
        }
        TrackingFound::NotOurs(status) => found(
            format!("/health answers {status}, and not with our page"),
            format!("/health 答复 {status}，不是我们的页面"),
        )
        .todo(
            "have the web server hand everything below the address on to tracking.listen, and start \
             `perennial run`",
            "请让 Web 服务器把该地址下的请求转给 tracking.listen，并启动 `perennial run`",
        ),
        TrackingFound::Fine => found("our pages answer", "页面正常"),
    }
}

pub(super) fn one_click(state: &OneClickFound) -> Both {
    match state {
        OneClickFound::Redirects(to) => {
            found(format!("the request is led on to {to}"), format!("请求被转到 {to}")).todo(
                "mail programs do not follow: answer POST at the address itself",
                "邮件程序不会跟随跳转：请在原地址直接答复 POST",
            )
        }
        OneClickFound::NotOurs(status) => found(
            format!("the request is answered with {status}, not by us"),
            format!("请求得到 {status}，不是我们的答复"),
        )
        .todo(
            "have the web server hand POST below /u/ on to tracking.listen",
            "请让 Web 服务器把 /u/ 下的 POST 转给 tracking.listen",
        ),
        OneClickFound::Fine => {
            found("a request arrives, without redirect", "请求直接到达，没有跳转")
        }
    }
}

pub(super) fn clock(state: &ClockFound) -> Both {
    let ClockFound { against, ahead } = state;
    let seconds = ahead.abs().num_seconds();
    let (english, chinese) =
        if ahead.num_milliseconds() < 0 { ("behind", "慢") } else { ("ahead of", "快") };
    let both = found(
        format!("{seconds} s {english} that of {against}"),
        format!("比 {against} {chinese} {seconds} 秒"),
    );
    if seconds < 30 {
        return both;
    }
    both.todo(
        "run a time service such as chrony on both machines",
        "请在两台机器上运行 chrony 等对时服务",
    )
}

pub(super) fn database(state: &DatabaseFound) -> Both {
    match state {
        DatabaseFound::Unopened(cause) => {
            found(format!("it cannot be opened: {cause}"), format!("无法打开：{cause}"))
                .todo("look at database.url", "请检查 database.url")
        }
        DatabaseFound::RemoteDisk(kind) => found(
            format!("the file lies on {kind}, where locks and writes are not to be trusted"),
            format!("文件位于 {kind}，锁和写入不可靠"),
        )
        .todo(
            "put it on a disk of this machine, or use PostgreSQL",
            "请放到本机磁盘，或改用 PostgreSQL",
        ),
        DatabaseFound::InMemory => found(
            "it lies in memory, and is gone with the next start of the machine",
            "位于内存中，重启后即丢失",
        )
        .todo("put it on a disk", "请放到磁盘上"),
        DatabaseFound::Loose { setting, value, wanted } => found(
            format!("{setting} is {value}: a power failure forgets mails that were sent"),
            format!("{setting} 为 {value}：断电会丢失已发送的记录"),
        )
        .todo(format!("set it to {wanted}"), format!("请设为 {wanted}")),
        DatabaseFound::Standby => found(
            "the server copies another one and takes no changes",
            "该服务器是备库，不接受写入",
        )
        .todo("name the primary in database.url", "请在 database.url 中写主库"),
        DatabaseFound::FineFile { is_disk_known: true } => {
            found("on a disk of this machine; commits are kept", "位于本机磁盘，提交可靠")
        }
        DatabaseFound::FineFile { is_disk_known: false } => {
            found("commits are kept; on which kind of disk is not known", "提交可靠；磁盘种类未知")
        }
        DatabaseFound::FineServer => found("commits are kept", "提交可靠"),
    }
}
