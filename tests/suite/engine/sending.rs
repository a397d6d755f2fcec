use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;
use mail_parser::{MessageParser, MessagePart, MimeHeaders as _};
use perennial::{
    domain::{Feedback, ImportKind, OutreachId, OutreachState as State, is_hidden},
    mail::Templates,
    sandbox::Inbox,
    store::Totals,
};

use crate::support::{
    database::Database,
    on_both_databases,
    records::address,
    rows::ledger,
    world::{Mail, Setup, World, birthdays},
};

on_both_databases!(
    a_list_becomes_mails_once,
    a_mail_is_written_to_its_reader,
    two_dispatchers_at_once_send_each_mail_once,
    who_unsubscribes_between_plan_and_dispatch_gets_nothing,
    a_mail_whose_time_is_over_expires_and_is_not_sent,
    a_hostile_name_stays_a_name,
    a_mail_that_cannot_be_written_fails_alone,
    a_test_mail_is_in_no_statistic,
    an_invitation_and_its_reminder_are_one_entry_in_the_calendar,
    nobody_who_did_not_allow_it_is_written_to,
    in_china_what_advertises_goes_only_to_those_whose_consent_is_on_record,
);

const LIST: &str = "email,name,birthday\n\
                    ada@example.org,Ada,1990-05-14\n\
                    bob@example.org,Bob,05-14\n\
                    carl@example.org,Carl,1990-05-15\n";

async fn inbox(world: &World) -> Inbox {
    let any = "127.0.0.1:0".parse().unwrap();
    Inbox::start(any, any, Arc::clone(&world.clock) as Arc<_>).await.unwrap()
}

/// An engine that sends into an inbox.
async fn with_inbox(db: &Database) -> (World, Inbox) {
    let inbox = inbox(&World::new(db)).await;
    (World::relaying_to(db, inbox.smtp_address()), inbox)
}

async fn a_list_becomes_mails_once(db: &Database) {
    let (world, inbox) = with_inbox(db).await;
    world.contacts(LIST).await;
    let round = world.round().await;
    assert_eq!((round.considered, round.queued, round.dispatched.sent), (3, 2, 2));
    let recipients: BTreeSet<_> = inbox.received().iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(recipients, BTreeSet::from(["ada@example.org".into(), "bob@example.org".into()]));

    let again = world.round().await;
    assert_eq!((again.considered, again.queued, again.dispatched.sent), (0, 0, 0));
    world.wait(TimeDelta::days(1));
    assert_eq!(world.round().await.dispatched.sent, 1, "the next day is Carl's");
    assert_eq!(inbox.received()[2].to, "carl@example.org");
    assert_eq!(ledger(world.store()).await, [(State::Sent, 3)]);
    inbox.stop().await;
}

async fn a_mail_is_written_to_its_reader(db: &Database) {
    let world = World::new(db);
    world.import(ImportKind::Reps, "email,name,title\nzhou@example.com,Zhou,Manager\n").await;
    world.import(ImportKind::Accounts, "key,rep\nA-1,zhou@example.com\n").await;
    world
        .contacts(
            "email,name,given_name,family_name,honorific,account,locale,birthday\n\
             ada@example.org,Ada Lovelace,Ada,Lovelace,Ms,A-1,en,05-14\n\
             wang@example.org,王小伟,小伟,王,先生,A-1,zh-CN,05-14\n",
        )
        .await;
    world.round().await;
    let [ada, wang] = world.mails().try_into().unwrap_or_else(|_| panic!("two mails"));
    assert_eq!(ada.subject, "Happy birthday from Zhou");
    assert!(ada.text.starts_with("Dear Ms Lovelace,"), "{}", ada.text);
    assert_eq!((ada.to_name.as_str(), ada.to.as_str()), ("Ada Lovelace", "ada@example.org"));
    assert!(wang.text.starts_with("王先生，您好！"), "{}", wang.text);
    assert!(ada.raw.contains("Reply-To: \"Zhou\" <zhou@example.com>\r\n"), "{}", ada.raw);
    assert!(ada.raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
}

async fn two_dispatchers_at_once_send_each_mail_once(db: &Database) {
    let (world, inbox) = with_inbox(db).await;
    world.contacts(birthdays(60)).await;
    world.engine.plan().await.unwrap();
    let other = World::relaying_to(db, inbox.smtp_address());
    let (first, second) = tokio::join!(world.dispatch(), other.dispatch());
    assert_eq!(first.sent + second.sent, 60);
    let recipients: BTreeSet<_> = inbox.received().iter().map(|mail| mail.to.clone()).collect();
    assert_eq!((inbox.count(), recipients.len()), (60, 60));
    inbox.stop().await;
}

async fn who_unsubscribes_between_plan_and_dispatch_gets_nothing(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    world.engine.plan().await.unwrap();
    let ada: i64 = db
        .texts("select cast(o.id as text) from outreach o join contacts c on c.id = o.contact_id where c.email = 'ada@example.org'")
        .await[0]
        .parse()
        .unwrap();
    world.engine.record(OutreachId(ada), Feedback::Unsubscribe, 0).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.mails()[0].to, "bob@example.org");
    assert_eq!(ledger(world.store()).await, [(State::Sent, 1), (State::Suppressed, 1)]);
}

