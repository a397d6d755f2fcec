//! Reads the HTML of a template as a browser would, with the template's tags in it, to know in what
//! context each value stands and where the links are.
use std::fmt::Write as _;

use super::{
    enclosed::content_id,
    lex::{Kind, Token},
    link::{Destination, Piece, Target, may_be_loaded, target},
    problem::{Place, TemplateProblem},
};

/// Elements that mail clients drop, or that reach out of the message.
const REFUSED: [&str; 12] = [
    "applet", "audio", "base", "embed", "form", "frame", "frameset", "iframe", "link", "object",
    "script", "video",
];
/// Elements whose content is text up to their end tag.
const TEXT_ONLY: [&str; 4] = ["style", "textarea", "title", "xmp"];
const VOID: [&str; 11] =
    ["area", "br", "col", "hr", "img", "input", "meta", "param", "source", "track", "wbr"];
/// Attributes that hold an address; `href` of a link is looked at more closely.
const ADDRESSES: [&str; 10] = [
    "action",
    "background",
    "cite",
    "data",
    "formaction",
    "href",
    "ping",
    "poster",
    "src",
    "srcset",
];
/// Elements that are open at the same time; the HTML parser keeps a stack of them.
const MAX_OPEN: usize = 200;
/// Links in one message; a number has 16 bits.
const MAX_LINKS: usize = 100;

/// An HTML part whose template tags are replaced by marks that survive an HTML parser.
pub(super) struct Page {
    pub(super) markup: String,
    /// The tag behind each mark, by its number.
    pub(super) tags: Vec<String>,
    /// Where the links lead, by their number.
    pub(super) links: Vec<Destination>,
    /// The pictures of our own that it shows, each with what is said if there is none.
    pub(super) images: Vec<(String, TemplateProblem)>,
}

/// How every mark begins.
pub(super) const MARK: &str = "HBQ";

/// The mark of a value; that of a block is a comment, which may stand between rows of a table.
pub(super) fn mark(number: usize) -> String {
    format!("{MARK}{number:05}Q")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// In the name of an element.
    Name,
    /// Between attributes.
    Inside,
    /// In the name of an attribute.
    Attribute,
    /// After `=`.
    Equals,
    Quoted(char),
    Bare,
    Comment,
    /// `<!doctype …>` and `<?…>`.
    Declaration,
}

struct Reader<'s> {
    state: State,
    element: String,
    is_end_tag: bool,
    attribute: String,
    /// The address that is being read: where it began, and what it is made of.
    address: Option<Address<'s>>,
    /// The element whose text this is, if it is one of [`TEXT_ONLY`].
    text_of: Option<String>,
    open: usize,
    page: Page,
    problems: Vec<TemplateProblem>,
}

struct Address<'s> {
    place: Place<'s>,
    markup: usize,
    tags: usize,
    pieces: Vec<Piece>,
}

