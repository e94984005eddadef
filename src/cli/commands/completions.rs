//! `codex-state completions`: prints the completion script of a shell.

use crate::cli::line::args;
use crate::cli::line::completions::write;
use std::io::{self, Write};

/// Runs the command.
///
/// # Errors
/// What the writer says.
pub fn run(out: &mut dyn Write, arguments: &args::Completions) -> io::Result<()> {
    write(arguments.shell, out)
}
