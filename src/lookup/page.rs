//! Asks a web server, over TLS where its address says so.
use std::{io, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

use super::http;
use crate::domain::{
    doctor::{PublicAnswer, last_instant},
    one_line,
};

/// How long to wait for one answer, connection and TLS included.
const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of an answer that are read; our own pages have fewer than 10,000.
const MAX_ANSWER: usize = 64 * 1024;
/// Characters of an error from outside.
const MAX_CAUSE: usize = 200;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Nobody knows whether there is a server: no name, no way, or no answer in time.
    #[error("{0}")]
    Unreachable(String),
    /// There is none, or it does not speak TLS and HTTP as it should.
    #[error("{0}")]
    Failed(String),
}

/// A question to one of our own pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The whole address.
    pub url: String,
    /// What is posted; without it the page is fetched.
    pub form: Option<&'static str>,
}

/// The answer to `request`; redirects are not followed.
///
/// # Errors
///
/// If there is none.
pub(super) async fn fetch(request: &PageRequest) -> Result<PublicAnswer, PageError> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    match timeout(PATIENCE, ask(request, roots)).await {
        Ok(answer) => answer,
        Err(_) => Err(PageError::Unreachable(format!("no answer within {PATIENCE:?}"))),
    }
}

async fn ask(request: &PageRequest, roots: RootCertStore) -> Result<PublicAnswer, PageError> {
    let bad = || PageError::Failed("no address of a web server".to_owned());
    let url = Url::parse(&request.url).map_err(|_| bad())?;
    let host = url.host_str().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or_else(bad)?;
    let connected = TcpStream::connect((host.as_str(), port)).await;
    let mut stream = connected.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => failed(&error),
        _ => PageError::Unreachable(one_line(&error.to_string(), MAX_CAUSE)),
    })?;
    let said = said(request, &url, &host);
    if url.scheme() != "https" {
        return talk(&mut stream, &said).await.map_err(|error| failed(&error));
    }
    let name = ServerName::try_from(host).map_err(|_| bad())?;
    let connector = TlsConnector::from(trusting(roots));
    let mut stream = connector.connect(name, stream).await.map_err(|error| failed(&error))?;
    let mut answer = talk(&mut stream, &said).await.map_err(|error| failed(&error))?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    answer.last_instant = shown.and_then(|certificate| last_instant(certificate));
    Ok(answer)
}

fn failed(error: &io::Error) -> PageError {
    PageError::Failed(one_line(&error.to_string(), MAX_CAUSE))
}

fn said(request: &PageRequest, url: &Url, host: &str) -> String {
    let verb = if request.form.is_some() { "POST" } else { "GET" };
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let head = format!(
        "{verb} {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: perennial-doctor\r\nAccept: */*\r\n\
         Connection: close\r\n",
        url.path()
    );
    match request.form {
        None => head + "\r\n",
        Some(form) => format!(
            "{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    }
}

async fn talk(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    said: &str,
) -> io::Result<PublicAnswer> {
    stream.write_all(said.as_bytes()).await?;
    stream.flush().await?;
    let (mut received, mut buffer) = (Vec::new(), vec![0; 8 * 1024]);
    loop {
        let count = match stream.read(&mut buffer).await {
            // Many servers end TLS without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        received.extend_from_slice(&buffer[..count]);
        let is_over = count == 0 || received.len() > MAX_ANSWER;
        if let Some(answer) = http::read(&received, is_over) {
            return Ok(answer);
        }
        if is_over {
            return Err(io::Error::other("the server does not speak HTTP"));
        }
    }
}

/// The provider is named, since a process may have linked two and then has no default one.
fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("AWS-LC has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    };
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    fn request(port: u16, scheme: &str, form: Option<&'static str>) -> PageRequest {
        PageRequest { url: format!("{scheme}://localhost:{port}/health"), form }
    }

    /// Answers one connection over TLS, with a certificate that it gives back.
    async fn server() -> (u16, CertificateDer<'static>) {
        let names = vec!["localhost".to_owned()];
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = [0; 1000];
            let _ = stream.read(&mut buffer).await;
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        });
        (port, cert.der().clone())
    }

    #[tokio::test]
    async fn a_page_is_fetched_with_its_certificate() {
        let (port, certificate) = server().await;
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let answer = ask(&request(port, "https", None), roots).await.unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (200, "ok"));
        assert_eq!(answer.last_instant, last_instant(&certificate));
        assert!(answer.last_instant.is_some());
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_vouches_for_fails() {
        let (port, _) = server().await;
        let failed = fetch(&request(port, "https", None)).await.unwrap_err();
        assert!(matches!(failed, PageError::Failed(_)), "{failed:?}");
    }

    #[tokio::test]
    async fn a_form_is_posted_and_a_server_that_speaks_something_else_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1000];
            let count = stream.read(&mut buffer).await.unwrap();
            stream.write_all(b"220 mail.example.com ESMTP\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        });
        let failed = fetch(&request(port, "http", Some("a=b"))).await.unwrap_err();
        assert_eq!(failed, PageError::Failed("the server does not speak HTTP".to_owned()));
        let heard = heard.await.unwrap();
        assert!(heard.starts_with("POST /health HTTP/1.1\r\nHost: localhost:"), "{heard}");
        assert!(heard.ends_with("Content-Length: 3\r\n\r\na=b"), "{heard}");
    }
}
