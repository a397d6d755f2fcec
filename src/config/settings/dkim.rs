//! In whose name mail is signed: `[dkim]`.
use super::url;
use crate::{
    config::{
        Sender,
        form::{Words, not_this},
        secret::SECRET,
        table::Table,
    },
    domain::{Dkim, DkimKey, DkimKeyError, ed25519_key, is_within, organisation, rsa_key},
};

/// The name below `_domainkey` under which a key is published (RFC 6376 section 3.1).
const SELECTOR: Words<String> = Words {
    expected: "a name for the DNS such as `s2026`",
    read: |text| {
        let fits = text.len() <= 63 && !text.starts_with('.') && !text.ends_with('.');
        if fits && url::is_host(text) && !text.contains([':', '[', '_']) {
            Ok(text.to_ascii_lowercase())
        } else {
            Err(not_this(SELECTOR.expected, text))
        }
    },
};

/// Reads `[dkim]`, which is there if mail is to be signed here.
pub(super) fn read(table: &mut Table<'_>, sender: Option<&Sender>) -> Option<Dkim> {
    let meaning = "The name below `_domainkey` in the DNS under which the RSA key is published.";
    let selector = table.needed("selector", &SELECTOR, meaning);
    let meaning = "The domain that signs: that of `sender.address`, or one above it.";
    let domain = table
        .given_if_any("domain", &url::DOMAIN, "the domain of `sender.address`", meaning)
        .ok()?;
    let meaning = "The place of the RSA key of 2048 to 4096 bits, in PEM. A file must be readable by \
                   its owner alone.";
    let rsa = key(table, "key", rsa_key, meaning);
    let meaning = "The name under which the Ed25519 key is published, another one than `selector`.";
    let second = table.optional("ed25519_selector", &SELECTOR, "one signature, with RSA", meaning);
    let meaning = "The place of an Ed25519 key in PEM, for a second signature.";
    let ed25519 = key_if_any(table, "ed25519_key", ed25519_key, meaning);
    match (table.has("ed25519_selector"), table.has("ed25519_key")) {
        (true, false) => table.miss("ed25519_key", "its place, since there is a selector for it"),
        (false, true) => table.miss("ed25519_selector", "one, since there is an `ed25519_key`"),
        _ => {}
    }
    if second.is_some() && second == selector {
        table.complain(
            "ed25519_selector",
            "expected another name than `selector`: a name has one key",
        );
    }
    let sender = sender?.address.domain();
    let domain = domain.unwrap_or_else(|| sender.to_owned());
    if !is_within(sender, &domain) || !is_within(&domain, organisation(sender)) {
        let message = format!(
            "expected `{sender}`, which is the domain of `sender.address`, or one \
                               above it that is yours"
        );
        table.complain("domain", message);
    }
    let rsa = DkimKey { selector: selector?, pair: rsa? };
    let ed25519 = second.zip(ed25519).map(|(selector, pair)| DkimKey { selector, pair });
    Some(Dkim { domain, rsa, ed25519 })
}

fn key<K>(
    table: &mut Table<'_>,
    name: &'static str,
    parse: fn(&str) -> Result<K, DkimKeyError>,
    meaning: &'static str,
) -> Option<K> {
    let place = table.needed(name, &SECRET, meaning)?;
    let pem = table.resolve(name, &place)?;
    parse(&pem).map_err(|error| table.complain(name, format!("the secret {error}"))).ok()
}

fn key_if_any<K>(
    table: &mut Table<'_>,
    name: &'static str,
    parse: fn(&str) -> Result<K, DkimKeyError>,
    meaning: &'static str,
) -> Option<K> {
    let place = table.optional(name, &SECRET, "one signature, with RSA", meaning)?;
    let pem = table.resolve(name, &place)?;
    parse(&pem).map_err(|error| table.complain(name, format!("the secret {error}"))).ok()
}
