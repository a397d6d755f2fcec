//! Messages that wait for a connection to one relay, by the group of domains that they belong to.
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore};

use super::compose::Ready;

/// What waits for one group at most, in [`Composed::weight`](super::compose::Composed::weight): as many
/// messages of the usual size, or 64 MB of large ones. A batch of claimed mails finds room wherever
/// half of that is free.
pub(super) const ROOM: u32 = 2 * super::CLAIM;

/// What waits for one relay. Each group has its own queue, so that one whose servers are slow, or that
/// may have few connections, holds up nobody else.
pub(super) struct Board {
    connections: usize,
    lanes: Mutex<Lanes>,
    changed: Notify,
}

#[derive(Default)]
struct Lanes {
    by_group: BTreeMap<String, Lane>,
    is_closed: bool,
    /// The group that was served last; the next one has its turn.
    last: String,
}

struct Lane {
    waiting: VecDeque<Ready>,
    /// Senders that are busy with this group.
    busy: usize,
    room: Arc<Semaphore>,
}

impl Board {
    pub(super) fn new(connections: usize) -> Self {
        Self { connections, lanes: Mutex::default(), changed: Notify::new() }
    }

    /// Connections, and so senders.
    pub(super) const fn connections(&self) -> usize {
        self.connections
    }

    /// Of what each message of `group` has to acquire its weight before it is put here, and forget it.
    pub(super) fn room(&self, group: &str) -> Arc<Semaphore> {
        Arc::clone(&self.lanes().lane(group).room)
    }

    /// Adds a message for which there is room.
    pub(super) fn put(&self, group: &str, ready: Ready) {
        self.lanes().lane(group).waiting.push_back(ready);
        self.changed.notify_one();
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lanes().is_closed = true;
        self.changed.notify_waiters();
    }

    /// A message of a group for which there are fewer senders than `most` allows, and its group, which
    /// is to be left afterwards. Waits until there is one; nothing if none will come.
    pub(super) async fn take(&self, most: impl Fn(&str) -> usize) -> Option<(String, Ready)> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut lanes = self.lanes();
                if let Some(taken) = lanes.take(&most) {
                    return Some(taken);
                }
                if lanes.is_closed && lanes.is_empty() {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// Whether so many wait that the relay should be given no more for now.
    pub(super) fn is_crowded(&self) -> bool {
        let lanes = self.lanes();
        let taken = |lane: &Lane| ROOM as usize - lane.room.available_permits();
        lanes.by_group.values().map(taken).sum::<usize>() > ROOM as usize / 2
    }

    /// The next message of a group that the caller is busy with, if one waits.
    pub(super) fn next_of(&self, group: &str) -> Option<Ready> {
        let mut lanes = self.lanes();
        let lane = lanes.by_group.get_mut(group)?;
        lane.pop()
    }

    /// Whether messages of other groups wait than of the one that the caller is busy with.
    pub(super) fn others_wait(&self, group: &str) -> bool {
        let lanes = self.lanes();
        lanes.by_group.iter().any(|(name, lane)| name != group && !lane.waiting.is_empty())
    }

    /// The caller is done with `group`. Nobody is woken for nothing: thirty idle senders that look at
    /// an empty board after every mail cost more than the mail.
    pub(super) fn leave(&self, group: &str) {
        let mut lanes = self.lanes();
        let Some(lane) = lanes.by_group.get_mut(group) else { return };
        lane.busy = lane.busy.saturating_sub(1);
        if !lane.waiting.is_empty() {
            self.changed.notify_one();
        } else if lanes.is_closed && lanes.is_empty() {
            self.changed.notify_waiters();
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn pop(&mut self) -> Option<Ready> {
        let ready = self.waiting.pop_front()?;
        self.room.add_permits(ready.message.weight() as usize);
        Some(ready)
    }
}

impl Lanes {
    fn lane(&mut self, group: &str) -> &mut Lane {
        self.by_group.entry(group.to_owned()).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            busy: 0,
            room: Arc::new(Semaphore::new(ROOM as usize)),
        })
    }

    /// From the groups in turn, the one after the last first.
    fn take(&mut self, most: impl Fn(&str) -> usize) -> Option<(String, Ready)> {
        let may = |(group, lane): &(&String, &Lane)| {
            // A group that is shut has its messages given back, which needs no connection.
            !lane.waiting.is_empty() && lane.busy < most(group).max(1)
        };
        let after = self.by_group.iter().find(|lane| *lane.0 > self.last && may(lane));
        let group = after.or_else(|| self.by_group.iter().find(may))?.0.clone();
        let lane = self.by_group.get_mut(&group)?;
        let ready = lane.pop()?;
        lane.busy += 1;
        self.last.clone_from(&group);
        Some((group, ready))
    }

    fn is_empty(&self) -> bool {
        self.by_group.values().all(|lane| lane.waiting.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{ContactId, Envelope, OccasionKind, OutreachId},
        engine::dispatch::compose::Composed,
        store::Claimed,
    };

    fn ready(octets: usize) -> Ready {
        let address = || "ada@example.org".parse().unwrap();
        let at = "2026-05-14T09:00:00Z".parse().unwrap();
        let claimed = Claimed {
            id: OutreachId(1),
            contact: ContactId(1),
            campaign: "birthday".to_owned(),
            kind: OccasionKind::Birthday,
            day: "2026-05-14".parse().unwrap(),
            years: None,
            attempt: 1,
            lease_token: 1,
            not_after: at,
            due_at: at,
            nonce: 1,
            domain: "example.org".to_owned(),
            first_tried_at: None,
            refused_by: None,
            cannot_carry: Vec::new(),
            body: None,
        };
        let envelope = Envelope { sender: address(), recipient: address() };
        let (body, links) = (Vec::new(), Vec::new());
        Ready { claimed, message: Composed { envelope, bytes: vec![0; octets], body, links } }
    }

    #[tokio::test]
    async fn large_messages_take_room_by_their_size_and_give_it_back() {
        let board = Board::new(1);
        let room = board.room("rest");
        let heavy = ready(7 * 1024 * 1024).message.weight();
        assert_eq!((ready(10_000).message.weight(), heavy), (1, 113));
        for _ in 0..8 {
            room.try_acquire_many(heavy).unwrap().forget();
            board.put("rest", ready(7 * 1024 * 1024));
        }
        assert!(room.try_acquire_many(heavy).is_err(), "nine of them are more than 64 MB");
        assert!(board.is_crowded());
        let (group, _) = board.take(|_| 1).await.unwrap();
        assert!(room.try_acquire_many(heavy).is_ok());
        while board.next_of(&group).is_some() {}
        assert_eq!(room.available_permits(), ROOM as usize);
    }

    #[test]
    fn a_message_larger_than_all_room_still_finds_it() {
        assert_eq!(ready(100 * 1024 * 1024).message.weight(), ROOM);
    }
}
