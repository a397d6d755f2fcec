use chrono::TimeDelta;
use perennial::{
    domain::{MOST_STRIKES, Outcome, OutreachId, OutreachState as State, Resolution},
    store::{Claimed, Halt, HaltCause, Recovered, Store, StoreError},
};

use crate::support::{
    at,
    database::Database,
    on_both_databases,
    rows::{
        attempt, begin_sending, claim, claim_struck, claimed, decided, ledger, mark, person,
        settle, write,
    },
};

on_both_databases!(
    the_database_allows_the_moves_of_the_domain_and_no_others,
    an_attempt_is_never_changed_and_never_deleted,
    a_mail_that_daemons_broke_down_with_is_claimed_apart_and_at_last_left_alone,
    an_attempt_that_nobody_saw_the_end_of_is_written_down_as_a_doubt,
    a_doubt_is_ended_once_and_says_how,
    a_sender_that_wakes_up_ends_the_doubt_about_its_own_attempt_and_no_other,
    a_sender_whose_lease_had_ended_before_its_mark_ends_nobody_elses_doubt,
    a_mail_that_is_sent_again_is_ready_and_may_be_in_doubt_again,
    a_lease_that_is_kept_up_does_not_end,
    one_daemon_has_a_duty_until_its_time_is_over,
    what_is_known_of_a_relay_is_kept,
    old_messages_are_dropped_and_open_ones_kept,
    an_operator_ends_a_halt_and_the_first_reason_stays,
);

async fn the_database_allows_the_moves_of_the_domain_and_no_others(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    for (day, from) in (1..).zip(State::ALL) {
        for to in State::ALL {
            db.execute(&format!(
                "insert into outreach (contact_id, campaign, kind, occasion_on, state, created_at,
                     due_at, not_after, precedence, next_at, attempt, nonce)
                 values ({}, '{}', 'birthday', '2026-05-{day:02}', '{}', 0, 0, 0, 0, 0, 0, 0)",
                ada.0,
                to.as_str(),
                from.as_str(),
            ))
            .await;
            let sql = format!(
                "update outreach set state = '{}'
                 where campaign = '{}' and occasion_on = '2026-05-{day:02}'",
                to.as_str(),
                to.as_str(),
            );
            let moved = db.try_execute(&sql).await;
            let expected = from == to || from.may_become(to);
            assert_eq!(moved.is_ok(), expected, "{from:?} to {to:?}: {moved:?}");
        }
    }
}

async fn an_attempt_is_never_changed_and_never_deleted(db: &Database) {
    in_doubt(db).await;
    for sql in ["update attempts set verdict = 'accepted'", "delete from attempts"] {
        let refused = db.try_execute(sql).await.unwrap_err();
        assert!(refused.to_string().contains("an attempt is never changed"), "{sql}: {refused}");
    }
}

/// Takes back what is held at this time.
async fn recover(store: &Store, now: &str) -> Recovered {
    write(store, async |tx| tx.recover(at(now)).await).await
}

async fn a_mail_that_daemons_broke_down_with_is_claimed_apart_and_at_last_left_alone(
    db: &Database,
) {
    let ada = person(&db.store, "ada@example.org").await;
    let mail = claimed(&db.store, ada, "2026-05-14").await;
    decided(&db.store, &[(ada, None)]).await;
    for (strikes, minute) in (1..MOST_STRIKES).zip([15, 30, 45]) {
        let now = format!("2026-05-14T09:{minute}:00Z");
        assert_eq!(recover(&db.store, &now).await.quarantined, []);
        assert!(claim(&db.store, &now, 10).await.is_empty(), "not among the others");
        assert_eq!(claim_struck(&db.store, &now, strikes).await.len(), 1);
    }
    let recovered = recover(&db.store, "2026-05-14T10:00:00Z").await;
    assert_eq!((recovered.ready, recovered.quarantined), (0, vec![mail.id]));
    assert_eq!(ledger(&db.store).await, [(State::Quarantined, 1)]);
    let overdue = db.store.overdue(at("2026-05-14T10:00:00Z")).await.unwrap();
    assert_eq!(overdue, 1, "its contact is decided on anew");
}

/// A mail whose daemon died while it was leaving.
async fn in_doubt(db: &Database) -> Claimed {
    let ada = person(&db.store, "ada@example.org").await;
    let mail = claimed(&db.store, ada, "2026-05-14").await;
    assert!(begin_sending(&db.store, &mail, at("2026-05-14T09:15:00Z")).await);
    let recovered = recover(&db.store, "2026-05-14T09:15:00Z").await;
    assert_eq!(recovered.in_doubt, [mail.id]);
    mail
}

