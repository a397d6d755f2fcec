//! `perennial.toml`: the company, its mail, and the machine it runs on.
mod delivery;
mod dkim;
mod pace;
mod providers;
mod url;

use std::{net::SocketAddr, path::PathBuf};

use super::{
    Company, Defaults, Delivery, Patience, Retention, ReturnPath, Schedules, Sender, Tracking,
    form::{
        ADDRESS, ByCountry, ByLanguage, COUNTRY, Days, LOCALE, ListOf, PATH, SCHEDULE, TEXT, TICK,
        Words, YesNo, ZONE,
    },
    secret::{self, SECRET},
    table::{Complained, Table},
};
use crate::domain::{BOUNCE_LENGTH, Dkim, EmailAddress, Labels, doctor::Preflight, organisation};

pub(super) use providers::read as providers;

/// All of `perennial.toml`.
pub(super) struct Settings {
    pub(super) database_url: String,
    pub(super) company: Company,
    pub(super) sender: Sender,
    pub(super) defaults: Defaults,
    pub(super) delivery: Delivery,
    pub(super) preflight: Preflight,
    pub(super) patience: Patience,
    pub(super) retention: Retention,
    pub(super) tracking: Tracking,
    pub(super) schedules: Schedules,
    pub(super) templates: Option<PathBuf>,
    pub(super) dkim: Option<Dkim>,
    pub(super) labels: Labels,
    pub(super) prior_consent: Vec<String>,
}

/// Reads the whole file.
pub(super) fn read(file: &mut Table<'_>) -> Option<Settings> {
    let meaning = "What stands at the front of the subject of commercial mail, by the country of \
                   its reader; an empty text is none.";
    let labels = file.or("labels", &ByCountry, "{ CN = \"广告\" }", meaning);
    let database_url = database_url(file);
    let company = file.section("company", company);
    let sender = file.section("sender", sender);
    let defaults = file.section("defaults", defaults);
    let delivery = file.section("delivery", |table| delivery::read(table, sender.as_ref()));
    let retention = file.section("retention", retention);
    let tracking = file.section("tracking", tracking);
    let zone = defaults.as_ref().map(|(defaults, _)| defaults.zone);
    let schedules = file.section("schedule", |table| {
        let otherwise = "`defaults.zone`";
        let own = table.optional("zone", &ZONE, otherwise, "The time zone of these schedules.");
        let meaning = "When contacts that are due are decided on.";
        let tick = table.or("tick", &TICK, "\"* * * * *\"", meaning);
        let meaning = "When all contacts are put into their tiers anew.";
        let reclassify = table.or("reclassify", &SCHEDULE, "\"10 2 * * *\"", meaning);
        let meaning = "When old messages and links are dropped.";
        let clean_up = table.or("clean_up", &SCHEDULE, "\"40 2 * * *\"", meaning);
        let own_is_bad = own.is_none() && table.has("zone");
        let zone = if own_is_bad { None } else { own.or(zone) };
        Some(Schedules { zone: zone?, tick: tick?, reclassify: reclassify?, clean_up: clean_up? })
    });
    let templates = file.section("templates", |table| {
        let meaning = "A folder of templates; a file in it takes the place of the built-in one of \
                       the same name.";
        let folder = table.optional("folder", &PATH, "only the built-in ones", meaning);
        Some(folder.map(|folder| table.base().join(folder)))
    });
    let is_signed = file.has("dkim");
    let dkim = file.section_if(is_signed, "dkim", |table| dkim::read(table, sender.as_ref()));
    let prior_consent = file.section("consent", consent);
    let (defaults, may_track) = defaults?;
    let delivery::Read { delivery, patience, preflight } = delivery?;
    Some(Settings {
        database_url: database_url?,
        company: company?,
        sender: sender?,
        defaults,
        delivery,
        preflight,
        patience,
        retention: retention?,
        tracking: Tracking { default_consent: may_track, ..tracking? },
        schedules: schedules?,
        templates: templates?,
        dkim,
        labels: Labels::new(labels?),
        prior_consent: prior_consent?,
    })
}

/// The address of the database alone.
pub(super) fn database_url(file: &mut Table<'_>) -> Option<String> {
    file.section("database", database)
}

fn database(table: &mut Table<'_>) -> Option<String> {
    let meaning = "The database. A file database is made if it is not there. An address that \
                   holds a password is given as `env:NAME` or `file:PATH`.";
    let written = table.needed("url", &url::DATABASE, meaning)?;
    let url = match (SECRET.read)(&written) {
        Ok(place) => table.resolve("url", &place)?,
        Err(_) => written,
    };
    url::database(&url, table.base()).map_err(|message| table.complain("url", message)).ok()
}

fn company(table: &mut Table<'_>) -> Option<Company> {
    let name = table.needed("name", &TEXT, "The company, as mails name it.");
    let meaning = "Its name in other languages; `zh` also serves `zh-CN`.";
    let names = table.or("names", &ByLanguage, "{}", meaning);
    let website = table.optional("website", &url::WEBSITE, "not shown", "Its website.");
    let meaning = "Its postal address on one line. Commercial mail must show it.";
    let postal_address = table.needed("postal_address", &TEXT, meaning);
    let meaning = "The address shown to people who want no more mail, and for questions.";
    let email = table.needed("email", &ADDRESS, meaning);
    let (name, names, postal_address) = (name?, names?, postal_address?);
    Some(Company { name, names, website, postal_address, email: email? })
}

