//! How the engine does with a million contacts: import, first decision on everybody, one tick, and
//! the pure function.
//!
//! `cargo bench --bench scale` runs on SQLite; with `TEST_POSTGRES_URL` set, on PostgreSQL too. Each
//! case is a process of its own, so that its memory is its own. `-- --contacts N` changes the size.
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use perennial::{
    clock::{Clock, ManualClock},
    config::{Config, Files},
    domain::{ContactId, Engagement, ImportKind, Keyring, Locale, Snapshot, Wish, decide, scatter},
    engine::{Engine, ImportOptions, Readers},
    mail::Templates,
    smtp::Transport,
    store::Store,
};
use sqlx::{Connection, Executor};

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let contacts = arguments
        .iter()
        .position(|word| word == "--contacts")
        .and_then(|place| arguments.get(place + 1)?.parse().ok())
        .unwrap_or(1_000_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    match arguments.first().map(String::as_str) {
        Some("decide") => decisions(),
        Some("store") => {
            let url = arguments.get(1).expect("store needs a database URL");
            let folder = PathBuf::from(arguments.get(2).expect("store needs a folder"));
            runtime.block_on(store(url, &folder, contacts));
        }
        // Ticks alone, on a database that `store` has left behind.
        Some("ticks") => {
            let url = arguments.get(1).expect("ticks need a database URL");
            runtime.block_on(async {
                let (engine, clock) = engine(url, Path::new(".")).await;
                ticks(&engine, &clock, (url, contacts)).await;
                engine.store.close().await;
            });
        }
        _ => all(contacts),
    }
}

/// Runs every case as a process of its own.
fn all(contacts: u64) {
    let folder = tempfile::tempdir().expect("there is room for files");
    list(&folder.path().join("contacts.csv"), contacts);
    accounts(&folder.path().join("accounts.csv"), contacts / 10);
    orders(&folder.path().join("orders.csv"), contacts / 10);
    again(&["decide"]);
    let (place, count) = (folder.path().display().to_string(), contacts.to_string());
    let sqlite = format!("sqlite:{place}/bench.db");
    again(&["store", &sqlite, &place, "--contacts", &count]);
    if let Ok(server) = std::env::var("TEST_POSTGRES_URL") {
        again(&["store", &server, &place, "--contacts", &count]);
    }
}

fn again(arguments: &[&str]) {
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new(program).args(arguments).status().expect("it runs again");
    assert!(status.success(), "{arguments:?} failed");
}

const START: &str = "2026-09-24T22:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn config() -> Config {
    let files = Files::embedded();
    let text = files.iter().find(|(path, _)| *path == "perennial.toml").expect("it is there").1;
    let text = text.replace("file:secret.key", "env:BENCH_KEY");
    let files = files.clone().with("perennial.toml", &text);
    let key = |name: &str| (name == "BENCH_KEY").then(|| "ab".repeat(32));
    Config::parse(&files, Path::new("."), &key).unwrap_or_else(|error| panic!("{error}"))
}

/// Writes a list of made-up contacts, 100 bytes or so a line.
fn list(path: &Path, contacts: u64) {
    let mut file = BufWriter::new(fs::File::create(path).expect("the list can be written"));
    writeln!(file, "email,name,account,locale,zone,birthday,level").expect("the disk has room");
    for id in 0..contacts.cast_signed() {
        let (locale, zone) =
            [("zh-CN", "Asia/Shanghai"), ("en", "Europe/Berlin"), ("en", "America/New_York")]
                [(scatter(id, 1) % 3) as usize];
        let (month, day) = (scatter(id, 2) % 12 + 1, scatter(id, 3) % 28 + 1);
        writeln!(
            file,
            "person{id}@company{}.example,Person {id},C-{},{locale},{zone},{month:02}-{day:02},{}",
            id % 100_000,
            id % 100_000,
            scatter(id, 4) % 5 + 1
        )
        .expect("the disk has room");
    }
}

