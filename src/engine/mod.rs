//! The use cases, one file per verb. Each one reads, decides, writes, and nobody else writes.
mod audit;
mod configuration;
mod difference;
mod dispatch;
mod doctor;
mod doubt;
mod explain;
mod forecast;
mod import;
mod letter;
mod live;
mod plan;
mod preflight;
mod preview;
mod reclassify;
mod record;
mod report;
mod retention;
mod safety;
mod surprises;

use std::sync::Arc;

pub use crate::store::{HaltCause, HeldBack};
pub use audit::{AuditError, AuditSources, Audited, audit};
pub use difference::{Difference, Example, Shift};
pub use dispatch::{Dispatched, Stop};
pub use doctor::{Patient, examine};
pub use doubt::Resolved;
pub use explain::Explanation;
pub use forecast::{Foreseen, Outlook, Readers};
pub use import::{ImportOptions, ImportProgress, ImportReport, RefusedRow};
pub use live::Live;
pub use plan::Planned;
pub use preflight::{Inspected, Inspector};
pub use preview::Preview;
pub use reclassify::Reclassified;
pub use record::Recorded;
pub use report::Reported;
pub use retention::Dropped;
pub use safety::Glance;

use crate::{
    clock::Clock,
    config::Config,
    domain::{EmailAddress, Keyring},
    mail::Templates,
    smtp::Transport,
    store::{SnapshotOptions, Store, StoreError},
};

/// Everything that a use case needs. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The settings and the rules in force.
    pub config: Arc<Config>,
    /// The texts.
    pub templates: Arc<Templates>,
    /// The keys that sign links.
    pub keyring: Arc<Keyring>,
    /// The way out.
    pub transport: Arc<Transport>,
}

/// Why a use case could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file to import.
    #[error(transparent)]
    Sheet(#[from] crate::sheet::SheetError),
    /// The columns of a file to import.
    #[error("the columns of the file cannot be used:{}", listed(.0))]
    Columns(Vec<crate::domain::ColumnProblem>),
    /// There is no contact with this address. The message shows it, since the person who asked
    /// has just typed it.
    #[error("there is no contact with the address {}; import the list first, or check the spelling", .0.as_str())]
    NoSuchContact(EmailAddress),
    /// A contact was taken out of the database while it was looked at.
    #[error("a contact was erased while it was looked at; try again")]
    Vanished,
    /// There is no such campaign.
    #[error("there is no campaign `{0}`; there are: {1}")]
    NoSuchCampaign(String, String),
    /// A campaign's template is missing in every language that could be used.
    #[error(
        "campaign `{campaign}` has no template `{template}` for {locale} or the default language"
    )]
    NoTemplate {
        /// The campaign's key.
        campaign: String,
        /// The template's name.
        template: String,
        /// The language that was looked for.
        locale: String,
    },
    /// A template could not be rendered.
    #[error("the mail could not be rendered")]
    Render(#[from] crate::mail::RenderError),
    /// A message could not be built.
    #[error("the mail could not be built")]
    Compose(#[from] crate::mail::ComposeError),
    /// The message of an earlier attempt cannot be read any more. Another one must not take its place.
    #[error(
        "the stored message of an earlier attempt is damaged, and no other one may take its place"
    )]
    Damaged(#[source] std::io::Error),
    /// A test mail was not accepted.
    #[error("the test mail was not accepted: {0}")]
    TestRefused(String),
    /// An operator has to look first.
    #[error("nothing is decided or sent since {}: {}; look at it, then run `perennial resume`", .0.since.format("%Y-%m-%d %H:%M UTC"), .0.why.in_english())]
    Halted(crate::store::Halt),
    /// Leases are held by the time of day, so that daemons whose clocks differ take mails from one
    /// another that are being sent.
    #[error(
        "nothing is sent: the clock here is {} the database server's by {seconds} seconds, and more than {most}, a third of `delivery.lease`, is not safe; set both clocks by NTP",
        if *.ahead { "ahead of" } else { "behind" }
    )]
    Skewed {
        /// Whether ours is ahead.
        ahead: bool,
        /// By how much they differ.
        seconds: i64,
        /// By how much they may.
        most: i64,
    },
    /// What the last daemon could not write down lies in a file.
    #[error("the outcomes that the last daemon could not write down cannot be read")]
    Outcomes(#[source] std::io::Error),
    /// A worker of ours panicked.
    #[error("a worker stopped unexpectedly")]
    Worker,
}

/// An error and what caused it, on one line, for logs and for people.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn listed<T: std::fmt::Display>(problems: &[T]) -> String {
    problems.iter().fold(String::new(), |text, problem| format!("{text}\n  {problem}"))
}

/// Contacts that are read, decided and written together. Bounds memory; large enough that a page
/// costs a few milliseconds and not a round trip per contact.
const PAGE: u32 = 1000;

impl Engine {
    /// How decisions under the rules in force look at contacts.
    #[must_use]
    pub fn snapshot_options(&self) -> SnapshotOptions {
        let Config { defaults, rules, .. } = &*self.config;
        let (locale, zone) = (defaults.locale.clone(), defaults.zone);
        SnapshotOptions { locale, zone, needs: rules.needs() }
    }

    /// Whether opens and clicks of a contact may be recorded: what the contact said, else what the
    /// configuration says.
    fn may_track(&self, said: Option<bool>) -> bool {
        said.unwrap_or(self.config.tracking.default_consent)
    }
}
