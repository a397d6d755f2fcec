//! Holds the module graph to the one drawn in `docs/architecture.md`.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each room, and the rooms that it may name.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("config", &["domain"]),
    ("lookup", &["domain"]),
    ("domain", &[]),
    ("store", &["domain"]),
    ("mail", &["domain"]),
    ("smtp", &["domain"]),
    ("sheet", &["domain"]),
    ("sandbox", &["clock", "domain"]),
    ("engine", &["clock", "config", "domain", "lookup", "mail", "sheet", "smtp", "store"]),
    ("inbound", &["domain", "engine"]),
    ("web", &["domain", "engine"]),
    ("daemon", &["engine"]),
    ("cli", EVERYTHING),
];

/// The composition root may name every room, and no room may name it.
const EVERYTHING: &[&str] = &[
    "clock", "config", "daemon", "domain", "engine", "inbound", "lookup", "mail", "sandbox",
    "sheet", "smtp", "store", "web",
];

/// What `domain` may not name, because it does I/O, reads the environment, logs, or is a clock or
/// dice.
const NOT_IN_DOMAIN: &[&str] = &[
    "axum::",
    "reqwest::",
    "sqlx::",
    "tokio::",
    "tracing::",
    "aws_lc_rs::rand",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
];

/// What only the clock may name.
const CLOCKS: &[&str] = &["Utc::now", "Local::now", "SystemTime::now"];

/// Lines of the longest file.
const MAX_LINES: usize = 450;

#[test]
fn rooms_import_only_what_the_architecture_allows() {
    assert_all(Path::new("src"), |file, text| {
        let Some(room) = room_of(file) else { return Vec::new() };
        let Some((_, may)) = MAY_IMPORT.iter().find(|(known, _)| *known == room) else {
            return vec![format!("there is no rule for room `{room}`")];
        };
        let named = paths(text).filter_map(|path| path.strip_prefix("crate::").map(head));
        let foreign = named.filter(|named| *named != room && !may.contains(&named.as_str()));
        foreign.map(|named| format!("`{room}` names `{named}`")).collect()
    });
}

#[test]
fn no_path_leaves_its_room_through_super() {
    assert_all(Path::new("src"), |file, text| {
        // `src/store/outbox.rs` is two levels deep and may go up once; its tests, once more.
        let depth = depth_of(file);
        let tests = text.find("\nmod tests {").unwrap_or(text.len());
        let climbs = |text: &str, most: usize| {
            let paths: Vec<_> =
                paths(text).filter(|path| path.matches("super::").count() > most).collect();
            paths
        };
        let mut leaving = climbs(&text[..tests], depth.saturating_sub(1));
        leaving.extend(climbs(&text[tests..], depth));
        leaving.into_iter().map(|path| format!("`{path}` leaves its room")).collect()
    });
}

#[test]
fn the_domain_does_no_io_and_reads_no_clock() {
    assert_all(Path::new("src/domain"), |_, text| named(text, NOT_IN_DOMAIN));
}

#[test]
fn only_the_engine_writes() {
    assert_all(Path::new("src"), |file, text| match room_of(file).as_deref() {
        Some("engine" | "store") => Vec::new(),
        _ => named(text, &[".begin("]),
    });
}

#[test]
fn only_the_store_speaks_sql() {
    assert_all(Path::new("src"), |file, text| match room_of(file).as_deref() {
        Some("store") => Vec::new(),
        _ => named(text, &["sqlx::"]),
    });
}

#[test]
fn only_the_clock_reads_the_time() {
    assert_all(Path::new("src"), |file, text| match room_of(file).as_deref() {
        Some("clock") => Vec::new(),
        _ => named(text, CLOCKS),
    });
}

