//! From a decided outreach and what is known of its contact to the bytes of a message.
use aws_lc_rs::digest;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

use super::{Engine, EngineError};
use crate::{
    config::ReturnPath,
    domain::{
        Campaign, EmailAddress, Envelope, Event, EventKind, Letter, LetterAccount, LetterCompany,
        LetterContact, LetterEvent, LetterOccasion, LetterRep, Locale, NameParts, OccasionRule,
        OutreachId, date_text, feedback_id, greeting,
    },
    mail::{Invite, Kind, Links, List, Mailbox, Message, Rendered, Template, compose, sign},
    store::LetterFacts,
};

/// The occasion that a letter is written for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion<'a> {
    pub campaign: &'a Campaign,
    pub day: NaiveDate,
    pub years: Option<u32>,
}

/// Which row of the ledger a letter belongs to; the same for every attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub outreach: OutreachId,
    pub nonce: i64,
    /// The day of the outreach, UTC.
    pub issued_on: NaiveDate,
}

/// What tells one message from another of the same letter.
#[derive(Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub kind: Kind<'a>,
    pub message_id: &'a str,
}

/// A letter, with what its message says besides.
pub(super) struct Draft {
    pub rendered: Rendered,
    /// The language that it is written in, which may be a fallback of the reader's.
    pub locale: Locale,
    /// The Date of the message.
    pub written_at: DateTime<Utc>,
}

impl Engine {
    /// The letter on `occasion` to the person of `facts`, in the language nearest to theirs.
    pub(super) fn render(
        &self,
        facts: &LetterFacts,
        occasion: Occasion<'_>,
        identity: Identity,
    ) -> Result<Draft, EngineError> {
        let template = self.template(occasion.campaign, occasion.years, facts.locale.as_ref())?;
        let written_at = self.clock.now();
        let today = written_at.with_timezone(&facts.zone.unwrap_or(self.config.defaults.zone));
        let letter = self.letter(facts, occasion, template.locale(), today.date_naive());
        let links = Links {
            base_url: &self.config.tracking.base_url,
            keyring: &self.keyring,
            outreach: identity.outreach.0,
            issued_on: identity.issued_on,
            may_track: self.may_track(facts.may_track),
        };
        let mut rendered = self.templates.render(template, &letter, &links)?;
        if occasion.campaign.commercial {
            let country = facts.country.as_deref();
            rendered.subject = self.config.labels.before(country, &rendered.subject);
        }
        Ok(Draft { rendered, locale: template.locale().clone(), written_at })
    }

    /// The template of a campaign for so many years, in the language nearest to `locale`.
    pub(super) fn template(
        &self,
        campaign: &Campaign,
        years: Option<u32>,
        locale: Option<&Locale>,
    ) -> Result<&Template, EngineError> {
        let default = &self.config.defaults.locale;
        let locale = locale.unwrap_or(default);
        let name = campaign.template_for(years);
        self.templates.find(name, locale, default).ok_or_else(|| {
            let (campaign, template) = (campaign.key.clone(), name.to_owned());
            EngineError::NoTemplate { campaign, template, locale: locale.to_string() }
        })
    }

    /// The values of the letter; `today` is the day of the reader.
    fn letter(
        &self,
        facts: &LetterFacts,
        occasion: Occasion<'_>,
        locale: &Locale,
        today: NaiveDate,
    ) -> Letter {
        let company = &self.config.company;
        let name =
            NameParts { full: &facts.name, given: &facts.given_name, family: &facts.family_name };
        Letter {
            greeting: greeting(locale, name, facts.honorific),
            contact: LetterContact {
                name: facts.name.clone(),
                given_name: facts.given_name.clone(),
                family_name: facts.family_name.clone(),
                title: facts.title.clone(),
            },
            account: LetterAccount { name: facts.account.clone() },
            rep: self.letter_rep(facts, locale),
            company: LetterCompany {
                name: company.name_in(locale).to_owned(),
                website: company.website.clone().unwrap_or_default(),
                email: company.email.as_str().to_owned(),
                postal_address: company.postal_address.clone(),
            },
            occasion: LetterOccasion {
                name: self.occasion_name(occasion.campaign, locale),
                date: occasion.day,
                date_text: date_text(locale, occasion.day),
                days_until: (occasion.day - today).num_days(),
                years: occasion.years.unwrap_or(0),
            },
            event: event_of(occasion.campaign)
                .map(|event| LetterEvent::of(event, locale))
                .unwrap_or_default(),
        }
    }

    /// Who signs: the rep, or the sender of the configuration where an account has none.
    fn letter_rep(&self, facts: &LetterFacts, locale: &Locale) -> LetterRep {
        match &facts.rep {
            Some(rep) => LetterRep {
                name: rep.name.clone(),
                title: rep.title.clone(),
                email: rep.email.as_str().to_owned(),
                phone: rep.phone.clone(),
            },
            None => LetterRep {
                name: self.config.sender.name_in(locale).to_owned(),
                title: String::new(),
                email: self.config.company.email.as_str().to_owned(),
                phone: String::new(),
            },
        }
    }

