use std::sync::LazyLock;

use chrono::DateTime;
use mail_parser::{MessageParser, MimeHeaders as _};

use super::*;
use crate::domain::{EmailAddress, Keyring, Letter, Locale};

pub(super) static EMBEDDED: LazyLock<Templates> =
    LazyLock::new(|| Templates::load(None).expect("embedded"));
static KEYRING: LazyLock<Keyring> = LazyLock::new(|| Keyring::new([(1, [7; 32])]).unwrap());

pub(super) fn locale(tag: &str) -> Locale {
    tag.parse().unwrap()
}

pub(super) fn tracked() -> Links<'static> {
    Links {
        base_url: "https://links.example/",
        keyring: &KEYRING,
        outreach: 42,
        issued_on: "2026-05-14".parse().unwrap(),
        may_track: true,
    }
}

pub(super) fn plain() -> Links<'static> {
    Links { may_track: false, ..tracked() }
}

pub(super) fn all(templates: &Templates) -> impl Iterator<Item = &Template> {
    templates.names().flat_map(move |name| {
        let found = |locale: &Locale| templates.find(name, locale, &Locale::english());
        templates.locales(name).map(found).map(Option::unwrap)
    })
}

pub(super) fn rendered(template: &Template, letter: &Letter) -> Rendered {
    EMBEDDED.render(template, letter, &tracked()).unwrap()
}

fn composed(made: &Rendered, name: &str) -> Vec<u8> {
    let address = |text: &str| text.parse::<EmailAddress>().unwrap();
    let (rep, contact) = (address("rep@example.com"), address("anna@customer.example"));
    compose(&Message {
        from: Mailbox { name: "林晓雯", address: &rep },
        to: Mailbox { name, address: &contact },
        reply_to: Some(Mailbox { name, address: &rep }),
        subject: &made.subject,
        text: &made.text,
        html: &made.html,
        enclosed: &made.enclosed,
        date: DateTime::parse_from_rfc3339("2026-05-14T09:30:00+08:00").unwrap(),
        message_id: "42.7f3a@example.com",
        calendar: None,
        kind: Kind::List(List {
            name,
            id: "birthday.example.com",
            unsubscribe_url: &made.unsubscribe_url,
            unsubscribe_mailbox: &rep,
            feedback_id: "birthday:birthday:greeting:examplecom",
        }),
    })
    .unwrap()
}

#[test]
fn every_template_reads_well_in_every_language() {
    for template in all(&EMBEDDED) {
        let made = rendered(template, &Letter::sample(template.locale()));
        let name = format!("{}.{}", template.name(), template.locale());
        insta::assert_snapshot!(name, format!("Subject: {}\n\n{}", made.subject, made.text));
    }
}

#[test]
fn every_template_reads_well_when_nothing_is_known() {
    for template in all(&EMBEDDED) {
        let made = rendered(template, &Letter::sample_of_a_stranger(template.locale()));
        let name = format!("stranger.{}.{}", template.name(), template.locale());
        assert!(!made.html.contains("mailto:\""), "{name}");
        insta::assert_snapshot!(name, format!("Subject: {}\n\n{}", made.subject, made.text));
    }
}

#[test]
fn html_is_the_same_as_when_people_looked_at_it() {
    for (name, tag) in [("cooperation-anniversary", "en"), ("birthday", "zh-CN")] {
        let template = EMBEDDED.find(name, &locale(tag), &Locale::english()).unwrap();
        let made = rendered(template, &Letter::sample(template.locale()));
        insta::assert_snapshot!(format!("html.{name}.{tag}"), made.html);
    }
}

#[test]
fn the_headers_are_those_that_the_standards_want() {
    let template = EMBEDDED.find("birthday", &locale("zh-CN"), &Locale::english()).unwrap();
    let bytes = composed(&rendered(template, &Letter::sample(template.locale())), "欧阳静");
    let text = String::from_utf8(bytes).unwrap();
    insta::assert_snapshot!(text.split("\r\n\r\n").next().unwrap().replace("\r\n", "\n"));
}

