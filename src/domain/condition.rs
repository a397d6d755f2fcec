//! A yes-or-no rule over facts, in the Common Expression Language.
use std::{fmt, sync::Arc};

use cel::{Context, Env, Program, Value};
use chrono::NaiveDate;

use super::{FACTS, FactValue, Facts};

/// A compiled rule such as `revenue_12m >= 100000 && key_person_level <= 2`.
pub struct Condition {
    source: String,
    program: Program,
    /// The facts that the rule names, so that only those are worked out.
    names: Vec<&'static str>,
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
    /// Compiles `source` and tries it on sample facts.
    ///
    /// # Errors
    ///
    /// If it is not an expression, names something that is no fact, or does not come to yes or no.
    pub fn compile(source: &str) -> Result<Self, ConditionError> {
        let program = Env::stdlib().compile(source).map_err(|errors| parse_error(&errors))?;
        let names = known_names(source, &program)?;
        let condition = Self { source: source.to_owned(), program, names };
        let today = NaiveDate::default();
        match condition.evaluate(&Evaluator::new(), &Facts::default(), today) {
            Ok(Value::Bool(_)) => Ok(condition),
            Ok(other) => Err(error_at_start(format!(
                "expected a rule that comes to yes or no, found one that comes to a {}",
                other.type_of()
            ))),
            Err(error) => Err(error_at_start(error.to_string().to_lowercase())),
        }
    }

    /// The rule as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the rule holds for `facts` on `today`. A rule that fails on these facts, say by
    /// dividing by zero, does not hold.
    #[must_use]
    pub fn holds(&self, evaluator: &Evaluator, facts: &Facts, today: NaiveDate) -> bool {
        matches!(self.evaluate(evaluator, facts, today), Ok(Value::Bool(true)))
    }

    /// The facts that the rule names with their values, for a sentence such as
    /// `revenue_12m = 120000`.
    pub fn named<'a>(
        &'a self,
        facts: &'a Facts,
        today: NaiveDate,
    ) -> impl Iterator<Item = (&'static str, FactValue<'a>)> {
        self.names.iter().filter_map(move |name| Some((*name, facts.value(name, today)?)))
    }

    fn evaluate(
        &self,
        evaluator: &Evaluator,
        facts: &Facts,
        today: NaiveDate,
    ) -> Result<Value, cel::ExecutionError> {
        let mut context = Context::with_env(Arc::clone(&evaluator.env));
        for (name, value) in self.named(facts, today) {
            context.add_variable_from_value(
                name,
                match value {
                    FactValue::Number(number) => Value::Float(number),
                    FactValue::Whole(number) => Value::Int(number),
                    FactValue::Text(text) => Value::String(Arc::new(text.to_owned())),
                    FactValue::YesNo(yes) => Value::Bool(yes),
                },
            );
        }
        self.program.execute(&context)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// The functions and operators of the language, built once.
#[derive(Clone)]
pub struct Evaluator {
    env: Arc<Env>,
}

impl Evaluator {
    /// The standard functions and operators.
    #[must_use]
    pub fn new() -> Self {
        Self { env: Arc::new(Env::stdlib()) }
    }
}

impl Default for Evaluator {
    fn default() -> Self {
        Self::new()
    }
}

fn parse_error(errors: &cel::ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.first() else {
        return error_at_start("not an expression".to_owned());
    };
    ConditionError {
        line: first.pos.0.max(1).cast_unsigned(),
        column: first.pos.1.max(1).cast_unsigned(),
        message: first.msg.to_lowercase(),
    }
}

fn known_names(source: &str, program: &Program) -> Result<Vec<&'static str>, ConditionError> {
    let references = program.references();
    let mut names = Vec::new();
    for variable in references.variables() {
        let Some(info) = FACTS.iter().find(|info| info.name == variable) else {
            let nearest = nearest(variable, FACTS.iter().map(|info| info.name));
            let hint = nearest.map_or(String::new(), |name| format!(", did you mean `{name}`?"));
            let (line, column) = position(source, variable);
            let message = format!("there is no fact `{variable}`{hint}");
            return Err(ConditionError { line, column, message });
        };
        names.push(info.name);
    }
    names.sort_unstable();
    Ok(names)
}

fn error_at_start(message: String) -> ConditionError {
    ConditionError { line: 1, column: 1, message }
}

/// Line and column, from 1, of the first `word` in `source`.
fn position(source: &str, word: &str) -> (usize, usize) {
    let before = source.find(word).map_or("", |place| &source[..place]);
    let line_start = before.rfind('\n').map_or(0, |place| place + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The name among `known` that is closest to `word` in edits, if any is close enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .map(|name| (edits(word, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str, facts: &Facts) -> bool {
        let today = NaiveDate::from_ymd_opt(2026, 9, 25).unwrap();
        Condition::compile(rule).unwrap().holds(&Evaluator::new(), facts, today)
    }

    #[test]
    fn whole_numbers_and_fractions_compare_with_one_another() {
        let facts = Facts { revenue_12m: 100_000.0, level: Some(2), ..Facts::default() };
        assert!(holds("revenue_12m >= 100000 && key_person_level <= 2", &facts));
        assert!(!holds("revenue_12m > 100000", &facts));
        assert!(holds("revenue_12m / 2.0 == 50000.0", &facts));
    }

    #[test]
    fn texts_lists_and_yes_or_no_facts_can_be_used() {
        let mut facts = Facts { country: "CN".into(), ..Facts::default() };
        facts.attributes.insert("has_need".into(), "Yes".into());
        assert!(holds("country in ['CN', 'SG'] && has_need && !urgent", &facts));
        assert!(holds("industry == '' || industry.startsWith('mach')", &facts));
    }

    #[test]
    fn an_unknown_fact_is_named_with_its_place_and_the_nearest_known_one() {
        let error = Condition::compile("orders_12m > 3 &&\n revenu_12m > 5").unwrap_err();
        assert_eq!((error.line, error.column), (2, 2));
        assert_eq!(error.message, "there is no fact `revenu_12m`, did you mean `revenue_12m`?");
    }

    #[test]
    fn a_rule_must_come_to_yes_or_no() {
        let number = Condition::compile("revenue_12m + 1.0").unwrap_err();
        assert!(number.message.contains("yes or no"), "{}", number.message);
        assert!(Condition::compile("country > 5").is_err());
        assert!(Condition::compile("revenue_12m >=").is_err());
        assert!(Condition::compile("").is_err());
    }

    #[test]
    fn a_rule_that_divides_by_nothing_does_not_hold() {
        assert!(!holds(
            "orders_12m == 0 || 10 / orders_12m > 1",
            &Facts { orders_12m: 20, ..Facts::default() }
        ));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_compiler_panic(text in "\\PC{0,60}") {
            let _ = Condition::compile(&text);
        }
    }
}
