//! What the DNS says of the sender.
use super::{Both, found};
use crate::domain::doctor::{AlignmentFound, DkimFound, DmarcFound, MxFound, SpfFound};

pub(super) fn spf(state: &SpfFound) -> Both {
    match state {
        SpfFound::Missing => found("there is no record", "没有 SPF 记录").todo(
            "publish a TXT record such as \"v=spf1 include:YOUR-RELAY ~all\"; the relay's manual has the \
             name",
            "请发布 TXT 记录，如 \"v=spf1 include:中继域名 ~all\"；名称见中继的说明",
        ),
        SpfFound::Several(count) => found(
            format!("there are {count} records, and receivers take none of them"),
            format!("有 {count} 条 SPF 记录，收件方一条也不采用"),
        )
        .todo("make one record of them", "请合并为一条"),
        SpfFound::Malformed(term) => found(
            format!("`{term}` cannot be understood, so that the record counts for nothing"),
            format!("`{term}` 无法识别，整条记录因此无效"),
        )
        .todo("correct it", "请改正"),
        SpfFound::TooManyLookups => found(
            "it leads to more than 10 look-ups, and receivers stop there",
            "查询超过 10 次，收件方会放弃",
        )
        .todo(
            "take out every `include`, `a` and `mx` that is not needed; ip4 and ip6 cost nothing",
            "请去掉不需要的 `include`、`a`、`mx`；ip4 和 ip6 不计次数",
        ),
        SpfFound::TooManyVoid(count) => found(
            format!("{count} of its terms lead nowhere, and receivers put up with 2"),
            format!("有 {count} 项查无结果，收件方最多容忍 2 项"),
        )
        .todo("take out names that are gone", "请去掉已不存在的名称"),
        SpfFound::IncludeMissing(name) => found(
            format!("it leads to {name}, which has no record, so that it counts for nothing"),
            format!("引用的 {name} 没有记录，整条记录因此无效"),
        )
        .todo("correct the name, or take it out", "请改正或去掉该名称"),
        SpfFound::AllowsAll => found("+all lets everybody send", "+all 允许任何人发信")
            .todo("end it with ~all or -all", "请以 ~all 或 -all 结尾"),
        SpfFound::OpenEnd => found(
            "it does not say what holds for others",
            "没有说明其他来源如何处理",
        )
        .todo("end it with ~all or -all", "请以 ~all 或 -all 结尾"),
        SpfFound::RelayNotSeen { relay, includes } => {
            let listed = if includes.is_empty() { "–".to_owned() } else { includes.join(", ") };
            found(
                format!("it does not name the address of {relay}; it includes: {listed}"),
                format!("未包含 {relay} 的地址；引用了：{listed}"),
            )
            .todo(
                "see that it includes what the relay's manual says; mail often leaves from other \
                 addresses than the one that takes it",
                "请确认含有中继说明中要求的 include；中继发信的地址往往不同于接收的地址",
            )
        }
        SpfFound::Fine { lookups } => {
            found(format!("in order, {lookups} look-ups of 10"), format!("正常，查询 {lookups} 次（上限 10）"))
        }
    }
}

pub(super) fn dkim(state: &DkimFound) -> Both {
    let publish = (
        "publish the key that docs/delivery.md shows how to print",
        "请按 docs/delivery.md 打印并发布公钥",
    );
    match state {
        DkimFound::Missing => {
            found("the key is not published", "公钥未发布").todo(publish.0, publish.1)
        }
        DkimFound::Several(count) => found(
            format!("there are {count} records, of which receivers take any"),
            format!("有 {count} 条记录，收件方任取其一"),
        )
        .todo(
            "leave one; a second key gets another selector",
            "请只留一条；另一个密钥用另一个 selector",
        ),
        DkimFound::Malformed(part) => {
            found(format!("`{part}` cannot be understood"), format!("`{part}` 无法识别"))
                .todo(publish.0, publish.1)
        }
        DkimFound::Revoked => found("p= is empty: the key was taken back", "p= 为空：密钥已撤销")
            .todo("sign with a new key under a new selector", "请换用新的 selector 和密钥"),
        DkimFound::OtherKind(kind) => found(
            format!("k={kind} is another kind of key"),
            format!("k={kind} 与签名密钥类型不符"),
        )
        .todo(publish.0, publish.1),
        DkimFound::OtherKey => found(
            "another key is published than the one that signs",
            "发布的公钥与签名所用的密钥不符",
        )
        .todo(
            "publish the half of the key that is configured, or configure the other key",
            "请发布所配置密钥的公钥，或改用对应的密钥",
        ),
        DkimFound::Forbids(part) => found(
            format!("{part}= does not allow what we sign with"),
            format!("{part}= 不允许我们的签名方式"),
        )
        .todo(format!("take {part}= out"), format!("请去掉 {part}=")),
        DkimFound::Testing => found(
            "t=y: receivers are to treat mail as if it were not signed",
            "t=y：收件方会当作没有签名",
        )
        .todo("take t=y out when mail is received as signed", "确认签名有效后去掉 t=y"),
        DkimFound::Fine => found("our key is published", "公钥已发布且一致"),
    }
}

