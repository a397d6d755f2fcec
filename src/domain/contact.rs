//! A contact as the decision sees it.
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{Birthday, ContactId, Deed, Engagement, Locale, Standing, Term, Wish};

/// Everything that the decision on one contact depends on, besides the rules and the time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Who.
    pub id: ContactId,
    /// Language.
    pub locale: Locale,
    /// Time zone.
    pub zone: Tz,
    /// Country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Birthday.
    pub birthday: Option<Birthday>,
    /// The first day of the cooperation with the account.
    pub cooperation_since: Option<NaiveDate>,
    /// Since when we know the contact; nothing before that is made up for.
    pub known_since: DateTime<Utc>,
    /// Whether the contact allows mail; `None` where nothing is on record.
    pub may_send: Option<bool>,
    /// Why the address is on the suppression list, if it is.
    pub suppressed: Option<Suppression>,
    /// Where the contact stands in each scheme.
    pub standings: Vec<Standing>,
    /// What the account bought in the last 365 days, in hundredths of the list's currency: whom to
    /// write to first when not everybody can be written to.
    pub value_cents: i64,
    /// What the contact's behaviour says.
    pub engagement: Engagement,
    /// What the contact has asked for.
    pub wish: Wish,
    /// Contracts of the account, if a campaign needs them.
    pub terms: Vec<Term>,
    /// What happened lately, if a campaign needs it.
    pub deeds: Vec<Deed>,
    /// When the last mail left, ours or a rep's.
    pub last_mail_at: Option<DateTime<Utc>>,
    /// Mails decided within the last year, any order.
    pub history: Vec<PastOutreach>,
}

/// A mail that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastOutreach {
    /// The campaign's key.
    pub campaign: String,
    /// The kind of occasion.
    pub kind: super::OccasionKind,
    /// The day of the occasion.
    pub day: NaiveDate,
    /// When it left, is to leave, or was given up.
    pub at: DateTime<Utc>,
    /// Whether the contact has had it or will have it; false if it failed or was given up.
    pub counts: bool,
}

/// Why an address is never written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suppression {
    /// The person said so.
    Unsubscribed,
    /// A relay said that there is no such address.
    NoSuchAddress,
    /// Its mailbox was full for weeks.
    MailboxFull,
    /// Its server refused it for good, more than once and without a reason.
    Refused,
}

impl Suppression {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::NoSuchAddress => "no-such-address",
            Self::MailboxFull => "mailbox-full",
            Self::Refused => "refused",
        }
    }

    /// The reason called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unsubscribed, Self::NoSuchAddress, Self::MailboxFull, Self::Refused]
            .into_iter()
            .find(|why| why.as_str() == name)
    }
}
