//! One's own list, from `init` to `status`.
use std::{fs, path::Path};

use chrono::{DateTime, FixedOffset};

use super::{json, stdout};

/// A folder as `init` leaves it, with the sample list imported.
fn prepared(folder: &Path) {
    stdout(folder, "init");
    for kind in ["reps", "accounts", "contacts", "orders", "contracts", "touches"] {
        let words = format!("{NOW} import {kind} samples/{kind}.csv");
        let report = &json(folder, &words)["report"];
        assert_eq!(report["refused"], 0, "{kind}: {report}");
    }
}

const NOW: &str = "--now 2026-09-24T22:00:00Z";

#[test]
fn a_fresh_folder_passes_its_own_check_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    stdout(folder.path(), "init");
    let key = fs::read_to_string(folder.path().join("config/secret.key")).unwrap();
    assert!(stdout(folder.path(), "check").starts_with("No problems"));
    let again = json(folder.path(), "init");
    assert_eq!(again["written"].as_array().unwrap().len(), 0);
    assert_eq!(fs::read_to_string(folder.path().join("config/secret.key")).unwrap(), key);
}

#[test]
fn from_import_to_a_folder_of_mails() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepared(folder);

    let again = &json(folder, &format!("{NOW} import contacts samples/contacts.csv"))["report"];
    assert_eq!(
        (&again["added"], &again["changed"], &again["unchanged"]),
        (&0.into(), &0.into(), &300.into())
    );

    let plan = json(folder, &format!("{NOW} plan --days 30 --contacts"));
    let foreseen = plan["mails"].as_u64().unwrap();
    assert!(foreseen > 100, "{plan}");
    assert_eq!(plan["list"].as_array().unwrap().len() as u64, foreseen);

    let email = plan["list"][0]["email"].as_str().unwrap().to_owned();
    let campaign = plan["list"][0]["campaign"].as_str().unwrap().to_owned();
    let explained = json(folder, &format!("{NOW} explain {email}"));
    assert_eq!(explained["next"]["campaign"], campaign.as_str());
    assert_eq!(explained["next"]["local_time"], plan["list"][0]["when"]);
    let shown = stdout(folder, &format!("{NOW} preview {campaign} --contact {email} --eml"));
    assert!(shown.contains("\r\nList-Unsubscribe: "), "{shown}");

    let when = explained["next"]["when"].as_str().unwrap().to_owned();
    let round = json(folder, &format!("--now {when} run --once"));
    let sent = round["sent"].as_u64().unwrap();
    assert!(sent >= 1, "{round}");
    assert_eq!(json(folder, &format!("--now {when} run --once"))["sent"], 0);
    let mails = fs::read_dir(folder.join("mail-out")).unwrap().count() as u64;
    assert_eq!(mails, sent);
    assert_eq!(json(folder, &format!("--now {when} status"))["ledger"]["sent"], sent);

    stdout(folder, &format!("{NOW} send-test birthday --to tester@example.org"));
    assert_eq!(json(folder, &format!("--now {when} status"))["ledger"]["sent"], sent);
}

#[test]
fn what_was_planned_for_a_day_is_what_goes_out() {
    const MINUTES: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepared(folder);
    let plan = json(folder, &format!("{NOW} plan --days 1 --contacts"));
    let mut moments: Vec<DateTime<FixedOffset>> = plan["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mail| mail["when"].as_str().unwrap().parse().unwrap())
        .collect();
    moments.sort_unstable();
    let mut minutes = moments.clone();
    minutes.dedup();
    minutes.truncate(MINUTES);

    // Each mail at its own minute, as the daemon would.
    let mut sent = 0;
    for minute in &minutes {
        let now = minute.to_utc().to_rfc3339();
        sent += json(folder, &format!("--now {now} run --once"))["sent"].as_u64().unwrap();
    }
    let foreseen = moments.iter().filter(|moment| *moment <= minutes.last().unwrap()).count();
    assert_eq!(sent, foreseen as u64);
}

#[test]
fn explain_speaks_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepared(folder);
    let plan = json(folder, &format!("{NOW} plan --days 2 --contacts"));
    let email = plan["list"][0]["email"].as_str().unwrap();
    let english = stdout(folder, &format!("{NOW} explain {email}"));
    let chinese = stdout(folder, &format!("{NOW} explain {email} --lang zh"));
    assert!(english.contains("Next mail:") && english.contains("Cadence: every"), "{english}");
    assert!(chinese.contains("下一封邮件：") && chinese.contains("联系频率："), "{chinese}");
}

#[test]
fn a_dry_run_writes_nothing_and_counts_what_it_would() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout(folder, "init");
    let report = json(folder, &format!("{NOW} import reps samples/reps.csv --dry-run"));
    assert_eq!(report["report"]["added"], 6);
    assert_eq!(json(folder, &format!("{NOW} status"))["totals"]["reps"], 0);
}