#[test]
fn a_language_without_a_template_falls_back() {
    let find = |tag, default| {
        let found = EMBEDDED.find("birthday", &locale(tag), &locale(default));
        found.map(|template| template.locale().as_str().to_owned())
    };
    assert_eq!(find("zh-CN", "en").as_deref(), Some("zh-CN"));
    assert_eq!(find("en-GB", "zh-CN").as_deref(), Some("en"));
    assert_eq!(find("de-AT", "en-US").as_deref(), Some("en"));
    assert_eq!(find("de", "fr"), None);
}

#[test]
fn every_occasion_has_a_template_in_two_languages() {
    let names: Vec<_> = EMBEDDED.names().collect();
    let known = [
        "announcement",
        "birthday",
        "check-in",
        "christmas",
        "company-anniversary",
        "contract-end",
        "contract-mid-term",
        "contract-start",
        "cooperation-anniversary",
        "cooperation-anniversary-round",
        "follow-up-delivery",
        "follow-up-service",
        "holiday",
        "invitation",
        "invitation-reminder",
        "mid-autumn",
        "new-year",
        "spring-festival",
        "win-back",
    ];
    assert_eq!(names, known);
    for name in names {
        assert_eq!(EMBEDDED.locales(name).map(Locale::as_str).collect::<Vec<_>>(), ["en", "zh-CN"]);
    }
}

#[test]
fn links_lead_through_us_only_if_the_reader_agreed() {
    for template in all(&EMBEDDED) {
        let letter = Letter::sample(template.locale());
        let (yes, no) = (rendered(template, &letter), EMBEDDED.render(template, &letter, &plain()));
        let no = no.unwrap();
        assert!(yes.html.contains("https://links.example/o/") && yes.html.contains(".gif"));
        assert!(yes.html.contains("https://links.example/c/"));
        assert_eq!((&yes.text, &yes.links), (&no.text, &no.links));
        for body in [&no.html, &no.text] {
            let ours = body.matches("links.example").count();
            assert_eq!(ours, body.matches(&no.unsubscribe_url).count());
            assert_eq!(ours, 1);
        }
        assert!(!no.html.contains("<img"));
    }
}

#[test]
fn a_token_in_the_html_names_the_link_that_it_replaced() {
    let template = EMBEDDED.find("cooperation-anniversary", &locale("en"), &Locale::english());
    let made = rendered(template.unwrap(), &Letter::sample(&locale("en")));
    let tokens: Vec<_> = made.html.split("https://links.example/c/").skip(1).collect();
    assert_eq!(tokens.len(), made.links.len());
    for (number, token) in tokens.iter().enumerate() {
        let token = KEYRING.verify(crate::domain::Purpose::Click, &token[..42]).unwrap();
        assert_eq!((token.outreach, usize::from(token.link_no)), (42, number));
        assert_eq!(made.links[number], "https://www.example.com/");
    }
}

#[test]
fn both_parts_and_the_subject_survive_the_journey() {
    for template in all(&EMBEDDED) {
        let made = rendered(template, &Letter::sample(template.locale()));
        let bytes = composed(&made, "欧阳静");
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.subject(), Some(made.subject.as_str()));
        assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), made.text);
        assert_eq!(parsed.body_html(0).unwrap().replace("\r\n", "\n"), made.html);
        assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"));
        assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some("欧阳静"));
        let raw = made.text.len() + made.html.len();
        assert!(bytes.len() * 10 < raw * 14 + 12_000, "{} of {raw}", bytes.len());
    }
}

#[test]
fn the_same_letter_is_the_same_bytes() {
    for template in all(&EMBEDDED) {
        let letter = Letter::sample(template.locale());
        let once = composed(&rendered(template, &letter), "王伟");
        assert_eq!(once, composed(&rendered(template, &letter), "王伟"));
    }
}

