//! Moves the rules of a style sheet into the elements, once for each template, since many mail
//! clients drop `<style>`.
//!
//! The inliner is an HTML parser. Given a template as it is, that would move `{{#if}}` out of a
//! table, where no text may stand; so it gets marks (see [`super::page`]) and the tags are put back
//! afterwards.
use css_inline::{CSSInliner, InlineOptions};

use super::page::{MARK, Page, mark};

/// The source of `page` with its styles inlined and its tags back in place. Rules within `@media`
/// stay in a style sheet.
///
/// # Errors
///
/// When the style sheet cannot be read, or the HTML is such that a parser moves a value elsewhere.
pub(super) fn inlined(page: &Page) -> Result<String, String> {
    let options = InlineOptions {
        keep_at_rules: true,
        remove_inlined_selectors: true,
        load_remote_stylesheets: false,
        ..InlineOptions::default()
    };
    let html = CSSInliner::new(options)
        .inline(&page.markup)
        .map_err(|error| format!("the style sheet cannot be inlined: {error}"))?;
    // A parser that drops or doubles a mark changes their count; one that swaps two leaves the
    // first of them nothing to be found in.
    if html.matches(MARK).count() != page.markup.matches(MARK).count() {
        return Err("the HTML is too far from well-formed to be inlined".to_owned());
    }
    let mut whole = String::with_capacity(html.len() * 2);
    let mut rest = html.as_str();
    for (number, tag) in page.tags.iter().enumerate() {
        let (before, after) = rest.split_once(&mark(number)).ok_or_else(|| misplaced(tag))?;
        let is_block = before.ends_with("<!--") && after.starts_with("-->");
        whole.push_str(if is_block { &before[..before.len() - "<!--".len()] } else { before });
        whole.push_str(tag);
        rest = if is_block { &after["-->".len()..] } else { after };
    }
    whole.push_str(rest);
    Ok(whole)
}

fn misplaced(tag: &str) -> String {
    format!("`{tag}` stands where HTML allows no text, such as between the rows of a table")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{lex::lex, page};

    fn inline(source: &str) -> Result<String, String> {
        inlined(&page::read(&lex("f", source).unwrap()).ok().unwrap())
    }

    #[test]
    fn styles_move_into_elements_and_media_rules_stay() {
        let html = inline(
            "<html><head><style>p{color:red}@media (prefers-color-scheme: dark){p{color:blue \
             !important}}</style></head><body><p title=\"{{rep.name}}\">{{greeting}}</p></body></html>",
        )
        .unwrap();
        assert!(
            html.contains("<p title=\"{{rep.name}}\" style=\"color: red;\">{{greeting}}</p>"),
            "{html}"
        );
        assert!(html.contains("@media (prefers-color-scheme: dark)"), "{html}");
    }

    #[test]
    fn a_condition_between_rows_stays_between_rows() {
        let html = inline(
            "<table>{{#if rep.name}}<tr><td>{{rep.name}}</td></tr>{{/if}}<tr><td>b</td></tr></table>",
        )
        .unwrap();
        let order =
            ["<table>", "{{#if rep.name}}", "<td>{{rep.name}}", "{{/if}}", "b</td>", "</table>"];
        let places: Vec<_> = order.iter().map(|part| html.find(part).expect(part)).collect();
        assert!(places.is_sorted(), "{html}");
    }

    #[test]
    fn a_value_that_the_parser_would_move_is_refused() {
        assert!(inline("<table><tr><td>{{rep.phone}}</td></tr>{{rep.name}}</table>").is_err());
    }
}
