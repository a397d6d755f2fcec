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

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The same with files that are no text.
fn with_assets(files: &[(&str, &str)], assets: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = folder(files);
    for (path, bytes) in assets {
        let path = folder.path().join("mail").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

#[test]
fn a_template_brings_its_pictures_and_files() {
    let html = HTML.replace("<p>Hi</p>", "<img src=\"cid:cake.png\" alt=\"\"><p>Hi</p>");
    let files = [("birthday/en/body.html.hbs", html.as_str())];
    let folder = with_assets(
        &files,
        &[
            ("images/cake.png", b"\x89PNG\r\n\x1a\nshared"),
            ("birthday/images/cake.png", PNG),
            ("birthday/attachments/list.pdf", b"general"),
            ("birthday/en/attachments/list.pdf", b"English"),
            ("birthday/attachments/产品目录.pdf", b"2026"),
            ("birthday/zh-CN/attachments/说明.pdf", b"zh"),
        ],
    );
    let templates = Templates::load(Some(folder.path())).unwrap();
    let template = templates.find("birthday", &locale("en"), &Locale::english()).unwrap();
    let made = templates.render(template, &Letter::sample(&locale("en")), &plain()).unwrap();
    assert!(made.html.contains("src=\"cid:cake.png@perennial\""), "{}", made.html);
    let shown = |all: &[Enclosure]| {
        all.iter().map(|one| (one.name.clone(), one.bytes.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(shown(&made.enclosed.images), [("cake.png".to_owned(), PNG.to_vec())]);
    let expected = [("list.pdf", "English"), ("产品目录.pdf", "2026")];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    assert_eq!(shown(&made.enclosed.files), expected);
    let warnings: Vec<_> = templates.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["mail/images/cake.png: no template shows this picture"]);
}

#[test]
fn a_picture_that_is_not_there_is_told_with_its_place() {
    let html = HTML.replace("<p>Hi</p>", "<p>Hi</p>\n<img src='cid:cake.png' alt=''>");
    assert_eq!(
        problems(&[("birthday/en/body.html.hbs", &html)]),
        ["mail/birthday/en/body.html.hbs:3:10: there is no picture `cake.png` in `images`"]
    );
}

#[test]
fn files_that_are_too_much_or_not_what_they_say_are_told() {
    let megabytes = vec![b'a'; 2 * 1024 * 1024];
    let folder = with_assets(
        &[],
        &[
            ("birthday/en/attachments/a.pdf", &megabytes),
            ("birthday/en/attachments/b.pdf", &megabytes),
            ("birthday/en/attachments/c.pdf", &megabytes),
            ("birthday/images/fake.png", b"<svg>"),
            ("birthday/attachments/setup.exe", b"MZ"),
        ],
    );
    let problems = Templates::load(Some(folder.path())).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r"
    mail/birthday/attachments/setup.exe: an attachment is a picture or one of csv, docx, ics, odt, pdf, pptx, txt, xlsx, zip: mail gateways stop other files
    mail/birthday/en/body.html.hbs: its pictures and files have 6291456 bytes, more than 5 MB
    mail/birthday/images/fake.png: is no picture of the kind that its name says
    ");
}

#[cfg(unix)]
#[test]
fn a_file_outside_of_the_folder_goes_with_no_mail() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.pdf"), "secret").unwrap();
    let folder = with_assets(&[], &[("birthday/attachments/a.pdf", b"a")]);
    let link = folder.path().join("mail/birthday/attachments/b.pdf");
    std::os::unix::fs::symlink(outside.path().join("secret.pdf"), link).unwrap();
    let problems = Templates::load(Some(folder.path())).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["mail/birthday/attachments/b.pdf: leads out of the templates folder"]);
}

#[test]
fn html_that_is_long_is_warned_of_and_too_long_refused() {
    let with = |length: usize| {
        let html = HTML.replace("<p>Hi</p>", &format!("<p>{}</p>", "Hi ".repeat(length / 3)));
        Templates::load(Some(folder(&[("birthday/en/body.html.hbs", &html)]).path()))
    };
    assert_eq!(with(60_000).unwrap().warnings(), []);
    let warned = with(85_000).unwrap();
    assert_eq!(warned.warnings().len(), 1);
    assert!(warned.warnings()[0].message.contains("cut off behind 102400"));
    assert!(with(103_000).unwrap_err()[0].message.contains("more than the 102400"));
}
