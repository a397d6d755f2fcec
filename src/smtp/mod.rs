//! Bytes to a relay, and what became of them.
//!
//! Owns connections, their phases and their time limits. Deliberately absent: what a contact or a
//! campaign is, when to try again, and what a refusal means; an [`Outcome`] is handed back and
//! judged elsewhere. lettre spells the commands; its connection, its pool and its transport are not
//! used, since they cannot say two commands at once and lose replies when a future is dropped.
//!
//! **Invariant:** a reply is never attributed to another message than the one it answers.
mod abilities;
mod connection;
#[cfg(test)]
mod faults;
mod folder;
mod open;
mod parcel;
mod pool;
mod probe;
mod refusal;
mod reply;
#[cfg(test)]
mod testing;
mod tls;
mod wire;

use std::{fmt, future::Future, path::PathBuf, sync::Arc};

pub use connection::Connection;
pub use parcel::{Lane, Parcel};
pub use pool::{RelayPool, Session};
pub use probe::{ProbeError, Probed, probe};

use crate::domain::{Envelope, Outcome, Phase, Relay};

/// All ways out for mail.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To relays, one at least.
    Relays(Vec<Arc<RelayPool>>),
    /// Into a folder, one `.eml` file for each message.
    Folder(PathBuf),
}

impl Transport {
    /// To these relays.
    #[must_use]
    pub fn to_relays(relays: &[Relay]) -> Self {
        Self::Relays(relays.iter().map(|relay| Arc::new(RelayPool::new(relay.clone()))).collect())
    }

    /// Sends one message alone, through the first of several relays.
    ///
    /// `stem` names the message among all others; a folder makes its file name of it.
    /// `before_content` runs at most once, and no octet of `message` leaves unless it succeeded.
    pub async fn send<F, E>(
        &self,
        envelope: &Envelope,
        message: &[u8],
        stem: &str,
        before_content: F,
    ) -> Outcome
    where
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        match self {
            Self::Relays(pools) => {
                let Some(pool) = pools.first() else {
                    let cause = "there is no relay".to_owned();
                    return Outcome::NotSent { phase: Phase::Connect, cause };
                };
                pool.send(envelope, message, before_content).await
            }
            Self::Folder(folder) => folder::write(folder, message, stem, before_content).await,
        }
    }

    /// Says goodbye on idle connections.
    pub async fn close(&self) {
        match self {
            Self::Relays(pools) => {
                for pool in pools {
                    pool.close().await;
                }
            }
            Self::Folder(_) => {}
        }
    }
}
