use perennial::{
    domain::{ContactRecord, OccasionKind, OutreachState as State},
    store::{Mark, NewOutreach},
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    records::contact,
    rows::{
        add_contacts, begin_sending, claim, claimed, enqueue, ledger, mail, mark, person, release,
        settle, snapshot, suppress, unreachable,
    },
};

on_both_databases!(
    an_occurrence_is_enqueued_once,
    nothing_is_ready_before_it_is_due,
    claims_come_in_the_order_of_their_time_and_are_limited,
    what_is_not_welcome_any_more_expires,
    suppressing_stops_what_has_not_begun_to_leave,
    a_mail_that_is_planned_for_a_suppressed_contact_stops_at_the_gate,
    a_mail_to_a_contact_who_took_back_the_leave_stops_at_the_gate,
    a_retry_to_a_contact_who_was_suppressed_meanwhile_stops_at_the_gate,
    a_retry_to_a_contact_who_was_suppressed_meanwhile_is_not_claimed,
    what_was_sent_is_the_last_mail_of_its_contact,
    a_mail_that_expired_has_its_contact_decided_on_anew,
    a_mail_that_failed_has_its_contact_decided_on_anew,
    an_attempt_is_written_down_in_words,
    a_retry_waits_until_its_time,
    the_next_mail_is_the_earliest_that_waits,
    the_ledger_is_counted_by_state,
    a_state_that_nobody_knows_is_refused,
    history_remembers_what_was_decided_and_whether_it_counts,
    history_forgets_after_four_hundred_days,
);

async fn an_occurrence_is_enqueued_once(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = mail(ada, "2026-05-14");
    let again = NewOutreach { due_at: at("2026-05-14T12:00:00Z"), nonce: 8, ..first.clone() };
    let next_year = mail(ada, "2027-05-14");
    assert_eq!(enqueue(&db.store, &[first.clone(), again]).await, 1);
    assert_eq!(enqueue(&db.store, &[first, next_year]).await, 1);
    assert_eq!(ledger(&db.store).await, [(State::Planned, 2)]);
}

async fn nothing_is_ready_before_it_is_due(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    assert_eq!(release(&db.store, "2026-05-14T08:59:59.999Z").await, 0);
    assert!(claim(&db.store, "2026-05-14T08:59:59.999Z", 10).await.is_empty());
    assert_eq!(release(&db.store, "2026-05-14T09:00:00Z").await, 1);
    let found = claim(&db.store, "2026-05-14T09:00:00Z", 10).await.remove(0);
    let told = (found.contact, found.campaign.as_str(), found.kind, found.years, found.nonce);
    assert_eq!(told, (ada, "birthday", OccasionKind::Birthday, Some(36), 7));
    assert_eq!((found.attempt, found.body), (1, None));
}

async fn claims_come_in_the_order_of_their_time_and_are_limited(db: &Database) {
    let mut mails = Vec::new();
    for (name, minute) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
        let contact = person(&db.store, &format!("{name}@example.org")).await;
        let due_at = at(&format!("2026-05-14T09:{minute}:00Z"));
        mails.push(NewOutreach { due_at, ..mail(contact, "2026-05-14") });
    }
    enqueue(&db.store, &mails).await;
    release(&db.store, "2026-05-14T09:40:00Z").await;
    let mut minutes: Vec<Vec<String>> = Vec::new();
    for limit in [3, 3] {
        let claimed = claim(&db.store, "2026-05-14T09:40:00Z", limit).await;
        minutes.push(claimed.iter().map(|mail| mail.due_at.format("%M").to_string()).collect());
    }
    assert_eq!(minutes, [vec!["10", "20", "30"], vec!["40"]]);
}

async fn what_is_not_welcome_any_more_expires(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    release(&db.store, "2026-05-14T09:00:00Z").await;
    enqueue(&db.store, &[mail(bob, "2026-05-14")]).await;
    let states = [(State::Planned, 1), (State::Ready, 1)];
    assert_eq!(ledger(&db.store).await, states);
    assert_eq!(release(&db.store, "2026-05-14T17:00:00Z").await, 0);
    assert_eq!(ledger(&db.store).await, [(State::Expired, 2)]);
}

