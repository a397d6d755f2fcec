//! How results, progress and failures are printed.
use std::io::{IsTerminal, Write};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::{Global, Language};

/// Where and how to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub json: bool,
    pub language: Language,
    quiet: bool,
}

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        let language = global.lang.unwrap_or_else(Language::of_environment);
        Self { json: global.json, language, quiet: global.quiet }
    }

    /// A progress bar on standard error; hidden unless somebody looks.
    pub(super) fn progress(self, total: u64, message: &'static str) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg} {bar:40} {percent}% {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = if self.json || self.quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(total)
        };
        bar.set_length(total);
        bar.with_style(style).with_message(message)
    }
}

/// Prints a result that programs read.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints a line, or some, of a result that people read.
pub(super) fn line(text: impl AsRef<str>) {
    raw(format!("{}\n", text.as_ref()).as_bytes());
}

/// Prints bytes as they are. Whoever reads may have seen enough and closed the pipe, as `head`
/// does; that is no failure of ours.
pub(super) fn raw(bytes: &[u8]) {
    let _ = std::io::stdout().lock().write_all(bytes);
}

/// A table with a head; Chinese is aligned by its width.
pub(super) fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    table
        .load_style(TableStyle::new().header_separator(line))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    if !std::io::stdout().is_terminal() {
        table.set_width(110);
    }
    table
}

/// An error and its causes, as one paragraph.
pub(super) fn failure(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some errors repeat what caused them.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Sends logs to standard error: `info` for a daemon, `warn` for a command, more or less as asked.
pub(super) fn start_logging(global: &Global, daemon: bool) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) if daemon => "perennial=info,warn",
        (_, 0) => "warn",
        (_, 1) => "perennial=info,warn",
        (_, 2) => "perennial=debug,info",
        _ => "perennial=trace,sqlx=debug,info",
    };
    let filter = EnvFilter::try_from_env("PERENNIAL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let writer = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Or the complaint about a log on a full disk goes there as well, and ends whoever logged.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .finish();
    writer.with(filter_fn(may_be_logged)).init();
}

/// Whether this is no danger to secrets and contacts, whatever is asked for.
///
/// At DEBUG and TRACE libraries tell what they work on: whole letters with the links in them, and what
/// goes over a connection. That of sqlx are statements without their values.
fn may_be_logged(event: &Metadata<'_>) -> bool {
    let library = event.target().split("::").next().unwrap_or_default();
    *event.level() <= Level::INFO || ["perennial", "sqlx"].contains(&library)
}
