//! The audit itself, as an operator uses it, and the relay that it is tried with.
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{
    chaos::{Answer, ChaosRelay, Step},
    daemon::{Sending, Site},
    database::Bare,
};

const SENDING: Sending = Sending { connections: 2, content_seconds: 10, lease_seconds: 15 };

/// Exit status and what is printed of an audit of this ledger.
fn audit(site: &Site, ledger: &str, options: &str) -> (i32, String) {
    let path = tempfile::NamedTempFile::new().unwrap();
    fs::write(path.path(), ledger).unwrap();
    let output = site.run(&format!("audit --ledger {}{options}", path.path().display()));
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn an_audit_finds_what_a_ledger_lacks_has_twice_or_should_not_have() {
    let database = Bare::sqlite();
    let relay = ChaosRelay::start(|_| Answer::good());
    let site = Site::new(&database.url, relay.address, SENDING);
    site.import(0..5);
    site.stdout("run --once");
    let ledger = fs::read_to_string(relay.ledger()).unwrap();
    let (status, said) = audit(&site, &ledger, " --kills 0");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("Nothing is broken.") && said.contains("sent 5"), "{said}");

    let accepted: Vec<_> = ledger.lines().filter(|line| line.contains("accepted")).collect();
    assert_eq!(accepted.len(), 5);
    let lacks = accepted[1..].join("\n") + "\n";
    let twice = format!("{ledger}{}\n", accepted[0]);
    let unknown = ledger.replace("<1.", "<99.");
    for (ledger, code) in [(&lacks, "I1: mail"), (&twice, "I4: mail"), (&unknown, "I2: mail 99")] {
        let (status, said) = audit(&site, ledger, "");
        assert_eq!(status, 1, "{said}");
        assert!(said.contains(code) && said.contains("BROKEN"), "{code}: {said}");
    }
    let (status, said) = audit(&site, &lacks, " --lang zh");
    assert!(status == 1 && said.contains("不成立"), "{said}");
    let (status, said) = audit(&site, &lacks, " --domain elsewhere.example");
    assert!(status == 1 && said.contains("and 4 of others"), "{said}");
}

#[test]
fn a_ledger_that_cannot_be_read_names_its_line() {
    let database = Bare::sqlite();
    let site = Site::new(&database.url, "127.0.0.1:9".parse().unwrap(), SENDING);
    let good =
        "{\"event\":\"accepted\",\"at\":\"2026-05-14T09:00:00Z\",\"message_id\":\"<a@b>\"}\n";
    let (status, said) = audit(&site, &format!("{good}\nnonsense\n"), "");
    assert!(status == 1 && said.contains(":3: "), "{said}");
    let (status, said) = audit(&site, "{\"event\":\"accepted\",\"message_id\":\"<a@b>\"}\n", "");
    assert!(status == 1 && said.contains(":1: `at` is missing"), "{said}");
    let (status, said) = audit(&site, &format!("{good}{{\"event\":\"acc"), "");
    assert_eq!(status, 0, "a last line without its end was not answered: {said}");
    let output = site.run("audit --ledger nowhere.jsonl");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nowhere.jsonl cannot be read"), "{said}");
}

/// What the relay says to this, all of it sent at once.
fn say_at_once(relay: &ChaosRelay, text: &str) -> String {
    let mut stream = TcpStream::connect(relay.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn the_relay_answers_commands_that_come_at_once_in_their_order() {
    let relay = ChaosRelay::start(|moment| match (moment.step, moment.recipient) {
        (Step::Rcpt, "nobody@example.org") => Answer::say("550 5.1.1 no such user"),
        _ => Answer::good(),
    });
    let said = say_at_once(
        &relay,
        "EHLO me\r\nMAIL FROM:<a@example.com> SIZE=9\r\nRCPT TO:<nobody@example.org>\r\n\
         RCPT TO:<ada@example.org>\r\nDATA\r\nMessage-ID: <1@x>\r\n\r\n..dot\r\n.\r\n\
         MAIL FROM:<>\r\nDATA\r\nQUIT\r\n",
    );
    let codes: Vec<_> =
        said.lines().filter(|line| &line[3..4] == " ").map(|line| &line[..3]).collect();
    let expected = ["220", "250", "250", "550", "250", "354", "250", "250", "503", "221"];
    assert_eq!(codes, expected, "{said}");
    assert!(said.contains("250-PIPELINING\r\n"), "{said}");
    let accepted = &relay.events("accepted")[0];
    assert_eq!((&accepted["to"], &accepted["size"]), (&"ada@example.org".into(), &27.into()));
    let file = format!("{}.eml", accepted["sha256"].as_str().unwrap());
    let content = fs::read_to_string(relay.messages().join(file)).unwrap();
    assert_eq!(content, "Message-ID: <1@x>\r\n\r\n.dot\r\n");
}
