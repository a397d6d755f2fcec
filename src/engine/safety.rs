//! Whether it is safe to decide and to send, and who does what for all daemons.
use std::{fs, io, path::Path, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{error, warn};

use super::{Engine, EngineError, plan::nonce};
use crate::store::{Halt, HaltCause};

impl HaltCause {
    /// What happened, one fragment for logs and errors.
    #[must_use]
    pub const fn in_english(self) -> &'static str {
        match self {
            Self::Restored => {
                "the database is in an older state than it was, as after a restored backup, and does \
                 not know what was sent since then"
            }
            Self::Moved => {
                "the database is in another place than it was, as after copying it, cloning the machine \
                 or having a standby take over: its twin may be sending the same mails, or it may not \
                 know what was sent last"
            }
            Self::ClockJumped => "the clock has jumped ahead by more than an hour",
        }
    }
}

/// A clock that gains more than this on the time that has really passed was set. A greeting is welcome
/// for hours, so less does no harm.
const JUMP: TimeDelta = TimeDelta::hours(1);

/// What the clock shows at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Glance {
    /// The time of day.
    pub now: DateTime<Utc>,
    /// The time that no setting of the clock changes.
    pub uptime: Duration,
}

impl Glance {
    /// Whether the clock was set ahead since `before`.
    #[must_use]
    pub fn has_jumped_since(self, before: Self) -> bool {
        let passed = self.uptime.saturating_sub(before.uptime);
        self.now - before.now - TimeDelta::from_std(passed).unwrap_or_default() > JUMP
    }
}

impl Engine {
    /// What the clock shows now.
    #[must_use]
    pub fn glance(&self) -> Glance {
        Glance { now: self.clock.now(), uptime: self.clock.uptime() }
    }

    /// Halts after the clock jumped, unless the database server has the same time: then ours was put
    /// right. Returns whether it halted.
    pub async fn halt_unless_right(&self) -> Result<bool, EngineError> {
        let skew = self.skew().await?;
        let is_right = skew.is_some_and(|skew| skew.abs() <= JUMP);
        if !is_right {
            self.halt(HaltCause::ClockJumped).await?;
        }
        Ok(!is_right)
    }

    /// Fails if leases mean another time to us than to other daemons: the server's clock stands for
    /// theirs. Not where the database is a file, or somebody made our time up.
    pub async fn refuse_if_skewed(&self) -> Result<(), EngineError> {
        if !self.clock.is_real() {
            return Ok(());
        }
        let most = TimeDelta::from_std(self.config.patience.slack()).unwrap_or(TimeDelta::MAX);
        match self.skew().await? {
            Some(skew) if skew.abs() > most => Err(EngineError::Skewed {
                ahead: skew > TimeDelta::zero(),
                seconds: skew.abs().num_seconds(),
                most: most.num_seconds(),
            }),
            _ => Ok(()),
        }
    }

    /// By how much our clock is ahead of the database server's at least, since the answer takes its
    /// time; nothing where the database is a file.
    async fn skew(&self) -> Result<Option<TimeDelta>, EngineError> {
        let before = self.clock.now();
        let Some(theirs) = self.store.server_time().await? else { return Ok(None) };
        // It was looked at between the two.
        let nearest = theirs.clamp(before, self.clock.now().max(before));
        Ok(Some(nearest - theirs))
    }

    /// Why nothing is decided or sent, if that is so.
    pub async fn halted(&self) -> Result<Option<Halt>, EngineError> {
        Ok(self.store.halt().await?)
    }

    /// The same after a look at whether another server has taken over meanwhile, which halts. It may be
    /// one that did not hear of the last marks; nothing that it says of them is to be believed before an
    /// operator has looked.
    pub async fn look_around(&self) -> Result<Option<Halt>, EngineError> {
        if self.store.is_replaced().await? {
            self.settle("").await?;
        }
        self.halted().await
    }

