//! Signed tokens for the links of a mail: opaque, short, and good for one purpose each.
//!
//! A token holds no address and no destination. What it points to is looked up, so that a forged
//! or replayed one cannot send anybody anywhere that we did not write ourselves.
mod base32;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::{hkdf, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{NaiveDate, TimeDelta};

/// What a token may be used for. A token for one purpose is refused for every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The open pixel.
    Open,
    /// A link in the body.
    Click,
    /// The way out: one-click unsubscribe and the page that asks first.
    Unsubscribe,
    /// The return path, to which what cannot be delivered comes back.
    Bounce,
}

/// What a genuine token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The outreach whose mail carried it.
    pub outreach: i64,
    /// Which link of the mail, from 0; 0 where there is only one.
    pub link_no: u16,
    /// The day it was issued on, UTC.
    pub issued_on: NaiveDate,
}

/// Master keys, by number. The one with the highest number signs; all of them verify, so that the
/// link in an old mail outlives a new key.
#[derive(Clone)]
pub struct Keyring {
    newest: u8,
    signing: PurposeKeys,
    verifying: BTreeMap<u8, PurposeKeys>,
}

/// One key for each of [`PURPOSES`].
type PurposeKeys = [hmac::Key; PURPOSES.len()];

/// Why master keys do not make a [`Keyring`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no key to sign with.
    #[error("no key is given")]
    Empty,
    /// Two keys claim one number.
    #[error("key number {0} is given twice")]
    Twice(u8),
}

/// Characters in a token: 31 bytes in base64url without padding.
pub const TOKEN_LENGTH: usize = 42;
/// Characters in the local part of a return path: the prefix and 31 bytes in base32. RFC 5321 section
/// 4.5.3.1.1 allows 64.
pub const BOUNCE_LENGTH: usize = 52;
/// What tells a return path from other addresses of its domain.
const BOUNCE_PREFIX: &str = "b-";
/// Addresses in a text that are looked at: anybody may have written a megabyte of them.
const MOST_PLACES: usize = 1_000;

const VERSION: u8 = 1;
const PURPOSES: [Purpose; 4] =
    [Purpose::Open, Purpose::Click, Purpose::Unsubscribe, Purpose::Bounce];
/// Version, key number, purpose, outreach (8), link number (2), day (2).
const BODY: usize = 15;
/// HMAC-SHA256 cut to 128 bits (RFC 2104 section 5 allows half of the hash).
const MAC: usize = 16;
/// Domain separation from anything else that may ever be derived from the same master key.
const SALT: &[u8] = b"perennial link token v1";

impl Purpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Click => 2,
            Self::Unsubscribe => 3,
            Self::Bounce => 4,
        }
    }

    /// The label under which this purpose's key is derived (RFC 5869 section 3.2).
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Open => b"open",
            Self::Click => b"click",
            Self::Unsubscribe => b"unsub",
            Self::Bounce => b"bounce",
        }
    }
}

impl Keyring {
    /// Derives a key for each purpose from each 32-byte master key (HKDF-SHA256, RFC 5869).
    ///
    /// # Errors
    ///
    /// When there is no key, or two have the same number.
    pub fn new(masters: impl IntoIterator<Item = (u8, [u8; 32])>) -> Result<Self, KeyringError> {
        let mut keys = BTreeMap::new();
        for (number, master) in masters {
            if keys.insert(number, derived(&master)).is_some() {
                return Err(KeyringError::Twice(number));
            }
        }
        let (newest, signing) = keys.last_key_value().ok_or(KeyringError::Empty)?;
        Ok(Self { newest: *newest, signing: signing.clone(), verifying: keys })
    }

    /// A token of [`TOKEN_LENGTH`] characters that are all safe in a path. The same arguments give
    /// the same token as long as the newest key stays.
    ///
    /// `issued_on` is kept for the years 1970 to 2149 and moved to the nearer end outside of them.
    #[must_use]
    pub fn sign(
        &self,
        purpose: Purpose,
        outreach: i64,
        link_no: u16,
        issued_on: NaiveDate,
    ) -> String {
        let token = Token { outreach, link_no, issued_on };
        URL_SAFE_NO_PAD.encode(self.signed(purpose, token))
    }

