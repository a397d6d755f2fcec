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

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::domain::Facts;

    /// What the reference says of the greatest rule.
    const MAX_BYTES: usize = 1000;
    const MAX_DEPTH: usize = 8;
    const MAX_OPERATORS: usize = 30;

    /// Compiles and evaluates as the program does: on a thread of the usual size.
    fn outcome(rule: &str) -> Result<bool, String> {
        let condition = compile(rule).map_err(|error| error.message)?;
        Ok(condition.holds(&Facts::default(), NaiveDate::default()))
    }

    #[test]
    fn whatever_may_be_written_fits_onto_the_stack() {
        let nested = |open: &str, close: &str, count: usize| {
            outcome(&format!("{}true{}", open.repeat(count), close.repeat(count)))
        };
        for (open, close) in [("(", ")"), ("!(", ")"), ("true && (", ")")] {
            assert_eq!(nested(open, close, MAX_DEPTH), Ok(true), "{open}");
            assert!(nested(open, close, MAX_DEPTH + 1).unwrap_err().contains("brackets"), "{open}");
        }
        for (chain, operators) in [("true==", 1), ("true!=false == ", 2), ("false?true:", 1)] {
            let rule = format!("{}true", chain.repeat(MAX_OPERATORS / operators));
            assert_eq!(outcome(&rule), Ok(true), "{rule}");
            assert!(outcome(&format!("{chain}{rule}")).unwrap_err().contains("at most"), "{rule}");
        }
    }

    #[test]
    fn no_repetition_ends_the_program() {
        for part in [
            "(",
            ")",
            ")(",
            "[",
            "][",
            "{1:",
            "size(",
            "!",
            "-",
            "- ",
            "a.",
            ".b",
            "[0]",
            "1+",
            "0==",
            "true?",
            "true?true:",
            "true && ",
            "true||",
            "1 in ",
            "[1]in",
            "''+",
            "country.size().",
        ] {
            for start in ["", "country", "true "] {
                let rule =
                    format!("{start}{}", part.repeat((MAX_BYTES - start.len()) / part.len()));
                let _ = outcome(&rule);
                let _ = outcome(&format!("{}true", &rule[..rule.len() - 4]));
            }
        }
    }
}
