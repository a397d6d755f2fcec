//! One connection to the relay (RFC 5321, with pipelining by RFC 2920).
//!
//! Commands are answered one by one in the order in which they came, however many came at once.
use std::{
    fmt::Write as _,
    io::{Error, Result},
    sync::{Arc, atomic::Ordering},
};

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{
    Shared,
    ledger::now,
    script::{Act, Answer, Moment, Step},
};

/// Octets of content that are read before a connection ends within it.
const WITHIN: usize = 100;

pub(super) struct Session {
    shared: Arc<Shared>,
    number: u64,
    stream: BufReader<TcpStream>,
    /// The message under way, by the number of its MAIL.
    message: u64,
    on_connection: u64,
    from: Option<String>,
    /// What MAIL asked for besides.
    parameters: Vec<String>,
    recipients: Vec<String>,
}

/// Whether the session goes on.
type Goes = Result<bool>;

impl Session {
    pub(super) fn new(shared: Arc<Shared>, number: u64, stream: TcpStream) -> Self {
        let stream = BufReader::new(stream);
        let (from, parameters, recipients) = (None, Vec::new(), Vec::new());
        let (message, on_connection) = (0, 0);
        Self { shared, number, stream, message, on_connection, from, parameters, recipients }
    }

    pub(super) async fn run(mut self) {
        self.note(json!({ "event": "connected" }));
        // Whichever side ended it, and how, is of no interest.
        let _ = self.talk().await;
        self.note(json!({ "event": "closed" }));
    }