    fn occasion_name(&self, campaign: &Campaign, locale: &Locale) -> String {
        match &campaign.occasion {
            OccasionRule::Holiday(place) => {
                self.config.rules.holidays[*place].name(locale).to_owned()
            }
            OccasionRule::Invitation(event) => event.title(locale).to_owned(),
            _ => String::new(),
        }
    }

    /// The message of a campaign that carries `draft` to its reader.
    pub(super) fn message(
        &self,
        facts: &LetterFacts,
        campaign: &Campaign,
        draft: &Draft,
        identity: Identity,
    ) -> Result<Vec<u8>, EngineError> {
        let sender = &self.config.sender;
        let domain = sender.address.domain();
        let list_id = format!("{}.{domain}", campaign.family());
        let feedback_id = feedback_id(campaign, domain);
        let kind = Kind::List(List {
            name: self.config.company.name_in(&draft.locale),
            id: &list_id,
            unsubscribe_url: &draft.rendered.unsubscribe_url,
            unsubscribe_mailbox: sender.reply_to.as_ref().unwrap_or(&self.config.company.email),
            feedback_id: &feedback_id,
        });
        let message_id = format!("{}.{:016x}@{domain}", identity.outreach.0, identity.nonce);
        self.compose(facts, campaign, draft, Stamp { kind, message_id: &message_id })
    }

    /// The bytes of a message with the sender's headers.
    pub(super) fn compose(
        &self,
        facts: &LetterFacts,
        campaign: &Campaign,
        draft: &Draft,
        stamp: Stamp<'_>,
    ) -> Result<Vec<u8>, EngineError> {
        let sender = &self.config.sender;
        // A reader answers to the rep who signs; the configuration may say otherwise.
        let reply_to = match (&sender.reply_to, &facts.rep) {
            (Some(address), _) => Some(Mailbox { name: "", address }),
            (None, Some(rep)) => Some(Mailbox { name: &rep.name, address: &rep.email }),
            (None, None) => None,
        };
        let asks =
            Mailbox { name: sender.name_in(&draft.locale), address: &self.config.company.email };
        let uid = event_uid(campaign, &facts.email, sender.address.domain());
        let calendar = event_of(campaign).map(|event| Invite {
            event,
            locale: &draft.locale,
            organizer: reply_to.unwrap_or(asks),
            uid: &uid,
        });
        let message = Message {
            from: Mailbox { name: sender.name_in(&draft.locale), address: &sender.address },
            to: Mailbox { name: &facts.name, address: &facts.email },
            reply_to,
            subject: &draft.rendered.subject,
            text: &draft.rendered.text,
            html: &draft.rendered.html,
            enclosed: &draft.rendered.enclosed,
            date: draft.written_at.with_timezone(&self.config.schedules.zone).fixed_offset(),
            message_id: stamp.message_id,
            calendar,
            kind: stamp.kind,
        };
        let bytes = compose(&message)?;
        Ok(match &self.config.dkim {
            Some(dkim) => sign(&bytes, dkim, draft.written_at)?,
            None => bytes,
        })
    }

    /// From the return path of the outreach to `recipient`: the same for every attempt, or a server
    /// that turns strangers away at first would know none of them again.
    pub(super) fn envelope(&self, recipient: EmailAddress, identity: Identity) -> Envelope {
        let sender = match &self.config.sender.return_path {
            ReturnPath::Fixed(address) => address.clone(),
            ReturnPath::PerMail(domain) => {
                let local = self.keyring.bounce(identity.outreach.0, identity.issued_on);
                format!("{local}@{domain}")
                    .parse()
                    .expect("the configuration has tried an address of this length and domain")
            }
        };
        Envelope { sender, recipient }
    }
}

/// The name of a campaign's event in the calendar of `reader`: the same in the invitation, in each
/// reminder and after a change, so that a calendar holds one entry. The year is part of it, since a
/// file that is used again for the next year's event means another one; a day that comes each year is one
/// entry for good.
fn event_uid(campaign: &Campaign, reader: &EmailAddress, domain: &str) -> String {
    let year = event_of(campaign).map_or(0, |event| match event.kind {
        EventKind::Day { yearly: true } => 0,
        EventKind::Meeting | EventKind::Reminder | EventKind::Day { .. } => event.day().year(),
    });
    let text = format!("{} {year} {}", campaign.family(), reader.as_str());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_ref()[..16]);
    format!("{:032x}@{domain}", u128::from_be_bytes(half))
}

/// What a campaign invites to.
pub(super) fn event_of(campaign: &Campaign) -> Option<&Event> {
    match &campaign.occasion {
        OccasionRule::Invitation(event) => Some(event),
        _ => None,
    }
}