/// Writes the accounts of the contacts, each with a rep and what it could buy.
fn accounts(path: &Path, accounts: u64) {
    let mut file = BufWriter::new(fs::File::create(path).expect("the list can be written"));
    writeln!(file, "key,rep,potential,industry").expect("the disk has room");
    for id in 0..accounts.cast_signed() {
        let (rep, potential) = (scatter(id, 5) % 200, scatter(id, 6) % 500_000);
        writeln!(file, "C-{id},rep{rep}@example.com,{potential},machines")
            .expect("the disk has room");
    }
}

/// Writes an order of every other account.
fn orders(path: &Path, accounts: u64) {
    let mut file = BufWriter::new(fs::File::create(path).expect("the list can be written"));
    writeln!(file, "key,account,ordered on,amount,profit").expect("the disk has room");
    for id in (0..accounts.cast_signed()).step_by(2) {
        let (month, amount) = (scatter(id, 7) % 8 + 1, scatter(id, 8) % 300_000);
        writeln!(file, "O-{id},C-{id},2026-{month:02}-15,{amount},{}", amount / 5)
            .expect("the disk has room");
    }
}

/// The pure function on one core.
fn decisions() {
    const CONTACTS: i64 = 200_000;
    let rules = config().rules;
    let now = at(START);
    let contacts: Vec<Snapshot> = (0..CONTACTS).map(|id| snapshot(id, now)).collect();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let considered: usize =
            contacts.iter().map(|contact| decide(&rules, contact, now).considered.len()).sum();
        assert!(considered > 0);
        best = best.min(began.elapsed());
    }
    let rate = CONTACTS as f64 / best.as_secs_f64();
    println!("decide: {rate:.0} decisions/s on one core ({} campaigns)", rules.campaigns.len());
}

fn snapshot(id: i64, now: DateTime<Utc>) -> Snapshot {
    let zones =
        [chrono_tz::Asia::Shanghai, chrono_tz::Europe::Berlin, chrono_tz::America::New_York];
    let place = (scatter(id, 1) % 3) as usize;
    let locale: Locale = ["zh-CN", "en", "en"][place].parse().expect("a tag");
    let (month, day) = (scatter(id, 2) % 12 + 1, scatter(id, 3) % 28 + 1);
    let ago = TimeDelta::days((scatter(id, 5) % 400).cast_signed());
    Snapshot {
        id: ContactId(id),
        locale,
        zone: zones[place],
        country: None,
        birthday: format!("{month:02}-{day:02}").parse().ok(),
        cooperation_since: NaiveDate::from_ymd_opt(2019, 3, 1),
        known_since: now - TimeDelta::days(800),
        may_send: Some(true),
        suppressed: None,
        standings: Vec::new(),
        value_cents: 0,
        engagement: Engagement::default(),
        wish: Wish::default(),
        terms: Vec::new(),
        deeds: Vec::new(),
        last_mail_at: Some(now - ago),
        history: Vec::new(),
    }
}

/// An engine on the database at `url` and the commented configuration.
async fn engine(url: &str, folder: &Path) -> (Engine, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::starting_at(at(START)));
    let config = config();
    let engine = Engine {
        store: Store::open(url).await.expect("the database opens"),
        clock: clock.clone(),
        keyring: Arc::new(Keyring::new(config.tracking.keys.iter().copied()).expect("keys")),
        config: Arc::new(config),
        templates: Arc::new(Templates::load(None).unwrap_or_else(|_| panic!("templates"))),
        transport: Arc::new(Transport::Folder(folder.join("out"))),
    };
    (engine, clock)
}

