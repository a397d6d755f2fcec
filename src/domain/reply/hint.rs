//! `try again in 300 seconds`, found in a server's words.
use chrono::TimeDelta;

/// What stands before the number. A number behind other words may be anything.
const BEFORE: [&str; 10] = [
    "again in",
    "again after",
    "retry in",
    "retry after",
    "retry-after:",
    "later in",
    "come back in",
    "wait",
    "wait for",
    "in",
];

/// Units by their beginnings, with seconds.
const UNITS: [(&str, i64); 4] = [("sec", 1), ("min", 60), ("hour", 3600), ("day", 86_400)];

/// Longer waits than this are no waits.
const MOST: i64 = 30 * 86_400;

/// The wait that `text` asks for.
pub(super) fn wait(text: &str) -> Option<TimeDelta> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == '(' || c == ')').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    (1..words.len()).find_map(|place| {
        let (number, unit) = number_and_unit(words[place], words.get(place + 1).copied())?;
        let before = &words[place.saturating_sub(2)..place];
        let (two, one) = (before.join(" "), before.last().copied()?);
        let is_asked = BEFORE.iter().any(|words| *words == two || *words == one);
        let seconds = number.checked_mul(unit)?;
        (is_asked && (1..=MOST).contains(&seconds)).then(|| TimeDelta::seconds(seconds))
    })
}

/// `300 seconds` or `300s`.
fn number_and_unit(word: &str, next: Option<&str>) -> Option<(i64, i64)> {
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = word.split_at(digits);
    let number = number.parse().ok()?;
    let rest = rest.trim_end_matches(['.', ',', ';']);
    let unit = match rest {
        "" => next?,
        "s" => "sec",
        "m" => "min",
        "h" => "hour",
        rest => rest,
    };
    let (_, seconds) = UNITS.iter().find(|(name, _)| unit.starts_with(name))?;
    Some((number, *seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_a_number_with_a_unit_behind_words_that_ask_for_it() {
        for (text, seconds) in [
            ("Greylisted, please try again in 300 seconds", Some(300)),
            ("Please retry in 10 minutes.", Some(600)),
            ("temporarily blocked; come back in 2 hours", Some(7200)),
            ("try again after 1 hour", Some(3600)),
            ("Greylisting in action, please come back later in 00:04:59", None),
            ("deferred (retry after 60s)", Some(60)),
            ("please wait 5 min, then send", Some(300)),
            ("more than 100 messages in 60 minutes", Some(3600)),
            ("try again in 99999999999999999999 days", None),
            ("try again in 400 days", None),
            ("your IP 192.0.2.1 sent 20 messages", None),
            ("try again later", None),
            ("", None),
        ] {
            assert_eq!(wait(text), seconds.map(TimeDelta::seconds), "{text}");
        }
    }
}
