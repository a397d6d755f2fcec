//! Template files: the ones built into the program, and a folder that may replace them by name.
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};

use super::{
    assets::{self, Assets},
    enclosed::Enclosure,
    problem::TemplateProblem,
};
use crate::domain::Locale;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Bytes of one file.
const MAX_FILE: u64 = 256 * 1024;
/// Files in one folder tree; a wrong folder is noticed before everything in it is read.
const MAX_FILES: usize = 2_000;
/// Where the templates of this room are, inside the templates folder.
const ROOT: &str = "mail";
const SUFFIX: &str = ".hbs";

/// The text of every template file by its path inside the templates folder, `/` between the parts.
pub(super) type Sources = BTreeMap<String, String>;

/// The three files of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Subject,
    Text,
    Html,
}

/// What a template file is, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role<'p> {
    /// `mail/layout.html.hbs`
    Layout(Part),
    /// `mail/footer/en.html.hbs`
    Footer(&'p str, Part),
    /// `mail/birthday/en/body.html.hbs`
    Message { name: &'p str, locale: &'p str, part: Part },
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];

    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Subject => "subject.txt.hbs",
            Self::Text => "body.txt.hbs",
            Self::Html => "body.html.hbs",
        }
    }
}

/// The embedded files by their path in a templates folder, for writing them out.
pub(super) fn embedded() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut found = Vec::new();
    if let Some(dir) = EMBEDDED.get_dir(ROOT) {
        collect_embedded(dir, &mut found);
    }
    found.sort_unstable();
    found.into_iter()
}

fn collect_embedded(dir: &'static Dir<'static>, found: &mut Vec<(&'static str, &'static str)>) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            found.push((path, text));
        }
    }
    for dir in dir.dirs() {
        collect_embedded(dir, found);
    }
}

/// `a-z`, `0-9`, `-` and `_`, 1 to 64 of them: safe as a part of a path on every system.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

/// Everything in a templates folder.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) sources: Sources,
    pub(super) assets: Assets,
    pub(super) problems: Vec<TemplateProblem>,
}

/// Every template file, picture and attachment, those in `folder` in the place of embedded ones of
/// the same path.
pub(super) fn read(folder: Option<&Path>) -> Tree {
    let mut tree = Tree::default();
    if let Some(dir) = EMBEDDED.get_dir(ROOT) {
        tree.embed(dir);
    }
    if let Some(folder) = folder {
        match fs::canonicalize(folder) {
            Ok(root) => {
                Folder { root, tree: &mut tree, files: 0 }.read(&folder.join(ROOT), ROOT);
            }
            Err(error) => {
                let message = format!("the templates folder cannot be read: {error}");
                let file = folder.display().to_string();
                tree.problems.push(TemplateProblem::of_file(&file, message));
            }
        }
    }
    let Tree { sources, problems, .. } = &mut tree;
    sources.retain(|path, _| match role(path) {
        Ok(_) => true,
        Err(message) => {
            problems.push(TemplateProblem::of_file(path, message));
            false
        }
    });
    tree
}

impl Tree {
    fn embed(&mut self, dir: &'static Dir<'static>) {
        for file in dir.files() {
            let Some(path) = file.path().to_str() else { continue };
            if assets::is_asset(path) {
                self.add_asset(path, assets::enclosure(path, file.contents()));
            } else if let Some(text) = file.contents_utf8() {
                self.sources.insert(path.to_owned(), text.to_owned());
            }
        }
        for dir in dir.dirs() {
            self.embed(dir);
        }
    }

    fn add_asset(&mut self, path: &str, read: Result<Enclosure, String>) {
        self.assets.remove(path);
        match read {
            Ok(asset) => drop(self.assets.insert(path.to_owned(), asset)),
            Err(message) => self.problems.push(TemplateProblem::of_file(path, message)),
        }
    }
}

/// What the file at `path` is for.
pub(super) fn role(path: &str) -> Result<Role<'_>, String> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [ROOT, "layout.html.hbs"] => Ok(Role::Layout(Part::Html)),
        [ROOT, "layout.txt.hbs"] => Ok(Role::Layout(Part::Text)),
        [ROOT, "footer", file] => {
            let html = file.strip_suffix(".html.hbs").map(|tag| (tag, Part::Html));
            let (tag, part) = html
                .or_else(|| file.strip_suffix(".txt.hbs").map(|tag| (tag, Part::Text)))
                .ok_or("a footer is named `LOCALE.html.hbs` or `LOCALE.txt.hbs`")?;
            checked_locale(tag).map(|tag| Role::Footer(tag, part))
        }
        [ROOT, name, locale, file] => {
            if !is_name(name) {
                return Err("a template is named with a-z, 0-9, `-` and `_`, at most 64".to_owned());
            }
            let part = Part::ALL.into_iter().find(|part| part.file_name() == *file);
            let part = part.ok_or("expected subject.txt.hbs, body.txt.hbs or body.html.hbs")?;
            checked_locale(locale).map(|locale| Role::Message { name, locale, part })
        }
        _ => Err("expected mail/NAME/LOCALE/FILE, mail/footer/FILE or mail/layout.*".to_owned()),
    }
}

fn checked_locale(tag: &str) -> Result<&str, String> {
    match tag.parse::<Locale>() {
        Ok(locale) if locale.as_str() == tag => Ok(tag),
        Ok(locale) => Err(format!("`{tag}` must be written `{locale}`")),
        Err(error) => Err(error.to_string()),
    }
}

