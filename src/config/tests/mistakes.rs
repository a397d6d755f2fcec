//! What is said of a configuration that cannot be used.
use super::*;

#[test]
fn ten_mistakes_in_one_configuration_are_ten_lines() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("perennial.toml", "postal_address", "postal_adress"),
        ("perennial.toml", "locale = \"en\"", "locale = \"english\""),
        ("perennial.toml", "may_track = false", "may_track = \"no\""),
        ("perennial.toml", "http://localhost:8025", "http://mail.example.com"),
        ("perennial.toml", "10 2 * * *", "10 25 * * *"),
        ("tiers.toml", "revenue_12m >=", "revenu_12m >="),
        ("cadence.toml", "[tier.general]", "[tier.genral]"),
        ("cadence.toml", "closes = \"17:00\"", "closes = \"08:00\""),
        ("calendar.toml", "month = 12, day = 25", "month = 12, day = 32"),
        ("campaigns/mid-autumn.toml", "holiday = \"mid-autumn\"", "holiday = \"mid-autum\""),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    10 problems in the configuration:
    cadence.toml:39: window.closes: expected a time after `opens`, which is 09:00
    cadence.toml:72: tier.genral: the scheme `priority` has no tier `genral`, did you mean `general`?
    calendar.toml:178: holiday[christmas].rule.day: expected a whole number from 1 to 31, found `32`
    campaigns/mid-autumn.toml:5: holiday: the calendar has no holiday `mid-autum`, did you mean `mid-autumn`?
    perennial.toml:19: company.postal_adress: unknown key, did you mean `postal_address`?
    perennial.toml:39: defaults.locale: expected a language tag such as `en`, `zh-CN` or `de-AT`, found `english`
    perennial.toml:44: defaults.may_track: expected `true` or `false`, found a text
    perennial.toml:121: tracking.base_url: expected `https`; plain `http` is for this machine alone
    perennial.toml:135: schedule.reclassify: expected 0 to 23 as the hour, found `25`
    tiers.toml:28:9: scheme[priority].tier[priority].when: there is no fact `revenu_12m`, did you mean `revenue_12m`?
    ");
}

#[test]
fn a_wrong_type_is_told_in_words() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("campaigns/birthday.toml", "welcome_days = 2", "welcome_days = \"2\""),
        ("campaigns/birthday.toml", "locales = []", "locales = \"zh\""),
        ("campaigns/check-in.toml", "welcome_days = 7", "welcome_days = 7.5"),
        ("cadence.toml", "min_gap = \"10 days\"", "min_gap = 10"),
        ("perennial.toml", "name = \"Example Company\"", "name = true"),
        ("perennial.toml", "[templates]\n", "[[templates]]\n"),
        ("tiers.toml", "key = \"priority\"", "key = 2026-09-25"),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    7 problems in the configuration:
    cadence.toml:9: min_gap: expected a number of days such as `30 days`, found a whole number
    campaigns/birthday.toml:27: welcome_days: expected a whole number from 0 to 366, found a text; leave the quotes out
    campaigns/birthday.toml:76: audience.locales: expected a list, each a language tag such as `en` or `zh-CN`, found a text
    campaigns/check-in.toml:6: welcome_days: expected a whole number from 0 to 366, found a number with a fraction
    perennial.toml:14: company.name: expected a text, found yes or no (`true` or `false`)
    perennial.toml:145: templates: expected a section, found a list
    tiers.toml:16: scheme[1].key: expected a name of small letters, digits, `-` and `_`, found a date or time
    ");
}

