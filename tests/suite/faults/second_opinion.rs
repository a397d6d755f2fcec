//! Row 11 once more, with the relay that the authors of Postfix test with: it shares no line with ours.
//!
//! `tests/run` finds it, or says that it is not there.
use std::{
    env,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use perennial::domain::OutreachState as State;

use super::{settle, world};
use crate::support::{database::Database, on_both_databases, rows::ledger, world::birthdays};

on_both_databases!(
    a_dot_that_smtp_sink_does_not_answer_is_in_doubt_and_not_sent_again,
    what_smtp_sink_takes_is_sent,
);

/// Ended when this is dropped.
struct SmtpSink {
    child: Child,
    address: SocketAddr,
}

impl SmtpSink {
    /// With these options; none if it is not on this machine.
    fn start(options: &[&str]) -> Option<Self> {
        let Ok(program) = env::var("TEST_SMTP_SINK") else {
            println!("skipped: TEST_SMTP_SINK names no smtp-sink");
            return None;
        };
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(program);
        let command = command.args(options).arg(address.to_string()).arg("10");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let sink = Self { child, address };
        let is_there = (0..200).any(|_| {
            thread::sleep(Duration::from_millis(25));
            TcpStream::connect(address).is_ok()
        });
        assert!(is_there, "smtp-sink does not listen on {address}");
        Some(sink)
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn a_dot_that_smtp_sink_does_not_answer_is_in_doubt_and_not_sent_again(db: &Database) {
    let Some(sink) = SmtpSink::start(&["-q", "."]) else { return };
    let world = world(db, sink.address, "");
    world.contacts(birthdays(5)).await;
    assert_eq!(world.round().await.dispatched.in_doubt, 5);
    settle(&world).await;
    assert_eq!(ledger(world.store()).await, [(State::InDoubt, 5)]);
    assert_eq!(db.texts("select verdict from attempts").await.len(), 5);
}

async fn what_smtp_sink_takes_is_sent(db: &Database) {
    let Some(sink) = SmtpSink::start(&["-8"]) else { return };
    let world = world(db, sink.address, "");
    world.contacts(birthdays(5)).await;
    assert_eq!(world.round().await.dispatched.sent, 5);
}
