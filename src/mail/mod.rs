//! Template and person in, bytes out.
//!
//! [`Templates`] are loaded and checked once. [`Templates::render`] makes a letter, and [`compose`]
//! a message of it. Neither reads a clock or draws a random number, so that a second attempt sends
//! the same bytes as the first. Nothing here knows of databases, networks, or who is written to why.
#![warn(missing_docs)]

mod assets;
mod build;
mod calendar;
mod check;
mod dkim;
mod enclosed;
mod expand;
mod inline;
mod lex;
mod link;
mod message;
mod page;
mod parts;
mod problem;
mod render;
mod source;
mod templates;
mod trial;
mod words;

pub use calendar::Invite;
pub use dkim::sign;
pub use enclosed::{Enclosed, Enclosure};
pub use link::{LinkProblem, Links};
pub use message::{ComposeError, Kind, List, Mailbox, Message, compose};
pub use problem::TemplateProblem;
pub use render::{RenderError, Rendered};
pub use templates::{Template, Templates};

#[cfg(test)]
mod folder_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;
