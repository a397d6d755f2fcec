//! How fast mail leaves, from ready rows to the relay's 250 and its mark, beside what Postfix's
//! `smtp-source` does with as many messages of the same size over as many connections to the same
//! `smtp-sink`.
//!
//! `SMTP_TOOLS=FOLDER cargo bench --bench pipeline`, where FOLDER holds the two programs (Debian: package
//! postfix), runs on SQLite; with `TEST_POSTGRES_URL`, on PostgreSQL too. `-- --mails N` changes the
//! number. Each case is a process of its own.
//!
//! `-- --delay MS` sends to a relay of this program's own instead, each of whose answers comes so many
//! milliseconds after what it answers, and compares pipelining with lock step. It needs no other program.
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
#[path = "slow_relay.rs"]
mod slow_relay;

use std::{
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use perennial::{
    clock::ManualClock,
    config::{Config, Delivery, Files},
    domain::{ImportKind, Keyring},
    engine::{Engine, ImportOptions, Stop},
    mail::Templates,
    smtp::Transport,
    store::Store,
};
use sqlx::{Connection, Executor};

/// Just before the send window closes on everybody's birthday.
const NOW: &str = "2026-09-25T16:59:30Z";

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|word| word == name)?;
        arguments.get(place + 1).cloned()
    };
    let mails = value("--mails").and_then(|text| text.parse().ok()).unwrap_or(100_000);
    if let (Some(url), Some(relay)) = (value("--url"), value("--relay")) {
        let case = Case {
            url,
            relay: relay.parse().expect("an address"),
            mails,
            keys: value("--keys").unwrap_or_default(),
            is_signed: arguments.iter().any(|word| word == "--signed"),
            folder: PathBuf::from(value("--folder").expect("a folder")),
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
        runtime.block_on(case.run());
    } else if let Some(delay) = value("--delay").and_then(|text| text.parse().ok()) {
        delayed(mails, Duration::from_millis(delay));
    } else {
        all(mails);
    }
}

/// One way of sending.
struct Case {
    url: String,
    relay: SocketAddr,
    mails: u64,
    /// More keys of the relay's section.
    keys: String,
    is_signed: bool,
    folder: PathBuf,
}

/// Runs every case as a process of its own, each between two runs of `smtp-source`.
fn all(mails: u64) {
    let Some(tools) = std::env::var_os("SMTP_TOOLS").map(PathBuf::from) else {
        println!(
            "pipeline: SMTP_TOOLS names no folder with smtp-sink and smtp-source; nothing is measured"
        );
        return;
    };
    let mut databases = vec!["SQLite"];
    databases.extend(std::env::var_os("TEST_POSTGRES_URL").map(|_| "PostgreSQL"));
    for database in databases {
        for (name, keys, is_signed) in [
            ("unsigned, lock step", "connections = 32", false),
            ("unsigned, rfc2920", "connections = 32\npipelining = 'rfc2920'", false),
            ("unsigned, deep", "connections = 32\npipelining = 'deep'", false),
            (
                "unsigned, deep, window 8",
                "connections = 32\npipelining = 'deep'\nwindow = 8",
                false,
            ),
            ("RSA-2048, deep", "connections = 32\npipelining = 'deep'", true),
        ] {
            let folder = tempfile::tempdir().expect("there is room for files");
            let sink = Sink::start(&tools);
            let sent = own(database, folder.path(), sink.address, (mails, keys, is_signed));
            let reference = source(&tools, &sink, mails, sent.octets);
            println!(
                "{database}, {name}: {:.0} mails/s of {} octets; smtp-source {:.0}/s; ratio {:.2}; {}",
                sent.rate,
                sent.octets,
                reference,
                sent.rate / reference,
                sent.rest
            );
        }
    }
}

/// Runs every depth against a relay whose answers take `delay`.
fn delayed(mails: u64, delay: Duration) {
    let mut databases = vec!["SQLite"];
    databases.extend(std::env::var_os("TEST_POSTGRES_URL").map(|_| "PostgreSQL"));
    for database in databases {
        let mut lock_step = None;
        for (name, keys) in [
            ("lock step", ""),
            ("rfc2920", "pipelining = 'rfc2920'"),
            ("deep", "pipelining = 'deep'"),
            ("deep, window 4", "pipelining = 'deep'\nwindow = 4"),
        ] {
            let folder = tempfile::tempdir().expect("there is room for files");
            let relay = slow_relay::start(delay);
            let keys = format!("connections = 32\n{keys}");
            let sent = own(database, folder.path(), relay, (mails, &keys, false));
            let base = *lock_step.get_or_insert(sent.rate);
            println!(
                "{database}, {} ms, {name}: {:.0} mails/s of {} octets; {:.2} times lock step; {}",
                delay.as_millis(),
                sent.rate,
                sent.octets,
                sent.rate / base,
                sent.rest
            );
        }
    }
}

