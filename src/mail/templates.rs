//! All templates, compiled once.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use handlebars::Handlebars;

use super::{
    assets::{self, Assets},
    check::{Vocabulary, check},
    enclosed::{Enclosed, Enclosure},
    expand::{Shared, expand},
    inline::inlined,
    lex::{Token, lex},
    link::Destination,
    page,
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
    name: String,
    locale: Locale,
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
        for (name, locale) in messages(&sources) {
            let mut builder =
                Builder { sources: &sources, assets: &assets, tokens: &tokens, name, locale };
            match builder.add_to(&mut templates) {
                Ok(Some(template)) => {
                    let (faults, warnings) = trial::problems(&templates, &template);
                    problems.extend(faults);
                    templates.warnings.extend(warnings);
                    let locales = templates.by_name.entry(name.to_owned()).or_default();
                    locales.insert(locale.to_owned(), template);
                }
                Ok(None) => {}
                Err(mut faults) => problems.append(&mut faults),
            }
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

/// One part with everything that it includes in its place.
struct Flat {
    source: String,
    links: Vec<Destination>,
    /// The pictures that it shows, each with what is said if there is none.
    images: Vec<(String, TemplateProblem)>,
}

struct Builder<'a> {
    sources: &'a Sources,
    assets: &'a Assets,
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
        let mut images = Vec::new();
        let keys = Part::ALL.map(|part| self.path(part));
        for (part, key) in Part::ALL.into_iter().zip(&keys) {
            match self.source_of(part, &locale) {
                Ok(Some(made)) => {
                    let registry = match part {
                        Part::Html => &mut templates.html,
                        Part::Subject | Part::Text => &mut templates.text,
                    };
                    if let Err(error) = registry.register_template_string(key, made.source) {
                        let message = error.reason().to_string();
                        problems.push(TemplateProblem::of_file(key, message));
                    }
                    if let Some(links) = &mut links {
                        links.extend(made.links);
                    }
                    images.extend(made.images);
                }
                Ok(None) => links = None,
                Err(mut faults) => problems.append(&mut faults),
            }
        }
        let enclosed = Arc::new(self.enclosed(images, &keys, &mut problems));
        let name = self.name.to_owned();
        let template = links.map(|links| Template { name, locale, keys, links, enclosed });
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    /// What goes with the message, as far as it is there and not too much.
    fn enclosed(
        &self,
        wanted: Vec<(String, TemplateProblem)>,
        keys: &[String; 3],
        problems: &mut Vec<TemplateProblem>,
    ) -> Enclosed {
        let mut images: Vec<Enclosure> = Vec::new();
        for (name, missing) in wanted {
            let mut folders = assets::image_folders(self.name).into_iter();
            let found = folders.find_map(|dir| self.assets.get(&format!("{dir}/{name}")));
            match found {
                None => problems.push(missing),
                Some(image) if images.contains(image) => {}
                Some(image) => images.push(image.clone()),
            }
        }
        let mut files = BTreeMap::new();
        for dir in assets::attachment_folders(self.name, self.locale).into_iter().rev() {
            let inside = |path: &str| path.rsplit_once('/').is_some_and(|(known, _)| known == dir);
            let found = self.assets.iter().filter(|(path, _)| inside(path));
            files.extend(found.map(|(_, file)| (file.name.clone(), file.clone())));
        }
        let files: Vec<_> = files.into_values().collect();
        let together: usize = images.iter().chain(&files).map(|one| one.bytes.len()).sum();
        if together > assets::MAX_TOGETHER {
            let most = assets::MAX_TOGETHER / 1024 / 1024;
            let message =
                format!("its pictures and files have {together} bytes, more than {most} MB");
            problems.push(TemplateProblem::of_file(&keys[Part::Html as usize], message));
        }
        Enclosed { images, files }
    }

    fn path(&self, part: Part) -> String {
        format!("mail/{}/{}/{}", self.name, self.locale, part.file_name())
    }

    /// The flat source of one part, and what is in it.
    fn source_of(&self, part: Part, locale: &Locale) -> Result<Option<Flat>, Vec<TemplateProblem>> {
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
            let source = flat.iter().map(|token| token.text).collect();
            return Ok(Some(Flat { source, links: Vec::new(), images: Vec::new() }));
        }
        let page = page::read(&flat)?;
        let source =
            inlined(&page).map_err(|message| vec![TemplateProblem::of_file(&path, message)])?;
        Ok(Some(Flat { source, links: page.links, images: page.images }))
    }
}
