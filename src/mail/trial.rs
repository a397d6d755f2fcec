//! Renders a freshly loaded template with sample letters, and looks at what law and standards want
//! to see in every message.
use chrono::NaiveDate;

use super::{
    link::Links,
    problem::TemplateProblem,
    source::Part,
    templates::{Template, Templates},
};
use crate::domain::{Keyring, Letter};

/// What is wrong with what `template` makes.
pub(super) fn problems(templates: &Templates, template: &Template) -> Vec<TemplateProblem> {
    let Ok(keyring) = Keyring::new([(0, [0; 32])]) else { return Vec::new() };
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
    for (letter, links) in tries {
        match templates.render(template, letter, &links) {
            Err(error) => {
                let file = &template.keys[Part::Html as usize];
                problems.push(TemplateProblem::of_file(file, error.to_string()));
            }
            Ok(made) => {
                let address = &letter.company.postal_address;
                let [subject, text, html] = &template.keys;
                if made.subject.is_empty() {
                    problems.push(TemplateProblem::of_file(subject, "the subject is empty"));
                }
                for (file, body) in [(text, &made.text), (html, &made.html)] {
                    if !body.contains(&made.unsubscribe_url) {
                        let message = "`{{mail.unsubscribe_url}}` must be there for every reader";
                        problems.push(TemplateProblem::of_file(file, message));
                    }
                    if !body.contains(address) {
                        let message = "`{{company.postal_address}}` must be there for every reader";
                        problems.push(TemplateProblem::of_file(file, message));
                    }
                }
            }
        }
    }
    problems
}
