//! The only door through which the time of day enters the program.
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the current instant. Everything that needs "now" takes one of these.
pub trait Clock: Send + Sync {
    /// The current instant, in UTC.
    fn now(&self) -> DateTime<Utc>;

    /// The time since some fixed moment that no setting of the clock changes; it goes on while the
    /// machine sleeps.
    fn uptime(&self) -> Duration;

    /// Whether this is the time of day, and not one that somebody made up.
    fn is_real(&self) -> bool {
        true
    }
}

/// The host's clock. Only the composition root builds one.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock the lint sends callers to")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn uptime(&self) -> Duration {
        uptime()
    }
}

/// `Instant` stands still on Linux while the machine sleeps, and a machine that wakes up would look
/// like a clock that was set.
#[cfg(target_os = "linux")]
fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.try_into().unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn uptime() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// A clock that moves only when told to; behind `--now`, the demo's fast days, and tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Hands>);

#[derive(Debug, Clone, Copy)]
struct Hands {
    now: DateTime<Utc>,
    uptime: TimeDelta,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub const fn starting_at(start: DateTime<Utc>) -> Self {
        Self(Mutex::new(Hands { now: start, uptime: TimeDelta::zero() }))
    }

    /// Moves the clock to `instant`, unless it is there or past it already.
    pub fn advance_to(&self, instant: DateTime<Utc>) {
        let mut hands = self.hands();
        let by = (instant - hands.now).max(TimeDelta::zero());
        hands.now += by;
        hands.uptime += by;
    }

    /// Lets time pass: `by`, forward if it is positive.
    pub fn advance(&self, by: TimeDelta) {
        let mut hands = self.hands();
        hands.now += by;
        hands.uptime += by;
    }

    /// Sets the clock as somebody at the machine would: no time passes.
    pub fn set(&self, instant: DateTime<Utc>) {
        self.hands().now = instant;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.hands().now
    }

    fn uptime(&self) -> Duration {
        self.hands().uptime.to_std().unwrap_or_default()
    }

    fn is_real(&self) -> bool {
        false
    }
}
