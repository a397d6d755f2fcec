//! Rules, compiled with room to do so.
//!
//! Their parser calls itself for each bracket and each operator of a chain, and running out of stack
//! ends the program without a word.
use std::{panic, thread};

use crate::{
    config::{
        form::Words,
        table::{Complained, Table},
    },
    domain::{Condition, ConditionError},
};

/// Room for the longest and deepest rule that a condition takes, in bytes.
const STACK: usize = 16 << 20;

/// The text of a rule.
pub(super) const RULE: Words<String> =
    Words { expected: "a rule such as `revenue_12m >= 100000`", read: |text| Ok(text.to_owned()) };

/// The rule that the key `name` has, if it has one, or a complaint about its line and column.
pub(super) fn condition(
    table: &Table<'_>,
    name: &str,
    rule: Option<String>,
) -> Result<Option<Condition>, Complained> {
    match rule {
        None if table.has(name) => Err(Complained),
        None => Ok(None),
        Some(rule) => compile(&rule).map(Some).map_err(|error| {
            table.complain_inside(name, (error.line, error.column), error.message);
            Complained
        }),
    }
}

/// Compiles a rule, with room to do so.
fn compile(rule: &str) -> Result<Condition, ConditionError> {
    thread::scope(|scope| {
        let roomy = thread::Builder::new().stack_size(STACK);
        match roomy.spawn_scoped(scope, || Condition::compile(rule)) {
            Ok(thread) => thread.join().unwrap_or_else(|cause| panic::resume_unwind(cause)),
            // Out of threads; ordinary rules fit into any stack.
            Err(_) => Condition::compile(rule),
        }
    })
}
