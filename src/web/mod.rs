//! The public listener: open pixel, links, and the way out.
//!
//! It answers anybody on the internet, so it knows only what a signed token tells it: a link leads
//! where its mail said it leads and nowhere else, a GET changes nothing but a counter, and an
//! unsubscription takes a POST (RFC 8058).
#![warn(missing_docs)]
mod pages;
mod tracking;
mod words;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer,
};

use self::pages::Pages;
use crate::engine::{Engine, Live};

/// Largest body that is read: a one-click request is under 100 bytes.
const MAX_BODY: usize = 16 * 1024;
/// Longest time for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Opens and clicks that are being written at one time; more are answered and not counted.
const WRITES: usize = 256;

/// Why the listener could not start.
#[derive(Debug, thiserror::Error)]
#[error(
    "the tracking listener cannot use {address}; is another program on that port? Set tracking.listen to a free one"
)]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// The listener, running.
#[derive(Debug)]
pub struct Tracking {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// What every request is answered with.
struct Shared {
    live: Live,
    pages: Pages,
    writes: Arc<Semaphore>,
}

impl Shared {
    /// The engine in force for this request.
    fn engine(&self) -> Engine {
        self.live.current()
    }
}

/// A bound socket, so that its address can go into mails before anybody is answered.
pub struct Bound(TcpListener, SocketAddr);

impl Bound {
    /// Takes `address`; port 0 lets the system choose.
    pub async fn to(address: SocketAddr) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self(listener, address))
    }

    /// The address in use.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.1
    }

    /// Starts answering.
    #[must_use]
    pub fn serve(self, engine: impl Into<Live>) -> Tracking {
        let Self(listener, address) = self;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let app = router(engine.into());
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "The tracking listener ended");
            }
        });
        Tracking { address, stop, serving }
    }
}

impl Tracking {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers what has been asked, for ten seconds at most, and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(PATIENCE, self.serving).await;
    }
}

/// The public routes.
pub fn router(live: Live) -> Router {
    let shared = Shared { live, pages: Pages::new(), writes: Arc::new(Semaphore::new(WRITES)) };
    Router::new()
        .route("/o/{token}", get(tracking::open))
        .route("/c/{token}", get(tracking::click))
        .route("/u/{token}", get(tracking::ask).post(tracking::unsubscribe))
        .route("/health", get(|| async { "ok" }))
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ))
        .with_state(Arc::new(shared))
}
