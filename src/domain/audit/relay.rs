//! What a relay took, as its own ledger says.
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::OutreachId;

/// Which mail a Message-ID of ours belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageId {
    /// The mail.
    pub mail: OutreachId,
    /// The random number of its row.
    pub nonce: i64,
}

impl MessageId {
    /// Reads `<ID.NONCE@DOMAIN>`, with or without the brackets: the number of the row, its random
    /// number as 16 hexadecimal digits, and one of our `domains`. None if it is not ours.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::audit::MessageId;
    /// let ours = ["example.com".to_owned()];
    /// let id = MessageId::of("<42.00000000000000ff@example.com>", &ours).unwrap();
    /// assert_eq!((id.mail.0, id.nonce), (42, 255));
    /// assert_eq!(MessageId::of("<test.5f.birthday@example.com>", &ours), None);
    /// ```
    #[must_use]
    pub fn of(text: &str, domains: &[String]) -> Option<Self> {
        const NONCE_DIGITS: usize = 16;
        let bare = text.trim();
        let bare = bare.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(bare);
        let (left, domain) = bare.split_once('@')?;
        if !domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain)) {
            return None;
        }
        let (id, nonce) = left.split_once('.')?;
        let is_nonce = nonce.len() == NONCE_DIGITS && nonce.bytes().all(|b| b.is_ascii_hexdigit());
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
        (is_nonce && is_id).then_some(())?;
        let (id, nonce) = (id.parse().ok()?, i64::from_str_radix(nonce, 16).ok()?);
        Some(Self { mail: OutreachId(id), nonce })
    }
}

/// That the relay took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance {
    /// The random number in its Message-ID.
    pub nonce: i64,
    /// When, by the relay's clock.
    pub at: DateTime<Utc>,
    /// The line of the ledger that says so, from 1.
    pub line: u64,
}

/// Everything of ours that a relay took. Holds some 100 bytes for each message.
#[derive(Debug, Clone, Default)]
pub struct RelayLedger {
    taken: HashMap<OutreachId, Vec<Acceptance>>,
}

impl RelayLedger {
    /// Adds a message that was taken.
    pub fn accept(&mut self, mail: OutreachId, acceptance: Acceptance) {
        self.taken.entry(mail).or_default().push(acceptance);
    }

    /// How many messages were taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.taken.values().map(|copies| copies.len() as u64).sum()
    }

    /// The copies of one mail, which are not in the ledger any more after this.
    pub(super) fn take(&mut self, mail: OutreachId) -> Vec<Acceptance> {
        self.taken.remove(&mail).unwrap_or_default()
    }

    /// What is left, in the order of the mails.
    pub(super) fn rest(self) -> Vec<(OutreachId, Acceptance)> {
        let mut rest: Vec<_> = self
            .taken
            .into_iter()
            .flat_map(|(mail, copies)| copies.into_iter().map(move |copy| (mail, copy)))
            .collect();
        rest.sort_by_key(|(mail, copy)| (*mail, copy.line));
        rest
    }
}