fn sender(table: &mut Table<'_>) -> Option<Sender> {
    let meaning = "The address that mail is from. SPF, DKIM and DMARC must allow its domain to the \
                   relay.";
    let address = table.needed("address", &ADDRESS, meaning);
    let name = table.needed("name", &TEXT, "The name that mail is from.");
    let names = table.or("names", &ByLanguage, "{}", "That name in other languages.");
    let meaning = "Where answers go.";
    let reply_to = table.optional("reply_to", &ADDRESS, "`sender.address`", meaning);
    let return_path = return_path(table, address.as_ref());
    Some(Sender {
        address: address?,
        name: name?,
        names: names?,
        reply_to,
        return_path: return_path.ok()?,
    })
}

fn return_path(
    table: &mut Table<'_>,
    sender: Option<&EmailAddress>,
) -> Result<ReturnPath, Complained> {
    let meaning = "Where bounces go; somebody or something must read it.";
    let fixed = table.given_if_any("return_path", &ADDRESS, "`sender.address`", meaning);
    let meaning = "A domain of yours in which every mail has a return path of its own, by which a \
                   bounce names its mail. Mail to any address in it must reach `perennial inbound`.";
    let otherwise = "all bounces go to `return_path`";
    let own = table.given_if_any("bounces", &url::DOMAIN, otherwise, meaning);
    if table.has("return_path") && table.has("bounces") {
        table.complain("bounces", "expected only without `return_path`: a bounce has one way home");
    }
    let (fixed, own, sender) = (fixed?, own?, sender.ok_or(Complained)?);
    let Some(domain) = own else {
        return Ok(ReturnPath::Fixed(fixed.unwrap_or_else(|| sender.clone())));
    };
    let (ours, theirs) = (organisation(sender.domain()), organisation(&domain));
    if ours != theirs {
        let message = format!(
            "expected `{ours}` or a name below it, as `sender.address` has it: to receivers, SPF of \
             another domain proves nothing (DMARC)"
        );
        table.complain("bounces", message);
    }
    let longest = format!("{}@{domain}", "b".repeat(BOUNCE_LENGTH));
    if longest.parse::<EmailAddress>().is_err() {
        table.complain("bounces", "expected a shorter name: addresses in it are too long for mail");
    }
    Ok(ReturnPath::PerMail(domain))
}

fn defaults(table: &mut Table<'_>) -> Option<(Defaults, bool)> {
    let meaning = "The language of a contact of whom it is not known, and the last one in which a \
                   template is looked for.";
    let locale = table.or("locale", &LOCALE, "\"en\"", meaning);
    let meaning = "The time zone of a contact of whom it is not known.";
    let zone = table.or("zone", &ZONE, "\"UTC\"", meaning);
    let meaning = "Whether opens and clicks of a contact may be recorded when the list does not \
                   say. In the European Union that needs the consent of each contact.";
    let may_track = table.or("may_track", &YesNo, "false", meaning);
    Some((Defaults { locale: locale?, zone: zone? }, may_track?))
}

fn consent(table: &mut Table<'_>) -> Option<Vec<String>> {
    let meaning = "Countries in which commercial mail is sent only to contacts with `may_send = yes` \
                   on record, two capital letters each; elsewhere no record is no refusal.";
    table.or("commercial", &ListOf(COUNTRY), "[\"CN\"]", meaning)
}

fn retention(table: &mut Table<'_>) -> Option<Retention> {
    let meaning = "How long the bytes of a message are kept, for a repeated attempt and for whoever \
                   asks what was sent; the ledger keeps its row for good.";
    let bodies = table.or("bodies", &Days { from: 1 }, "\"30 days\"", meaning);
    let meaning = "How long the links in a mail lead where they led; afterwards a page says that \
                   they have expired. Ways out never expire.";
    let links = table.or("links", &Days { from: 1 }, "\"400 days\"", meaning);
    Some(Retention { bodies: bodies?.as_delta(), links: links?.as_delta() })
}

/// An address to listen on.
const LISTEN: Words<SocketAddr> = Words {
    expected: "an address and a port such as `127.0.0.1:8025`",
    read: |text| text.parse().map_err(|_| super::form::not_this(LISTEN.expected, text)),
};

fn tracking(table: &mut Table<'_>) -> Option<Tracking> {
    let meaning = "Where contacts reach this program: the pixel, links and the way out begin \
                   with it. Plain `http` is for this machine alone.";
    let base_url = table.needed("base_url", &url::BASE, meaning);
    let meaning = "Where this program waits for them; a web server with TLS stands before it.";
    let listen = table.or("listen", &LISTEN, "\"127.0.0.1:8025\"", meaning);
    let meaning = "The keys that sign links: lines of `NUMBER:KEY`, a number from 0 to 255 and 64 \
                   hexadecimal digits. The last line signs, all are believed. `init` writes one.";
    let key = table.needed("key", &SECRET, meaning);
    let keys = key.and_then(|place| {
        let text = table.resolve("key", &place)?;
        secret::keys(&text).map_err(|message| table.complain("key", message)).ok()
    });
    let (base_url, listen, keys) = (base_url?, listen?, keys?);
    Some(Tracking { base_url, listen, keys, default_consent: false })
}
