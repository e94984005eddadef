//! The `codex-state` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    codex_state::cli::run(std::env::args_os()).into()
}
