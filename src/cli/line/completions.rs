//! The completion scripts of the shells, from the one definition of the arguments; not where they are written.

use crate::cli::line::args::{Cli, NAME};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::{self, Write};

/// Every shell that there is a script for, with the file name under which the script is installed.
pub const SHELLS: [(Shell, &str); 5] = [
    (Shell::Bash, "codex-state.bash"),
    (Shell::Elvish, "codex-state.elv"),
    (Shell::Fish, "codex-state.fish"),
    (Shell::PowerShell, "_codex-state.ps1"),
    (Shell::Zsh, "_codex-state"),
];

/// Writes the script of `shell`.
///
/// # Errors
/// What the writer says.
pub fn write(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    out.write_all(&script)
}
