//! Renders a freshly loaded template with sample letters, and looks at what law and standards want
//! to see in every message.
use chrono::NaiveDate;

use super::{
    link::Links,
    message::MAX_HTML,
    problem::TemplateProblem,
    render::Rendered,
    source::Part,
    templates::{Template, Templates},
};
use crate::domain::{Keyring, Letter};

/// Bytes of HTML from which on it is near the 102,400 at which it is cut off; names and links of a
/// reader may be longer than those of a sample.
const LONG_HTML: usize = 80 * 1024;

/// What is wrong with what `template` makes, and what may be.
pub(super) fn problems(
    templates: &Templates,
    template: &Template,
) -> (Vec<TemplateProblem>, Vec<TemplateProblem>) {
    let Ok(keyring) = Keyring::new([(0, [0; 32])]) else { return Default::default() };
    let links = |may_track| Links {
        base_url: "https://links.example",
        keyring: &keyring,
        outreach: 1,
        issued_on: NaiveDate::default(),
        may_track,
    };
    let letters =
        [Letter::sample(template.locale()), Letter::sample_of_a_stranger(template.locale())];
    let tries = letters.iter().flat_map(|letter| [(letter, links(true)), (letter, links(false))]);
    let mut problems = Vec::new();
    let mut longest = 0;
    for (letter, links) in tries {
        match templates.render(template, letter, &links) {
            Err(error) => {
                let file = &template.keys[Part::Html as usize];
                problems.push(TemplateProblem::of_file(file, error.to_string()));
            }
            Ok(made) => {
                problems.extend(missing(template, letter, &made));
                longest = longest.max(made.html.len());
            }
        }
    }
    let warning = length(template, longest, &mut problems);
    (problems, warning.into_iter().collect())
}

/// What every reader has to find, and does not.
fn missing(template: &Template, letter: &Letter, made: &Rendered) -> Vec<TemplateProblem> {
    let [subject, text, html] = &template.keys;
    let mut problems = Vec::new();
    if made.subject.is_empty() {
        problems.push(TemplateProblem::of_file(subject, "the subject is empty"));
    }
    let company = &letter.company;
    for (file, body) in [(text, &made.text), (html, &made.html)] {
        for (value, name) in [
            (&made.unsubscribe_url, "mail.unsubscribe_url"),
            (&company.postal_address, "company.postal_address"),
            (&company.email, "company.email"),
        ] {
            if !body.contains(value) {
                let message = format!("`{{{{{name}}}}}` must be there for every reader");
                problems.push(TemplateProblem::of_file(file, message));
            }
        }
    }
    problems
}

/// A warning if there is much HTML, or a problem if there is too much.
fn length(
    template: &Template,
    bytes: usize,
    problems: &mut Vec<TemplateProblem>,
) -> Option<TemplateProblem> {
    let file = &template.keys[Part::Html as usize];
    if bytes > MAX_HTML {
        let message =
            format!("makes {bytes} bytes of HTML, more than the {MAX_HTML} that are shown");
        problems.push(TemplateProblem::of_file(file, message));
        return None;
    }
    let message = format!("makes {bytes} bytes of HTML; mail programs cut off behind {MAX_HTML}");
    (bytes > LONG_HTML).then(|| TemplateProblem::of_file(file, message))
}
