//! `run` and `resume`: the daemon, one round of it, and having it go on.
use std::{sync::atomic::Ordering, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Global, Language, context,
    context::Usage,
    output::{self, Output},
    place::Place,
    reload::{self, Hangup},
    words,
};
use crate::{
    daemon::{self, Daemon, Round},
    engine::{Engine, EngineError, Inspector, Live, Stop},
    lookup::World,
    store::{Halt, StoreError},
    web,
};

/// How long what is leaving may take after a second order to stop, and everything else after that.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(global: &Global, output: Output, once: bool) -> anyhow::Result<()> {
    if global.now.is_some() && !once {
        let why = "--now stops the clock, and a daemon lives by it; add --once";
        return Err(Usage(why.to_owned()).into());
    }
    // Before anything else, or a signal in the first moments would end the program on the spot.
    let mut orders = Orders::new()?;
    let hangup = (!once).then(Hangup::new);
    let (engine, place) = tokio::select! {
        biased;
        () = orders.next() => {
            info!("Stopping before anything has begun");
            return Ok(());
        }
        opened = open(global) => opened?,
    };
    let stop = Stop { outcomes: Some(place.outcomes.clone()), ..Stop::default() };
    tokio::spawn(end_on_signal(orders, stop.clone(), engine.config.patience.stop_timeout));
    let Some(hangup) = hangup else {
        let round =
            in_time(&stop, Box::pin(one_round(&engine, &place, &stop))).await.transpose()?;
        if let Some((round, _)) = &round {
            print(output, round)?;
        }
        refuse_if_in_doubt(&stop)?;
        let Some((round, halt)) = round else { return Ok(()) };
        if let Some(halt) = halt {
            return Err(EngineError::Halted(halt).into());
        }
        if let Some(said) = round.dispatched.trouble {
            anyhow::bail!("the relay is in trouble, the rest waits: {said}");
        }
        if let Some(held_back) = &round.held_back {
            anyhow::bail!(words::held_back(output.language, held_back));
        }
        return Ok(());
    };
    Box::pin(serve(global, engine, place, (stop, hangup))).await
}

/// The engine, and this daemon's place, with what an earlier daemon has left there taken in.
async fn open(global: &Global) -> anyhow::Result<(Engine, Place)> {
    let engine = context::engine(global).await?;
    context::refuse_missing_templates(&engine.config, &engine.templates)?;
    let identity = engine.store.identity().await?;
    let place = Place::take(&engine.config.database_url, &identity)?;
    engine.settle_in(&place.name, &place.witness).await?;
    engine.take_kept_outcomes(&place.outcomes).await?;
    Ok((engine, place))
}

/// What a round did, and why everything stands still after it, if it does.
async fn one_round(
    engine: &Engine,
    place: &Place,
    stop: &Stop,
) -> Result<(Round, Option<Halt>), EngineError> {
    let round = daemon::round(engine, Some(&inspector()), stop).await?;
    engine.bear_witness(&place.witness).await?;
    let halt = engine.halted().await?;
    engine.store.close().await;
    Ok((round, halt))
}

/// Does `work`, but after the last order to stop only for a while: a database that says nothing would
/// keep it waiting for ever.
async fn in_time<T>(stop: &Stop, work: impl Future<Output = T>) -> Option<T> {
    let time_is_up = async {
        stop.now.cancelled().await;
        tokio::time::sleep(LAST_PATIENCE).await;
    };
    tokio::select! {
        done = work => Some(done),
        () = time_is_up => None,
    }
}

/// Decides, sends and answers until told to stop. Fails if mails were left in doubt, so that a service
/// manager notices.
async fn serve(
    global: &Global,
    engine: Engine,
    place: Place,
    (stop, hangup): (Stop, Hangup),
) -> anyhow::Result<()> {
    let listener = web::Bound::to(engine.config.tracking.listen).await?;
    engine.note_configuration(Vec::new()).await?;
    let store = engine.store.clone();
    let live = Live::from(engine);
    let tracking = listener.serve(live.clone());
    info!(address = %tracking.address(), "Tracking listens on {}", tracking.address());
    let name = format!("{}-{:016x}", std::process::id(), random_number());
    let daemon = Daemon {
        name,
        witness: place.witness.clone(),
        inspector: Some(inspector()),
        stop: stop.clone(),
    };
    let work = async {
        tokio::join!(Box::pin(daemon.run(&live)), reload::watch(global, &live, hangup, &stop.soon));
        tracking.stop().await;
        store.close().await;
    };
    in_time(&stop, work).await;
    refuse_if_in_doubt(&stop)
}

