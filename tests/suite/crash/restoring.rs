//! A backup that is restored, and a database that is moved or cloned.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::{
    chaos::{Answer, ChaosRelay},
    cluster,
    daemon::{Sending, Site},
    database::{Bare, Database},
};

const SENDING: Sending = Sending { connections: 2, content_seconds: 5, lease_seconds: 8 };
const MAILS: usize = 5;
const RESTORED: &str = "the database is in an older state than it was";
const MOVED: &str = "the database is in another place than it was";

/// A site that has sent its mails, with its database and a backup of how that was before.
struct Sent {
    relay: ChaosRelay,
    site: Site,
    database: PathBuf,
    backup: PathBuf,
    _place: Bare,
}

fn sent() -> Sent {
    let place = Bare::sqlite();
    let relay = ChaosRelay::start(|_| Answer::good());
    let site = Site::new(&place.url, relay.address, SENDING);
    let database = PathBuf::from(place.url.strip_prefix("sqlite:").unwrap());
    let backup = database.with_file_name("backup.db");
    site.import(0..MAILS);
    fs::copy(&database, &backup).unwrap();
    site.stdout("run --once");
    assert_eq!(relay.accepted(), MAILS as u64);
    Sent { relay, site, database, backup, _place: place }
}

/// Fails unless nothing leaves, whoever asks, and everybody is told why.
fn assert_halted(site: &Site, relay: &ChaosRelay, (database, why): (&str, &str)) {
    let taken = relay.accepted();
    let refused = site.run(&format!("run --once --database {database}"));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains(why), "{said}");
    assert!(said.contains("perennial resume"), "{said}");
    let status = site.stdout(&format!("status --database {database}"));
    assert!(status.contains("NOTHING IS DECIDED OR SENT") && status.contains(why), "{status}");
    assert_eq!(relay.accepted(), taken);
}

#[test]
fn a_restored_backup_halts_the_daemon_until_an_operator_says_so() {
    let Sent { relay, site, database, backup, _place } = sent();
    fs::copy(&backup, &database).unwrap();
    let daemon = site.start();
    daemon.wait_to_say("Nothing is decided or sent", Duration::from_secs(20));
    assert!(daemon.log().contains(RESTORED), "{}", daemon.log());
    daemon.signal("-TERM");
    let (status, _) = daemon.wait(Duration::from_secs(20));
    assert!(status.success(), "{status}");
    assert_halted(&site, &relay, (&sqlite(&database), RESTORED));
    let said = site.stdout("resume");
    assert!(said.contains(RESTORED), "{said}");
    assert_eq!(site.json("status")["halt"], serde_json::Value::Null);
    // What was sent since the backup is not known to it, which is what an operator was asked about.
    site.stdout("run --once");
    assert_eq!(relay.accepted(), 2 * MAILS as u64);
}

#[test]
fn a_database_that_was_moved_halts_until_an_operator_says_so() {
    let Sent { relay, site, database, _place, .. } = sent();
    let elsewhere = tempfile::tempdir().unwrap();
    let new = elsewhere.path().join("perennial.db");
    fs::rename(&database, &new).unwrap();
    assert_halted(&site, &relay, (&sqlite(&new), MOVED));
    site.stdout(&format!("resume --database {}", sqlite(&new)));
    site.stdout(&format!("run --once --database {}", sqlite(&new)));
    assert_eq!(relay.accepted(), MAILS as u64, "what was sent is known");
}

#[test]
fn a_cloned_folder_halts_and_the_first_one_goes_on() {
    let Sent { relay, site, database, _place, .. } = sent();
    let clone = tempfile::tempdir().unwrap();
    for file in fs::read_dir(database.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), clone.path().join(file.file_name())).unwrap();
    }
    let twin = clone.path().join(database.file_name().unwrap());
    assert_halted(&site, &relay, (&sqlite(&twin), MOVED));
    site.stdout("run --once");
}

mod a_dump_that_is_restored_into_another_database_halts {
    #[tokio::test]
    async fn postgres() {
        super::restored_dump_halts().await;
    }
}

async fn restored_dump_halts() {
    let db = Database::postgres().await;
    let relay = ChaosRelay::start(|_| Answer::good());
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..MAILS);
    site.stdout("run --once");
    let other = Bare::postgres().await;
    let dump = tempfile::NamedTempFile::new().unwrap();
    let file = format!("--file={}", dump.path().display());
    let from = format!("--dbname={}", db.url);
    postgres("pg_dump", &[&from, &file, "--no-owner"]);
    let to = format!("--dbname={}", other.url);
    postgres("psql", &["--quiet", "--set=ON_ERROR_STOP=1", &to, &file]);
    assert_halted(&site, &relay, (&other.url, MOVED));
    site.stdout(&format!("resume --database {}", other.url));
    site.stdout(&format!("run --once --database {}", other.url));
    assert_eq!(relay.accepted(), MAILS as u64, "what was sent is known");
}

fn postgres(program: &str, words: &[&str]) {
    let program = cluster::programs().join(program);
    let done = Command::new(program).args(words).stdout(Stdio::null()).status().unwrap();
    assert!(done.success(), "{words:?}");
}

fn sqlite(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}
