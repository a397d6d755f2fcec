//! A disk that is full, and files that may not be written.
//!
//! The limit of the system on the size of a file stands in for a full disk: it needs no rights, and a
//! write fails half-way as on a full one.
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use super::{assert_audit_holds, count, settle};
use crate::support::{
    chaos::{Answer, ChaosRelay, Gate, Step},
    cluster::is_root,
    daemon::{Daemon, STARVABLE, Sending, Site},
    database::Database,
};

const CONNECTIONS: usize = 2;
const SENDING: Sending =
    Sending { connections: CONNECTIONS, content_seconds: 20, lease_seconds: 30 };
const MAILS: usize = 12;
/// Octets of a file that are still written: none, of the log of the daemon neither.
const FULL: u64 = 1;
/// Less than a page of the database, and more than the outcomes of all connections.
const NEARLY_FULL: u64 = 4096;
const PATIENCE: Duration = Duration::from_secs(30);

mod when_the_disk_is_full {
    use super::{
        Database, keeps_outcomes_for_the_next_start, sends_nothing_unmarked,
        writes_outcomes_once_there_is_room,
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_cannot_be_marked_does_not_leave_sqlite() {
        sends_nothing_unmarked(&Database::sqlite().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_outcome_is_written_once_there_is_room_sqlite() {
        writes_outcomes_once_there_is_room(&Database::sqlite().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_outcome_is_kept_for_the_next_start_sqlite() {
        keeps_outcomes_for_the_next_start(&Database::sqlite().await).await;
    }
}

/// A daemon whose disk is full, with a message on each connection at a step that the relay now ends.
struct Starving {
    relay: ChaosRelay,
    site: Site,
    daemon: Daemon,
}

async fn starving_at(db: &Database, (step, room): (Step, u64)) -> Option<Starving> {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: prlimit of util-linux is not there");
        return None;
    }
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == step { Answer::good().behind(&held) } else { Answer::good() }
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.delivery("stop_timeout = \"1 second\"");
    site.import(0..MAILS);
    let daemon = site.start_by(STARVABLE);
    for _ in 0..CONNECTIONS {
        gate.reached().await;
    }
    daemon.starve(Some(room));
    gate.open();
    Some(Starving { relay, site, daemon })
}

async fn sends_nothing_unmarked(db: &Database) {
    let Some(mut starving) = starving_at(db, (Step::Data, FULL)).await else { return };
    thread::sleep(Duration::from_millis(2500));
    assert!(starving.daemon.is_alive(), "{}", starving.daemon.log());
    assert_eq!(starving.relay.accepted(), 0);
    assert_eq!(count(&db.url, "state = 'sending'").await, 0);
    starving.daemon.starve(None);
    finish(db, starving).await;
}

async fn writes_outcomes_once_there_is_room(db: &Database) {
    let Some(mut starving) = starving_at(db, (Step::Dot, FULL)).await else { return };
    thread::sleep(Duration::from_millis(2500));
    assert!(starving.daemon.is_alive(), "{}", starving.daemon.log());
    assert_eq!(starving.relay.accepted(), CONNECTIONS as u64, "nothing new leaves");
    assert_eq!(count(&db.url, "state = 'sent'").await, 0);
    starving.daemon.starve(None);
    let goal = CONNECTIONS as u64 + 1;
    assert!(starving.relay.wait_for(goal, PATIENCE), "it goes on: {}", starving.daemon.log());
    finish(db, starving).await;
}

/// Nothing was in doubt, and everybody gets one mail.
async fn finish(db: &Database, starving: Starving) {
    let Starving { relay, site, daemon } = starving;
    // Every outcome is written.
    thread::sleep(Duration::from_millis(1500));
    daemon.signal("-TERM");
    let log = daemon.log();
    let (status, _) = daemon.wait(PATIENCE);
    assert!(status.success(), "{status}: {log}");
    settle(&db.url, &site, SENDING).await;
    assert_all_once(db, &site, &relay).await;
}

async fn assert_all_once(db: &Database, site: &Site, relay: &ChaosRelay) {
    assert_eq!((count(&db.url, "state = 'sent'").await, relay.accepted()), (MAILS, MAILS as u64));
    let found = assert_audit_holds(site, relay, (0, 1));
    assert_eq!((&found["doubts"], &found["duplicates"]), (&0.into(), &0.into()));
}

async fn keeps_outcomes_for_the_next_start(db: &Database) {
    let Some(starving) = starving_at(db, (Step::Dot, NEARLY_FULL)).await else { return };
    let Starving { relay, site, daemon } = starving;
    assert!(relay.wait_for(CONNECTIONS as u64, PATIENCE));
    daemon.signal("-TERM");
    let (status, _) = daemon.wait(PATIENCE);
    assert_eq!(status.code(), Some(1), "{status}");
    let kept = PathBuf::from(format!("{}-outcomes.jsonl", file(db).display()));
    let lines = fs::read_to_string(&kept).unwrap();
    assert_eq!(lines.matches("\"to\":\"sent\"").count(), CONNECTIONS, "{lines}");
    site.stdout("run --once");
    assert!(!kept.exists());
    // What was claimed when there was no room for giving it back is, once its lease has ended.
    thread::sleep(Duration::from_secs(1));
    db.execute("update outreach set lease_until = 0 where state = 'claimed'").await;
    settle(&db.url, &site, SENDING).await;
    assert_all_once(db, &site, &relay).await;
}

mod what_may_not_be_written_is_said_and_nothing_leaves {
    use super::{Database, may_not_write};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        may_not_write(&Database::sqlite().await).await;
    }
}

async fn may_not_write(db: &Database) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..MAILS);
    let (file, folder) = (file(db), file(db).parent().unwrap().to_owned());
    for (path, locked, open) in [(&folder, 0o555, 0o755), (&file, 0o444, 0o644)] {
        set_mode(path, locked);
        let refused = site.command_by(as_mortal(), "run --once").output().unwrap();
        set_mode(path, open);
        let said = String::from_utf8(refused.stderr).unwrap();
        println!("{}: {said}", path.display());
        assert_eq!(refused.status.code(), Some(1), "{}: {said}", path.display());
        assert_eq!(relay.accepted(), 0);
    }
    site.stdout("run --once");
    assert_eq!(relay.accepted(), MAILS as u64);
}

/// Whoever is root may write everything, unless that right is taken away.
fn as_mortal() -> &'static [&'static str] {
    if is_root() { &["setpriv", "--bounding-set=-dac_override,-dac_read_search"] } else { &[] }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn file(db: &Database) -> PathBuf {
    PathBuf::from(db.url.strip_prefix("sqlite:").unwrap())
}
