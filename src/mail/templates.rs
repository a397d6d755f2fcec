//! All templates, compiled once.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use handlebars::Handlebars;

use super::{
    check::{Vocabulary, check},
    expand::{Shared, expand},
    inline::inlined,
    lex::{Token, lex},
    link::Destination,
    page,
    problem::TemplateProblem,
    source::{self, Part, Role, Sources, role},
    trial,
};
use crate::domain::Locale;

/// Every mail template, checked, put into its layout and compiled.
#[derive(Debug)]
pub struct Templates {
    /// Escapes nothing: subjects and text parts.
    pub(super) text: Handlebars<'static>,
    /// Escapes for HTML.
    pub(super) html: Handlebars<'static>,
    /// By name, then by the tag of the locale.
    by_name: BTreeMap<String, BTreeMap<String, Template>>,
}

/// One template in one language: what [`Templates::find`] gives and [`Templates::render`] takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    name: String,
    locale: Locale,
    pub(super) keys: [String; 3],
    pub(super) links: Vec<Destination>,
}

impl Template {
    /// The name, such as `birthday`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The language it is written in, which may be a fallback of the one that was asked for.
    #[must_use]
    pub const fn locale(&self) -> &Locale {
        &self.locale
    }
}

impl Templates {
    /// The embedded templates, with those in `folder` added or, where the path is the same, in
    /// their place. `folder` is laid out as [`Templates::embedded_files`] names its files.
    ///
    /// # Errors
    ///
    /// Every problem of every file, in the order of the files. Each template is also rendered with
    /// two sample letters, of which one knows almost nothing.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TemplateProblem>> {
        let (sources, mut problems) = source::read(folder);
        let (tokens, mut faults) = lexed_and_checked(&sources);
        problems.append(&mut faults);
        let mut templates = Self::empty();
        for (name, locale) in messages(&sources) {
            let mut builder = Builder { sources: &sources, tokens: &tokens, name, locale };
            match builder.add_to(&mut templates) {
                Ok(Some(template)) => {
                    problems.extend(trial::problems(&templates, &template));
                    let locales = templates.by_name.entry(name.to_owned()).or_default();
                    locales.insert(locale.to_owned(), template);
                }
                Ok(None) => {}
                Err(mut faults) => problems.append(&mut faults),
            }
        }
        problems.sort();
        problems.dedup();
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// The embedded files, path inside the templates folder first, to write out as a start.
    pub fn embedded_files() -> impl Iterator<Item = (&'static str, &'static str)> {
        source::embedded()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The languages of the template called `name`, sorted by their tag.
    pub fn locales(&self, name: &str) -> impl Iterator<Item = &Locale> {
        self.by_name.get(name).into_iter().flatten().map(|(_, template)| &template.locale)
    }

    /// The template called `name` in the language that is nearest to `locale`: itself, then without
    /// its region, then `default` in the same way.
    #[must_use]
    pub fn find(&self, name: &str, locale: &Locale, default: &Locale) -> Option<&Template> {
        let locales = self.by_name.get(name)?;
        locale.fallbacks(default).find_map(|tag| locales.get(tag))
    }

    fn empty() -> Self {
        let mut text = Handlebars::new();
        text.set_strict_mode(true);
        text.register_escape_fn(handlebars::no_escape);
        let mut html = Handlebars::new();
        html.set_strict_mode(true);
        Self { text, html, by_name: BTreeMap::new() }
    }
}

/// The tokens of every file that is in order, and the problems of those that are not.
fn lexed_and_checked(sources: &Sources) -> (BTreeMap<&str, Vec<Token<'_>>>, Vec<TemplateProblem>) {
    let (subject, body) = (Vocabulary::of(Part::Subject), Vocabulary::of(Part::Html));
    let (mut tokens, mut problems) = (BTreeMap::new(), Vec::new());
    for (path, source) in sources {
        let is_subject = matches!(role(path), Ok(Role::Message { part: Part::Subject, .. }));
        let words = if is_subject { &subject } else { &body };
        match lex(path, source) {
            Ok(found) => {
                let mut faults = check(path, source, words);
                if faults.is_empty() {
                    tokens.insert(path.as_str(), found);
                }
                problems.append(&mut faults);
            }
            Err(mut faults) => problems.append(&mut faults),
        }
    }
    (tokens, problems)
}

/// Name and locale of every message of which there is at least one file.
fn messages(sources: &Sources) -> BTreeSet<(&str, &str)> {
    let roles = sources.keys().filter_map(|path| role(path).ok());
    let named = |role| match role {
        Role::Message { name, locale, .. } => Some((name, locale)),
        _ => None,
    };
    roles.filter_map(named).collect()
}

struct Builder<'a> {
    sources: &'a Sources,
    tokens: &'a BTreeMap<&'a str, Vec<Token<'a>>>,
    name: &'a str,
    locale: &'a str,
}

