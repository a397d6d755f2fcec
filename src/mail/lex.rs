//! Cuts a template into text and tags, and refuses what our templates may not do.
//!
//! This runs before the template engine sees anything: its parser recurses, so that a few thousand
//! nested blocks would end the process by a stack overflow.
use super::{
    problem::{Place, TemplateProblem},
    source::is_name,
};

/// Blocks inside blocks; each `else if` counts as one more.
const MAX_NESTING: usize = 32;
/// Parentheses inside parentheses in one tag.
const MAX_PARENTHESES: usize = 8;
/// Tags in one file; the engine's parser takes a time that grows with their square.
const MAX_TAGS: usize = 2_000;
/// Bytes of one tag; a comment may be longer.
const MAX_TAG: usize = 512;

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'s> {
    /// Anything outside of braces.
    Text,
    /// `{{contact.name}}`
    Value,
    /// `{{#if …}}`
    Open,
    /// `{{else}}`, `{{else if …}}`
    Else { chained: bool },
    /// `{{/if}}`
    Close,
    /// `{{! … }}`
    Comment,
    /// `{{> name}}`
    Partial(&'s str),
    /// `{{#> name}}`
    PartialOpen(&'s str),
    /// `{{#*inline "name"}}`
    Inline(&'s str),
}

/// A piece of a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind<'s>,
    /// The piece as it was written, with its braces.
    pub(super) text: &'s str,
    pub(super) place: Place<'s>,
}

impl<'s> Token<'s> {
    /// The tag without braces, tildes and white space around.
    pub(super) fn inner(&self) -> &'s str {
        inner(self.text)
    }
}

/// The tokens of a template whose blocks are all closed and nested no deeper than 32.
///
/// # Errors
///
/// Every tag that is not allowed.
pub(super) fn lex<'s>(
    file: &'s str,
    source: &'s str,
) -> Result<Vec<Token<'s>>, Vec<TemplateProblem>> {
    let (mut tokens, mut problems) = (Vec::new(), Vec::new());
    let (mut rest, mut place) = (source, Place::start_of(file));
    while let Some(open) = rest.find("{{") {
        let (text, tagged) = rest.split_at(open);
        push_text(&mut tokens, text, place);
        place = place.after(text);
        if text.ends_with('\\') {
            problems.push(place.problem("a backslash before `{{`: write `&#123;&#123;` instead"));
        }
        let Some(length) = tag_length(tagged) else {
            problems.push(place.problem("`{{` is never closed"));
            return Err(problems);
        };
        let (text, after) = tagged.split_at(length);
        match kind_of(text) {
            Ok(kind) => tokens.push(Token { kind, text, place }),
            Err(message) => problems.push(place.problem(message)),
        }
        place = place.after(text);
        rest = after;
    }
    push_text(&mut tokens, rest, place);
    check_nesting(&tokens, &mut problems);
    let mut tags = tokens.iter().filter(|token| token.kind != Kind::Text);
    if let (true, Some(tag)) = (problems.is_empty(), tags.nth(MAX_TAGS)) {
        problems.push(tag.place.problem(format!("a file has at most {MAX_TAGS} tags")));
    }
    if problems.is_empty() { Ok(without_own_lines(tokens)) } else { Err(problems) }
}

/// The place of the tag that closes the one at `open`.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (number, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open | Kind::PartialOpen(_) | Kind::Inline(_) => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return number;
        }
    }
    tokens.len()
}

fn push_text<'s>(tokens: &mut Vec<Token<'s>>, text: &'s str, place: Place<'s>) {
    if !text.is_empty() {
        tokens.push(Token { kind: Kind::Text, text, place });
    }
}

fn tag_length(tagged: &str) -> Option<usize> {
    if tagged.starts_with("{{!--") {
        return tagged.find("--}}").map(|end| end + "--}}".len());
    }
    let braces = tagged.bytes().take_while(|byte| *byte == b'{').count();
    let end = tagged.find("}}")? + 2;
    let more = tagged[end..].bytes().take(braces - 2).take_while(|byte| *byte == b'}').count();
    Some(end + more)
}

fn inner(tag: &str) -> &str {
    tag.trim_start_matches('{').trim_end_matches('}').trim_matches('~').trim()
}

