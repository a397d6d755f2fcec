//! How messages are stored: compressed against one of the same campaign that was written to nobody
//! ([0022](../../../docs/decisions/0022-stored-messages-share-a-dictionary.md)).
//!
//! A stored message is a frame of zstd (RFC 8878). If it needs a dictionary, a skippable frame (section
//! 3.1.2) before it names the one. A dictionary is named by its content, so that no name ever means
//! another one.
use std::{
    collections::HashMap,
    io::{self, Read as _},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, MutexGuard, PoisonError},
};

use aws_lc_rs::digest;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use zstd::{bulk::Compressor, dict::EncoderDictionary};

use super::Round;
use crate::{
    clock::ManualClock,
    domain::{Choice, ContactId, Locale},
    engine::{
        Engine, EngineError,
        letter::{Identity, Occasion},
        preview::{NOBODY, stranger},
    },
    store::{Claimed, LetterFacts},
};

/// Level of zstd. Of letters of 10 kB, level 3 makes 2 or 3 % less than this one in twice the time.
const LEVEL: i32 = 1;
/// Octets of a message from which on there is no dictionary for its like: zstd looks back no further.
const MOST_OCTETS: usize = 128 * 1024;
/// The magic number of the skippable frame that names a dictionary, and its length: an id.
const NAMED: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 8, 0, 0, 0];
/// A dictionary that was used is noted down again after this time.
const NOTED_FOR: TimeDelta = TimeDelta::days(1);
/// When dictionaries are written: always the same, so that they are the same.
const WRITTEN_ON: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day");

/// What the messages of a campaign have in common in one language.
pub(super) struct Dictionary {
    id: i64,
    content: Vec<u8>,
    encoder: EncoderDictionary<'static>,
}

/// Which messages are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Likeness {
    campaign: String,
    template: String,
    locale: Locale,
}

/// The dictionaries that are at hand.
#[derive(Default, Clone)]
pub(super) struct Stock {
    /// For what is written now; few, so that they are looked through.
    written: Vec<(Likeness, Option<Arc<Dictionary>>)>,
    /// For what was stored earlier, by id.
    stored: HashMap<i64, Arc<Vec<u8>>>,
}

/// Stores and restores messages. One for each thread: making one costs as much as storing a message.
pub(super) struct Packer<'a> {
    stock: &'a Stock,
    plain: Compressor<'static>,
    sharing: Compressor<'a>,
}

impl Dictionary {
    fn new(content: Vec<u8>) -> Self {
        let hash = digest::digest(&digest::SHA256, &content);
        let mut id = [0; 8];
        id.copy_from_slice(&hash.as_ref()[..8]);
        let encoder = EncoderDictionary::copy(&content, LEVEL);
        Self { id: i64::from_be_bytes(id), content, encoder }
    }
}

impl<'a> Packer<'a> {
    /// # Errors
    ///
    /// If there is no memory for its tables.
    pub(super) fn new(stock: &'a Stock) -> io::Result<Self> {
        Ok(Self { stock, plain: compressor()?, sharing: compressor()? })
    }

    /// What is stored of `message`, which is the one of this campaign by that template.
    pub(super) fn pack(
        &mut self,
        message: &[u8],
        (campaign, template, locale): (&str, &str, &Locale),
    ) -> io::Result<Vec<u8>> {
        let is_like = |(known, _): &&(Likeness, _)| {
            known.campaign == campaign && known.template == template && known.locale == *locale
        };
        let stock = self.stock;
        match stock.written.iter().find(is_like).and_then(|(_, found)| found.as_ref()) {
            Some(dictionary) if message.len() <= MOST_OCTETS => {
                self.sharing.set_prepared_dictionary(&dictionary.encoder)?;
                let frame = self.sharing.compress(message)?;
                Ok([&NAMED, &dictionary.id.to_le_bytes(), &*frame].concat())
            }
            _ => self.plain.compress(message),
        }
    }

    /// The message of which this was stored.
    ///
    /// # Errors
    ///
    /// If it is damaged, or its dictionary is not there.
    pub(super) fn unpack(&self, stored: &[u8]) -> io::Result<Vec<u8>> {
        let Some((id, frame)) = named(stored) else { return zstd::decode_all(stored) };
        let missing = || io::Error::other("the dictionary of a stored message is missing");
        let content = self.stock.stored.get(&id).ok_or_else(missing)?;
        let mut message = Vec::new();
        zstd::Decoder::with_dictionary(frame, content)?.read_to_end(&mut message)?;
        Ok(message)
    }
}

