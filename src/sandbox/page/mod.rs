//! The web page of the inbox: a list, a view of each mail, and JSON for programs.
//!
//! It has no scripts. What comes out of a mail is escaped everywhere but in `/m/ID/html`, which is
//! shown in a sandboxed frame and carries a policy of its own.
mod api;
mod list;
mod mail;
mod render;
mod words;

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
    serve::ListenerExt,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer,
};
use tracing::debug;

use super::{
    STOP_PATIENCE,
    mailbox::{Found, Mailbox},
};
use crate::clock::Clock;
use render::Templates;
use words::Words;

/// No route reads a body; this only bounds what a client may push at us, in bytes.
const MAX_BODY: usize = 16 << 10;
/// How long one answer may take. The longest is a search that parses 5,000 mails for the first time.
const ANSWER: Duration = Duration::from_secs(30);

/// For our own pages.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; \
                           form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// For a mail's HTML. Images come from this machine only, so that the product's own open pixel counts
/// a real open while nothing is told to strangers.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                           img-src data: cid: http://127.0.0.1:* http://localhost:*; \
                           form-action 'none'; base-uri 'none'; frame-ancestors 'self'; \
                           sandbox allow-popups allow-popups-to-escape-sandbox";
/// For everything else that comes out of a mail.
const RAW_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// What every route shares.
#[derive(Clone)]
pub(super) struct Page {
    mailbox: Arc<Mailbox>,
    clock: Arc<dyn Clock>,
    smtp: SocketAddr,
    templates: Arc<Templates>,
}

impl Page {
    pub(super) fn new(mailbox: Arc<Mailbox>, clock: Arc<dyn Clock>, smtp: SocketAddr) -> Self {
        Self { mailbox, clock, smtp, templates: Arc::new(Templates::new()) }
    }

    /// The mail whose id is written in a path, if it is one and the mail is still kept.
    fn find(&self, id: &str) -> Option<Found> {
        self.mailbox.find(id.parse().ok()?)
    }
}

/// Every route of the page.
pub(super) fn router(page: Page) -> Router {
    Router::new()
        .route("/", get(list::show))
        .route("/m/{id}", get(mail::show))
        .route("/m/{id}/html", get(mail::html))
        .route("/m/{id}/raw", get(mail::raw))
        .route("/m/{id}/part/{place}", get(mail::part))
        .route("/api/messages", get(api::list))
        .route("/api/messages/{id}", get(api::show))
        .route("/inbox.css", asset("text/css", include_str!("../../../templates/web/inbox.css")))
        .route(
            "/inbox.svg",
            asset("image/svg+xml", include_str!("../../../templates/web/inbox.svg")),
        )
        .fallback(missing)
        .with_state(page)
        .layer(middleware::map_response(harden))
        .layer(middleware::from_fn(refuse_foreign_names))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER))
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(CatchPanicLayer::new())
}

/// Serves until told to stop, then gives answers in flight a moment to finish.
pub(super) async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "TCP_NODELAY was refused");
        }
    });
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(stopping.clone().cancelled_owned())
        .into_future();
    let out_of_patience = async {
        stopping.cancelled().await;
        tokio::time::sleep(STOP_PATIENCE).await;
    };
    tokio::select! {
        _ = serving => {}
        () = out_of_patience => debug!("The inbox page stopped with answers in flight"),
    }
}

/// Runs what may parse thousands of mails where it holds up nobody else.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// A route that always answers with `text`.
fn asset(kind: &'static str, text: &'static str) -> MethodRouter<Page> {
    get(move || async move { ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text) })
}

async fn missing(State(page): State<Page>, headers: HeaderMap) -> Response {
    not_found(&page, &headers)
}

fn not_found(page: &Page, headers: &HeaderMap) -> Response {
    page.templates.missing(Words::wanted_by(headers))
}

/// Adds the headers that every answer carries; a route's own policy stays.
async fn harden(mut response: Response) -> Response {
    let defaults: [(HeaderName, &'static str); 4] = [
        (CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in defaults {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Answers only if called by an IP address or as localhost.
///
/// A page on the internet can point a name of its own at 127.0.0.1 and would then read this inbox with
/// its visitor's browser (DNS rebinding). An address cannot be pointed elsewhere.
async fn refuse_foreign_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_own_name(host) {
        return next.run(request).await;
    }
    let text = "the inbox answers to localhost and to IP addresses only\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

fn is_own_name(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    name.is_empty()
        || name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_cannot_be_pointed_elsewhere_are_answered() {
        for own in [
            "",
            "localhost",
            "LocalHost:80",
            "a.localhost:1",
            "127.0.0.1:8025",
            "[::1]:9",
            "10.0.0.2",
        ] {
            assert!(is_own_name(own), "{own:?}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8025",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "a:b:c",
        ] {
            assert!(!is_own_name(foreign), "{foreign:?}");
        }
    }
}
