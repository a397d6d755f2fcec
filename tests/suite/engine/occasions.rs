//! Occasions that come from imported files, and wishes that stand over them.
use chrono::{NaiveDate, TimeDelta};
use perennial::{
    domain::{ContactId, ImportKind, SurpriseKind},
    engine::Readers,
};

use crate::support::{
    database::Database,
    on_both_databases,
    world::{Setup, World},
};

on_both_databases!(
    a_contract_a_delivery_and_a_visit_each_lead_to_their_mail,
    whoever_pauses_or_wants_birthdays_only_gets_no_more_than_that,
    a_campaign_that_means_nobody_and_a_language_without_template_are_told,
    readers_who_click_as_before_hear_from_us_sooner,
    a_service_visit_that_is_imported_later_is_followed_up_all_the_same,
);

/// A campaign with the check-in's words.
fn campaign(rules: &str) -> String {
    format!("{rules}\ntemplate = \"check-in\"\nwelcome_days = 5\n")
}

/// The campaigns and days of the mails to `email` that are foreseen for `days`.
async fn foreseen(world: &World, email: &str, days: u32) -> Vec<(String, NaiveDate)> {
    world.engine.refresh().await.unwrap();
    let contact = world.engine.explain(&email.parse().unwrap()).await.unwrap().contact.id;
    let mut mails = Vec::new();
    let rules = &world.engine.config.rules;
    world
        .engine
        .forecast(
            days,
            Readers::Silent,
            |seen| {
                if seen.contact.id == contact {
                    let campaign = &rules.campaigns[seen.mail.campaign];
                    let day = seen.mail.when.with_timezone(&seen.contact.zone).date_naive();
                    mails.push((campaign.key.clone(), day));
                }
            },
            |_| (),
        )
        .await
        .unwrap();
    mails
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn a_contract_a_delivery_and_a_visit_each_lead_to_their_mail(db: &Database) {
    let ends = campaign(
        "occasion = \"contract-milestone\"\nmilestone = \"end\"\noffset = \"-30 days\"\npriority = 5\ncategory = \"service\"",
    );
    let delivered = campaign(
        "occasion = \"follow-up\"\nafter = \"delivery\"\noffset = \"7 days\"\npriority = 5\ncategory = \"service\"",
    );
    let visited = campaign(
        "occasion = \"follow-up\"\nafter = \"visit\"\noffset = \"1 day\"\ncategory = \"service\"",
    );
    let rules = [
        ("campaigns/ends.toml", ends.as_str()),
        ("campaigns/delivered.toml", &delivered),
        ("campaigns/visited.toml", &visited),
    ];
    let world = World::with(db, &Setup { rules: &rules, ..Setup::default() });
    world.contacts("email,account,zone\nada@example.org,Engines,Europe/Berlin\n").await;
    let contracts = "key,account,starts on,ends on\nC-1,Engines,2025-07-01,2026-06-30\n";
    world.import(ImportKind::Contracts, contracts).await;
    let orders = "key,account,ordered on,delivered on,amount\n\
                  O-1,Engines,2026-04-01,2026-05-12,100\n";
    world.import(ImportKind::Orders, orders).await;
    let touches = "key,contact,kind,at\nT-1,ada@example.org,visit,2026-05-14\n";
    world.import(ImportKind::Touches, touches).await;
    // 1 June 2026 is a Monday after the 31st, a Sunday.
    assert_eq!(
        foreseen(&world, "ada@example.org", 20).await,
        [
            ("visited".to_owned(), day("2026-05-15")),
            ("delivered".to_owned(), day("2026-05-19")),
            ("ends".to_owned(), day("2026-06-01")),
        ]
    );
}

async fn whoever_pauses_or_wants_birthdays_only_gets_no_more_than_that(db: &Database) {
    let world = World::new(db);
    world
        .contacts(
            "email,birthday,paused until,wants,every days\n\
             ada@example.org,1990-06-20,2026-08-03,,\n\
             bob@example.org,1990-06-20,,birthday,\n\
             carl@example.org,,,none,\n\
             dora@example.org,,,,300\n",
        )
        .await;
    let ada = foreseen(&world, "ada@example.org", 120).await;
    assert_eq!(ada[0], ("check-in".to_owned(), day("2026-08-03")));
    let bob = foreseen(&world, "bob@example.org", 400).await;
    assert!(bob.iter().all(|(campaign, _)| campaign == "birthday") && !bob.is_empty(), "{bob:?}");
    assert_eq!(foreseen(&world, "carl@example.org", 400).await, []);
    let dora = foreseen(&world, "dora@example.org", 700).await;
    let check_ins: Vec<_> = dora.iter().filter(|(key, _)| key == "check-in").collect();
    assert!(check_ins.windows(2).all(|pair| (pair[1].1 - pair[0].1).num_days() >= 300));
    // What a list does not say again stays as it was said.
    world.contacts("email,level\nbob@example.org,2\n").await;
    let bob = foreseen(&world, "bob@example.org", 400).await;
    assert!(bob.iter().all(|(campaign, _)| campaign == "birthday"), "{bob:?}");
}

async fn a_campaign_that_means_nobody_and_a_language_without_template_are_told(db: &Database) {
    let nobody =
        "occasion = \"check-in\"\ntemplate = \"check-in\"\n[audience]\ncountries = [\"IS\"]\n";
    let rules = [("campaigns/nobody.toml", nobody)];
    let world = World::with(db, &Setup { rules: &rules, ..Setup::default() });
    let told = |surprises: Vec<perennial::domain::Surprise>| -> Vec<SurpriseKind> {
        surprises.into_iter().map(|surprise| surprise.what).collect()
    };
    assert_eq!(told(world.engine.surprises().await.unwrap()), [], "nobody is there yet");
    world.contacts("email,locale,country\nada@example.org,zh-CN,CN\nbob@example.org,sv,SE\n").await;
    let found = told(world.engine.surprises().await.unwrap());
    let nobody = SurpriseKind::ReachesNobody { campaign: "nobody".to_owned() };
    assert!(found.contains(&nobody), "{found:?}");
    let swedish = SurpriseKind::OtherLanguage {
        campaign: "check-in".to_owned(),
        reads: "sv".parse().unwrap(),
        gets: "en".parse().unwrap(),
    };
    assert!(found.contains(&swedish), "{found:?}");
    let chinese = |what: &SurpriseKind| matches!(what, SurpriseKind::OtherLanguage { reads, .. } if reads.is_chinese());
    assert!(!found.iter().any(chinese), "{found:?}");
}

async fn readers_who_click_as_before_hear_from_us_sooner(db: &Database) {
    let world = World::new(db);
    let list: Vec<_> = (0..40).map(|n| format!("p{n}@example.org,yes")).collect();
    world.contacts(format!("email,may track\n{}", list.join("\n"))).await;
    for _ in 0..20 {
        world.round().await;
        world.wait(TimeDelta::days(1));
    }
    let total = async |readers| -> u64 {
        let outlook = world.engine.forecast(700, readers, |_| (), |_| ()).await.unwrap();
        outlook.by_day.values().sum()
    };
    let silent = total(Readers::Silent).await;
    assert_eq!(total(Readers::AsBefore).await, silent, "nobody has ever clicked");
    let clicks = "insert into feedback (outreach_id, kind, link_no, first_at, last_at, times)
                  select id, 'click', 0, 0, 0, 1 from outreach where state = 'sent'";
    db.execute(clicks).await;
    let eager = total(Readers::AsBefore).await;
    assert!(eager > silent, "{eager} and {silent}");
    assert_eq!(total(Readers::AsBefore).await, eager, "the same every time");
    let everybody = world.engine.explain(&"p0@example.org".parse().unwrap()).await.unwrap();
    assert_ne!(everybody.contact.id, ContactId(0));
}

async fn a_service_visit_that_is_imported_later_is_followed_up_all_the_same(db: &Database) {
    let world = World::new(db);
    world.contacts("email,name\nada@example.org,Ada\n").await;
    world.round().await;
    world.wait(TimeDelta::days(1));
    world.round().await;
    // 14 May 2026 was a Thursday; three days after this Monday is a Thursday.
    world.wait(TimeDelta::days(4));
    let touches = "key,contact,kind,at\nT-1,ada@example.org,服务,2026-05-18\n";
    world.import(ImportKind::Touches, touches).await;
    for _ in 0..5 {
        world.round().await;
        world.wait(TimeDelta::days(1));
    }
    let sent = "select campaign || ' ' || occasion_on from outreach where campaign like 'follow%'";
    assert_eq!(db.texts(sent).await, ["follow-up-service 2026-05-18"]);
}
