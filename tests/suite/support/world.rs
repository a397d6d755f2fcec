//! A running engine with a clock of its own.
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock},
};

use chrono::TimeDelta;
use mail_parser::MessageParser;
use perennial::{
    clock::ManualClock,
    config::{Config, Delivery, Files, new_secret_key},
    daemon::{Round, round},
    domain::{ImportKind, Keyring},
    engine::{Dispatched, Engine, EngineError, ImportOptions, ImportReport, RefusedRow, Stop},
    mail::Templates,
    smtp::Transport,
    store::Store,
};
use tempfile::TempDir;

use super::{at, database::Database};

/// A Thursday on which Ada has her birthday, after everybody's own minute of the send window and just
/// before it closes.
pub(crate) const BIRTHDAY: &str = "2026-05-14T16:59:30Z";

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    folder: TempDir,
}

/// How a [`World`] differs from the ordinary one, which writes mails into a folder.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    pub(crate) relay: Option<SocketAddr>,
    /// What is to follow if something is broken that mail depends on; nobody looks if it is not given.
    pub(crate) preflight: Option<&'a str>,
    /// Where links lead; nobody listens there if it is not given.
    pub(crate) listener: Option<SocketAddr>,
    /// Templates to put over the embedded ones, by path.
    pub(crate) templates: &'a [(&'a str, String)],
    /// Files of the configuration to put over the embedded ones.
    pub(crate) rules: &'a [(&'a str, &'a str)],
    /// More lines of `[sender]`.
    pub(crate) sender: &'a str,
    /// More sections of `perennial.toml`; `env:DKIM` is a key that signs mail.
    pub(crate) sections: &'a str,
}

impl World {
    pub(crate) fn new(db: &Database) -> Self {
        Self::with(db, &Setup::default())
    }

    pub(crate) fn relaying_to(db: &Database, relay: SocketAddr) -> Self {
        Self::with(db, &Setup { relay: Some(relay), ..Setup::default() })
    }

    pub(crate) fn with(db: &Database, setup: &Setup<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::starting_at(at(BIRTHDAY)));
        let config = Arc::new(config(folder.path(), setup));
        let templates = templates(folder.path(), setup);
        let engine = Engine {
            store: db.store.clone(),
            clock: Arc::clone(&clock) as Arc<_>,
            templates,
            keyring: Arc::new(Keyring::new(config.tracking.keys.iter().copied()).unwrap()),
            transport: Arc::new(match &config.delivery {
                Delivery::Relays(relays) => Transport::to_relays(relays),
                Delivery::Folder(path) => Transport::Folder(path.clone()),
            }),
            config,
        };
        Self { engine, clock, folder }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.engine.store
    }

    pub(crate) fn wait(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Sends what is due.
    pub(crate) async fn dispatch(&self) -> Dispatched {
        self.engine.dispatch(&Stop::default()).await.unwrap()
    }

    /// One round of everything, as the daemon does it.
    pub(crate) async fn round(&self) -> Round {
        round(&self.engine, None, &Stop::default()).await.unwrap()
    }

    /// Imports `csv` and gives back what was refused.
    pub(crate) async fn import(
        &self,
        kind: ImportKind,
        csv: impl AsRef<[u8]>,
    ) -> (ImportReport, Vec<RefusedRow>) {
        let path = self.folder.path().join("list.csv");
        fs::write(&path, csv).unwrap();
        self.import_file(&path, kind, false).await
    }

    /// Imports `csv`, of which nothing may be usable.
    pub(crate) async fn try_import(
        &self,
        kind: ImportKind,
        csv: impl AsRef<[u8]>,
    ) -> Result<ImportReport, EngineError> {
        let path = self.folder.path().join("list.csv");
        fs::write(&path, csv).unwrap();
        let options = ImportOptions { kind, columns: Vec::new(), dry_run: false };
        self.engine.import(&path, &options, &mut |_| (), &mut |_| ()).await
    }

    pub(crate) async fn import_file(
        &self,
        path: &Path,
        kind: ImportKind,
        dry_run: bool,
    ) -> (ImportReport, Vec<RefusedRow>) {
        let options = ImportOptions { kind, columns: Vec::new(), dry_run };
        let mut refused = Vec::new();
        let mut refuse = |row| refused.push(row);
        let report = self.engine.import(path, &options, &mut refuse, &mut |_| ()).await;
        (report.unwrap(), refused)
    }

    /// Imports contacts, all of whose lines are good.
    pub(crate) async fn contacts(&self, csv: impl AsRef<[u8]>) {
        let (_, refused) = self.import(ImportKind::Contacts, csv).await;
        assert_eq!(refused, []);
    }

    /// The mails in the folder, in the order of their outreach.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let Delivery::Folder(folder) = &self.engine.config.delivery else { return Vec::new() };
        let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| Mail::parse(&fs::read(path).unwrap())).collect()
    }
}

