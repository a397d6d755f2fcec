//! What the program promises, tried from the outside: one binary, so that it links once.
//!
//! Whatever touches a database runs on both; `tests/run` starts a PostgreSQL for it.
mod architecture;
mod crash;
mod e2e;
mod engine;
mod faults;
mod mail;
mod migrations;
mod readme;
mod store;
mod support;
