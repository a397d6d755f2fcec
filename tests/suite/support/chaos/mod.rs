//! A relay that misbehaves as it is told and keeps a ledger that does not lie.
//!
//! It runs on a thread of its own, so that a daemon that is killed, and a test that waits, do not
//! touch it. What it has taken is on the disk before it says so; `docs/delivery-proof.md` describes
//! the ledger.
mod ledger;
mod script;
mod session;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};

pub(crate) use script::{Act, Answer, Dice, Gate, Mix, Moment, Script, Step};
use {ledger::Ledger, session::Session};

/// What a relay says that it can do, unless a test wants something else.
const EXTENSIONS: &[&str] =
    &["PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"];

/// A running relay; it ends when this is dropped.
pub(crate) struct ChaosRelay {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// How much has happened.
#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    messages: AtomicU64,
    accepted: AtomicU64,
    answered: AtomicU64,
}

/// What the sessions share.
struct Shared {
    script: Arc<Script>,
    ledger: Ledger,
    counts: Arc<Counts>,
    messages: PathBuf,
    extensions: Vec<String>,
}

impl ChaosRelay {
    /// A relay without TLS that does what `script` says, and takes everything else.
    pub(crate) fn start(script: impl Fn(&Moment<'_>) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_extensions(EXTENSIONS, script)
    }

    /// The same with other lines in its answer to EHLO.
    pub(crate) fn with_extensions(
        extensions: &[&str],
        script: impl Fn(&Moment<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let messages = folder.path().join("messages");
        std::fs::create_dir(&messages).unwrap();
        let counts = Arc::<Counts>::default();
        let shared = Shared {
            script: Arc::new(script),
            ledger: Ledger::create(&folder.path().join("ledger.jsonl")),
            counts: Arc::clone(&counts),
            messages,
            extensions: extensions.iter().map(|&line| line.to_owned()).collect(),
        };
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = listen(listener, Arc::new(shared)) => {}
                    _ = stopped => {}
                }
            });
        });
        let address = told.recv().expect("the relay's thread says where it listens");
        Self { address, folder, counts, stop: Some(stop), thread: Some(thread) }
    }

    /// Where its ledger is.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger.jsonl")
    }

    /// The folder with the messages that it took, as `SHA256.eml`.
    pub(crate) fn messages(&self) -> PathBuf {
        self.folder.path().join("messages")
    }

    /// How many messages it took, whatever it said then.
    pub(crate) fn accepted(&self) -> u64 {
        self.counts.accepted.load(Ordering::Relaxed)
    }

    /// How many contents came to their end, whatever became of them.
    pub(crate) fn answered(&self) -> u64 {
        self.counts.answered.load(Ordering::Relaxed)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// Waits until it has seen the end of `count` contents in all; says whether that came to pass.
    pub(crate) fn wait_for(&self, count: u64, patience: Duration) -> bool {
        let began = Instant::now();
        while self.answered() < count {
            if began.elapsed() > patience {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// The lines of its ledger that tell of this event.
    pub(crate) fn events(&self, event: &str) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.ledger()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &serde_json::Value| line["event"] == event).collect()
    }
}

impl Drop for ChaosRelay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let number = shared.counts.connections.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::spawn(async move { Session::new(shared, number, stream).run().await });
    }
}
