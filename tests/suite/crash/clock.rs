//! Row 22 once more: the daemon itself under another clock than the machine's, by libfaketime.
//!
//! `tests/run` finds it, or says that it is not there.
use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::most_copies;
use crate::support::{
    chaos::{Answer, ChaosRelay},
    daemon::{Daemon, Sending, Site},
    database::Database,
    on_both_databases,
};

const SENDING: Sending = Sending { connections: 2, content_seconds: 5, lease_seconds: 60 };
/// Longer than from tick to tick.
const PATIENCE: Duration = Duration::from_secs(90);

on_both_databases!(a_daemon_whose_clock_is_set_by_days_sends_nothing_twice_and_nothing_early);

/// The clock of one process, which may be set.
struct OtherClock {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl OtherClock {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Self { file: folder.path().join("clock"), _folder: folder };
        clock.set("+0");
        clock
    }

    /// Differs from the machine's by this from now on.
    fn set(&self, difference: &str) {
        fs::write(&self.file, difference).unwrap();
    }

    fn start(&self, site: &Site, library: &str) -> Daemon {
        let file = |path: &Path| path.display().to_string();
        site.start_by(&[
            "env",
            &format!("LD_PRELOAD={library}"),
            &format!("FAKETIME_TIMESTAMP_FILE={}", file(&self.file)),
            "FAKETIME_NO_CACHE=1",
            // A clock that is set is the time of day; how long something takes is another one.
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ])
    }
}

/// Has it decide and send now, and gives it the time to.
fn wake(daemon: &Daemon) {
    daemon.signal("-HUP");
    thread::sleep(Duration::from_secs(3));
}

async fn a_daemon_whose_clock_is_set_by_days_sends_nothing_twice_and_nothing_early(db: &Database) {
    let Ok(library) = env::var("TEST_FAKETIME") else {
        println!("skipped: TEST_FAKETIME names no libfaketime");
        return;
    };
    let relay = ChaosRelay::start(|_| Answer::good());
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..5);
    let clock = OtherClock::new();
    let mut daemon = clock.start(&site, &library);
    assert!(relay.wait_for(5, PATIENCE), "{}", daemon.log());

    site.import(5..8);
    clock.set("-3d");
    wake(&daemon);
    assert_eq!(relay.accepted(), 5, "it is not their day yet: {}", daemon.log());
    assert!(!daemon.log().contains("Halted"), "{}", daemon.log());

    clock.set("+3d");
    daemon.signal("-HUP");
    daemon.wait_to_say("Nothing is decided or sent", PATIENCE);
    assert!(daemon.log().contains("the clock has jumped ahead"), "{}", daemon.log());
    assert_eq!(relay.accepted(), 5);

    clock.set("+0");
    site.stdout("resume");
    daemon.signal("-HUP");
    assert!(relay.wait_for(8, PATIENCE), "{}", daemon.log());
    assert!(daemon.is_alive());
    daemon.signal("-TERM");
    let (status, _) = daemon.wait(Duration::from_mins(1));
    assert!(status.success(), "{status}");
    assert_eq!((relay.accepted(), most_copies(&relay)), (8, 1));
}