pub(super) fn dmarc(state: &DmarcFound) -> Both {
    match state {
        DmarcFound::Missing => {
            found("there is no record, which large receivers want", "没有 DMARC 记录，大型收件方要求有").todo(
                "publish \"v=DMARC1; p=none; rua=mailto:YOUR-ADDRESS\" under _dmarc, and make it stricter \
                 later",
                "请在 _dmarc 下发布 \"v=DMARC1; p=none; rua=mailto:你的地址\"，以后再收紧",
            )
        }
        DmarcFound::Several(count) => found(
            format!("there are {count} records, and receivers take none of them"),
            format!("有 {count} 条记录，收件方一条也不采用"),
        )
        .todo("leave one", "请只留一条"),
        DmarcFound::Malformed(part) => {
            found(format!("`{part}` cannot be understood"), format!("`{part}` 无法识别"))
                .todo("correct it; p is none, quarantine or reject", "请改正；p 为 none、quarantine 或 reject")
        }
        DmarcFound::OnlyLooks => found(
            "p=none: whoever writes in your name is not turned away",
            "p=none：冒名邮件不会被拒收",
        )
        .todo(
            "enough to send; when the reports show only your own mail, set p=quarantine",
            "足以发信；待报告中只有自己的邮件时，改为 p=quarantine",
        ),
        DmarcFound::NoReports => found("no rua: nobody tells you how mail fares", "没有 rua：收不到报告")
            .todo("add rua=mailto:YOUR-ADDRESS", "请加上 rua=mailto:你的地址"),
        DmarcFound::Fine(policy) => found(format!("p={policy}, with reports"), format!("p={policy}，有报告")),
    }
}

pub(super) fn alignment(state: &AlignmentFound) -> Both {
    match state {
        AlignmentFound::Both => found(
            "signature and return path are of the sender's domain",
            "签名和回退地址均属于发件人域名",
        ),
        AlignmentFound::DkimOnly => found(
            "the return path is of another domain, so that DMARC counts the signature alone",
            "回退地址属于其他域名，DMARC 只认签名",
        )
        .todo("give it a domain below the sender's", "请改用发件人域名之下的域名"),
        AlignmentFound::SpfAndRelay(domain) => found(
            format!("the return path is of the sender's domain; the signature is if the relay signs with d={domain}"),
            format!("回退地址属于发件人域名；签名须由中继以 d={domain} 签署"),
        ),
        AlignmentFound::RelayOnly(domain) => found(
            format!("the return path is of another domain; all depends on the relay's signing with d={domain}"),
            format!("回退地址属于其他域名；只能靠中继以 d={domain} 签名"),
        )
        .todo("give the return path a domain below the sender's", "请让回退地址改用发件人域名之下的域名"),
        AlignmentFound::SpfOnly => found(
            "the policy (adkim=s) wants signatures of the very domain in From",
            "DMARC 策略（adkim=s）要求签名域名与 From 完全相同",
        )
        .todo("set dkim.domain to it, or take adkim=s out", "请让 dkim.domain 与之相同，或去掉 adkim=s"),
        AlignmentFound::Neither => found(
            "neither signature nor return path are of the sender's domain: DMARC fails",
            "签名和回退地址都不属于发件人域名：DMARC 不通过",
        )
        .todo("sign with the sender's domain: dkim.domain", "请用发件人域名签名：dkim.domain"),
    }
}

pub(super) fn mx(state: &MxFound) -> Both {
    match state {
        MxFound::Missing => found(
            "nobody receives its mail: answers and bounces come back",
            "无人接收其邮件：回信和退信都会被退回",
        )
        .todo("publish an MX record", "请发布 MX 记录"),
        MxFound::Refuses => {
            found("its MX record says that it takes no mail", "MX 记录声明不收邮件")
                .todo("publish a host that does", "请改为能收信的主机")
        }
        MxFound::AddressOnly => found(
            "no MX record; only the address of the domain itself",
            "没有 MX 记录，只有域名自身的地址",
        )
        .todo("publish an MX record", "请发布 MX 记录"),
        MxFound::Fine(hosts) => {
            found(format!("at {}", hosts.join(", ")), format!("由 {} 接收", hosts.join("、")))
        }
    }
}