    /// Fails if nothing is to be decided or sent, after a look around.
    pub async fn refuse_if_halted(&self) -> Result<(), EngineError> {
        self.look_around().await?.map_or(Ok(()), |halt| Err(EngineError::Halted(halt)))
    }

    /// Has nothing decided or sent until an operator says so.
    pub async fn halt(&self, why: HaltCause) -> Result<(), EngineError> {
        let mut tx = self.store.begin().await?;
        tx.halt(&Halt { since: self.clock.now(), why }).await?;
        tx.commit().await?;
        error!("Halted: {}", why.in_english());
        Ok(())
    }

    /// Has deciding and sending go on. Returns whether it was halted.
    pub async fn resume(&self) -> Result<bool, EngineError> {
        let mut tx = self.store.begin().await?;
        let was_halted = tx.resume().await?;
        tx.commit().await?;
        Ok(was_halted)
    }

    /// Looks whether the database is the one that was used last: in the same `place`, and no older
    /// than the file `witness` has seen it; halts if not. To be asked once at the start, before
    /// anything is sent.
    pub async fn settle_in(&self, place: &str, witness: &Path) -> Result<(), EngineError> {
        self.settle(place).await?;
        self.bear_witness(witness).await
    }

    async fn settle(&self, place: &str) -> Result<(), EngineError> {
        let here = self.store.identity().await?;
        let mut tx = self.store.begin().await?;
        if tx.settle_in(&here, place).await? {
            error!("Halted: {}", HaltCause::Moved.in_english());
            tx.halt(&Halt { since: self.clock.now(), why: HaltCause::Moved }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Writes down outside of the database how far it has come; halts if it had come further.
    pub async fn bear_witness(&self, witness: &Path) -> Result<(), EngineError> {
        // Another daemon may write it meanwhile, and what it writes, the database has come to before.
        let seen = fs::read_to_string(witness).ok().and_then(|text| text.trim().parse().ok());
        let newest = self.store.newest_token().await?;
        match seen {
            Some(seen) if newest < seen => self.halt_restored(seen).await?,
            Some(seen) if newest == seen => {}
            _ => {
                if let Err(failure) = write_witness(witness, newest) {
                    warn!(error = %failure, "A restored backup would not be noticed: the witness cannot be written");
                }
            }
        }
        Ok(())
    }

    /// Halts since the database had given out lease tokens up to `seen` before it went back. It goes on
    /// behind them, so that no token is given out twice, and so that the same backup is noticed once
    /// more if it is restored again.
    async fn halt_restored(&self, seen: i64) -> Result<(), EngineError> {
        let why = HaltCause::Restored;
        let mut tx = self.store.begin().await?;
        // The tokens first, as whoever settles in does, so that neither waits for the other for good.
        tx.skip_tokens(seen).await?;
        tx.halt(&Halt { since: self.clock.now(), why }).await?;
        tx.commit().await?;
        error!("Halted: {}", why.in_english());
        Ok(())
    }

    /// Takes on, or keeps, the work called `name` that one daemon does for all. Returns whether it is
    /// ours for `time` from now.
    pub async fn take_duty(
        &self,
        name: &str,
        me: &str,
        time: TimeDelta,
    ) -> Result<bool, EngineError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let token = tx.take_duty(name, me, now, now + time).await?;
        tx.commit().await?;
        Ok(token.is_some())
    }

    /// Leaves the work called `name` to the others.
    pub async fn leave_duty(&self, name: &str, me: &str) -> Result<(), EngineError> {
        let mut tx = self.store.begin().await?;
        tx.leave_duty(name, me).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Replaces the witness as a whole. Daemons that share its folder write it under names of their own
/// first, or one would take the other's file away.
fn write_witness(witness: &Path, newest: i64) -> io::Result<()> {
    let next = witness.with_extension(format!("next-{:016x}", nonce()));
    let written = fs::write(&next, format!("{newest}\n")).and_then(|()| fs::rename(&next, witness));
    if written.is_err() {
        let _ = fs::remove_file(&next);
    }
    written
}