async fn an_attempt_that_nobody_saw_the_end_of_is_written_down_as_a_doubt(db: &Database) {
    let mail = in_doubt(db).await;
    assert_eq!(
        db.texts("select verdict || ' ' || no || ' ' || lease_token from attempts").await,
        [format!("in_doubt 1 {}", mail.lease_token)]
    );
    let [open] = db.store.open_doubts(None, 10).await.unwrap().try_into().unwrap();
    assert_eq!((open.outreach, open.attempt, open.doubt.resent), (mail.id, 1, 0));
    assert_eq!(open.doubt.since, at("2026-05-14T09:15:00Z"));
    assert_eq!(open.email.as_str(), "ada@example.org");
    let after = Some((open.doubt.since, open.outreach));
    assert_eq!(db.store.open_doubts(after, 10).await.unwrap(), []);
}

async fn resolve(db: &Database, id: OutreachId, how: Resolution, now: &str) -> u64 {
    write(&db.store, async |tx| tx.resolve_doubts(&[(id, how)], "operator", at(now)).await).await
}

async fn a_doubt_is_ended_once_and_says_how(db: &Database) {
    let mail = in_doubt(db).await;
    let now = "2026-05-14T10:00:00Z";
    assert_eq!(resolve(db, mail.id, Resolution::AssumedSent, now).await, 1);
    assert_eq!(resolve(db, mail.id, Resolution::Resent, now).await, 0);
    assert_eq!(ledger(&db.store).await, [(State::Sent, 1)]);
    assert_eq!(
        db.texts("select resolution || ' ' || resolved_by from doubts").await,
        ["assumed_sent operator"]
    );
    assert_eq!(db.store.open_doubts(None, 10).await.unwrap(), []);
}

async fn a_sender_that_wakes_up_ends_the_doubt_about_its_own_attempt_and_no_other(db: &Database) {
    let mail = in_doubt(db).await;
    let ada = mail.contact;
    decided(&db.store, &[(ada, None)]).await;
    let now = at("2026-05-14T09:20:00Z");
    let token = mail.lease_token;
    let testify = async |attempt, how| {
        write(&db.store, async |tx| tx.testify(mail.id, attempt, how, now).await).await
    };
    assert!(!testify((2, token), Resolution::Evidence).await, "of another attempt");
    assert_eq!(ledger(&db.store).await, [(State::InDoubt, 1)]);
    assert!(testify((1, token), Resolution::Failed).await);
    assert!(!testify((1, token), Resolution::Evidence).await, "it is in doubt no more");
    assert_eq!(ledger(&db.store).await, [(State::Failed, 1)]);
    assert_eq!(db.store.overdue(now).await.unwrap(), 1, "its contact is decided on anew");
}

async fn a_sender_whose_lease_had_ended_before_its_mark_ends_nobody_elses_doubt(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let stale = claimed(&db.store, ada, "2026-05-14").await;
    assert_eq!(recover(&db.store, "2026-05-14T09:15:00Z").await.ready, 1);
    let mail = claim_struck(&db.store, "2026-05-14T09:15:00Z", 1).await.remove(0);
    assert_eq!(mail.attempt, stale.attempt, "the number goes to the next one");
    assert!(begin_sending(&db.store, &mail, at("2026-05-14T09:30:00Z")).await);
    assert_eq!(recover(&db.store, "2026-05-14T09:30:00Z").await.in_doubt, [mail.id]);
    let testify = async |token| {
        let (attempt, now) = ((1, token), at("2026-05-14T09:31:00Z"));
        write(&db.store, async |tx| tx.testify(mail.id, attempt, Resolution::Resent, now).await)
            .await
    };
    assert!(!testify(stale.lease_token).await);
    assert_eq!(ledger(&db.store).await, [(State::InDoubt, 1)]);
    assert!(testify(mail.lease_token).await);
}

async fn a_mail_that_is_sent_again_is_ready_and_may_be_in_doubt_again(db: &Database) {
    let mail = in_doubt(db).await;
    assert_eq!(resolve(db, mail.id, Resolution::Resent, "2026-05-14T10:00:00Z").await, 1);
    let again = claim(&db.store, "2026-05-14T10:00:00Z", 1).await.remove(0);
    assert_eq!((again.attempt, again.body.as_deref()), (2, Some(&b"body"[..])));
    assert!(begin_sending(&db.store, &again, at("2026-05-14T10:15:00Z")).await);
    let cause = "the relay closed the connection".to_owned();
    let mut doubt = mark(&again, State::Sending, State::InDoubt);
    doubt.attempt = Some(attempt(&again, Outcome::InDoubt { cause }));
    assert!(settle(&db.store, doubt, "2026-05-14T10:01:00Z").await);
    let [open] = db.store.open_doubts(None, 10).await.unwrap().try_into().unwrap();
    assert_eq!((open.attempt, open.doubt.resent), (2, 1));
    assert_eq!(open.cause, "the relay closed the connection");
}