async fn a_mail_whose_time_is_over_expires_and_is_not_sent(db: &Database) {
    let world = World::new(db);
    world.contacts(LIST).await;
    world.engine.plan().await.unwrap();
    world.wait(TimeDelta::days(10));
    let late = world.dispatch().await;
    assert_eq!((late.released, late.sent), (0, 0));
    assert_eq!(ledger(world.store()).await, [(State::Expired, 2)]);
    assert!(world.mails().is_empty());
}

/// Names that would be headers, markup, templates, or the end of the message.
const HOSTILE: &[&str] = &[
    "Ada\r\nBcc: victim@example.org",
    "Ada\nSubject: free money\n\nbody",
    "Ada\0Lovelace",
    "\u{202e}adA\u{2066}",
    "{{contact.email}}{{#each this}}{{@key}}{{/each}}",
    "{{> layout}}",
    "\" <victim@example.org>, \"",
    "=?utf-8?Q?=0D=0ABcc:_victim@example.org?=",
    "<script>alert(1)</script>&amp;",
    "a\r\n.\r\nMAIL FROM:<x@example.org>",
];

async fn a_hostile_name_stays_a_name(db: &Database) {
    let world = World::new(db);
    let long = "x".repeat(10_240);
    let names = std::iter::once("Ada Lovelace").chain(HOSTILE.iter().copied());
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let lines = names.chain([long.as_str()]).enumerate().map(|(n, name)| {
        let name = cell(name);
        format!("p{n:02}@example.org,{name},{name},{name},{name},05-14\n")
    });
    let list: String = lines.collect();
    let list = format!("email,name,given_name,title,account,birthday\n{list}");
    let (_, refused) = world.import(ImportKind::Contacts, list).await;
    let refused: Vec<_> = refused.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(refused, ["the record holds a NUL character; the file may be damaged"]);
    assert_eq!(world.round().await.dispatched.sent, 11);

    let mails = world.mails();
    for mail in &mails {
        assert_eq!(mail.header_names, mails[0].header_names, "{}", mail.raw);
        let hidden = |c: char| is_hidden(c) && !"\r\n".contains(c);
        let shown = [&mail.to_name, &mail.subject, &mail.text, &mail.html];
        assert!(!shown.iter().any(|text| text.contains(hidden)), "{}", mail.raw);
        assert!(!mail.html.contains("<script") && mail.raw.len() < 102_400);
    }
    let recipients: BTreeSet<_> = mails.iter().map(|mail| mail.to.clone()).collect();
    let expected = (0..12).filter(|n| *n != 3).map(|n| format!("p{n:02}@example.org"));
    assert_eq!(recipients, expected.collect());
    let template = mails.iter().find(|mail| mail.to == "p05@example.org").unwrap();
    assert!(
        template.text.contains("{{contact.email}}"),
        "a name is no template: {}",
        template.text
    );
}

