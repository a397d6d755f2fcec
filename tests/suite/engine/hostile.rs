//! Lists that try to be more than lists.
use std::{collections::BTreeMap, sync::Arc};

use perennial::{
    domain::{ImportKind, is_hidden, one_line},
    engine::EngineError,
    sandbox::Inbox,
};

use crate::support::{
    database::Database,
    on_both_databases,
    world::{Mail, World},
};

on_both_databases!(whatever_a_list_says_stays_text, bytes_of_no_encoding_stay_text);

/// What would be a header, markup, a template, a link, a path, or the end of the message.
const HOSTILE: [&str; 40] = [
    "Ada\r\nBcc: victim@example.org",
    "Ada\nSubject: free money\n\nbody",
    "Ada\rBcc: victim@example.org",
    "Ada\r\n\r\n<html><script>alert(1)</script>",
    "a\r\n.\r\nMAIL FROM:<x@example.org>",
    "\r\n --=_boundary--",
    "Ada\u{b}\u{c}\u{1f}Lovelace",
    "Ada\u{7f}\u{80}\u{85}\u{9f}",
    "\u{202e}adA\u{2066}\u{2069}",
    "Ada\u{2028}Bcc: x\u{2029}",
    "\u{200b}\u{200f}\u{feff}Ada",
    "\u{1f3f4}\u{e0067}\u{e007f}",
    "{{company.name}}",
    "{{{x}}}",
    "{{contact.email}}{{#each this}}{{@key}}{{/each}}",
    "{{> layout}}",
    "{{lookup . 'name'}}\\{{x}}",
    "{{!-- --}}{{{{raw}}}}",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://user:password@evil.example/",
    "//evil.example/%0d%0aBcc:x",
    "cid:logo.png",
    "mailto:victim@example.org?bcc=x@example.org",
    "=?utf-8?Q?=0D=0ABcc:_victim@example.org?=",
    "=?utf-8?B?QmNjOiB4?= =?gb18030?Q?=83?=",
    "=?utf-8?Q?open",
    "\" <victim@example.org>, \"",
    "Ada <victim@example.org>, Bob <b@example.org>;",
    "(comment) \\\" group: a@b.c;",
    "<script>alert(1)</script>&amp;",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' style='background:url(x)",
    "</td></table><style>*{display:none}</style>",
    "<!--[if mso]><a href=//evil.example>",
    "]]>&#60;script&#62;",
    "عربي \u{5d0}\u{5d1} 王𠮷👩‍👩‍👧‍👦",
    "O'Neil & Söhne \"GmbH\" \\ 50 %",
    "../../etc/passwd\u{fffd}%2e%2e",
];

fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A rep, an account and a contact, each with `text` in every field that takes any.
async fn import(world: &World, texts: &[&str]) {
    let of = |head: &str, line: &dyn Fn(usize, String) -> String| {
        let lines = texts.iter().enumerate().map(|(n, text)| line(n, cell(text)));
        [head.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    };
    let reps = of("email,name,title,phone", &|n, t| format!("r{n}@example.com,{t},{t},{t}"));
    let accounts =
        of("key,name,rep,industry,Slogan", &|n, t| format!("A-{n},{t},r{n}@example.com,{t},{t}"));
    let contacts =
        of("email,name,given_name,family_name,title,phone,account,birthday,Hobby", &|n, t| {
            format!("p{n}@example.org,{t},{t},{t},{t},{t},A-{n},05-14,{t}")
        });
    for (kind, list) in [
        (ImportKind::Reps, reps),
        (ImportKind::Accounts, accounts),
        (ImportKind::Contacts, contacts),
    ] {
        let (_, refused) = world.import(kind, list).await;
        assert_eq!(refused, [], "{kind:?}");
    }
}

/// What was delivered, by the recipient of its envelope.
async fn delivered(db: &Database, texts: &[&str]) -> BTreeMap<String, Mail> {
    let any = "127.0.0.1:0".parse().unwrap();
    let clock = Arc::clone(&World::new(db).clock);
    let inbox = Inbox::start(any, any, clock as Arc<_>).await.unwrap();
    let world = World::relaying_to(db, inbox.smtp_address());
    import(&world, texts).await;
    let sent = world.round().await.dispatched.sent;
    assert_eq!(usize::try_from(sent).unwrap(), texts.len());
    let mails = inbox.received().into_iter();
    let mails = mails.map(|mail| (mail.to.clone(), Mail::parse(&mail.raw))).collect();
    inbox.stop().await;
    mails
}

async fn whatever_a_list_says_stays_text(db: &Database) {
    // In all fields of a record, which has 64 kB at most.
    let long = "长 ".repeat(2_200);
    let mut texts = vec!["Ada"];
    texts.extend(HOSTILE);
    texts.push(&long);
    let mails = delivered(db, &texts).await;
    assert_eq!(mails.len(), texts.len());
    let calm = &mails["p0@example.org"];
    let tags = |mail: &Mail| mail.html.matches('<').count();
    for (number, text) in texts.iter().enumerate() {
        let mail = &mails[&format!("p{number}@example.org")];
        assert_eq!(mail.header_names, calm.header_names, "{text:?}: {}", mail.raw);
        assert_eq!(mail.to, format!("p{number}@example.org"), "{text:?}");
        assert_eq!(tags(mail), tags(calm), "{text:?}: {}", mail.html);
        let hidden = |c: char| is_hidden(c) && !"\r\n".contains(c);
        let shown = [&mail.to_name, &mail.subject, &mail.text, &mail.html];
        assert!(!shown.iter().any(|text| text.contains(hidden)), "{text:?}: {}", mail.raw);
        assert_eq!(mail.to_name, one_line(text, 256), "{text:?}");
        let rep = one_line(text, 64);
        assert!(
            mail.subject.contains(rep.split(' ').next().unwrap()),
            "{text:?}: {}",
            mail.subject
        );
        assert!(mail.raw.len() < 102_400, "{text:?}");
    }
}

/// Characters of four bytes; a surrogate in four bytes, half a character, a byte that is none.
async fn bytes_of_no_encoding_stay_text(db: &Database) {
    let world = World::new(db);
    let list = |number: usize, name: &[u8]| {
        let head = b"email,\xd0\xd5\xc3\xfb,birthday\n";
        let email = format!("p{number}@example.org,");
        [head, email.as_bytes(), name, b",05-14\n"].concat()
    };
    let good: [&[u8]; 2] = [b"\xcd\xf5\xce\xb0", b"\xcd\xf5\x95\x32\x82\x36"];
    for (number, name) in good.into_iter().enumerate() {
        world.contacts(list(number, name)).await;
    }
    let bad: [&[u8]; 3] = [b"\xcd\xf5\xe3\x32\x9a\x36", b"\xcd\xf5\xff", b"\xcd\xf5\x83"];
    for (number, name) in bad.into_iter().enumerate() {
        let error = world.try_import(ImportKind::Contacts, list(number, name)).await.unwrap_err();
        assert!(matches!(error, EngineError::Sheet(_)), "{error}");
    }
    world.round().await;
    let mails = world.mails();
    assert_eq!(mails.len(), good.len());
    for mail in &mails {
        assert!(mail.to_name.starts_with('王'), "{}", mail.raw);
        assert_eq!(mail.header_names, mails[0].header_names, "{}", mail.raw);
    }
}
