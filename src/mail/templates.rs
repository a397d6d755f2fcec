//! All templates, compiled once.
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    path::Path,
    sync::Arc,
    thread::{self, ScopedJoinHandle},
};

use handlebars::Handlebars;

use super::{
    assets::{self, Assets},
    build::{Builder, Built},
    check::{Vocabulary, check},
    enclosed::{Enclosed, Enclosure},
    lex::{Token, lex},
    link::Destination,
    problem::TemplateProblem,
    source::{self, Part, Role, Sources, Tree, role},
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
    warnings: Vec<TemplateProblem>,
}

/// One template in one language: what [`Templates::find`] gives and [`Templates::render`] takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub(super) name: String,
    pub(super) locale: Locale,
    pub(super) keys: [String; 3],
    pub(super) links: Vec<Destination>,
    pub(super) enclosed: Arc<Enclosed>,
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
        let Tree { sources, assets, mut problems } = source::read(folder);
        let (tokens, mut faults) = lexed_and_checked(&sources);
        problems.append(&mut faults);
        let mut templates = Self::empty();
        let messages: Vec<_> = messages(&sources).into_iter().collect();
        let built = in_parallel(&messages, |&(name, locale)| {
            Builder { sources: &sources, assets: &assets, tokens: &tokens, name, locale }.build()
        });
        let mut whole = Vec::new();
        for (built, (_, tag)) in built.into_iter().zip(messages) {
            match built {
                Ok(Some(built)) => whole.push((templates.register(built), tag)),
                Ok(None) => {}
                Err(mut faults) => problems.append(&mut faults),
            }
        }
        for (faults, warnings) in
            in_parallel(&whole, |(template, _)| trial::problems(&templates, template))
        {
            problems.extend(faults);
            templates.warnings.extend(warnings);
        }
        for (template, tag) in whole {
            let locales = templates.by_name.entry(template.name.clone()).or_default();
            locales.insert(tag.to_owned(), template);
        }
        templates.warnings.extend(never_shown(&assets, &templates));
        templates.warnings.sort();
        templates.warnings.dedup();
        problems.sort();
        problems.dedup();
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// The embedded files, path inside the templates folder first, to write out as a start.
    pub fn embedded_files() -> impl Iterator<Item = (&'static str, &'static str)> {
        source::embedded()
    }

    /// What is not wrong and may be a mistake: pictures that no template shows, and HTML that comes
    /// near the length at which it is cut off.
    #[must_use]
    pub fn warnings(&self) -> &[TemplateProblem] {
        &self.warnings
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

    /// Takes in the parts of a template.
    fn register(&mut self, Built { template, parts }: Built) -> Template {
        for (part, compiled) in parts {
            let registry = match part {
                Part::Html => &mut self.html,
                Part::Subject | Part::Text => &mut self.text,
            };
            registry.register_template(&template.keys[part as usize], compiled);
        }
        template
    }

    fn empty() -> Self {
        let mut text = Handlebars::new();
        text.set_strict_mode(true);
        text.register_escape_fn(handlebars::no_escape);
        let mut html = Handlebars::new();
        html.set_strict_mode(true);
        Self { text, html, by_name: BTreeMap::new(), warnings: Vec::new() }
    }
}

/// The tokens of every file that is in order, and the problems of those that are not.
fn lexed_and_checked(sources: &Sources) -> (BTreeMap<&str, Vec<Token<'_>>>, Vec<TemplateProblem>) {
    let (subject, body) = (Vocabulary::of(Part::Subject), Vocabulary::of(Part::Html));
    let (mut tokens, mut problems) = (BTreeMap::new(), Vec::new());
    let files: Vec<_> = sources.iter().collect();
    let read = in_parallel(&files, |(path, source)| {
        let is_subject = matches!(role(path), Ok(Role::Message { part: Part::Subject, .. }));
        let words = if is_subject { &subject } else { &body };
        let found = lex(path, source)?;
        let faults = check(path, source, words);
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    });
    for (read, (path, _)) in read.into_iter().zip(files) {
        match read {
            Ok(found) => {
                tokens.insert(path.as_str(), found);
            }
            Err(mut faults) => problems.append(&mut faults),
        }
    }
    (tokens, problems)
}

/// What `work` makes of each item, in their order, on a thread for each processor: reading templates is
/// most of what a command waits for.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let work = &work;
        let part = |part| scope.spawn(move || <[T]>::iter(part).map(work).collect::<Vec<_>>());
        let parts: Vec<_> = items.chunks(share).map(part).collect();
        let joined = parts.into_iter().map(ScopedJoinHandle::join);
        joined.flat_map(|made| made.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// A warning for each picture that no template shows.
fn never_shown(assets: &Assets, templates: &Templates) -> Vec<TemplateProblem> {
    let shown = |path: &str, image: &Enclosure| {
        let of = |template: &Template| {
            let folders = assets::image_folders(&template.name);
            folders.iter().any(|dir| path == format!("{dir}/{}", image.name))
                && template.enclosed.images.contains(image)
        };
        templates.by_name.values().flat_map(BTreeMap::values).any(of)
    };
    let images = assets.iter().filter(|(path, _)| assets::is_image(path));
    let unseen = images.filter(|(path, image)| !shown(path, image));
    unseen
        .map(|(path, _)| TemplateProblem::of_file(path, "no template shows this picture"))
        .collect()
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
