//! `campaigns/NAME.toml`: what is written, to whom, on what occasion.
use super::{
    Known,
    cadence::KINDS,
    distinct,
    event::event,
    rule::{self, RULE},
};
use crate::{
    config::{
        form::{
            COUNTRY, DATE, LOCALE, ListOf, NAME, Offset, OneOf, Whole, Words, YesNo, hint, is_name,
            not_this,
        },
        table::{Complained, Table},
    },
    domain::{
        Audience, Campaign, DayOff, DeedKind, DoubtPolicy, Milestone, OccasionKind, OccasionRule,
        Place, RoundYears, RunningDays, nearest,
    },
};

const IN_DOUBT: OneOf<DoubtPolicy> = OneOf(&[
    ("hold", DoubtPolicy::Hold),
    ("resend", DoubtPolicy::Resend),
    ("assume-sent", DoubtPolicy::AssumeSent),
]);

const DAYS_OFF: OneOf<DayOff> = OneOf(&[
    ("keep", DayOff::Keep),
    ("previous", DayOff::Previous),
    ("next", DayOff::Next),
    ("skip", DayOff::Skip),
]);

const MILESTONES: OneOf<Milestone> = OneOf(&[
    ("start", Milestone::Start),
    ("mid-term", Milestone::MidTerm),
    ("end", Milestone::End),
]);

const DEEDS: OneOf<DeedKind> = OneOf(&[
    (DeedKind::Order.as_str(), DeedKind::Order),
    (DeedKind::Delivery.as_str(), DeedKind::Delivery),
    (DeedKind::Service.as_str(), DeedKind::Service),
    (DeedKind::Call.as_str(), DeedKind::Call),
    (DeedKind::Visit.as_str(), DeedKind::Visit),
    (DeedKind::Event.as_str(), DeedKind::Event),
]);

/// One mail of a series.
struct Step {
    offset_days: i32,
    template: Option<String>,
    place: Place,
}

/// Reads the file of the campaign `name`: one campaign, or one for each step of a series.
pub(super) fn read(file: &mut Table<'_>, name: &str, known: &Known) -> Option<Vec<Campaign>> {
    let kind = file.needed("occasion", &KINDS, "The kind of occasion.");
    let occasion = occasion(file, kind, known);
    let meaning =
        "Time between the occasion and the mail: `-30 days` is before it, `7 days` after.";
    let offset = file.or("offset", &Offset, "\"0 days\"", meaning);
    let runs = running_days(file, kind);
    let meaning = "The template.";
    let template = file.given_if_any("template", &NAME, "the name of the file", meaning);
    let round = round(file);
    let meaning = "Days after the mail's day on which it is still welcome; 0 is the day itself. What \
                   an outage makes later is dropped.";
    let welcome_days = file.or("welcome_days", &Whole(0..=366_u32), "0", meaning);
    let meaning = "What becomes of an occasion on a day on which no mail leaves: `keep` sends all \
                   the same, `previous` and `next` move to the nearest working day, `skip` leaves \
                   it out.";
    let day_off = file.or("day_off", &DAYS_OFF, "\"next\"", meaning);
    let meaning = "Of two campaigns for one kind of occasion the one with the higher number wins.";
    let priority = file.or("priority", &Whole(-1000..=1000_i64), "0", meaning);
    let category = category(file, known);
    let meaning = "What becomes of a mail of which nobody knows whether it arrived, after a crash or a \
                   broken connection: `hold` waits for evidence or an operator and takes it as sent \
                   once it is not welcome any more, `resend` sends it again, `assume-sent` does not.";
    let in_doubt = file.or("in_doubt", &IN_DOUBT, "\"hold\"", meaning);
    let meaning = "Whether its mails advertise, so that the laws on commercial mail hold for them; \
                   `labels` of `perennial.toml` stand before their subjects.";
    let commercial = file.or("commercial", &YesNo, "true", meaning);
    let steps = steps(file);
    let audience = file.section("audience", |table| audience(table, known));
    let is_win_back = kind == Some(OccasionKind::WinBack);
    if is_win_back && audience.as_ref().is_some_and(|audience| audience.when.is_none()) {
        let message = "missing `audience.when`: a win-back is due when a contact comes into its \
                       audience by a rule";
        file.complain("occasion", message);
        return None;
    }
    let place = file.place("occasion");
    let template = template.ok()?.unwrap_or_else(|| name.to_owned());
    let campaign = Campaign {
        key: name.to_owned(),
        occasion: occasion?,
        offset_days: offset?,
        runs: runs.ok()?,
        template,
        round: round.ok()?,
        audience: audience?,
        welcome_days: welcome_days?,
        day_off: day_off?,
        priority: priority?,
        category: category.ok()?,
        in_doubt: in_doubt?,
        commercial: commercial?,
        place,
    };
    let steps = steps?;
    Some(if steps.is_empty() { vec![campaign] } else { series(&campaign, steps) })
}

