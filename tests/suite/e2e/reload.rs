//! A daemon that runs takes a new configuration, or refuses it whole.
use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{json, perennial, stdout};

/// A daemon that is told to stop when the test is over.
struct Daemon(Child);

impl Daemon {
    fn start(folder: &Path) -> Self {
        let quiet = Stdio::null;
        let child = perennial(folder).arg("run").stdout(quiet()).stderr(quiet()).spawn().unwrap();
        Self(child)
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let status = std::process::Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal("-TERM");
        let _ = self.0.wait();
    }
}

/// What `status` says of the configuration, once it is what `wanted` says.
fn configuration(folder: &Path, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let said = json(folder, "status")["configuration"].clone();
        if !said.is_null() && wanted(&said) {
            return said;
        }
        assert!(began.elapsed() < Duration::from_secs(40), "it stays {said}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_bad_configuration_is_refused_whole_and_a_good_one_is_in_force_without_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    stdout(folder, "init");
    let settings = folder.join("config/perennial.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("listen = \"127.0.0.1:8025\"", "listen = \"127.0.0.1:0\""))
        .unwrap();
    fs::write(folder.join("list.csv"), "email,name\nada@example.org,Ada\n").unwrap();
    stdout(folder, "import contacts list.csv");
    let daemon = Daemon::start(folder);
    let first = configuration(folder, |said| said["refused_at"].is_null());

    let cadence = folder.join("config/cadence.toml");
    let good = fs::read_to_string(&cadence).unwrap();
    fs::write(&cadence, good.replace("min_gap = \"10 days\"", "min_gap = \"ten days\"")).unwrap();
    let refused = configuration(folder, |said| !said["refused_at"].is_null());
    assert_eq!(refused["since"], first["since"], "the old one stays in force");
    let said = refused["refused"].to_string();
    assert!(said.contains("cadence.toml:") && said.contains("min_gap"), "{said}");
    assert!(stdout(folder, "status").contains("refused the configuration on disk"));

    fs::write(&cadence, good.replace("min_gap = \"10 days\"", "min_gap = \"9 days\"")).unwrap();
    let taken = configuration(folder, |said| said["refused_at"].is_null());
    assert_ne!(taken["since"], first["since"]);

    daemon.signal("-HUP");
    let again = configuration(folder, |said| said["since"] != taken["since"]);
    assert!(again["refused_at"].is_null(), "a hangup reads it again, changed or not");
}
