//! The reference of all keys, made of the declarations that read them.
use std::fmt::Write as _;

use super::{
    document::Document,
    rules, settings,
    table::{Asked, Need, Reader, Table},
};
use crate::domain::{FACTS, FactType, OccasionKind};

/// A file as the reference shows it.
pub(super) struct Described {
    pub(super) file: &'static str,
    /// What is worth knowing of it.
    pub(super) about: &'static str,
    /// Reads it, so that it asks for its keys.
    pub(super) read: fn(&mut Table<'_>),
}

const SETTINGS: Described = Described {
    file: "perennial.toml",
    about: "The company, its mail, and the machine this runs on.",
    read: |table| drop(settings::read(table)),
};

const PROVIDERS: Described = Described {
    file: "providers.toml",
    about: "What providers of mailboxes take at once, for relays with `by_provider`. A domain that no \
            provider names has no limits but those of the relay; a provider that says that it is too \
            much gets less for a while, whether it stands here or not.",
    read: |table| drop(settings::providers(table)),
};

/// All files with all their keys, in the order in which they are read.
pub(super) fn keys() -> Vec<(Described, Vec<Asked>)> {
    let files = [SETTINGS, PROVIDERS].into_iter().chain(rules::REFERENCE);
    files
        .map(|file| {
            let reader = Reader::recording();
            reader.read(&Document::parse(file.file, "", &mut Vec::new()), file.read);
            (file, reader.into_asked())
        })
        .collect()
}

/// The reference of the configuration as Markdown: every key with its form, default and meaning, the
/// facts, the kinds of occasions, and how schedules, spans and secrets are written.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (Described { file, about, .. }, keys) in keys() {
        add(&mut text, format_args!("\n## {file}\n\n{about}\n"));
        for group in keys.chunk_by(|a, b| a.heading == b.heading) {
            let heading = &group[0].heading;
            if heading.is_empty() {
                text.push('\n');
            } else {
                add(&mut text, format_args!("\n### `{heading}`\n\n"));
            }
            text.push_str("| key | value | without it | meaning |\n| --- | --- | --- | --- |\n");
            for key in group {
                add_key(&mut text, key);
            }
        }
    }
    text.push_str(FACTS_INTRODUCTION);
    for fact in FACTS {
        let kind = match fact.kind {
            FactType::Number => "number",
            FactType::Whole => "whole number",
            FactType::Text => "text",
            FactType::YesNo => "yes or no",
        };
        add(&mut text, format_args!("| `{}` | {kind} | {} |\n", fact.name, fact.meaning));
    }
    text.push_str(OCCASIONS_INTRODUCTION);
    for kind in OccasionKind::ALL {
        add(&mut text, format_args!("| `{}` | {} |\n", kind.as_str(), day_of(kind)));
    }
    text.push_str(SCHEDULES);
    text
}

fn add_key(text: &mut String, key: &Asked) {
    let without = match key.need {
        Need::Required => "**required**".to_owned(),
        Need::Default(toml) => format!("`{toml}`"),
        Need::Otherwise(words) => words.to_owned(),
    };
    let (name, expected, meaning) = (key.name, &key.expected, key.meaning);
    add(text, format_args!("| `{name}` | {expected} | {without} | {meaning} |\n"));
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing to a String cannot fail");
}

const fn day_of(kind: OccasionKind) -> &'static str {
    match kind {
        OccasionKind::Birthday => "each contact's birthday, by the sun or by the moon",
        OccasionKind::CooperationAnniversary => {
            "the day on which the cooperation with the account began, from its first year on"
        }
        OccasionKind::CompanyAnniversary => "the day on which our company was `founded`",
        OccasionKind::ContractMilestone => {
            "the `milestone` of each contract of the account: `start`, `mid-term` or `end`"
        }
        OccasionKind::Invitation => "the day of the `[event]`; the mail carries a calendar entry",
        OccasionKind::Holiday => "a day of the calendar, the same for all who keep it",
        OccasionKind::FollowUp => {
            "an order or delivery of the account or a touch of the contact, as `after` says"
        }
        OccasionKind::WinBack => {
            "the day on which the contact came into the audience by its rule (`audience.when`)"
        }
        OccasionKind::OneOff => "once, within `from` and `until`",
        OccasionKind::CheckIn => "when the contact's own interval since the last mail has passed",
    }
}