async fn a_lease_that_is_kept_up_does_not_end(db: &Database) {
    let ada = person(&db.store, "ada@example.org").await;
    let mail = claimed(&db.store, ada, "2026-05-14").await;
    let until = at("2026-05-14T09:30:00Z");
    write(&db.store, async |tx| tx.renew(&[mail.lease_token], until).await).await;
    assert_eq!(recover(&db.store, "2026-05-14T09:29:59Z").await, Recovered::default());
    assert_eq!(recover(&db.store, "2026-05-14T09:30:00Z").await.ready, 1);
}

async fn one_daemon_has_a_duty_until_its_time_is_over(db: &Database) {
    let take = async |me: &'static str, now: &str| {
        let now = at(now);
        write(&db.store, async |tx| {
            tx.take_duty("deciding", me, now, now + TimeDelta::minutes(3)).await
        })
        .await
    };
    assert_eq!(take("one", "2026-05-14T09:00:00Z").await, Some(1));
    assert_eq!(take("two", "2026-05-14T09:02:00Z").await, None);
    assert_eq!(take("one", "2026-05-14T09:02:00Z").await, Some(1), "it keeps it");
    assert_eq!(take("two", "2026-05-14T09:05:00Z").await, Some(2), "under another token");
    assert_eq!(take("one", "2026-05-14T09:05:01Z").await, None);
    write(&db.store, async |tx| tx.leave_duty("deciding", "two").await).await;
    assert_eq!(take("one", "2026-05-14T09:05:02Z").await, Some(3));
}

async fn what_is_known_of_a_relay_is_kept(db: &Database) {
    let known = async || {
        let names = ["first", "second"];
        write(&db.store, async |tx| tx.relay_states(&names).await).await
    };
    assert!(known().await.is_empty());
    write(&db.store, async |tx| tx.put_relay_state("first", "{\"fails\":3}").await).await;
    let states = known().await;
    assert_eq!((states.len(), states["first"].as_str()), (1, "{\"fails\":3}"));
    let all = db.store.relay_states().await.unwrap();
    assert_eq!(all["first"], "{\"fails\":3}");
}

async fn old_messages_are_dropped_and_open_ones_kept(db: &Database) {
    let open = in_doubt(db).await;
    let bob = person(&db.store, "bob@example.org").await;
    let sent = claimed(&db.store, bob, "2026-05-14").await;
    begin_sending(&db.store, &sent, at("2026-05-14T10:00:00Z")).await;
    settle(&db.store, mark(&sent, State::Sending, State::Sent), "2026-05-14T09:30:00Z").await;
    let drop = async |then: &str| {
        let then = at(then);
        write(&db.store, async |tx| {
            Ok((tx.drop_bodies(then, 10).await?, tx.drop_links(then, 10).await?))
        })
        .await
    };
    assert_eq!(drop("2026-05-14T09:00:00Z").await, (0, 0));
    let (bodies, links) = drop("2026-06-14T09:00:00Z").await;
    assert_eq!((bodies, links), (1, 2), "links of what is in doubt lead nowhere new either");
    let kept = db.texts("select cast(outreach_id as text) from bodies").await;
    assert_eq!(kept, [open.id.0.to_string()]);
}

async fn an_operator_ends_a_halt_and_the_first_reason_stays(db: &Database) {
    assert_eq!(db.store.halt().await.unwrap(), None);
    let halt = |why, since: &str| Halt { since: at(since), why };
    let first = halt(HaltCause::Restored, "2026-05-14T09:00:00Z");
    for next in [first.clone(), halt(HaltCause::ClockJumped, "2026-05-14T10:00:00Z")] {
        write(&db.store, async |tx| tx.halt(&next).await).await;
    }
    assert_eq!(db.store.halt().await.unwrap(), Some(first));
    let mut tx = db.store.begin().await.unwrap();
    let refused = tx.claim(at("2026-05-14T10:00:00Z"), TimeDelta::minutes(15), (10, 0)).await;
    assert!(matches!(refused, Err(StoreError::NoLease)), "{refused:?}");
    drop(tx);
    assert!(write(&db.store, async |tx| tx.resume().await).await);
    assert!(!write(&db.store, async |tx| tx.resume().await).await);
    let identity = db.store.identity().await.unwrap();
    let was_elsewhere = async |place: &'static str| {
        write(&db.store, async |tx| tx.settle_in(&identity, place).await).await
    };
    assert!(!was_elsewhere("here").await, "nobody was there before");
    assert!(was_elsewhere("there").await);
    assert!(!was_elsewhere("there").await);
    assert!(!db.store.is_replaced().await.unwrap());
}
