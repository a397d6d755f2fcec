//! What `explain` says of mails that were tried.
use crate::support::{
    chaos::{Act, Answer, ChaosRelay, Step},
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
};

const SENDING: Sending = Sending { connections: 1, content_seconds: 5, lease_seconds: 60 };

on_both_databases!(explain_says_what_became_of_a_mail_and_in_whose_words);

async fn explain_says_what_became_of_a_mail_and_in_whose_words(db: &Database) {
    let relay = ChaosRelay::start(|moment| match (moment.step, moment.recipient) {
        (Step::Rcpt, "p1@d1.example.org") => Answer::say("550 5.1.1 no\x1b[2J such user"),
        (Step::Rcpt, "p2@d2.example.org") => Answer::say("450 4.2.0 greylisted"),
        (Step::Dot, "p3@d3.example.org") => Answer { act: Act::TakeAndClose, ..Answer::good() },
        _ => Answer::good(),
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..4);
    let _ = site.run("run --once");
    for (number, english, chinese) in [
        (0, ["news, ", ": sent, ", " (main)"], ["：已发送，", "（main）", ""]),
        (
            1,
            [
                ": failed: there is no such address; attempt 1, ",
                " (main): 550 5.1.1 no",
                "such user",
            ],
            ["：失败：没有这个地址；第 1 次尝试，", "（main）：550 5.1.1 no", ""],
        ),
        (
            2,
            [
                ": ready: greylisted; it is taken at a later try; attempt 1, ",
                "(main): 450 4.2.0",
                "",
            ],
            ["：待发送：灰名单，稍后重试即可；第 1 次尝试，", "（main）：450 4.2.0", ""],
        ),
        (3, [": in doubt; attempt 1, ", " (main): ", ""], ["：存疑；第 1 次尝试，", "", ""]),
    ] {
        let email = format!("p{number}@d{number}.example.org");
        let said = site.stdout(&format!("explain {email}"));
        assert!(english.iter().all(|words| said.contains(words)), "{said}");
        assert!(!said.contains('\x1b'), "{said:?}");
        let said = site.stdout(&format!("explain {email} --lang zh"));
        assert!(chinese.iter().all(|words| said.contains(words)), "{said}");
    }
    let failed = &site.json("explain p1@d1.example.org")["mails"][0];
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["last_attempt"]["refusal"], "no-such-address");
    assert_eq!(failed["last_attempt"]["attempt"], 1);
}
