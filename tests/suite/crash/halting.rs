//! A halt in the middle of a round.
use std::process::Stdio;

use crate::support::{
    chaos::{Answer, ChaosRelay, Gate, Step},
    daemon::{Sending, Site},
    database::{Database, execute},
    on_both_databases,
};

const SENDING: Sending = Sending { connections: 2, content_seconds: 30, lease_seconds: 60 };
const MAILS: usize = 5;

on_both_databases!(a_round_that_is_halted_in_its_middle_says_what_it_did_and_fails);

async fn a_round_that_is_halted_in_its_middle_says_what_it_did_and_fails(db: &Database) {
    let gate = Gate::new();
    let held = gate.clone();
    let relay = ChaosRelay::start(move |moment| {
        if moment.step == Step::Dot { Answer::good().behind(&held) } else { Answer::good() }
    });
    let site = Site::new(&db.url, relay.address, SENDING);
    site.import(0..MAILS);
    let mut command = site.command("run --once");
    let round = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    gate.reached().await;
    let halt = "insert into meta (key, value)
                values ('halt', '{\"since\":\"2026-05-14T09:00:00Z\",\"why\":\"clock_jumped\"}')";
    execute(&db.url, halt).await.unwrap();
    gate.open();
    let ended = round.wait_with_output().unwrap();
    let (told, said) = (String::from_utf8(ended.stdout), String::from_utf8(ended.stderr));
    let (told, said) = (told.unwrap(), said.unwrap());
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(told.contains(&format!("Sent {MAILS},")), "{told}");
    assert!(
        said.contains("the clock has jumped ahead") && said.contains("perennial resume"),
        "{said}"
    );
    assert_eq!(relay.accepted(), MAILS as u64);
}
