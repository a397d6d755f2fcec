//! Mail waits while something is broken that it depends on, by a DNS that says what a test wants.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use perennial::{
    clock::{Clock, ManualClock},
    daemon::{Daemon, Round, round},
    domain::{
        OutreachState as State,
        doctor::{Answer, Check, Finding, Kind, Must, PublicAnswer, Question, Why},
    },
    engine::{Engine, Inspector, Live, Stop},
    lookup::{Lookup, PageError, PageRequest},
    store::HeldBack,
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    relay::ScriptedRelay,
    rows::{ledger, write},
    world::{BIRTHDAY, Setup, World, birthdays},
};

on_both_databases!(what_mail_waits_for_is_known_until_it_waits_no_more);

/// What the DNS of example.com says.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    Everything,
    AllButSpf,
    Nothing,
    /// Not even that it knows nothing; it never answers.
    NoWord,
}

#[derive(Clone)]
struct Dns {
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
}

impl Dns {
    fn that(says: Says) -> Self {
        Self { says: Arc::new(Mutex::new(says)), asked: Arc::default() }
    }

    fn publish(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn inspector(&self) -> Inspector {
        let dns = self.clone();
        let say = |finding: &Finding| format!("{} of {}", finding.check.as_str(), finding.subject);
        Inspector::new(move || dns.clone(), say)
    }
}

impl Lookup for Dns {
    async fn ask(&self, question: &Question) -> Answer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let says = *self.says.lock().unwrap();
        let texts = |text: &str| Answer::Texts(vec![text.to_owned()]);
        match (says, question.kind, question.name.as_str()) {
            (Says::NoWord, ..) => std::future::pending().await,
            (Says::Nothing, ..) => {
                let (name, cause) = (question.name.clone(), "silence".to_owned());
                Answer::Unknown(Why::Unanswered { name, cause })
            }
            (Says::Everything, Kind::Txt, "example.com") => texts("v=spf1 ip4:127.0.0.1 -all"),
            (_, Kind::Txt, "_dmarc.example.com") => texts("v=DMARC1; p=reject; rua=mailto:a@b.com"),
            (_, Kind::Mx, "example.com") => Answer::Hosts(vec!["mx.example.com".to_owned()]),
            _ => Answer::Nothing,
        }
    }

    async fn page(&self, _: &PageRequest) -> Result<PublicAnswer, PageError> {
        panic!("its pages are this machine's own")
    }
}

/// A clock that moves when told to, and that everybody takes for the host's.
struct Real(Arc<ManualClock>);

impl Clock for Real {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn uptime(&self) -> Duration {
        self.0.uptime()
    }
}

/// An engine with two mails that are due, and its relay.
async fn due(db: &Database, preflight: &str) -> (World, Engine, ScriptedRelay) {
    let relay = ScriptedRelay::start(|_| None).await;
    let setup =
        Setup { relay: Some(relay.address), preflight: Some(preflight), ..Setup::default() };
    let world = World::with(db, &setup);
    world.contacts(birthdays(2)).await;
    let clock = Arc::new(Real(Arc::clone(&world.clock)));
    let engine = Engine { clock, ..world.engine.clone() };
    (world, engine, relay)
}

async fn once(engine: &Engine, dns: &Dns) -> Round {
    round(engine, Some(&dns.inspector()), &Stop::default()).await.unwrap()
}

fn spf() -> HeldBack {
    let must = Must { check: Check::Spf, subject: "example.com".to_owned() };
    HeldBack { since: at(BIRTHDAY), by: vec![must] }
}

#[tokio::test]
async fn mail_is_ready_and_waits_while_spf_is_missing_and_leaves_when_it_is_there() {
    let db = Database::sqlite().await;
    let (world, engine, relay) = due(&db, "block").await;
    let dns = Dns::that(Says::AllButSpf);
    let held = once(&engine, &dns).await;
    assert_eq!((held.queued, held.dispatched.sent), (2, 0));
    assert_eq!(held.held_back, Some(spf()));
    assert_eq!(world.store().held_back().await.unwrap(), Some(spf()));
    assert_eq!(ledger(world.store()).await, [(State::Ready, 2)]);

    world.wait(TimeDelta::minutes(1));
    dns.publish(Says::Nothing);
    assert_eq!(once(&engine, &dns).await.held_back, Some(spf()), "nobody has seen it sound");

    dns.publish(Says::Everything);
    let done = once(&engine, &dns).await;
    assert_eq!((done.held_back, done.dispatched.sent), (None, 2));
    assert_eq!(world.store().held_back().await.unwrap(), None);
    assert_eq!(relay.contents().len(), 2);
}

#[tokio::test]
async fn mail_does_not_wait_for_what_nobody_answers() {
    let db = Database::sqlite().await;
    let (_world, engine, _relay) = due(&db, "block").await;
    let done = once(&engine, &Dns::that(Says::Nothing)).await;
    assert_eq!((done.held_back, done.dispatched.sent), (None, 2));
}

