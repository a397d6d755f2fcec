//! Daemons that are killed, at any moment, and what is left behind them.
//!
//! `tests/crash` runs these with as many kills as wanted; `docs/delivery-proof.md` says what they
//! prove.
mod importing;
mod killing;
mod stopping;

use std::{env, str::FromStr};

/// The number in this variable of the environment, if it is there.
fn number<T: FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    let number = text.parse().ok();
    assert!(number.is_some(), "{variable} is to be a number, not `{text}`");
    number
}

/// A number that tells this run from others, or the one in `PERENNIAL_TEST_SEED`.
fn seed() -> u64 {
    number("PERENNIAL_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()))
}
