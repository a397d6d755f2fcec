//! A customer-nurturing engine that works by e-mail.
//!
//! One pure function, [`domain::decide`], says who hears from us next, when and why. Everything else
//! brings it facts or carries out what it said. `docs/architecture.md` has the picture.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod engine;
pub mod inbound;
pub mod lookup;
pub mod mail;
pub mod sandbox;
pub mod sheet;
pub mod smtp;
pub mod store;
pub mod web;
