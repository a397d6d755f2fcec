//! Texts that nobody would write.
use proptest::prelude::*;

use super::*;

const FRAGMENTS: [&str; 22] = [
    "[",
    "]",
    "[[scheme]]\n",
    "[[scheme.tier]]\n",
    "[delivery.relay.main]\n",
    "key",
    "=",
    "when = ",
    "\"",
    "'''",
    "{",
    "}",
    "1",
    "\n",
    "#",
    ",",
    "rule",
    "names",
    "[tier.x]\n",
    "2026-01-01",
    "中",
    "\\u00",
];

fn toml_ish() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        (0..FRAGMENTS.len()).prop_map(|place| FRAGMENTS[place].to_owned()),
        "\\PC{0,5}",
    ];
    prop::collection::vec(fragment, 0..30).prop_map(|parts| parts.concat())
}

/// The commented file at a place with some bytes of it cut out or doubled.
fn damaged() -> impl Strategy<Value = (usize, String)> {
    let files = Files::embedded();
    let texts: Vec<String> = files.iter().map(|(_, text)| text.to_owned()).collect();
    (0..texts.len(), 0.0..1.0_f64, 0_usize..40, toml_ish()).prop_map(move |(file, at, cut, new)| {
        let chars: Vec<char> = texts[file].chars().collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let at = (chars.len() as f64 * at) as usize;
        let (head, tail) = (&chars[..at], &chars[(at + cut).min(chars.len())..]);
        (file, head.iter().copied().chain(new.chars()).chain(tail.iter().copied()).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_text_makes_the_reader_panic_or_refuse_without_a_reason(
        text in toml_ish(), (file, damaged) in damaged(),
    ) {
        let folder = Folder::new();
        let path = Files::embedded().iter().nth(file).unwrap().0.to_owned();
        for text in [text, damaged] {
            if let Err(error) = folder.parse(&Files::embedded().with(&path, &text)) {
                prop_assert!(!error.problems().is_empty());
                prop_assert_eq!(error.to_string().lines().count(), error.problems().len() + 1);
            }
        }
    }
}
