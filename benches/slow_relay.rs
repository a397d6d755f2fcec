//! A relay that takes every mail, and each of whose answers comes some time after what it answers, as
//! over a long way. What arrives together is answered together.
use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::mpsc,
    time::Instant,
};

/// Starts one on a free port; it ends with the program.
pub(crate) fn start(delay: Duration) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    listener.set_nonblocking(true).expect("it can wait");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be made").block_on(async {
            let listener = TcpListener::from_std(listener).expect("the runtime takes it");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, delay));
            }
        });
    });
    address
}

async fn serve(stream: TcpStream, delay: Duration) {
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let (answers, due) = mpsc::unbounded_channel();
    tokio::spawn(answer(write, due));
    let say = |text: &'static str| answers.send((Instant::now() + delay, text)).is_ok();
    if !say("220 slow.example ESMTP\r\n") {
        return;
    }
    let mut lines = BufReader::with_capacity(64 * 1024, read);
    let (mut line, mut is_content) = (Vec::new(), false);
    while lines.read_until(b'\n', &mut line).await.is_ok_and(|octets| octets > 0) {
        let text = if is_content {
            is_content = line != b".\r\n";
            if is_content { None } else { Some("250 2.0.0 Ok\r\n") }
        } else {
            is_content = line.starts_with(b"DATA");
            Some(match line.first() {
                Some(b'E') => "250-slow.example\r\n250-8BITMIME\r\n250 PIPELINING\r\n",
                Some(b'D') => "354 Go ahead\r\n",
                Some(b'Q') => "221 2.0.0 Bye\r\n",
                _ => "250 2.1.0 Ok\r\n",
            })
        };
        if text.is_some_and(|text| !say(text)) {
            return;
        }
        line.clear();
    }
}

async fn answer(
    mut stream: OwnedWriteHalf,
    mut due: mpsc::UnboundedReceiver<(Instant, &'static str)>,
) {
    while let Some((at, text)) = due.recv().await {
        tokio::time::sleep_until(at).await;
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}