#[test]
fn no_statement_reads_the_databases_clock() {
    let clocks = ["now()", "current_timestamp", "clock_timestamp", "datetime(", "strftime("];
    for dir in ["src/store/sql", "migrations"] {
        assert_all_of(Path::new(dir), "sql", |_, text| named(&text.to_lowercase(), &clocks));
    }
    assert_all(Path::new("src/store"), |file, text| {
        // It asks for the server's time to hold ours against it, and for nothing else.
        let is_watch = file.ends_with("safety.rs");
        let clocks = if is_watch { &clocks[3..] } else { &clocks[1..] };
        named(&text.to_lowercase(), clocks)
    });
}

#[test]
fn no_file_is_too_long_to_read() {
    assert_all(Path::new("src"), |file, _| {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        let complaint = format!("{lines} lines, more than {MAX_LINES}");
        if lines > MAX_LINES { vec![complaint] } else { Vec::new() }
    });
}

#[test]
fn paths_are_found_through_groups_over_several_lines() {
    let text = "use crate::{\n    clock::Clock,\n    store::{Store, Tx},\n};\n\
                use super::{super::secret, url}; let x = $crate::domain::at(1);";
    let found: Vec<_> = paths(text).collect();
    let expected = [
        "crate::clock::Clock",
        "crate::store::Store",
        "crate::store::Tx",
        "super::super::secret",
        "super::url",
        "crate::domain::at",
    ];
    assert_eq!(found, expected);
}

/// Fails with everything that `complain` says of the Rust files below `dir`; comments are left out
/// of what it sees.
fn assert_all(dir: &Path, complain: impl Fn(&Path, &str) -> Vec<String>) {
    assert_all_of(dir, "rs", |file, text| {
        let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
        complain(file, &text.lines().map(code).collect::<String>())
    });
}

fn assert_all_of(dir: &Path, extension: &str, complain: impl Fn(&Path, &str) -> Vec<String>) {
    let mut broken = Vec::new();
    let files = files(dir, extension);
    assert!(!files.is_empty(), "{} has no .{extension} files", dir.display());
    for file in files {
        let complaints = complain(&file, &fs::read_to_string(&file).unwrap());
        let file = file.display();
        broken.extend(complaints.into_iter().map(|complaint| format!("{file}: {complaint}")));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn named(text: &str, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .filter(|name| text.contains(**name))
        .map(|name| format!("names `{name}`"))
        .collect()
}

/// `src/store/outbox.rs` and `src/store.rs` are both in room `store`; `lib.rs` and `main.rs` are in
/// none.
fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix("src").ok()?;
    let room = inside.iter().next()?.to_str()?.trim_end_matches(".rs");
    (room != "lib" && room != "main").then(|| room.to_owned())
}

/// How many modules a file is below the crate.
fn depth_of(file: &Path) -> usize {
    let parts = file.strip_prefix("src").unwrap().iter().count();
    if file.ends_with("mod.rs") { parts - 1 } else { parts }
}

/// Every path that begins with `crate` or `super`, with its groups taken apart.
fn paths(code: &str) -> impl Iterator<Item = String> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        let begins = matches!(tokens[place], "crate" | "super")
            && tokens.get(place + 1) == Some(&"::")
            && (place == 0 || tokens[place - 1] != "::");
        if begins {
            take_path(&tokens, &mut place, "", &mut found);
        } else {
            place += 1;
        }
    }
    found.into_iter()
}

/// Reads one path, or one branch of a group, from `place` on.
fn take_path(tokens: &[&str], place: &mut usize, prefix: &str, found: &mut Vec<String>) {
    let mut path = prefix.to_owned();
    while let Some(token) = tokens.get(*place) {
        *place += 1;
        if *token == "{" {
            while tokens.get(*place).is_some_and(|token| *token != "}") {
                take_path(tokens, place, &path, found);
                *place += usize::from(tokens.get(*place) == Some(&","));
            }
            *place += 1;
            return;
        }
        path.push_str(token);
        if tokens.get(*place) != Some(&"::") {
            break;
        }
        path.push_str("::");
        *place += 1;
    }
    found.push(path);
}

/// Identifiers, `::`, and every other character for itself.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let end = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            _ => word,
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

fn head(path: &str) -> String {
    path.split("::").next().unwrap_or_default().to_owned()
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