/// The embedded templates, which take half a second to load, are shared by all worlds.
fn templates(folder: &Path, setup: &Setup<'_>) -> Arc<Templates> {
    static EMBEDDED: LazyLock<Arc<Templates>> =
        LazyLock::new(|| Arc::new(Templates::load(None).unwrap()));
    if setup.templates.is_empty() {
        return Arc::clone(&EMBEDDED);
    }
    let folder = folder.join("templates");
    for (path, text) in setup.templates {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Arc::new(Templates::load(Some(&folder)).unwrap())
}

/// A list of this many contacts who have their birthday on [`BIRTHDAY`].
pub(crate) fn birthdays(count: usize) -> String {
    birthdays_at(count, |_| "example.org")
}

fn config(base: &Path, setup: &Setup<'_>) -> Config {
    let delivery = match setup.relay {
        None => "via = 'folder'\n[delivery.folder]\npath = 'out'".to_owned(),
        Some(relay) => format!(
            "via = 'relay'\npreflight = '{}'\n[delivery.relay.main]\nhost = '{}'\nport = {}\n\
             security = 'none'",
            setup.preflight.unwrap_or("off"),
            relay.ip(),
            relay.port()
        ),
    };
    let listener = setup.listener.map_or("localhost:8025".to_owned(), |at| at.to_string());
    let settings = format!(
        "[database]
         url = 'sqlite:not-used.db'
         [company]
         name = 'Example Company'
         website = 'https://www.example.com/'
         postal_address = '1 Example Street'
         email = 'hello@example.com'
         [sender]
         address = 'hello@example.com'
         name = 'Example Company'
         {}
         [defaults]
         locale = 'en'
         zone = 'UTC'
         may_track = true
         [tracking]
         base_url = 'http://{listener}'
         key = 'env:KEY'
         [delivery]
         {delivery}
{}",
        setup.sender, setup.sections
    );
    let mut files = Files::embedded().with("perennial.toml", &settings);
    for (path, text) in setup.rules {
        files = files.with(path, text);
    }
    let environment = |name: &str| match name {
        "KEY" => Some(new_secret_key([7; 32])),
        "DKIM" => Some(include_str!("../../data/dkim/rsa.pem").to_owned()),
        _ => None,
    };
    Config::parse(&files, base, &environment).unwrap_or_else(|error| panic!("{error}"))
}

/// A mail as its reader's program sees it.
pub(crate) struct Mail {
    /// Every address, joined by `, `.
    pub(crate) to: String,
    pub(crate) to_name: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// In the order of the mail.
    pub(crate) header_names: Vec<String>,
    pub(crate) raw: String,
}

impl Mail {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let message = MessageParser::new().parse(raw).unwrap();
        let to: Vec<_> = message.to().unwrap().iter().collect();
        let addresses: Vec<_> = to.iter().map(|to| to.address().unwrap()).collect();
        Self {
            to: addresses.join(", "),
            to_name: to[0].name().unwrap_or_default().to_owned(),
            subject: message.subject().unwrap().to_owned(),
            text: message.body_text(0).unwrap().into_owned(),
            html: message.body_html(0).unwrap().into_owned(),
            header_names: message.headers().iter().map(|header| header.name().to_owned()).collect(),
            raw: String::from_utf8(raw.to_vec()).unwrap(),
        }
    }

    /// The first address of the listener in the HTML under this path, such as `/c/`.
    pub(crate) fn link(&self, path: &str) -> Option<&str> {
        let start = self.html.match_indices("http://").map(|(start, _)| &self.html[start..]);
        let urls = start.filter_map(|rest| rest.split(['"', '<', ' ']).next());
        urls.into_iter().find(|url| url.contains(path))
    }
}

/// A list of so many people whose birthday is [`BIRTHDAY`], each in the domain that `domain` says.
pub(crate) fn birthdays_at<'a>(count: usize, domain: impl Fn(usize) -> &'a str) -> String {
    (0..count).fold("email,birthday\n".to_owned(), |list, n| {
        list + &format!("p{n}@{},1990-05-14\n", domain(n))
    })
}