/// A campaign for each step.
fn series(campaign: &Campaign, steps: Vec<(String, Step)>) -> Vec<Campaign> {
    let step = |(name, step): (String, Step)| Campaign {
        key: format!("{}/{name}", campaign.key),
        offset_days: step.offset_days,
        template: step.template.unwrap_or_else(|| campaign.template.clone()),
        place: step.place,
        ..campaign.clone()
    };
    steps.into_iter().map(step).collect()
}

/// The mails of a series, in the order of the file; none for a campaign of one mail.
fn steps(file: &mut Table<'_>) -> Option<Vec<(String, Step)>> {
    let drafts = file.rows("step", |table| {
        let meaning = "The name of this mail of a series, part of the campaign's name from then on; \
                       do not change it while the campaign runs.";
        let key = table.needed("key", &NAME, meaning);
        let meaning = "Time between the occasion and this mail, in place of the campaign's.";
        let offset = table.needed("offset", &Offset, meaning);
        let meaning = "The template of this mail.";
        let template = table.given_if_any("template", &NAME, "the campaign's", meaning);
        let place = table.place("offset");
        Some((key?, Step { offset_days: offset?, template: template.ok()?, place }))
    });
    if !drafts.is_empty() && file.has("offset") {
        file.complain("offset", "expected only without `[[step]]`: each step has its own");
    }
    let keys = drafts.iter().map(|draft| Some(draft.as_ref()?.0.as_str()));
    distinct(file, "step", keys)?;
    drafts.into_iter().collect()
}

/// How the campaign finds its days, and the keys that only some kinds of occasions have.
fn occasion(
    file: &mut Table<'_>,
    kind: Option<OccasionKind>,
    known: &Known,
) -> Option<OccasionRule> {
    use OccasionKind as Kind;
    let holiday = only_with(file, kind, Kind::Holiday, "holiday", |file| {
        let meaning = "Which day of the calendar.";
        file.optional("holiday", &NAME, "needed for a holiday", meaning)
    });
    let milestone = only_with(file, kind, Kind::ContractMilestone, "milestone", |file| {
        let meaning = "Which day of a contract.";
        file.optional("milestone", &MILESTONES, "needed for a contract milestone", meaning)
    });
    let deed = only_with(file, kind, Kind::FollowUp, "after", |file| {
        let meaning = "What it follows: an order, or a touch of this kind.";
        file.optional("after", &DEEDS, "needed for a follow-up", meaning)
    });
    let founded = only_with(file, kind, Kind::CompanyAnniversary, "founded", |file| {
        let meaning = "The day on which our company was founded.";
        file.optional("founded", &DATE, "needed for a company anniversary", meaning)
    });
    let is_invitation = kind == Some(Kind::Invitation);
    let event = file.section_if(is_invitation, "event", event);
    if !is_invitation && kind.is_some() && file.has("event") {
        file.complain("event", "expected only with `occasion = \"invitation\"`");
    }
    Some(match kind? {
        Kind::Birthday => OccasionRule::Birthday,
        Kind::CooperationAnniversary => OccasionRule::CooperationAnniversary,
        Kind::CompanyAnniversary => OccasionRule::CompanyAnniversary(founded?),
        Kind::ContractMilestone => OccasionRule::ContractMilestone(milestone?),
        Kind::Invitation => OccasionRule::Invitation(event?),
        Kind::Holiday => OccasionRule::Holiday(place_of(file, &holiday?, known)?),
        Kind::FollowUp => OccasionRule::FollowUp(deed?),
        Kind::WinBack => OccasionRule::WinBack,
        Kind::OneOff => OccasionRule::OneOff,
        Kind::CheckIn => OccasionRule::CheckIn,
    })
}

