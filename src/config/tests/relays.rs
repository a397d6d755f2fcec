//! What is said of several relays, their pace, and providers.
use super::*;
use crate::{
    config::Delivery,
    domain::{Pipelining, WarmUp},
};

/// The relay in use, with these lines besides.
fn relaying_with(lines: &str) -> Files {
    change(relaying(), "perennial.toml", "weight = 1\n", lines)
}

#[test]
fn each_relay_has_a_name_and_a_pace_of_its_own() {
    let second = "weight = 3\n[delivery.relay.second]\nhost = \"smtp.example.net\"\nsecurity = \"tls\"\n\
                  rates = [\"600 per minute\", \"20000 per day\"]\n\
                  warm_up = { first_day = 100, factor = 2 }\n\
                  by_provider = true\npipelining = \"deep\"\nwindow = 32\n[unused]\n";
    let text = text_of(&relaying_with(second), "perennial.toml");
    // What stood behind the weight is the first relay's and not the second's.
    let (head, rest) = text.split_once("[unused]\n").unwrap();
    let (_, tail) = rest.split_once("[tracking]").unwrap();
    let text = format!("{head}\n[tracking]{tail}");
    let config = Folder::new().parse(&relaying().with("perennial.toml", &text));
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let Delivery::Relays(relays) = config.delivery else { panic!("a folder") };
    let shares: Vec<_> = relays.iter().map(|relay| (relay.name.as_str(), relay.weight)).collect();
    assert_eq!(shares, [("main", 3), ("second", 1)]);
    let second = &relays[1];
    let rates: Vec<_> = second.rates.iter().map(ToString::to_string).collect();
    assert_eq!(rates, ["600 per minute", "20000 per day"]);
    assert_eq!(second.warm_up, Some(WarmUp { first_day: 100, factor_percent: 200 }));
    assert_eq!((second.pipelining, second.window), (Pipelining::Deep, 32));
    assert!(second.by_provider && !relays[0].by_provider);
}

#[test]
fn a_pace_that_makes_no_sense_is_said_with_its_line() {
    let lines = "weight = 0\n";
    let mut files = relaying_with(lines);
    for (old, new) in [
        ("\"20 per second\", ", "\"20/s\", 5, "),
        ("factor = 1.5", "factor = 1"),
        ("first_day", "first_days"),
        ("pipelining = \"off\"", "pipelining = \"rfc2290\""),
        ("window = 1\n", "window = 65\n"),
        ("by_provider = false", "by_provider = \"no\""),
    ] {
        files = change(files, "perennial.toml", old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    8 problems in the configuration:
    perennial.toml:80: delivery.relay.main.weight: expected a whole number from 1 to 1000, found `0`
    perennial.toml:81: delivery.relay.main.rates: expected a number of mails and a time such as `20 per second`, `600 per minute` or `5000 per day`, found `20/s`
    perennial.toml:81: delivery.relay.main.rates: expected a number of mails and a time such as `20 per second`, `600 per minute` or `5000 per day`, found a whole number
    perennial.toml:82: delivery.relay.main.warm_up.factor: expected a number from 1.01 to 10, found `1`
    perennial.toml:82: delivery.relay.main.warm_up.first_days: unknown key, did you mean `first_day`?
    perennial.toml:83: delivery.relay.main.by_provider: expected `true` or `false`, found a text
    perennial.toml:84: delivery.relay.main.pipelining: expected `off`, `rfc2920` or `deep`, found `rfc2290`, did you mean `rfc2920`?
    perennial.toml:85: delivery.relay.main.window: expected a whole number from 1 to 64, found `65`
    ");
}

#[test]
fn a_relay_without_a_name_or_with_a_bad_one_is_said_so() {
    let nameless =
        change(relaying(), "perennial.toml", "[delivery.relay.main]", "[delivery.relay]");
    insta::assert_snapshot!(Folder::new().complaints(&nameless), @r"
    1 problem in the configuration:
    perennial.toml:72: delivery.relay.allow_plain: expected sections `[delivery.relay.NAME]` with keys in them, found yes or no (`true` or `false`)
    ");
    let bad = change(relaying(), "perennial.toml", "relay.main]", "relay.\"Our Relay\"]");
    insta::assert_snapshot!(Folder::new().complaints(&bad), @r"
    1 problem in the configuration:
    perennial.toml:68: delivery.relay.Our Relay: expected a name of small letters, digits, `-` and `_`, found `Our Relay`
    ");
    let none = with("perennial.toml", "via = \"folder\"", "via = \"relay\"");
    insta::assert_snapshot!(Folder::new().complaints(&none), @r"
    1 problem in the configuration:
    perennial.toml:46: delivery.relay: missing, expected a section such as `[delivery.relay.main]`
    ");
}

#[test]
fn the_providers_that_ship_are_known_by_their_domains() {
    let providers = Folder::new().parse(&Files::embedded()).unwrap().providers;
    let limits = |domain: &str| {
        let provider = providers.of(domain)?;
        Some((provider.name.as_str(), provider.connections?, provider.messages_per_connection))
    };
    assert_eq!(limits("GMail.com"), Some(("google", 5, Some(50))));
    assert_eq!(limits("foxmail.com"), Some(("qq", 4, Some(8))));
    assert_eq!(limits("126.com"), Some(("netease", 4, Some(7))));
    assert_eq!(limits("yahoo.com"), Some(("yahoo", 5, Some(20))));
    assert_eq!(limits("example.com"), None);
    assert!(providers.iter().all(|provider| provider.rates.is_empty()));
    assert_eq!(providers.named("orange").and_then(|orange| orange.messages_per_connection), None);
}

#[test]
fn mistakes_about_providers_are_said_with_their_lines() {
    let mut files = Files::embedded();
    for (old, new) in [
        ("[provider.google]", "[provider.rest]"),
        ("[provider.qq]", "[provider.QQ]"),
        ("\"foxmail.com\"", "\"163.com\""),
        ("\"googlemail.com\"", "\"googlemail\""),
        ("connections = 10", "connections = 0"),
        ("messages_per_connection = 7", "messages_per_conection = 7"),
        ("#rates = [\"20 per second\"]", "rates = \"20 per second\""),
    ] {
        files = change(files, "providers.toml", old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    7 problems in the configuration:
    providers.toml:12: provider.rest: `rest` is the name of all domains without a provider; choose another
    providers.toml:14: provider.rest.domains: expected the domain of mail addresses such as `example.com`, found `googlemail`
    providers.toml:20: provider.rest.rates: expected a list, each a number of mails and a time such as `20 per second`, `600 per minute` or `5000 per day`, found a text
    providers.toml:38: provider.QQ: expected a name of small letters, digits, `-` and `_`, found `QQ`
    providers.toml:45: provider.netease.domains: `163.com` is here twice, first with `QQ`
    providers.toml:47: provider.netease.messages_per_conection: unknown key, did you mean `messages_per_connection`?
    providers.toml:56: provider.apple.connections: expected a whole number from 1 to 200, found `0`
    ");
}
