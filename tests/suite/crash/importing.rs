//! `kill -9` while a list is brought in.
use std::{process::Stdio, thread, time::Duration};

use super::seed;
use crate::support::{
    chaos::Dice,
    daemon::{Sending, Site},
    database::Database,
    on_both_databases,
};

on_both_databases!(an_import_that_is_killed_is_repeated_and_nobody_is_there_twice);

const SENDING: Sending = Sending { connections: 1, content_seconds: 1, lease_seconds: 2 };
/// An import commits after every 5,000 lines.
const CONTACTS: usize = 6_000;

async fn an_import_that_is_killed_is_repeated_and_nobody_is_there_twice(db: &Database) {
    let mut dice = Dice::new(seed());
    let site = Site::new(&db.url, "127.0.0.1:9".parse().unwrap(), SENDING);
    site.list(0..CONTACTS);
    let mut import = site.command("import contacts list.csv");
    let mut import = import.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while contacts(db).await == "0" && import.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(dice.below(300)));
    import.kill().unwrap();
    import.wait().unwrap();
    println!("{}: contacts after the kill: {}", db.store.kind(), contacts(db).await);
    site.stdout("import contacts list.csv");
    let count = "select cast(count(*) as text) || ' ' || cast(count(distinct email) as text)
                 from contacts";
    assert_eq!(db.texts(count).await, [format!("{CONTACTS} {CONTACTS}")]);
    let again = site.json("import contacts list.csv");
    assert_eq!(again["report"]["unchanged"], CONTACTS, "{again}");
}

async fn contacts(db: &Database) -> String {
    db.texts("select cast(count(*) as text) from contacts").await.remove(0)
}
