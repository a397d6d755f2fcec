//! Full-width letters, digits and signs, as input methods for Chinese and Japanese write them.
use std::borrow::Cow;

/// How far a full-width form (U+FF01 to U+FF5E) is from its ASCII twin.
const OFFSET: u32 = 0xff01 - 0x21;

/// `text` with every full-width letter, digit and sign as its ASCII twin, and the ideographic space
/// as a space. For codes and numbers; prose keeps its own punctuation.
#[must_use]
pub fn half_width(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(half_width_char).collect())
}

fn half_width_char(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - OFFSET).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_codes_read_like_ascii_ones() {
        assert_eq!(half_width("ＡＣＭＥ－０１　Ｘ～！"), "ACME-01 X~!");
    }

    #[test]
    fn han_characters_and_ideographic_stops_stay() {
        assert_eq!(half_width("五月。é"), "五月。é");
    }
}
