//! What both READMEs show.
use std::{fs, path::Path};

/// The commands of a README without what is said of them: lines of its blocks, and the first column of
/// its tables.
fn commands(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    let mut is_shell = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "sh",
            None if is_shell => {
                found.extend(line.split('#').next().map(|command| command.trim().to_owned()));
            }
            None => {
                let cell = line.strip_prefix("| `").and_then(|rest| rest.split_once("` |"));
                found.extend(cell.map(|(command, _)| command.to_owned()));
            }
        }
    }
    found
}

#[test]
fn both_languages_show_the_same_commands() {
    let english = commands("README.md");
    assert!(english.len() > 30, "{english:?}");
    assert_eq!(english, commands("README.zh-CN.md"));
}
