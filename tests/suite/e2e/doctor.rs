//! Whether mail would arrive, as an admin asks.
use std::{fs, path::Path};

use perennial::{
    domain::doctor::{Check, Must},
    store::{HeldBack, Store},
};
use serde_json::Value;

use super::{json, run, stdout};
use crate::support::{at, relay::ScriptedRelay, rows::write};

/// The verdict of each check, by its name; the worst one if there are several.
fn verdict<'a>(report: &'a Value, check: &str) -> &'a str {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|f| f["check"] == check).unwrap()["verdict"].as_str().unwrap()
}

/// Replaces text in the settings.
fn set(folder: &Path, from: &str, to: &str) {
    let path = folder.join("config/perennial.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_fresh_folder_is_looked_at_without_the_network() {
    let folder = tempfile::tempdir().unwrap();
    stdout(folder.path(), "init");
    let report = json(folder.path(), "doctor --offline");
    assert_eq!(report["sound"], true);
    for (check, expected) in [
        ("spf", "not_checked"),
        ("dkim", "not_checked"),
        ("dmarc", "not_checked"),
        ("alignment", "fine"),
        ("mx", "not_checked"),
        ("relay", "not_checked"),
        ("tracking", "warning"),
        ("clock", "not_checked"),
    ] {
        assert_eq!(verdict(&report, check), expected, "{check}: {report}");
    }
    // Some machines have their temporary files in memory.
    assert!(["fine", "warning"].contains(&verdict(&report, "database")), "{report}");
}

#[test]
fn the_report_is_in_the_language_of_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    stdout(folder.path(), "init");
    let english = stdout(folder.path(), "doctor --offline");
    assert!(english.contains("Verdict") && english.contains("0 broken, "), "{english}");
    let chinese = stdout(folder.path(), "doctor --offline --lang zh");
    assert!(chinese.contains("结论") && chinese.contains("有问题 0 项"), "{chinese}");
}

/// A folder that sends through a relay on this machine, at an address that the test may change.
fn with_relay(folder: &Path, port: u16) {
    stdout(folder, "init");
    set(folder, "via = \"folder\"", "via = \"relay\"");
    let relay = format!(
        "[delivery.relay.near]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\n[tracking]"
    );
    set(folder, "[tracking]", &relay);
    set(folder, "address = \"hello@example.com\"", "address = \"hello@nurture.invalid\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_asked_what_it_offers_and_gets_no_mail() {
    let relay = ScriptedRelay::start(|_| None).await;
    let folder = tempfile::tempdir().unwrap();
    with_relay(folder.path(), relay.address.port());
    let output = run(folder.path(), "doctor --json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for check in ["relay", "relay_certificate", "relay_offers"] {
        assert_eq!(verdict(&report, check), "fine", "{report}");
    }
    assert_eq!(relay.contents(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_us_is_broken_and_the_exit_says_so() {
    let relay = ScriptedRelay::start(|command| {
        command.starts_with("CONNECT").then_some("554 5.7.1 not you")
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    with_relay(folder.path(), relay.address.port());
    let output = run(folder.path(), "doctor --json");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["sound"], verdict(&report, "relay")), (&false.into(), "broken"));
    assert!(report.to_string().contains("554 5.7.1 not you"), "{report}");
    let offline = run(folder.path(), "doctor --offline");
    assert_eq!(offline.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_in_both_languages_what_mail_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    stdout(folder.path(), "init");
    let nothing = json(folder.path(), "status");
    assert_eq!(nothing["held_back"], Value::Null);
    let url = format!("sqlite:{}", folder.path().join("perennial.db").display());
    let store = Store::open(&url).await.unwrap();
    let must = |check, subject: &str| Must { check, subject: subject.to_owned() };
    let by = vec![must(Check::Spf, "example.com"), must(Check::OneClick, "https://m.example.com")];
    let held_back = HeldBack { since: at("2026-11-22T12:00:00Z"), by };
    write(&store, async |tx| tx.hold_back(Some(&held_back)).await).await;
    store.close().await;
    let english = stdout(folder.path(), "status");
    let expected = "no mail is sent since 2026-11-22 12:00 UTC, as these are broken: \
                    SPF (example.com), one-click (https://m.example.com)";
    assert!(english.contains(expected), "{english}");
    let chinese = stdout(folder.path(), "status --lang zh");
    assert!(chinese.contains("不发送邮件") && chinese.contains("SPF（example.com）"), "{chinese}");
    let report = json(folder.path(), "status");
    assert_eq!(report["held_back"]["by"][1]["check"], "one_click", "{report}");
}
