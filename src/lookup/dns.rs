//! Asks the resolvers of this machine.
//!
//! hickory-proto spells questions and reads answers; asking is ours, since the whole resolver brings
//! a cache and four times the crates for twenty questions a run (docs/decisions/0017).
use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_proto::{
    op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use crate::domain::{
    doctor::{Answer, Kind, Question, Why},
    one_line,
};

/// How long to wait for one answer, whoever gives it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for one server before the next one is asked; resolv.conf(5) says as much or more.
const PATIENCE_EACH: Duration = Duration::from_millis(1600);
/// resolv.conf(5) knows three.
const MOST_SERVERS: usize = 3;
/// Records of one answer that are kept.
const MOST_RECORDS: usize = 100;
/// Characters of one text that are kept: many times a key of 4096 bits.
const MAX_TEXT: usize = 8_000;
/// Characters of an error from outside.
const MAX_CAUSE: usize = 200;
/// Octets of an answer over UDP; more come over TCP.
const MAX_DATAGRAM: usize = 4_096;

/// The resolvers of a machine, in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
}

impl Resolver {
    /// Those in `/etc/resolv.conf`; none if there is no such file.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self::of(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let server = |line: &str| {
            let address = line.trim().strip_prefix("nameserver")?.trim();
            // An address of a link has the name of its network behind it, which cannot be asked here.
            Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, 53))
        };
        Self { servers: text.lines().filter_map(server).take(MOST_SERVERS).collect() }
    }

    /// The answer to `question`; all servers are asked, and the first one again if none is left.
    pub async fn ask(&self, question: &Question) -> Answer {
        if self.servers.is_empty() {
            return Answer::Unknown(Why::NoResolver);
        }
        let mut cause = String::new();
        let asking = async {
            for server in self.servers.iter().chain(&self.servers) {
                match timeout(PATIENCE_EACH, ask_one(*server, question)).await {
                    Ok(Ok(answer)) => return Some(answer),
                    Ok(Err(error)) => cause = one_line(&error.to_string(), MAX_CAUSE),
                    Err(_) => cause = format!("no answer within {PATIENCE_EACH:?}"),
                }
            }
            None
        };
        let answer = timeout(PATIENCE, asking).await.ok().flatten();
        if cause.is_empty() {
            cause = format!("no answer within {PATIENCE:?}");
        }
        answer.unwrap_or_else(|| unanswered(question, cause))
    }
}

fn unanswered(question: &Question, cause: String) -> Answer {
    Answer::Unknown(Why::Unanswered { name: one_line(&question.name, MAX_CAUSE), cause })
}

async fn ask_one(server: SocketAddr, question: &Question) -> io::Result<Answer> {
    // A name that cannot be asked for has no records: an included one may be any text.
    let Ok(name) = Name::from_ascii(format!("{}.", question.name)) else {
        return Ok(Answer::Nothing);
    };
    let query = Query::query(name, kind_of(question.kind));
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(query);
    let mut edns = Edns::new();
    edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
    message.set_edns(edns);
    let octets = message.to_vec().map_err(io::Error::other)?;
    let mut answer = over_udp(server, &octets, &message).await?;
    if answer.metadata.truncation {
        answer = over_tcp(server, &octets, &message).await?;
    }
    read(question, answer)
}

const fn kind_of(kind: Kind) -> RecordType {
    match kind {
        Kind::Txt => RecordType::TXT,
        Kind::Mx => RecordType::MX,
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
    }
}

async fn over_udp(server: SocketAddr, octets: &[u8], asked: &Message) -> io::Result<Message> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
    // A port that the system draws, and an answer from nobody else.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(octets).await?;
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let count = socket.recv(&mut buffer).await?;
        if let Some(answer) = answer_to(asked, &buffer[..count]) {
            return Ok(answer);
        }
    }
}

/// RFC 7766: two octets of length before the message.
async fn over_tcp(server: SocketAddr, octets: &[u8], asked: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(octets.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), octets].concat()).await?;
    let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut buffer).await?;
    answer_to(asked, &buffer).ok_or_else(|| io::Error::other("an answer that makes no sense"))
}

/// The message in `octets` if it answers what was asked; others may have made it up.
fn answer_to(asked: &Message, octets: &[u8]) -> Option<Message> {
    let answer = Message::from_vec(octets).ok()?;
    (answer.metadata.id == asked.metadata.id && answer.queries == asked.queries).then_some(answer)
}

fn read(question: &Question, answer: Message) -> io::Result<Answer> {
    match answer.metadata.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Ok(Answer::Nothing),
        code => return Err(io::Error::other(format!("the resolver says: {code}"))),
    }
    let wanted = kind_of(question.kind);
    let records = answer.answers.into_iter().filter(|record| record.record_type() == wanted);
    let records: Vec<_> = records.take(MOST_RECORDS).map(|record| record.data).collect();
    if records.is_empty() {
        return Ok(Answer::Nothing);
    }
    Ok(match question.kind {
        Kind::Txt => Answer::Texts(records.iter().filter_map(text).collect()),
        Kind::Mx => Answer::Hosts(records.iter().filter_map(host).collect()),
        Kind::A | Kind::Aaaa => Answer::Addresses(records.iter().filter_map(address).collect()),
    })
}

fn text(data: &RData) -> Option<String> {
    let RData::TXT(text) = data else { return None };
    let octets = text.txt_data.concat();
    Some(String::from_utf8_lossy(&octets).chars().take(MAX_TEXT).collect())
}

