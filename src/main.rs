//! The `perennial` command.
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    perennial::cli::main().await
}