struct Sent {
    rate: f64,
    octets: u64,
    rest: String,
}

/// Runs this program on one case and reads what it says.
fn own(database: &str, folder: &Path, relay: SocketAddr, case: (u64, &str, bool)) -> Sent {
    let (mails, keys, is_signed) = case;
    let url = match database {
        "SQLite" => format!("sqlite:{}/bench.db", folder.display()),
        _ => fresh_database(),
    };
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--url", &url, "--relay", &relay.to_string(), "--keys", keys]);
    command.args(["--mails", &mails.to_string(), "--folder", &folder.display().to_string()]);
    command.args(is_signed.then_some("--signed"));
    let output = command.stderr(Stdio::inherit()).output().expect("it runs again");
    assert!(output.status.success(), "{database} failed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.trim().splitn(3, ' ');
    let mut next = || words.next().expect("three words").to_owned();
    let (rate, octets) = (next().parse().expect("a rate"), next().parse().expect("a size"));
    Sent { rate, octets, rest: next() }
}

/// Another database on the server of `TEST_POSTGRES_URL`, whose last one is dropped.
fn fresh_database() -> String {
    let server = std::env::var("TEST_POSTGRES_URL").expect("it was there");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(&server).await.expect("it opens");
        for sql in ["drop database if exists pipeline", "create database pipeline"] {
            connection.execute(sql).await.expect("the server lets us");
        }
    });
    let (server, _) = server.rsplit_once('/').expect("a database in the address");
    format!("{server}/pipeline")
}

/// Postfix's sink on a free port; ends with this.
struct Sink {
    address: SocketAddr,
    process: Child,
}