#[test]
fn what_is_out_of_range_is_told_with_the_range() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("campaigns/birthday.toml", "welcome_days = 2", "welcome_days = 400"),
        ("campaigns/birthday.toml", "priority = 0", "priority = 99999999999999999999"),
        ("cadence.toml", "max = \"182 days\"", "max = \"20 days\""),
        ("cadence.toml", "merge_within = \"10 days\"", "merge_within = \"9 days\""),
        ("cadence.toml", "every = \"30 days\"", "every = \"0 days\""),
        (
            "cadence.toml",
            "weekdays = [\"Monday\", \"Tuesday\", ",
            "weekdays = [\"Mnday\", \"Tue\", ",
        ),
        ("calendar.toml", "month = 1, day = 1 ", "month = 2, day = 30 "),
        ("perennial.toml", "lease = \"15 minutes\"", "lease = \"2 days\""),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    8 problems in the configuration:
    cadence.toml:12: merge_within: expected at least `min_gap`, which is 10 days
    cadence.toml:44: window.weekdays: expected a day of the week such as `Monday`, found `Mnday`
    cadence.toml:57: fallback.max: expected at least `every`, which is 91 days
    cadence.toml:64: tier.priority.every: expected a number of days such as `30 days`, 1 day or more, found `0 days`
    calendar.toml:29: holiday[new-year].rule.day: expected 1 to 29 in that month, found `30`
    campaigns/birthday.toml:27: welcome_days: expected a whole number from 0 to 366, found `400`
    campaigns/birthday.toml:32: priority: expected a whole number from -1000 to 1000, found `99999999999999999999`
    perennial.toml:51: delivery.lease: expected a length of time from `1 second` to `1 day`, found `2 days`
    ");
}

#[test]
fn a_misspelt_word_is_told_the_nearest_one() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("perennial.toml", "[tracking]", "[traking]"),
        ("perennial.toml", "via = \"folder\"", "via = \"foldr\""),
        ("perennial.toml", "zone = \"UTC\"", "zone = \"Europe/Berln\""),
        ("tiers.toml", "[[scheme.tier]]", "[[scheme.tiers]]"),
        ("calendar.toml", "[[holiday]]", "[[holidays]]"),
        ("campaigns/birthday.toml", "occasion = \"birthday\"", "occasion = \"birtday\""),
        ("campaigns/new-year.toml", "priority = 0", "colour = \"red\""),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    7 problems in the configuration:
    calendar.toml:25: holidays: unknown key, did you mean `holiday`?
    campaigns/birthday.toml:9: occasion: expected `birthday`, `cooperation-anniversary`, `company-anniversary`, `contract-milestone`, `invitation`, `holiday`, `follow-up`, `win-back`, `one-off` or `check-in`, found `birtday`, did you mean `birthday`?
    campaigns/new-year.toml:9: colour: unknown key, expected one of `occasion`, `holiday`, `milestone`, `after`, `founded`, `event`, `offset`, `from`, `until`, `template`, `round`, `welcome_days`, `day_off`, `priority`, `category`, `in_doubt`, `commercial`, `step`, `audience`
    perennial.toml:41: defaults.zone: there is no time zone `Europe/Berln`, did you mean `Europe/Berlin`?
    perennial.toml:49: delivery.via: expected `folder` or `relay`, found `foldr`, did you mean `folder`?
    perennial.toml:118: traking: unknown key, did you mean `tracking`?
    tiers.toml:24: scheme[priority].tiers: unknown key, did you mean `tier`?
    ");
}

#[test]
fn a_misspelt_key_is_one_complaint_even_if_others_lean_on_it() {
    for (files, path, old, new) in [
        (Files::embedded(), "tiers.toml", "when = \"can_pay\"", "wen = \"can_pay\""),
        (Files::embedded(), "tiers.toml", "key = \"readiness\"", "kee = \"readiness\""),
        (Files::embedded(), "calendar.toml", "key = \"mid-autumn\"", "ke = \"mid-autumn\""),
        (Files::embedded(), "campaigns/new-year.toml", "holiday =", "holday ="),
        (Files::embedded(), "cadence.toml", "\n[fallback]", "\n[falback]"),
        (relaying(), "perennial.toml", "user =", "usr ="),
        (relaying(), "perennial.toml", "[sender]", "[sendr]"),
    ] {
        let complaints = Folder::new().complaints(&change(files, path, old, new));
        assert_eq!(complaints.lines().count(), 2, "{complaints}");
        assert!(complaints.contains("unknown key, did you mean"), "{complaints}");
    }
}

