//! A daemon that runs takes a new configuration, or refuses it whole.
use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{json, perennial, stdout};
use crate::{
    mail::oracle::Oracle,
    support::{
        chaos::{Answer, ChaosRelay},
        daemon::{Sending, Site},
    },
};

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

/// A new key in `file`, and the record to publish.
fn key(site: &Site, file: &str) -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let text = BASE64_STANDARD.encode(private.as_ref());
    site.secret(file, &format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"));
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    format!("v=DKIM1; k=rsa; p={}", BASE64_STANDARD.encode(public.as_ref()))
}

#[tokio::test]
async fn a_daemon_that_is_told_to_reload_signs_with_a_new_selector_and_key() {
    let relay = ChaosRelay::start(|_| Answer::good());
    let home = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", home.path().join("site.db").display());
    let sending = Sending { connections: 1, content_seconds: 10, lease_seconds: 15 };
    let site = Site::new(&database, relay.address, sending);
    let [old, new] = ["old.pem", "new.pem"].map(|file| key(&site, file));
    let settings = site.read("perennial.toml");
    let signed = |name| format!("{settings}[dkim]\nselector = '{name}'\nkey = 'file:{name}.pem'\n");

    site.write("perennial.toml", &signed("old"));
    site.import(0..1);
    let daemon = site.start();
    assert!(relay.wait_for(1, Duration::from_mins(1)), "{}", daemon.log());
    site.write("perennial.toml", &signed("new"));
    daemon.signal("-HUP");
    daemon.wait_to_say("has changed and is in force", Duration::from_secs(30));
    site.import(0..2);
    daemon.signal("-HUP");
    assert!(relay.wait_for(2, Duration::from_secs(90)), "{}", daemon.log());

    for (place, (selector, record)) in [("old", &old), ("new", &new)].into_iter().enumerate() {
        let hash = relay.events("accepted")[place]["sha256"].as_str().unwrap().to_owned();
        let message = fs::read(relay.messages().join(format!("{hash}.eml"))).unwrap();
        let text = String::from_utf8_lossy(&message);
        assert!(text.contains(&format!("s={selector};")), "{text}");
        let name = format!("{selector}._domainkey.example.com.");
        assert_eq!(Oracle::new(&[(&name, record)]).passes(&message).await, [true]);
    }
}
