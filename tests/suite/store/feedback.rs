use perennial::{
    domain::{ContactRecord, Feedback, OutreachId, Suppression},
    store::Totals,
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    records::{address, contact},
    rows::{NOW, add_contacts, begin_sending, claimed, contact_id, person, suppress, write},
};

on_both_databases!(
    the_first_feedback_of_its_kind_is_told_from_the_rest,
    of_many_clicks_at_once_one_is_the_first,
    feedback_belongs_to_the_contact_of_its_mail,
    a_mail_that_does_not_exist_belongs_to_nobody,
    an_address_is_suppressed_once,
    mails_are_counted_as_opened_and_clicked_once,
);

async fn a_sent_mail(db: &Database, email: &str) -> OutreachId {
    let contact = person(&db.store, email).await;
    let claimed = claimed(&db.store, contact, "2026-05-14").await;
    begin_sending(&db.store, &claimed, at("2026-05-14T09:15:00Z")).await;
    claimed.id
}

async fn count(db: &Database, mail: OutreachId, feedback: Feedback, link_no: u16) -> bool {
    write(&db.store, async |tx| tx.count_feedback(mail, feedback, link_no, at(NOW)).await).await
}

async fn the_first_feedback_of_its_kind_is_told_from_the_rest(db: &Database) {
    let mail = a_sent_mail(db, "ada@example.org").await;
    let mut firsts = Vec::new();
    for (feedback, link) in [
        (Feedback::Open, 0),
        (Feedback::Open, 0),
        (Feedback::Click, 1),
        (Feedback::Click, 1),
        (Feedback::Click, 0),
        (Feedback::Unsubscribe, 0),
    ] {
        firsts.push(count(db, mail, feedback, link).await);
    }
    assert_eq!(firsts, [true, false, true, false, false, true]);
    let rows = db
        .texts(
            "select kind || ' ' || link_no || ': ' || times from feedback order by kind, link_no",
        )
        .await;
    assert_eq!(rows, ["click 0: 1", "click 1: 2", "open 0: 2", "unsubscribe 0: 1"]);
}

async fn of_many_clicks_at_once_one_is_the_first(db: &Database) {
    for round in 0..8 {
        let mail = a_sent_mail(db, &format!("p{round}@example.org")).await;
        let mut clicks = tokio::task::JoinSet::new();
        for link in 0..4 {
            let store = db.store.clone();
            clicks.spawn(async move {
                let click = Feedback::Click;
                write(&store, async |tx| tx.count_feedback(mail, click, link, at(NOW)).await).await
            });
        }
        let firsts = clicks.join_all().await.into_iter().filter(|first| *first).count();
        assert_eq!(firsts, 1, "in round {round}");
    }
    assert_eq!(db.texts("select cast(sum(times) as text) from feedback").await, ["32"]);
}

async fn feedback_belongs_to_the_contact_of_its_mail(db: &Database) {
    let mail = a_sent_mail(db, "ada@example.org").await;
    a_sent_mail(db, "bob@example.org").await;
    let no = ContactRecord {
        may_track: Some(false),
        locale: Some("zh-CN".parse().unwrap()),
        ..contact("ada@example.org")
    };
    add_contacts(&db.store, &[(no, None)]).await;
    let target = db.store.feedback_target(mail).await.unwrap().unwrap();
    assert_eq!(target.contact, contact_id(&db.store, "ada@example.org").await);
    assert_eq!((target.email, target.may_track), (address("ada@example.org"), Some(false)));
    assert_eq!(target.locale, "zh-CN".parse().ok());
}

async fn a_mail_that_does_not_exist_belongs_to_nobody(db: &Database) {
    for id in [0, -1, 1, i64::MAX] {
        assert!(db.store.feedback_target(OutreachId(id)).await.unwrap().is_none());
        assert_eq!(db.store.link(OutreachId(id), 0).await.unwrap(), None);
    }
}

async fn an_address_is_suppressed_once(db: &Database) {
    assert!(suppress(&db.store, "ada@example.org").await);
    let (ada, why) = (address("ADA@example.org"), Suppression::NoSuchAddress);
    assert!(!write(&db.store, async |tx| tx.suppress(&ada, why, at(NOW)).await).await);
    assert_eq!(db.texts("select reason from suppressions").await, ["unsubscribed"]);
}

async fn mails_are_counted_as_opened_and_clicked_once(db: &Database) {
    let (first, second) =
        (a_sent_mail(db, "ada@example.org").await, a_sent_mail(db, "bob@example.org").await);
    for (mail, feedback, link) in [
        (first, Feedback::Open, 0),
        (first, Feedback::Open, 0),
        (second, Feedback::Open, 0),
        (first, Feedback::Click, 0),
        (first, Feedback::Click, 1),
    ] {
        count(db, mail, feedback, link).await;
    }
    let Totals { opened, clicked, contacts, .. } = db.store.totals().await.unwrap();
    assert_eq!((contacts, opened, clicked), (2, 2, 1));
}
