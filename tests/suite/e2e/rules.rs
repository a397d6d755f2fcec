//! An admin tries rules before they are in force.
use std::{fs, path::Path};

use super::{json, stdout};

const NOW: &str = "--now 2026-09-01T06:00:00Z";

/// A fresh folder with the sample lists in its database, as of [`NOW`].
fn furnished() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    stdout(home.path(), "init");
    for kind in ["reps", "accounts", "contacts", "orders", "contracts", "touches"] {
        stdout(home.path(), &format!("{NOW} import {kind} samples/{kind}.csv"));
    }
    home
}

/// A copy of the configuration with `old` replaced by `new` in `file`.
fn other(folder: &Path, file: &str, old: &str, new: &str) {
    let other = folder.join("other");
    for below in ["", "campaigns", "calendar"] {
        fs::create_dir_all(other.join(below)).unwrap();
        for entry in fs::read_dir(folder.join("config").join(below)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                fs::copy(&path, other.join(below).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let path = other.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{file} has no {old}");
    fs::write(path, text.replacen(old, new, 1)).unwrap();
}

#[test]
fn what_another_configuration_would_change_is_told_and_nothing_is_written() {
    let home = furnished();
    let folder = home.path();
    let before = json(folder, &format!("{NOW} plan --days 60"));

    other(folder, "cadence.toml", "# How often", "# How very often");
    let same = json(folder, &format!("{NOW} diff other --days 60"));
    assert_eq!((&same["affected"], &same["contacts"]), (&0.into(), &300.into()), "{same}");
    assert_eq!(stdout(folder, &format!("{NOW} diff other")), "No change.\n");

    other(folder, "tiers.toml", "revenue_12m >= 100000", "revenue_12m >= 1");
    let promoted = json(folder, &format!("{NOW} diff other --days 60"));
    let moves = promoted["tier_moves"].as_array().unwrap();
    assert!(moves.iter().any(|step| step["to"] == "priority"), "{promoted}");
    assert!(promoted["affected"].as_u64().unwrap() > 0);
    assert!(!promoted["examples"].as_array().unwrap().is_empty());
    let said = stdout(folder, &format!("{NOW} diff other --days 60"));
    assert!(said.contains("contacts would be affected") && said.contains("  + "), "{said}");
    let chinese = stdout(folder, &format!("{NOW} --lang zh diff other --days 60"));
    assert!(chinese.contains("会受影响"), "{chinese}");

    let campaign = folder.join("other/campaigns/birthday.toml");
    other(folder, "tiers.toml", "# Ways", "# Ways");
    fs::remove_file(campaign).unwrap();
    let without = json(folder, &format!("{NOW} diff other --days 60"));
    let birthdays = &without["mails_by_campaign"]["birthday"];
    assert_eq!(birthdays["lost"], before["by_campaign"]["birthday"], "{without}");

    assert_eq!(json(folder, &format!("{NOW} plan --days 60")), before, "nothing was changed");
}

#[test]
fn an_explanation_names_the_line_that_decided_and_what_the_rep_is_to_do() {
    let home = furnished();
    let folder = home.path();
    let list = fs::read_to_string(folder.join("samples/contacts.csv")).unwrap();
    let first = list.lines().nth(1).unwrap();
    let email = first.split(',').find(|cell| cell.contains('@')).unwrap();
    let said = stdout(folder, &format!("{NOW} explain {email}"));
    assert!(said.contains("  [campaigns/") && said.contains("[cadence.toml:"), "{said}");
    assert!(said.contains("For the rep") && said.contains("visit: every"), "{said}");
    let later = json(folder, &format!("explain {email} --at 2027-03-01T08:00:00Z"));
    assert_eq!(later["now"], "2027-03-01T08:00:00Z");
    let considered = later["considered"].as_array().unwrap();
    assert!(considered.iter().all(|entry| entry["decided_at"].is_string()), "{later}");
}

#[test]
fn a_check_warns_of_rules_that_surprise_and_still_passes() {
    let home = furnished();
    let folder = home.path();
    let path = folder.join("config/campaigns/birthday.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("countries = []", "countries = [\"IS\"]")).unwrap();
    let said = json(folder, &format!("{NOW} check"));
    assert_eq!(said["problems"].as_array().unwrap().len(), 0);
    let warnings = said["warnings"].to_string();
    assert!(warnings.contains("campaign `birthday` means none of the contacts"), "{warnings}");
    assert!(stdout(folder, &format!("{NOW} --lang zh check")).contains("个提醒"));
}
