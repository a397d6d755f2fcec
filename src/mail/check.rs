//! Holds a template to the values and conditions that exist, in branches no sample would take too.
use std::collections::BTreeSet;

use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};
use serde_json::Value;

use super::{
    problem::{Place, TemplateProblem},
    source::Part,
};
use crate::domain::{Letter, Locale};

/// Blocks that a template may use. The letter has no lists, so there is nothing to loop over.
const BLOCKS: [&str; 2] = ["if", "unless"];
/// What may stand in parentheses after `#if` and `#unless`.
const CONDITIONS: [&str; 9] = ["and", "eq", "gt", "gte", "lt", "lte", "ne", "not", "or"];
/// What the program adds to the letter; a subject is rendered before there is any of it.
const OF_MAIL: [&str; 4] =
    ["mail.locale", "mail.pixel_url", "mail.subject", "mail.unsubscribe_url"];

/// The values that a part of a message may name.
pub(super) struct Vocabulary {
    words: BTreeSet<String>,
}

impl Vocabulary {
    pub(super) fn of(part: Part) -> Self {
        let letter = serde_json::to_value(Letter::sample(&Locale::english()))
            .expect("a letter is a struct of strings and numbers");
        let mut words = BTreeSet::new();
        collect(&letter, "", &mut words);
        if part != Part::Subject {
            words.extend(OF_MAIL.map(ToOwned::to_owned));
        }
        Self { words }
    }

    /// The message for an unknown `word`, with the nearest known one if it is near.
    fn refusal(&self, word: &str) -> String {
        let inside = format!("{word}.");
        if let Some(value) = self.words.iter().find(|known| known.starts_with(&inside)) {
            return format!("`{word}` is a group: name one of its values, such as `{value}`");
        }
        let nearest = self.words.iter().map(|known| (distance(word, known), known)).min();
        match nearest {
            Some((steps, known)) if steps <= 1 + word.chars().count() / 4 => {
                format!("there is no value `{word}`: did you mean `{known}`?")
            }
            _ => format!("there is no value `{word}`"),
        }
    }
}

fn collect(value: &Value, path: &str, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(value, &format!("{path}{dot}{name}"), words);
            }
        }
        _ => {
            words.insert(path.to_owned());
        }
    }
}

/// Every fault that the engine's parser or we find in one file, which was cut by
/// [`super::lex::lex`] before, so that its nesting is bounded.
pub(super) fn check(file: &str, source: &str, words: &Vocabulary) -> Vec<TemplateProblem> {
    let mut checker = Checker { words, place: Place::start_of(file), problems: Vec::new() };
    match Template::compile_with_name(source, file.to_owned()) {
        Ok(template) => checker.template(&template),
        Err(error) => {
            let (line, column) = error.pos().unwrap_or((1, 1));
            let place = Place { file, line, column };
            checker.problems.push(place.problem(error.reason().to_string()));
        }
    }
    checker.problems
}

struct Checker<'a> {
    words: &'a Vocabulary,
    place: Place<'a>,
    problems: Vec<TemplateProblem>,
}

