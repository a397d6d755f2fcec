use std::collections::BTreeSet;

use perennial::{
    domain::OutreachState as State,
    store::{Claimed, NewOutreach, Prepared},
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    records::contact,
    rows::{
        LEASE, NOW, add_contacts, begin_sending, claim, claim_struck, claimed, contact_id, enqueue,
        ledger, mail, mark, person, recover, release, settle, unreachable, write,
    },
};

on_both_databases!(
    a_claimed_mail_is_not_claimed_again_until_its_lease_ends,
    a_sending_mail_whose_lease_ends_is_in_doubt_and_never_ready,
    beginning_to_send_renews_the_lease,
    a_mark_with_an_old_lease_changes_nothing,
    a_mark_from_another_state_changes_nothing,
    no_two_claimers_get_the_same_mail,
    the_bytes_come_back_on_the_second_attempt,
    the_bytes_of_the_first_attempt_stay,
    large_and_small_bodies_of_one_group_come_back_each_whole,
    marks_of_any_number_are_made_each_for_itself,
    a_link_is_found_by_its_number_and_by_nothing_else,
    a_fenced_message_leaves_no_bytes_and_no_links,
    many_mails_are_marked_at_once_and_each_for_itself,
);

async fn a_claimed_mail_is_not_claimed_again_until_its_lease_ends(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    let end = at("2026-05-14T09:00:00Z") + LEASE;
    recover(&db.store, end - chrono::TimeDelta::milliseconds(1)).await;
    assert!(claim(&db.store, "2026-05-14T16:00:00Z", 1).await.is_empty());
    recover(&db.store, end).await;
    let second = claim_struck(&db.store, "2026-05-14T09:15:00Z", 1).await.remove(0);
    assert_eq!((second.id, second.attempt), (first.id, 1), "nothing was tried");
}

async fn a_sending_mail_whose_lease_ends_is_in_doubt_and_never_ready(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    assert!(begin_sending(&db.store, &first, at("2026-05-14T09:15:00Z")).await);
    recover(&db.store, at("2026-05-14T09:15:00Z")).await;
    assert_eq!(ledger(&db.store).await, [(State::InDoubt, 1)]);
    recover(&db.store, at("2026-05-15T09:15:00Z")).await;
    assert_eq!(release(&db.store, "2026-05-15T09:15:00Z").await, 0);
    assert!(claim(&db.store, "2026-05-15T09:15:00Z", 1).await.is_empty());
    assert_eq!(ledger(&db.store).await, [(State::InDoubt, 1)]);
}

async fn beginning_to_send_renews_the_lease(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    begin_sending(&db.store, &first, at("2026-05-14T09:29:00Z")).await;
    recover(&db.store, at("2026-05-14T09:28:59Z")).await;
    assert_eq!(ledger(&db.store).await, [(State::Sending, 1)]);
    let sent = mark(&first, State::Sending, State::Sent);
    assert!(settle(&db.store, sent, "2026-05-14T09:28:59Z").await);
}

async fn a_mark_with_an_old_lease_changes_nothing(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let frozen = claimed(&db.store, ada, "2026-05-14").await;
    recover(&db.store, at("2026-05-14T09:15:00Z")).await;
    let other = claim_struck(&db.store, "2026-05-14T09:15:00Z", 1).await.remove(0);

    assert!(!begin_sending(&db.store, &frozen, at("2026-05-14T09:30:00Z")).await);
    let retry = unreachable(&frozen, "2026-05-14T09:20:00Z");
    assert!(!settle(&db.store, retry, "2026-05-14T09:16:00Z").await);

    assert!(begin_sending(&db.store, &other, at("2026-05-14T09:30:00Z")).await);
    let sent = mark(&frozen, State::Sending, State::Sent);
    assert!(!settle(&db.store, sent, "2026-05-14T09:16:00Z").await);
    assert_eq!(ledger(&db.store).await, [(State::Sending, 1)]);
    assert!(db.texts("select reply from attempts").await.is_empty());
    assert_eq!(db.texts("select email from contacts where last_mail_at is null").await.len(), 1);
}

async fn a_mark_from_another_state_changes_nothing(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let claimed = claimed(&db.store, ada, "2026-05-14").await;
    let sent = mark(&claimed, State::Sending, State::Sent);
    assert!(!settle(&db.store, sent.clone(), "2026-05-14T09:01:00Z").await, "nothing had left");
    begin_sending(&db.store, &claimed, at("2026-05-14T09:15:00Z")).await;
    assert!(settle(&db.store, sent.clone(), "2026-05-14T09:01:00Z").await);
    assert!(!settle(&db.store, sent, "2026-05-14T09:02:00Z").await, "what is sent stays sent");
    assert!(!begin_sending(&db.store, &claimed, at("2026-05-14T09:15:00Z")).await);
}

