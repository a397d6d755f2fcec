//! Row 22 once more: the daemon itself under another clock than the machine's, by libfaketime.
//!
//! `tests/run` finds it, or says that it is not there.
use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
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

on_both_databases!(
    a_daemon_whose_clock_is_set_by_hours_or_days_sends_nothing_twice_and_nothing_early
);

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

/// How often it has said that it stands still since the clock has jumped.
fn halts(daemon: &Daemon) -> usize {
    daemon.log().matches("Nothing is decided or sent: the clock has jumped ahead").count()
}

/// Has it decide and send now, which it is to refuse, for the time of this number.
fn wait_for_halts(daemon: &Daemon, number: usize) {
    daemon.signal("-HUP");
    let began = Instant::now();
    while halts(daemon) < number {
        assert!(began.elapsed() < PATIENCE, "it goes on: {}", daemon.log());
        thread::sleep(Duration::from_millis(50));
    }
}

async fn a_daemon_whose_clock_is_set_by_hours_or_days_sends_nothing_twice_and_nothing_early(
    db: &Database,
) {
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

    clock.set("+2h");
    wait_for_halts(&daemon, 1);
    clock.set("+0");
    site.stdout("resume");
    daemon.signal("-HUP");
    daemon.wait_to_say("An operator has had everything go on", PATIENCE);

    clock.set("-2h");
    wake(&daemon);
    assert_eq!(relay.accepted(), 5, "they have had their mail: {}", daemon.log());
    clock.set("-3d");
    site.import(5..8);
    wake(&daemon);
    assert_eq!(relay.accepted(), 5, "it is not their day yet: {}", daemon.log());
    assert_eq!(halts(&daemon), 1, "{}", daemon.log());

    clock.set("+3d");
    wait_for_halts(&daemon, 2);
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
