//! `cadence.toml`: how often to write, when mail may leave, and which occasion wins.
use super::Known;
use crate::{
    config::{
        form::{CAP, Days, ListOf, NAME, OneOf, TIMES, TimeOfDay, WEEKDAY, Whole, YesNo, hint},
        table::{Complained, Table},
    },
    domain::{
        Cadence, CadenceRules, Category, Channel, ChannelCadence, LeapDay, Limit, OccasionKind,
        Place, SendWindow, Span, TierCadence, nearest,
    },
};

/// All of `cadence.toml`.
pub(super) struct Cadences {
    pub(super) rules: CadenceRules,
    pub(super) window: SendWindow,
    pub(super) budget: Option<u32>,
    pub(super) strength: Vec<OccasionKind>,
    pub(super) strength_place: Place,
    pub(super) leap_day: LeapDay,
    pub(super) categories: Vec<Category>,
}

/// The kinds of occasions by their names in configuration.
pub(super) const KINDS: OneOf<OccasionKind> = OneOf(&[
    (OccasionKind::Birthday.as_str(), OccasionKind::Birthday),
    (OccasionKind::CooperationAnniversary.as_str(), OccasionKind::CooperationAnniversary),
    (OccasionKind::CompanyAnniversary.as_str(), OccasionKind::CompanyAnniversary),
    (OccasionKind::ContractMilestone.as_str(), OccasionKind::ContractMilestone),
    (OccasionKind::Invitation.as_str(), OccasionKind::Invitation),
    (OccasionKind::Holiday.as_str(), OccasionKind::Holiday),
    (OccasionKind::FollowUp.as_str(), OccasionKind::FollowUp),
    (OccasionKind::WinBack.as_str(), OccasionKind::WinBack),
    (OccasionKind::OneOff.as_str(), OccasionKind::OneOff),
    (OccasionKind::CheckIn.as_str(), OccasionKind::CheckIn),
]);

const LEAP_DAYS: OneOf<LeapDay> =
    OneOf(&[("28 February", LeapDay::Feb28), ("1 March", LeapDay::Mar1)]);

