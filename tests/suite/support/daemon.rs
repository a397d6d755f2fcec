//! The real binary with a configuration of its own: started, stopped, frozen, starved and killed.
use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use chrono::{Days, TimeDelta, Timelike};
use perennial::clock::{Clock, SystemClock};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a configuration that writes to every contact at once, whatever the time of day.
pub(crate) struct Site {
    folder: TempDir,
    /// Its address, which may hold a password.
    database: String,
}

/// Where the configuration finds it.
const DATABASE: &str = "PERENNIAL_TEST_DATABASE";

/// A program that becomes a daemon whose writes fail where they are too much for its limits, instead
/// of ending it.
pub(crate) const STARVABLE: &[&str] = &["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

/// How a site sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) connections: usize,
    /// How long the relay may take over a content.
    pub(crate) content_seconds: u64,
    pub(crate) lease_seconds: u64,
}

impl Site {
    /// A site on this database that sends through this relay.
    pub(crate) fn new(database: &str, relay: SocketAddr, sending: Sending) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Self { folder, database: database.to_owned() };
        site.stdout("init");
        let zone = Noon::now();
        site.write("perennial.toml", &settings(relay, sending, &zone.name));
        let cadence = site.read("cadence.toml");
        let cadence = cadence
            .replace("opens = \"09:00\"", "opens = \"00:00\"")
            .replace("closes = \"17:00\"", "closes = \"23:59\"")
            .replace(
                "\"Thursday\", \"Friday\"]",
                "\"Thursday\", \"Friday\", \"Saturday\", \"Sunday\"]",
            );
        site.write("cadence.toml", &cadence);
        fs::remove_dir_all(site.folder.path().join("config/campaigns")).unwrap();
        fs::create_dir(site.folder.path().join("config/campaigns")).unwrap();
        site.write("campaigns/news.toml", &zone.campaign);
        site
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("config").join(file)
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    /// Writes a file that its owner alone can read.
    pub(crate) fn secret(&self, file: &str, text: &str) {
        self.write(file, text);
        fs::set_permissions(self.path(file), Permissions::from_mode(0o600)).unwrap();
    }

    /// Has whoever reads this file of the configuration next wait for it.
    pub(crate) fn withhold(&self, file: &str) -> Withheld {
        let (path, text) = (self.path(file), self.read(file));
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (tell, asked) = mpsc::channel();
        let pipe = path.clone();
        // Opening a pipe waits for its reader.
        thread::spawn(move || tell.send(File::options().write(true).open(pipe)));
        Withheld { path, text, asked }
    }

    /// A list with contacts of these numbers, spread over some domains.
    pub(crate) fn list(&self, numbers: std::ops::Range<usize>) -> PathBuf {
        let path = self.folder.path().join("list.csv");
        let lines = numbers.map(|n| format!("p{n}@d{}.example.org,Person {n}\n", n % 7));
        fs::write(&path, format!("email,name\n{}", lines.collect::<String>())).unwrap();
        path
    }

    /// Imports contacts of these numbers.
    pub(crate) fn import(&self, numbers: std::ops::Range<usize>) {
        self.list(numbers);
        self.stdout("import contacts list.csv");
    }

    /// Writes `to` for `from`, which is to be in the file.
    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no `{from}`");
        self.write(file, &text.replace(from, to));
    }

    /// What becomes of a mail in doubt after a second, which is the shortest grace there is.
    pub(crate) fn in_doubt(&self, policy: &str) {
        let campaign = self.read("campaigns/news.toml");
        self.write("campaigns/news.toml", &format!("{campaign}in_doubt = \"{policy}\"\n"));
        self.delivery("doubt_grace = \"1 second\"");
    }

    /// How daemons go ahead of the relay's answers from their next start on: the values of
    /// `pipelining` and `window`, which are `off` and 1 at first.
    pub(crate) fn go_ahead(&self, pipelining: &str, window: usize) {
        let settings = self.read("perennial.toml");
        let lines = settings.lines().map(|line| match line.split_once(" = ") {
            Some(("pipelining", _)) => format!("pipelining = \"{pipelining}\"\n"),
            Some(("window", _)) => format!("window = {window}\n"),
            _ => format!("{line}\n"),
        });
        self.write("perennial.toml", &lines.collect::<String>());
    }

    /// Adds a line to `[delivery]`.
    pub(crate) fn delivery(&self, line: &str) {
        self.replace("perennial.toml", "via = \"relay\"", &format!("via = \"relay\"\n{line}"));
    }

    /// The binary in this folder, in English and with nothing of the tester's environment.
    pub(crate) fn command(&self, words: &str) -> Command {
        self.command_by(&[], words)
    }

    /// The same, run by another program such as `setpriv`, which gets its own words first.
    pub(crate) fn command_by(&self, program: &[&str], words: &str) -> Command {
        let whole: Vec<_> =
            program.iter().copied().chain([env!("CARGO_BIN_EXE_perennial")]).collect();
        let mut command = Command::new(whole[0]);
        command
            .args(&whole[1..])
            .current_dir(self.folder.path())
            // Where a daemon keeps what a server cannot keep for it.
            .env("STATE_DIRECTORY", self.folder.path().join("state"))
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env("LANG", "en_US.UTF-8")
            .env(DATABASE, &self.database)
            .args(words.split(' '))
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// Standard output of a command that is to succeed.
    pub(crate) fn stdout(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command says as JSON, whatever its exit status.
    pub(crate) fn json(&self, words: &str) -> Value {
        let output = self.run(&format!("{words} --json"));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{words}: {error}: {}", String::from_utf8_lossy(&output.stderr))
        })
    }

    /// Starts a daemon.
    pub(crate) fn start(&self) -> Daemon {
        self.start_by(&[])
    }

    /// The same, run by another program, which is to become the daemon.
    pub(crate) fn start_by(&self, program: &[&str]) -> Daemon {
        self.spawn(self.command_by(program, "run"))
    }

    /// Starts what these words say, such as `run --once`.
    pub(crate) fn start_with(&self, words: &str) -> Daemon {
        self.spawn(self.command(words))
    }

    fn spawn(&self, mut command: Command) -> Daemon {
        let log = self.folder.path().join("daemon.log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Daemon { child, log }
    }
}