#[test]
fn what_is_there_twice_is_told() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("perennial.toml", "zone = \"UTC\"", "zone = \"UTC\"\nzone = \"UTC\""),
        ("tiers.toml", "key = \"readiness\"", "key = \"priority\""),
        ("tiers.toml", "key = \"gold-mine\"", "key = \"bonus\""),
        ("calendar.toml", "key = \"china-national-day\"", "key = \"new-year\""),
        ("cadence.toml", "\"one-off\",\n    \"check-in\"", "\"check-in\",\n    \"check-in\""),
        ("calendar.toml", "zh = \"中秋节\", zh-TW", "zh-tw = \"中秋节\", zh-TW"),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    12 problems in the configuration:
    cadence.toml:20: strength: `one-off` is not in the list
    cadence.toml:30: strength: `check-in` is here twice
    calendar.toml:144: holiday[mid-autumn].names: `zh-TW` is here twice
    calendar.toml:150: holiday: `new-year` is here twice
    calendar/CN.toml:24: holiday[china-national-day-2].rule.after: the calendar has no holiday `china-national-day`, did you mean `china-national-day-2`?
    calendar/CN.toml:31: holiday[china-national-day-3].rule.after: the calendar has no holiday `china-national-day`, did you mean `china-national-day-2`?
    calendar/CN.toml:86: year[1].off[7].holiday: the calendar has no holiday `china-national-day`, did you mean `china-national-day-2`?
    calendar/CN.toml:115: year[2].off[6].holiday: the calendar has no holiday `china-national-day`, did you mean `china-national-day-2`?
    calendar/CN.toml:148: year[3].off[7].holiday: the calendar has no holiday `china-national-day`, did you mean `china-national-day-2`?
    perennial.toml:42:1: `zone` is here twice
    tiers.toml:41: scheme: `priority` is here twice
    tiers.toml:50: scheme[priority].tier: `bonus` is here twice
    ");
}

#[test]
fn what_does_not_exist_cannot_be_referred_to() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("cadence.toml", "[tier.last]", "[tier.list]"),
        (
            "campaigns/birthday.toml",
            "tiers = []",
            "tiers = [\n  \"priority/generl\",\n  \"prio/last\",\n]",
        ),
        ("campaigns/new-year.toml", "holiday = \"new-year\"", "holiday = \"newyear\""),
        ("campaigns/mid-autumn.toml", "holiday = \"mid-autumn\"\n", ""),
        ("campaigns/check-in.toml", "priority = 0", "holiday = \"new-year\""),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r#"
    6 problems in the configuration:
    cadence.toml:78: tier.list: the scheme `priority` has no tier `list`, did you mean `last`?
    campaigns/birthday.toml:75: audience.tiers: the scheme `priority` has no tier `generl`, did you mean `general`?
    campaigns/birthday.toml:76: audience.tiers: `tiers.toml` has no scheme `prio`
    campaigns/check-in.toml:8: holiday: expected only with `occasion = "holiday"`
    campaigns/mid-autumn.toml: holiday: missing, expected a value, which `occasion = "holiday"` needs
    campaigns/new-year.toml:5: holiday: the calendar has no holiday `newyear`, did you mean `new-year`?
    "#);
    insta::assert_snapshot!(complaints("cadence.toml", "\"priority\"", "\"priorty\""), @r"
    1 problem in the configuration:
    cadence.toml:7: scheme: `tiers.toml` has no scheme `priorty`, did you mean `priority`?
    ");
}

#[test]
fn a_slip_of_syntax_has_its_column_and_hides_no_other_mistake() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("perennial.toml", "locale = \"en\"", "locale = en"),
        ("perennial.toml", "may_track = false", "may_track = \"no\""),
        ("tiers.toml", "key = \"priority\"", "key = \"priority"),
        ("calendar.toml", "rule = { month = 1, day = 1 }", "rule = { month = 1, day = 1"),
        ("cadence.toml", "\"check-in\",\n]", "\"check-in\","),
        ("campaigns/new-year.toml", "welcome_days = 1", "welcome_days = -1"),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r#"
    6 problems in the configuration:
    cadence.toml:32:10: a bracket is left open before this
    calendar.toml:31:1: a bracket is left open before this
    campaigns/new-year.toml:7: welcome_days: expected a whole number from 0 to 366, found `-1`
    perennial.toml:39:10: expected a value; a text stands in quotes
    perennial.toml:44: defaults.may_track: expected `true` or `false`, found a text
    tiers.toml:16:16: the text is not closed, expected `"`
    "#);
}

