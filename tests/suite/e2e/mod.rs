//! The real binary, used as a newcomer would use it.
mod bad_input;
mod commands;
mod demo;
mod doctor;
mod explaining;
mod inbound;
mod logging;
mod reload;
mod rules;
mod starting;

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The binary under test, in English and with nothing of the tester's environment that it reads.
fn perennial(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
    command
        .current_dir(folder)
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", "en_US.UTF-8")
        .stdin(Stdio::null());
    command
}

/// Runs the binary with these arguments, `words` split at spaces.
fn run(folder: &Path, words: &str) -> Output {
    perennial(folder).args(words.split(' ')).output().unwrap()
}

/// Standard output of a command that is to succeed.
fn stdout(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard output of a command that is to succeed, as JSON.
fn json(folder: &Path, words: &str) -> Value {
    let text = stdout(folder, &format!("{words} --json"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words}: {error}: {text}"))
}

/// Exit status and standard error of a command that is to fail.
fn failure(folder: &Path, words: &str) -> (i32, String) {
    let output = run(folder, words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().unwrap(), said)
}