fn kind_of(tag: &str) -> Result<Kind<'_>, String> {
    let inside = inner(tag);
    if tag.starts_with("{{!") || inside.starts_with('!') {
        return Ok(Kind::Comment);
    }
    if tag.starts_with("{{{") || tag.ends_with("}}}") || inside.starts_with('&') {
        return Err("a value is always escaped here: use two braces and no `&`".to_owned());
    }
    if tag.len() > MAX_TAG {
        return Err(format!("a tag has at most {MAX_TAG} bytes"));
    }
    if inside.contains(['{', '}', '[', ']']) {
        return Err("braces and brackets may not stand inside of a tag".to_owned());
    }
    if parentheses(inside) > MAX_PARENTHESES {
        return Err(format!("parentheses may be nested {MAX_PARENTHESES} deep"));
    }
    if let Some(name) = inside.strip_prefix("#>") {
        return partial_name(tag, name).map(Kind::PartialOpen);
    }
    if let Some(name) = inside.strip_prefix('>') {
        return partial_name(tag, name).map(Kind::Partial);
    }
    if let Some(decorator) = inside.strip_prefix("#*") {
        return inline_name(tag, decorator).map(Kind::Inline);
    }
    match inside.as_bytes() {
        [] => Err("an empty tag".to_owned()),
        [b'*', ..] => Err("decorators other than `#*inline` are not available".to_owned()),
        [b'^', ..] | [b'#', b'^', ..] => Err("write `{{else}}` or `{{#unless}}`".to_owned()),
        [b'#', ..] => Ok(Kind::Open),
        [b'/', ..] => Ok(Kind::Close),
        b"else" => Ok(Kind::Else { chained: false }),
        [b'e', b'l', b's', b'e', space, ..] if space.is_ascii_whitespace() => {
            Ok(Kind::Else { chained: true })
        }
        _ => Ok(Kind::Value),
    }
}

fn parentheses(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Only names that are written out: a partial that data could choose would be a way to any file.
fn partial_name<'s>(tag: &str, name: &'s str) -> Result<&'s str, String> {
    let name = name.trim();
    if tag.contains('~') {
        return Err("`~` has no effect on a partial".to_owned());
    }
    if name == "@partial-block" || is_name(name) {
        return Ok(name);
    }
    Err("a partial is one name of a-z, 0-9, `-` and `_`, without values".to_owned())
}

fn inline_name<'s>(tag: &str, decorator: &'s str) -> Result<&'s str, String> {
    let name = decorator.trim().strip_prefix("inline").map(str::trim);
    let name = name.and_then(|name| name.strip_prefix('"')?.strip_suffix('"'));
    match name {
        Some(name) if is_name(name) && !tag.contains('~') => Ok(name),
        _ => Err("write `{{#*inline \"name\"}}` with a name of a-z, 0-9, `-` and `_`".to_owned()),
    }
}

fn check_nesting(tokens: &[Token<'_>], problems: &mut Vec<TemplateProblem>) {
    let mut open: Vec<(Place<'_>, usize)> = Vec::new();
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Open | Kind::PartialOpen(_) | Kind::Inline(_) => {
                open.push((token.place, 1));
                depth += 1;
            }
            Kind::Else { chained } => match open.last_mut() {
                None => problems.push(token.place.problem("`else` stands outside of a block")),
                Some((_, levels)) => {
                    *levels += usize::from(chained);
                    depth += usize::from(chained);
                }
            },
            Kind::Close => match open.pop() {
                None => problems.push(token.place.problem("this tag closes nothing")),
                Some((_, levels)) => depth -= levels,
            },
            _ => {}
        }
        if depth > MAX_NESTING {
            let message = format!("blocks may be nested {MAX_NESTING} deep");
            problems.push(token.place.problem(message));
            return;
        }
    }
    problems.extend(open.iter().map(|(place, _)| place.problem("this block is never closed")));
}

/// A tag that we take out ourselves leaves no empty line behind when it has a line to itself.
fn without_own_lines(mut tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let own: Vec<usize> = (0..tokens.len()).filter(|n| has_own_line(&tokens, *n)).collect();
    for number in own {
        if let Some(before) = number.checked_sub(1) {
            let text = tokens[before].text;
            tokens[before].text = text.trim_end_matches([' ', '\t']);
        }
        if let Some(next) = tokens.get_mut(number + 1) {
            let (line, _) = next.text.split_once('\n').unwrap_or((next.text, ""));
            let cut = next.text.len().min(line.len() + 1);
            next.place = next.place.after(&next.text[..cut]);
            next.text = &next.text[cut..];
        }
    }
    tokens
}

