//! The inbox as its users meet it: over sockets.
use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::clock::ManualClock;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn an_inbox() -> Inbox {
    let now = "2026-11-03T09:00:00Z".parse().unwrap();
    Inbox::start(ANY, ANY, Arc::new(ManualClock::starting_at(now))).await.unwrap()
}

/// Says all of `lines` at once, as a pipelining client may; gives back the codes of the replies.
async fn say(inbox: &Inbox, lines: &[u8]) -> String {
    let mut stream = TcpStream::connect(inbox.smtp_address()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut answer = String::new();
    let (written, _) = tokio::join!(write.write_all(lines), read.read_to_string(&mut answer));
    written.unwrap();
    let finals = answer.lines().filter(|line| line.as_bytes()[3] == b' ');
    finals.map(|line| &line[..3]).collect::<Vec<_>>().join(" ")
}

async fn send(inbox: &Inbox, content: &str) {
    let lines = format!(
        "EHLO me\r\nMAIL FROM:<a@example.org> SMTPUTF8\r\nRCPT TO:<b@example.org>\r\nDATA\r\n\
         {}\r\n.\r\nQUIT\r\n",
        content.replace('\n', "\r\n")
    );
    assert_eq!(say(inbox, lines.as_bytes()).await, "220 250 250 250 354 250 221");
}

/// Gives back the status, the head and the body.
async fn get(inbox: &Inbox, path: &str) -> (u16, String, String) {
    get_with(inbox, path, "Host: localhost\r\nAccept-Language: en").await
}

async fn get_with(inbox: &Inbox, path: &str, headers: &str) -> (u16, String, String) {
    let address = inbox.page_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn two_pipelined_mails_on_one_connection_are_both_kept() {
    let inbox = an_inbox().await;
    let mail = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n..dot\r\n.\r\n";
    let codes = say(&inbox, format!("EHLO me\r\n{mail}{mail}QUIT\r\n").as_bytes()).await;
    assert_eq!(codes, "220 250 250 250 250 354 250 250 250 250 354 250 221");
    let received = inbox.received();
    assert_eq!((inbox.count(), received.len()), (2, 2));
    let expected = Received {
        id: 2,
        at: "2026-11-03T09:00:00Z".parse().unwrap(),
        from: "a@example.org".to_owned(),
        to: "b@example.org, c@example.org".to_owned(),
        raw: b".dot\r\n".to_vec(),
    };
    assert_eq!(*received[1], expected);
    inbox.stop().await;
}

#[tokio::test]
async fn a_mail_that_trickles_in_is_kept_whole() {
    let inbox = an_inbox().await;
    let mut stream = TcpStream::connect(inbox.smtp_address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let lines =
        b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n..\r\n.\r\nQUIT\r\n";
    for piece in lines.chunks(3) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(inbox.received()[0].raw, b"x\r\n.\r\n");
}

#[tokio::test]
async fn thirty_megabytes_are_refused_and_the_next_mail_is_taken() {
    let inbox = an_inbox().await;
    let start = b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n".as_slice();
    let huge = b"0123456789abcdef0123456789abcd\r\n".repeat(1 << 20);
    let next = b".\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsmall\r\n.\r\nQUIT\r\n";
    let codes = say(&inbox, &[start, &huge, next].concat()).await;
    assert_eq!(codes, "220 250 250 250 354 552 250 250 354 250 221");
    assert_eq!(inbox.received()[0].raw, b"small\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_lose_nothing() {
    let inbox = an_inbox().await;
    let senders: Vec<_> = (0..100)
        .map(|_| {
            let inbox = inbox.clone();
            tokio::spawn(async move { send(&inbox, "Subject: x\n\nx").await })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let ids: std::collections::HashSet<_> = inbox.received().iter().map(|mail| mail.id).collect();
    assert_eq!((inbox.count(), ids.len()), (100, 100));
}

#[tokio::test]
async fn markup_in_a_subject_or_name_stays_text() {
    let inbox = an_inbox().await;
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    send(
        &inbox,
        &format!("From: \"{{{{7}}}}<b>\" <a@b.org>\nSubject: {hostile}\u{202e}\n\n{hostile}"),
    )
    .await;
    let search = "/?q=%3Cscript%3E%22%27";
    for path in [
        "/",
        search,
        "/m/1",
        "/m/1?view=html",
        "/m/1?view=text",
        "/m/1?view=headers",
        "/m/1?view=raw",
    ] {
        let (status, head, body) = get(&inbox, path).await;
        assert_eq!(status, 200, "{path}");
        assert!(!body.contains("<script") && !body.contains("<img src=x"), "{path}: {body}");
        assert!(path.ends_with("raw") || !body.contains('\u{202e}'), "{path}");
        assert!(head.contains("default-src 'none'; style-src 'self'"), "{path}: {head}");
    }
    assert!(get(&inbox, "/").await.2.contains("&lt;script&gt;alert(1)"));
    assert!(get(&inbox, "/").await.2.contains("{{7}}"));
}

#[tokio::test]
async fn each_view_shows_its_part_of_the_mail() {
    let inbox = an_inbox().await;
    let parts = "--b\nContent-Type: text/plain\n\nthe plain one\n--b\nContent-Type: text/html\n\n<p>x\n--b--";
    send(
        &inbox,
        &format!("X-Odd: header\nContent-Type: multipart/alternative; boundary=b\n\n{parts}"),
    )
    .await;
    for (view, shown) in [
        ("", "<iframe"),
        ("?view=html&width=phone", "class=\"stage phone\""),
        ("?view=text", "<pre class=\"sheet prose\">the plain one"),
        ("?view=headers", "<th scope=\"row\">X-Odd</th><td>header</td>"),
        ("?view=raw", "<pre class=\"sheet\">X-Odd: header\r\n"),
    ] {
        let (_, _, page) = get(&inbox, &format!("/m/1{view}")).await;
        assert!(page.contains(shown), "{view}: {page}");
    }
}

#[tokio::test]
async fn a_mails_html_is_boxed_in_and_may_load_the_local_pixel_only() {
    let inbox = an_inbox().await;
    send(&inbox, "Content-Type: text/html\n\n<html><head></head><script>1</script>").await;
    let (_, _, page) = get(&inbox, "/m/1").await;
    let frame = "src=\"/m/1/html\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\"";
    assert!(page.contains(frame), "{page}");
    let (status, head, body) = get(&inbox, "/m/1/html").await;
    assert_eq!(
        (status, body.as_str()),
        (200, "<html><head><base target=\"_blank\"></head><script>1</script>\r\n")
    );
    let policy = head.lines().find(|line| line.starts_with("content-security-policy")).unwrap();
    assert_eq!(
        policy,
        "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; \
         img-src data: cid: http://127.0.0.1:* http://localhost:*; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'self'; \
         sandbox allow-popups allow-popups-to-escape-sandbox"
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_404_in_the_readers_language() {
    let inbox = an_inbox().await;
    send(&inbox, "Subject: text only\n\nx").await;
    for path in ["/m/2", "/m/x", "/m/2.eml", "/m/2/raw", "/m/1/html", "/m/1/part/0", "/m/-1", "/x"]
    {
        let (status, _, body) = get(&inbox, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("There is no such page"), "{path}: {body}");
    }
    let headers = "Host: localhost\r\nAccept-Language: zh-CN,en;q=0.5";
    let (_, _, body) = get_with(&inbox, "/m/2", headers).await;
    assert!(body.contains("<html lang=\"zh-CN\">") && body.contains("页面不存在"), "{body}");
    assert_eq!(get(&inbox, "/api/messages/2").await.0, 404);
}

#[tokio::test]
async fn the_list_is_searched_and_paged_newest_first() {
    let inbox = an_inbox().await;
    assert!(get(&inbox, "/").await.2.contains(&format!("smtp://{}", inbox.smtp_address())));
    for number in 1..=60 {
        send(&inbox, &format!("Subject: greeting number{number}.\n\nhello")).await;
    }
    let (_, _, first) = get(&inbox, "/").await;
    assert!(
        first.contains("number60.") && first.contains("number11.") && !first.contains("number10.")
    );
    let (_, _, second) = get(&inbox, "/?page=2").await;
    assert!(second.contains("number10.") && !second.contains("number11."));
    let (_, _, found) = get(&inbox, "/?q=NUMBER7.+b%40example").await;
    assert!(found.contains("number7.") && !found.contains("number8."), "{found}");
    assert!(get(&inbox, "/?page=zero&live=1&x=y").await.2.contains("http-equiv=\"refresh\""));
    assert!(get(&inbox, "/?q=nowhere").await.2.contains("Nothing found"));
}

#[tokio::test]
async fn programs_read_mails_as_json_or_byte_for_byte() {
    let inbox = an_inbox().await;
    let mail = "From: \"A\" <a@example.org>\nSubject: =?utf-8?Q?=E4=B8=AD?=\nList-Unsubscribe: <https://x.org/u>\n\
                Content-Type: text/html\n\n<a href='http://127.0.0.1/c/1?a&amp;b'>x</a><img src=\"http://127.0.0.1/o/1\">";
    send(&inbox, mail).await;
    let json = |body: String| serde_json::from_str::<serde_json::Value>(&body).unwrap();
    let brief = serde_json::json!([{
        "id": 1, "from": "a@example.org", "to": "b@example.org", "subject": "中",
        "received_at": "2026-11-03T09:00:00+00:00", "size_bytes": inbox.received()[0].raw.len(),
    }]);
    assert_eq!(json(get(&inbox, "/api/messages").await.2), brief);
    let full = json(get(&inbox, "/api/messages/1").await.2);
    assert_eq!(full["links"], serde_json::json!(["http://127.0.0.1/c/1?a&b"]));
    assert_eq!(full["images"], serde_json::json!(["http://127.0.0.1/o/1"]));
    assert_eq!(full["list_unsubscribe"], serde_json::json!(["https://x.org/u"]));
    assert_eq!(full["headers"][1], serde_json::json!({ "name": "Subject", "value": "中" }));
    assert_eq!(full["text"], serde_json::Value::Null);
    for path in ["/m/1/raw", "/m/1.eml"] {
        let (_, head, body) = get(&inbox, path).await;
        assert!(head.contains("content-type: message/rfc822"), "{head}");
        assert_eq!(body.as_bytes(), inbox.received()[0].raw);
    }
}

#[tokio::test]
async fn an_attachment_is_saved_and_never_shown() {
    let inbox = an_inbox().await;
    send(
        &inbox,
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhi\n--b\n\
         Content-Type: text/html; name=\"../e\\\"vil.html\"\nContent-Disposition: attachment; filename=\"../e\\\"vil.html\"\n\n\
         <script>1</script>\n--b--",
    )
    .await;
    let (_, _, page) = get(&inbox, "/m/1").await;
    assert!(page.contains("/m/1/part/2"), "{page}");
    let (status, head, _) = get(&inbox, "/m/1/part/2").await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/octet-stream"), "{head}");
    assert!(head.contains("attachment; filename=\"evil.html\""), "{head}");
}

#[tokio::test]
async fn a_name_that_a_stranger_may_own_is_refused() {
    let inbox = an_inbox().await;
    assert_eq!(get_with(&inbox, "/api/messages", "Host: evil.example").await.0, 421);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_door() {
    let inbox = an_inbox().await;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::starting_at(DateTime::UNIX_EPOCH));
    let taken = inbox.smtp_address();
    let error = Inbox::start(ANY, taken, clock).await.unwrap_err();
    assert!(
        matches!(&error, InboxError::PortInUse { door: Door::Page, address } if *address == taken)
    );
    assert!(
        error.to_string().starts_with("the inbox's web page cannot listen on 127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test]
async fn stopping_ends_every_connection_and_frees_the_ports() {
    let inbox = an_inbox().await;
    let (smtp, page) = (inbox.smtp_address(), inbox.page_url().replace("http://", ""));
    let mut smtp_client = TcpStream::connect(smtp).await.unwrap();
    smtp_client.write_all(b"EHLO me\r\n").await.unwrap();
    let mut greeting = [0; 3];
    smtp_client.read_exact(&mut greeting).await.unwrap();
    let mut page_client = TcpStream::connect(&page).await.unwrap();
    let keeper = inbox.clone();
    send(&inbox, "Subject: kept\n\nx").await;

    inbox.stop().await;

    let mut rest = String::new();
    smtp_client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with("421 4.3.2 the inbox is stopping\r\n"), "{rest}");
    assert_eq!(page_client.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    TcpListener::bind(smtp).await.unwrap();
    TcpListener::bind(page).await.unwrap();
    assert_eq!(keeper.received().len(), 1);
}

#[tokio::test]
async fn dropping_the_last_handle_stops_the_servers() {
    let inbox = an_inbox().await;
    let address = inbox.smtp_address();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.read_exact(&mut [0; 3]).await.unwrap();
    drop(inbox);
    client.read_to_end(&mut Vec::new()).await.unwrap();
}
