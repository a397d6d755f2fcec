//! `demo`: the whole product on made-up data.
//!
//! It is the real thing from end to end: a configuration folder, an import, decisions, mails over
//! SMTP into the built-in inbox, and feedback over HTTP. Only the list and the clock are made up.
mod play;
mod readers;
mod report;
mod world;

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;

use self::{
    play::{Stage, Story},
    readers::Readers,
    world::World,
};
use super::{Global, output::Output, run::stop_signal};
use crate::clock::Clock;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Play so many days, as fast as they go.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1100))]
    days: u32,
    /// Read and click by itself, then end.
    #[arg(long)]
    headless: bool,
    /// Keep everything in this folder, which must not exist; otherwise in a temporary one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Port of the inbox's mail server; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    smtp_port: u16,
    /// Port of the inbox's page; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    page_port: u16,
    /// Port for opens, clicks and unsubscribing; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    tracking_port: u16,
}

impl DemoArgs {
    /// Keeps a story of many days on the processor that it begins on; to be called before there are
    /// other threads. Such a story is thousands of rounds with a mail or two, in which our threads and
    /// the database's wait for one another and hardly ever work at the same time. On a virtual machine
    /// it takes twice as long if they wake one another across processors: docs/benchmarks.md.
    pub(super) fn settle_on_a_processor(&self) {
        #[cfg(target_os = "linux")]
        if self.is_long() {
            use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
            let here = sched_getcpu();
            if here < CpuSet::MAX_CPU {
                let mut processors = CpuSet::new();
                processors.set(here);
                // Where that is forbidden, it is slower.
                let _ = sched_setaffinity(None, &processors);
            }
        }
    }

    /// Whether readers react while it is played.
    const fn is_long(&self) -> bool {
        self.days > 1
    }
}

/// Where the made-up story begins: the evening before the Mid-Autumn Festival of 2026 in America,
/// early morning in Asia.
fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_287_200, 0).unwrap_or_default()
}

pub(super) async fn demo(global: &Global, output: Output, args: DemoArgs) -> anyhow::Result<()> {
    let start = global.now.unwrap_or_else(beginning);
    let world = World::build(global, output, &args, start).await?;
    let outcome = tell(&world, output, &args).await;
    world.stop().await;
    outcome
}

async fn tell(world: &World, output: Output, args: &DemoArgs) -> anyhow::Result<()> {
    let end = world.clock.now() + TimeDelta::days(i64::from(args.days));
    let readers = Readers::new(world.inbox.clone(), &world.engine.config.tracking.base_url)?;
    let mut story = Story::default();
    let read_along = args.is_long();
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let listening = tokio::spawn(async move {
        stop_signal().await;
        stopping.cancel();
    });
    let stage = Stage { end, readers: read_along.then_some(&readers), stop: &stop };
    story.play(world, output, stage).await?;
    if args.headless && !read_along {
        readers.read_some(&mut story, world.clock.now()).await?;
    }
    story.settle(&world.engine).await?;
    if args.headless {
        let before = world.inbox.count();
        crate::daemon::round(&world.engine, None, &crate::engine::Stop::default()).await?;
        let second = world.inbox.count() - before;
        report::headless(output, world, &story, second, args.days).await?;
    } else {
        report::story(output, world, &story, args.days).await?;
        report::addresses(output, world);
        if !stop.is_cancelled() {
            report::watch(output, world, &stop).await?;
        }
    }
    listening.abort();
    Ok(())
}