    async fn talk(&mut self) -> Result<()> {
        self.stream.get_ref().set_nodelay(true)?;
        let greets = self.answer_to(Step::Connect, "220 relay.example.org ESMTP").await?;
        let mut goes_on = greets;
        while goes_on {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            goes_on = self.command(line.trim_end()).await?;
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> Goes {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let mut text = "relay.example.org".to_owned();
                for extension in &self.shared.extensions {
                    let _ = write!(text, "\n{extension}");
                }
                let lines: Vec<_> = text.lines().collect();
                let last = lines.len() - 1;
                let line = |(place, text): (usize, &&str)| {
                    format!("250{}{text}", if place == last { ' ' } else { '-' })
                };
                let text = lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n");
                self.answer_to(Step::Ehlo, &text).await
            }
            "HELO" => self.answer_to(Step::Ehlo, "250 relay.example.org").await,
            "AUTH" => self.authenticate(line).await,
            "MAIL" => self.mail(line).await,
            "RCPT" => self.rcpt(line).await,
            "DATA" => self.data().await,
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 ok").await
            }
            "NOOP" => self.say("250 2.0.0 ok").await,
            "QUIT" => {
                self.say("221 2.0.0 bye").await?;
                Ok(false)
            }
            _ => self.say("502 5.5.1 not here").await,
        }
    }

    /// PLAIN only, with its response in the command or on a line of its own; every password is good.
    async fn authenticate(&mut self, line: &str) -> Goes {
        let mut words = line.split(' ').skip(1);
        if words.next().is_none_or(|way| !way.eq_ignore_ascii_case("PLAIN")) {
            return self.say("504 5.5.4 PLAIN only").await;
        }
        let mut response = words.next().unwrap_or_default().to_owned();
        if response.is_empty() {
            self.say("334 ").await?;
            self.stream.read_line(&mut response).await?;
        }
        if BASE64_STANDARD.decode(response.trim_end()).is_err() {
            return self.say("501 5.5.2 no base64").await;
        }
        self.answer_to(Step::Auth, "235 2.7.0 welcome").await
    }

    async fn mail(&mut self, line: &str) -> Goes {
        if self.from.is_some() {
            return self.say("503 5.5.1 one at a time").await;
        }
        let Some(path) = path_of(line) else { return self.say("501 5.5.4 no path").await };
        let parameters = line.rsplit('>').next().unwrap_or_default();
        self.parameters = parameters.split_whitespace().map(ToOwned::to_owned).collect();
        let offers = |name| self.shared.extensions.iter().any(|offered| offered == name);
        for (parameter, name) in [("SMTPUTF8", "SMTPUTF8"), ("BODY=8BITMIME", "8BITMIME")] {
            if self.asks_for(parameter) && !offers(name) {
                return self.say("555 5.5.4 not offered").await;
            }
        }
        self.message = self.shared.counts.messages.fetch_add(1, Ordering::Relaxed) + 1;
        self.on_connection += 1;
        let answer = self.ask(Step::Mail);
        self.from = (answer.act == Act::Good).then_some(path);
        self.perform(answer, "250 2.1.0 ok").await
    }

    async fn rcpt(&mut self, line: &str) -> Goes {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        let Some(path) = path_of(line) else { return self.say("501 5.5.4 no path").await };
        if !path.is_ascii() && !self.asks_for("SMTPUTF8") {
            return self.say("553 5.6.7 SMTPUTF8 first").await;
        }
        self.recipients.push(path);
        let answer = self.ask(Step::Rcpt);
        let is_good = answer.act == Act::Good;
        let goes_on = self.perform(answer, "250 2.1.5 ok").await;
        if !is_good {
            self.recipients.pop();
        }
        goes_on
    }

    async fn data(&mut self) -> Goes {
        if self.recipients.is_empty() {
            return self.say("503 5.5.1 RCPT first").await;
        }
        let answer = self.ask(Step::Data);
        if answer.act == Act::CloseWithin {
            self.say("354 go on").await?;
            self.stream.read_exact(&mut [0; WITHIN]).await?;
            answer.wait().await;
            return Ok(false);
        }
        let is_good = answer.act == Act::Good;
        let goes_on = self.perform(answer, "354 go on").await?;
        if !goes_on || !is_good {
            return Ok(goes_on);
        }
        let content = self.content().await?;
        if !content.is_ascii() && !self.asks_for("BODY=8BITMIME") {
            return self.reply("554 5.6.3 eight bits").await;
        }
        let goes_on = self.dot(&content).await;
        self.shared.counts.answered.fetch_add(1, Ordering::Relaxed);
        self.forget();
        goes_on
    }

    /// The content without its end, and with the dots as they were (RFC 5321 section 4.5.2).
    async fn content(&mut self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let from = content.len();
            if self.stream.read_until(b'\n', &mut content).await? == 0 {
                return Err(Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            match &content[from..] {
                b".\r\n" => {
                    content.truncate(from);
                    return Ok(content);
                }
                [b'.', ..] if from == 0 || content[..from].ends_with(b"\r\n") => {
                    content.remove(from);
                }
                _ => {}
            }
        }
    }

    async fn dot(&mut self, content: &[u8]) -> Goes {
        let answer = self.ask(Step::Dot);
        answer.wait().await;
        let taken = format!("250 2.0.0 queued as {}", self.message);
        match answer.act {
            Act::Good => {
                self.take(content).await;
                self.reply(&taken).await
            }
            Act::TakeAndClose => {
                self.take(content).await;
                Ok(false)
            }
            Act::TakeAndSilence => {
                self.take(content).await;
                self.perform(Act::Silence.into(), "").await
            }
            Act::TakeAndReset => {
                self.take(content).await;
                self.reply(&taken).await?;
                self.stream.get_ref().set_zero_linger()?;
                Ok(false)
            }
            Act::TakeAndRepeat => {
                self.take(content).await;
                self.reply(&format!("{taken}\r\n{taken}")).await
            }
            other => self.perform(other.into(), "").await,
        }
    }

    /// Writes down that the message is taken; it is on the disk when this returns.
    async fn take(&mut self, content: &[u8]) {
        let hash = digest::digest(&digest::SHA256, content);
        let name = hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        std::fs::write(self.shared.messages.join(format!("{name}.eml")), content).unwrap();
        self.shared
            .ledger
            .write(&self.event(json!({
                "event": "accepted",
                "message_id": message_id(content),
                "from": self.from,
                "to": self.recipients.join(", "),
                "size": content.len(),
                "sha256": name,
            })))
            .await;
        self.shared.counts.accepted.fetch_add(1, Ordering::Relaxed);
    }

    fn asks_for(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|asked| asked == parameter)
    }

    fn forget(&mut self) {
        self.from = None;
        self.recipients.clear();
    }

    fn ask(&self, step: Step) -> Answer {
        let recipient = self.recipients.last().map_or("", String::as_str);
        (self.shared.script)(&Moment {
            step,
            connection: self.number,
            message: self.message,
            on_connection: self.on_connection,
            recipient,
        })
    }

    async fn answer_to(&mut self, step: Step, good: &str) -> Goes {
        let answer = self.ask(step);
        self.perform(answer, good).await
    }

    async fn perform(&mut self, answer: Answer, good: &str) -> Goes {
        answer.wait().await;
        match answer.act {
            Act::Say(text) => self.reply(&text).await,
            Act::Raw(text) => {
                self.stream.write_all(text.as_bytes()).await?;
                self.stream.flush().await?;
                Ok(true)
            }
            Act::SayAndClose(text) => {
                self.reply(&text).await?;
                Ok(false)
            }
            Act::Close => Ok(false),
            Act::Silence => {
                // Until the client has had enough.
                let _ = self.stream.read_to_end(&mut Vec::new()).await;
                Ok(false)
            }
            Act::Good
            | Act::CloseWithin
            | Act::TakeAndClose
            | Act::TakeAndSilence
            | Act::TakeAndReset
            | Act::TakeAndRepeat => self.say(good).await,
        }
    }

    /// Says something that the ledger tells of.
    async fn reply(&mut self, text: &str) -> Goes {
        let code: u16 = text.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
        self.note(json!({ "event": "replied", "code": code, "text": text }));
        self.say(text).await
    }

    async fn say(&mut self, text: &str) -> Goes {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.flush().await?;
        Ok(true)
    }

    fn note(&self, event: Value) {
        self.shared.ledger.note(&self.event(event));
    }

    /// The event with when and where it happened.
    fn event(&self, mut event: Value) -> Value {
        event["at"] = now().timestamp_millis().into();
        event["connection"] = self.number.into();
        event
    }
}

/// What stands between the brackets of MAIL or RCPT.
fn path_of(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// The Message-ID of the content, which may stand on the line after its name.
fn message_id(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let head = text.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut ids = lines.filter(|(name, _)| name.eq_ignore_ascii_case("Message-ID"));
    ids.next().map(|(_, value)| value.trim().to_owned())
}
