//! Makes one template out of its files: put into its layout, checked and compiled.
use std::{collections::BTreeMap, sync::Arc};

use handlebars::Template as Compiled;

use super::{
    assets::{self, Assets},
    enclosed::{Enclosed, Enclosure},
    expand::{Shared, expand},
    inline::inlined,
    lex::Token,
    link::Destination,
    page,
    problem::TemplateProblem,
    source::{Part, Sources},
    templates::Template,
};
use crate::domain::Locale;

/// One part with everything that it includes in its place.
struct Flat {
    source: String,
    links: Vec<Destination>,
    /// The pictures that it shows, each with what is said if there is none.
    images: Vec<(String, TemplateProblem)>,
}

/// What a message in one language is made of.
pub(super) struct Builder<'a> {
    pub(super) sources: &'a Sources,
    pub(super) assets: &'a Assets,
    /// Of the files that are in order.
    pub(super) tokens: &'a BTreeMap<&'a str, Vec<Token<'a>>>,
    pub(super) name: &'a str,
    pub(super) locale: &'a str,
}

/// A template whose parts are compiled.
pub(super) struct Built {
    pub(super) template: Template,
    pub(super) parts: Vec<(Part, Compiled)>,
}

impl Builder<'_> {
    /// Compiles the three parts; nothing if one of their files has been reported already.
    pub(super) fn build(&self) -> Result<Option<Built>, Vec<TemplateProblem>> {
        let mut problems = Vec::new();
        let locale: Locale = self
            .locale
            .parse()
            .map_err(|error| vec![TemplateProblem::of_file(self.locale, format!("{error}"))])?;
        let mut links = Some(Vec::new());
        let (mut images, mut parts) = (Vec::new(), Vec::new());
        let keys = Part::ALL.map(|part| self.path(part));
        for (part, key) in Part::ALL.into_iter().zip(&keys) {
            match self.source_of(part, &locale) {
                Ok(Some(made)) => {
                    match Compiled::compile_with_name(&made.source, key.clone()) {
                        Ok(compiled) => parts.push((part, compiled)),
                        Err(error) => {
                            let message = error.reason().to_string();
                            problems.push(TemplateProblem::of_file(key, message));
                        }
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
        if !problems.is_empty() {
            return Err(problems);
        }
        let name = self.name.to_owned();
        let whole = links.map(|links| Template { name, locale, keys, links, enclosed });
        Ok(whole.map(|template| Built { template, parts }))
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
