//! The commented files, which are the reference that admins read.
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::*;
use crate::{
    config::{Delivery, ReturnPath, reference, reference::keys},
    domain::{
        DayOff, DeedKind, Milestone, OccasionKind, OccasionRule, Pipelining, Relay, Security, Span,
        Timeouts,
    },
};

fn defaults() -> Config {
    Folder::new().parse(&Files::embedded()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_commented_files_can_be_used_as_they_are() {
    let folder = Folder::new();
    let config = folder.parse(&Files::embedded()).unwrap();
    assert_eq!(config.delivery, Delivery::Folder(folder.path().join("../mail-out")));
    assert_eq!(config.tracking.keys, [(1, [7; 32])]);
    assert!(!config.tracking.default_consent);
    assert_eq!(config.sender.return_path, ReturnPath::Fixed(config.sender.address.clone()));
    assert!(config.dkim.is_none());
    assert_eq!(config.labels.before(Some("CN"), "新品"), "广告 新品");
    assert_eq!(config.company.name_in(&"zh-CN".parse().unwrap()), "示例公司");
    assert_eq!(config.company.name_in(&"de".parse().unwrap()), "Example Company");
    assert_eq!(config.schedules.zone, chrono_tz::UTC);
    assert_eq!(config.templates, Some(folder.path().join("../templates")));
    let base = folder.path().display();
    assert_eq!(config.database_url, format!("sqlite://{base}/../perennial.db"));
}

#[test]
fn the_tiers_and_their_intervals_are_those_of_the_product() {
    let rules = defaults().rules;
    let tiers: Vec<Vec<_>> = rules
        .schemes
        .iter()
        .map(|scheme| scheme.tiers.iter().map(|tier| tier.key.as_str()).collect())
        .collect();
    let readiness = ["bonus", "gold-mine", "next-month", "next-quarter", "burden"];
    let value = [
        "revenue-10",
        "profit-10",
        "potential-10",
        "revenue-20",
        "profit-20",
        "potential-20",
        "rest",
    ];
    let expected = [
        &["priority", "general", "last"][..],
        &readiness,
        &["red", "white", "black", "plain"],
        &["grow", "develop", "win", "other"],
        &value,
    ];
    assert_eq!(tiers, expected);
    let cadence = |name: &str| {
        let tier = rules.cadence.tiers.iter().find(|tier| tier.tier == name).unwrap();
        let cadence = tier.cadence;
        [cadence.every, cadence.min, cadence.max].map(Span::as_days)
    };
    assert_eq!(cadence("priority"), [30, 14, 91]);
    assert_eq!(cadence("general"), [91, 21, 182]);
    assert_eq!(cadence("last"), [182, 45, 365]);
    assert_eq!(rules.strength, OccasionKind::ALL);
}

#[test]
fn the_campaigns_are_those_of_the_templates() {
    let rules = defaults().rules;
    let holiday = |key: &str| {
        OccasionRule::Holiday(rules.holidays.iter().position(|h| h.key == key).unwrap())
    };
    let anniversary = OccasionRule::CooperationAnniversary;
    let contract = OccasionRule::ContractMilestone;
    let follow_up = OccasionRule::FollowUp;
    let (delivery, service) = (follow_up(DeedKind::Delivery), follow_up(DeedKind::Service));
    for (key, occasion, welcome_days, day_off) in [
        ("birthday", OccasionRule::Birthday, 2, DayOff::Keep),
        ("check-in", OccasionRule::CheckIn, 7, DayOff::Next),
        ("christmas", holiday("christmas"), 3, DayOff::Previous),
        ("contract-end/early", contract(Milestone::End), 7, DayOff::Next),
        ("contract-end/last", contract(Milestone::End), 7, DayOff::Next),
        ("contract-mid-term", contract(Milestone::MidTerm), 21, DayOff::Next),
        ("cooperation-anniversary", anniversary, 5, DayOff::Next),
        ("follow-up-delivery", delivery, 7, DayOff::Next),
        ("follow-up-service", service, 4, DayOff::Next),
        ("mid-autumn", holiday("mid-autumn"), 0, DayOff::Keep),
        ("new-year", holiday("new-year"), 1, DayOff::Keep),
        ("spring-festival", holiday("spring-festival"), 1, DayOff::Keep),
    ] {
        let campaign = rules.campaigns.iter().find(|campaign| campaign.key == key).unwrap();
        assert_eq!(campaign.occasion, occasion, "{key}");
        assert_eq!((campaign.welcome_days, campaign.day_off), (welcome_days, day_off), "{key}");
        assert_eq!(campaign.template, campaign.family());
        let file = format!("{}.toml", campaign.family());
        assert!(campaign.place.file.ends_with(&file), "{}", campaign.place);
    }
    let offsets = |family: &str| {
        let steps = rules.campaigns.iter().filter(|campaign| campaign.family() == family);
        steps.map(|campaign| campaign.offset_days).collect::<Vec<_>>()
    };
    assert_eq!(offsets("contract-end"), [-60, -14]);
    assert_eq!(offsets("christmas"), [-4]);
    assert_eq!((offsets("follow-up-delivery"), offsets("follow-up-service")), (vec![7], vec![3]));
}

fn the_relay(delivery: Delivery) -> Relay {
    let Delivery::Relays(relays) = delivery else { panic!("delivers to a folder") };
    let [relay] = <[Relay; 1]>::try_from(relays).expect("one relay");
    relay
}

#[test]
fn the_relay_that_is_commented_out_can_be_used_too_and_shows_the_defaults() {
    let config = Folder::new().parse(&relaying()).unwrap_or_else(|error| panic!("{error}"));
    let relay = the_relay(config.delivery);
    assert_eq!((relay.host.as_str(), relay.port), ("smtp.example.com", 587));
    assert_eq!(relay.security, Security::StartTls);
    assert_eq!(relay.timeouts, Timeouts::default());
    assert_eq!(relay.credentials.unwrap().password.expose(), "hunter2");
    assert_eq!(config.patience.lease, Duration::from_mins(15));
}

#[test]
fn a_relay_needs_no_more_than_its_host() {
    let text = text_of(&relaying(), "perennial.toml");
    let place = text.find("host = ").unwrap()..text.find("[tracking]").unwrap();
    let full = Folder::new().parse(&relaying()).unwrap();
    let short = text.replace(&text[place], "host = \"smtp.example.com\"\nsecurity = \"tls\"\n");
    let short = Folder::new().parse(&relaying().with("perennial.toml", &short)).unwrap();
    let (full, short) = (the_relay(full.delivery), the_relay(short.delivery));
    assert_eq!((short.port, short.hello.as_str()), (465, "shop.org"));
    assert_eq!(short.credentials, None);
    assert_eq!(
        (short.timeouts, short.connections, short.messages_per_connection),
        (full.timeouts, full.connections, full.messages_per_connection)
    );
    let extras = (short.weight, short.rates, short.warm_up, short.by_provider);
    assert_eq!(extras, (1, Vec::new(), None, false));
    assert_eq!((short.pipelining, short.window), (Pipelining::Off, 1));
    assert_eq!((full.name.as_str(), full.weight, full.by_provider), ("main", 1, false));
}

#[test]
fn every_key_of_the_reference_stands_in_the_commented_files() {
    let files = Files::embedded();
    for (described, keys) in keys() {
        // `calendar.toml` goes on in the folder `calendar/`.
        let prefix = described.file.trim_end_matches(".toml").replace("NAME", "");
        let texts: Vec<_> = files
            .iter()
            .filter(|(path, _)| path.starts_with(&prefix))
            .map(|(_, text)| text.replace("\n#[", "\n["))
            .collect();
        for key in &keys {
            let path = key.heading.trim_matches(['[', ']']);
            let steps = path.split('.').filter(|step| !step.is_empty()).chain([key.name]);
            let steps: Vec<_> = steps.collect();
            let named = |text: &String| {
                let uncommented: Vec<_> = text
                    .lines()
                    .map(|line| {
                        let setting = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
                        setting.unwrap_or(line)
                    })
                    .collect();
                has_path(&DeTable::parse(&uncommented.join("\n")).unwrap().into_inner(), &steps)
            };
            assert!(texts.iter().any(named), "{}: {steps:?}", described.file);
        }
    }
}

fn has_path(table: &DeTable<'_>, steps: &[&str]) -> bool {
    let Some((first, rest)) = steps.split_first() else { return true };
    let below = |value: &DeValue<'_>| match value {
        DeValue::Table(table) => has_path(table, rest),
        DeValue::Array(items) if !rest.is_empty() => items
            .iter()
            .filter_map(|item| item.get_ref().as_table())
            .any(|table| has_path(table, rest)),
        _ => rest.is_empty(),
    };
    table
        .iter()
        .filter(|(key, _)| *first == "NAME" || key.get_ref() == first)
        .any(|(_, value)| below(value.get_ref()))
}

#[test]
fn the_reference_in_docs_is_the_one_of_the_source() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, reference()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/configuration.md is out of date; run UPDATE_DOCS=1 cargo test --lib config::"
    );
}

#[test]
fn the_fingerprint_follows_the_rules_and_not_the_rest() {
    let folder = Folder::new();
    let fingerprint = |files: &Files| folder.parse(files).unwrap().rules_fingerprint;
    let before = fingerprint(&Files::embedded());
    assert_eq!(before.len(), 64);
    assert_eq!(before, fingerprint(&Files::embedded()));
    assert_eq!(before, fingerprint(&with("perennial.toml", "15 minutes", "20 minutes")));
    for files in [
        with("perennial.toml", "locale = \"en\"", "locale = \"zh\""),
        with("perennial.toml", "commercial = [\"CN\"]", "commercial = []"),
        with("cadence.toml", "min_gap = \"10 days\"", "min_gap = \"9 days\""),
        with("campaigns/new-year.toml", "welcome_days = 1", "welcome_days = 2"),
    ] {
        assert_ne!(before, fingerprint(&files));
    }
}

#[test]
fn debug_shows_no_secret_and_no_address() {
    let config = defaults();
    let shown = format!("{config:?} {:?} {:?}", config.tracking, config.sender);
    assert!(!shown.contains("[7, 7") && !shown.contains("hello@") && !shown.contains("sqlite"));
}