fn host(data: &RData) -> Option<String> {
    let RData::MX(mx) = data else { return None };
    Some(mx.exchange.to_ascii().trim_end_matches('.').to_ascii_lowercase())
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::{
        op::{MessageType, OpCode},
        rr::{Record, rdata},
    };
    use tokio::net::TcpListener;

    use super::*;

    fn asked(kind: Kind) -> Question {
        Question { name: "example.com".to_owned(), kind }
    }

    /// What a resolver answers to `query` with these records.
    fn answering(query: &[u8], records: &[RData]) -> Message {
        let query = Message::from_vec(query).unwrap();
        let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        let name = query.queries[0].name().clone();
        answer.queries = query.queries;
        let record = |data: &RData| Record::from_rdata(name.clone(), 60, data.clone());
        answer.answers = records.iter().map(record).collect();
        answer
    }

    /// A resolver on a port of its own that answers over UDP as `script` says.
    async fn server<F>(script: F) -> Resolver
    where
        F: Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
                for answer in script(&buffer[..count]) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        Resolver { servers: vec![address] }
    }

    fn texts(strings: &[&[u8]]) -> RData {
        RData::TXT(rdata::TXT::from_bytes(strings.to_vec()))
    }

    #[test]
    fn servers_are_read_as_the_system_reads_them() {
        let text = "# x\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1 \nsearch a\n\
                    nameserver fe80::1%eth0\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n";
        let servers: Vec<_> = Resolver::of(text).servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:53"]);
    }

    #[tokio::test]
    async fn the_strings_of_a_text_are_one_and_answers_that_others_made_up_are_passed_over() {
        let resolver = server(|query| {
            let mut forged = answering(query, &[texts(&[b"forged"])]);
            forged.metadata.id = forged.metadata.id.wrapping_add(1);
            let mut other = answering(query, &[texts(&[b"forged"])]);
            other.queries[0].set_query_type(RecordType::MX);
            let good = answering(query, &[texts(&[b"v=spf1 ", b"\xff-all"])]);
            let junk = b"junk".to_vec();
            vec![junk, forged.to_vec().unwrap(), other.to_vec().unwrap(), good.to_vec().unwrap()]
        })
        .await;
        let expected = Answer::Texts(vec!["v=spf1 \u{fffd}-all".to_owned()]);
        assert_eq!(resolver.ask(&asked(Kind::Txt)).await, expected);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_asked_again_over_tcp_and_kept_in_bounds() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(address).await.unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            let (count, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut short = answering(&buffer[..count], &[]);
            short.metadata.truncation = true;
            socket.send_to(&short.to_vec().unwrap(), from).await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut query).await.unwrap();
            let long: &[u8] = &[b'x'; 255];
            let mut records = vec![texts(&[long; 200])];
            records.extend((0..200_u8).map(|i| texts(&[&[i]])));
            let whole = answering(&query, &records).to_vec().unwrap();
            stream.write_u16(u16::try_from(whole.len()).unwrap()).await.unwrap();
            stream.write_all(&whole).await.unwrap();
        });
        let resolver = Resolver { servers: vec![address] };
        let Answer::Texts(texts) = resolver.ask(&asked(Kind::Txt)).await else { panic!() };
        assert_eq!((texts.len(), texts[0].len()), (MOST_RECORDS, MAX_TEXT));
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_is_told_from_a_server_that_does_not_answer() {
        let nothing = server(|query| {
            let mut answer = answering(query, &[]);
            answer.metadata.response_code = ResponseCode::NXDomain;
            vec![answer.to_vec().unwrap()]
        })
        .await;
        assert_eq!(nothing.ask(&asked(Kind::Mx)).await, Answer::Nothing);
        let failing = server(|query| {
            let mut answer = answering(query, &[]);
            answer.metadata.response_code = ResponseCode::ServFail;
            vec![answer.to_vec().unwrap()]
        })
        .await;
        let answer = failing.ask(&asked(Kind::Mx)).await;
        let Answer::Unknown(Why::Unanswered { name, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(name, "example.com");
        let none = Resolver { servers: Vec::new() };
        assert_eq!(none.ask(&asked(Kind::Mx)).await, Answer::Unknown(Why::NoResolver));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_after_five_seconds() {
        let silent = server(|_| Vec::new()).await;
        let begun = tokio::time::Instant::now();
        let answer = silent.ask(&asked(Kind::A)).await;
        assert!(matches!(answer, Answer::Unknown(Why::Unanswered { .. })), "{answer:?}");
        assert!(begun.elapsed() <= PATIENCE, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn hosts_and_addresses_are_read_and_a_root_has_no_name() {
        let host = |name: &str| RData::MX(rdata::MX::new(10, Name::from_ascii(name).unwrap()));
        let records = [host("MX.example.com."), host("."), RData::A(rdata::A::new(192, 0, 2, 1))];
        let resolver =
            server(move |query| vec![answering(query, &records).to_vec().unwrap()]).await;
        let hosts = Answer::Hosts(vec!["mx.example.com".to_owned(), String::new()]);
        assert_eq!(resolver.ask(&asked(Kind::Mx)).await, hosts);
        let addresses = Answer::Addresses(vec!["192.0.2.1".parse().unwrap()]);
        assert_eq!(resolver.ask(&asked(Kind::A)).await, addresses);
        let impossible = Question { name: "a..b".to_owned(), kind: Kind::A };
        assert_eq!(resolver.ask(&impossible).await, Answer::Nothing);
    }
}