/// A key that is needed for one kind of occasion, and makes no sense with another.
fn only_with<T>(
    file: &mut Table<'_>,
    kind: Option<OccasionKind>,
    wanted: OccasionKind,
    name: &'static str,
    read: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Option<T> {
    let value = read(file);
    let is_there = file.has(name);
    match kind {
        Some(kind) if kind == wanted && !is_there => {
            file.miss(name, format!("a value, which `occasion = \"{}\"` needs", wanted.as_str()));
        }
        Some(kind) if kind != wanted && is_there => {
            let message = format!("expected only with `occasion = \"{}\"`", wanted.as_str());
            file.complain(name, message);
        }
        _ => {}
    }
    value
}

/// The place of `holiday` in the calendar.
fn place_of(file: &Table<'_>, holiday: &str, known: &Known) -> Option<usize> {
    let holidays = known.holidays.as_ref()?;
    let place = holidays.iter().position(|key| key == holiday);
    if place.is_none() {
        let near = hint(nearest(holiday, holidays.iter().map(String::as_str)));
        file.complain("holiday", format!("the calendar has no holiday `{holiday}`{near}"));
    }
    place
}

/// The days on which the campaign runs, if it does not run for good.
fn running_days(
    file: &mut Table<'_>,
    kind: Option<OccasionKind>,
) -> Result<Option<RunningDays>, Complained> {
    let meaning = "The first day on which its mail may leave; with `until`.";
    let from = file.given_if_any("from", &DATE, "it has always run", meaning);
    let meaning = "The last day on which its mail may leave.";
    let until = file.given_if_any("until", &DATE, "it runs for good", meaning);
    let one_off = kind == Some(OccasionKind::OneOff);
    for (name, other) in [("from", "until"), ("until", "from")] {
        if !file.has(name) && (one_off || file.has(other)) {
            file.miss(name, "a day such as 2026-10-08");
        }
    }
    match (from?, until?) {
        (Some(from), Some(until)) if until < from => {
            file.complain("until", format!("expected {from}, which is `from`, or later"));
            Err(Complained)
        }
        (Some(from), Some(until)) => Ok(Some(RunningDays { from, until })),
        (None, None) if !one_off => Ok(None),
        _ => Err(Complained),
    }
}

/// Another template for round years, if there is one.
fn round(file: &mut Table<'_>) -> Result<Option<RoundYears>, Complained> {
    let is_there = file.has("round");
    let round = file.section_if(is_there, "round", |table| {
        let meaning = "Years between two round ones: 5 means the 5th, 10th, 15th …";
        let every = table.needed("every", &Whole(2..=100_u32), meaning);
        let template = table.needed("template", &NAME, "The template of round years.");
        Some(RoundYears { every: every?, template: template? })
    });
    if is_there && round.is_none() { Err(Complained) } else { Ok(round) }
}

/// The place of the campaign's category, if it has one.
fn category(file: &mut Table<'_>, known: &Known) -> Result<Option<usize>, Complained> {
    let meaning = "The category of `cadence.toml` whose limits hold for it.";
    let Some(category) = file.given_if_any("category", &NAME, "none", meaning)? else {
        return Ok(None);
    };
    let categories = known.categories.as_ref().ok_or(Complained)?;
    let place = categories.iter().position(|key| *key == category);
    if place.is_none() {
        let near = hint(nearest(&category, categories.iter().map(String::as_str)));
        file.complain("category", format!("`cadence.toml` has no category `{category}`{near}"));
    }
    place.map(Some).ok_or(Complained)
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
