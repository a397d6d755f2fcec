//! Signed tokens for the links of a mail: opaque, short, and good for one purpose each.
//!
//! A token holds no address and no destination. What it points to is looked up, so that a forged
//! or replayed one cannot send anybody anywhere that we did not write ourselves.
use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{NaiveDate, TimeDelta};
use ring::{hkdf, hmac};

/// What a token may be used for. A token for one purpose is refused for every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The open pixel.
    Open,
    /// A link in the body.
    Click,
    /// The way out: one-click unsubscribe and the page that asks first.
    Unsubscribe,
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

const VERSION: u8 = 1;
const PURPOSES: [Purpose; 3] = [Purpose::Open, Purpose::Click, Purpose::Unsubscribe];
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
        }
    }

    /// The label under which this purpose's key is derived (RFC 5869 section 3.2).
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Open => b"open",
            Self::Click => b"click",
            Self::Unsubscribe => b"unsub",
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
        let mut bytes = [0; BODY + MAC];
        bytes[0] = VERSION;
        bytes[1] = self.newest;
        bytes[2] = purpose.byte();
        bytes[3..11].copy_from_slice(&outreach.to_be_bytes());
        bytes[11..13].copy_from_slice(&link_no.to_be_bytes());
        bytes[13..15].copy_from_slice(&day_number(issued_on).to_be_bytes());
        let tag = hmac::sign(key_for(&self.signing, purpose), &bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&tag.as_ref()[..MAC]);
        URL_SAFE_NO_PAD.encode(bytes)
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
        if length != bytes.len() || bytes[0] != VERSION || bytes[2] != purpose.byte() {
            return None;
        }
        let key = key_for(self.verifying.get(&bytes[1])?, purpose);
        let (body, given) = bytes.split_at(BODY);
        let expected = hmac::sign(key, body);
        // ring compares whole tags only; comparing tags of the cut tags is as constant in time.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> NaiveDate {
        "2026-05-14".parse().unwrap()
    }

    fn ring(numbers: impl IntoIterator<Item = u8>) -> Keyring {
        Keyring::new(numbers.into_iter().map(|number| (number, [number; 32]))).unwrap()
    }

    #[test]
    fn a_token_says_what_was_signed_in_forty_two_characters() {
        let text = ring([1]).sign(Purpose::Click, -7, 513, day());
        assert_eq!(text.len(), TOKEN_LENGTH);
        let token = Token { outreach: -7, link_no: 513, issued_on: day() };
        assert_eq!(ring([1]).verify(Purpose::Click, &text), Some(token));
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let ring = ring([1]);
        let bytes = URL_SAFE_NO_PAD.decode(ring.sign(Purpose::Open, 99, 0, day())).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let text = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(ring.verify(Purpose::Open, &text), None, "bit {bit}");
        }
    }

    #[test]
    fn a_token_has_one_spelling() {
        let ring = ring([1]);
        let text = ring.sign(Purpose::Open, 99, 0, day());
        for place in 0..TOKEN_LENGTH {
            for byte in (0..128_u8).filter(|byte| *byte != text.as_bytes()[place]) {
                let mut other = text.clone().into_bytes();
                other[place] = byte;
                let other = String::from_utf8(other).unwrap();
                assert_eq!(ring.verify(Purpose::Open, &other), None, "{other:?}");
            }
        }
        assert_eq!(ring.verify(Purpose::Open, &format!("{text}=")), None);
    }

    #[test]
    fn a_token_for_one_purpose_is_refused_for_every_other() {
        let ring = ring([1]);
        for (signed, asked) in PURPOSES.iter().flat_map(|a| PURPOSES.map(|b| (*a, b))) {
            let mut bytes = URL_SAFE_NO_PAD.decode(ring.sign(signed, 5, 0, day())).unwrap();
            let accepted = ring.verify(asked, &URL_SAFE_NO_PAD.encode(&bytes)).is_some();
            assert_eq!(accepted, signed == asked);
            bytes[2] = asked.byte();
            let relabelled = ring.verify(asked, &URL_SAFE_NO_PAD.encode(&bytes)).is_some();
            assert_eq!(relabelled, signed == asked, "the byte alone does not change a purpose");
        }
    }

    #[test]
    fn a_new_key_signs_and_an_old_one_still_verifies() {
        let old = ring([3]).sign(Purpose::Unsubscribe, 5, 0, day());
        let both = ring([3, 4]);
        assert!(both.verify(Purpose::Unsubscribe, &old).is_some());
        let new = both.sign(Purpose::Unsubscribe, 5, 0, day());
        assert!(ring([4]).verify(Purpose::Unsubscribe, &new).is_some());
        assert_eq!(ring([3]).verify(Purpose::Unsubscribe, &new), None);
    }

    #[test]
    fn a_ring_needs_a_key_and_one_key_a_number() {
        assert_eq!(Keyring::new([]).unwrap_err(), KeyringError::Empty);
        let twice = Keyring::new([(1, [0; 32]), (1, [1; 32])]);
        assert_eq!(twice.unwrap_err(), KeyringError::Twice(1));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", ring([7])), "Keyring([7])");
    }

    #[test]
    fn days_outside_of_the_format_move_to_its_ends() {
        assert_eq!(day_number(NaiveDate::MIN), 0);
        assert_eq!(day_number(NaiveDate::MAX), u16::MAX);
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_refused_and_never_panics(text in "\\PC{0,60}", token in "[A-Za-z0-9_-]{42}") {
            for purpose in PURPOSES {
                proptest::prop_assert_eq!(ring([65]).verify(purpose, &text), None);
                proptest::prop_assert_eq!(ring([65]).verify(purpose, &token), None);
            }
        }

        #[test]
        fn every_token_is_read_back(outreach: i64, link_no: u16, day in 0..=u16::MAX) {
            let token = Token { outreach, link_no, issued_on: day_of(day).unwrap() };
            let text = ring([0, 255]).sign(Purpose::Click, outreach, link_no, token.issued_on);
            proptest::prop_assert_eq!(ring([0, 255]).verify(Purpose::Click, &text), Some(token));
        }
    }
}
