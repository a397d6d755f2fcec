//! Claims about a templates folder of one's own.
use std::{fs, path::Path};

use super::{
    tests::{EMBEDDED, all, locale, plain, rendered, tracked},
    *,
};
use crate::domain::{Letter, Locale};

/// A templates folder with `files` in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("mail").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let problems = Templates::load(Some(folder.path())).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

const TEXT: &str = "{{#*inline \"closing\"}}Yours,{{/inline}}{{#> layout}}\nHi\n{{/layout}}";
const HTML: &str = "{{#*inline \"closing\"}}Yours,{{/inline}}{{#*inline \"preheader\"}}p{{/inline}}\
    {{#*inline \"headline\"}}h{{/inline}}{{#*inline \"picture\"}}{{/inline}}{{#> layout}}\n\
    <p>Hi</p>\n{{/layout}}";

#[test]
fn written_out_templates_load_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in Templates::embedded_files() {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace('\n', "\r\n")).unwrap();
    }
    let templates = Templates::load(Some(folder.path())).unwrap();
    for (theirs, ours) in all(&templates).zip(all(&EMBEDDED)) {
        let letter = Letter::sample(ours.locale());
        let made = templates.render(theirs, &letter, &tracked()).unwrap();
        assert!(made == rendered(ours, &letter), "{}", ours.name());
    }
}

#[test]
fn a_folder_replaces_by_name_and_adds() {
    let folder = folder(&[
        ("birthday/en/subject.txt.hbs", "Ours now, {{contact.name}}"),
        ("einladung/de/subject.txt.hbs", "Einladung"),
        ("einladung/de/body.txt.hbs", TEXT),
        ("einladung/de/body.html.hbs", HTML),
    ]);
    let templates = Templates::load(Some(folder.path())).unwrap();
    let find = |name, tag| templates.find(name, &locale(tag), &Locale::english()).unwrap();
    let render = |template| {
        let letter = Letter::sample(&Locale::english());
        templates.render(template, &letter, &tracked()).unwrap()
    };
    assert_eq!(render(find("birthday", "en")).subject, "Ours now, Anna Meyer");
    assert!(render(find("birthday", "en")).text.contains("happy birthday"));
    assert_eq!(render(find("einladung", "de-AT")).subject, "Einladung");
    assert!(templates.find("einladung", &locale("fr"), &locale("en")).is_none());
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let found = problems(&[
        ("birthday/en/subject.txt.hbs", "{{contact.nmae}}"),
        ("birthday/en/body.txt.hbs", "line\n{{#if nope}}{{a}}{{else}}{{b}}{{/if}}"),
        ("check-in/en/body.html.hbs", "<p>\n<a href=\"{{contact.name}}\">x</a>\n<script></script>"),
        ("new-year/en/body.txt.hbs", "no way out, no address"),
        ("new-year/zh-CN/body.html.hbs", "{{#if greeting}}"),
        ("extra/en/subject.txt.hbs", "alone"),
        ("Extra/en/subject.txt.hbs", "x"),
        ("footer/english.html.hbs", "x"),
        ("mid-autumn/en/body.html.hbs", "{{> nothing}}"),
    ]);
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_broken_layout_is_one_problem_and_not_twelve() {
    assert_eq!(
        problems(&[("layout.html.hbs", "{{> @partial-block}}\n{{mail.pixel}}")]),
        ["mail/layout.html.hbs:2:1: there is no value `mail.pixel`"]
    );
}

#[test]
fn a_link_that_needs_data_must_cope_without() {
    let html = HTML.replace("<p>Hi</p>", "<a href=\"{{company.website}}\">us</a>");
    let found = problems(&[("birthday/en/body.html.hbs", &html)]);
    assert_eq!(
        found,
        ["mail/birthday/en/body.html.hbs: link 0 of mail/birthday/en/body.html.hbs: a link must \
          begin with http:// or https://"]
    );
}

#[test]
fn deep_nesting_ends_in_a_problem_and_not_in_a_crash() {
    for depth in [2_000, 9_000] {
        let source = "{{#if greeting}}".repeat(depth) + &"{{/if}}".repeat(depth);
        for file in ["subject.txt.hbs", "body.txt.hbs", "body.html.hbs"] {
            let path = format!("birthday/en/{file}");
            let found = problems(&[(&path, &source)]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(":1:513: blocks may be nested 32 deep"), "{found:?}");
        }
        let source = "<div><table><tr><td><b>".repeat(depth);
        assert!(!problems(&[("birthday/en/body.html.hbs", &source)]).is_empty());
    }
}

#[test]
fn a_letter_cannot_grow_without_end() {
    let text = TEXT.replace("Hi", &"{{contact.name}}".repeat(1_500));
    let folder = folder(&[("birthday/en/body.txt.hbs", &text)]);
    let templates = Templates::load(Some(folder.path())).unwrap();
    let template = templates.find("birthday", &locale("en"), &Locale::english()).unwrap();
    let mut letter = Letter::sample(&Locale::english());
    letter.contact.name = "长".repeat(10_000);
    let error = templates.render(template, &letter, &tracked()).err().unwrap();
    assert!(matches!(error, RenderError::TooLong(_)), "{error}");
}

#[test]
fn a_template_of_other_templates_is_an_error() {
    let folder = folder(&[
        ("extra/en/subject.txt.hbs", "Extra"),
        ("extra/en/body.txt.hbs", TEXT),
        ("extra/en/body.html.hbs", HTML),
    ]);
    let others = Templates::load(Some(folder.path())).unwrap();
    let template = others.find("extra", &locale("en"), &Locale::english()).unwrap();
    let error = EMBEDDED.render(template, &Letter::sample(&Locale::english()), &plain());
    assert!(matches!(error.err(), Some(RenderError::Unknown(_))));
}

#[test]
fn a_folder_that_is_not_there_is_a_problem() {
    assert_eq!(Templates::load(Some(Path::new("/does/not/exist"))).unwrap_err().len(), 1);
}
