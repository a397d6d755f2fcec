//! `check`: everything that is wrong, at once.
use std::process::ExitCode;

use super::{
    Global, context,
    output::{self, Output},
};
use crate::{
    config::{Config, Files},
    mail::Templates,
    store::Store,
};

pub(super) async fn check(global: &Global, output: Output) -> anyhow::Result<ExitCode> {
    let dir = &global.config;
    if !dir.exists() {
        super::context::config(global)?;
    }
    let mut problems = Vec::new();
    let config = Files::read(dir)
        .and_then(|files| Config::parse(&files, dir, &|name| std::env::var(name).ok()));
    let config = config.map_err(|error| {
        problems.extend(error.problems().iter().map(ToString::to_string));
    });
    let folder = config.as_ref().ok().and_then(|config| config.templates.clone());
    let templates = Templates::load(folder.as_deref().filter(|folder| folder.exists()));
    let templates = templates.map_err(|found| {
        problems.extend(found.iter().map(|problem| format!("templates/{problem}")));
    });
    if let (Ok(config), Ok(templates)) = (&config, &templates) {
        problems.extend(context::missing_templates(config, templates));
    }
    let url = global.database.clone().or_else(|| config.ok().map(|config| config.database_url));
    if let Some(url) = url {
        match Store::open(&url).await {
            Ok(store) => store.close().await,
            Err(error) => problems.push(chain("database", &error)),
        }
    }
    report(output, &problems)
}

fn chain(what: &str, error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(format!("{what}: {error}"), |text, cause| format!("{text}: {cause}"))
}

fn report(output: Output, problems: &[String]) -> anyhow::Result<ExitCode> {
    let say = |english, chinese| output.language.say(english, chinese);
    if output.json {
        output::json(&serde_json::json!({ "problems": problems }))?;
    } else if problems.is_empty() {
        output::line(say(
            "No problems: configuration, templates and database are in order.",
            "没有问题：配置、模板和数据库均正常。",
        ));
    } else {
        let count = problems.len();
        let word = say(if count == 1 { "problem:" } else { "problems:" }, "个问题：");
        output::line(format!("{count} {word}"));
        for problem in problems {
            output::line(format!("  {problem}"));
        }
    }
    Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }))
}
