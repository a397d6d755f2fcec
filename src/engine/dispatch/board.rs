//! Messages that wait for a connection to one relay, by the group of domains that they belong to.
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore};

use super::compose::Ready;

/// Messages of one group that wait at most: a batch of claimed mails finds room wherever half of that is
/// free.
const ROOM: usize = 2 * super::CLAIM as usize;

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

    /// What has to be acquired for each message of `group` before it is put here, and forgotten.
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
        let waiting: usize = self.lanes().by_group.values().map(|lane| lane.waiting.len()).sum();
        waiting > ROOM / 2
    }

    /// The next message of a group that the caller is busy with, if one waits.
    pub(super) fn next_of(&self, group: &str) -> Option<Ready> {
        let mut lanes = self.lanes();
        let lane = lanes.by_group.get_mut(group)?;
        let next = lane.waiting.pop_front()?;
        lane.room.add_permits(1);
        Some(next)
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

impl Lanes {
    fn lane(&mut self, group: &str) -> &mut Lane {
        self.by_group.entry(group.to_owned()).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            busy: 0,
            room: Arc::new(Semaphore::new(ROOM)),
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
        let ready = lane.waiting.pop_front()?;
        lane.busy += 1;
        lane.room.add_permits(1);
        self.last.clone_from(&group);
        Some((group, ready))
    }

    fn is_empty(&self) -> bool {
        self.by_group.values().all(|lane| lane.waiting.is_empty())
    }
}
