//! How messages are kept for another attempt.
use chrono::TimeDelta;

use crate::support::{
    database::Database,
    on_both_databases,
    world::{World, birthdays},
};

on_both_databases!(
    of_each_mail_of_a_campaign_little_is_stored_and_the_rest_once,
    what_is_stored_once_is_about_nobody,
    what_many_messages_share_is_dropped_a_year_after_its_last_use,
);

const DICTIONARIES: &str = "select cast(id as text) from dictionaries order by id";

async fn of_each_mail_of_a_campaign_little_is_stored_and_the_rest_once(db: &Database) {
    let world = World::new(db);
    world.contacts(birthdays(20)).await;
    assert_eq!(world.round().await.dispatched.sent, 20);
    let shared = db.texts(DICTIONARIES).await;
    assert_eq!(shared.len(), 1);
    let sizes = db.texts("select cast(length(message) as text) from bodies").await;
    let alone = zstd::bulk::compress(world.mails()[0].raw.as_bytes(), 1).unwrap().len();
    for size in sizes {
        let size: usize = size.parse().unwrap();
        assert!(size * 4 < alone, "{size} of {alone}");
    }

    world.wait(TimeDelta::days(1));
    world.contacts("email,birthday\nnext@example.org,1990-05-15\n").await;
    assert_eq!(world.round().await.dispatched.sent, 1);
    assert_eq!(db.texts(DICTIONARIES).await, shared, "the next day has the same");
}

async fn what_is_stored_once_is_about_nobody(db: &Database) {
    let world = World::new(db);
    let list = "email,name,locale,birthday\n\
                ada@customer.example,Ada Quill,en,05-14\n\
                jing@customer.example,欧阳静,zh-CN,05-14\n";
    world.contacts(list).await;
    assert_eq!(world.round().await.dispatched.sent, 2);
    let ids = db.texts(DICTIONARIES).await.into_iter().map(|id| id.parse().unwrap());
    let shared = world.store().dictionaries(&ids.collect::<Vec<i64>>()).await.unwrap();
    assert_eq!(shared.len(), 2, "one for each language");
    for (_, content) in shared {
        let message = String::from_utf8(zstd::decode_all(&*content).unwrap()).unwrap();
        assert!(message.contains("To: <reader@example.org>\r\n"), "{message}");
        let shown = crate::support::world::Mail::parse(message.as_bytes());
        for text in [&message, &shown.text, &shown.html] {
            assert!(!["Ada", "欧阳静", "customer.example"].iter().any(|word| text.contains(word)));
        }
    }
}

async fn what_many_messages_share_is_dropped_a_year_after_its_last_use(db: &Database) {
    let world = World::new(db);
    world.contacts(birthdays(1)).await;
    assert_eq!(world.round().await.dispatched.sent, 1);
    world.wait(TimeDelta::days(380));
    assert_eq!(world.engine.drop_old().await.unwrap().bodies, 1);
    assert_eq!(db.texts(DICTIONARIES).await.len(), 1, "a mail may be tried again for long");
    world.wait(TimeDelta::days(17));
    world.engine.drop_old().await.unwrap();
    assert!(db.texts(DICTIONARIES).await.is_empty());
}
