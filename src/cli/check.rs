//! `check`: everything that is wrong, at once.
use std::process::ExitCode;

use super::{
    Global, context,
    output::{self, Output},
    words,
};
use crate::{
    config::{Config, Files},
    domain::Surprise,
    engine::chain,
    mail::Templates,
    store::Store,
};

pub(super) async fn check(global: &Global, output: Output) -> anyhow::Result<ExitCode> {
    let dir = &global.config;
    if !dir.exists() {
        context::config(global)?;
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
    let url = match (&global.database, &config) {
        (Some(url), _) => Some(url.clone()),
        (None, Ok(config)) => Some(config.database_url.clone()),
        (None, Err(())) => None,
    };
    let store = match &url {
        None => None,
        Some(url) => Store::open(url)
            .await
            .map_err(|error| problems.push(format!("database: {}", chain(&error))))
            .ok(),
    };
    let mut surprises = Vec::new();
    if let (Ok(config), Ok(templates), Some(store), true) =
        (config, templates, store, problems.is_empty())
    {
        let config = Config { database_url: url.unwrap_or_default(), ..config };
        let engine = context::assemble_with(config, (templates, store), context::clock(global))?;
        let told = |surprise: &Surprise| words::surprise(output.language, surprise);
        surprises.extend(engine.surprises().await?.iter().map(told));
        let warnings = engine.templates.warnings().iter();
        surprises.extend(warnings.map(|warning| format!("templates/{warning}")));
    }
    report(output, &problems, &surprises)
}

fn report(output: Output, problems: &[String], surprises: &[String]) -> anyhow::Result<ExitCode> {
    let say = |english, chinese| output.language.say(english, chinese);
    if output.json {
        output::json(&serde_json::json!({ "problems": problems, "warnings": surprises }))?;
        return Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }));
    }
    if problems.is_empty() {
        output::line(say(
            "No problems: configuration, templates and database are in order.",
            "没有问题：配置、模板和数据库均正常。",
        ));
    } else {
        let word = say(if problems.len() == 1 { "problem:" } else { "problems:" }, "个问题：");
        list(problems, word);
    }
    if !surprises.is_empty() {
        let word = say(if surprises.len() == 1 { "warning:" } else { "warnings:" }, "个提醒：");
        list(surprises, word);
    }
    Ok(ExitCode::from(if problems.is_empty() { 0 } else { 2 }))
}

fn list(lines: &[String], word: &str) {
    output::line(format!("{} {word}", lines.len()));
    for line in lines {
        output::line(format!("  {line}"));
    }
}
