//! The rules in force: tiers, cadence, calendar and campaigns.
mod cadence;
mod calendar;
mod campaign;
mod event;
mod rule;
mod tiers;

use super::{
    Defaults, Files,
    document::Document,
    reference::Described,
    secret::hex,
    table::{Reader, Table},
};
use crate::{
    config::Problem,
    domain::{Campaign, Locale, Rules},
};

/// The files that rules are in; `None` for one that is not there.
pub(super) struct RuleFiles<'a> {
    pub(super) tiers: Option<&'a Document<'a>>,
    pub(super) cadence: Option<&'a Document<'a>>,
    pub(super) calendar: Vec<&'a Document<'a>>,
    pub(super) campaigns: Vec<&'a Document<'a>>,
}

/// What the other files may refer to. `None` where it is not known for sure, because a complaint
/// about a reference would only echo another one.
#[derive(Debug, Default)]
struct Known {
    /// Schemes with their tiers.
    schemes: Option<Vec<(String, Vec<String>)>>,
    /// Holidays, in the order of the calendar's files.
    holidays: Option<Vec<String>>,
    /// Categories, in the order of the cadence.
    categories: Option<Vec<String>>,
}

impl RuleFiles<'_> {
    /// Reads the files, each as far as it goes; `None` after a complaint.
    pub(super) fn read(
        &self,
        reader: &Reader<'_>,
        (default_locale, prior_consent): (Locale, Vec<String>),
    ) -> Option<Rules> {
        let (schemes, scheme_names) =
            self.tiers.map(|file| reader.read(file, tiers::read)).unwrap_or_default();
        let (calendar, holiday_names) = calendar::read(reader, &self.calendar);
        let mut known = Known { schemes: scheme_names, holidays: holiday_names, categories: None };
        let cadence =
            self.cadence.and_then(|file| reader.read(file, |table| cadence::read(table, &known)));
        known.categories = cadence.as_ref().map(|cadence| {
            cadence.categories.iter().map(|category| category.key.clone()).collect()
        });
        let campaigns = self.read_campaigns(reader, &known);
        let (cadence, calendar) = (cadence?, calendar?);
        Some(Rules {
            schemes: schemes?,
            cadence: cadence.rules,
            holidays: calendar.holidays,
            days_off: calendar.days_off,
            categories: cadence.categories,
            campaigns: campaigns?,
            window: cadence.window,
            budget: cadence.budget,
            strength: cadence.strength,
            strength_place: cadence.strength_place,
            leap_day: cadence.leap_day,
            prior_consent,
            default_locale,
        })
    }

    fn read_campaigns(&self, reader: &Reader<'_>, known: &Known) -> Option<Vec<Campaign>> {
        if self.campaigns.is_empty() {
            let message = "expected one file or more, such as `campaigns/birthday.toml`";
            reader.report(Problem::of_file("campaigns", message));
        }
        let campaigns: Vec<_> = self
            .campaigns
            .iter()
            .map(|file| {
                let name = file.path.trim_start_matches("campaigns/").trim_end_matches(".toml");
                reader.read(file, |table| campaign::read(table, name, known))
            })
            .collect();
        let campaigns: Option<Vec<_>> = campaigns.into_iter().collect();
        campaigns.map(|campaigns| campaigns.into_iter().flatten().collect())
    }
}

/// The files of rules, for the reference.
pub(super) const REFERENCE: [Described; 4] = [
    Described {
        file: "tiers.toml",
        about: "Ways to classify contacts. A contact is in the first tier of a scheme that fits, and is put \
         there anew whenever facts change. The last tier of a scheme has no rule, so that everybody \
         is somewhere.",
        read: |table| drop(tiers::read(table)),
    },
    Described {
        file: "cadence.toml",
        about: "How often to write, when mail may leave, and which of two occasions wins. A person's own \
         behaviour moves the interval between the bounds of the tier.",
        read: |table| drop(cadence::read(table, &Known::default())),
    },
    Described {
        file: "calendar.toml",
        about: "Days that matter to many, and days off. A day does nothing until a campaign names it; a day \
         off keeps mail from leaving for contacts of that country.\n\n\
         The files in the folder `calendar/` have the same form, one for each country that we know, \
         and are read after it: take out a file that is not wanted, add one of your own under any \
         name. A day has its name once in all of them. A `rule` has `month`, `easter`, `term`, \
         `after` or `dates`, and the keys that go with it.",
        read: calendar::describe,
    },
    Described {
        file: "campaigns/NAME.toml",
        about: "What is written, to whom, on what occasion: one file a campaign, which the file names. \
         Taking the file away ends the campaign. Do not rename the file of a campaign that runs: \
         whoever got its mail this year might get it again.",
        read: |table| drop(campaign::read(table, "NAME", &Known::default())),
    },
];

/// SHA-256 of all that deciding depends on: the rules, the data of the time zones, and the program that
/// reads them. A change of a comment changes it as well, which costs one needless round of decisions
/// and nothing else.
pub(super) fn fingerprint(files: &Files, defaults: &Defaults, consent: &[String]) -> String {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut add = |text: &str| {
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    let is_rule = |path: &str| !matches!(path, "perennial.toml" | "providers.toml");
    for (path, text) in files.iter().filter(|(path, _)| is_rule(path)) {
        add(path);
        add(text);
    }
    add(defaults.locale.as_str());
    add(defaults.zone.name());
    add(chrono_tz::IANA_TZDB_VERSION);
    add(env!("CARGO_PKG_VERSION"));
    for country in consent {
        add(country);
    }
    hex(hash.finish().as_ref())
}

/// Complains about each row whose `key` an earlier row has, and gives back the keys, unless one
/// cannot be read.
fn distinct<'a>(
    table: &Table<'_>,
    section: &str,
    keys: impl Iterator<Item = Option<&'a str>>,
) -> Option<Vec<String>> {
    let mut known: Vec<String> = Vec::new();
    let mut all = true;
    for (place, key) in keys.enumerate() {
        match key {
            None => all = false,
            Some(key) if known.iter().any(|other| other == key) => {
                table.complain_about(section, place, format!("`{key}` is here twice"));
            }
            Some(key) => known.push(key.to_owned()),
        }
    }
    all.then_some(known)
}
