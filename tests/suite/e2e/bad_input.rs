//! Bad input gets a message that says what, where and what to do, and leaves nothing half-done.
use std::{fs, net::TcpListener};

use super::{failure, json, run, stdout};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    stdout(folder.path(), "init");
    folder
}

#[test]
fn a_missing_configuration_is_a_usage_error_that_names_init() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = failure(folder.path(), "status");
    assert_eq!(code, 2);
    assert!(said.contains("`perennial init`"), "{said}");
}

#[test]
fn ten_mistakes_are_ten_lines_with_file_and_line() {
    let folder = folder();
    let path = folder.path().join("config/perennial.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text
        .replace("address = \"hello@example.com\"", "adress = \"hello\"")
        .replace("url = \"sqlite:../perennial.db\"", "url = \"mysql:perennial\"")
        .replace("locale = \"en\"", "locale = \"english\"")
        .replace("zone = \"UTC\"", "zone = \"Mars/Olympus\"")
        .replace("may_track = false", "may_track = \"no\"")
        .replace("via = \"folder\"", "via = \"pigeon\"")
        .replace("lease = \"15 minutes\"", "lease = 15")
        .replace("listen = \"127.0.0.1:8025\"", "listen = \"8025\"")
        .replace("tick = \"* * * * *\"", "tick = \"often\"")
        .replace("reclassify = \"10 2 * * *\"", "reclassify = \"61 2 * * *\"");
    fs::write(&path, text).unwrap();
    let output = run(folder.path(), "check");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let lines: Vec<_> = said.lines().filter(|line| line.contains("perennial.toml:")).collect();
    assert_eq!(lines.len(), 10, "{said}");
}

#[test]
fn files_that_cannot_be_read_are_named_with_what_to_do() {
    let folder = folder();
    let (code, said) = failure(folder.path(), "import contacts nowhere.csv");
    assert_eq!(code, 1);
    assert!(said.contains("nowhere.csv"), "{said}");
    let (_, said) = failure(folder.path(), "import contacts samples");
    assert!(said.contains("samples") && said.contains("folder"), "{said}");
    let (code, _) = failure(folder.path(), "import strangers samples/contacts.csv");
    assert_eq!(code, 2);
}

#[test]
fn bad_rows_are_reported_by_line_and_the_good_ones_go_in() {
    let folder = folder();
    let csv = "email,name,birthday\n\
               a@example.org,Ada,1990-02-30\n\
               not-an-address,Bob,\n\
               c@example.org,Cleo,lunar:8-15\n\
               C@Example.org,Cleo again,\n";
    fs::write(folder.path().join("list.csv"), csv).unwrap();
    let output = run(folder.path(), "import contacts list.csv --report refused.csv --json");
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["report"]["added"], &told["report"]["refused"]), (&1.into(), &3.into()));
    let refused = fs::read_to_string(folder.path().join("refused.csv")).unwrap();
    for line in
        ["2,birthday,1990-02-30,", "3,email,not-an-address,", "5,,,the same address as on line 4"]
    {
        assert!(refused.contains(line), "{line} in {refused}");
    }
    assert_eq!(json(folder.path(), "status")["totals"]["contacts"], 1);
}

#[test]
fn chinese_files_of_excel_are_understood() {
    let folder = folder();
    let csv = "姓名,邮箱,公司,生日\n王伟,wang.wei@lanhai.example,蓝海机械,农历八月十五\n";
    let (gb, _, _) = encoding_rs::GB18030.encode(csv);
    fs::write(folder.path().join("gb.csv"), gb).unwrap();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(csv.replace(',', "\t").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(folder.path().join("utf16.txt"), utf16).unwrap();
    assert_eq!(json(folder.path(), "import contacts gb.csv")["report"]["added"], 1);
    assert_eq!(json(folder.path(), "import contacts utf16.txt")["report"]["unchanged"], 1);
    let explained = json(folder.path(), "explain wang.wei@lanhai.example");
    assert_eq!(explained["name"], "王伟");
}

#[test]
fn a_port_in_use_is_named() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (code, said) = failure(folder.path(), &format!("demo --headless --page-port {port}"));
    assert_eq!(code, 1);
    assert!(said.contains(&port.to_string()), "{said}");
    let (_, said) = failure(folder.path(), &format!("demo --headless --tracking-port {port}"));
    assert!(said.contains(&port.to_string()) && said.contains("tracking"), "{said}");
}

#[test]
fn a_relay_that_refuses_stops_the_round_and_loses_nothing() {
    let folder = folder();
    let path = folder.path().join("config/perennial.toml");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = fs::read_to_string(&path).unwrap().replace("via = \"folder\"", "via = \"relay\"");
    let relay = format!(
        "\n[delivery.relay.main]\nhost = \"127.0.0.1\"\nport = {closed}\nsecurity = \"none\"\n"
    );
    fs::write(&path, text + &relay).unwrap();
    let csv = "email,name,birthday,zone\nada@example.org,Ada,09-25,UTC\n";
    fs::write(folder.path().join("list.csv"), csv).unwrap();
    json(folder.path(), "--now 2026-09-25T00:00:00Z import contacts list.csv");
    let (code, said) = failure(folder.path(), "--now 2026-09-25T16:50:00Z run --once");
    assert_eq!(code, 1);
    assert!(said.contains("connect") && said.contains("waits"), "{said}");
    let ledger = json(folder.path(), "--now 2026-09-25T16:50:00Z status")["ledger"].clone();
    assert_eq!(ledger["ready"], 1, "{ledger}");
}

#[test]
fn a_template_with_a_slip_is_named_by_file_and_line() {
    let folder = folder();
    let template = folder.path().join("templates/mail/birthday/en/body.txt.hbs");
    let text = fs::read_to_string(&template).unwrap();
    fs::write(&template, format!("{text}\n{{{{contact.nmae}}}}\n")).unwrap();
    let output = run(folder.path(), "check");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("birthday/en/body.txt.hbs:"), "{said}");
    let (code, _) = failure(folder.path(), "plan");
    assert_eq!(code, 2);
}

#[test]
fn a_stopped_clock_and_a_daemon_do_not_go_together() {
    let folder = folder();
    let (code, said) = failure(folder.path(), "--now 2026-09-25T16:50:00Z run");
    assert_eq!(code, 2);
    assert!(said.contains("--once"), "{said}");
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let folder = folder();
    fs::write(folder.path().join("list.csv"), "email\nada@example.org\n").unwrap();
    json(folder.path(), "import contacts list.csv");
    let (_, said) = failure(folder.path(), "preview brithday --contact ada@example.org");
    assert!(said.contains("birthday, "), "{said}");
    let (code, said) = failure(folder.path(), "explain bob@example.org");
    assert_eq!(code, 1);
    assert!(said.contains("no contact"), "{said}");
}
