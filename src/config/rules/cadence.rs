//! `cadence.toml`: how often to write, when mail may leave, and which occasion wins.
use super::Known;
use crate::{
    config::{
        form::{Days, ListOf, NAME, OneOf, TimeOfDay, WEEKDAY, hint},
        table::Table,
    },
    domain::{Cadence, CadenceRules, LeapDay, OccasionKind, SendWindow, nearest},
};

/// All of `cadence.toml`.
pub(super) struct Cadences {
    pub(super) rules: CadenceRules,
    pub(super) window: SendWindow,
    pub(super) strength: Vec<OccasionKind>,
    pub(super) leap_day: LeapDay,
}

/// The kinds of occasions by their names in configuration.
pub(super) const KINDS: OneOf<OccasionKind> = OneOf(&[
    (OccasionKind::Birthday.as_str(), OccasionKind::Birthday),
    (OccasionKind::CooperationAnniversary.as_str(), OccasionKind::CooperationAnniversary),
    (OccasionKind::Holiday.as_str(), OccasionKind::Holiday),
    (OccasionKind::CheckIn.as_str(), OccasionKind::CheckIn),
]);

const LEAP_DAYS: OneOf<LeapDay> =
    OneOf(&[("28 February", LeapDay::Feb28), ("1 March", LeapDay::Mar1)]);

/// Reads the whole file.
pub(super) fn read(file: &mut Table<'_>, known: &Known) -> Option<Cadences> {
    let scheme = file.needed("scheme", &NAME, "The scheme whose tiers set the interval.");
    let tiers_known = scheme.as_ref().and_then(|scheme| check_scheme(file, scheme, known));
    let meaning = "The least time between any two mails to one contact.";
    let gap = file.or("min_gap", &Days { from: 0 }, "\"10 days\"", meaning);
    let meaning = "The time within which a stronger occasion covers a weaker one, so that a contact \
                   gets one mail; at least `min_gap`.";
    let merge = file.or("merge_within", &Days { from: 0 }, "\"10 days\"", meaning);
    if let (Some(gap), Some(merge)) = (gap, merge)
        && merge < gap
    {
        file.complain("merge_within", format!("expected at least `min_gap`, which is {gap}"));
    }
    let meaning =
        "The time over which contacts that are overdue when they are imported are spread.";
    let catch_up = file.or("catch_up", &Days { from: 0 }, "\"14 days\"", meaning);
    let strength = strength(file);
    let meaning = "The day on which a birthday of 29 February is kept in other years.";
    let leap_day = file.or("leap_day", &LEAP_DAYS, "\"28 February\"", meaning);
    let window = file.section("window", window);
    let fallback = file.section("fallback", cadence);
    let tiers = file.named("tier", |table, name| {
        if let Some(tiers) = &tiers_known
            && !tiers.iter().any(|tier| tier == name)
        {
            let near = hint(nearest(name, tiers.iter().map(String::as_str)));
            let scheme = scheme.as_deref().unwrap_or_default();
            table.complain("", format!("the scheme `{scheme}` has no tier `{name}`{near}"));
        }
        cadence(table).map(|cadence| (name.to_owned(), cadence))
    });
    let rules = CadenceRules {
        scheme: scheme?,
        tiers: tiers.into_iter().collect::<Option<_>>()?,
        fallback: fallback?,
        min_gap_days: gap?.as_days(),
        merge_days: merge?.as_days(),
        catch_up_days: catch_up?.as_days(),
    };
    Some(Cadences { rules, window: window?, strength: strength?, leap_day: leap_day? })
}

/// The tiers of `scheme`, if they are known.
fn check_scheme<'a>(file: &Table<'_>, scheme: &str, known: &'a Known) -> Option<&'a [String]> {
    let schemes = known.schemes.as_ref()?;
    let found = schemes.iter().find(|(key, _)| key == scheme);
    if found.is_none() {
        let near = hint(nearest(scheme, schemes.iter().map(|(key, _)| key.as_str())));
        file.complain("scheme", format!("`tiers.toml` has no scheme `{scheme}`{near}"));
    }
    found.map(|(_, tiers)| tiers.as_slice())
}

fn strength(file: &mut Table<'_>) -> Option<Vec<OccasionKind>> {
    let default = "[\"birthday\", \"cooperation-anniversary\", \"holiday\", \"check-in\"]";
    let meaning = "The kinds of occasions, strongest first, each once. Of two that are near each \
                   other the stronger is written about.";
    let strength = file.or("strength", &ListOf(KINDS), default, meaning)?;
    for (place, kind) in strength.iter().enumerate() {
        if strength[..place].contains(kind) {
            let message = format!("`{}` is here twice", kind.as_str());
            file.complain_about("strength", place, message);
        }
    }
    for kind in OccasionKind::ALL.iter().filter(|kind| !strength.contains(kind)) {
        file.complain("strength", format!("`{}` is not in the list", kind.as_str()));
    }
    Some(strength)
}

fn window(table: &mut Table<'_>) -> Option<SendWindow> {
    let meaning = "First time of day, in the contact's own zone, at which mail may leave.";
    let opens = table.or("opens", &TimeOfDay, "\"09:00\"", meaning);
    let meaning = "Time of day from which it no longer may; later than `opens`.";
    let closes = table.or("closes", &TimeOfDay, "\"17:00\"", meaning);
    let default = "[\"Monday\", \"Tuesday\", \"Wednesday\", \"Thursday\", \"Friday\"]";
    let meaning = "Days on which mail may leave. A campaign says what becomes of an occasion on \
                   another day.";
    let days = table.or("weekdays", &ListOf(WEEKDAY), default, meaning);
    if let (Some(opens), Some(closes)) = (opens, closes)
        && opens >= closes
    {
        table.complain(
            "closes",
            format!("expected a time after `opens`, which is {}", opens.format("%H:%M")),
        );
    }
    if days.as_ref().is_some_and(Vec::is_empty) {
        table.complain("weekdays", "expected one day or more");
    }
    let mut weekdays = [false; 7];
    days?.into_iter().for_each(|day| weekdays[day] = true);
    Some(SendWindow { opens: opens?, closes: closes?, weekdays })
}

/// An interval with its bounds, which must hold in this order: engagement clamps to them.
fn cadence(table: &mut Table<'_>) -> Option<Cadence> {
    let form = Days { from: 1 };
    let every = table.needed("every", &form, "Time between two check-ins, to begin with.");
    let min = table.needed("min", &form, "Never more often than this.");
    let max = table.needed("max", &form, "Never more seldom than this.");
    let cadence = Cadence { every: every?, min: min?, max: max? };
    if cadence.min > cadence.every {
        table.complain("min", format!("expected at most `every`, which is {}", cadence.every));
    }
    if cadence.max < cadence.every {
        table.complain("max", format!("expected at least `every`, which is {}", cadence.every));
    }
    Some(cadence)
}
