//! What a daemon writes into its log, and what never gets there.
use std::{fmt::Write as _, fs, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use mail_parser::{HeaderValue, MessageParser};

use crate::support::{
    chaos::{Answer, ChaosRelay, Moment, Step},
    daemon::{Daemon, Sending, Site},
    database::Database,
    on_both_databases,
};

on_both_databases!(
    no_secret_is_logged_however_much_is_logged,
    no_whole_address_is_logged_whatever_a_relay_answers,
);

const SENDING: Sending = Sending { connections: 2, content_seconds: 5, lease_seconds: 60 };
const USER: &str = "mailer@example.com";
const PASSWORD: &str = "correct horse: battery/staple+7f3a";
const RSA: &str = include_str!("../../data/dkim/rsa.pem");
const ED25519: &str = include_str!("../../data/dkim/ed25519.pem");
const PUBLIC: &str = "http://localhost:8025";
/// Longer than from tick to tick.
const PATIENCE: Duration = Duration::from_secs(90);

/// A daemon that logs at this level, of which standard output is in the log as well.
fn start(site: &Site, level: &str) -> Daemon {
    let script = format!("PERENNIAL_LOG={level} exec \"$@\" >&2");
    site.start_by(&["sh", "-c", &script, "sh"])
}

/// A site that signs, tracks and says who it is to a relay that asks for that.
fn secretive(db: &Database, relay: &ChaosRelay) -> Site {
    let site = Site::new(&db.url, relay.address, SENDING);
    site.secret("relay.password", PASSWORD);
    site.secret("rsa.pem", RSA);
    site.secret("ed25519.pem", ED25519);
    let login =
        format!("security = \"none\"\nuser = \"{USER}\"\npassword = \"file:relay.password\"");
    site.replace("perennial.toml", "security = \"none\"", &login);
    let dkim = "[dkim]\nselector = \"r\"\nkey = \"file:rsa.pem\"\n\
                ed25519_selector = \"e\"\ned25519_key = \"file:ed25519.pem\"\n[tracking]";
    site.replace("perennial.toml", "[tracking]", dkim);
    site.replace("perennial.toml", "may_track = false", "may_track = true");
    let website = "[company]\nwebsite = \"https://www.example.com\"";
    site.replace("perennial.toml", "[company]", website);
    site
}

/// A secret as a log might have it: as it is, as numbers, in hexadecimal, and its middle in base64,
/// whatever stands before it.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let numbers = format!("{bytes:?}");
    let hexadecimal = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let in_base64 = (0..3).map(|before| {
        let text = BASE64_STANDARD.encode([&b"\0\0"[..before], bytes].concat());
        text[4..text.len() - 4].to_owned()
    });
    let plain = [secret.to_owned(), numbers.trim_matches(['[', ']']).to_owned(), hexadecimal];
    plain.into_iter().chain(in_base64).collect()
}

/// What follows `http://localhost:8025/o/`, `/c/` and `/u/` in the mails that the relay took, with the
/// letter before it.
fn tokens(relay: &ChaosRelay) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(relay.messages()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let mail = MessageParser::new().parse(&bytes).unwrap();
        let header = match mail.header("List-Unsubscribe").unwrap() {
            HeaderValue::Address(addresses) => format!("{addresses:?}"),
            other => format!("{other:?}"),
        };
        let parts = [mail.body_text(0).unwrap(), mail.body_html(0).unwrap(), header.into()];
        for text in parts {
            let rests = text.split(PUBLIC).skip(1);
            let is_part = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
            found.extend(rests.map(|rest| rest.split(|c| !is_part(c)).next().unwrap().to_owned()));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Where the daemon listens for those who open and click.
fn listener(daemon: &Daemon) -> String {
    let said = "Tracking listens on ";
    daemon.wait_to_say(said, PATIENCE);
    let log = daemon.log();
    log.split(said).nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

async fn no_secret_is_logged_however_much_is_logged(db: &Database) {
    let relay =
        ChaosRelay::with_extensions(&["PIPELINING", "AUTH LOGIN PLAIN"], |_| Answer::good());
    let site = secretive(db, &relay);
    site.import(0..8);
    let daemon = start(&site, "trace");
    assert!(relay.wait_for(8, PATIENCE), "{}", daemon.log());
    let tokens = tokens(&relay);
    for way in ["/o/", "/c/", "/u/"] {
        assert!(tokens.iter().any(|token| token.starts_with(way)), "{way} is in no mail");
    }
    let address = listener(&daemon);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    for token in &tokens {
        let answer = client.get(format!("http://{address}{token}")).send().await.unwrap();
        assert!(answer.status().as_u16() < 400, "{token}: {}", answer.status());
    }
    daemon.signal("-HUP");
    daemon.wait_to_say("The configuration has changed", PATIENCE);
    daemon.signal("-TERM");
    daemon.wait_to_say("Perennial has stopped", PATIENCE);
    let log = daemon.log();

    let keys = site.read("secret.key");
    let keys = keys.lines().filter_map(|line| line.split_once(':')).map(|(_, key)| key.trim());
    let pems = [RSA, ED25519].into_iter().flat_map(str::lines).filter(|line| !line.contains('-'));
    let mut secrets: Vec<_> = keys.chain(pems).chain([PASSWORD]).flat_map(forms).collect();
    secrets.extend(tokens.iter().map(|token| token[3..].to_owned()));
    secrets.extend(url::Url::parse(&db.url).unwrap().password().map(str::to_owned));
    for secret in secrets {
        assert!(secret.len() > 10, "`{secret}` is too short to be looked for");
        let line = log.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "`{secret}` is logged: {}", line.unwrap_or_default());
    }
}

/// Contacts of the claim about addresses; a few seconds' worth on a debug build.
const CONTACTS: usize = 150;
/// From this message on the relay refuses us, not our mails.
const OUR_FAULT: u64 = 120;

/// Refusals of many kinds, each with the address in it as relays write it.
fn tactless(moment: &Moment<'_>) -> Answer {
    let Moment { step, message, recipient, .. } = *moment;
    let text = match (step, message % 10) {
        (Step::Rcpt, 0..5) if message >= OUR_FAULT => {
            format!("530 5.7.0 authenticate before <{recipient}>, or mailto:{recipient}")
        }
        (Step::Rcpt, _) if message >= OUR_FAULT => {
            format!("550 5.7.1 \"{recipient}\", relaying denied")
        }
        (Step::Rcpt, 0) => format!("550 5.1.1 <{recipient}>: no such user"),
        (Step::Rcpt, 1) => format!("450 4.2.0 {recipient} is greylisted"),
        (Step::Rcpt, 2) => format!("452 4.2.2 mailbox of {recipient} is full"),
        (Step::Rcpt, 3) => format!("550 5.2.1 account ({recipient}) is off"),
        (Step::Dot, 4) => format!("554 5.6.0 refused for [{recipient}]"),
        _ => return Answer::good(),
    };
    Answer::say(&text)
}

async fn no_whole_address_is_logged_whatever_a_relay_answers(db: &Database) {
    let relay = ChaosRelay::start(tactless);
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..CONTACTS);
    let daemon = start(&site, "info");
    daemon.wait_to_say("A relay is in trouble", PATIENCE);
    daemon.signal("-TERM");
    daemon.wait_to_say("Perennial has stopped", PATIENCE);
    let log = daemon.log();
    assert!(log.contains("Suppressed an address"), "{log}");
    for number in 0..CONTACTS {
        let line = log.lines().find(|line| line.contains(&format!("p{number}@")));
        assert!(line.is_none(), "{}", line.unwrap_or_default());
    }
}