/// Whether the tag is one that [`super::expand`] takes out and only blanks share its line.
fn has_own_line(tokens: &[Token<'_>], number: usize) -> bool {
    let ours = match tokens[number].kind {
        Kind::Comment | Kind::PartialOpen(_) | Kind::Inline(_) => true,
        Kind::Close => !matches!(tokens[number].inner(), "/if" | "/unless"),
        _ => false,
    };
    let blank = |text: &str| text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    let before = number.checked_sub(1).map(|before| &tokens[before]);
    let starts = before.is_none_or(|token| {
        let line = token.text.rsplit_once('\n').map(|(_, line)| line);
        let line = line.or((number == 1).then_some(token.text));
        token.kind == Kind::Text && line.is_some_and(blank)
    });
    let ends = tokens.get(number + 1).is_none_or(|token| {
        let line = token.text.split_once('\n').map(|(line, _)| line);
        let line = line.or((number + 2 == tokens.len()).then_some(token.text));
        token.kind == Kind::Text && line.is_some_and(blank)
    });
    ours && starts && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(source: &str) -> Vec<String> {
        lex("f", source).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_kind_of_tag_is_told_apart() {
        let source = "a{{b.c}}{{#if d}}{{else if e}}{{else}}{{/if}}{{!-- {{x}} --}}{{> f}}\
            {{#> g}}{{/g}}{{#*inline \"h\"}}{{/inline}}";
        let kinds: Vec<_> = lex("f", source).unwrap().iter().map(|token| token.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Text,
                Kind::Value,
                Kind::Open,
                Kind::Else { chained: true },
                Kind::Else { chained: false },
                Kind::Close,
                Kind::Comment,
                Kind::Partial("f"),
                Kind::PartialOpen("g"),
                Kind::Close,
                Kind::Inline("h"),
                Kind::Close,
            ]
        );
    }

    #[test]
    fn unescaped_values_and_chosen_partials_are_refused() {
        for source in [
            "{{{a}}}",
            "{{&a}}",
            "{{~{a}~}}",
            "{{> (lookup this a)}}",
            "{{> ../../secret}}",
            "{{> a b=c}}",
            "{{#*other \"a\"}}{{/other}}",
            "{{* other}}",
            "{{{{raw}}}} {{a}} {{{{/raw}}}}",
            "{{a.[0]}}",
            "{{}}",
            "\\{{a}}",
            "{{^}}",
            "{{a",
        ] {
            assert!(lex("f", source).is_err(), "{source}");
        }
    }

    #[test]
    fn blocks_that_do_not_match_are_reported_where_they_stand() {
        assert_eq!(refusals("a\n {{#if b}}"), ["f:2:2: this block is never closed"]);
        assert_eq!(refusals("{{/if}}"), ["f:1:1: this tag closes nothing"]);
        assert_eq!(refusals("{{else}}"), ["f:1:1: `else` stands outside of a block"]);
    }

    #[test]
    fn deep_nesting_is_refused_before_anything_recurses() {
        for depth in [33, 2_000, 50_000] {
            let source = "{{#if a}}".repeat(depth) + &"{{/if}}".repeat(depth);
            assert!(refusals(&source)[0].contains("nested 32 deep"), "{depth}");
            let source = format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if a}}".repeat(depth));
            assert!(refusals(&source)[0].contains("nested 32 deep"), "{depth}");
            let source = format!("{{{{{}a{}}}}}", "(".repeat(depth), ")".repeat(depth));
            assert!(lex("f", &source).is_err(), "{depth}");
        }
    }

    #[test]
    fn too_many_tags_are_refused() {
        assert!(lex("f", &"a{{b}}".repeat(2_000)).is_ok());
        assert_eq!(refusals(&"a{{b}}".repeat(9_000)), ["f:1:12002: a file has at most 2000 tags"]);
    }

    #[test]
    fn a_tag_that_is_taken_out_takes_its_line_along() {
        let tokens = lex("f", "a\n  {{! note }}  \nb {{! note }}\n").unwrap();
        let text: Vec<_> = tokens.iter().filter(|token| token.kind == Kind::Text).collect();
        assert_eq!(text.iter().map(|token| token.text).collect::<String>(), "a\nb \n");
        assert_eq!(text[1].place.line, 3);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_without_a_panic(source in "[{}#/!>~*a \n\"(]{0,64}") {
            let _ = lex("f", &source);
        }
    }
}