/// The page made of expanded `tokens`.
///
/// # Errors
///
/// Every value that stands where escaping does not protect the reader, and every link that leads
/// nowhere good.
pub(super) fn read(tokens: &[Token<'_>]) -> Result<Page, Vec<TemplateProblem>> {
    let mut reader = Reader {
        state: State::Text,
        element: String::new(),
        is_end_tag: false,
        attribute: String::new(),
        address: None,
        text_of: None,
        open: 0,
        page: Page {
            markup: String::new(),
            tags: Vec::new(),
            links: Vec::new(),
            images: Vec::new(),
        },
        problems: Vec::new(),
    };
    for token in tokens {
        match token.kind {
            Kind::Text => reader.text(token),
            Kind::Value => reader.value(token),
            _ => reader.block(token),
        }
    }
    if let (true, Some(last)) = (reader.state != State::Text, tokens.last()) {
        reader.problems.push(last.place.problem("the page ends inside of a tag or comment"));
    }
    if reader.problems.is_empty() { Ok(reader.page) } else { Err(reader.problems) }
}

impl<'s> Reader<'s> {
    fn text(&mut self, token: &Token<'s>) {
        let mut skip = 0;
        let mut place = token.place;
        for (at, c) in token.text.char_indices() {
            let rest = &token.text[at..];
            match self.state {
                _ if skip > 0 => skip -= 1,
                State::Text if c == '<' => skip = self.open_angle(rest, place),
                State::Text => {}
                State::Comment if rest.starts_with("-->") => {
                    skip = "->".len();
                    self.state = State::Text;
                }
                State::Comment => {}
                State::Declaration if c == '>' => self.state = State::Text,
                State::Declaration => {}
                _ => self.tag_character(c, place),
            }
            self.page.markup.push(c);
            place = place.after_character(c);
        }
    }

    /// After `<` in text; returns how many characters after it are known already.
    fn open_angle(&mut self, rest: &str, place: Place<'s>) -> usize {
        if let Some(name) = &self.text_of {
            let ends =
                rest.get(2..2 + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name));
            if !(rest.starts_with("</") && ends) {
                return 0;
            }
        }
        let mut next = rest.chars().skip(1);
        match next.next() {
            Some('!') if rest.starts_with("<!--") => {
                self.state = State::Comment;
                3
            }
            Some('!' | '?') => {
                self.state = State::Declaration;
                1
            }
            Some('/') => {
                self.begin_tag(true);
                1
            }
            Some(c) if c.is_ascii_alphabetic() => {
                self.begin_tag(false);
                0
            }
            None => {
                self.problems.push(place.problem("`<` with nothing after it: write `&lt;`"));
                0
            }
            Some(_) => 0,
        }
    }

    fn begin_tag(&mut self, is_end_tag: bool) {
        self.state = State::Name;
        self.is_end_tag = is_end_tag;
        self.element.clear();
        self.attribute.clear();
    }

    fn tag_character(&mut self, c: char, place: Place<'s>) {
        match (self.state, c) {
            (State::Quoted(quote), c) if c == quote => {
                self.end_value();
                self.state = State::Inside;
            }
            (State::Quoted(_), c) => self.literal(c),
            (State::Bare, c) if c.is_ascii_whitespace() => {
                self.end_value();
                self.state = State::Inside;
            }
            (State::Bare, c) if c != '>' => self.literal(c),
            (State::Equals, '"' | '\'') => self.begin_value(State::Quoted(c), place),
            (State::Equals, c) if c.is_ascii_whitespace() => {}
            (State::Equals, c) if c != '>' => {
                self.begin_value(State::Bare, place);
                self.literal(c);
            }
            (_, '>') => {
                self.end_value();
                self.end_tag(place);
            }
            (State::Name, c) if c.is_ascii_whitespace() || c == '/' => self.state = State::Inside,
            (State::Name, c) => self.element.push(c.to_ascii_lowercase()),
            (State::Attribute | State::Inside, '=') => {
                self.check_attribute(place);
                self.state = State::Equals;
            }
            // White space keeps the name: `href = "…"` is one attribute.
            (State::Attribute, c) if c.is_ascii_whitespace() || c == '/' => {
                self.state = State::Inside;
            }
            (State::Attribute, c) => self.attribute.push(c.to_ascii_lowercase()),
            (State::Inside, c) if !c.is_ascii_whitespace() && c != '/' => {
                self.attribute = c.to_ascii_lowercase().to_string();
                self.state = State::Attribute;
            }
            _ => {}
        }
    }

    fn check_attribute(&mut self, place: Place<'s>) {
        if self.attribute.starts_with("on") || self.attribute == "srcdoc" {
            let message = format!("`{}` is no attribute for mail", self.attribute);
            self.problems.push(place.problem(message));
        }
    }

    fn begin_value(&mut self, state: State, place: Place<'s>) {
        self.state = state;
        if ADDRESSES.contains(&self.attribute.as_str()) {
            // The quote itself is still to be written.
            let quote = usize::from(matches!(state, State::Quoted(_)));
            self.address = Some(Address {
                place,
                markup: self.page.markup.len() + quote,
                tags: self.page.tags.len(),
                pieces: Vec::new(),
            });
        }
    }

    fn literal(&mut self, c: char) {
        let Some(address) = &mut self.address else { return };
        match address.pieces.last_mut() {
            Some(Piece::Literal(text)) => text.push(c),
            _ => address.pieces.push(Piece::Literal(c.to_string())),
        }
    }

    fn end_value(&mut self) {
        let Some(address) = self.address.take() else { return };
        let pieces: Vec<Piece> = address.pieces.into_iter().map(Piece::decoded).collect();
        if self.attribute == "href" && matches!(self.element.as_str(), "a" | "area") {
            match target(pieces) {
                Ok(Target::Plain) => {}
                Ok(Target::Tracked(_)) if self.page.links.len() == MAX_LINKS => {
                    let message = format!("a message has at most {MAX_LINKS} links");
                    self.problems.push(address.place.problem(message));
                }
                Ok(Target::Tracked(destination)) => {
                    self.page.markup.truncate(address.markup);
                    self.page.tags.truncate(address.tags);
                    let number = self.page.links.len();
                    self.page.links.push(destination);
                    self.push_tag(format!("{{{{links.l{number}}}}}"), false);
                }
                Err(problem) => self.problems.push(address.place.problem(problem.to_string())),
            }
            return;
        }
        if !may_be_loaded(&self.attribute, &pieces) {
            let message = format!(
                "`{}` must be a whole http, https or cid address without values",
                self.attribute
            );
            self.problems.push(address.place.problem(message));
        } else if let [Piece::Literal(url)] = pieces.as_slice()
            && let Some((scheme, name)) = url.trim().split_once(':')
            && scheme.eq_ignore_ascii_case("cid")
        {
            let message = format!("there is no picture `{name}` in `images`");
            self.page.images.push((name.to_owned(), address.place.problem(message)));
            self.page.markup.truncate(address.markup);
            // A name that has to be escaped is that of no picture.
            let id = content_id(name).replace(['"', '\'', '<', '>', '&'], "_");
            write!(self.page.markup, "cid:{id}").expect("a string takes any text");
        }
    }

    fn end_tag(&mut self, place: Place<'s>) {
        self.check_attribute(place);
        self.state = State::Text;
        let name = self.element.as_str();
        if self.is_end_tag {
            self.text_of = None;
            self.open = self.open.saturating_sub(1);
            return;
        }
        if REFUSED.contains(&name) {
            let message = format!("`<{name}>` has no place in mail");
            self.problems.push(place.problem(message));
        }
        if TEXT_ONLY.contains(&name) {
            self.text_of = Some(name.to_owned());
        }
        if !VOID.contains(&name) {
            self.open += 1;
            if self.open == MAX_OPEN {
                let message = format!("{MAX_OPEN} elements are open: are they ever closed?");
                self.problems.push(place.problem(message));
            }
        }
    }

    fn value(&mut self, token: &Token<'s>) {
        let refusal = match self.state {
            State::Text if self.text_of.as_deref().is_none_or(|name| name == "title") => None,
            State::Text => Some("a value may not stand in a style sheet"),
            State::Quoted(_) if self.attribute == "style" => {
                Some("a value may not stand in a style")
            }
            State::Quoted(_) => None,
            State::Bare | State::Equals => Some("put quotes around the attribute"),
            State::Comment => Some("a value may not stand in a comment"),
            _ => Some("a value may not stand in the middle of a tag"),
        };
        if let Some(message) = refusal {
            self.problems.push(token.place.problem(message));
        }
        if let Some(address) = &mut self.address {
            address.pieces.push(Piece::Value(token.inner().to_owned()));
        }
        self.push_tag(token.text.to_owned(), false);
    }

    fn block(&mut self, token: &Token<'s>) {
        if self.state != State::Text || self.text_of.is_some() {
            let message = "a condition may not stand inside of a tag or style: put it around";
            self.problems.push(token.place.problem(message));
        }
        self.push_tag(token.text.to_owned(), true);
    }

    fn push_tag(&mut self, tag: String, is_block: bool) {
        let mark = mark(self.page.tags.len());
        self.page.tags.push(tag);
        let (before, after) = if is_block { ("<!--", "-->") } else { ("", "") };
        write!(self.page.markup, "{before}{mark}{after}").expect("a string takes any text");
    }
}
