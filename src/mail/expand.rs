//! Puts a message into its layout, once, when templates are loaded.
//!
//! The template engine could do this at every rendering. Doing it here makes one flat source of
//! each part, so that its links can be counted and its CSS be inlined.
use std::collections::BTreeMap;

use super::{
    lex::{Kind, Token, closing},
    problem::TemplateProblem,
};

/// Partials inside partials, which also ends one that names itself.
const MAX_DEPTH: usize = 16;
/// Bytes of an expanded part.
const MAX_LENGTH: usize = 256 * 1024;
/// Pieces of an expanded part, text and tags.
const MAX_PIECES: usize = 8_000;

/// What a part may include by name.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a, 's> {
    pub(super) layout: Option<&'a [Token<'s>]>,
    pub(super) footer: Option<&'a [Token<'s>]>,
}

/// What `{{> @partial-block}}` stands for, and what it stands for inside of that.
#[derive(Clone, Copy)]
struct Block<'b, 'a, 's> {
    inner: &'a [Token<'s>],
    outer: Option<&'b Block<'b, 'a, 's>>,
}

struct Expansion<'a, 's> {
    shared: Shared<'a, 's>,
    inlines: BTreeMap<&'s str, &'a [Token<'s>]>,
    out: Vec<Token<'s>>,
    length: usize,
    problems: Vec<TemplateProblem>,
}

/// `tokens` with every partial in place; what is left is text, values and conditions.
pub(super) fn expand<'s>(
    tokens: &[Token<'s>],
    shared: Shared<'_, 's>,
) -> Result<Vec<Token<'s>>, Vec<TemplateProblem>> {
    let mut inlines = BTreeMap::new();
    for (number, token) in tokens.iter().enumerate() {
        if let Kind::Inline(name) = token.kind {
            inlines.insert(name, &tokens[number + 1..closing(tokens, number)]);
        }
    }
    let mut expansion =
        Expansion { shared, inlines, out: Vec::new(), length: 0, problems: Vec::new() };
    expansion.emit(tokens, None, 0);
    if expansion.problems.is_empty() { Ok(expansion.out) } else { Err(expansion.problems) }
}

impl<'a, 's> Expansion<'a, 's> {
    fn emit(&mut self, tokens: &'a [Token<'s>], block: Option<&Block<'_, 'a, 's>>, depth: usize) {
        let mut number = 0;
        while let Some(token) = tokens.get(number) {
            // One problem is enough: a partial that names itself twice would report 2^16.
            if !self.problems.is_empty() {
                return;
            }
            let is_too_large = self.length > MAX_LENGTH || self.out.len() > MAX_PIECES;
            if depth > MAX_DEPTH || is_too_large {
                let message = "partials go round in circles here, or make too much of a file";
                self.problems.push(token.place.problem(message));
                return;
            }
            match token.kind {
                Kind::Inline(_) => number = closing(tokens, number),
                Kind::Comment => {}
                Kind::Partial(name) => self.partial(token, name, block, depth),
                Kind::PartialOpen(name) => {
                    let end = closing(tokens, number);
                    let inner = &tokens[number + 1..end];
                    match self.named(name) {
                        Some(found) => {
                            let block = Block { inner, outer: block };
                            self.emit(found, Some(&block), depth + 1);
                        }
                        None if name == "layout" => {
                            self.problems.push(token.place.problem(missing(name)));
                        }
                        None => self.emit(inner, block, depth + 1),
                    }
                    number = end;
                }
                _ => {
                    self.length += token.text.len();
                    self.out.push(*token);
                }
            }
            number += 1;
        }
    }

    /// Emits what `name` stands for. The last line of that has no end of its own: what follows the
    /// tag ends it.
    fn partial(
        &mut self,
        token: &Token<'s>,
        name: &str,
        block: Option<&Block<'_, 'a, 's>>,
        depth: usize,
    ) {
        let before = self.out.len();
        match (name, block, self.named(name)) {
            ("@partial-block", Some(block), _) => self.emit(block.inner, block.outer, depth + 1),
            ("@partial-block", None, _) => {
                self.problems.push(token.place.problem("there is no block here"));
            }
            (_, _, Some(found)) => self.emit(found, None, depth + 1),
            (_, _, None) => self.problems.push(token.place.problem(missing(name))),
        }
        if let Some(last) = self.out[before..].last_mut() {
            last.text = last.text.strip_suffix('\n').unwrap_or(last.text);
        }
    }

    fn named(&self, name: &str) -> Option<&'a [Token<'s>]> {
        let inline = self.inlines.get(name).copied();
        inline.or(match name {
            "layout" => self.shared.layout,
            "footer" => self.shared.footer,
            _ => None,
        })
    }
}

