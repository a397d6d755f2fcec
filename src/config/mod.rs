//! Reads the files of a configuration into a [`Config`] that needs no further checks.
//!
//! [`Files`] holds texts, [`Config::parse`] reads all of them before it says a word, so that a
//! [`ConfigError`] lists everything that is wrong, with file, line and key. Each key is declared once,
//! where it is read; [`reference()`] is made of the same declarations.
#![warn(missing_docs)]

mod document;
mod files;
mod form;
mod problem;
mod reference;
mod rules;
mod secret;
mod settings;
mod table;
#[cfg(test)]
mod tests;

use std::{fmt, net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use chrono::TimeDelta;
use chrono_tz::Tz;

pub use files::Files;
pub use problem::{ConfigError, Problem};
pub use reference::reference;
pub use secret::new_secret_key;

use crate::domain::{
    Dkim, EmailAddress, Labels, Locale, Providers, Relay, Rules, Schedule, doctor::Preflight,
    nearest,
};
use document::Document;
use rules::RuleFiles;
use settings::Settings;
use table::Reader;

/// A configuration that has been checked.
pub struct Config {
    /// `sqlite:…` or `postgres://…`, with the path of a file database made whole.
    pub database_url: String,
    /// In whose name mail is written.
    pub company: Company,
    /// Who mail is from.
    pub sender: Sender,
    /// What holds for a contact of whom it is not known.
    pub defaults: Defaults,
    /// Where mail goes.
    pub delivery: Delivery,
    /// What follows if something is broken that mail depends on; of use to relays only.
    pub preflight: Preflight,
    /// How long who waits for whom in sending.
    pub patience: Patience,
    /// How long what is kept.
    pub retention: Retention,
    /// Providers of mailboxes and what they take; of use to relays that go by them.
    pub providers: Providers,
    /// Links and the pixel.
    pub tracking: Tracking,
    /// When recurring work runs.
    pub schedules: Schedules,
    /// A folder whose templates are taken before the built-in ones; it may be absent.
    pub templates: Option<PathBuf>,
    /// How mail is signed; without it the relay signs.
    pub dkim: Option<Dkim>,
    /// What stands before the subject of commercial mail.
    pub labels: Labels,
    /// The rules in force.
    pub rules: Rules,
    /// Changes when the rules may have changed: SHA-256, hexadecimal, of the files of rules and of
    /// the settings that deciding depends on.
    pub rules_fingerprint: String,
}

/// In whose name mail is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// The name, where none is given for a language.
    pub name: String,
    /// The name by language.
    pub names: Vec<(Locale, String)>,
    /// The address of the website, `http` or `https`.
    pub website: Option<String>,
    /// The postal address, which commercial mail must show (CAN-SPAM section 5(a)(5)).
    pub postal_address: String,
    /// The address that people write to who want no more mail.
    pub email: EmailAddress,
}

/// Who mail is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The address in `From`.
    pub address: EmailAddress,
    /// The name in `From`, where none is given for a language.
    pub name: String,
    /// The name in `From` by language.
    pub names: Vec<(Locale, String)>,
    /// Where answers go, if not to `address`.
    pub reply_to: Option<EmailAddress>,
    /// Where bounces go.
    pub return_path: ReturnPath,
}

/// Where bounces go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnPath {
    /// All to this address.
    Fixed(EmailAddress),
    /// Each to an address in this domain that names its mail.
    PerMail(String),
}

impl Company {
    /// The name for readers of `locale`.
    #[must_use]
    pub fn name_in(&self, locale: &Locale) -> &str {
        name_in(&self.names, locale).unwrap_or(&self.name)
    }
}

impl Sender {
    /// The name in `From` for readers of `locale`.
    #[must_use]
    pub fn name_in(&self, locale: &Locale) -> &str {
        name_in(&self.names, locale).unwrap_or(&self.name)
    }
}

fn name_in<'a>(names: &'a [(Locale, String)], locale: &Locale) -> Option<&'a str> {
    let mut tags = locale.fallbacks(locale);
    let in_language = |tag| names.iter().find(|(known, _)| known.as_str() == tag);
    tags.find_map(in_language).map(|(_, name)| name.as_str())
}

/// What holds for a contact of whom it is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Language.
    pub locale: Locale,
    /// Time zone.
    pub zone: Tz,
}

/// Where mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// To these relays, one at least, each with a name of its own.
    Relays(Vec<Relay>),
    /// Into this folder, one file a message; nobody gets it.
    Folder(PathBuf),
}

/// Links and the pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Tracking {
    /// Where contacts reach the listener, without a slash at the end.
    pub base_url: String,
    /// Where the listener waits.
    pub listen: SocketAddr,
    /// Number and key of each signing key; the last one signs, all are believed.
    pub keys: Vec<(u8, [u8; 32])>,
    /// Whether opens and clicks of a contact may be recorded when the list does not say.
    pub default_consent: bool,
}

/// When recurring work runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedules {
    /// The zone of the schedules.
    pub zone: Tz,
    /// Deciding on the contacts that are due.
    pub tick: Schedule,
    /// Putting all contacts into their tiers anew.
    pub reclassify: Schedule,
    /// Dropping old messages and links.
    pub clean_up: Schedule,
}

/// How long who waits for whom in sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a daemon may hold a message before another one takes it; longer than the content of
    /// a message may take.
    pub lease: Duration,
    /// How long a mail stays in doubt before its campaign's policy is followed.
    pub doubt_grace: Duration,
    /// How long a daemon that is told to stop waits for the mails that are just leaving.
    pub stop_timeout: Duration,
}

