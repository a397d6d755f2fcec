//! Commands beside a running daemon on one SQLite file.
use std::time::Duration;

use super::{assert_audit_holds, count};
use crate::support::{
    chaos::{Answer, ChaosRelay, Gate, Step},
    daemon::{Sending, Site},
    database::Database,
};

const SENDING: Sending = Sending { connections: 2, content_seconds: 30, lease_seconds: 60 };
const MAILS: usize = 20;

mod beside_a_daemon_commands_work_and_a_second_daemon_is_refused {
    use super::{Database, work_beside};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        work_beside(&Database::sqlite().await).await;
    }
}

async fn work_beside(db: &Database) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Dot { Answer::good().behind(&held) } else { Answer::good() }
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..MAILS);
    let daemon = site.start();
    gate.reached().await;

    for words in ["run --once", "run"] {
        let refused = site.run(words);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("another daemon (process ") && said.contains("PostgreSQL"), "{said}");
    }
    site.import(0..2 * MAILS);
    assert_eq!(site.json("status")["totals"]["contacts"], 2 * MAILS);
    assert_eq!(site.json("doubt list"), serde_json::json!([]));

    gate.open();
    assert!(relay.wait_for(MAILS as u64, Duration::from_secs(30)), "{}", daemon.log());
    // Has it decide on the new ones now and not with the next tick.
    daemon.signal("-HUP");
    assert!(relay.wait_for(2 * MAILS as u64, Duration::from_secs(90)), "{}", daemon.log());
    daemon.signal("-TERM");
    let (status, _) = daemon.wait(Duration::from_secs(30));
    assert!(status.success(), "{status}");
    assert_eq!(count(&db.url, "state = 'sent'").await, 2 * MAILS);
    let found = assert_audit_holds(&site, &relay, (0, 1));
    assert_eq!((&found["doubts"], &found["duplicates"]), (&0.into(), &0.into()));
}