async fn suppressing_stops_what_has_not_begun_to_leave(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let sending = claimed(&db.store, ada, "2026-05-11").await;
    assert!(begin_sending(&db.store, &sending, at("2026-05-11T10:00:00Z")).await);
    let waiting = claimed(&db.store, ada, "2026-05-12").await;
    enqueue(&db.store, &[mail(ada, "2026-05-13")]).await;
    release(&db.store, "2026-05-13T09:00:00Z").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    let bob = person(&db.store, "bob@example.org").await;
    enqueue(&db.store, &[mail(bob, "2026-05-14")]).await;

    assert!(suppress(&db.store, "ADA@example.org").await);
    assert!(!suppress(&db.store, "ada@example.org").await);

    let stopped = [(State::Planned, 1), (State::Sending, 1), (State::Suppressed, 3)];
    assert_eq!(ledger(&db.store).await, stopped);
    assert!(!begin_sending(&db.store, &waiting, at("2026-05-12T10:00:00Z")).await);
    let sent = mark(&sending, State::Sending, State::Sent);
    assert!(settle(&db.store, sent, "2026-05-11T09:01:00Z").await, "what had begun may end");
}

async fn a_mail_that_is_planned_for_a_suppressed_contact_stops_at_the_gate(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    suppress(&db.store, "ada@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    assert_eq!(release(&db.store, "2026-05-14T09:00:00Z").await, 0);
    assert_eq!(ledger(&db.store).await, [(State::Suppressed, 1)]);
}

async fn a_mail_to_a_contact_who_took_back_the_leave_stops_at_the_gate(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    let no = ContactRecord { may_send: Some(false), ..contact("ada@example.org") };
    add_contacts(&db.store, &[(no, None)]).await;
    assert_eq!(release(&db.store, "2026-05-14T09:00:00Z").await, 0);
    assert_eq!(ledger(&db.store).await, [(State::Suppressed, 1)]);
}

/// A mail whose contact was suppressed while its content was leaving, and that the relay put off.
async fn put_off_and_suppressed(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let claimed = claimed(&db.store, ada, "2026-05-14").await;
    begin_sending(&db.store, &claimed, at("2026-05-14T09:15:00Z")).await;
    suppress(&db.store, "ada@example.org").await;
    let retry = Mark { from: State::Sending, ..unreachable(&claimed, "2026-05-14T09:05:00Z") };
    assert!(settle(&db.store, retry, "2026-05-14T09:01:00Z").await);
}

async fn a_retry_to_a_contact_who_was_suppressed_meanwhile_stops_at_the_gate(db: &Database) {
    put_off_and_suppressed(db).await;
    release(&db.store, "2026-05-14T09:05:00Z").await;
    assert_eq!(ledger(&db.store).await, [(State::Suppressed, 1)]);
}

async fn a_retry_to_a_contact_who_was_suppressed_meanwhile_is_not_claimed(db: &Database) {
    put_off_and_suppressed(db).await;
    assert!(claim(&db.store, "2026-05-14T09:05:00Z", 1).await.is_empty());
}

async fn a_mail_that_expired_has_its_contact_decided_on_anew(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let bob = person(&db.store, "bob@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    release(&db.store, "2026-05-14T09:00:00Z").await;
    enqueue(&db.store, &[mail(bob, "2026-05-14")]).await;
    never_again(db, ada).await;
    never_again(db, bob).await;
    release(&db.store, "2026-05-14T17:00:00Z").await;
    assert_eq!(ledger(&db.store).await, [(State::Expired, 2)]);
    assert_eq!(db.store.overdue(at("2026-05-14T17:00:00Z")).await.unwrap(), 2);
    release(&db.store, "2026-05-14T17:01:00Z").await;
    never_again(db, ada).await;
    release(&db.store, "2026-05-14T17:02:00Z").await;
    assert_eq!(db.store.overdue(at("2026-05-14T17:02:00Z")).await.unwrap(), 1, "once");
}

async fn what_was_sent_is_the_last_mail_of_its_contact(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let claimed = claimed(&db.store, ada, "2026-05-14").await;
    begin_sending(&db.store, &claimed, at("2026-05-14T10:00:00Z")).await;
    settle(&db.store, mark(&claimed, State::Sending, State::Sent), "2026-05-14T09:02:00Z").await;
    let ada = snapshot(&db.store, "ada@example.org", "2026-05-15T00:00:00Z").await;
    assert_eq!(ada.last_mail_at, Some(at("2026-05-14T09:02:00Z")));
}

async fn a_mail_that_failed_has_its_contact_decided_on_anew(db: &Database) {
    for (email, end, overdue) in
        [("ada@example.org", State::Failed, 1), ("bob@example.org", State::InDoubt, 0)]
    {
        let contact = person(&db.store, email).await;
        let claimed = claimed(&db.store, contact, "2026-05-14").await;
        begin_sending(&db.store, &claimed, at("2026-05-14T10:00:00Z")).await;
        never_again(db, contact).await;
        settle(&db.store, mark(&claimed, State::Sending, end), "2026-05-14T09:02:00Z").await;
        assert_eq!(db.store.overdue(at("2026-05-14T09:02:00Z")).await.unwrap(), overdue, "{end:?}");
        never_again(db, contact).await;
    }
}

async fn never_again(db: &Database, contact: perennial::domain::ContactId) {
    crate::support::rows::decided(&db.store, &[(contact, None)]).await;
}

async fn an_attempt_is_written_down_in_words(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    settle(&db.store, unreachable(&first, "2026-05-14T09:05:00Z"), "2026-05-14T09:00:30Z").await;
    let second = claim(&db.store, "2026-05-14T09:05:00Z", 1).await.remove(0);
    settle(&db.store, unreachable(&second, "2026-05-14T09:15:00Z"), "2026-05-14T09:05:30Z").await;
    let attempts = db
        .texts("select no || ' ' || verdict || ' ' || phase || ': ' || reply from attempts order by no")
        .await;
    let words = "not_sent connect: connection refused";
    assert_eq!(attempts, [format!("1 {words}"), format!("2 {words}")]);
}

async fn a_retry_waits_until_its_time(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    settle(&db.store, unreachable(&first, "2026-05-14T09:05:00Z"), "2026-05-14T09:00:30Z").await;
    assert!(claim(&db.store, "2026-05-14T09:04:59Z", 1).await.is_empty());
    let second = claim(&db.store, "2026-05-14T09:05:00Z", 1).await.remove(0);
    assert_eq!((second.id, second.attempt, second.nonce), (first.id, 2, first.nonce));
    assert!(second.lease_token > first.lease_token, "lease tokens rise for ever");
}

async fn the_next_mail_is_the_earliest_that_waits(db: &Database) {
    assert_eq!(db.store.next_mail_at().await.unwrap(), None);
    let ada = person(&db.store, "ada@example.org").await;
    let first = claimed(&db.store, ada, "2026-05-14").await;
    assert_eq!(db.store.next_mail_at().await.unwrap(), None, "a claimed mail does not wait");
    enqueue(&db.store, &[mail(ada, "2026-05-15")]).await;
    assert_eq!(db.store.next_mail_at().await.unwrap(), Some(at("2026-05-15T09:00:00Z")));
    settle(&db.store, unreachable(&first, "2026-05-14T09:05:00Z"), "2026-05-14T09:00:30Z").await;
    assert_eq!(db.store.next_mail_at().await.unwrap(), Some(at("2026-05-14T09:05:00Z")));
}

async fn the_ledger_is_counted_by_state(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-15"), mail(ada, "2026-05-14")]).await;
    let counts = db.store.ledger().await.unwrap();
    let told: Vec<_> =
        counts.iter().map(|count| (count.state, count.rows, count.oldest_due_at)).collect();
    assert_eq!(told, [(State::Planned, 2, Some(at("2026-05-14T09:00:00Z")))]);
}

async fn a_state_that_nobody_knows_is_refused(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14")]).await;
    let of =
        "insert into outreach (contact_id, campaign, kind, occasion_on, state, created_at, due_at,
                  not_after, precedence, next_at, attempt, nonce)
              select contact_id, 'other', kind, occasion_on, 'delivered', 0, 0, 0, 0, 0, 0, 0
              from outreach";
    let refused = db.try_execute(of).await.unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("check constraint"), "{refused}");
}