struct Folder<'a> {
    root: PathBuf,
    tree: &'a mut Tree,
    files: usize,
}

impl Folder<'_> {
    /// Reads `dir`, which is `name` inside the templates folder. A missing one replaces nothing.
    fn read(&mut self, dir: &Path, name: &str) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refuse(name, format!("cannot be read: {error}")),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let Some(file) = path.file_name().map(|file| file.to_string_lossy().into_owned())
            else {
                continue;
            };
            // Editors, versioning and mounted volumes keep their own things behind a dot.
            if !file.starts_with('.') {
                self.entry(&path, &format!("{name}/{file}"));
            }
        }
    }

    fn entry(&mut self, path: &Path, name: &str) {
        self.files += 1;
        if self.files == MAX_FILES {
            self.refuse(name, format!("more than {MAX_FILES} files: is this the right folder?"));
        }
        if self.files >= MAX_FILES {
            return;
        }
        match fs::canonicalize(path) {
            Ok(real) if !real.starts_with(&self.root) => {
                self.refuse(name, "leads out of the templates folder".to_owned());
            }
            Ok(real) if real.is_dir() => {
                // `mail/NAME/LOCALE` is as deep as it gets besides what is attached; a link to a
                // parent would go on for ever.
                if name.matches('/').count() <= 2 || assets::is_shelf(name) {
                    self.read(path, name);
                }
            }
            Ok(real) if assets::is_asset(name) => {
                self.tree.add_asset(name, assets::read(&real, name));
            }
            Ok(real) if name.ends_with(SUFFIX) => self.file(&real, name),
            Ok(_) => {}
            Err(error) => self.refuse(name, format!("cannot be read: {error}")),
        }
    }

    fn file(&mut self, path: &Path, name: &str) {
        match read_text(path) {
            Ok(text) => {
                self.tree.sources.insert(name.to_owned(), text);
            }
            Err(message) => {
                self.tree.sources.remove(name);
                self.refuse(name, message);
            }
        }
    }

    fn refuse(&mut self, name: &str, message: String) {
        self.tree.problems.push(TemplateProblem::of_file(name, message));
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let cannot = |error: io::Error| format!("cannot be read: {error}");
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(cannot)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("is larger than {} kB", MAX_FILE / 1024));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    if text.contains('\0') {
        return Err("holds a NUL".to_owned());
    }
    // Editors on Windows add a mark at the front and carriage returns; our own parts have neither.
    Ok(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(files: &[(&str, &[u8])]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        read(Some(folder.path())).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_says_what_a_file_is_for() {
        let message = Role::Message { name: "birthday", locale: "zh-CN", part: Part::Html };
        assert_eq!(role("mail/birthday/zh-CN/body.html.hbs"), Ok(message));
        assert_eq!(role("mail/footer/en.txt.hbs"), Ok(Role::Footer("en", Part::Text)));
        assert_eq!(role("mail/layout.html.hbs"), Ok(Role::Layout(Part::Html)));
    }

    #[test]
    fn paths_that_could_lead_elsewhere_are_refused() {
        for path in [
            "mail/../../etc/passwd",
            "mail/%2e%2e/en/subject.txt.hbs",
            "mail/Birthday/en/subject.txt.hbs",
            "mail/a b/en/subject.txt.hbs",
            "mail/birthday/../subject.txt.hbs",
            "mail/birthday/zh_cn/subject.txt.hbs",
            "mail/birthday/en/body.htm.hbs",
            "mail//en/subject.txt.hbs",
            "/etc/passwd",
        ] {
            assert!(role(path).is_err(), "{path}");
        }
        assert!(!is_name(&"a".repeat(65)) && !is_name("a\0") && !is_name(".") && !is_name(""));
    }

    #[test]
    fn files_that_are_too_large_or_no_text_are_refused_all_at_once() {
        let problems = problems_of(&[
            ("mail/a/en/subject.txt.hbs", &vec![b'a'; 256 * 1024 + 1]),
            ("mail/b/en/subject.txt.hbs", b"\xff\xfe"),
            ("mail/c/en/subject.txt.hbs", b"a\0"),
            ("mail/C/en/subject.txt.hbs", b"a"),
            ("mail/d/en/notes.md", b"ignored"),
        ]);
        assert_eq!(problems.len(), 4, "{problems:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused_and_one_inside_is_followed() {
        let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = outside.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        let dir = folder.path().join("mail/a/en");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("body.txt.hbs"), "inside").unwrap();
        std::os::unix::fs::symlink(&secret, dir.join("subject.txt.hbs")).unwrap();
        std::os::unix::fs::symlink(dir.join("body.txt.hbs"), dir.join("body.html.hbs")).unwrap();
        std::os::unix::fs::symlink("/", dir.join("root")).unwrap();
        std::os::unix::fs::symlink("..", dir.join("up")).unwrap();

        let Tree { sources, problems, .. } = read(Some(folder.path()));

        assert_eq!(sources["mail/a/en/body.html.hbs"], "inside");
        assert!(!sources.values().any(|text| text == "secret"));
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_problem_and_an_empty_one_is_not() {
        assert_eq!(read(Some(Path::new("/does/not/exist"))).problems.len(), 1);
        assert!(problems_of(&[]).is_empty());
    }
}