#[tokio::test]
async fn mail_does_not_wait_where_it_is_only_to_be_warned_of_and_what_held_it_is_forgotten() {
    let db = Database::sqlite().await;
    let (world, engine, _relay) = due(&db, "warn").await;
    write(world.store(), async |tx| tx.hold_back(Some(&spf())).await).await;
    let dns = Dns::that(Says::AllButSpf);
    let log = Log::default();
    let done = {
        let _logging = log.begin();
        once(&engine, &dns).await
    };
    assert_eq!((done.held_back, done.dispatched.sent), (None, 2));
    assert_eq!(world.store().held_back().await.unwrap(), None);
    let said = log.text();
    assert!(said.contains("Broken, and mail is sent all the same: spf of example.com"), "{said}");
}

#[tokio::test]
async fn nobody_is_asked_where_it_is_off_or_mail_goes_into_a_folder_or_the_time_is_made_up() {
    let db = Database::sqlite().await;
    let dns = Dns::that(Says::AllButSpf);
    let (world, off, _relay) = due(&db, "off").await;
    write(world.store(), async |tx| tx.hold_back(Some(&spf())).await).await;
    assert_eq!(once(&off, &dns).await.dispatched.sent, 2);
    assert_eq!(world.store().held_back().await.unwrap(), None);
    let folder = World::new(&db);
    let clock = Arc::new(Real(Arc::clone(&folder.clock)));
    once(&Engine { clock, ..folder.engine.clone() }, &dns).await;
    let (made_up, _engine, _relay) = due(&db, "block").await;
    assert_eq!(once(&made_up.engine, &dns).await.held_back, None);
    assert_eq!(dns.asked(), 0);
}

mod a_database_that_may_forget_what_was_sent_holds_mail_back {
    use super::{Check, Database, Dns, Says, due};

    /// The tests' own server keeps nothing, so that they are fast; another one may.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let db = Database::postgres().await;
        let (_world, engine, _relay) = due(&db, "block").await;
        let found = engine.inspect(&Dns::that(Says::Everything).inspector()).await.unwrap();
        let forgets = db.texts("select current_setting('fsync')").await == ["off"];
        let by = found.held_back.map(|held| held.by.iter().map(|must| must.check).collect());
        assert_eq!(by, forgets.then(|| vec![Check::Database]));
    }
}

async fn what_mail_waits_for_is_known_until_it_waits_no_more(db: &Database) {
    let store = &db.store;
    assert_eq!(store.held_back().await.unwrap(), None);
    let known = spf();
    write(store, async |tx| tx.hold_back(Some(&known)).await).await;
    assert_eq!(store.held_back().await.unwrap(), Some(known));
    write(store, async |tx| tx.hold_back(None).await).await;
    assert_eq!(store.held_back().await.unwrap(), None);
}

/// Runs a daemon for as long as `meanwhile` takes.
async fn run(engine: &Engine, dns: &Dns, meanwhile: impl AsyncFnOnce(&Live)) {
    let folder = tempfile::tempdir().unwrap();
    let stop = Stop::default();
    let daemon = Daemon {
        name: "one".to_owned(),
        witness: folder.path().join("witness"),
        inspector: Some(dns.inspector()),
        stop: stop.clone(),
    };
    let live = Live::from(engine.clone());
    let meanwhile = async {
        meanwhile(&live).await;
        stop.soon.cancel();
    };
    tokio::join!(Box::pin(daemon.run(&live)), Box::pin(meanwhile));
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_looks_again_after_a_minute_and_no_sooner() {
    let db = Database::sqlite().await;
    let (world, engine, relay) = due(&db, "block").await;
    let dns = Dns::that(Says::AllButSpf);
    run(&engine, &dns, async |live| {
        let both_ready = [(State::Ready, 2)];
        until("ready", async || ledger(world.store()).await == both_ready).await;
        let asked = dns.asked();
        dns.publish(Says::Everything);
        // It is woken up, and has no reason to ask.
        live.replace(engine.clone());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!((dns.asked(), relay.contents().len()), (asked, 0));
        world.wait(TimeDelta::minutes(1));
        live.replace(engine.clone());
        until("sent", async || relay.contents().len() == 2).await;
    })
    .await;
    assert_eq!(world.store().held_back().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_is_looked_at_at_once() {
    let db = Database::sqlite().await;
    let (world, engine, relay) = due(&db, "block").await;
    let setup = Setup { relay: Some(relay.address), preflight: Some("warn"), ..Setup::default() };
    let other = World::with(&db, &setup);
    run(&engine, &Dns::that(Says::AllButSpf), async |live| {
        until("held back", async || world.store().held_back().await.unwrap().is_some()).await;
        live.replace(Engine { clock: Arc::clone(&engine.clock), ..other.engine.clone() });
        until("sent", async || relay.contents().len() == 2).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_told_to_stop_waits_for_no_answer_of_the_dns() {
    let db = Database::sqlite().await;
    let (_world, engine, relay) = due(&db, "block").await;
    let dns = Dns::that(Says::NoWord);
    let began = Instant::now();
    run(&engine, &dns, async |_| until("asked", async || dns.asked() > 0).await).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(relay.contents(), Vec::<String>::new());
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
