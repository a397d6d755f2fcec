//! Where mails are kept: in memory, the newest only.
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};

use super::{
    Received,
    letter::{self, Summary},
    smtp::Delivery,
};

/// How much to keep; the oldest mails go first. The newest is kept whatever its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) mails: usize,
    pub(super) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { mails: 5_000, bytes: 256 << 20 }
    }
}

/// A kept mail, what the list shows of it, and whether somebody has opened it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) received: Arc<Received>,
    summary: OnceLock<Summary>,
    opened: AtomicBool,
}

impl Kept {
    /// What the list shows. Parsed when first asked for, so that taking mail in stays fast.
    pub(super) fn summary(&self) -> &Summary {
        self.summary.get_or_init(|| letter::summarise(&self.received))
    }

    pub(super) fn is_unread(&self) -> bool {
        !self.opened.load(Ordering::Relaxed)
    }

    pub(super) fn mark_read(&self) {
        self.opened.store(true, Ordering::Relaxed);
    }
}

/// A mail and the ids of its neighbours, where there are any.
pub(super) struct Found {
    pub(super) mail: Arc<Kept>,
    pub(super) older: Option<u64>,
    pub(super) newer: Option<u64>,
}

#[derive(Debug, Default)]
struct Contents {
    mails: VecDeque<Arc<Kept>>,
    bytes: usize,
    accepted: u64,
}

/// A bounded store, newest last.
#[derive(Debug)]
pub(super) struct Mailbox {
    limits: Limits,
    contents: Mutex<Contents>,
}

impl Mailbox {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, contents: Mutex::default() }
    }

    pub(super) fn deliver(&self, delivery: Delivery, at: DateTime<Utc>) {
        let Delivery { from, to, raw } = delivery;
        let mut contents = self.contents();
        contents.accepted += 1;
        contents.bytes += raw.len();
        let received = Received { id: contents.accepted, at, from, to: to.join(", "), raw };
        contents.mails.push_back(Arc::new(Kept {
            received: Arc::new(received),
            summary: OnceLock::new(),
            opened: AtomicBool::new(false),
        }));
        while contents.mails.len() > 1
            && (contents.mails.len() > self.limits.mails || contents.bytes > self.limits.bytes)
        {
            if let Some(dropped) = contents.mails.pop_front() {
                contents.bytes -= dropped.received.raw.len();
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.contents().accepted
    }

    pub(super) fn received(&self) -> Vec<Arc<Received>> {
        self.contents().mails.iter().map(|kept| Arc::clone(&kept.received)).collect()
    }

    /// Everything kept, newest first.
    pub(super) fn newest_first(&self) -> Vec<Arc<Kept>> {
        self.contents().mails.iter().rev().map(Arc::clone).collect()
    }

    pub(super) fn find(&self, id: u64) -> Option<Found> {
        let contents = self.contents();
        let place = contents.mails.binary_search_by_key(&id, |kept| kept.received.id).ok()?;
        let id_at = |place: usize| contents.mails.get(place).map(|kept| kept.received.id);
        Some(Found {
            mail: Arc::clone(&contents.mails[place]),
            older: place.checked_sub(1).and_then(id_at),
            newer: id_at(place + 1),
        })
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(mailbox: &Mailbox, sizes: &[usize]) {
        for size in sizes {
            let to = vec!["a@example.org".to_owned(), "b@example.org".to_owned()];
            let delivery = Delivery { from: String::new(), to, raw: vec![b'x'; *size] };
            mailbox.deliver(delivery, DateTime::UNIX_EPOCH);
        }
    }

    fn ids(mailbox: &Mailbox) -> Vec<u64> {
        mailbox.received().iter().map(|received| received.id).collect()
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mailbox = Mailbox::new(Limits { mails: 3, bytes: 1_000 });
        fill(&mailbox, &[1, 1, 1, 1, 1]);
        assert_eq!((ids(&mailbox), mailbox.count()), (vec![3, 4, 5], 5));
    }

    #[test]
    fn the_oldest_go_when_they_weigh_too_much() {
        let mailbox = Mailbox::new(Limits { mails: 9, bytes: 100 });
        fill(&mailbox, &[60, 30, 40]);
        assert_eq!(ids(&mailbox), [2, 3]);
        fill(&mailbox, &[500]);
        assert_eq!(ids(&mailbox), [4], "the newest stays even if it is too big alone");
    }

    #[test]
    fn a_dropped_mail_is_not_found_under_anothers_id() {
        let mailbox = Mailbox::new(Limits { mails: 3, bytes: 1_000 });
        fill(&mailbox, &[1; 5]);
        assert!(mailbox.find(2).is_none());
        assert!(mailbox.find(6).is_none());
        let found = mailbox.find(3).unwrap();
        assert_eq!((found.mail.received.id, found.older, found.newer), (3, None, Some(4)));
    }

    #[test]
    fn a_mail_is_unread_until_it_is_opened() {
        let mailbox = Mailbox::new(Limits::default());
        fill(&mailbox, &[1]);
        let kept = mailbox.find(1).unwrap().mail;
        assert!(kept.is_unread());
        kept.mark_read();
        assert!(!mailbox.newest_first()[0].is_unread());
    }
}
