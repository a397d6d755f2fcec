//! What a line of an imported file says, once it has been understood.
//!
//! A field that a file does not have, or leaves empty, is `None`: an import adds and corrects, it
//! never blanks.
use std::{collections::BTreeMap, str::FromStr};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{Birthday, EmailAddress, Honorific, Locale, Wish};

/// One understood line.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A person.
    Contact(ContactRecord),
    /// A company.
    Account(AccountRecord),
    /// An owner of accounts.
    Rep(RepRecord),
    /// A purchase.
    Order(OrderRecord),
    /// A contract.
    Contract(ContractRecord),
    /// A contact with a person outside of this program.
    Touch(TouchRecord),
}

/// A person to write to. The address is the key.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRecord {
    /// Where to write; two spellings of one mailbox are one contact.
    pub email: EmailAddress,
    /// Full name as it is written in the person's language.
    pub name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// How to address the person.
    pub honorific: Option<Honorific>,
    /// Job title.
    pub title: Option<String>,
    /// Telephone number as given.
    pub phone: Option<String>,
    /// The key or name of the account; an unknown one is created.
    pub account: Option<String>,
    /// Language.
    pub locale: Option<Locale>,
    /// Time zone.
    pub zone: Option<Tz>,
    /// Country, ISO 3166-1 alpha-2 in capitals.
    pub country: Option<String>,
    /// Birthday.
    pub birthday: Option<Birthday>,
    /// Level of a key person inside the account, 1 (highest) to 5.
    pub level: Option<u8>,
    /// Whether the person allows mail.
    pub may_send: Option<bool>,
    /// Whether the person allows opens and clicks to be recorded.
    pub may_track: Option<bool>,
    /// What the person asked for.
    pub wish: Wish,
    /// Every other column, by its name in lower case with `_` for spaces.
    pub attributes: BTreeMap<String, String>,
}

/// A company. Its key is an identifier of the customer's own, or the name where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountRecord {
    /// Key.
    pub key: String,
    /// Name.
    pub name: Option<String>,
    /// Address of the rep who owns the account; an unknown one is created.
    pub rep: Option<EmailAddress>,
    /// Country, ISO 3166-1 alpha-2 in capitals.
    pub country: Option<String>,
    /// Line of business.
    pub industry: Option<String>,
    /// The day on which the cooperation began.
    pub cooperation_since: Option<NaiveDate>,
    /// Addressable volume a year, in hundredths of the list's currency.
    pub potential_cents: Option<i64>,
    /// Every other column.
    pub attributes: BTreeMap<String, String>,
}

/// A rep. The address is the key.
#[derive(Debug, Clone, PartialEq)]
pub struct RepRecord {
    /// Address.
    pub email: EmailAddress,
    /// Name.
    pub name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Telephone number as given.
    pub phone: Option<String>,
    /// Language.
    pub locale: Option<Locale>,
    /// Time zone.
    pub zone: Option<Tz>,
}

/// A purchase.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderRecord {
    /// The order's number.
    pub key: String,
    /// The account's key or name.
    pub account: String,
    /// The day of the order.
    pub ordered_on: NaiveDate,
    /// The day of delivery.
    pub delivered_on: Option<NaiveDate>,
    /// Amount in hundredths of the list's currency; negative for a return.
    pub amount_cents: i64,
    /// Profit in the same unit.
    pub profit_cents: Option<i64>,
}

/// A contract.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractRecord {
    /// The contract's number.
    pub key: String,
    /// The account's key or name.
    pub account: String,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Value over the term, in hundredths of the list's currency.
    pub value_cents: Option<i64>,
}

/// One contact with a person outside of this program.
#[derive(Debug, Clone, PartialEq)]
pub struct TouchRecord {
    /// A key of the customer's own; without one, contact, kind and time are the key.
    pub key: Option<String>,
    /// The person.
    pub contact: EmailAddress,
    /// By what means.
    pub kind: TouchKind,
    /// When. A bare date means noon UTC.
    pub at: DateTime<Utc>,
    /// By whom.
    pub rep: Option<EmailAddress>,
    /// How it ended.
    pub outcome: Option<String>,
}

/// The means of a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TouchKind {
    /// A mail written by a person.
    Email,
    /// A telephone call.
    Call,
    /// A visit.
    Visit,
    /// Somebody was there to help: repair, installation, training.
    Service,
    /// A gift.
    Gift,
    /// An event that the contact attended.
    Event,
}

/// The text is not a [`TouchKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected email, call, visit, service, gift or event (邮件, 电话, 拜访, 服务, 礼品, 活动)")]
pub struct TouchKindError;

impl TouchKind {
    /// The word for it in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Call => "call",
            Self::Visit => "visit",
            Self::Service => "service",
            Self::Gift => "gift",
            Self::Event => "event",
        }
    }
}

impl FromStr for TouchKind {
    type Err = TouchKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.trim().to_lowercase().as_str() {
            "email" | "e-mail" | "mail" | "邮件" | "电子邮件" => Self::Email,
            "call" | "phone" | "telephone" | "phone call" | "电话" | "致电" => Self::Call,
            "visit" | "meeting" | "拜访" | "上门" | "来访" => Self::Visit,
            "service" | "service visit" | "服务" | "售后" | "维修" => Self::Service,
            "gift" | "present" | "礼品" | "礼物" => Self::Gift,
            "event" | "活动" => Self::Event,
            _ => return Err(TouchKindError),
        })
    }
}

impl TouchRecord {
    /// The key of the customer's own, or else what makes the touch one of a kind.
    #[must_use]
    pub fn key(&self) -> String {
        self.key.clone().unwrap_or_else(|| {
            format!("{}|{}|{}", self.contact.match_key(), self.kind.as_str(), self.at.timestamp())
        })
    }
}

impl Record {
    /// What makes the line one of a kind within its file.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Contact(contact) => contact.email.match_key(),
            Self::Account(account) => account.key.clone(),
            Self::Rep(rep) => rep.email.match_key(),
            Self::Order(order) => order.key.clone(),
            Self::Contract(contract) => contract.key.clone(),
            Self::Touch(touch) => touch.key(),
        }
    }

    /// What the key is called in a message.
    #[must_use]
    pub const fn key_name(&self) -> &'static str {
        match self {
            Self::Contact(_) | Self::Rep(_) => "address",
            Self::Account(_) => "account",
            Self::Order(_) => "order number",
            Self::Contract(_) => "contract number",
            Self::Touch(_) => "touch",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_means_is_known_by_its_english_and_chinese_words() {
        for (kind, words) in [
            (TouchKind::Email, ["Email", "mail", "邮件"]),
            (TouchKind::Call, ["call", " Phone ", "电话"]),
            (TouchKind::Visit, ["visit", "VISIT", "拜访"]),
            (TouchKind::Gift, ["gift", "Gift", "礼品"]),
            (TouchKind::Event, ["event", "Event", "活动"]),
        ] {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            for word in words {
                assert_eq!(word.parse(), Ok(kind), "{word}");
            }
        }
        assert_eq!("fax".parse::<TouchKind>(), Err(TouchKindError));
    }
}
