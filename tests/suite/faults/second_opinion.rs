//! Rows 6, 9, 10, 11 and 12 once more, with the relay that the authors of Postfix test with: it shares no line with ours.
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
use crate::support::{
    database::Database,
    on_both_databases,
    rows::ledger,
    world::{birthdays, birthdays_at},
};

on_both_databases!(
    a_dot_that_smtp_sink_does_not_answer_is_in_doubt_and_not_sent_again,
    what_smtp_sink_takes_is_sent,
    what_smtp_sink_rejects_has_the_end_of_its_code_and_is_no_doubt,
    a_dot_that_smtp_sink_answers_late_is_sent_and_too_late_is_a_doubt,
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

/// What smtp-sink is told to do with a command, the phase and the code that come of it, and where the
/// mails are then.
const REJECTIONS: [(&str, &str, &str, u16, State); 12] = [
    ("-Q", "MAIL", "mail", 421, State::Ready),
    ("-Q", "RCPT", "rcpt", 421, State::Ready),
    ("-Q", "DATA", "data", 421, State::Ready),
    ("-Q", ".", "content", 421, State::Ready),
    ("-r", "MAIL", "mail", 450, State::Ready),
    ("-r", "RCPT", "rcpt", 450, State::Ready),
    ("-r", "DATA", "data", 450, State::Ready),
    ("-r", ".", "content", 450, State::Ready),
    // Before a recipient is named, a refusal is one of us.
    ("-f", "MAIL", "mail", 500, State::Ready),
    ("-f", "RCPT", "rcpt", 500, State::Failed),
    ("-f", "DATA", "data", 500, State::Failed),
    ("-f", ".", "content", 500, State::Failed),
];

async fn what_smtp_sink_rejects_has_the_end_of_its_code_and_is_no_doubt(db: &Database) {
    for (number, (option, command, phase, code, end)) in (0..).zip(REJECTIONS) {
        let Some(sink) = SmtpSink::start(&[option, command]) else { return };
        let world = world(db, sink.address, "connections = 1");
        let domain = format!("d{number}.example.org");
        world.contacts(birthdays_at(3, |_| &domain)).await;
        let done = world.round().await.dispatched;
        let shown = format!("{option} {command}: {done:?}");
        assert_eq!((done.sent, done.in_doubt), (0, 0), "{shown}");
        let ends = format!(
            "select o.state || ' ' || a.verdict || ' ' || a.phase || ' ' || a.code
             from attempts a
             join outreach o on o.id = a.outreach_id
             join contacts c on c.id = o.contact_id
             where c.email like '%@{domain}'"
        );
        let wanted = format!("{} rejected {phase} {code}", end.as_str());
        assert_eq!(db.texts(&ends).await, [&*wanted; 3], "{shown}");
        assert_eq!(world.store().totals().await.unwrap().suppressed, 0, "{shown}");
        // The next relay is to find nothing of this one.
        db.execute("update outreach set state = 'expired' where state = 'ready'").await;
        db.execute("delete from relays").await;
    }
}

async fn a_dot_that_smtp_sink_answers_late_is_sent_and_too_late_is_a_doubt(db: &Database) {
    let Some(late) = SmtpSink::start(&["-W", ".:1"]) else { return };
    let world_of_late = world(db, late.address, "content_timeout = '20 seconds'");
    world_of_late.contacts(birthdays(3)).await;
    assert_eq!(world_of_late.round().await.dispatched.sent, 3);

    let Some(too_late) = SmtpSink::start(&["-W", ".:3"]) else { return };
    let world_of_too_late = world(db, too_late.address, "content_timeout = '1 second'");
    world_of_too_late.contacts("email,birthday\nlate@example.org,1990-05-14\n").await;
    assert_eq!(world_of_too_late.round().await.dispatched.in_doubt, 1);
    settle(&world_of_too_late).await;
    assert_eq!(ledger(world_of_too_late.store()).await, [(State::Sent, 3), (State::InDoubt, 1)]);
}