/// With a checksum, so that damage is noticed, and no octet of a message is ever another one.
fn compressor<'a>() -> io::Result<Compressor<'a>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

/// The id of the dictionary that a stored message needs, if it needs one, and the frame behind it.
fn named(stored: &[u8]) -> Option<(i64, &[u8])> {
    let (id, frame) = stored.strip_prefix(&NAMED)?.split_first_chunk()?;
    Some((i64::from_le_bytes(*id), frame))
}

impl Round {
    /// The dictionaries that a batch needs, each stored before anything that needs it.
    pub(super) async fn dictionaries(
        &self,
        batch: &[(Claimed, Choice)],
        facts: &HashMap<ContactId, LetterFacts>,
    ) -> Result<Arc<Stock>, EngineError> {
        let mut stock = Arc::clone(&*self.stock());
        let new = self.engine.new_dictionaries(&stock, batch, facts);
        let mut wanted: Vec<i64> = batch
            .iter()
            .filter_map(|(claimed, _)| Some(named(claimed.body.as_deref()?)?.0))
            .filter(|id| !stock.stored.contains_key(id))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        if new.is_empty() && wanted.is_empty() {
            return Ok(stock);
        }
        let ours: Vec<_> = new.iter().filter_map(|(_, found)| found.clone()).collect();
        self.engine.keep_dictionaries(&ours).await?;
        let changed = Arc::make_mut(&mut stock);
        changed.written.extend(new);
        for (id, content) in self.engine.store.dictionaries(&wanted).await? {
            // A damaged one is as good as none: the messages that need it fail, and no others.
            if let Ok(content) = zstd::decode_all(&*content) {
                changed.stored.insert(id, Arc::new(content));
            }
        }
        *self.stock() = Arc::clone(&stock);
        Ok(stock)
    }

    fn stock(&self) -> MutexGuard<'_, Arc<Stock>> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Dictionaries for those of a batch for whose like there is none at hand yet.
    fn new_dictionaries(
        &self,
        stock: &Stock,
        batch: &[(Claimed, Choice)],
        facts: &HashMap<ContactId, LetterFacts>,
    ) -> Vec<(Likeness, Option<Arc<Dictionary>>)> {
        let mut new: Vec<(Likeness, Option<Arc<Dictionary>>)> = Vec::new();
        for (claimed, _) in batch.iter().filter(|(claimed, _)| claimed.body.is_none()) {
            let locale = facts.get(&claimed.contact).and_then(|facts| facts.locale.as_ref());
            let Ok(campaign) = self.campaign(&claimed.campaign) else { continue };
            let Ok(template) = self.template(campaign, claimed.years, locale) else { continue };
            let likeness = Likeness {
                campaign: campaign.key.clone(),
                template: campaign.template_for(claimed.years).to_owned(),
                locale: template.locale().clone(),
            };
            if stock.written.iter().chain(&new).any(|(known, _)| *known == likeness) {
                continue;
            }
            let occasion = Occasion { campaign, day: WRITTEN_ON, years: claimed.years };
            // What breaks the writing is found with each mail, which is then left alone.
            let written =
                catch_unwind(AssertUnwindSafe(|| self.to_nobody(occasion, &likeness.locale).ok()));
            let content = written.ok().flatten();
            let content = content.filter(|content| content.len() <= MOST_OCTETS);
            new.push((likeness, content.map(|content| Arc::new(Dictionary::new(content)))));
        }
        new
    }

    /// The message of an occasion to a reader of whom nothing is known but the language. The same at any
    /// time, as long as templates, settings and keys are.
    fn to_nobody(&self, occasion: Occasion<'_>, locale: &Locale) -> Result<Vec<u8>, EngineError> {
        let then: DateTime<Utc> = WRITTEN_ON.and_time(chrono::NaiveTime::MIN).and_utc();
        let engine = Self { clock: Arc::new(ManualClock::starting_at(then)), ..self.clone() };
        let mut reader = stranger("reader@example.org".parse().expect("an address"));
        reader.locale = Some(locale.clone());
        reader.may_track = Some(true);
        let identity = Identity { issued_on: WRITTEN_ON, ..NOBODY };
        let draft = engine.render(&reader, occasion, identity)?;
        engine.message(&reader, occasion.campaign, &draft, identity)
    }