const CLAIMERS: usize = 8;
const MAILS: usize = 500;

async fn no_two_claimers_get_the_same_mail(db: &Database) {
    let people: Vec<_> =
        (0..MAILS).map(|n| (contact(&format!("p{n}@example.org")), None)).collect();
    add_contacts(&db.store, &people).await;
    let first = contact_id(&db.store, "p0@example.org").await.0;
    let count = i64::try_from(MAILS).unwrap();
    let mails: Vec<_> = (first..first + count)
        .map(|id| mail(perennial::domain::ContactId(id), "2026-05-14"))
        .collect();
    enqueue(&db.store, &mails).await;
    release(&db.store, "2026-05-14T09:00:00Z").await;

    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..CLAIMERS {
        let store = db.store.clone();
        claimers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let batch = claim(&store, "2026-05-14T09:00:00Z", 7).await;
                if batch.is_empty() {
                    return mine;
                }
                mine.extend(batch.into_iter().map(|mail| mail.id));
            }
        });
    }
    let claimed: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!((claimed.len(), claimed.iter().collect::<BTreeSet<_>>().len()), (MAILS, MAILS));
}

async fn the_bytes_come_back_on_the_second_attempt(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    begin_sending(&db.store, &first, at("2026-05-14T09:15:00Z")).await;
    let mut retry = unreachable(&first, "2026-05-14T09:05:00Z");
    retry.from = State::Sending;
    settle(&db.store, retry, "2026-05-14T09:01:00Z").await;
    let second = claim(&db.store, "2026-05-14T09:05:00Z", 1).await.remove(0);
    assert_eq!(second.body.as_deref(), Some(b"body".as_slice()));
}

async fn the_bytes_of_the_first_attempt_stay(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    begin_sending(&db.store, &first, at("2026-05-14T09:15:00Z")).await;
    let mut retry = unreachable(&first, "2026-05-14T09:05:00Z");
    retry.from = State::Sending;
    settle(&db.store, retry.clone(), "2026-05-14T09:01:00Z").await;
    let second = claim(&db.store, "2026-05-14T09:05:00Z", 1).await.remove(0);
    let other = Prepared {
        id: second.id,
        lease_token: second.lease_token,
        body: b"other".to_vec(),
        links: vec!["https://example.net/".to_owned()],
    };
    write(&db.store, async |tx| {
        tx.mark_sending(&[other], at(NOW), at("2026-05-14T09:20:00Z")).await
    })
    .await;
    let again = perennial::store::Mark { lease_token: second.lease_token, attempt: None, ..retry };
    settle(&db.store, again, "2026-05-14T09:06:00Z").await;
    let third = claim(&db.store, "2026-05-14T09:06:00Z", 1).await.remove(0);
    assert_eq!(third.body.as_deref(), Some(b"body".as_slice()));
    let link = db.store.link(third.id, 0).await.unwrap();
    assert_eq!(link.as_deref(), Some("https://example.org/0"));
}

async fn large_and_small_bodies_of_one_group_come_back_each_whole(db: &Database) {
    let sizes = [10, 3_000_000, 3_000_000, 20];
    for place in 0..sizes.len() {
        let of = person(&db.store, &format!("c{place}@example.org")).await;
        enqueue(&db.store, &[mail(of, "2026-05-14")]).await;
    }
    release(&db.store, "2026-05-14T09:00:00Z").await;
    let claimed = claim(&db.store, "2026-05-14T09:00:00Z", 10).await;
    let bodies: Vec<Vec<u8>> =
        sizes.iter().zip(b'a'..).map(|(size, letter)| vec![letter; *size]).collect();
    let prepared: Vec<Prepared> = claimed
        .iter()
        .zip(&bodies)
        .map(|(claimed, body)| Prepared {
            id: claimed.id,
            lease_token: claimed.lease_token,
            body: body.clone(),
            links: Vec::new(),
        })
        .collect();
    let began = at("2026-05-14T09:00:00Z");
    let marked =
        write(&db.store, async |tx| tx.mark_sending(&prepared, began, began + LEASE).await).await;
    assert_eq!(marked.len(), sizes.len());
    let marks: Vec<_> = claimed
        .iter()
        .map(|claimed| perennial::store::Mark {
            from: State::Sending,
            ..unreachable(claimed, "2026-05-14T09:05:00Z")
        })
        .collect();
    write(&db.store, async |tx| tx.mark_settled(&marks, began).await).await;
    let again = claim(&db.store, "2026-05-14T09:05:00Z", 10).await;
    let kept: Vec<_> = again.into_iter().map(|mail| mail.body.unwrap()).collect();
    assert!(kept == bodies, "{:?}", kept.iter().map(Vec::len).collect::<Vec<_>>());
}

