//! A relay that does what a test tells it to: refuses, goes away, or hangs up.
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the relay answers instead of what a good relay would; an empty text hangs up.
type Script = dyn Fn(&str) -> Option<&'static str> + Send + Sync;

/// Without TLS, on a port of its own, for as long as the test's runtime lives.
pub(crate) struct ScriptedRelay {
    pub(crate) address: SocketAddr,
    contents: Arc<Mutex<Vec<String>>>,
}

impl ScriptedRelay {
    /// Asks `script` about each command; about the banner as `CONNECT`, and about the end of the
    /// content as `DOT`.
    pub(crate) async fn start(
        script: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let contents = Arc::default();
        let session = Session { script: Arc::new(script), contents: Arc::clone(&contents) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = session.clone();
                tokio::spawn(async move { session.run(stream).await });
            }
        });
        Self { address, contents }
    }

    /// The content of every message that came to its end, whatever was answered.
    pub(crate) fn contents(&self) -> Vec<String> {
        self.contents.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Session {
    script: Arc<Script>,
    contents: Arc<Mutex<Vec<String>>>,
}

impl Session {
    /// Ends when either side hangs up.
    async fn run(&self, stream: TcpStream) -> Option<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut command = "CONNECT".to_owned();
        loop {
            let answer = (self.script)(&command).unwrap_or_else(|| good(&command));
            if answer.is_empty() {
                return None;
            }
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            command = if answer.starts_with("354") {
                let mut content = String::new();
                loop {
                    match lines.next_line().await.ok()?? {
                        end if end == "." => break,
                        line => content.push_str(&(line + "\r\n")),
                    }
                }
                self.contents.lock().unwrap().push(content);
                "DOT".to_owned()
            } else {
                lines.next_line().await.ok()??
            };
        }
    }
}

fn good(command: &str) -> &'static str {
    match command.split([' ', ':']).next().unwrap_or_default() {
        "CONNECT" => "220 relay.example.org ESMTP",
        "DATA" => "354 go on",
        "DOT" => "250 2.0.0 queued",
        "QUIT" => "221 bye",
        _ => "250 ok",
    }
}