/// Reads the whole file.
pub(super) fn read(file: &mut Table<'_>, known: &Known) -> Option<Cadences> {
    let scheme = file.needed("scheme", &NAME, "The scheme whose tiers set the interval of mail.");
    let tiers_known = scheme.as_ref().and_then(|scheme| check_scheme(file, scheme, known));
    let meaning = "The least time between any two mails to one contact.";
    let gap = file.or("min_gap", &Days { from: 0 }, "\"10 days\"", meaning);
    let meaning = "The most mails to one contact, in windows of different lengths that move along; \
                   `0 in 30 days` lets none through, an empty list sets no limit.";
    let caps = file.or("caps", &ListOf(CAP), "[\"3 in 30 days\", \"20 in 1 year\"]", meaning);
    let limits = (file.place("min_gap"), file.place("caps"));
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
    let (strength, strength_place) = (strength(file), file.place("strength"));
    let meaning = "The day on which a birthday of 29 February is kept in other years.";
    let leap_day = file.or("leap_day", &LEAP_DAYS, "\"28 February\"", meaning);
    let window = file.section("window", window);
    let budget = file.section("budget", |table| {
        let meaning = "The most mails on one day, to all contacts together. What a day cannot send \
                       goes out on the next ones while it is welcome: higher tiers first, then \
                       greater value, then what waits longest.";
        Some(table.given_if_any("per_day", &Whole(1..=u32::MAX), "no limit", meaning))
    });
    let fallback = file.section("fallback", |table| tier(table, ""));
    let named = (scheme.as_deref(), tiers_known);
    let tiers = file.named("tier", |table, name| {
        check_tier(table, named, name);
        tier(table, name)
    });
    let categories = file.named("category", category);
    let channels = [Channel::Call, Channel::Visit].map(|way| channel(file, way, known));
    let channels = channels.into_iter().collect::<Result<Vec<_>, Complained>>().ok();
    let rules = CadenceRules {
        scheme: scheme?,
        tiers: tiers.into_iter().collect::<Option<_>>()?,
        fallback: fallback?,
        min_gap: Limit { value: gap?.as_days(), place: limits.0 },
        caps: Limit { value: caps?, place: limits.1 },
        merge_days: merge?.as_days(),
        catch_up_days: catch_up?.as_days(),
        channels: channels?.into_iter().flatten().collect(),
    };
    Some(Cadences {
        rules,
        window: window?,
        budget: budget?.ok()?,
        strength: strength?,
        strength_place,
        leap_day: leap_day?,
        categories: categories.into_iter().collect::<Option<_>>()?,
    })
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

/// Complains if the scheme, whose tiers are known, has no tier called `name`.
fn check_tier(table: &Table<'_>, (scheme, tiers): (Option<&str>, Option<&[String]>), name: &str) {
    if let (Some(scheme), Some(tiers)) = (scheme, tiers)
        && !tiers.iter().any(|tier| tier == name)
    {
        let near = hint(nearest(name, tiers.iter().map(String::as_str)));
        table.complain("", format!("the scheme `{scheme}` has no tier `{name}`{near}"));
    }
}

/// A group of campaigns with limits of its own.
fn category(table: &mut Table<'_>, name: &str) -> Option<Category> {
    let meaning = "The most mails of this category to one contact, as `caps` above.";
    let caps = table.or("caps", &ListOf(CAP), "[]", meaning);
    let meaning = "Whether `min_gap`, `caps` and covering by other occasions do not hold for it, as \
                   for mails that the contact waits for.";
    let exempt = table.or("exempt", &YesNo, "false", meaning);
    let place = table.place("caps");
    Some(Category { key: name.to_owned(), caps: caps?, exempt: exempt?, place })
}

/// How often a rep calls or visits, if anybody said.
fn channel(
    file: &mut Table<'_>,
    channel: Channel,
    known: &Known,
) -> Result<Option<ChannelCadence>, Complained> {
    let read = file.section(channel.as_str(), |table| {
        let meaning = "The scheme whose tiers set how often; nothing is due without one.";
        let scheme = table.given_if_any("scheme", &NAME, "never due", meaning);
        let named = scheme.as_ref().ok().and_then(Option::as_deref);
        let tiers_known = named.and_then(|scheme| check_scheme(table, scheme, known));
        let tiers = table.named("tier", |table, name| {
            check_tier(table, (named, tiers_known), name);
            let meaning = "Time between two of them; `explain` shows when the next one is due.";
            table.needed("every", &Days { from: 1 }, meaning).map(|span| (name.to_owned(), span))
        });
        let tiers: Option<Vec<_>> = tiers.into_iter().collect();
        Some(match (scheme, tiers) {
            (Ok(None), Some(_)) => Ok(None),
            (Ok(Some(scheme)), Some(tiers)) => Ok(Some(ChannelCadence { channel, scheme, tiers })),
            _ => Err(Complained),
        })
    });
    read.unwrap_or(Err(Complained))
}

fn strength(file: &mut Table<'_>) -> Option<Vec<OccasionKind>> {
    let default = "[\"birthday\", \"cooperation-anniversary\", \"company-anniversary\", \
                   \"contract-milestone\", \"invitation\", \"holiday\", \"follow-up\", \
                   \"win-back\", \"one-off\", \"check-in\"]";
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
    let meaning = "Times between at which it may not, such as `[\"12:00-13:30\"]`.";
    let quiet = table.or("quiet", &ListOf(TIMES), "[]", meaning);
    let default = "[\"Monday\", \"Tuesday\", \"Wednesday\", \"Thursday\", \"Friday\"]";
    let meaning = "Days on which mail may leave, but for public holidays where the contact is. A \
                   campaign says what becomes of an occasion on another day.";
    let days = table.or("weekdays", &ListOf(WEEKDAY), default, meaning);
    let (opens, closes, quiet, days) = (opens?, closes?, quiet?, days?);
    if opens >= closes {
        table.complain(
            "closes",
            format!("expected a time after `opens`, which is {}", opens.format("%H:%M")),
        );
        return None;
    }
    if days.is_empty() {
        table.complain("weekdays", "expected one day or more");
        return None;
    }
    let mut weekdays = [false; 7];
    for day in days {
        weekdays[day] = true;
    }
    let window = SendWindow::new((opens, closes), &quiet, weekdays, table.place("opens"));
    if window.is_none() {
        table.complain("quiet", "leaves no time at which mail may leave");
    }
    window
}

/// What a tier sets. The bounds of the interval must hold in this order: engagement clamps to them.
fn tier(table: &mut Table<'_>, name: &str) -> Option<TierCadence> {
    let form = Days { from: 1 };
    let every = table.needed("every", &form, "Time between two check-ins, to begin with.");
    let min = table.needed("min", &form, "Never more often than this.");
    let max = table.needed("max", &form, "Never more seldom than this.");
    let meaning = "The gap for this tier, in place of that for all.";
    let gap = table.given_if_any("min_gap", &Days { from: 0 }, "that for all", meaning);
    let meaning = "The caps for this tier, in place of those for all.";
    let caps = table.given_if_any("caps", &ListOf(CAP), "those for all", meaning);
    let cadence = Cadence { every: every?, min: min?, max: max? };
    if cadence.min > cadence.every {
        table.complain("min", format!("expected at most `every`, which is {}", cadence.every));
    }
    if cadence.max < cadence.every {
        table.complain("max", format!("expected at least `every`, which is {}", cadence.every));
    }
    Some(TierCadence {
        tier: name.to_owned(),
        cadence,
        min_gap: gap.ok()?.map(Span::as_days),
        caps: caps.ok()?,
        place: table.place("every"),
    })
}