impl Sink {
    fn start(tools: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a port is free");
        let user = (fs::metadata("/root/.").is_ok()).then_some(["-u", "nobody"]);
        let mut command = tool(tools, "smtp-sink");
        command.args(user.into_iter().flatten()).arg(address.to_string()).arg("1000");
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("smtp-sink starts");
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(5), "smtp-sink does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { address, process }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tool(tools: &Path, name: &str) -> Command {
    let mut command = Command::new(tools.join(name));
    // An unpacked package has its libraries beside it.
    let libraries = tools.join("../lib/postfix");
    if libraries.is_dir() {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

/// Messages a second that `smtp-source` sends over as many connections.
fn source(tools: &Path, sink: &Sink, mails: u64, octets: u64) -> f64 {
    let began = Instant::now();
    let status = tool(tools, "smtp-source")
        .args(["-d", "-s", "32", "-m", &mails.to_string(), "-l", &octets.to_string()])
        .args(["-f", "hello@example.com", "-t", "reader@example.org"])
        .arg(sink.address.to_string())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "smtp-source failed");
    mails as f64 / began.elapsed().as_secs_f64()
}

impl Case {
    async fn run(self) {
        let engine = self.engine().await;
        let list = self.folder.join("contacts.csv");
        let mut text = "email,name,birthday,zone\n".to_owned();
        for n in 0..self.mails {
            let _ = writeln!(text, "person{n}@company{}.example,Person {n},09-25,UTC", n % 1000);
        }
        fs::write(&list, text).expect("the disk has room");
        let options =
            ImportOptions { kind: ImportKind::Contacts, columns: Vec::new(), dry_run: false };
        engine
            .import(&list, &options, &mut |row| panic!("{row:?}"), &mut |_| ())
            .await
            .expect("the list is imported");
        engine.plan().await.expect("everybody is decided on");
        let written_before = written();
        let began = Instant::now();
        let done = engine.dispatch(&Stop::default()).await.expect("everything is sent");
        let took = began.elapsed();
        assert_eq!(done.sent, self.mails, "{done:?}");
        let octets = self.octets().await;
        println!(
            "{:.1} {octets} {} MB at most, {} octets written to disk a mail",
            self.mails as f64 / took.as_secs_f64(),
            peak_rss_mb(),
            (written() - written_before) / self.mails
        );
        engine.store.close().await;
    }

    async fn engine(&self) -> Engine {
        let config = self.config();
        let Delivery::Relays(relays) = &config.delivery else { panic!("a relay is configured") };
        let folder = self.folder.join("templates/mail/birthday/en");
        fs::create_dir_all(&folder).expect("the disk has room");
        let texts = [("subject.txt.hbs", SUBJECT.to_owned()), ("body.txt.hbs", TEXT.to_owned())];
        for (name, text) in texts.into_iter().chain([("body.html.hbs", html())]) {
            fs::write(folder.join(name), text).expect("the disk has room");
        }
        let templates = Templates::load(Some(&self.folder.join("templates")));
        Engine {
            store: Store::open(&self.url).await.expect("the database opens"),
            clock: Arc::new(ManualClock::starting_at(at(NOW))),
            keyring: Arc::new(Keyring::new(config.tracking.keys.iter().copied()).expect("keys")),
            templates: Arc::new(templates.unwrap_or_else(|errors| panic!("{errors:?}"))),
            transport: Arc::new(Transport::to_relays(relays)),
            config: Arc::new(config),
        }
    }

    fn config(&self) -> Config {
        let files = Files::embedded();
        let text = files.iter().find(|(path, _)| *path == "perennial.toml").expect("it is there").1;
        let text = text
            .replace("file:secret.key", "env:KEY")
            .replace("via = \"folder\"", "via = \"relay\"")
            .replace("preflight = \"block\"", "preflight = \"off\"")
            .replace("may_track = false", "may_track = true");
        let (ip, port) = (self.relay.ip(), self.relay.port());
        let mut text = format!(
            "{text}\n[delivery.relay.sink]\nhost = '{ip}'\nport = {port}\nsecurity = 'none'\n\
             messages_per_connection = 100000\n{}\n",
            self.keys
        );
        if self.is_signed {
            text += "[dkim]\nselector = 's'\nkey = 'env:DKIM'\n";
        }
        let files = files.clone().with("perennial.toml", &text);
        let environment = |name: &str| match name {
            "KEY" => Some(format!("1:{}", "ab".repeat(32))),
            "DKIM" => Some(include_str!("../tests/data/dkim/rsa.pem").to_owned()),
            _ => None,
        };
        Config::parse(&files, &self.folder, &environment).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The size of a message, by the stored bodies.
    async fn octets(&self) -> u64 {
        let sql = "select message from bodies order by outreach_id limit 1";
        let body: Vec<u8> = if self.url.starts_with("sqlite:") {
            let mut connection =
                sqlx::SqliteConnection::connect(&self.url).await.expect("it opens");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a body")
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("it opens");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a body")
        };
        // Behind the frame of 16 octets that names its dictionary (RFC 8878 section 3.1.2).
        let frame =
            if body.starts_with(&[0x50, 0x2a, 0x4d, 0x18]) { &body[16..] } else { &body[..] };
        zstd::zstd_safe::get_frame_content_size(frame).expect("zstd").expect("it says its size")
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

const SUBJECT: &str = "Happy birthday, {{contact.name}}";
const TEXT: &str = "{{#*inline \"closing\"}}With warm wishes,{{/inline}}\n{{#> layout}}\n{{greeting}},\n\n\
                    The very best to you on your birthday.\n{{/layout}}\n";

/// A page with five links that are tracked, about 10 kB of HTML with its layout.
fn html() -> String {
    let mut html = "{{#*inline \"preheader\"}}A few words{{/inline}}\n\
                    {{#*inline \"headline\"}}Happy birthday{{/inline}}\n\
                    {{#*inline \"closing\"}}With warm wishes,{{/inline}}\n\
                    {{#*inline \"picture\"}}{{/inline}}\n{{#> layout}}\n<p>{{greeting}},</p>\n"
        .to_owned();
    for n in 0..5 {
        let words = "Words that wish somebody well and take up room. ".repeat(12);
        let _ = writeln!(
            html,
            "<p>{words}<a href=\"https://www.example.com/page/{n}\">Page {n}</a></p>"
        );
    }
    html + "{{/layout}}\n"
}

/// The greatest resident memory of this process, in MB; 0 where the system does not tell.
fn peak_rss_mb() -> u64 {
    number_in("/proc/self/status", "VmHWM:") / 1024
}

/// Octets that this process has had written to disk.
fn written() -> u64 {
    number_in("/proc/self/io", "write_bytes:")
}

fn number_in(path: &str, key: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