    /// Stores those that are not, or were noted down long ago.
    async fn keep_dictionaries(&self, ours: &[Arc<Dictionary>]) -> Result<(), EngineError> {
        let now = self.clock.now();
        let ids: Vec<i64> = ours.iter().map(|dictionary| dictionary.id).collect();
        let noted = self.store.dictionaries_noted(&ids, now - NOTED_FOR).await?;
        let new: Vec<_> = ours.iter().filter(|ours| !noted.contains(&ours.id)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        for dictionary in new {
            let content = zstd::encode_all(&*dictionary.content, LEVEL)
                .expect("compressing into memory does not fail");
            tx.put_dictionary(dictionary.id, &content, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "To: <ada@example.org>\r\n\r\nHappy birthday, Ada. ";

    fn likeness() -> Likeness {
        Likeness {
            campaign: "birthday".to_owned(),
            template: "birthday".to_owned(),
            locale: Locale::english(),
        }
    }

    /// A stock with one dictionary, as a round has it that wrote it and one that read it.
    fn stock(content: &str) -> Stock {
        let dictionary = Dictionary::new(content.as_bytes().to_vec());
        let stored = HashMap::from([(dictionary.id, Arc::new(dictionary.content.clone()))]);
        Stock { written: vec![(likeness(), Some(Arc::new(dictionary)))], stored }
    }

    fn pack(stock: &Stock, campaign: &str, message: &str) -> Vec<u8> {
        let mut packer = Packer::new(stock).unwrap();
        packer.pack(message.as_bytes(), (campaign, "birthday", &Locale::english())).unwrap()
    }

    #[test]
    fn what_is_stored_comes_back_with_a_dictionary_and_without() {
        let stock = stock(&MESSAGE.replace("Ada", "Bob"));
        for campaign in ["birthday", "new-year"] {
            let stored = pack(&stock, campaign, MESSAGE);
            assert_eq!(named(&stored).is_some(), campaign == "birthday");
            let message = Packer::new(&stock).unwrap().unpack(&stored).unwrap();
            assert_eq!(message, MESSAGE.as_bytes());
        }
    }

    #[test]
    fn of_a_message_like_its_dictionary_little_is_stored() {
        let letter = |name: &str| {
            let words: Vec<_> = (1..400).map(|n: u64| (n * 829_351_751_u64).to_string()).collect();
            let words = words.join(" ");
            format!("To: <{name}@example.org>\r\n\r\nDear {name},\r\n{words}")
        };
        let alone = pack(&Stock::default(), "birthday", &letter("ada")).len();
        let shared = pack(&stock(&letter("reader")), "birthday", &letter("ada")).len();
        assert!(shared * 10 < alone, "{shared} of {alone}");
    }

    #[test]
    fn without_its_dictionary_a_stored_message_is_an_error_and_no_other_message() {
        let stored = pack(&stock(MESSAGE), "birthday", MESSAGE);
        assert!(Packer::new(&Stock::default()).unwrap().unpack(&stored).is_err());
        let (id, _) = named(&stored).unwrap();
        let other = HashMap::from([(id, Arc::new(b"Something else entirely.".to_vec()))]);
        let other = Stock { stored: other, ..Stock::default() };
        assert!(Packer::new(&other).unwrap().unpack(&stored).is_err());
    }

    #[test]
    fn no_damage_makes_another_message_of_a_stored_one() {
        let message = MESSAGE.repeat(20);
        let stock = stock(MESSAGE);
        for campaign in ["birthday", "new-year"] {
            let stored = pack(&stock, campaign, &message);
            let packer = Packer::new(&stock).unwrap();
            for place in 0..stored.len() {
                for bit in 0..8 {
                    let mut damaged = stored.clone();
                    damaged[place] ^= 1 << bit;
                    if let Ok(read) = packer.unpack(&damaged) {
                        assert_eq!(read, message.as_bytes(), "octet {place}, bit {bit}");
                    }
                }
            }
            assert!(packer.unpack(&stored[..stored.len() - 1]).is_err());
        }
    }
}