/// A file that nobody has asked for yet.
pub(crate) struct Withheld {
    path: PathBuf,
    text: String,
    asked: mpsc::Receiver<io::Result<File>>,
}

impl Withheld {
    /// Waits until somebody is reading it; fails if nobody does.
    pub(crate) fn asked_for(self, patience: Duration) -> Awaited {
        let Self { path, text, asked } = self;
        let pipe = asked.recv_timeout(patience).expect("somebody reads it").unwrap();
        Awaited { path, text, pipe }
    }
}

/// A file that somebody waits for.
pub(crate) struct Awaited {
    path: PathBuf,
    text: String,
    pipe: File,
}

impl Awaited {
    /// Gives it to whoever waits, and to all who read it later.
    pub(crate) fn give(mut self) {
        let beside = self.path.with_extension("new");
        fs::write(&beside, &self.text).unwrap();
        fs::rename(&beside, &self.path).unwrap();
        self.pipe.write_all(self.text.as_bytes()).unwrap();
    }
}

/// A zone in which it is about noon, so that no day ends while a test runs, and a campaign that
/// everybody there is due for.
struct Noon {
    name: String,
    campaign: String,
}

impl Noon {
    fn now() -> Self {
        let now = SystemClock.now();
        let ahead = 12 - i64::from(now.hour());
        // POSIX counts westwards.
        let name = match ahead {
            0 => "UTC".to_owned(),
            1.. => format!("Etc/GMT-{ahead}"),
            _ => format!("Etc/GMT+{}", -ahead),
        };
        let today = (now + TimeDelta::hours(ahead)).date_naive();
        let (from, until) = (today - Days::new(1), today + Days::new(2));
        let campaign = format!(
            "occasion = \"one-off\"\nfrom = {from}\nuntil = {until}\ntemplate = \"announcement\"\n"
        );
        Self { name, campaign }
    }
}

fn settings(relay: SocketAddr, sending: Sending, zone: &str) -> String {
    let Sending { connections, content_seconds, lease_seconds } = sending;
    let (host, port) = (relay.ip(), relay.port());
    format!(
        "[database]
url = \"env:{DATABASE}\"
[company]
name = \"Example Company\"
postal_address = \"1 Example Street\"
email = \"hello@example.com\"
[sender]
address = \"hello@example.com\"
name = \"Example Company\"
[defaults]
locale = \"en\"
zone = \"{zone}\"
may_track = false
[delivery]
via = \"relay\"
preflight = \"off\"
lease = \"{lease_seconds} seconds\"
[delivery.relay.main]
host = \"{host}\"
port = {port}
security = \"none\"
connections = {connections}
messages_per_connection = 20
content_timeout = \"{content_seconds} seconds\"
pipelining = \"off\"
window = 1
[tracking]
base_url = \"http://localhost:8025\"
listen = \"127.0.0.1:0\"
key = \"file:secret.key\"
"
    )
}

/// A daemon that is killed at the latest when this is dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// `kill -9`: returns when it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal such as `-TERM`, `-STOP` or `-CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Has every write behind the first `octets` of a file fail from now on, as on a full disk, or
    /// none any more. It is to be started by [`STARVABLE`].
    pub(crate) fn starve(&self, octets: Option<u64>) {
        let limit = octets.map_or("unlimited".to_owned(), |octets| octets.to_string());
        let (process, limit) = (format!("--pid={}", self.child.id()), format!("--fsize={limit}:"));
        assert!(Command::new("prlimit").args([process, limit]).status().unwrap().success());
    }

    /// Whether it runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it has logged this; fails if it does not.
    pub(crate) fn wait_to_say(&self, words: &str, patience: Duration) {
        let began = Instant::now();
        while !self.log().contains(words) {
            assert!(began.elapsed() < patience, "it does not say `{words}`:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How it ended, and how long that took; kills it and fails if it does not end in time.
    pub(crate) fn wait(mut self, patience: Duration) -> (ExitStatus, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < patience, "it runs on:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What all daemons of this site have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
