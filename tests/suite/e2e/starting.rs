//! Signals that come before a daemon has begun.
use std::{net::TcpListener, time::Duration};

use tempfile::TempDir;

use crate::support::{
    chaos::{Answer, ChaosRelay},
    daemon::{Sending, Site},
};

const SENDING: Sending = Sending { connections: 1, content_seconds: 10, lease_seconds: 15 };
const PATIENCE: Duration = Duration::from_mins(1);

/// A site with one mail to send, whose database is in the folder.
fn site(folder: &TempDir, relay: &ChaosRelay) -> Site {
    let database = format!("sqlite:{}", folder.path().join("site.db").display());
    let site = Site::new(&database, relay.address, SENDING);
    site.import(0..1);
    site
}

#[test]
fn a_daemon_that_is_told_to_reload_before_it_has_begun_lives_and_sends() {
    let (relay, folder) = (ChaosRelay::start(|_| Answer::good()), tempfile::tempdir().unwrap());
    let site = site(&folder, &relay);
    let withheld = site.withhold("cadence.toml");
    let mut daemon = site.start();
    let cadence = withheld.asked_for(PATIENCE);
    (0..3).for_each(|_| daemon.signal("-HUP"));
    cadence.give();
    assert!(relay.wait_for(1, PATIENCE), "{}", daemon.log());
    daemon.wait_to_say("has changed and is in force", PATIENCE);
    assert!(daemon.is_alive());
}

#[test]
fn a_daemon_that_is_told_to_stop_before_it_has_begun_ends_well_and_sends_nothing() {
    let (relay, folder) = (ChaosRelay::start(|_| Answer::good()), tempfile::tempdir().unwrap());
    let site = site(&folder, &relay);
    for (signal, words) in [("-TERM", "run"), ("-INT", "run"), ("-TERM", "run --once")] {
        let withheld = site.withhold("cadence.toml");
        let daemon = site.start_with(words);
        let cadence = withheld.asked_for(PATIENCE);
        daemon.signal(signal);
        cadence.give();
        let (status, _) = daemon.wait(PATIENCE);
        assert!(status.success(), "{signal} {words}: {status}");
    }
    assert_eq!(relay.connections(), 0);
}

#[test]
fn a_daemon_that_is_told_to_stop_while_its_database_says_nothing_ends_at_once() {
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = ChaosRelay::start(|_| Answer::good());
    let url = format!("postgres://nobody@{}/nothing", database.local_addr().unwrap());
    let site = Site::new(&url, relay.address, SENDING);
    let daemon = site.start();
    let _held = database.accept().unwrap();
    daemon.signal("-HUP");
    daemon.signal("-TERM");
    let (status, time) = daemon.wait(PATIENCE);
    assert!(status.success(), "{status}");
    assert!(time < Duration::from_secs(5), "{time:?}");
}