const INTRODUCTION: &str = "# Configuration

<!-- Made from the source by `UPDATE_DOCS=1 cargo test --lib config::`; edits here are lost. -->

A configuration is a folder of TOML files. `perennial init` writes one in which every key stands with a
comment; `perennial check` tells everything that is wrong with it, with file, line and key. Relative
paths are relative to the folder.

- **Days** are a number and a unit: `30 days`, `2 weeks`, `1 month` (30 days), `1 quarter` (91),
  `1 half-year` (182), `1 year` (365).
- **Lengths of time** are a number and a unit: `30 seconds`, `10 minutes`, `2 hours`, `1 day`.
- **Secrets** are never written into these files. `file:PATH` is a file that holds the secret alone and
  that only its owner can read (`chmod 600`); `env:NAME` is an environment variable.
- **Names** of schemes, tiers, holidays, campaigns and templates have small letters, digits, `-` and
  `_`, at most 64 of them.
";

const FACTS_INTRODUCTION: &str = "
## Facts

What a rule in `tiers.toml`, or of an audience, may name. Rules compare (`==`, `!=`, `<`, `<=`, `>`,
`>=`), calculate (`+`, `-`, `*`, `/`, `%`), combine (`&&`, `||`, `!`), choose (`a ? b : c`) and look into
lists (`country in [\"CN\", \"SG\"]`). They may ask besides:

| written | comes to |
| --- | --- |
| `attr(\"culture\")`, `attributes[\"culture\"]` | a column of your lists that has no meaning of its own, in lower case with `_` for spaces; the contact's, else the account's; empty if there is none |
| `attribute_number(\"seats\")` | the same as a number; 0 if there is none |
| `has(attributes.culture)` | whether there is such a column |
| `days_since(\"2026-01-01\")` | days from that day to today |
| `month()` | today's month, 1 to 12 |
| `industry.startsWith(\"mach\")`, `.endsWith(…)`, `.contains(…)` | whether a text has another |
| `lower(industry)`, `size(industry)` | a text in small letters, its length in characters |
| `int(revenue_12m)` | a number without its fraction |

Whole numbers divide to a whole number (`7 / 2` is 3), others with a fraction. A rule that cannot be
worked out for a contact, say because it divides by zero, does not hold. A rule has at most 1000 bytes,
30 operators (`&&` and `||` not counted) and 8 brackets inside each other.

A tier with `top` takes the first accounts among those that fit its `when`, whichever tier they are in;
contacts of an account share its place, and a contact without account has none. The places are worked
out anew each night, with new rules, and after an import of accounts, orders or contracts; in between,
an account is in as soon as its value reaches that of the last place.

| fact | value | meaning |
| --- | --- | --- |
";

const OCCASIONS_INTRODUCTION: &str = "
## Occasions

The kinds of reasons to write, strongest first.

| occasion | its day |
| --- | --- |
";

const SCHEDULES: &str = "
## Schedules

Five fields: minute (0–59), hour (0–23), day of the month (1–31), month (1–12 or `jan`–`dec`), weekday
(0–7 or `sun`–`sat`; 0 and 7 are Sunday, 1 is Monday).

| written | means |
| --- | --- |
| `*` | every |
| `5`, `mon` | this one |
| `1-5`, `mon-fri` | from … to |
| `*/10`, `8-18/2` | every tenth, every second one from … to |
| `0,30` | any of these |
| `L` as the day | the last day of the month |
| `1#2` as the weekday | the second Monday of the month |
| `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` | at the start of each |

If both day and weekday are restricted, either is enough. When clocks go forward, a time that is left
out runs at the first instant after the gap; when they go back, a time that comes twice runs once. A
schedule whose minute or hour begins with `*` runs on through both.
";
