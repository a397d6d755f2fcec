//! A mail whose writing panics, in an engine that lives on.
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use chrono::{DateTime, Utc};
use perennial::{
    clock::{Clock, ManualClock},
    domain::OutreachState as State,
};

use crate::support::{
    database::Database,
    rows::ledger,
    world::{World, birthdays},
};

/// Mails are written on threads of their own, each of which asks for the time; one of these times it
/// breaks down.
struct BreakingClock {
    hands: Arc<ManualClock>,
    home: ThreadId,
    asked: AtomicUsize,
}

/// At which mail.
const MAIL: usize = 17;

impl Clock for BreakingClock {
    fn now(&self) -> DateTime<Utc> {
        if thread::current().id() != self.home {
            let mail = self.asked.fetch_add(1, Ordering::Relaxed);
            assert_ne!(mail, MAIL, "p17@example.org has no time");
        }
        self.hands.now()
    }

    fn uptime(&self) -> Duration {
        self.hands.uptime()
    }

    fn is_real(&self) -> bool {
        false
    }
}

mod a_mail_whose_writing_panics_is_left_alone_and_the_others_leave {
    use super::{Database, write_and_panic};

    // On one thread, so that whatever runs on another one writes mails.
    #[tokio::test(flavor = "current_thread")]
    async fn sqlite() {
        write_and_panic(&Database::sqlite().await).await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn postgres() {
        write_and_panic(&Database::postgres().await).await;
    }
}

async fn write_and_panic(db: &Database) {
    let mut world = World::new(db);
    let (hands, home) = (Arc::clone(&world.clock), thread::current().id());
    world.engine.clock = Arc::new(BreakingClock { hands, home, asked: AtomicUsize::new(0) });
    world.contacts(birthdays(50)).await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed, done.in_doubt), (49, 1, 0));
    assert_eq!(ledger(world.store()).await, [(State::Sent, 49), (State::Quarantined, 1)]);
    assert_eq!(world.mails().len(), 49);
    let said =
        db.texts("select verdict || ': ' || reply from attempts where verdict <> 'accepted'");
    let said = said.await;
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("writing it broke down") && said[0].contains("has no time"),
        "{said:?}"
    );
    assert!(!said[0].contains("p17@"), "{said:?}");
    // It is not tried again by itself.
    assert_eq!(world.round().await.dispatched.sent, 0);
}
