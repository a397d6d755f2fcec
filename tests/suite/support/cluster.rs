//! A PostgreSQL of a test's own, which may be restarted without a word to anybody else.
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A running server; it is gone when this is dropped.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    /// Who it belongs to, if we are root, as whom it refuses to run.
    owner: Option<&'static str>,
    port: u16,
}

const PASSWORD: &str = "of-a-test";

impl Cluster {
    pub(crate) fn start() -> Self {
        let cluster = Self::empty(free_port());
        let password = format!("--pwfile={}", cluster.folder.path().join("password").display());
        cluster.act(
            "initdb",
            &["--username=postgres", "--auth=password", &password, "--encoding=UTF8", "--locale=C"],
        );
        cluster.run();
        cluster
    }

    /// Where a server may be made that listens there.
    fn empty(port: u16) -> Self {
        // Another user cannot enter root's own TMPDIR.
        let folder = tempfile::Builder::new().prefix("perennial-test").tempdir_in("/tmp").unwrap();
        let owner = is_root().then(|| if is_user("postgres") { "postgres" } else { "nobody" });
        fs::write(folder.path().join("password"), PASSWORD).unwrap();
        if let Some(owner) = owner {
            let done = Command::new("chown").arg("-R").arg(owner).arg(folder.path()).status();
            assert!(done.unwrap().success());
        }
        Self { folder, programs: programs(), owner, port }
    }

    fn run(&self) {
        // A standby says nothing to anybody before it has taken over.
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories='' -c fsync=off \
             -c hot_standby=off",
            self.port
        );
        self.act("pg_ctl", &["--log=log", "-w", "start", "-o", &options]);
    }

    /// A standby that has heard of everything until now, and of nothing that comes later, to take over at
    /// its address.
    pub(crate) fn standby(&self) -> Self {
        self.copy_at(self.port)
    }

    /// A copy as it is now, which writes at an address of its own.
    pub(crate) fn promoted_copy(&self) -> Self {
        let copy = self.copy_at(free_port());
        copy.take_over();
        copy
    }

    fn copy_at(&self, port: u16) -> Self {
        let standby = Self::empty(port);
        let from = format!("--dbname={}", self.url());
        standby.act(
            "pg_basebackup",
            &["--pgdata=cluster", "--write-recovery-conf", "--checkpoint=fast", &from],
        );
        standby
    }

    /// Loses the power, and `standby` takes over at its address.
    pub(crate) fn fail_over_to(self, standby: Self) -> Self {
        drop(self);
        standby.take_over();
        standby
    }

    fn take_over(&self) {
        self.run();
        self.act("pg_ctl", &["-w", "promote"]);
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends every connection, `fast` or `immediate`, and is back when this returns.
    pub(crate) fn restart(&self, mode: &str) {
        self.act("pg_ctl", &["--log=log", "-w", "-m", mode, "restart"]);
    }

    /// Runs one of the server's programs on it.
    fn act(&self, program: &str, words: &[&str]) {
        let done = self.try_act(program, words);
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(done, "{program} {words:?}: {log}");
    }

    fn try_act(&self, program: &str, words: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = match self.owner {
            None => Command::new(program),
            Some(owner) => {
                let mut command = Command::new("runuser");
                command.args(["-u", owner, "--"]).arg(program);
                command
            }
        };
        let data = self.folder.path().join("cluster");
        let (folder, null) = (self.folder.path(), Stdio::null);
        command.env("PGDATA", data).args(words).current_dir(folder);
        command.stdin(null()).stdout(null()).stderr(null()).status().unwrap().success()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.try_act("pg_ctl", &["-m", "immediate", "stop"]);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where the programs of PostgreSQL are; Debian keeps the server's out of the way.
pub(crate) fn programs() -> PathBuf {
    let found = Command::new("sh")
        .args([
            "-c",
            "command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1",
        ])
        .output()
        .unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let initdb = fs::canonicalize(found.trim()).expect("initdb: run tests/run, which installs it");
    initdb.parent().map(Path::to_owned).unwrap()
}

/// Whether this is run as root.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn is_user(name: &str) -> bool {
    Command::new("id").args(["-u", name]).output().unwrap().status.success()
}