/// Who looks whether mail may leave, and says it as `doctor` does.
fn inspector() -> Inspector {
    Inspector::new(World::of_this_machine, words::doctor::sentence)
}

/// Fails if mails came in doubt while the daemon was stopping.
fn refuse_if_in_doubt(stop: &Stop) -> anyhow::Result<()> {
    if stop.now.is_cancelled() || stop.doubts.load(Ordering::Relaxed) > 0 {
        anyhow::bail!(
            "stopped before everything that was leaving was confirmed; `perennial doubt list` shows what is in doubt"
        );
    }
    Ok(())
}

/// Two daemons in two containers may have one process number.
fn random_number() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(())
}

/// Ends a daemon when somebody wants it to: what is leaving has `patience`, or ten seconds more from
/// the second order on.
async fn end_on_signal(mut orders: Orders, stop: Stop, patience: Duration) {
    orders.next().await;
    info!("Stopping: what has begun is finished; a second signal waits ten seconds at most");
    stop.soon.cancel();
    tokio::select! {
        () = tokio::time::sleep(patience) => {}
        () = async {
            orders.next().await;
            tokio::time::sleep(LAST_PATIENCE).await;
        } => {}
    }
    warn!("Stopping at once: what is not confirmed is in doubt");
    stop.now.cancel();
}

/// Ctrl-C, and SIGTERM from a service manager, from when this is made on.
struct Orders {
    interrupt: Signal,
    terminate: Signal,
}

impl Orders {
    fn new() -> std::io::Result<Self> {
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Returns once somebody wants the program to end.
pub(super) async fn stop_signal() {
    match Orders::new() {
        Ok(mut orders) => orders.next().await,
        Err(_) => CancellationToken::new().cancelled().await,
    }
}

/// Has a halted daemon go on.
pub(super) async fn resume(global: &Global, output: Output) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    let halt = engine.halted().await;
    let was_halted = engine.resume().await?;
    engine.store.close().await;
    // A word that cannot be read is ended like any other.
    let halt = match halt {
        Err(EngineError::Store(StoreError::Halt)) => None,
        halt => halt?,
    };
    if output.json {
        return output::json(&serde_json::json!({ "was_halted": was_halted, "halt": halt }));
    }
    output::line(match (output.language, halt) {
        (Language::English, None) if was_halted => "Goes on.".to_owned(),
        (Language::Chinese, None) if was_halted => "已恢复。".to_owned(),
        (Language::English, None) => "Nothing was halted.".to_owned(),
        (Language::Chinese, None) => "没有暂停，无需恢复。".to_owned(),
        (Language::English, Some(halt)) => format!(
            "Goes on. It stood still since {}: {}.",
            halt.since.format("%Y-%m-%d %H:%M UTC"),
            super::words::halt(output.language, halt.why)
        ),
        (Language::Chinese, Some(halt)) => format!(
            "已恢复。自 {} 起暂停，原因：{}。",
            halt.since.format("%Y-%m-%d %H:%M UTC"),
            super::words::halt(output.language, halt.why)
        ),
    });
    Ok(())
}

fn print(output: Output, round: &Round) -> anyhow::Result<()> {
    if output.json {
        return output::json(round);
    }
    let (considered, queued) = (round.considered, round.queued);
    let sent = &round.dispatched;
    if let Some(at) = sent.wait_until {
        let at = at.format("%Y-%m-%d %H:%M:%S UTC");
        output::line(match output.language {
            Language::English => format!(
                "Not everything has left: the relays take more at {at}. The next `run` goes on with it."
            ),
            Language::Chinese => {
                format!("尚有邮件未发出：中继将于 {at} 接受更多邮件，下次运行 `run` 时继续。")
            }
        });
    }
    output::line(match output.language {
        Language::English => format!(
            "Decided on {considered} contacts, queued {queued} mails. Sent {}, to be tried again {}, \
             given up {}, in doubt {}.",
            sent.sent, sent.retried, sent.failed, sent.in_doubt
        ),
        Language::Chinese => format!(
            "已对 {considered} 位联系人作出决定，排入 {queued} 封邮件。已发送 {}，待重试 {}，放弃 {}，存疑 {}。",
            sent.sent, sent.retried, sent.failed, sent.in_doubt
        ),
    });
    Ok(())
}
