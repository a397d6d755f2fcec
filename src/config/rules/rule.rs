//! Rules, kept to what their parser and their evaluation can take.
//!
//! Both call themselves for each bracket and each operator of a chain, and running out of stack ends
//! the program without a word.
use std::{panic, thread};

use crate::{
    config::form::Words,
    domain::{Condition, ConditionError},
};

/// A rule that fits on a page.
const MAX_BYTES: usize = 1000;
/// A bracket takes about 160 kB of stack while a debug build parses, and one or two of the steps
/// below while it evaluates.
const MAX_DEPTH: usize = 8;
/// Each operator of a chain takes about 37 kB while a debug build evaluates, which happens on threads
/// with 2 MB.
const MAX_OPERATORS: usize = 30;
/// Room for all of these at once, in bytes.
const STACK: usize = 16 << 20;

/// The text of a rule.
pub(super) const RULE: Words<String> = Words {
    expected: "a rule such as `revenue_12m >= 100000`",
    read: |text| {
        if text.len() > MAX_BYTES {
            Err(format!("expected a rule of {MAX_BYTES} bytes at most"))
        } else if depth(text) > MAX_DEPTH {
            Err(format!("expected a rule with at most {MAX_DEPTH} brackets inside each other"))
        } else if operators(text) > MAX_OPERATORS {
            Err(format!(
                "expected a rule with at most {MAX_OPERATORS} operators; a list such as \
                 `country in [\"CN\", \"SG\"]` saves some"
            ))
        } else {
            Ok(text.to_owned())
        }
    },
};

/// Compiles a text that [`RULE`] has read, with room to do so.
pub(super) fn compile(rule: &str) -> Result<Condition, ConditionError> {
    thread::scope(|scope| {
        let roomy = thread::Builder::new().stack_size(STACK);
        match roomy.spawn_scoped(scope, || Condition::compile(rule)) {
            Ok(thread) => thread.join().unwrap_or_else(|cause| panic::resume_unwind(cause)),
            // Out of threads; ordinary rules fit into any stack.
            Err(_) => Condition::compile(rule),
        }
    })
}

/// How many brackets are open at the same time, at most.
fn depth(text: &str) -> usize {
    let depths = text.chars().scan(0_usize, |depth, c| {
        match c {
            '(' | '[' | '{' => *depth += 1,
            ')' | ']' | '}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    depths.max().unwrap_or(0)
}

/// Operators that make chains; `&&` and `||` are lists to the parser.
fn operators(text: &str) -> usize {
    let signs = text.matches(['+', '-', '*', '/', '%', '?', '.']).count();
    let is_comparing = |c| matches!(c, '=' | '<' | '>' | '!');
    let comparisons = text.split(|c| !is_comparing(c)).filter(|run| !run.is_empty()).count();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    signs + comparisons + words.filter(|word| *word == "in").count()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::domain::{Evaluator, Facts};

    /// Reads, compiles and evaluates as the program does: on a thread of the usual size.
    fn outcome(rule: &str) -> Result<bool, String> {
        let rule = (RULE.read)(rule)?;
        let condition = compile(&rule).map_err(|error| error.message)?;
        Ok(condition.holds(&Evaluator::new(), &Facts::default(), NaiveDate::default()))
    }

    #[test]
    fn whatever_may_be_written_fits_onto_the_stack() {
        let nested = |open: &str, close: &str, count: usize| {
            outcome(&format!("{}true{}", open.repeat(count), close.repeat(count)))
        };
        for (open, close) in [("(", ")"), ("[", "][0]"), ("!(", ")"), ("true && (", ")")] {
            assert_eq!(nested(open, close, MAX_DEPTH), Ok(true), "{open}");
            assert!(nested(open, close, MAX_DEPTH + 1).unwrap_err().contains("brackets"), "{open}");
        }
        for chain in ["true==", "true!=false == ", "false?true:"] {
            let rule = format!("{}true", chain.repeat(MAX_OPERATORS / operators(chain)));
            assert_eq!(outcome(&rule), Ok(true), "{rule}");
            assert!(outcome(&format!("{chain}{rule}")).unwrap_err().contains("at most"), "{rule}");
        }
        let most = format!("[[[[({}true)]]]] != []", "true==".repeat(MAX_OPERATORS - 1));
        assert_eq!(outcome(&most), Ok(true));
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
