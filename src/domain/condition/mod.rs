//! A yes-or-no rule over facts, written in the Common Expression Language.
//!
//! [`cel`] reads the text; what it understood is given types once and worked out by a small tree of
//! our own, since every contact passes through every rule each night.
mod check;
mod functions;
mod limits;
mod nearest;
#[cfg(test)]
mod tests;
mod tree;

use chrono::NaiveDate;

use super::{FactInfo, FactValue, Facts};
use check::Checker;
pub use nearest::nearest;
use tree::{Seen, YesNo};

/// A compiled rule such as `revenue_12m >= 100000 && key_person_level <= 2`.
#[derive(Debug, Clone)]
pub struct Condition {
    source: String,
    rule: YesNo,
    /// The facts that the rule names, in the order of their names.
    names: Vec<&'static FactInfo>,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    /// Line within the rule, from 1.
    pub line: usize,
    /// Column within the line, in characters from 1.
    pub column: usize,
    /// The complaint, one lower-case fragment.
    pub message: String,
}

impl Condition {
    /// Compiles `source`, which takes up to 2 MB of stack.
    ///
    /// # Errors
    ///
    /// If it is longer or deeper than a parser can take, is not an expression, names something that
    /// is no fact, mixes types anywhere, or does not come to yes or no.
    pub fn compile(source: &str) -> Result<Self, ConditionError> {
        let at_start = |message| ConditionError { line: 1, column: 1, message };
        limits::check(source).map_err(at_start)?;
        let (expr, places) = cel::parser::Parser::new()
            .parse_with_source_info(source)
            .map_err(|errors| parse_error(&errors))?;
        let mut checker = Checker { source, places: &places, names: Vec::new() };
        let rule = checker.rule(&expr)?;
        let mut names = checker.names;
        names.sort_unstable_by_key(|fact| fact.name);
        Ok(Self { source: source.to_owned(), rule, names })
    }

    /// The rule as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the rule holds for `facts` on `today`. A rule that cannot be worked out for these
    /// facts, say because it divides by zero, does not hold.
    #[must_use]
    pub fn holds(&self, facts: &Facts, today: NaiveDate) -> bool {
        self.nearly_holds(facts, today, 0.0)
    }

    /// Whether the rule holds or fails by no more than `margin`, a share from 0 to 1: each comparison
    /// of numbers may miss its right side by that share of it.
    #[must_use]
    pub fn nearly_holds(&self, facts: &Facts, today: NaiveDate, margin: f64) -> bool {
        self.rule.holds(Seen { facts, today, slack: margin }) == Some(true)
    }

    /// What the rule comes to for everybody and for ever, if that can be told from its text.
    #[must_use]
    pub fn constant(&self) -> Option<bool> {
        constant(&self.rule)
    }

    /// Whether `wider` is known to hold whenever this rule holds, since it asks for the same or less.
    #[must_use]
    pub fn is_within(&self, wider: &Self) -> bool {
        is_within(&self.rule, &wider.rule)
    }

    /// The facts that the rule names.
    pub fn names(&self) -> impl Iterator<Item = &'static FactInfo> {
        self.names.iter().copied()
    }

    /// The facts that the rule names with their values, for a sentence such as
    /// `revenue_12m = 120000`.
    pub fn named<'a>(
        &'a self,
        facts: &'a Facts,
        today: NaiveDate,
    ) -> impl Iterator<Item = (&'static str, FactValue<'a>)> {
        self.names.iter().map(move |fact| (fact.name, fact.read(facts, today)))
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Condition {}

fn constant(rule: &YesNo) -> Option<bool> {
    let decided = |parts: &[YesNo], wanted| {
        let found: Vec<_> = parts.iter().map(constant).collect();
        if found.contains(&Some(wanted)) {
            Some(wanted)
        } else {
            found.iter().all(Option::is_some).then_some(!wanted)
        }
    };
    match rule {
        YesNo::Const(yes) => Some(*yes),
        YesNo::Not(inner) => constant(inner).map(|yes| !yes),
        YesNo::All(parts) => decided(parts, false),
        YesNo::Any(parts) => decided(parts, true),
        YesNo::Numbers(_, a, b) => {
            let is_known = a.is_constant() && b.is_constant();
            is_known.then(|| rule.holds(Seen::of_nobody()) == Some(true))
        }
        _ => None,
    }
}

fn is_within(narrow: &YesNo, wide: &YesNo) -> bool {
    if narrow == wide || constant(narrow) == Some(false) || constant(wide) == Some(true) {
        return true;
    }
    match (narrow, wide) {
        (YesNo::Any(parts), _) => parts.iter().all(|part| is_within(part, wide)),
        (_, YesNo::All(parts)) => parts.iter().all(|part| is_within(narrow, part)),
        (YesNo::All(parts), _) => {
            parts.iter().any(|part| is_within(part, wide)) || is_one_of(narrow, wide)
        }
        (_, YesNo::Any(_)) => is_one_of(narrow, wide),
        (YesNo::Numbers(narrow, a, least), YesNo::Numbers(wide, b, bound)) if a == b => {
            narrow.is_within(least, *wide, bound)
        }
        _ => false,
    }
}

fn is_one_of(narrow: &YesNo, wide: &YesNo) -> bool {
    matches!(wide, YesNo::Any(parts) if parts.iter().any(|part| is_within(narrow, part)))
}

fn parse_error(errors: &cel::ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.first() else {
        return ConditionError { line: 1, column: 1, message: "not an expression".to_owned() };
    };
    // The parser goes on with every token that it knows.
    let message = first.msg.split(" expecting {").next().unwrap_or_default();
    ConditionError {
        line: first.pos.0.max(1).cast_unsigned(),
        column: first.pos.1.max(1).cast_unsigned(),
        message: message.to_lowercase(),
    }
}

/// Line and column, from 1, of the byte `at` of `source`.
fn place(source: &str, at: usize) -> (usize, usize) {
    let before = source.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |place| place + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
