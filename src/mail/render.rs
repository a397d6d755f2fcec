//! One letter made of one template.
use std::{io, sync::Arc};

use handlebars::{Context, Handlebars, RenderErrorReason};
use serde_json::{Map, Value};

use super::{
    enclosed::Enclosed,
    link::{LinkProblem, Links},
    templates::{Template, Templates},
};
use crate::domain::{Letter, one_line};

/// Bytes of one rendered part.
const MAX_OUTPUT: usize = 512 * 1024;
/// Characters of one value of a letter; longer ones are cut.
const MAX_VALUE: usize = 1_024;
/// Characters of a subject.
const MAX_SUBJECT: usize = 256;

/// A letter, ready for its envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line of at most 256 characters.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, a whole document.
    pub html: String,
    /// Where link number `n` leads is `links[n]`; empty if this letter does not show the link.
    pub links: Vec<String>,
    /// The address that ends it all, for the header of the same name (RFC 8058).
    pub unsubscribe_url: String,
    /// The pictures that the HTML shows, and the files that go with the letter.
    pub enclosed: Arc<Enclosed>,
}

/// Why a letter could not be rendered. The texts name templates and values, never what is in them.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template is not one of these, since templates were loaded anew.
    #[error("there is no template {0}")]
    Unknown(String),
    /// A link leads where no link may lead.
    #[error("link {number} of {template}: {problem}")]
    Link {
        /// The template.
        template: String,
        /// The number of the link, from 0.
        number: usize,
        /// What is wrong with it.
        problem: LinkProblem,
    },
    /// A part is larger than 512 kB.
    #[error("{0} makes more than 512 kB")]
    TooLong(String),
    /// Anything else; loading should have found it.
    #[error("{template}: {message}")]
    Template {
        /// The template.
        template: String,
        /// What the engine said.
        message: String,
    },
}

impl Templates {
    /// Renders `letter` with a template that [`Templates::find`] gave. The same arguments give the
    /// same result.
    ///
    /// # Errors
    ///
    /// When a link that the letter shows leads nowhere, or a part becomes too large.
    pub fn render(
        &self,
        template: &Template,
        letter: &Letter,
        links: &Links<'_>,
    ) -> Result<Rendered, RenderError> {
        let [subject_key, text_key, html_key] = &template.keys;
        let mut data = values_of(letter);
        let (destinations, problem) = resolved(template, &data);
        let unsubscribe_url = links.unsubscribe();

        let mut context = Context::from(std::mem::take(&mut data));
        let subject = one_line(&part(&self.text, subject_key, &context)?, MAX_SUBJECT);
        if let Value::Object(values) = context.data_mut() {
            let mail = [
                ("locale", template.locale().as_str()),
                ("pixel_url", &links.pixel()),
                ("subject", &subject),
                ("unsubscribe_url", &unsubscribe_url),
            ];
            values.insert("mail".to_owned(), object(mail));
            values.insert("links".to_owned(), shown(&destinations, links));
        }
        let text = format!("{}\n", part(&self.text, text_key, &context)?.trim());
        // A destination that is missing matters only where its link is shown.
        let html = part(&self.html, html_key, &context).map_err(|error| match problem {
            Some((number, problem)) => {
                RenderError::Link { template: html_key.clone(), number, problem }
            }
            None => error,
        })?;
        let links = destinations.into_iter().map(Option::unwrap_or_default).collect();
        let enclosed = Arc::clone(&template.enclosed);
        Ok(Rendered { subject, text, html, links, unsubscribe_url, enclosed })
    }
}

/// The letter as the engine wants it, each value on one line without hidden characters.
fn values_of(letter: &Letter) -> Value {
    let mut values =
        serde_json::to_value(letter).expect("a letter is a struct of strings and numbers");
    clean(&mut values);
    values
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = one_line(text, MAX_VALUE),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        _ => {}
    }
}

/// Where each link leads, and the first one that leads nowhere.
fn resolved(
    template: &Template,
    data: &Value,
) -> (Vec<Option<String>>, Option<(usize, LinkProblem)>) {
    let mut first = None;
    let destinations = template.links.iter().enumerate().map(|(number, link)| {
        link.resolve(data).map_err(|problem| first = first.or(Some((number, problem)))).ok()
    });
    let destinations = destinations.collect();
    (destinations, first)
}

fn shown(destinations: &[Option<String>], links: &Links<'_>) -> Value {
    let numbered = (0_u16..).zip(destinations).filter_map(|(number, destination)| {
        let url = links.click(number, destination.as_deref()?);
        Some((format!("l{number}"), Value::String(url)))
    });
    Value::Object(numbered.collect())
}

fn object<const N: usize>(fields: [(&str, &str); N]) -> Value {
    let fields = fields.map(|(name, text)| (name.to_owned(), Value::String(text.to_owned())));
    Value::Object(Map::from_iter(fields))
}

fn part(registry: &Handlebars<'_>, key: &str, context: &Context) -> Result<String, RenderError> {
    let mut out = Capped(Vec::with_capacity(16 * 1024));
    registry.render_with_context_to_write(key, context, &mut out).map_err(|error| {
        match error.reason() {
            RenderErrorReason::TemplateNotFound(_) => RenderError::Unknown(key.to_owned()),
            RenderErrorReason::IOError(_) => RenderError::TooLong(key.to_owned()),
            reason => {
                RenderError::Template { template: key.to_owned(), message: reason.to_string() }
            }
        }
    })?;
    Ok(String::from_utf8(out.0).expect("the engine writes whole strings"))
}

/// A buffer that refuses to grow without end.
struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
