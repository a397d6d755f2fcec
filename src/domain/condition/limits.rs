//! What the parser can take of a rule.
//!
//! It calls itself for each bracket and each operator of a chain, and running out of stack ends the
//! program without a word; so a rule is measured before it is parsed.

/// A rule that fits on a page.
pub(super) const MAX_BYTES: usize = 1000;
/// A bracket takes about 160 kB of stack while a debug build parses.
pub(super) const MAX_DEPTH: usize = 8;
/// Enough for any rule that a person understands.
const MAX_OPERATORS: usize = 30;

/// Refuses a text that is too long, too deep or has too many operators.
pub(super) fn check(text: &str) -> Result<(), String> {
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
        Ok(())
    }
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