async fn history_remembers_what_was_decided_and_whether_it_counts(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let failed = claimed(&db.store, ada, "2026-05-12").await;
    settle(&db.store, mark(&failed, State::Claimed, State::Failed), "2026-05-12T09:01:00Z").await;
    enqueue(&db.store, &[mail(ada, "2026-05-14"), mail(ada, "2026-05-15")]).await;
    release(&db.store, "2026-05-14T09:00:00Z").await;
    let told = async |now| {
        let ada = snapshot(&db.store, "ada@example.org", now).await;
        let told: Vec<_> = ada.history.iter().map(|past| (past.at, past.counts)).collect();
        (told, ada.last_mail_at)
    };
    let failed = (at("2026-05-12T09:01:00Z"), false);
    for now in ["2026-05-14T09:00:00Z", "2026-05-14T11:00:00Z"] {
        let waits = at(now);
        let expected = (vec![failed, (waits, true)], Some(waits));
        assert_eq!(told(now).await, expected, "what waits leaves now at the earliest");
    }
}

async fn history_forgets_after_four_hundred_days(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    claimed(&db.store, ada, "2025-01-01").await;
    let days = |now| async move { snapshot(&db.store, "ada@example.org", now).await.history.len() };
    assert_eq!(days("2026-02-05T08:59:59Z").await, 1, "399 days and 23 hours");
    assert_eq!(days("2026-02-05T09:00:00Z").await, 0);
}
