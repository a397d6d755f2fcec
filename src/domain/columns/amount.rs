//! Amounts of money as people and spreadsheets write them.
use crate::domain::half_width;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// There are other characters than digits, separators and a currency.
    #[error("expected an amount such as `1,234.50` or `1234.5`")]
    Shape,
    /// `1.234` is a thousand and more to some and one and a bit to others.
    #[error("the point may group thousands or begin a fraction; write `1234.00` or `1.23`")]
    Ambiguous,
    /// It does not fit.
    #[error("the amount is too large")]
    TooLarge,
}

/// An amount in hundredths, rounded half away from zero.
///
/// Takes commas, points, spaces and apostrophes between groups of three digits, a currency before or
/// after, and a minus sign or brackets for a negative amount. A single comma before three digits
/// groups thousands (`1,234`), a single point there is refused since both readings are common.
///
/// # Errors
///
/// If the text cannot be read in one way only, or the amount does not fit an `i64`.
pub fn parse_amount(text: &str) -> Result<i64, AmountError> {
    let text = half_width(text);
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (negative, rest) = sign(&compact)?;
    let rest = rest.replace(['\'', '’'], "");
    let (whole, fraction) = split(&rest)?;
    let cents = in_hundredths(&whole, fraction)?;
    if negative { cents.checked_neg().ok_or(AmountError::TooLarge) } else { Ok(cents) }
}

/// Takes the signs and the currency off both ends.
fn sign(text: &str) -> Result<(bool, &str), AmountError> {
    let minus = ['-', '−', '–'];
    let (mut negative, mut rest) = (false, text);
    if let Some(inner) = rest.strip_prefix('(') {
        (negative, rest) = (true, inner.strip_suffix(')').ok_or(AmountError::Shape)?);
    }
    // The sign stands on either side of the currency.
    for _ in 0..2 {
        rest = without_currency(rest);
        if let Some(inner) = rest.strip_prefix(minus).or_else(|| rest.strip_suffix(minus)) {
            if negative {
                return Err(AmountError::Shape);
            }
            (negative, rest) = (true, inner);
        } else if let Some(inner) = rest.strip_prefix('+') {
            rest = inner;
        }
    }
    Ok((negative, rest))
}

/// `￥`, `$`, `EUR`, `元`, at either end.
fn without_currency(text: &str) -> &str {
    let symbols = ['¥', '￥', '￡', '$', '€', '£', '元', '圆', '円'];
    let is_code = |part: &str| part.len() <= 3 && part.bytes().all(|b| b.is_ascii_alphabetic());
    let digits =
        |c: char| c.is_ascii_digit() || matches!(c, '-' | '−' | '–' | '+' | '.' | ',' | '(');
    let start = text.find(digits).unwrap_or(0);
    let (head, rest) = text.split_at(start);
    let rest = if is_code(head.trim_end_matches(symbols)) { rest } else { text };
    let end = rest
        .rfind(|c| digits(c) || c == ')')
        .and_then(|at| rest[at..].chars().next().map(|c| at + c.len_utf8()));
    let (kept, tail) = rest.split_at(end.unwrap_or(rest.len()));
    if is_code(tail.trim_start_matches(symbols)) { kept } else { rest }
}

/// The whole digits without separators, and the digits of the fraction.
fn split(text: &str) -> Result<(String, &str), AmountError> {
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',')
        || !text.bytes().any(|b| b.is_ascii_digit())
    {
        return Err(AmountError::Shape);
    }
    let Some(last) = text.rfind(['.', ',']) else { return Ok((text.to_owned(), "")) };
    let (before, after) = (&text[..last], &text[last + 1..]);
    let separator = &text[last..=last];
    let groups_too = before.contains(separator);
    let other = if separator == "." { "," } else { "." };
    let is_lone = !groups_too && !before.contains(other);
    let could_group =
        after.len() == 3 && (1..=3).contains(&before.len()) && !before.starts_with('0');
    if groups_too && before.contains(other) {
        return Err(AmountError::Shape);
    }
    if is_lone && could_group && separator == "." {
        return Err(AmountError::Ambiguous);
    }
    if groups_too || (is_lone && could_group) {
        return Ok((ungrouped(text, separator)?, ""));
    }
    Ok((ungrouped(before, other)?, after))
}

/// `1,234,567` without its commas; refused unless all groups but the first have three digits.
fn ungrouped(text: &str, separator: &str) -> Result<String, AmountError> {
    let mut groups = text.split(separator);
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    let plausible = rest.peek().is_none() || (1..=3).contains(&first.len());
    if plausible && rest.all(|group| group.len() == 3) {
        Ok(text.replace(separator, ""))
    } else {
        Err(AmountError::Shape)
    }
}

fn in_hundredths(whole: &str, fraction: &str) -> Result<i64, AmountError> {
    let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |b| i64::from(b - b'0'));
    let whole: i64 =
        if whole.is_empty() { 0 } else { whole.parse().map_err(|_| AmountError::TooLarge)? };
    let hundredths = digit(0) * 10 + digit(1) + i64::from(digit(2) >= 5);
    whole
        .checked_mul(100)
        .and_then(|cents| cents.checked_add(hundredths))
        .ok_or(AmountError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_many_habits_are_read() {
        for (text, cents) in [
            ("1234", 123_400),
            ("1,234.50", 123_450),
            ("￥1,234", 123_400),
            ("¥ 1,234.5", 123_450),
            ("１２３４．５０元", 123_450),
            ("1 234,50 €", 123_450),
            ("1\u{202f}234,50\u{a0}EUR", 123_450),
            ("1.234.567,89", 123_456_789),
            ("1'234.50 CHF", 123_450),
            ("1,234,567", 123_456_700),
            ("(120.00)", -12_000),
            ("($1,120)", -112_000),
            ("-120", -12_000),
            ("-€120", -12_000),
            ("$-120", -12_000),
            ("120-", -12_000),
            ("−0.05", -5),
            ("+3", 300),
            (".5", 50),
            ("5.", 500),
            ("1234,5", 123_450),
            ("0.125", 13),
            ("12.3456", 1_235),
            ("1234.500", 123_450),
            ("0", 0),
            ("CNY 88", 8_800),
        ] {
            assert_eq!(parse_amount(text), Ok(cents), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        assert_eq!(parse_amount("1.234"), Err(AmountError::Ambiguous));
        assert_eq!(parse_amount("12.345 €"), Err(AmountError::Ambiguous));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-",
            "abc",
            "1.2E+05",
            "12%",
            "1,23,456.00",
            "1.2.3",
            "1,2.3,4",
            "(5",
            "--5",
            "(-5)",
            "12 pieces",
            "1..5",
            "€",
            "1/2",
            "NaN",
        ] {
            assert_eq!(parse_amount(text), Err(AmountError::Shape), "{text}");
        }
    }

    #[test]
    fn an_amount_that_does_not_fit_is_refused() {
        assert_eq!(parse_amount("92233720368547758.07"), Ok(i64::MAX));
        assert_eq!(parse_amount("92233720368547758.08"), Err(AmountError::TooLarge));
        assert_eq!(parse_amount(&"9".repeat(40)), Err(AmountError::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[-+()0-9., '￥€A-Z元−]{0,14}|\\PC{0,12}") {
            let _ = parse_amount(&text);
        }

        #[test]
        fn what_is_printed_with_two_decimals_is_read_back(cents in i64::MIN + 1..=i64::MAX) {
            let sign = if cents < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
            proptest::prop_assert_eq!(parse_amount(&text), Ok(cents));
        }
    }
}
