//! `run`: the daemon, or one round of it.
use tokio_util::sync::CancellationToken;

use super::{
    Global, Language, context,
    context::Usage,
    output::{self, Output},
    reload,
};
use crate::{
    daemon::{self, Round},
    engine::Live,
    web,
};

pub(super) async fn run(global: &Global, output: Output, once: bool) -> anyhow::Result<()> {
    if global.now.is_some() && !once {
        let why = "--now stops the clock, and a daemon lives by it; add --once";
        return Err(Usage(why.to_owned()).into());
    }
    let engine = context::engine(global).await?;
    context::refuse_missing_templates(&engine.config, &engine.templates)?;
    if once {
        let round = daemon::round(&engine).await?;
        engine.store.close().await;
        print(output, &round)?;
        if let Some(said) = round.dispatched.trouble {
            anyhow::bail!("the relay is in trouble, the rest waits: {said}");
        }
        return Ok(());
    }
    let listener = web::Bound::to(engine.config.tracking.listen).await?;
    engine.note_configuration(Vec::new()).await?;
    let store = engine.store.clone();
    let live = Live::from(engine);
    let tracking = listener.serve(live.clone());
    tracing::info!(address = %tracking.address(), "Tracking listens on {}", tracking.address());
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        tracing::info!("Stopping: what has begun is finished");
        stopping.cancel();
    });
    tokio::join!(daemon::run(&live, &stop), reload::watch(global, &live, &stop));
    tracking.stop().await;
    store.close().await;
    Ok(())
}

/// Returns once somebody wants the program to end: Ctrl-C, or SIGTERM from a service manager.
pub(super) async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn print(output: Output, round: &Round) -> anyhow::Result<()> {
    if output.json {
        return output::json(round);
    }
    let (considered, queued) = (round.considered, round.queued);
    let sent = &round.dispatched;
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
