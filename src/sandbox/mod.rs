//! The built-in development inbox: an SMTP server that takes every mail and a web page that shows it.
//!
//! This is where the demo's mail ends up, and where a template is tried out. It keeps mail in memory
//! and forgets it on exit. It relays nothing, knows no accounts and no TLS, and is meant for the
//! loopback interface; it is no receiving server for real mail.
mod letter;
mod mailbox;
mod markup;
mod page;
mod smtp;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::clock::Clock;
use mailbox::{Limits, Mailbox};

/// How long [`Inbox::stop`] waits for an answer that is being written.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A mail as it came in, with nothing added to it or taken from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Counts up from 1 in the order of arrival; never used again after a mail was dropped.
    pub id: u64,
    /// When the last byte had arrived.
    pub at: DateTime<Utc>,
    /// The envelope's sender (RFC 5321 reverse-path); empty for a bounce.
    pub from: String,
    /// The envelope's recipients, joined by `, `.
    pub to: String,
    /// The content after dot-unstuffing (RFC 5321 section 4.5.2), at most 25 MB.
    pub raw: Vec<u8>,
}

impl fmt::Debug for Received {
    /// Leaves out addresses and content, so that neither slips into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// Which of the two doors an [`InboxError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The SMTP server.
    Smtp,
    /// The web page.
    Page,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smtp => "the inbox's SMTP server",
            Self::Page => "the inbox's web page",
        })
    }
}

/// Why the inbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// Another program listens there already.
    #[error(
        "{door} cannot listen on {address}: the port is in use; \
         stop the program that holds it or choose another port (0 picks a free one)"
    )]
    PortInUse {
        /// The listener that did not start.
        door: Door,
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system refused the address for another reason.
    #[error(
        "{door} cannot listen on {address}; \
         the address must be this machine's, and ports below 1024 need privileges"
    )]
    Refused {
        /// The listener that did not start.
        door: Door,
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A running inbox. Clones share it; it stops when [`Inbox::stop`] is called on one of them or the
/// last one is dropped.
///
/// Keeps the newest 5,000 mails, or fewer if they come to more than 256 MB.
#[derive(Clone)]
pub struct Inbox {
    mailbox: Arc<Mailbox>,
    smtp: SocketAddr,
    page: SocketAddr,
    tasks: TaskTracker,
    stopping: CancellationToken,
    _stop_on_drop: Arc<DropGuard>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("smtp", &self.smtp)
            .field("page", &self.page)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

impl Inbox {
    /// Binds both listeners (port 0 lets the system pick) and serves until stopped.
    ///
    /// `clock` dates the mails and tells the page what "today" is.
    ///
    /// # Errors
    ///
    /// Either address cannot be listened on; then neither server runs.
    pub async fn start(
        smtp: SocketAddr,
        page: SocketAddr,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InboxError> {
        let (smtp_listener, smtp) = bind(Door::Smtp, smtp).await?;
        let (page_listener, page) = bind(Door::Page, page).await?;
        let mailbox = Arc::new(Mailbox::new(Limits::default()));
        let tasks = TaskTracker::new();
        let stopping = CancellationToken::new();

        let server = smtp::Server {
            mailbox: Arc::clone(&mailbox),
            clock: Arc::clone(&clock),
            stopping: stopping.clone(),
        };
        tasks.spawn(server.run(smtp_listener));
        let router = page::router(page::Page::new(Arc::clone(&mailbox), clock, smtp));
        tasks.spawn(page::serve(page_listener, router, stopping.clone()));

        let guard = Arc::new(stopping.clone().drop_guard());
        Ok(Self { mailbox, smtp, page, tasks, stopping, _stop_on_drop: guard })
    }

    /// Where the SMTP server listens, with the real port.
    #[must_use]
    pub const fn smtp_address(&self) -> SocketAddr {
        self.smtp
    }

    /// The web page's address without a slash at the end, such as `http://127.0.0.1:8025`.
    #[must_use]
    pub fn page_url(&self) -> String {
        let mut address = self.page;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// How many mails were accepted since the start, those dropped since included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.mailbox.count()
    }

    /// The mails still kept, newest last.
    #[must_use]
    pub fn received(&self) -> Vec<Arc<Received>> {
        self.mailbox.received()
    }

    /// Stops both servers and ends their connections; the ports are free afterwards.
    ///
    /// An SMTP client in the middle of a command gets a 421. A page that is being written gets up to
    /// two seconds. The mails stay readable through other clones.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn bind(door: Door, address: SocketAddr) -> Result<(TcpListener, SocketAddr), InboxError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => InboxError::PortInUse { door, address },
        _ => InboxError::Refused { door, address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

#[cfg(test)]
mod tests;
