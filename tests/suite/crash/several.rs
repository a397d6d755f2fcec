//! Several daemons on one PostgreSQL, of which one is killed every few seconds.
use std::{
    os::unix::process::ExitStatusExt as _,
    thread,
    time::{Duration, Instant},
};

use perennial::clock::{Clock as _, SystemClock};

use super::{Paces, assert_audit_holds, count, number, seed, settle};
use crate::support::{
    chaos::{ChaosRelay, Dice, Mix},
    daemon::{Sending, Site},
    database::{Database, texts},
};

const SENDING: Sending = Sending { connections: 2, content_seconds: 2, lease_seconds: 3 };
/// More than a daemon claims at a time, so that each of them has work.
const CLAIM: usize = 500;
/// About what a daemon sends in a second if four of them share two cores.
const EACH_SECOND: usize = 15;

mod daemons_that_are_killed_beside_others_lose_nothing_and_send_nothing_twice {
    use super::{Database, kill_beside_others};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        kill_beside_others(&Database::postgres().await).await;
    }
}

async fn kill_beside_others(db: &Database) {
    let (seed, daemons) = (seed(), number("PERENNIAL_TEST_DAEMONS").unwrap_or(2));
    let seconds: usize = number("PERENNIAL_TEST_SECONDS").unwrap_or(10);
    let every = Duration::from_secs(if seconds > 30 { 5 } else { 3 });
    let mix = Mix { seed, faults: 20, delay_ms: (5, 40) };
    let relay = ChaosRelay::start(move |moment| mix.answer(moment));
    let site = Site::new(&db.url, relay.address, SENDING);
    // One for all of them, since those that run read a file that changes.
    let ahead = Paces::new(seed).turn(&site).clone();
    println!("{daemons} daemons for {seconds} s with PERENNIAL_TEST_SEED={seed}, {ahead:?}");
    let contacts = daemons * (CLAIM + seconds * EACH_SECOND);
    site.import(0..contacts);

    let mut dice = Dice::new(seed);
    let mut running: Vec<_> = (0..daemons).map(|_| site.start()).collect();
    let (began, mut kills, mut duty) = (Instant::now(), 0, None);
    while began.elapsed() < Duration::from_secs(seconds as u64) {
        thread::sleep(every);
        let place = usize::try_from(dice.below(daemons as u64)).unwrap();
        running.swap_remove(place).kill();
        kills += 1;
        running.push(site.start());
        let now = Duty::seen(db).await;
        assert!(Duty::may_follow(duty.as_ref(), now.as_ref()), "{duty:?} then {now:?}");
        duty = now;
    }
    for daemon in &running {
        daemon.signal("-TERM");
    }
    for daemon in running {
        let (status, _) = daemon.wait(Duration::from_secs(30));
        // One that has only just been started ends by the signal itself, before it began anything.
        assert!(status.success() || status.signal() == Some(15), "{status}");
    }
    let during = relay.accepted();
    settle(&db.url, &site, SENDING).await;
    let found = assert_audit_holds(&site, &relay, (kills, daemons));
    let quarantined = count(&db.url, "state = 'quarantined'").await;
    println!(
        "{daemons} daemons, {kills} kills: taken by the relay {during} and then {}; in doubt {}, \
         duplicates {}, losses {}, quarantined {quarantined}, mails {}",
        found["accepted"], found["doubts"], found["duplicates"], found["missing"], found["mails"],
    );
    assert_eq!(count(&db.url, "0 = 0").await, contacts);
}

/// Who decides for all, under which token and until when, in unix milliseconds.
#[derive(Debug)]
struct Duty {
    token: i64,
    until: i64,
}

impl Duty {
    async fn seen(db: &Database) -> Option<Self> {
        let sql = "select token || ' ' || held_until from duties where name = 'deciding'";
        let text = texts(&db.url, sql).await.pop()?;
        let (token, until) = text.split_once(' ').unwrap();
        Some(Self { token: token.parse().unwrap(), until: until.parse().unwrap() })
    }

    /// Whoever is killed does not leave the duty, so nobody has it before its time is over.
    fn may_follow(before: Option<&Self>, after: Option<&Self>) -> bool {
        let (Some(before), Some(after)) = (before, after) else { return before.is_none() };
        before.token == after.token || before.until <= SystemClock.now().timestamp_millis()
    }
}
