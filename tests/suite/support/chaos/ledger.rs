//! The file in which the relay writes down what it did, before it says so.
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::mpsc,
    thread,
};

use chrono::{DateTime, Utc};
use perennial::clock::{Clock, SystemClock};
use serde_json::Value;
use tokio::sync::oneshot;

/// Takes lines from all sessions.
#[derive(Clone)]
pub(super) struct Ledger {
    lines: mpsc::Sender<Line>,
}

struct Line {
    text: String,
    /// Told once the line is on the disk, if somebody waits for that.
    written: Option<oneshot::Sender<()>>,
}

impl Ledger {
    /// A new file, and a thread that appends to it until the last session is over.
    pub(super) fn create(path: &Path) -> Self {
        let file = OpenOptions::new().create_new(true).append(true).open(path).unwrap();
        let (lines, incoming) = mpsc::channel();
        thread::spawn(move || write(file, &incoming));
        Self { lines }
    }

    /// Appends an event, soon.
    pub(super) fn note(&self, event: &Value) {
        let _ = self.lines.send(Line { text: format!("{event}\n"), written: None });
    }

    /// Appends an event and returns once it is on the disk.
    pub(super) async fn write(&self, event: &Value) {
        let (tell, written) = oneshot::channel();
        let line = Line { text: format!("{event}\n"), written: Some(tell) };
        self.lines.send(line).unwrap();
        written.await.expect("the ledger's thread outlives the sessions");
    }
}

/// Lines that came together go to the disk together, and each waits for that.
fn write(mut file: File, incoming: &mpsc::Receiver<Line>) {
    while let Ok(first) = incoming.recv() {
        let mut text = first.text;
        let mut waiting = Vec::from_iter(first.written);
        for line in incoming.try_iter() {
            text.push_str(&line.text);
            waiting.extend(line.written);
        }
        file.write_all(text.as_bytes()).unwrap();
        if !waiting.is_empty() {
            file.sync_data().unwrap();
        }
        for written in waiting {
            let _ = written.send(());
        }
    }
}

/// What the relay's clock says.
pub(super) fn now() -> DateTime<Utc> {
    SystemClock.now()
}
