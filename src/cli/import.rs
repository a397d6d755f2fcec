//! `import`: a CSV file, line by line.
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use clap::Args;

use super::{
    Global, Language, context,
    output::{self, Output},
};
use crate::{
    domain::ImportKind,
    engine::{EngineError, ImportOptions, ImportReport, RefusedRow},
};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// contacts, accounts, reps, orders, contracts or touches.
    kind: ImportKind,
    /// The CSV file: UTF-8, UTF-16 or GB18030; commas, semicolons or tabs.
    file: PathBuf,
    /// What a column means, as COLUMN=FIELD; may be repeated.
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Say what would happen and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write every refused line to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Refused lines that are shown; all are in the report.
const SHOWN: usize = 20;

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (column, field) = text.split_once('=').ok_or("expected COLUMN=FIELD")?;
    Ok((column.trim().to_owned(), field.trim().to_owned()))
}

/// Keeps the first refused lines and writes all of them to the report.
struct Refusals {
    first: Vec<RefusedRow>,
    report: Option<csv::Writer<std::fs::File>>,
    failure: Option<csv::Error>,
}

impl Refusals {
    fn take(&mut self, row: RefusedRow) {
        if let Some(report) = &mut self.report
            && self.failure.is_none()
        {
            self.failure = report.serialize(&row).err();
        }
        if self.first.len() < SHOWN {
            self.first.push(row);
        }
    }
}

pub(super) async fn import(
    global: &Global,
    output: Output,
    args: ImportArgs,
) -> anyhow::Result<ExitCode> {
    let engine = context::engine(global).await?;
    let report = args.report.as_ref().map(csv::Writer::from_path).transpose();
    let report = report.context("the report file cannot be written")?;
    let refusals = Arc::new(Mutex::new(Refusals { first: Vec::new(), report, failure: None }));
    let bar = output.progress(0, output.language.say("Reading", "读取"));
    let options = ImportOptions { kind: args.kind, columns: args.map, dry_run: args.dry_run };
    let taken = Arc::clone(&refusals);
    let moved = bar.clone();
    let imported = engine
        .import(
            &args.file,
            &options,
            &mut move |row| {
                taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(row);
            },
            &mut move |progress| {
                moved.set_length(progress.bytes_total);
                moved.set_position(progress.bytes_read);
            },
        )
        .await;
    bar.finish_and_clear();
    let imported = match imported {
        Err(EngineError::Columns(problems)) => {
            return Err(context::Usage(EngineError::Columns(problems).to_string()).into());
        }
        other => other.with_context(|| format!("{} cannot be imported", args.file.display()))?,
    };
    if !args.dry_run {
        engine.refresh().await?;
    }
    engine.store.close().await;
    let refusals = std::mem::replace(
        &mut *refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        Refusals { first: Vec::new(), report: None, failure: None },
    );
    if let Some(failure) = refusals.failure {
        return Err(failure).context("the report file cannot be written");
    }
    if let Some(mut report) = refusals.report {
        report.flush().context("the report file cannot be written")?;
    }
    print(output, &imported, &refusals.first, args.dry_run)?;
    Ok(ExitCode::from(u8::from(imported.refused > 0)))
}

fn print(
    output: Output,
    report: &ImportReport,
    refused: &[RefusedRow],
    dry_run: bool,
) -> anyhow::Result<()> {
    if output.json {
        return output::json(&serde_json::json!({
            "dry_run": dry_run, "report": report, "first_refused": refused,
        }));
    }
    let ImportReport { added, changed, unchanged, .. } = report;
    output::line(match output.language {
        Language::English => format!(
            "{}{added} added, {changed} changed, {unchanged} unchanged, {} refused ({}).",
            if dry_run { "Nothing was written. It would be: " } else { "" },
            report.refused,
            report.encoding,
        ),
        Language::Chinese => format!(
            "{}新增 {added}，更新 {changed}，未变 {unchanged}，拒绝 {}（{}）。",
            if dry_run { "未写入任何内容。预计：" } else { "" },
            report.refused,
            report.encoding,
        ),
    });
    let say = |english, chinese| output.language.say(english, chinese);
    for (names, english, chinese) in [
        (&report.attributes, "Kept as attributes:", "作为属性保留："),
        (&report.ignored_columns, "Left out:", "未使用的列："),
    ] {
        if !names.is_empty() {
            output::line(format!("{} {}", say(english, chinese), names.join(", ")));
        }
    }
    for row in refused {
        output::line(format!("  {}", line(row, output.language)));
    }
    if report.refused > refused.len() as u64 && refused.len() == SHOWN {
        output::line(say(
            "  … and more; --report FILE writes them all.",
            "  …… 还有更多；用 --report FILE 可全部写出。",
        ));
    }
    Ok(())
}

fn line(row: &RefusedRow, language: Language) -> String {
    let place = match language {
        Language::English => format!("line {}", row.line),
        Language::Chinese => format!("第 {} 行", row.line),
    };
    match (&row.column, &row.value) {
        (Some(column), Some(value)) => format!("{place}, {column} “{value}”: {}", row.reason),
        _ => format!("{place}: {}", row.reason),
    }
}
