//! What a message carries besides its words: signatures, a way home, a label, files.
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use perennial::{domain::ImportKind, sandbox::Inbox};

use crate::support::{
    database::Database,
    on_both_databases,
    records::address,
    relay::ScriptedRelay,
    world::{Setup, World},
};

on_both_databases!(
    mail_is_signed_if_there_is_a_key,
    every_mail_has_a_return_path_that_names_it,
    a_return_path_is_the_same_at_every_attempt,
    commercial_mail_is_labelled_where_the_reader_is,
);

const SIGNED: &str = "[dkim]\nselector = 's1'\nkey = 'env:DKIM'\n";
const BIRTHDAYS: &str =
    "email,name,birthday\nada@example.org,Ada,05-14\nbob@example.org,Bob,05-14\n";

async fn mail_is_signed_if_there_is_a_key(db: &Database) {
    let world = World::with(db, &Setup { sections: SIGNED, ..Setup::default() });
    world.contacts(BIRTHDAYS).await;
    world.round().await;
    world.engine.send_test("birthday", &address("me@example.org"), None).await.unwrap();
    let preview = world.engine.preview("birthday", &address("ada@example.org")).await.unwrap();
    let preview = String::from_utf8(preview.eml).unwrap();
    let mails = world.mails().into_iter().map(|mail| mail.raw).chain([preview]);
    let mails: Vec<_> = mails.collect();
    assert_eq!(mails.len(), 4);
    for raw in mails {
        assert!(
            raw.starts_with(
                "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; \
                                 d=example.com;\r\n\ts=s1; t=1778"
            ),
            "{raw}"
        );
    }
}

/// The senders of the envelopes of everything that is delivered.
async fn senders(db: &Database, setup: &Setup<'_>, list: &str) -> Vec<String> {
    let any = "127.0.0.1:0".parse().unwrap();
    let clock = Arc::clone(&World::new(db).clock);
    let inbox = Inbox::start(any, any, clock as Arc<_>).await.unwrap();
    let world = World::with(db, &Setup { relay: Some(inbox.smtp_address()), ..*setup });
    world.contacts(list).await;
    world.round().await;
    let mut received = inbox.received();
    received.sort_by(|a, b| a.to.cmp(&b.to));
    inbox.stop().await;
    for mail in &received {
        let (local, domain) = mail.from.split_once('@').unwrap();
        assert_eq!(domain, "bounce.example.com");
        assert!(local.len() <= 64);
        let token = world.engine.keyring.verify_bounce(&local.to_uppercase()).unwrap();
        assert!(token.outreach > 0, "{token:?}");
    }
    received.iter().map(|mail| mail.from.clone()).collect()
}

const OWN_PATHS: Setup<'_> = Setup {
    sender: "bounces = 'bounce.example.com'",
    relay: None,
    listener: None,
    templates: &[],
    rules: &[],
    sections: "",
    preflight: None,
};

async fn every_mail_has_a_return_path_that_names_it(db: &Database) {
    let senders = senders(db, &OWN_PATHS, BIRTHDAYS).await;
    assert_eq!(senders.len(), 2);
    assert_ne!(senders[0], senders[1]);
}

async fn a_return_path_is_the_same_at_every_attempt(db: &Database) {
    let senders = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&senders);
    let greylist = move |command: &str| {
        let mut seen = seen.lock().unwrap();
        if command.starts_with("MAIL") {
            seen.push(command.to_owned());
        }
        let is_first = command.starts_with("RCPT") && seen.len() == 1;
        is_first.then_some("451 4.7.1 come back later")
    };
    let relay = ScriptedRelay::start(greylist).await;
    let world = World::with(db, &Setup { relay: Some(relay.address), ..OWN_PATHS });
    world.contacts("email,birthday\nada@example.org,05-14\n").await;
    world.round().await;
    world.wait(TimeDelta::minutes(20));
    world.round().await;
    let senders = senders.lock().unwrap();
    assert_eq!((senders.len(), relay.contents().len()), (2, 1), "{senders:?}");
    assert_eq!(senders[0], senders[1]);
}

async fn commercial_mail_is_labelled_where_the_reader_is(db: &Database) {
    let campaign = "occasion = 'birthday'\nwelcome_days = 2\nday_off = 'keep'\n";
    let rules = &[("campaigns/birthday.toml", campaign)];
    let world = World::with(db, &Setup { rules, ..Setup::default() });
    world.import(ImportKind::Accounts, "key,country\nA-1,CN\nA-2,DE\n").await;
    let list = "email,name,account,country,birthday,may_send\n\
                a@example.org,Ada,A-1,,05-14,yes\n\
                b@example.org,Bob,A-2,,05-14,\n\
                c@example.org,Carl,A-2,CN,05-14,yes\n\
                d@example.org,Dora,,,05-14,\n";
    world.contacts(list).await;
    world.round().await;
    let labelled: Vec<_> = world.mails().iter().map(|m| m.subject.starts_with("广告 ")).collect();
    assert_eq!(labelled, [true, false, true, false]);
}