impl Checker<'_> {
    fn template(&mut self, template: &Template) {
        for (number, element) in template.elements.iter().enumerate() {
            // An `else if` has no place of its own; that of its block is near enough.
            if let Some(mapping) = template.mapping.get(number) {
                self.place = Place { line: mapping.0, column: mapping.1, ..self.place };
            }
            self.element(element);
        }
    }

    fn element(&mut self, element: &TemplateElement) {
        match element {
            TemplateElement::RawString(_)
            | TemplateElement::Comment(_)
            | TemplateElement::PartialExpression(_) => {}
            TemplateElement::Expression(value) => self.value(value),
            TemplateElement::HelperBlock(block) => self.block(block),
            TemplateElement::PartialBlock(block) | TemplateElement::DecoratorBlock(block) => {
                if let Some(template) = &block.template {
                    self.template(template);
                }
            }
            _ => {
                self.problem("this kind of tag is not available".to_owned());
            }
        }
    }

    fn value(&mut self, value: &HelperTemplate) {
        match &value.name {
            name @ Parameter::Path(_) if value.params.is_empty() && value.hash.is_empty() => {
                self.word(name);
            }
            name => {
                let name = name.as_name().unwrap_or("this").to_owned();
                self.problem(format!(
                    "`{name}` cannot print: write one value, `{{{{like.this}}}}`"
                ));
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate) {
        let name = block.name.as_name().unwrap_or("this");
        if !BLOCKS.contains(&name) {
            self.problem(format!("`#{name}` is not available: expected `#if` or `#unless`"));
        } else if block.params.len() != 1 || !block.hash.is_empty() || block.block_param.is_some() {
            self.problem(format!("`#{name}` takes one condition"));
        }
        for condition in &block.params {
            self.operand(condition);
        }
        for template in [&block.template, &block.inverse].into_iter().flatten() {
            self.template(template);
        }
    }

    fn operand(&mut self, operand: &Parameter) {
        match operand {
            Parameter::Path(_) => self.word(operand),
            Parameter::Subexpression(inner) if CONDITIONS.contains(&inner.name()) => {
                for operand in inner.params().into_iter().flatten() {
                    self.operand(operand);
                }
            }
            Parameter::Subexpression(inner) => {
                let message = format!("`{}` is not a condition: expected one of ", inner.name());
                self.problem(message + &CONDITIONS.join(", "));
            }
            _ => {}
        }
    }

    fn word(&mut self, path: &Parameter) {
        let word = path.as_name().unwrap_or_default();
        if !self.words.words.contains(word) {
            self.problem(self.words.refusal(word));
        }
    }

    fn problem(&mut self, message: String) {
        self.problems.push(self.place.problem(message));
    }
}

/// Insertions, removals and replacements of characters between `a` and `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<String> {
        let found = check("f", source, &Vocabulary::of(Part::Html));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn known_values_and_conditions_are_fine() {
        let source = "{{contact.name}} {{mail.unsubscribe_url}}{{#if (and (gt occasion.years 1) \
            (not (eq rep.name \"x\")))}}a{{else if account.name}}b{{else}}c{{/if}}{{#unless \
            rep.phone}}d{{/unless}}{{#*inline \"e\"}}{{greeting}}{{/inline}}{{> e}}";
        assert_eq!(problems(source), [""; 0]);
    }

    #[test]
    fn every_unknown_value_is_reported_with_its_place() {
        let source = "{{contact.nmae}}\n{{#if nope}}{{a.b}}{{else if (eq zzz 1)}}{{company}}\n\
            {{else}}\n  {{#> layout}}{{x}}{{/layout}}{{/if}}";
        assert_eq!(
            problems(source),
            [
                "f:1:1: there is no value `contact.nmae`: did you mean `contact.name`?",
                "f:2:1: there is no value `nope`",
                "f:2:13: there is no value `a.b`",
                "f:2:13: there is no value `zzz`",
                "f:2:42: `company` is a group: name one of its values, such as `company.email`",
                "f:4:16: there is no value `x`",
            ]
        );
    }

    #[test]
    fn a_subject_knows_nothing_of_the_mail_around_it() {
        assert_eq!(check("f", "{{mail.subject}}", &Vocabulary::of(Part::Subject)).len(), 1);
    }

    #[test]
    fn the_page_on_templates_names_every_value_and_no_other() {
        let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/templates.md"));
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let named =
            rows.flat_map(|row| row.split(", ")).map(|word| word.trim_matches('`').to_owned());
        assert_eq!(named.collect::<BTreeSet<_>>(), Vocabulary::of(Part::Html).words);
    }

    #[test]
    fn ways_around_the_list_of_values_are_refused() {
        for source in [
            "{{this}}",
            "{{../contact.name}}",
            "{{@root.contact.name}}",
            "{{this.contact.name}}",
            "{{lookup contact \"name\"}}",
            "{{log \"x\"}}",
            "{{eq 1 1}}",
            "{{#each contact}}{{/each}}",
            "{{#with contact}}{{/with}}",
            "{{#if (lookup contact \"name\")}}{{/if}}",
            "{{#if}}{{/if}}",
            "{{#if greeting includeZero=true}}{{/if}}",
            "{{#if greeting}}{{/unless}}",
            "{{\"text\"}}",
        ] {
            assert!(!problems(source).is_empty(), "{source}");
        }
    }
}