#[test]
fn a_rule_is_told_the_place_within_the_file() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        (
            "tiers.toml",
            "\"revenue_12m >= 100000 || (",
            "'''\nrevenue_12m >= 100000 ||\n  (potental > 5 && ",
        ),
        ("tiers.toml", ">= 100000)\"", ">= 100000)'''"),
        ("tiers.toml", "orders_12m > 0 ||", "orders_12m > ||"),
        ("tiers.toml", "when = \"can_pay\"", "when = \"orders_12m + 1\""),
        ("tiers.toml", "when = \"has_need\"", "when = \"country == \\\"CN\\\" && hasneed\""),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    4 problems in the configuration:
    tiers.toml:30:4: scheme[priority].tier[priority].when: there is no fact `potental`, did you mean `potential`?
    tiers.toml:35:22: scheme[priority].tier[general].when: syntax error: extraneous input '||'
    tiers.toml:59:20: scheme[readiness].tier[next-month].when: expected a rule that comes to yes or no, found one that comes to a number
    tiers.toml:64: scheme[readiness].tier[next-quarter].when: there is no fact `hasneed`, did you mean `has_need`?
    ");
}

#[test]
fn only_the_last_tier_goes_without_a_rule() {
    let files = with("tiers.toml", "when = \"has_need\"\n", "");
    let files =
        change(files, "tiers.toml", "key = \"burden\"", "key = \"burden\"\nwhen = \"urgent\"");
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    2 problems in the configuration:
    tiers.toml:60: scheme[readiness].tier: missing `when` or `top`: only the last tier goes without, since it takes everybody
    tiers.toml:64: scheme[readiness].tier: the last tier is for everybody who is left; take its `when` and `top` away, or add a tier without them
    ");
}