fn missing(name: &str) -> String {
    format!("there is no partial `{name}`: expected `layout`, `footer` or an inline of this file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::lex::lex;

    fn expanded(body: &str, layout: &str, footer: &str) -> Result<String, Vec<TemplateProblem>> {
        let [body, layout, footer] = [("body", body), ("layout", layout), ("footer", footer)]
            .map(|(f, s)| lex(f, s).unwrap());
        let shared = Shared { layout: Some(&layout), footer: Some(&footer) };
        expand(&body, shared).map(|tokens| tokens.iter().map(|token| token.text).collect())
    }

    #[test]
    fn a_body_stands_in_its_layout_between_inlines_and_footer() {
        let body = "{{#*inline \"title\"}}Hi {{a}}{{/inline}}\n{{#> layout}}\nBody\n{{/layout}}\n";
        let layout =
            "<{{> title}}>\n{{> @partial-block}}\n{{#> accent}}red{{/accent}}\n{{> footer}}";
        let whole = expanded(body, layout, "Bye {{b}}").unwrap();
        assert_eq!(whole.trim(), "<Hi {{a}}>\nBody\nred\nBye {{b}}");
        let body = "{{#*inline \"title\"}}\nHi\n{{/inline}}{{#> layout}}{{/layout}}";
        assert_eq!(
            expanded(body, "a\n{{> title}}\n{{> footer}}\nb", "c\n").unwrap(),
            "a\nHi\nc\nb"
        );
    }

    #[test]
    fn an_inline_replaces_the_default_of_the_layout() {
        let body = "{{#*inline \"accent\"}}blue{{/inline}}{{#> layout}}{{/layout}}";
        assert_eq!(expanded(body, "{{#> accent}}red{{/accent}}", "").unwrap(), "blue");
    }

    #[test]
    fn partials_that_name_themselves_end_in_one_problem() {
        let twice = "{{#*inline \"a\"}}{{> a}}{{> a}}{{/inline}}{{> a}}";
        assert_eq!(expanded(twice, "", "").unwrap_err().len(), 1);
        let layout = "{{#> layout}}{{> @partial-block}}{{/layout}}";
        assert_eq!(expanded("{{#> layout}}{{/layout}}", layout, "").unwrap_err().len(), 1);
        let doubling = (0..15).fold(String::new(), |body, n| {
            format!(
                "{body}{{{{#*inline \"a{n}\"}}}}{}{{{{/inline}}}}",
                format!("{{{{> a{}}}}}", n + 1).repeat(9)
            )
        });
        let bomb = format!("{doubling}{{{{#*inline \"a15\"}}}}xxxxxxxx{{{{/inline}}}}{{{{> a0}}}}");
        assert_eq!(expanded(&bomb, "", "").unwrap_err().len(), 1);
    }

    #[test]
    fn a_partial_that_does_not_exist_is_reported_where_it_is_named() {
        let problems = expanded("a\n{{> nothing}}", "", "").unwrap_err();
        assert!(problems[0].to_string().starts_with("body:2:1: there is no partial `nothing`"));
    }
}
