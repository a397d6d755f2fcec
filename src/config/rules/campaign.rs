//! `campaigns/NAME.toml`: what is written, to whom, on what occasion.
use super::{
    Known,
    cadence::KINDS,
    rule::{self, RULE},
};
use crate::{
    config::{
        form::{COUNTRY, LOCALE, ListOf, NAME, OneOf, Whole, Words, hint, is_name, not_this},
        table::Table,
    },
    domain::{Audience, Campaign, DayOff, OccasionKind, OccasionRule, nearest},
};

const DAYS_OFF: OneOf<DayOff> = OneOf(&[
    ("keep", DayOff::Keep),
    ("previous", DayOff::Previous),
    ("next", DayOff::Next),
    ("skip", DayOff::Skip),
]);

/// Reads the file of the campaign `name`.
pub(super) fn read(file: &mut Table<'_>, name: &str, known: &Known) -> Option<Campaign> {
    let occasion = file.needed("occasion", &KINDS, "The kind of occasion.");
    let meaning = "Which day of `calendar.toml`; for the occasion `holiday`, and only for it.";
    let holiday = file.optional("holiday", &NAME, "no day of the calendar", meaning);
    let occasion = occasion.and_then(|kind| rule(file, kind, holiday.as_deref(), known));
    let meaning = "The template.";
    let template = file.optional("template", &NAME, "the name of the file", meaning);
    let template_is_bad = template.is_none() && file.has("template");
    let meaning =
        "Days after the occasion on which the mail is still welcome; 0 is the day itself.";
    let welcome_days = file.or("welcome_days", &Whole(0..=366_u32), "0", meaning);
    let meaning = "What becomes of an occasion on a day on which no mail leaves: `keep` sends all \
                   the same, `previous` and `next` move to the nearest working day, `skip` leaves \
                   it out.";
    let day_off = file.or("day_off", &DAYS_OFF, "\"next\"", meaning);
    let meaning = "Of two campaigns for one kind of occasion the one with the higher number wins.";
    let priority = file.or("priority", &Whole(-1000..=1000_i64), "0", meaning);
    let audience = file.section("audience", |table| audience(table, known));
    Some(Campaign {
        key: name.to_owned(),
        occasion: occasion?,
        template: if template_is_bad { return None } else { template.unwrap_or(name.to_owned()) },
        audience: audience?,
        welcome_days: welcome_days?,
        day_off: day_off?,
        priority: priority?,
    })
}

fn rule(
    file: &mut Table<'_>,
    kind: OccasionKind,
    holiday: Option<&str>,
    known: &Known,
) -> Option<OccasionRule> {
    if kind != OccasionKind::Holiday && file.has("holiday") {
        file.complain("holiday", "expected only with `occasion = \"holiday\"`");
    }
    match kind {
        OccasionKind::Birthday => Some(OccasionRule::Birthday),
        OccasionKind::CooperationAnniversary => Some(OccasionRule::CooperationAnniversary),
        OccasionKind::CheckIn => Some(OccasionRule::CheckIn),
        OccasionKind::Holiday => {
            if !file.has("holiday") {
                file.miss("holiday", "a day of `calendar.toml`");
            }
            let (holiday, holidays) = (holiday?, known.holidays.as_ref()?);
            let place = holidays.iter().position(|key| key == holiday);
            if place.is_none() {
                let near = hint(nearest(holiday, holidays.iter().map(String::as_str)));
                let message = format!("`calendar.toml` has no holiday `{holiday}`{near}");
                file.complain("holiday", message);
            }
            place.map(OccasionRule::Holiday)
        }
    }
}

const TIER: Words<(String, String)> = Words {
    expected: "a scheme and a tier such as `priority/general`",
    read: |text| {
        text.split_once('/')
            .filter(|(scheme, tier)| is_name(scheme) && is_name(tier))
            .map(|(scheme, tier)| (scheme.to_owned(), tier.to_owned()))
            .ok_or_else(|| not_this(TIER.expected, text))
    },
};

fn audience(table: &mut Table<'_>, known: &Known) -> Option<Audience> {
    let meaning = "Tiers, any of which the contact must be in; an empty list is everybody.";
    let tiers = table.or("tiers", &ListOf(TIER), "[]", meaning);
    for (place, (scheme, tier)) in tiers.iter().flatten().enumerate() {
        check_tier(table, place, (scheme, tier), known);
    }
    let meaning = "Languages, one of which the contact must have; `zh` also means `zh-CN`.";
    let locales = table.or("locales", &ListOf(LOCALE), "[]", meaning);
    let meaning = "Countries, one of which the contact must be in, two capital letters each.";
    let countries = table.or("countries", &ListOf(COUNTRY), "[]", meaning);
    let meaning = "A rule over facts, as in `tiers.toml`. It is looked at whenever contacts are put into \
                   their tiers anew.";
    let rule = table.optional("when", &RULE, "everybody", meaning);
    let when = rule::condition(table, "when", rule);
    if let Some(always) = when.as_ref().ok().and_then(|when| when.as_ref()?.constant()) {
        let whom = if always { "everybody" } else { "nobody" };
        table.complain_inside("when", (1, 1), format!("this rule means {whom}, whatever is known"));
    }
    Some(Audience { tiers: tiers?, locales: locales?, countries: countries?, when: when.ok()? })
}

fn check_tier(table: &Table<'_>, place: usize, (scheme, tier): (&str, &str), known: &Known) {
    let Some(schemes) = &known.schemes else { return };
    let complaint = match schemes.iter().find(|(key, _)| key == scheme) {
        None => {
            let near = hint(nearest(scheme, schemes.iter().map(|(key, _)| key.as_str())));
            format!("`tiers.toml` has no scheme `{scheme}`{near}")
        }
        Some((_, tiers)) if !tiers.iter().any(|key| key == tier) => {
            let near = hint(nearest(tier, tiers.iter().map(String::as_str)));
            format!("the scheme `{scheme}` has no tier `{tier}`{near}")
        }
        Some(_) => return,
    };
    table.complain_about("tiers", place, complaint);
}