impl Builder<'_> {
    /// Compiles the three parts; nothing if one of their files has been reported already.
    fn add_to(
        &mut self,
        templates: &mut Templates,
    ) -> Result<Option<Template>, Vec<TemplateProblem>> {
        let mut problems = Vec::new();
        let locale: Locale = self
            .locale
            .parse()
            .map_err(|error| vec![TemplateProblem::of_file(self.locale, format!("{error}"))])?;
        let mut links = Some(Vec::new());
        let keys = Part::ALL.map(|part| self.path(part));
        for (part, key) in Part::ALL.into_iter().zip(&keys) {
            match self.source_of(part, &locale) {
                Ok(Some((source, found))) => {
                    let registry = match part {
                        Part::Html => &mut templates.html,
                        Part::Subject | Part::Text => &mut templates.text,
                    };
                    if let Err(error) = registry.register_template_string(key, source) {
                        let message = error.reason().to_string();
                        problems.push(TemplateProblem::of_file(key, message));
                    }
                    if let Some(links) = &mut links {
                        links.extend(found);
                    }
                }
                Ok(None) => links = None,
                Err(mut faults) => problems.append(&mut faults),
            }
        }
        let template =
            links.map(|links| Template { name: self.name.to_owned(), locale, keys, links });
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    fn path(&self, part: Part) -> String {
        format!("mail/{}/{}/{}", self.name, self.locale, part.file_name())
    }

    /// The flat source of one part, and its links.
    fn source_of(
        &self,
        part: Part,
        locale: &Locale,
    ) -> Result<Option<(String, Vec<Destination>)>, Vec<TemplateProblem>> {
        let path = self.path(part);
        if !self.sources.contains_key(&path) {
            return Err(vec![TemplateProblem::of_file(&path, "the file is missing")]);
        }
        let suffix = if part == Part::Html { "html.hbs" } else { "txt.hbs" };
        let layout = format!("mail/layout.{suffix}");
        let footer = locale
            .fallbacks(&Locale::english())
            .map(|tag| format!("mail/footer/{tag}.{suffix}"))
            .find(|path| self.sources.contains_key(path));
        let tokens = |path: &str| self.tokens.get(path).map(Vec::as_slice);
        let footer = footer.as_deref();
        let Some(body) = tokens(&path) else { return Ok(None) };
        let shared = match part {
            Part::Subject => Shared { layout: None, footer: None },
            Part::Text | Part::Html => {
                let footer_tokens = footer.and_then(tokens);
                let broken = [Some(layout.as_str()), footer].into_iter().flatten();
                if broken
                    .into_iter()
                    .any(|path| self.sources.contains_key(path) && !self.tokens.contains_key(path))
                {
                    return Ok(None);
                }
                Shared { layout: tokens(&layout), footer: footer_tokens }
            }
        };
        let flat = expand(body, shared)?;
        if part != Part::Html {
            return Ok(Some((flat.iter().map(|token| token.text).collect(), Vec::new())));
        }
        let page = page::read(&flat)?;
        let source =
            inlined(&page).map_err(|message| vec![TemplateProblem::of_file(&path, message)])?;
        Ok(Some((source, page.links)))
    }
}
