//! Rows of the database, written as the engine writes them.
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use perennial::{
    domain::{
        AccountId, AccountRecord, ContactId, ContactRecord, Locale, Needs, OccasionKind, Outcome,
        OutreachState, Phase, Snapshot, Suppression,
    },
    store::{
        Attempt, Change, Claimed, DecisionDue, Mark, NewOutreach, Prepared, SnapshotOptions, Store,
        StoreError, Tx,
    },
};

use super::{
    at, day,
    records::{address, contact},
};

/// When rows are written that do not say when.
pub(crate) const NOW: &str = "2026-05-14T09:00:00Z";

pub(crate) const LEASE: TimeDelta = TimeDelta::minutes(15);

/// Writes in a transaction of its own.
pub(crate) async fn write<T>(
    store: &Store,
    body: impl AsyncFnOnce(&mut Tx) -> Result<T, StoreError>,
) -> T {
    let mut tx = store.begin().await.unwrap();
    let written = body(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    written
}

/// Takes these contacts as decided on, and due again at the times given.
pub(crate) async fn decided(store: &Store, contacts: &[(ContactId, Option<&str>)]) {
    let all = store.due(DateTime::<Utc>::MAX_UTC, u32::MAX).await.unwrap();
    let of = |due: &DecisionDue| contacts.iter().any(|(contact, _)| *contact == due.contact());
    let settled: Vec<_> = all.into_iter().filter(of).collect();
    let next: Vec<_> =
        contacts.iter().filter_map(|(contact, then)| Some((*contact, at((*then)?)))).collect();
    write(store, async |tx| tx.decided(&settled, &next).await).await;
}

/// Who is due at `now`, the longest due first.
pub(crate) async fn due(store: &Store, now: &str, limit: u32) -> Vec<ContactId> {
    store.due(at(now), limit).await.unwrap().iter().map(DecisionDue::contact).collect()
}

pub(crate) async fn add_contacts(
    store: &Store,
    records: &[(ContactRecord, Option<AccountId>)],
) -> Vec<Change> {
    write(store, async |tx| tx.import_contacts(records, at(NOW)).await).await
}

pub(crate) async fn add_account(store: &Store, record: AccountRecord) -> AccountId {
    let key = record.key.clone();
    write(store, async |tx| tx.import_accounts(&[(record, None)], at(NOW)).await).await;
    account_id(store, &key).await.unwrap()
}

pub(crate) async fn account_id(store: &Store, name: &str) -> Option<AccountId> {
    let names = BTreeSet::from([name.to_owned()]);
    write(store, async |tx| tx.account_ids(&names).await).await.get(name).copied()
}

/// The contact with this address, imported if it is new.
pub(crate) async fn person(store: &Store, email: &str) -> ContactId {
    add_contacts(store, &[(contact(email), None)]).await;
    contact_id(store, email).await
}

pub(crate) async fn contact_id(store: &Store, email: &str) -> ContactId {
    let key = address(email);
    let keys = BTreeSet::from([key.clone()]);
    write(store, async |tx| tx.contact_ids(&keys).await).await[&key.match_key()]
}

/// English, in Berlin.
pub(crate) fn options() -> SnapshotOptions {
    SnapshotOptions {
        locale: Locale::english(),
        zone: chrono_tz::Europe::Berlin,
        needs: Needs { history_days: 400, ..Needs::default() },
    }
}

pub(crate) async fn snapshot(store: &Store, email: &str, now: &str) -> Snapshot {
    store.snapshot_of(&options(), &address(email), at(now)).await.unwrap().unwrap()
}

/// A birthday mail that is due at nine on this day and welcome until five.
pub(crate) fn mail(contact: ContactId, on: &str) -> NewOutreach {
    NewOutreach {
        contact,
        campaign: "birthday".to_owned(),
        kind: OccasionKind::Birthday,
        day: day(on),
        years: Some(36),
        due_at: at(&format!("{on}T09:00:00Z")),
        not_after: at(&format!("{on}T17:00:00Z")),
        nonce: 7,
        precedence: 0,
    }
}

pub(crate) async fn enqueue(store: &Store, mails: &[NewOutreach]) -> u64 {
    write(store, async |tx| tx.enqueue(mails, at(NOW)).await).await
}

pub(crate) async fn release(store: &Store, now: &str) -> u64 {
    write(store, async |tx| tx.release(at(now), None).await).await
}

pub(crate) async fn recover(store: &Store, now: DateTime<Utc>) {
    write(store, async |tx| tx.recover(now).await).await;
}

pub(crate) async fn claim(store: &Store, now: &str, limit: u32) -> Vec<Claimed> {
    write(store, async |tx| tx.claim(at(now), LEASE, (limit, 0)).await).await
}

/// The same for mails that daemons have broken down with so many times.
pub(crate) async fn claim_struck(store: &Store, now: &str, strikes: u32) -> Vec<Claimed> {
    write(store, async |tx| tx.claim(at(now), LEASE, (10, strikes)).await).await
}

pub(crate) async fn suppress(store: &Store, email: &str) -> bool {
    let address = address(email);
    write(store, async |tx| tx.suppress(&address, Suppression::Unsubscribed, at(NOW)).await).await
}

/// A mail of this day that is released and claimed at nine.
pub(crate) async fn claimed(store: &Store, contact: ContactId, on: &str) -> Claimed {
    enqueue(store, &[mail(contact, on)]).await;
    let nine = format!("{on}T09:00:00Z");
    release(store, &nine).await;
    claim(store, &nine, 1).await.remove(0)
}

/// Marks that content is about to leave; says whether it may.
pub(crate) async fn begin_sending(store: &Store, claimed: &Claimed, until: DateTime<Utc>) -> bool {
    let prepared = Prepared {
        id: claimed.id,
        lease_token: claimed.lease_token,
        body: b"body".to_vec(),
        links: vec!["https://example.org/0".to_owned(), "https://example.org/1".to_owned()],
    };
    write(store, async |tx| tx.mark_sending(&[prepared], until - LEASE, until).await)
        .await
        .contains(&claimed.id)
}

/// A move of a claimed mail without an attempt.
pub(crate) fn mark(claimed: &Claimed, from: OutreachState, to: OutreachState) -> Mark {
    Mark {
        id: claimed.id,
        lease_token: claimed.lease_token,
        from,
        to,
        next_at: None,
        attempt: None,
    }
}

/// An attempt that the relay could not be reached in.
pub(crate) fn unreachable(claimed: &Claimed, next_at: &str) -> Mark {
    let cause = "connection refused".to_owned();
    let outcome = Outcome::NotSent { phase: Phase::Connect, cause };
    Mark {
        next_at: Some(at(next_at)),
        attempt: Some(attempt(claimed, outcome)),
        ..mark(claimed, OutreachState::Claimed, OutreachState::Ready)
    }
}

/// The record of an attempt.
pub(crate) fn attempt(claimed: &Claimed, outcome: Outcome) -> Attempt {
    Attempt {
        no: claimed.attempt,
        began_at: at(NOW),
        sending_at: None,
        ended_at: at(NOW),
        relay: None,
        connection: None,
        outcome,
    }
}

/// Writes the mark down; says whether the row was still ours.
pub(crate) async fn settle(store: &Store, mark: Mark, now: &str) -> bool {
    let id = mark.id;
    write(store, async |tx| tx.mark_settled(&[mark], at(now)).await).await.contains(&id)
}

/// State and number of rows of the ledger.
pub(crate) async fn ledger(store: &Store) -> Vec<(OutreachState, i64)> {
    let counts = store.ledger().await.unwrap();
    counts.into_iter().map(|count| (count.state, count.rows)).collect()
}
