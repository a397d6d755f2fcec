//! The command line: parse, call the engine, print.
//!
//! Results go to standard output, progress and logs to standard error. Exit status: 0 fine, 1
//! failed, 2 wrong usage or configuration; `inbound` from standard input also has 75, try again.
mod audit;
mod chart;
mod check;
mod context;
mod demo;
mod diff;
mod doctor;
mod doubt;
mod explain;
mod import;
mod inbound;
mod init;
mod language;
mod output;
mod place;
mod plan;
mod preview;
mod reload;
mod run;
mod status;
mod tiers;
mod words;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use self::{context::Usage, language::Language, output::Output};
use crate::config::ConfigError;

/// A customer-nurturing engine that works by e-mail.
#[derive(Debug, Parser)]
#[command(name = "perennial", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Folder of the configuration.
    #[arg(long, global = true, value_name = "DIR", default_value = "./config")]
    config: PathBuf,
    /// Database, over the configuration's: sqlite:FILE or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// A fixed time for everything that decides, RFC 3339, such as 2026-09-25T09:00:00Z.
    #[arg(long, global = true, value_name = "TIME")]
    now: Option<DateTime<Utc>>,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Language of the output: en or zh; otherwise that of the environment.
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
    /// Log errors only, show no progress.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Log more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the whole product on made-up data, with a built-in inbox.
    Demo(demo::DemoArgs),
    /// Write a configuration, templates and sample files to start from; overwrites nothing.
    Init(init::InitArgs),
    /// Look for everything that is wrong with configuration, templates and database.
    Check,
    /// Look whether mail would arrive: DNS, relays, certificates, public pages, clock, database.
    Doctor(doctor::DoctorArgs),
    /// Bring in a CSV file; safe to repeat.
    Import(import::ImportArgs),
    /// Show what will go out.
    Plan(plan::PlanArgs),
    /// Show what another configuration would change: tiers, mails, contacts.
    Diff(diff::DiffArgs),
    /// Say what comes next for one contact, and why.
    Explain(explain::ExplainArgs),
    /// Decide and send, as a daemon or once.
    Run {
        /// Do one full round and end when the outbox is settled.
        #[arg(long)]
        once: bool,
    },
    /// Take in delivery reports (bounces) from files, a Maildir or standard input; safe to repeat.
    Inbound(inbound::InboundArgs),
    /// Have a daemon go on that stands still until an operator has looked.
    Resume,
    /// Show mails of which nobody knows whether they arrived, or say what becomes of them.
    #[command(subcommand)]
    Doubt(doubt::DoubtCommand),
    /// Show a campaign's mail as one contact would get it.
    Preview(preview::PreviewArgs),
    /// Send one real mail, marked as a test; it is in no statistic.
    SendTest(preview::SendTestArgs),
    /// Count what is there and what waits.
    Status,
    /// Hold a relay's ledger against ours: nothing lost, nothing twice, nothing hidden.
    Audit(audit::AuditArgs),
    /// Bring the database to this version; every other command does so on start.
    Migrate,
}

/// Reads the command line, carries it out, and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    output::start_logging(&cli.global, matches!(cli.command, Command::Run { once: false }));
    if let Command::Demo(args) = &cli.command {
        args.settle_on_a_processor();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime.context("the operating system gives this program no threads") {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    // Said before the runtime is gone, which waits for what cannot be cancelled.
    runtime.block_on(carry_out(cli)).unwrap_or_else(|error| failed(&error))
}

/// Says what failed.
fn failed(error: &anyhow::Error) -> ExitCode {
    // Where nobody can read it, on a full disk, the exit status still tells.
    let _ = writeln!(std::io::stderr(), "{}", output::failure(error));
    let usage = error.is::<ConfigError>() || error.is::<Usage>();
    ExitCode::from(if usage { 2 } else { 1 })
}

async fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    let output = Output::new(&global);
    match command {
        Command::Demo(args) => demo::demo(&global, output, args).await?,
        Command::Init(args) => init::init(output, &args)?,
        Command::Check => return check::check(&global, output).await,
        Command::Doctor(args) => return doctor::doctor(&global, output, &args).await,
        Command::Import(args) => return import::import(&global, output, args).await,
        Command::Plan(args) => plan::plan(&global, output, &args).await?,
        Command::Diff(args) => diff::diff(&global, output, &args).await?,
        Command::Explain(args) => explain::explain(&global, output, &args).await?,
        Command::Run { once } => run::run(&global, output, once).await?,
        Command::Inbound(args) => return inbound::inbound(&global, output, args).await,
        Command::Resume => run::resume(&global, output).await?,
        Command::Doubt(command) => doubt::doubt(&global, output, &command).await?,
        Command::Preview(args) => preview::preview(&global, output, &args).await?,
        Command::SendTest(args) => preview::send_test(&global, output, &args).await?,
        Command::Status => status::status(&global, output).await?,
        Command::Audit(args) => return audit::audit(&global, output, args).await,
        Command::Migrate => status::migrate(&global, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}