impl Patience {
    /// How much of a lease may be lost before it is of no use any more: it is renewed as often, a mark
    /// may be as old and a clock as wrong, and two thirds are left for the content of a message.
    #[must_use]
    pub fn slack(&self) -> Duration {
        self.lease / 3
    }
}

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The bytes of a message, after it was written.
    pub bodies: TimeDelta,
    /// The destinations of its tracked links, after its last word.
    pub links: TimeDelta,
}

impl Config {
    /// Reads `files`; relative paths in them are relative to `base`, and `environment` gives the
    /// value of an environment variable.
    ///
    /// Reads the files of secrets that they name, and nothing else.
    ///
    /// # Errors
    ///
    /// With everything that is wrong, if anything is.
    pub fn parse(
        files: &Files,
        base: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut problems = files.unreadable().to_vec();
        let mut documents = Vec::new();
        for (path, text) in files.iter() {
            if is_known(path, &mut problems) {
                documents.push(Document::parse(path, text, &mut problems));
            }
        }
        let reader = Reader::new(base, environment, problems);
        let file = |name: &str| {
            let document = documents.iter().find(|document| document.path == name);
            if document.is_none() {
                miss(&reader, files, name);
            }
            document
        };
        let folder =
            |name| documents.iter().filter(move |d: &&Document<'_>| d.path.starts_with(name));
        let settings = file("perennial.toml").and_then(|f| reader.read(f, settings::read));
        let providers = file("providers.toml").and_then(|f| reader.read(f, settings::providers));
        let rules = RuleFiles {
            tiers: file("tiers.toml"),
            cadence: file("cadence.toml"),
            calendar: file("calendar.toml").into_iter().chain(folder("calendar/")).collect(),
            campaigns: folder("campaigns/").collect(),
        };
        let locale = settings.as_ref().map_or_else(Locale::english, |s| s.defaults.locale.clone());
        let consent = settings.as_ref().map_or_else(Vec::new, |s| s.prior_consent.clone());
        let rules = rules.read(&reader, (locale, consent));
        match (settings, providers, rules, reader.into_problems()) {
            (Some(settings), Some(providers), Some(rules), problems) if problems.is_empty() => {
                Ok(Self::assemble(settings, providers, rules, files))
            }
            (.., problems) => Err(ConfigError::new(problems)),
        }
    }

    /// The address of the database, whatever else is wrong with `files`; for those who only look.
    pub fn database_url_of(
        files: &Files,
        base: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let (_, text) = files.iter().find(|(path, _)| *path == "perennial.toml")?;
        let mut problems = Vec::new();
        let document = Document::parse("perennial.toml", text, &mut problems);
        let reader = Reader::new(base, environment, problems);
        reader.read(&document, settings::database_url)
    }

    fn assemble(settings: Settings, providers: Providers, rules: Rules, files: &Files) -> Self {
        Self {
            rules_fingerprint: rules::fingerprint(
                files,
                &settings.defaults,
                &settings.prior_consent,
            ),
            database_url: settings.database_url,
            company: settings.company,
            sender: settings.sender,
            defaults: settings.defaults,
            delivery: settings.delivery,
            preflight: settings.preflight,
            patience: settings.patience,
            retention: settings.retention,
            providers,
            tracking: settings.tracking,
            schedules: settings.schedules,
            templates: settings.templates,
            dkim: settings.dkim,
            labels: settings.labels,
            rules,
        }
    }
}

/// The files that every configuration has, besides those in its folders.
const FILE_NAMES: [&str; 5] =
    ["perennial.toml", "providers.toml", "tiers.toml", "cadence.toml", "calendar.toml"];

fn is_known(path: &str, problems: &mut Vec<Problem>) -> bool {
    let name_in = |folder| path.strip_prefix(folder)?.strip_suffix(".toml");
    let complaint = match (name_in("campaigns/"), name_in("calendar/")) {
        (Some(name), _) if form::is_name(name) => return true,
        (Some(_), _) => "expected a file name of small letters, digits, `-` and `_`".to_owned(),
        // Countries have capital letters.
        (_, Some(name)) if form::is_name(&name.to_ascii_lowercase()) => return true,
        (_, Some(_)) => "expected a file name of letters, digits, `-` and `_`".to_owned(),
        (None, None) if FILE_NAMES.contains(&path) => return true,
        (None, None) => {
            let meant = nearest(path, FILE_NAMES.into_iter());
            let meant = meant.map_or_else(|| FILE_NAMES.join("`, `"), ToOwned::to_owned);
            format!(
                "no file of this name is read, expected `{meant}` or one in `campaigns/` or \
                 `calendar/`"
            )
        }
    };
    problems.push(Problem::of_file(path, complaint));
    false
}

fn miss(reader: &Reader<'_>, files: &Files, name: &str) {
    let is_unreadable = files.unreadable().iter().any(|problem| problem.file == name);
    if !is_unreadable {
        let message = "there is no such file; `perennial init` writes it";
        reader.report(Problem::of_file(name, message));
    }
}

/// Says nothing of the database, whose address may hold a password, nor of keys.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("rules_fingerprint", &self.rules_fingerprint)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking")
            .field("base_url", &self.base_url)
            .field("listen", &self.listen)
            .field("default_consent", &self.default_consent)
            .finish_non_exhaustive()
    }
}
