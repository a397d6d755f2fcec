//! How many connections a relay saw at the same time.
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// A relay may notice late that a connection has ended; the sender may then have opened another.
const NOTICED_LATE: TimeDelta = TimeDelta::milliseconds(250);

/// The connections of a relay's ledger.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    open: HashMap<u64, DateTime<Utc>>,
    spans: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Connections {
    /// A connection, by its number, began.
    pub fn connected(&mut self, connection: u64, at: DateTime<Utc>) {
        self.open.insert(connection, at);
    }

    /// It ended.
    pub fn closed(&mut self, connection: u64, at: DateTime<Utc>) {
        self.spans.extend(self.open.remove(&connection).map(|from| (from, at)));
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        (self.spans.len() + self.open.len()) as u64
    }

    /// The most that were open at the same time, not counting the last quarter of a second of each.
    #[must_use]
    pub fn most_at_once(&self) -> u64 {
        let ended = self.spans.iter().map(|(from, to)| (*from, *to - NOTICED_LATE));
        let open = self.open.values().map(|from| (*from, DateTime::<Utc>::MAX_UTC));
        let mut changes: Vec<_> = ended
            .chain(open)
            .filter(|(from, to)| from < to)
            .flat_map(|(from, to)| [(from, 1_i64), (to, -1)])
            .collect();
        // At one instant ends come before beginnings.
        changes.sort_unstable();
        let (mut now, mut most) = (0, 0);
        for (_, change) in changes {
            now += change;
            most = most.max(now);
        }
        u64::try_from(most).unwrap_or(0)
    }
}
