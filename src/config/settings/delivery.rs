//! Where mail goes: `[delivery]` with its relays or folder.
use std::{fs, ops::RangeInclusive, time::Duration};

use super::{super::secret::cannot_read, pace, url};
use crate::{
    config::{
        Delivery, Patience, Sender,
        form::{Length, NAME, OneOf, PATH, TEXT, Whole, Words, YesNo, is_name, not_this},
        secret::SECRET,
        table::{Complained, Table},
    },
    domain::{Credentials, Relay, Secret, Security, Timeouts, doctor::Preflight},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    Relay,
    Folder,
}

const PREFLIGHT: OneOf<Preflight> =
    OneOf(&[("block", Preflight::Block), ("warn", Preflight::Warn), ("off", Preflight::Off)]);

const VIA: OneOf<Via> = OneOf(&[("folder", Via::Folder), ("relay", Via::Relay)]);

/// A day: a daemon that has been silent for longer is not coming back.
const LEASE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// What `[delivery]` says.
pub(super) struct Read {
    pub(super) delivery: Delivery,
    pub(super) patience: Patience,
    pub(super) preflight: Preflight,
}

/// Reads `[delivery]`: where mail goes, how long it may take, and what has it wait.
pub(super) fn read(table: &mut Table<'_>, sender: Option<&Sender>) -> Option<Read> {
    let meaning = "Where mail goes: to each `relay` below, or as files into a `folder`, where nobody gets it.";
    let via = table.needed("via", &VIA, meaning);
    let meaning = "How long a daemon may hold a message before another one takes it over; longer \
                   than each `content_timeout`.";
    let lease = table.or("lease", &Length(LEASE), "\"15 minutes\"", meaning);
    let meaning = "How long after a crash or a broken connection a mail stays in doubt before its \
                   campaign's `in_doubt` is followed; whoever held it may be frozen only.";
    let doubt_grace = table.or("doubt_grace", &Length(LEASE), "\"15 minutes\"", meaning);
    let meaning = "How long a daemon that is told to stop waits for the mails that are just leaving; \
                   what is not confirmed then is in doubt.";
    let stop_timeout = table.or("stop_timeout", &Length(LEASE), "\"11 minutes\"", meaning);
    let meaning = "What follows if something is broken that mail through a relay depends on, which is \
                   looked at before the first mail and each day: `block` sends nothing until it is \
                   sound, `warn` logs it and sends, `off` does not look.";
    let preflight = table.or("preflight", &PREFLIGHT, "\"block\"", meaning);
    let folder = table.section_if(via == Some(Via::Folder), "folder", |table| {
        let meaning = "The folder; it is made if it is not there.";
        table.needed("path", &PATH, meaning).map(|path| table.base().join(path))
    });
    let is_used = via == Some(Via::Relay);
    let relays = table.named_if(is_used, "relay", |table, name| relay(table, name, sender));
    if is_used && !table.has("relay") {
        table.miss("relay", "a section such as `[delivery.relay.main]`");
    }
    let relays: Option<Vec<_>> = relays.into_iter().collect();
    let delivery = match via? {
        Via::Folder => Delivery::Folder(folder?),
        Via::Relay => Delivery::Relays(relays.filter(|relays| !relays.is_empty())?),
    };
    let (lease, doubt_grace, stop_timeout) = (lease?, doubt_grace?, stop_timeout?);
    if let Delivery::Relays(relays) = &delivery
        && let Some(relay) = relays.iter().find(|relay| relay.timeouts.content >= lease)
    {
        let message = format!(
            "expected more than `delivery.relay.{}.content_timeout`, or two daemons could send one \
             message",
            relay.name
        );
        table.complain("lease", message);
    }
    let patience = Patience { lease, doubt_grace, stop_timeout };
    Some(Read { delivery, patience, preflight: preflight? })
}

const HOST: Words<String> = Words {
    expected: "a host name or address such as `smtp.example.com`",
    read: |text| {
        let text = text.trim();
        if url::is_host(text) { Ok(text.to_owned()) } else { Err(not_this(HOST.expected, text)) }
    },
};

const SECURITY: OneOf<Security> = OneOf(&[
    ("starttls", Security::StartTls),
    ("tls", Security::ImplicitTls),
    ("none", Security::Plain),
]);

fn relay(table: &mut Table<'_>, name: &str, sender: Option<&Sender>) -> Option<Relay> {
    if !is_name(name) {
        table.complain("", not_this(NAME.expected, name));
    }
    let host = table.needed("host", &HOST, "The relay; its certificate must carry this name.");
    let otherwise = "587; with `tls` 465; with `none` 25";
    let port = table.optional("port", &Whole(1..=u16::MAX), otherwise, "Its TCP port.");
    let port_is_bad = port.is_none() && table.has("port");
    let security = security(table, host.as_deref());
    let credentials = credentials(table);
    let authority = authority(table);
    let meaning = "The name that this program greets the relay with, usually its own host's.";
    let hello = table.optional("hello", &HOST, "the domain of `sender.address`", meaning);
    let meaning = "Connections held at the same time, and so messages that are in doubt after a \
                   power failure at most.";
    let connections = table.or("connections", &Whole(1..=200_usize), "4", meaning);
    let meaning = "Messages after which a connection is closed; many relays have a limit.";
    let per_connection =
        table.or("messages_per_connection", &Whole(1..=100_000_u32), "50", meaning);
    let meaning = "Age after which a connection is closed.";
    let age = Length(Duration::from_secs(1)..=Duration::from_hours(24));
    let age = table.or("max_connection_age", &age, "\"5 minutes\"", meaning);
    let pace = pace::read(table);
    let timeouts = timeouts(table);
    let warm_up = pace::warm_up(table);
    let (host, security, sender) = (host?, security?, sender?);
    refuse_example(table, &host, sender);
    let usual_port = match security {
        Security::StartTls => 587,
        Security::ImplicitTls => 465,
        Security::Plain => 25,
    };
    let pace = pace?;
    Some(Relay {
        name: name.to_owned(),
        weight: pace.weight,
        rates: pace.rates,
        warm_up: warm_up.ok()?,
        by_provider: pace.by_provider,
        pipelining: pace.pipelining,
        window: pace.window,
        port: if port_is_bad { return None } else { port.unwrap_or(usual_port) },
        host,
        security,
        credentials: credentials.ok()?,
        extra_authority_pem: authority.ok()?,
        hello: hello.unwrap_or_else(|| sender.address.domain().to_owned()),
        timeouts: timeouts?,
        connections: connections?,
        messages_per_connection: per_connection?,
        max_connection_age: age?,
    })
}