async fn store(url: &str, folder: &Path, contacts: u64) {
    let (engine, clock) = engine(url, folder).await;
    let kind = engine.store.kind();
    let options = ImportOptions { kind: ImportKind::Contacts, columns: Vec::new(), dry_run: false };
    let list = folder.join("contacts.csv");
    for what in ["import", "import again"] {
        let began = Instant::now();
        let report = engine
            .import(&list, &options, &mut |row| panic!("{row:?}"), &mut |_| ())
            .await
            .expect("the list is imported");
        assert_eq!(report.added + report.unchanged, contacts);
        said(kind, what, contacts, began.elapsed());
    }
    for (list, kind_of_list) in
        [("accounts.csv", ImportKind::Accounts), ("orders.csv", ImportKind::Orders)]
    {
        let options = ImportOptions { kind: kind_of_list, columns: Vec::new(), dry_run: false };
        let path = folder.join(list);
        let began = Instant::now();
        let report =
            engine.import(&path, &options, &mut |row| panic!("{row:?}"), &mut |_| ()).await;
        let report = report.expect("the list is imported");
        said(kind, list, report.added + report.changed, began.elapsed());
    }
    for what in ["classify everybody", "classify everybody again"] {
        let began = Instant::now();
        engine.reclassify(false).await.expect("everybody is classified");
        said(kind, what, contacts, began.elapsed());
    }
    let began = Instant::now();
    engine.plan().await.expect("everybody is decided on");
    said(kind, "first decision on everybody", contacts, began.elapsed());

    let began = Instant::now();
    let outlook = engine.forecast(30, Readers::Silent, |_| (), |_| ()).await.expect("a forecast");
    assert_eq!(outlook.contacts, contacts);
    said(kind, "plan 30 days", contacts, began.elapsed());

    ticks(&engine, &clock, (url, contacts)).await;
    println!("{kind}: greatest memory of the process: {} MB", peak_rss_mb());
    engine.store.close().await;
}

/// Ticks before those that are measured: a daemon ticks each minute, so its statements are prepared on
/// every connection and its pages are at hand.
const WARM_UP: usize = 100;
/// Ticks that are measured.
const TICKS: usize = 11;

/// The median of the ticks with a thousand contacts due.
async fn ticks(engine: &Engine, clock: &ManualClock, (url, contacts): (&str, u64)) {
    let kind = engine.store.kind();
    // The next morning; then a thousand contacts at a time are due.
    clock.advance(TimeDelta::days(1));
    engine.plan().await.expect("a day is decided on");
    make_idle(url, contacts.cast_signed()).await;
    let mut took = Vec::new();
    for round in 0..WARM_UP + TICKS {
        clock.advance(TimeDelta::seconds(1));
        let group = group(round, contacts.cast_signed());
        make_due(url, clock.now().timestamp_millis(), group).await;
        let began = Instant::now();
        let planned = engine.plan().await.expect("a tick");
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(planned.considered >= 1000, "{planned:?}");
    }
    let measured = &mut took[WARM_UP..];
    measured.sort_by(f64::total_cmp);
    let (best, median) = (measured[0], measured[measured.len() / 2]);
    println!("{kind}: tick with 1,000 due of {contacts}: {median:.1} ms, at best {best:.1} ms");
}

/// The contacts that are due in one round, a thousand of them, spread over the table.
fn group(round: usize, contacts: i64) -> impl Iterator<Item = i64> {
    let first = 1 + i64::try_from(round).expect("a small number");
    (0..1000).map(move |place| first + place * (contacts / 1000).max(1))
}

/// Takes from the contacts of all rounds what they are due for, so that a tick writes new rows as one
/// does whose contacts were due for nothing else.
async fn make_idle(url: &str, contacts: i64) {
    let step = (contacts / 1000).max(1);
    let sql = format!(
        "delete from decisions_due where contact_id % {step} between 1 and {}",
        WARM_UP + TICKS
    );
    execute(url, sql).await;
}

async fn make_due(url: &str, at: i64, contacts: impl Iterator<Item = i64>) {
    let rows: Vec<String> = contacts.map(|contact| format!("({at}, {contact}, 0)")).collect();
    let sql =
        format!("insert into decisions_due (at, contact_id, asked_at) values {}", rows.join(", "));
    execute(url, sql).await;
}

async fn execute(url: &str, sql: String) {
    let sql = sqlx::AssertSqlSafe(sql);
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.expect("it opens");
        connection.execute(sql).await.expect("it is written");
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("it opens");
        connection.execute(sql).await.expect("it is written");
    }
}

fn said(kind: &str, what: &str, rows: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    let rate = rows as f64 / seconds;
    println!("{kind}: {what}: {seconds:.1} s, {rate:.0}/s, memory so far {} MB", peak_rss_mb());
}

/// The greatest resident memory of this process, in MB; 0 where the system does not tell.
fn peak_rss_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
