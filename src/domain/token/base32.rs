//! Base32 in small letters without padding (RFC 4648 section 6), for exactly the bytes of a token.
use super::{BODY, MAC};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Bytes of a token.
const BYTES: usize = BODY + MAC;
/// Characters of a token; the last one has two bits too many.
const CHARACTERS: usize = (BYTES * 8).div_ceil(5);

pub(super) fn encode(bytes: &[u8; BYTES]) -> String {
    let bit = |place: usize| {
        let byte = bytes.get(place / 8).copied().unwrap_or(0);
        usize::from(byte >> (7 - place % 8) & 1)
    };
    let value = |number: usize| (0..5).fold(0, |value, at| value * 2 + bit(number * 5 + at));
    (0..CHARACTERS).map(|number| char::from(ALPHABET[value(number)])).collect()
}

/// The bytes of `text`, of which there is one spelling: the bits too many are 0.
pub(super) fn decode(text: &str) -> Option<[u8; BYTES]> {
    if text.len() != CHARACTERS {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (number, character) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        for at in (0..5).filter(|at| value >> (4 - at) & 1 == 1) {
            let place = number * 5 + at;
            *bytes.get_mut(place / 8)? |= 1 << (7 - place % 8);
        }
    }
    Some(bytes)
}
