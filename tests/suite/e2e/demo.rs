//! The demo: import, decide, send over SMTP, read, click, unsubscribe.
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use mail_parser::{HeaderValue, MessageParser, MimeHeaders};
use serde_json::Value;

use super::{json, perennial, run};
use crate::support::database::Bare;

#[test]
fn a_headless_demo_on_sqlite_tells_what_it_did_and_sends_nothing_twice() {
    headless(&Bare::sqlite().url);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_demo_on_postgres_tells_what_it_did_and_sends_nothing_twice() {
    let database = Bare::postgres().await;
    tokio::task::block_in_place(|| headless(&database.url));
}

fn headless(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let told = json(folder.path(), &format!("demo --headless --database {url}"));
    let number = |key: &str| told[key].as_u64().unwrap_or_else(|| panic!("{key} in {told}"));
    assert_eq!(number("contacts"), 300);
    assert!(number("sent") > 50, "{told}");
    assert_eq!(number("received"), number("sent"));
    assert_eq!((number("failed"), number("second_round_sent")), (0, 0));
    assert_eq!((number("opened"), number("clicked")), (6, 3));
    assert_eq!(number("cadence_moved"), 3);
    let held: u64 = told["held"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(held, 300, "everybody is told of: {told}");
}

#[test]
fn the_demo_refuses_a_database_that_is_not_empty() {
    let database = Bare::sqlite();
    let folder = tempfile::tempdir().unwrap();
    json(folder.path(), &format!("demo --headless --database {}", database.url));
    let again = run(folder.path(), &format!("demo --headless --database {}", database.url));
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds contacts already"));
}

/// A demo that runs until it is told to stop.
struct Running {
    child: Child,
    page: String,
}

impl Running {
    fn start(folder: &Path, url: &str) -> Self {
        let mut child = perennial(folder)
            .args(["demo", "--dir", "demo", "--database", url])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut page = String::new();
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("Inbox page:") {
                address.trim().trim_end_matches('/').clone_into(&mut page);
            }
            if line.contains("Ctrl-C") {
                break;
            }
        }
        assert!(!page.is_empty(), "the demo ended before it showed its addresses");
        Self { child, page }
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(
            std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success()
        );
        assert!(self.child.wait().unwrap().success(), "the demo did not end cleanly");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contact_does_with_a_mail_is_felt_on_sqlite() {
    a_contacts_visit(&Bare::sqlite().url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contact_does_with_a_mail_is_felt_on_postgres() {
    let database = Bare::postgres().await;
    a_contacts_visit(&database.url).await;
}

async fn a_contacts_visit(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let demo = tokio::task::block_in_place(|| Running::start(folder.path(), url));
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let get = async |url: String| client.get(url).send().await.unwrap();
    let mails: Value = get(format!("{}/api/messages", demo.page)).await.json().await.unwrap();
    let mails =
        mails.as_array().cloned().or_else(|| mails["messages"].as_array().cloned()).unwrap();
    assert!(mails.len() > 50);
    for mail in &mails {
        let raw = get(format!("{}/m/{}/raw", demo.page, mail["id"])).await.bytes().await.unwrap();
        well_formed(&raw);
    }
    let subjects: Vec<_> = mails.iter().filter_map(|mail| mail["subject"].as_str()).collect();
    let chinese = |text: &&&str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    assert!(subjects.iter().any(|subject| chinese(&subject)), "{subjects:?}");
    assert!(subjects.iter().any(|subject| subject.is_ascii()), "{subjects:?}");

    let tracked = find_tracked(&demo.page, &mails, &client).await;
    let options = format!(
        "--config {} --database {url} --now 2026-09-25T22:00:00Z",
        folder.path().join("demo/config").display()
    );
    let explain = |email: &str| {
        tokio::task::block_in_place(|| json(folder.path(), &format!("{options} explain {email}")))
    };
    let before = explain(&tracked.to)["cadence"]["own_days"].as_f64().unwrap();
    assert_eq!(get(tracked.pixel).await.headers()["content-type"], "image/gif");
    let led = get(tracked.link).await;
    assert_eq!(led.status(), 302);
    assert!(led.headers()["location"].to_str().unwrap().starts_with("https://northlight.example"));
    let mut after = before;
    for _ in 0..100 {
        after = explain(&tracked.to)["cadence"]["own_days"].as_f64().unwrap();
        if after < before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(after < before, "a click did not bring the next mail closer: {before} to {after}");

    let asked = get(tracked.unsubscribe.clone()).await.text().await.unwrap();
    assert!(asked.contains("<form"), "{asked}");
    assert!(explain(&tracked.to)["next"]["hold"].is_null(), "a GET unsubscribed");
    let one_click = client.post(tracked.unsubscribe).body("List-Unsubscribe=One-Click");
    assert_eq!(one_click.send().await.unwrap().status(), 200);
    assert_eq!(explain(&tracked.to)["next"]["hold"], "unsubscribed");

    let again =
        tokio::task::block_in_place(|| json(folder.path(), &format!("{options} run --once")));
    assert_eq!(again["sent"], 0, "a second round at the same time sent something: {again}");
    tokio::task::block_in_place(|| demo.stop());
}

/// A mail with links to follow.
struct Tracked {
    to: String,
    pixel: String,
    link: String,
    unsubscribe: String,
}

async fn find_tracked(page: &str, mails: &[Value], client: &reqwest::Client) -> Tracked {
    for mail in mails {
        let url = format!("{page}/api/messages/{}", mail["id"]);
        let whole: Value = client.get(url).send().await.unwrap().json().await.unwrap();
        let first = |list: &str, part: &str| {
            let urls = whole[list].as_array()?.iter().filter_map(Value::as_str);
            urls.into_iter().find(|url| url.contains(part)).map(str::to_owned)
        };
        if let (Some(pixel), Some(link), Some(unsubscribe)) =
            (first("images", "/o/"), first("links", "/c/"), first("list_unsubscribe", "/u/"))
        {
            let to = mail["to"].as_str().unwrap().to_owned();
            return Tracked { to, pixel, link, unsubscribe };
        }
    }
    panic!("no mail has a pixel, a link and a way out");
}

/// What every mail to a list must be (RFC 5322, RFC 8058, RFC 2919), as another parser sees it.
fn well_formed(raw: &[u8]) {
    let message = MessageParser::new().parse(raw).expect("a mail can be parsed");
    let text = String::from_utf8_lossy(raw);
    for line in raw.split(|byte| *byte == b'\n') {
        assert!(line.len() <= 999, "a line of {} octets", line.len());
        assert!(line.is_empty() || line.ends_with(b"\r"), "a bare line feed");
    }
    for name in [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Id",
    ] {
        let count = message
            .headers()
            .iter()
            .filter(|header| header.name().eq_ignore_ascii_case(name))
            .count();
        assert_eq!(count, 1, "{count} {name} in {text}");
    }
    assert!(!message.message_id().unwrap().contains("localhost"));
    assert!(
        message.subject().is_some_and(|subject| !subject.is_empty() && !subject.contains("{{"))
    );
    let parts: Vec<_> =
        message.parts.iter().filter_map(|part| part.content_type()?.subtype()).collect();
    assert_eq!(parts, ["alternative", "plain", "html"], "{text}");
    let (plain, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
    for body in [&plain, &html] {
        assert!(body.contains("/u/"), "no way out: {body}");
        assert!(body.contains("12 Harbour Row"), "no postal address: {body}");
        assert!(!body.contains("{{"), "{body}");
    }
    match message.header("List-Unsubscribe-Post") {
        Some(HeaderValue::Text(value)) => assert_eq!(value, "List-Unsubscribe=One-Click"),
        other => panic!("{other:?}"),
    }
}