/// Without TLS everybody on the way reads the password and the mail, so it has to be asked for.
fn security(table: &mut Table<'_>, host: Option<&str>) -> Option<Security> {
    let meaning = "How the connection is protected: `starttls` and `tls` both insist on a valid \
                   certificate, `none` is for a relay on this machine.";
    let security = table.or("security", &SECURITY, "\"starttls\"", meaning);
    let meaning = "Allows `security = \"none\"` to another machine: everybody on the way can read \
                   the password and the mails.";
    let allow_plain = table.or("allow_plain", &YesNo, "false", meaning);
    let elsewhere = host.is_some_and(|host| !url::is_loopback(host));
    if security == Some(Security::Plain) && allow_plain == Some(false) && elsewhere {
        let message = "`none` is for a relay on this machine; use `starttls` or `tls`, or write \
                       `allow_plain = true` if the way to the relay is safe";
        table.complain("security", message);
    }
    security
}

/// Name and password, if the relay asks for them.
fn credentials(table: &mut Table<'_>) -> Result<Option<Credentials>, Complained> {
    let user = table.optional("user", &TEXT, "no AUTH", "The user name for AUTH.");
    let meaning = "The place of the password for AUTH. A file must be readable by its owner alone.";
    let place = table.optional("password", &SECRET, "no AUTH", meaning);
    match (table.has("user"), table.has("password")) {
        (true, false) => table.miss("password", "the place of one, since there is a `user`"),
        (false, true) => table.miss("user", "one, since there is a `password`"),
        (false, false) => return Ok(None),
        (true, true) => {}
    }
    let password = place.and_then(|place| table.resolve("password", &place));
    let (user, password) = user.zip(password).ok_or(Complained)?;
    Ok(Some(Credentials { user, password: Secret::new(password) }))
}

/// The certificate to trust besides the public ones, if there is one.
fn authority(table: &mut Table<'_>) -> Result<Option<String>, Complained> {
    let meaning =
        "A PEM file with the certificate of an authority to trust besides the public ones.";
    let path = table.optional("authority", &PATH, "the public ones only", meaning);
    if !table.has("authority") {
        return Ok(None);
    }
    let path = table.base().join(path.ok_or(Complained)?);
    let complaint = match fs::read_to_string(&path) {
        Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => return Ok(Some(pem)),
        Ok(_) => format!("`{}` holds no PEM certificate", path.display()),
        Err(error) => cannot_read(&path, &error),
    };
    table.complain("authority", complaint);
    Err(Complained)
}

/// The waits of [`Timeouts`]; their meaning is there.
fn timeouts(table: &mut Table<'_>) -> Option<Timeouts> {
    let form = Length(Duration::from_secs(1)..=Duration::from_hours(1));
    let connect = table.or("connect_timeout", &form, "\"30 seconds\"", "Wait for the connection.");
    let meaning = "Wait for each of greeting, EHLO, TLS and AUTH.";
    let greeting = table.or("greeting_timeout", &form, "\"60 seconds\"", meaning);
    let meaning = "Wait for each of MAIL and RCPT.";
    let envelope = table.or("envelope_timeout", &form, "\"60 seconds\"", meaning);
    let meaning = "Wait for the leave to send the content.";
    let data = table.or("data_timeout", &form, "\"2 minutes\"", meaning);
    let meaning = "Wait for the content to be taken. A message that is not confirmed in this time \
                   is in doubt, so it is better too long than too short.";
    let content = table.or("content_timeout", &form, "\"10 minutes\"", meaning);
    Some(Timeouts {
        connect: connect?,
        greeting: greeting?,
        envelope: envelope?,
        data: data?,
        content: content?,
    })
}

/// Domains that nobody can own (RFC 2606).
fn is_reserved(domain: &str) -> bool {
    let last_two = domain.rsplit('.').take(2).collect::<Vec<_>>();
    matches!(last_two[..], ["com" | "net" | "org", "example"])
        || matches!(last_two[..], ["example" | "test" | "invalid", ..])
}

fn refuse_example(table: &Table<'_>, host: &str, sender: &Sender) {
    if is_reserved(sender.address.domain()) && !url::is_loopback(host) {
        let message = "mail would leave in the name of the example; write your own company and \
                       `sender.address` first";
        table.complain("host", message);
    }
}