const HOSTILE: [&str; 14] = [
    "Anna\r\nBcc: everyone@example.com",
    "Anna\nX-Evil: 1\n\n<script>",
    "Anna\rBcc: x@example.com",
    "Anna\0",
    "Anna\u{202e}moc.live",
    "Anna\u{85}\u{2028}\u{2029}x",
    "{{company.name}} {{{this}}} {{#if x}}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "javascript:alert(1)",
    "=?utf-8?Q?=0D=0ABcc:_x@example.com?=",
    "\"Anna\" <evil@example.com>, other@example.com",
    ".\r\n.\r\nMAIL FROM:<x@example.com>",
    "王𠮷👩‍👩‍👧‍👦 O'Neil & Söhne",
];

/// `letter` with `text` in every field that a list or a rep can fill.
fn poisoned(letter: &Letter, text: &str) -> Letter {
    let mut letter = letter.clone();
    for field in [
        &mut letter.greeting,
        &mut letter.contact.name,
        &mut letter.contact.given_name,
        &mut letter.contact.family_name,
        &mut letter.contact.title,
        &mut letter.account.name,
        &mut letter.rep.name,
        &mut letter.rep.title,
        &mut letter.rep.email,
        &mut letter.rep.phone,
        &mut letter.company.name,
        &mut letter.company.email,
        &mut letter.company.postal_address,
        &mut letter.occasion.name,
        &mut letter.occasion.date_text,
        &mut letter.event.title,
        &mut letter.event.place,
        &mut letter.event.day_text,
        &mut letter.event.time_text,
    ] {
        text.clone_into(field);
    }
    letter
}

#[test]
fn hostile_names_change_neither_headers_nor_markup() {
    let long = "长".repeat(10_000);
    for template in all(&EMBEDDED) {
        let calm = rendered(template, &poisoned(&Letter::sample(template.locale()), "Anna"));
        let shape = |bytes: &[u8], html: &str| {
            let parsed = MessageParser::default().parse(bytes).unwrap();
            (parsed.headers().len(), parsed.parts.len(), html.matches('<').count())
        };
        let expected = shape(&composed(&calm, "Anna"), &calm.html);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            let made = rendered(template, &poisoned(&Letter::sample(template.locale()), text));
            let bytes = composed(&made, text);
            assert_eq!(shape(&bytes, &made.html), expected, "{text:?} in {}", template.name());
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(parsed.header_values("Bcc").count(), 0);
            assert_eq!(parsed.to().unwrap().iter().count(), 1);
            assert!(!made.html.contains("\"javascript:alert(1)"));
        }
    }
}

#[test]
fn a_website_that_is_no_website_is_never_linked() {
    let template = EMBEDDED.find("birthday", &locale("en"), &Locale::english()).unwrap();
    let mut letter = Letter::sample(&locale("en"));
    for website in ["javascript:alert(1)", "https://bank.example@evil.example/", "www.example.com"]
    {
        website.clone_into(&mut letter.company.website);
        let error = EMBEDDED.render(template, &letter, &tracked()).err().unwrap();
        assert!(matches!(error, RenderError::Link { number: 0, .. }), "{error}");
        assert!(!error.to_string().contains(website));
    }
}

#[test]
fn a_letter_on_the_end_of_a_contract_knows_how_near_it_is() {
    for (tag, said) in [
        ("en", ["at what you would like to be different", "not far off", "ran until 14 May 2026"]),
        ("zh-CN", ["时间尚充裕", "日子临近", "已于2026年5月14日到期"]),
    ] {
        let template = EMBEDDED.find("contract-end", &locale(tag), &Locale::english()).unwrap();
        for (days_until, said) in [60, 14, -1].into_iter().zip(said) {
            let mut letter = Letter::sample(template.locale());
            letter.occasion.days_until = days_until;
            let made = rendered(template, &letter);
            assert!(made.text.contains(said) && made.html.contains(said), "{}", made.text);
        }
    }
}
