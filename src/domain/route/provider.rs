//! Providers of mailboxes, whose servers judge us by all the mail that their users get from us.

use super::Rate;

/// What one provider takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The name that the configuration gives it.
    pub name: String,
    /// The domains of its addresses, in small letters.
    pub domains: Vec<String>,
    /// The most connections at the same time, at least 1.
    pub connections: Option<usize>,
    /// The most messages on one connection, at least 1.
    pub messages_per_connection: Option<u32>,
    /// The most mails in a time; all of them hold.
    pub rates: Vec<Rate>,
}

/// All providers that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers(Vec<Provider>);

impl Providers {
    /// These providers; a domain belongs to the first that names it.
    #[must_use]
    pub const fn new(providers: Vec<Provider>) -> Self {
        Self(providers)
    }

    /// The provider of the addresses at `domain`, whatever the case of its letters.
    #[must_use]
    pub fn of(&self, domain: &str) -> Option<&Provider> {
        let has = |provider: &&Provider| {
            provider.domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
        };
        self.0.iter().find(has)
    }

    /// The provider called `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}