#[test]
fn missing_and_strange_files_are_told() {
    let folder = Folder::new();
    let bare = Files::read(folder.path()).unwrap();
    insta::assert_snapshot!(folder.complaints(&bare), @r"
    6 problems in the configuration:
    cadence.toml: there is no such file; `perennial init` writes it
    calendar.toml: there is no such file; `perennial init` writes it
    campaigns: expected one file or more, such as `campaigns/birthday.toml`
    perennial.toml: there is no such file; `perennial init` writes it
    providers.toml: there is no such file; `perennial init` writes it
    tiers.toml: there is no such file; `perennial init` writes it
    ");
    let strange = Files::embedded().with("tier.toml", "").with("campaigns/Gruß.toml", "");
    insta::assert_snapshot!(folder.complaints(&strange), @r"
    2 problems in the configuration:
    campaigns/Gruß.toml: expected a file name of small letters, digits, `-` and `_`
    tier.toml: no file of this name is read, expected `tiers.toml` or one in `campaigns/` or `calendar/`
    ");
}

#[test]
fn an_empty_file_misses_all_that_is_needed() {
    let files = Files::embedded().with("perennial.toml", "").with("tiers.toml", "\n");
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    10 problems in the configuration:
    perennial.toml: company.email: missing, expected a mail address such as `name@example.com`
    perennial.toml: company.name: missing, expected a text
    perennial.toml: company.postal_address: missing, expected a text
    perennial.toml: database.url: missing, expected `sqlite:PATH`, `postgres://HOST/NAME`, `env:NAME` or `file:PATH`
    perennial.toml: delivery.via: missing, expected `folder` or `relay`
    perennial.toml: sender.address: missing, expected a mail address such as `name@example.com`
    perennial.toml: sender.name: missing, expected a text
    perennial.toml: tracking.base_url: missing, expected an `https` address such as `https://mail.example.com`
    perennial.toml: tracking.key: missing, expected `file:PATH` or `env:NAME`
    tiers.toml: scheme: missing, expected one section `[[scheme]]` or more
    ");
}

#[test]
fn a_file_that_is_no_text_is_told_with_its_line_along_with_the_rest() {
    let folder = Folder::new();
    fs::write(folder.path().join("tiers.toml"), b"# fine\n# \xff\n").unwrap();
    for name in ["calendar", "campaigns"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::create_dir(folder.path().join("campaigns/x.toml")).unwrap();
    for (path, text) in Files::embedded().iter().filter(|(path, _)| *path != "tiers.toml") {
        fs::write(folder.path().join(path), text.replace("\"17:00\"", "\"7:77\"")).unwrap();
    }
    insta::assert_snapshot!(folder.complaints(&Files::read(folder.path()).unwrap()), @r"
    3 problems in the configuration:
    cadence.toml:39: window.closes: expected a time of day such as `09:00`, found `7:77`
    campaigns/x.toml: cannot read `CONFIG/campaigns/x.toml`: is a directory (os error 21)
    tiers.toml:2: is not UTF-8 text from here on; save it as UTF-8
    ");
}

#[test]
fn a_tier_that_nobody_can_enter_is_told_with_its_place() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        (
            "tiers.toml",
            "when = \"can_pay\"",
            "when = \"urgent && has_authority && can_pay && has_need\"",
        ),
        ("tiers.toml", "when = \"has_need\"", "when = \"has_need && 1 > 2\""),
        ("tiers.toml", "revenue_12m > 0 && share", "key_person_level < 3 && share"),
        ("tiers.toml", "when = \"orders_12m > 0 ||", "when = \"true || orders_12m > 0 ||"),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    4 problems in the configuration:
    tiers.toml:33:9: scheme[priority].tier[general].when: this is true for everybody; only the last tier is
    tiers.toml:57:9: scheme[readiness].tier[next-month].when: nobody gets here: whoever fits is in the tier `bonus` before
    tiers.toml:62:9: scheme[readiness].tier[next-quarter].when: nobody ever fits: this is false for everybody
    tiers.toml:112:9: scheme[layers].tier[develop].when: accounts compete for a `top`, and `key_person_level` belongs to a contact
    ");
}

#[test]
fn a_top_that_makes_no_sense_is_told() {
    let mut files = Files::embedded();
    for (path, old, new) in [
        ("tiers.toml", "percent = 10, by = \"revenue_12m\"", "percent = 0, by = \"revenu_12m\""),
        (
            "tiers.toml",
            "percent = 10, by = \"profit_12m\"",
            "percent = 10, count = 3, by = \"industry\"",
        ),
        ("tiers.toml", "percent = 10, by = \"potential\"", "by = \"key_person_level\""),
        (
            "tiers.toml",
            "percent = 20, by = \"profit_12m\"",
            "percent = 10, by = \"profit_12m\", per = \"reps\"",
        ),
    ] {
        files = change(files, path, old, new);
    }
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    7 problems in the configuration:
    tiers.toml:134: scheme[value].tier[revenue-10].top.by: there is no fact `revenu_12m`, did you mean `revenue_12m`?
    tiers.toml:134: scheme[value].tier[revenue-10].top.percent: expected a whole number from 1 to 100, found `0`
    tiers.toml:139: scheme[value].tier[profit-10].top.by: expected a fact about accounts that is a number, such as `revenue_12m`, and `industry` is no number
    tiers.toml:139: scheme[value].tier[profit-10].top.count: expected `percent` or `count`, found both
    tiers.toml:144: scheme[value].tier[potential-10].top.by: expected a fact about accounts that is a number, such as `revenue_12m`, and `key_person_level` belongs to a contact
    tiers.toml:144: scheme[value].tier[potential-10].top.percent: missing, expected `percent` or `count`
    tiers.toml:153: scheme[value].tier[profit-20].top.per: expected `all` or `rep`, found `reps`, did you mean `rep`?
    ");
}

#[test]
fn a_type_error_in_the_rule_of_an_audience_is_told_with_its_place() {
    let text = text_of(&Files::embedded(), "campaigns/birthday.toml");
    let text = text.replace("#when = 'orders_12m > 0", "when = 'orders_12m > 0 && country > 5");
    let files = Files::embedded().clone().with("campaigns/birthday.toml", &text);
    insta::assert_snapshot!(Folder::new().complaints(&files), @r"
    1 problem in the configuration:
    campaigns/birthday.toml:80:35: audience.when: expected two numbers or two texts to compare, found a text and a number
    ");
}