async fn a_mail_that_cannot_be_written_fails_alone(db: &Database) {
    let body = "mail/birthday/en/body.html.hbs";
    let (_, text) = Templates::embedded_files().find(|(path, _)| *path == body).unwrap();
    let link = "<a href=\"https://example.org/?q={{account.name}}\">more</a>";
    let linked = text.replacen("{{greeting}}", link, 1);
    let setup = Setup { templates: &[(body, linked)], ..Setup::default() };
    let world = World::with(db, &setup);
    // Each of these takes nine bytes in an address, which may have 2,048.
    let long = "长".repeat(256);
    world
        .contacts(format!(
            "email,account,birthday\nada@example.org,Engines,05-14\n\
             bob@example.org,{long},05-14\ncarl@example.org,Looms,05-14\n"
        ))
        .await;
    let done = world.round().await.dispatched;
    assert_eq!((done.sent, done.failed, done.trouble), (2, 1, None));
    let to: Vec<_> = world.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["ada@example.org", "carl@example.org"]);
    let attempts =
        db.texts("select phase || ': ' || reply from attempts where verdict = 'not_sent'").await;
    assert_eq!(attempts.len(), 1);
    assert!(attempts[0].starts_with("compose: ") && attempts[0].contains("2048"), "{attempts:?}");
    assert_eq!(world.round().await.dispatched.sent, 0, "what failed is not tried again");
}

async fn a_test_mail_is_in_no_statistic(db: &Database) {
    let world = World::new(db);
    let me = address("me@example.org");
    world.engine.send_test("birthday", &me, None).await.unwrap();
    let mail: Vec<Mail> = world.mails();
    assert!(mail[0].subject.starts_with("[Test] "), "{}", mail[0].subject);
    assert_eq!(db.store.totals().await.unwrap(), Totals::default());
    assert_eq!(ledger(world.store()).await, []);
}

async fn nobody_who_did_not_allow_it_is_written_to(db: &Database) {
    let world = World::new(db);
    world
        .contacts("email,birthday,may_send\nada@example.org,05-14,no\nbob@example.org,05-14,yes\n")
        .await;
    let round = world.round().await;
    assert_eq!(round.held.get("no-consent"), Some(&1));
    let to: Vec<_> = world.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["bob@example.org"]);
}

async fn in_china_what_advertises_goes_only_to_those_whose_consent_is_on_record(db: &Database) {
    let advertises = "occasion = 'birthday'\ncommercial = true\n";
    let rules = &[("campaigns/birthday.toml", advertises)];
    let world = World::with(db, &Setup { rules, ..Setup::default() });
    world
        .contacts(
            "email,birthday,country,may_send\nada@example.org,05-14,CN,\n\
             bob@example.org,05-14,CN,yes\ncarl@example.org,05-14,SG,\n",
        )
        .await;
    world.round().await;
    let mails = world.mails();
    let to: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["bob@example.org", "carl@example.org"]);
    assert!(mails[0].subject.starts_with("广告 "), "{}", mails[0].subject);
}

const FORUM: &str = r#"
occasion = "invitation"
template = "invitation"
welcome_days = 12
[[step]]
key = "first"
offset = "-30 days"
[[step]]
key = "reminder"
offset = "-5 days"
template = "invitation-reminder"
[event]
starts = 2026-06-20T14:00:00
ends = 2026-06-20T18:00:00
zone = "Asia/Shanghai"
title = { en = "Forum" }
place = { en = "Shanghai" }
"#;

async fn an_invitation_and_its_reminder_are_one_entry_in_the_calendar(db: &Database) {
    let rules = &[("campaigns/forum.toml", FORUM)];
    let world = World::with(db, &Setup { rules, ..Setup::default() });
    world.contacts("email,name\nada@example.org,Ada\nbob@example.org,Bob\n").await;
    for _ in 0..36 {
        world.round().await;
        world.wait(TimeDelta::days(1));
    }

    let mut uids: Vec<_> = world.mails().iter().filter_map(uid).collect();
    assert_eq!(uids.len(), 4, "two invitations and two reminders");
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 2, "one entry for each reader: {uids:?}");
}

/// Who is invited, and the name of the entry; nothing if the mail brings none.
fn uid(mail: &Mail) -> Option<(String, String)> {
    let message = MessageParser::default().parse(mail.raw.as_bytes())?;
    let is_calendar = |part: &&MessagePart<'_>| part.is_content_type("text", "calendar");
    let object = String::from_utf8(message.parts.iter().find(is_calendar)?.contents().to_vec());
    let object = object.unwrap().replace("\r\n ", "");
    assert!(object.contains("DTSTART:20260620T060000Z\r\n"), "{object}");
    let after = |name: &str| object.split(name).nth(1)?.split("\r\n").next().map(str::to_owned);
    assert!(object.contains(&format!(":mailto:{}\r\n", mail.to)), "{object}");
    Some((mail.to.clone(), after("UID:")?))
}
