//! `inbound`: delivery reports from files, Maildirs and standard input.
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::{
    Global, Language, context,
    context::Usage,
    output::{self, Output, table},
    words,
};
use crate::{
    domain::{Refusal, one_line},
    engine::Engine,
    inbound::{self, Raw, Taken},
};

#[derive(Debug, Args)]
pub(super) struct InboundArgs {
    /// Files with one message each, Maildirs, or - for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The address that the message was sent to, if it does not say so itself; for one FILE.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Say the same and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What was made of one message.
struct Row {
    file: String,
    taken: Taken,
    is_cut: bool,
}

/// A file that could not be read, and why.
struct Unread {
    file: String,
    error: String,
}

/// Keep the message and try again later: `EX_TEMPFAIL` of `sysexits.h`, which every mail server knows.
const TRY_AGAIN: u8 = 75;

/// Exit status 1 if a file could not be read. A mail server that hands a message over forgets it
/// unless it is told not to, so with standard input every failure is [`TRY_AGAIN`].
pub(super) async fn inbound(
    global: &Global,
    output: Output,
    args: InboundArgs,
) -> anyhow::Result<ExitCode> {
    let is_piped = args.files.iter().any(|file| is_stdin(file));
    match take_all(global, output, args).await {
        Err(error) if is_piped => {
            let _ = writeln!(std::io::stderr(), "{}", output::failure(&error));
            Ok(ExitCode::from(TRY_AGAIN))
        }
        other => other,
    }
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

async fn take_all(global: &Global, output: Output, args: InboundArgs) -> anyhow::Result<ExitCode> {
    if args.to.is_some() && args.files.len() > 1 {
        return Err(Usage("--to is the address of one message: name one FILE".to_owned()).into());
    }
    let engine = context::engine(global).await?;
    let (files, mut unread) = listed(&args.files);
    let bar = output.progress(files.len() as u64, output.language.say("Reading", "读取"));
    let mut rows = Vec::new();
    for file in files {
        let shown = one_line(&file.to_string_lossy(), 200);
        match read(&file) {
            Ok(raw) => {
                let taken = take(&engine, &raw, &args).await;
                let taken = taken.with_context(|| format!("{shown} was not taken in"))?;
                rows.push(Row { file: shown, taken, is_cut: raw.is_cut });
            }
            // The message is lost if its server hears of anything but a failure.
            Err(error) if is_stdin(&file) => {
                return Err(error).context("standard input cannot be read");
            }
            Err(error) => unread.push(Unread { file: shown, error: error.to_string() }),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    engine.store.close().await;
    print(output, &rows, &unread, args.dry_run)?;
    Ok(ExitCode::from(u8::from(!unread.is_empty())))
}

/// Every file with a message, and what cannot be looked into.
fn listed(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<Unread>) {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in given {
        let found = if is_stdin(path) { Ok(vec![path.clone()]) } else { inbound::files(path) };
        match found {
            Ok(found) => files.extend(found),
            Err(error) => {
                let file = one_line(&path.to_string_lossy(), 200);
                unread.push(Unread { file, error: error.to_string() });
            }
        }
    }
    (files, unread)
}

fn read(file: &Path) -> std::io::Result<Raw> {
    if is_stdin(file) { inbound::read_stdin() } else { inbound::read_file(file) }
}

async fn take(engine: &Engine, raw: &Raw, args: &InboundArgs) -> anyhow::Result<Taken> {
    Ok(inbound::take(engine, &raw.bytes, args.to.as_deref(), args.dry_run).await?)
}

fn print(output: Output, rows: &[Row], unread: &[Unread], dry_run: bool) -> anyhow::Result<()> {
    for Unread { file, error } in unread {
        let _ = writeln!(std::io::stderr(), "error: {file} cannot be read: {error}");
    }
    if output.json {
        let unread: Vec<_> = unread
            .iter()
            .map(|Unread { file, error }| json!({ "file": file, "error": error }))
            .collect();
        let messages: Vec<_> = rows.iter().map(shown).collect();
        return output::json(
            &json!({ "dry_run": dry_run, "messages": messages, "unreadable": unread }),
        );
    }
    let say = |english, chinese| output.language.say(english, chinese);
    if dry_run {
        output::line(say("Nothing was written. It would be:", "未写入任何内容。预计："));
    }
    if rows.is_empty() {
        output::line(say("There are no messages.", "没有邮件。"));
        return Ok(());
    }
    let mut lines = table([
        say("File", "文件"),
        say("Taken for", "判定为"),
        say("Mail", "邮件"),
        say("Contact", "联系人"),
        say("Effect", "结果"),
    ]);
    for row in rows {
        lines.add_row(cells(output.language, row));
    }
    output::line(lines.to_string());
    Ok(())
}

fn cells(language: Language, row: &Row) -> [String; 5] {
    let (mail, contact) = match &row.taken {
        Taken::Report(report) => {
            (report.outreach.0.to_string(), report.contact.as_str().to_owned())
        }
        Taken::NoSuchMail(outreach) => (outreach.0.to_string(), String::new()),
        _ => (String::new(), String::new()),
    };
    let mut taken_for = words::inbound::taken_for(language, &row.taken);
    if row.is_cut {
        taken_for.push_str(language.say(" (its first MiB was read)", "（只读取了前 1 MiB）"));
    }
    [row.file.clone(), taken_for, mail, contact, words::inbound::effect(language, &row.taken)]
}

fn shown(row: &Row) -> Value {
    let kind = words::inbound::kind(&row.taken);
    let Row { file, is_cut, .. } = row;
    let report = match &row.taken {
        Taken::Report(report) => report,
        Taken::NoSuchMail(outreach) => {
            return json!({ "file": file, "cut": is_cut, "taken_for": kind, "mail": outreach.0 });
        }
        _ => return json!({ "file": file, "cut": is_cut, "taken_for": kind }),
    };
    json!({
        "file": file, "cut": is_cut, "taken_for": kind,
        "mail": report.outreach.0,
        "contact": report.contact.as_str(),
        "refusal": report.judged.refusal.map(Refusal::as_str),
        "words": report.judged.words,
        "known": report.is_known,
        "effect": words::inbound::effect_on_address(report),
        "ended_doubt": report.ended_doubt,
    })
}