    /// The local part of the return path of an outreach: [`BOUNCE_LENGTH`] small letters, digits and
    /// a hyphen, since relays on the way may make letters small or capital. It is the same at every
    /// attempt, as greylisting wants it, as long as the newest key stays.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::Keyring;
    /// let ring = Keyring::new([(1, [7; 32])])?;
    /// let local = ring.bounce(42, "2026-05-14".parse()?);
    /// assert_eq!(ring.verify_bounce(&local.to_uppercase()).map(|token| token.outreach), Some(42));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bounce(&self, outreach: i64, issued_on: NaiveDate) -> String {
        let token = Token { outreach, link_no: 0, issued_on };
        format!("{BOUNCE_PREFIX}{}", base32::encode(&self.signed(Purpose::Bounce, token)))
    }

    /// What the local part of a return path says, if one of our keys signed it; large and small
    /// letters are one.
    #[must_use]
    pub fn verify_bounce(&self, local: &str) -> Option<Token> {
        let local = local.to_ascii_lowercase();
        let bytes = base32::decode(local.strip_prefix(BOUNCE_PREFIX)?)?;
        self.verified(Purpose::Bounce, &bytes)
    }

    /// The first return path in `text` that one of our keys signed: header fields, or an address. Only a
    /// return path of ours has a good seal, so it does not matter where one stands; of the signs `@`
    /// that `text` has, 1,000 are looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// # use perennial::domain::Keyring;
    /// let ring = Keyring::new([(1, [7; 32])])?;
    /// let local = ring.bounce(42, "2026-05-14".parse()?);
    /// let header = format!("To: <{local}@bounce.example.com>, x@example.com");
    /// assert_eq!(ring.find_bounce(&header).map(|token| token.outreach), Some(42));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn find_bounce(&self, text: &str) -> Option<Token> {
        let ends = text.match_indices('@').map(|(at, _)| at).take(MOST_PLACES);
        let mut locals = ends.filter_map(|at| text.get(at.checked_sub(BOUNCE_LENGTH)?..at));
        locals.find_map(|local| self.verify_bounce(local))
    }

    fn signed(&self, purpose: Purpose, token: Token) -> [u8; BODY + MAC] {
        let Token { outreach, link_no, issued_on } = token;
        let mut bytes = [0; BODY + MAC];
        bytes[0] = VERSION;
        bytes[1] = self.newest;
        bytes[2] = purpose.byte();
        bytes[3..11].copy_from_slice(&outreach.to_be_bytes());
        bytes[11..13].copy_from_slice(&link_no.to_be_bytes());
        bytes[13..15].copy_from_slice(&day_number(issued_on).to_be_bytes());
        let tag = hmac::sign(key_for(&self.signing, purpose), &bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&tag.as_ref()[..MAC]);
        bytes
    }

    /// What `text` says, if one of our keys signed it for `purpose`. How long a genuine token is
    /// honoured is for the caller to judge, by [`Token::issued_on`].
    #[must_use]
    pub fn verify(&self, purpose: Purpose, text: &str) -> Option<Token> {
        if text.len() != TOKEN_LENGTH {
            return None;
        }
        let mut bytes = [0; BODY + MAC];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        if length == bytes.len() { self.verified(purpose, &bytes) } else { None }
    }

    fn verified(&self, purpose: Purpose, bytes: &[u8; BODY + MAC]) -> Option<Token> {
        if bytes[0] != VERSION || bytes[2] != purpose.byte() {
            return None;
        }
        let key = key_for(self.verifying.get(&bytes[1])?, purpose);
        let (body, given) = bytes.split_at(BODY);
        let expected = hmac::sign(key, body);
        // The library compares whole tags only; comparing tags of the cut tags is as constant in time.
        let blinded = hmac::sign(key, &expected.as_ref()[..MAC]);
        hmac::verify(key, given, blinded.as_ref()).ok()?;
        Some(Token {
            outreach: i64::from_be_bytes(body[3..11].try_into().ok()?),
            link_no: u16::from_be_bytes(body[11..13].try_into().ok()?),
            issued_on: day_of(u16::from_be_bytes(body[13..15].try_into().ok()?))?,
        })
    }
}

/// Numbers only; a key is never printed.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.verifying.keys().collect::<Vec<_>>()).finish()
    }
}

fn derived(master: &[u8; 32]) -> PurposeKeys {
    let seed = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(master);
    PURPOSES.map(|purpose| {
        seed.expand(&[purpose.label()], hmac::HMAC_SHA256)
            .expect("HKDF-SHA256 gives up to 8160 bytes and a key takes 32")
            .into()
    })
}

fn key_for(keys: &PurposeKeys, purpose: Purpose) -> &hmac::Key {
    match purpose {
        Purpose::Open => &keys[0],
        Purpose::Click => &keys[1],
        Purpose::Unsubscribe => &keys[2],
        Purpose::Bounce => &keys[3],
    }
}

/// Days since 1970-01-01.
fn day_number(date: NaiveDate) -> u16 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    u16::try_from(days.max(0)).unwrap_or(u16::MAX)
}

fn day_of(number: u16) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(TimeDelta::days(number.into()))
}
