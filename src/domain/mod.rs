//! The rules of nurturing, as plain data and pure functions.
//!
//! **Invariant:** nothing in here does I/O, reads a clock, or draws a random number.
#![warn(missing_docs)]

mod alignment;
pub mod audit;
mod birthday;
mod budget;
mod cadence;
mod calendar;
mod campaign;
mod columns;
mod condition;
mod contact;
mod decide;
mod dkim;
pub mod doctor;
mod doubt;
mod email_address;
mod engagement;
mod expectation;
mod facts;
mod half_width;
mod honorific;
mod ids;
mod import_kind;
mod label;
mod letter;
mod limits;
mod lines;
mod locale;
mod lunar;
mod occasion;
mod outcome;
mod outreach;
mod population;
mod record;
mod relay;
mod reply;
mod retry;
mod returned;
mod route;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod schedule;
mod scheme;
mod settle;
mod surprise;
mod text;
mod token;
mod window;
mod wish;

pub use alignment::{is_within, organisation};
pub use birthday::{Birthday, BirthdayError, LeapDay};
pub use budget::{DayBudget, carried_over};
pub use cadence::{Cadence, Span, SpanError};
pub use calendar::{
    Church, DayRule, DayStatus, DaysOff, Holiday, LunarDay, Nth, Observed, ObservedIn, OffYear,
    Seek, anniversary,
};
pub use campaign::{
    AUDIENCE_TIER, Audience, Campaign, NotMeant, RoundYears, RunningDays, audience_of,
    audience_scheme,
};
pub use columns::{
    AmountError, ColumnProblem, Columns, CountryError, DateError, FieldProblem, parse_amount,
    parse_country, parse_date, parse_instant,
};
pub use condition::{Condition, ConditionError, nearest};
pub use contact::{PastOutreach, Snapshot, Suppression};
pub use decide::{
    Considered, Decision, Fate, Hold, NextMail, Verdict, decide, next_occurrence, occurrence_key,
};
pub use dkim::{Dkim, DkimKey, DkimKeyError, ed25519_key, rsa_key};
pub use doubt::{Doubt, DoubtPolicy, Resolution};
pub use email_address::{EmailAddress, EmailAddressError};
pub use engagement::{Engagement, Feedback};
pub use expectation::ClickRate;
pub use facts::{
    FACTS, FactInfo, FactSource, FactType, FactValue, Facts, WantedFacts, typical_gap_days,
};
pub use half_width::half_width;
pub use honorific::{Honorific, HonorificError};
pub use ids::{AccountId, ContactId, OutreachId, RepId, scatter, scattered_share};
pub use import_kind::{ImportKind, ImportKindError};
pub use label::Labels;
pub use letter::{
    Letter, LetterAccount, LetterCompany, LetterContact, LetterEvent, LetterOccasion, LetterRep,
    NameParts, date_text, feedback_id, greeting,
};
pub use limits::{Barred, Barrier, Cap, Category};
pub use lines::{LineFault, line_fault};
pub use locale::{Locale, LocaleError};
pub use lunar::{Meridian, SolarTerm, SolarTermError, lunar_to_solar, next_lunar};
pub use occasion::{
    Deed, DeedKind, Event, EventKind, Milestone, OccasionKind, OccasionRule, Occurrence, Term,
    anniversary_on_or_after,
};
pub use outcome::{EnhancedStatus, Outcome, Phase, Reply};
pub use outreach::{MOST_STRIKES, OutreachState};
pub use population::{Bar, LastPlace, Population, Ranking, Share, Survey, Top, bar};
pub use record::{
    AccountRecord, ContactRecord, ContractRecord, OrderRecord, Record, RepRecord, TouchKind,
    TouchKindError, TouchRecord,
};
pub use relay::{Credentials, Envelope, Pipelining, Relay, Secret, Security, Timeouts};
pub use reply::{
    AddressEffect, AddressTrouble, Follows, MessageEffect, Pace, Refusal, RouteEvent, Throttle,
};
pub use retry::Try;
pub use returned::{DeliveryReport, Judged};
pub use route::{
    Bind, CROWDED, Cause, Choice, Effective, MailPast, Per, Provider, Providers, Rate, RateError,
    Route, RouteState, WarmUp, choose, choose_for, has_other,
};
pub use rules::{
    CadenceRules, Channel, ChannelCadence, ChannelDue, Limit, Needs, Place, Rules, TierCadence,
};
pub use schedule::{Schedule, ScheduleError};
pub use scheme::{Scheme, Standing, Subject, Tier, TierMove};
pub use settle::Settlement;
pub use surprise::{Surprise, SurpriseKind};
pub use text::{has_hidden_characters, is_hidden, mask_addresses, one_line};
pub use token::{BOUNCE_LENGTH, Keyring, KeyringError, Purpose, TOKEN_LENGTH, Token};
pub use window::{DayOff, LocalWindow, SendWindow, instant};
pub use wish::{Wish, WishError, parse_wanted};
