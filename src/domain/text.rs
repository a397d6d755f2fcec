//! Text that came from outside, made safe to show and to put into a header.

/// Whether `c` is a control (C0, C1) or a character that hides or turns other text: bidirectional
/// marks and overrides, zero-width characters, line and paragraph separators, the byte-order mark.
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Whether any character of `text` [`is_hidden`].
#[must_use]
pub fn has_hidden_characters(text: &str) -> bool {
    text.chars().any(is_hidden)
}

/// `text` on one line: hidden characters removed (a line break or tab becomes a space), runs of
/// white space joined, the ends trimmed, and cut after `max` characters.
///
/// # Examples
///
/// ```
/// # use perennial::domain::one_line;
/// assert_eq!(one_line(" Ada\r\nBcc: x\u{202e} ", 64), "Ada Bcc: x");
/// ```
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    // Nearly all texts are lines already, and this is asked of every value of every letter.
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_plain && text.len() <= max && text.trim_ascii() == text && !text.contains("  ") {
        return text.to_owned();
    }
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_hidden(*c))
        .collect();
    let joined = visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    joined.chars().take(max).collect::<String>().trim_end().to_owned()
}

/// `text` with every mail address in it cut to its first character and its domain, for logs and
/// messages that quote what a server said.
///
/// # Examples
///
/// ```
/// # use perennial::domain::mask_addresses;
/// assert_eq!(mask_addresses("550 <ada@example.org> unknown"), "550 <a***@example.org> unknown");
/// ```
#[must_use]
pub fn mask_addresses(text: &str) -> String {
    let stops = |c: char| c.is_whitespace() || "<>()[],;:\"'".contains(c);
    let mask = |word: &str| match word.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => {
            format!("{}***@{domain}", local.chars().take(1).collect::<String>())
        }
        _ => word.to_owned(),
    };
    let mut masked = String::with_capacity(text.len());
    for piece in text.split_inclusive(stops) {
        let word = piece.trim_end_matches(stops);
        masked.push_str(&mask(word));
        masked.push_str(&piece[word.len()..]);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_survives() {
        for code in (0..0x20).chain(0x7f..0xa0).chain(0x2028..0x202f).chain(0x2060..0x206a) {
            let Some(c) = char::from_u32(code) else { continue };
            let text = one_line(&format!("a{c}b"), 10);
            assert!(text == "ab" || text == "a b", "U+{code:04X} gave {text:?}");
        }
    }

    #[test]
    fn the_cut_counts_characters_not_bytes() {
        assert_eq!(one_line("中秋快乐", 2), "中秋");
    }

    #[test]
    fn full_width_spaces_are_white_space_too() {
        assert_eq!(one_line("王\u{3000}伟", 9), "王 伟");
    }
}