async fn marks_of_any_number_are_made_each_for_itself(db: &Database) {
    for place in 0..131 {
        let of = person(&db.store, &format!("c{place}@example.org")).await;
        enqueue(&db.store, &[mail(of, "2026-05-14")]).await;
    }
    release(&db.store, "2026-05-14T09:00:00Z").await;
    let began = at("2026-05-14T09:00:00Z");
    for most in [1, 2, 5, 49, 74] {
        let claimed = claim(&db.store, "2026-05-14T09:00:00Z", most).await;
        let body = |claimed: &Claimed| claimed.id.0.to_string().into_bytes();
        let mut prepared: Vec<Prepared> = claimed
            .iter()
            .map(|claimed| Prepared {
                id: claimed.id,
                lease_token: claimed.lease_token,
                body: body(claimed),
                links: vec![format!("https://example.org/{}", claimed.id.0)],
            })
            .collect();
        prepared.push(Prepared { lease_token: -1, ..prepared[0].clone() });
        let marked =
            write(&db.store, async |tx| tx.mark_sending(&prepared, began, began + LEASE).await)
                .await;
        assert_eq!(marked.len(), claimed.len());
        let mut marks: Vec<_> = claimed
            .iter()
            .map(|claimed| perennial::store::Mark {
                from: State::Sending,
                ..unreachable(claimed, "2026-05-14T09:05:00Z")
            })
            .collect();
        let frozen = perennial::store::Mark { lease_token: -1, ..marks[0].clone() };
        let none = write(&db.store, async |tx| tx.mark_settled(&[frozen], began).await).await;
        assert!(none.is_empty());
        let last = marks.pop().unwrap();
        marks.insert(0, last);
        let moved = write(&db.store, async |tx| tx.mark_settled(&marks, began).await).await;
        assert_eq!(moved, claimed.iter().map(|claimed| claimed.id).collect());
    }
    let again = claim(&db.store, "2026-05-14T09:05:00Z", 200).await;
    assert_eq!(again.len(), 131);
    for mail in again {
        assert_eq!(mail.body.unwrap(), mail.id.0.to_string().into_bytes());
        let link = db.store.link(mail.id, 0).await.unwrap();
        assert_eq!(link, Some(format!("https://example.org/{}", mail.id.0)));
    }
}

async fn a_link_is_found_by_its_number_and_by_nothing_else(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let mine = claimed(&db.store, ada, "2026-05-14").await;
    begin_sending(&db.store, &mine, at("2026-05-14T09:15:00Z")).await;
    let bob = person(&db.store, "bob@example.org").await;
    let other = claimed(&db.store, bob, "2026-05-14").await;
    let mut found = Vec::new();
    for (id, no) in [(mine.id, 0), (mine.id, 1), (mine.id, 2), (mine.id, u16::MAX), (other.id, 0)] {
        found.push(db.store.link(id, no).await.unwrap());
    }
    let url = |no| Some(format!("https://example.org/{no}"));
    assert_eq!(found, [url(0), url(1), None, None, None]);
}

async fn a_fenced_message_leaves_no_bytes_and_no_links(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let frozen = claimed(&db.store, ada, "2026-05-14").await;
    recover(&db.store, at("2026-05-14T09:15:00Z")).await;
    assert!(!begin_sending(&db.store, &frozen, at("2026-05-14T09:30:00Z")).await);
    assert_eq!(db.store.link(frozen.id, 0).await.unwrap(), None);
    let second = claim_struck(&db.store, "2026-05-14T09:15:00Z", 1).await.remove(0);
    assert_eq!(second.body, None);
}

async fn many_mails_are_marked_at_once_and_each_for_itself(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let mails: Vec<NewOutreach> =
        ["2026-05-12", "2026-05-13", "2026-05-14"].map(|day| mail(ada, day)).into();
    enqueue(&db.store, &mails).await;
    for day in ["2026-05-12T09:00:00Z", "2026-05-13T09:00:00Z", "2026-05-14T09:00:00Z"] {
        release(&db.store, day).await;
    }
    let claimed = claim(&db.store, "2026-05-14T09:00:00Z", 10).await;
    assert_eq!(claimed.len(), 1, "the others' days are over");
    let mut marks = vec![mark(&claimed[0], State::Claimed, State::Failed)];
    marks.push(perennial::store::Mark {
        id: perennial::domain::OutreachId(999),
        ..marks[0].clone()
    });
    let now = at("2026-05-14T09:01:00Z");
    let moved = write(&db.store, async |tx| tx.mark_settled(&marks, now).await).await;
    assert_eq!(moved.into_iter().collect::<Vec<_>>(), [claimed[0].id]);
    let none = write(&db.store, async |tx| tx.mark_settled(&[], now).await).await;
    assert!(none.is_empty());
}
