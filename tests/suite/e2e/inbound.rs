//! What `inbound` makes of files, folders and standard input.
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Output, Stdio},
};

use crate::support::{
    chaos::{Answer, ChaosRelay},
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
    reports::{DELAYED, UNKNOWN, report},
};

on_both_databases!(
    mails_that_come_back_are_taken_in_from_a_maildir_and_nothing_is_moved,
    what_a_mail_server_pipes_in_is_taken_or_kept_by_it,
    what_cannot_be_read_is_named_and_the_rest_is_taken,
);

const SENDING: Sending = Sending { connections: 1, content_seconds: 5, lease_seconds: 60 };

/// A site that has sent a mail to each of `count` contacts, and the return paths and recipients of them.
fn sent(db: &Database, count: usize) -> (Site, Vec<(String, String)>) {
    let relay = ChaosRelay::start(|_| Answer::good());
    let site = Site::new(&db.url, relay.address, SENDING);
    site.replace("perennial.toml", "[sender]", "[sender]\nbounces = \"bounce.example.com\"");
    site.import(0..count);
    site.stdout("run --once");
    let text = |event: &serde_json::Value, key: &str| event[key].as_str().unwrap().to_owned();
    let mails = relay.events("accepted");
    (site, mails.iter().map(|event| (text(event, "from"), text(event, "to"))).collect())
}

fn pipe(site: &Site, words: &str, message: &[u8]) -> Output {
    let mut command = site.command(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(message).unwrap();
    child.wait_with_output().unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = ["new", "cur"].map(|name| fs::read_dir(folder.join(name)).unwrap());
    let mut names: Vec<_> = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    names.sort();
    names
}

async fn mails_that_come_back_are_taken_in_from_a_maildir_and_nothing_is_moved(db: &Database) {
    let (site, mails) = sent(db, 2);
    let maildir = tempfile::tempdir().unwrap();
    for name in ["new", "cur", "tmp"] {
        fs::create_dir(maildir.path().join(name)).unwrap();
    }
    let [(bob_path, bob), (ada_path, ada)] = &mails[..] else { panic!("{mails:?}") };
    fs::write(maildir.path().join("cur/1.a:2,S"), report(bob_path, bob, DELAYED)).unwrap();
    fs::write(maildir.path().join("new/2.b"), report(ada_path, ada, UNKNOWN)).unwrap();
    fs::write(maildir.path().join("new/3.c"), "Subject: Hello\r\n\r\nHello").unwrap();
    fs::write(maildir.path().join("tmp/4.d"), report(bob_path, bob, UNKNOWN)).unwrap();
    let before = files(maildir.path());
    let words = format!("inbound {}", maildir.path().display());

    let tried = site.json(&format!("{words} --dry-run"));
    let taken = site.json(&words);
    assert_eq!(tried["messages"], taken["messages"]);
    let fact = |no: usize, key: &str| taken["messages"][no][key].clone();
    let kinds: Vec<_> = (0..3).map(|no| fact(no, "taken_for")).collect();
    assert_eq!(kinds, ["delay", "bounce", "not-a-report"]);
    assert_eq!(fact(1, "contact"), ada.as_str());
    assert_eq!(
        (fact(1, "refusal"), fact(1, "effect")),
        ("no-such-address".into(), "suppressed".into())
    );
    assert_eq!(fact(0, "effect"), "none");
    let again = site.stdout(&words);
    assert!(again.contains("none, it was known") && again.contains(ada), "{again}");
    assert!(site.stdout(&format!("{words} --lang zh")).contains("无（已有记录）"));
    assert_eq!(files(maildir.path()), before);

    let said = site.stdout(&format!("explain {ada}"));
    assert!(
        said.contains("; it came back, ") && said.contains("there is no such address: 550"),
        "{said}"
    );
    assert!(said.contains("Nothing is sent: a mail server said"), "{said}");
    assert!(site.stdout(&format!("explain {ada} --lang zh")).contains("；已退回，"));
    assert!(!site.stdout(&format!("explain {bob}")).contains("it came back"));
    let back = &site.json(&format!("explain {ada}"))["mails"][0]["came_back"];
    assert_eq!(back["refusal"], "no-such-address");
    assert_eq!(site.json("status")["totals"]["bounced"], 1);
    assert!(site.stdout("status").contains("came back 1."));
}

async fn what_a_mail_server_pipes_in_is_taken_or_kept_by_it(db: &Database) {
    let (site, mails) = sent(db, 1);
    let (path, contact) = &mails[0];
    let bytes = report("hello@example.com", contact, UNKNOWN);
    let away = pipe(&site, "inbound - --database sqlite:/nowhere/at/all.db", &bytes);
    assert_eq!(away.status.code(), Some(75), "{away:?}");
    let no_folder = pipe(&site, "inbound - --config nowhere", &bytes);
    assert_eq!(no_folder.status.code(), Some(75), "{no_folder:?}");

    let unverified = pipe(&site, "inbound -", &bytes);
    assert_eq!(unverified.status.code(), Some(0), "{unverified:?}");
    assert!(String::from_utf8_lossy(&unverified.stdout).contains("unverified"));
    let taken = pipe(&site, &format!("inbound --to {path} -"), &bytes);
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    assert!(String::from_utf8_lossy(&taken.stdout).contains("the address is suppressed"));
    let logged = pipe(&site, &format!("-v inbound --to {path} -"), &bytes);
    let logged = String::from_utf8_lossy(&logged.stderr);
    assert!(!logged.contains(contact.as_str()), "{logged}");

    let qmail = format!("Return-Path: <>\r\nTo: {path}\r\n\r\n<{contact}>: 550 no such user\r\n");
    let automatic = pipe(&site, "inbound - --json", qmail.as_bytes());
    let automatic: serde_json::Value = serde_json::from_slice(&automatic.stdout).unwrap();
    assert_eq!(automatic["messages"][0]["taken_for"], "automatic-answer");

    let mut large = report(path, contact, DELAYED);
    large.resize(3 << 20, b'x');
    let large = pipe(&site, "inbound - --json", &large);
    let large: serde_json::Value = serde_json::from_slice(&large.stdout).unwrap();
    assert_eq!(large["messages"][0]["taken_for"], "delay");
    assert_eq!(large["messages"][0]["cut"], true);
}

async fn what_cannot_be_read_is_named_and_the_rest_is_taken(db: &Database) {
    let (site, mails) = sent(db, 1);
    let (path, contact) = &mails[0];
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.eml");
    fs::write(&good, report(path, contact, UNKNOWN)).unwrap();
    let (good, folder) = (good.display(), folder.path().display());
    let output = site.run(&format!("inbound {folder}/missing.eml {folder} {good}"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("missing.eml cannot be read: "), "{said}");
    assert!(said.contains("so no Maildir"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("the address is suppressed"));
    for words in ["inbound", &format!("inbound --to x@example.com {good} {good}")] {
        assert_eq!(site.run(words).status.code(), Some(2), "{words}");
    }
}
