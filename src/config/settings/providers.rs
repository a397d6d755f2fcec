//! `providers.toml`: providers of mailboxes and what they take at once.
use std::collections::HashMap;

use super::url;
use crate::{
    config::{
        form::{ListOf, NAME, RATE, Whole, Words, is_name, not_this},
        table::Table,
    },
    domain::{Provider, Providers},
};

const DOMAIN: Words<String> = Words {
    expected: "the domain of mail addresses such as `example.com`",
    read: |text| {
        let domain = text.trim().to_ascii_lowercase();
        let is_domain = domain.contains('.') && url::is_host(&domain);
        if is_domain { Ok(domain) } else { Err(not_this(DOMAIN.expected, text)) }
    },
};

/// Reads the whole file.
pub(in crate::config) fn read(file: &mut Table<'_>) -> Option<Providers> {
    // Whose each domain is, so that none is two providers' at once.
    let mut owners: HashMap<String, String> = HashMap::new();
    let providers = file.named("provider", |table, name| {
        let provider = provider(table, name)?;
        for (place, domain) in provider.domains.iter().enumerate() {
            if let Some(other) = owners.insert(domain.clone(), name.to_owned()) {
                let message = format!("`{domain}` is here twice, first with `{other}`");
                table.complain_about("domains", place, message);
            }
        }
        Some(provider)
    });
    providers.into_iter().collect::<Option<Vec<_>>>().map(Providers::new)
}

fn provider(table: &mut Table<'_>, name: &str) -> Option<Provider> {
    if !is_name(name) {
        table.complain("", not_this(NAME.expected, name));
    }
    // The name of the group of all other domains (`domain::Route::group_of`).
    if name == "rest" {
        table.complain("", "`rest` is the name of all domains without a provider; choose another");
    }
    let meaning = "The domains of its addresses.";
    let domains = table.needed("domains", &ListOf(DOMAIN), meaning);
    let meaning = "The most connections at the same time.";
    let otherwise = "as many as the relay has";
    let form = Whole(1..=200_usize);
    let connections = table.given_if_any("connections", &form, otherwise, meaning);
    let meaning = "Messages after which a connection is closed.";
    let form = Whole(1..=100_000_u32);
    let per_connection =
        table.given_if_any("messages_per_connection", &form, "as many as the relay takes", meaning);
    let meaning = "The most mails in a second, a minute, an hour or a day; all of them hold.";
    let rates = table.or("rates", &ListOf(RATE), "[]", meaning);
    Some(Provider {
        name: name.to_owned(),
        domains: domains?,
        connections: connections.ok()?,
        messages_per_connection: per_connection.ok()?,
        rates: rates?,
    })
}
