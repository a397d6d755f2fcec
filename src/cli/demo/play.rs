//! Plays the story: moves the clock from one thing that happens to the next.
use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{readers::Readers, world::World};
use crate::{
    cli::output::Output,
    clock::Clock,
    domain::{ContactId, NextMail, Verdict},
    engine::{Engine, Stop},
};

/// A mail of the story, for the table.
pub(super) struct Told {
    pub contact: ContactId,
    pub zone: chrono_tz::Tz,
    pub mail: NextMail,
    /// The tier that sets the cadence.
    pub tier: String,
    /// Campaigns that this mail covers.
    pub covers: Vec<usize>,
}

/// What happened in one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Month {
    pub sent: u64,
    pub opened: u64,
    pub clicked: u64,
    pub unsubscribed: u64,
}

/// What happened.
#[derive(Default)]
pub(super) struct Story {
    pub told: Vec<Told>,
    pub months: BTreeMap<String, Month>,
    pub sent: u64,
    pub failed: u64,
    /// Opens, clicks and unsubscriptions that were sent over HTTP.
    pub read: Month,
    expected: (i64, i64),
}

/// How a story is played.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    /// Until when, by the story's clock.
    pub end: DateTime<Utc>,
    /// Who reads along.
    pub readers: Option<&'a Readers>,
    /// Ends it early.
    pub stop: &'a CancellationToken,
}

/// Mails of the story that are kept for the table.
const MOST_TOLD: usize = 2000;

impl Story {
    /// Plays until `end`: decides and sends at every instant at which something is due.
    pub(super) async fn play(
        &mut self,
        world: &World,
        output: Output,
        stage: Stage<'_>,
    ) -> anyhow::Result<()> {
        let Stage { end, readers, stop } = stage;
        let start = world.clock.now();
        let total = (end - start).num_hours().unsigned_abs();
        let bar = output.progress(total, output.language.say("Playing", "演示"));
        let mut classified = start;
        while !stop.is_cancelled() {
            let now = world.clock.now();
            bar.set_position((now - start).num_hours().unsigned_abs());
            if now - classified >= TimeDelta::days(1) {
                world.engine.reclassify(false).await?;
                classified = now;
            }
            self.round(world).await?;
            if let Some(readers) = readers {
                let read = readers.read_new().await?;
                self.read(now, read);
            }
            let Some(next) = next_event(&world.engine).await?.filter(|next| *next < end) else {
                break;
            };
            // Contacts that a mail's outcome or a click has freed are due at the epoch.
            world.clock.advance_to(next.max(now + TimeDelta::seconds(1)));
        }
        world.clock.advance_to(end);
        bar.finish_and_clear();
        Ok(())
    }

    async fn round(&mut self, world: &World) -> anyhow::Result<()> {
        let engine = &world.engine;
        let now = engine.clock.now();
        let mut told = Vec::new();
        engine
            .plan_observed(|contact, decision| {
                let Verdict::Send(mail) = decision.verdict else { return };
                if mail.when > now {
                    return;
                }
                let (_, standing) = engine.config.rules.cadence.of(&contact.standings);
                let covers = decision.considered.iter().filter_map(|entry| match entry.fate {
                    crate::domain::Fate::Covered { by, .. } if by == mail.campaign => {
                        Some(entry.campaign)
                    }
                    _ => None,
                });
                told.push(Told {
                    contact: contact.id,
                    zone: contact.zone,
                    mail,
                    tier: standing.map_or_else(String::new, |standing| standing.tier.clone()),
                    covers: covers.collect(),
                });
            })
            .await?;
        if told.is_empty() && engine.store.next_mail_at().await?.is_none_or(|at| at > now) {
            return Ok(());
        }
        let done = engine.dispatch(&Stop::default()).await?;
        if let Some(said) = done.trouble {
            anyhow::bail!("the built-in inbox is in trouble: {said}");
        }
        let room = MOST_TOLD.saturating_sub(self.told.len());
        self.told.extend(told.into_iter().take(room));
        self.sent += done.sent;
        self.failed += done.failed + done.in_doubt;
        self.months.entry(month(now)).or_default().sent += done.sent;
        Ok(())
    }

    /// Notes what readers did.
    pub(super) fn read(&mut self, now: DateTime<Utc>, read: Month) {
        let month = self.months.entry(month(now)).or_default();
        for total in [month, &mut self.read] {
            total.opened += read.opened;
            total.clicked += read.clicked;
            total.unsubscribed += read.unsubscribed;
        }
        self.expected.0 += read.opened.cast_signed();
        self.expected.1 += read.clicked.cast_signed();
    }

    /// Waits until what readers did is written down: the listener answers first and writes after.
    pub(super) async fn settle(&self, engine: &Engine) -> anyhow::Result<()> {
        const TRIES: u32 = 200;
        for _ in 0..TRIES {
            let totals = engine.store.totals().await?;
            if totals.opened >= self.expected.0 && totals.clicked >= self.expected.1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Ok(())
    }
}

fn month(now: DateTime<Utc>) -> String {
    now.format("%Y-%m").to_string()
}

/// When something is due next: a decision, or a mail that was decided.
async fn next_event(engine: &Engine) -> anyhow::Result<Option<DateTime<Utc>>> {
    let decision = engine.store.next_decision_at().await?;
    let mail = engine.store.next_mail_at().await?;
    Ok([decision, mail].into_iter().flatten().min())
}
