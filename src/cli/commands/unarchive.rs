//! `codex-state unarchive`: undoes `archive`, with which it shares everything but the direction.

use crate::archive::Direction;
use crate::cli::commands::{App, archive};
use crate::cli::line::{Exit, args};

/// Runs the command.
///
/// # Errors
/// If the command cannot run.
pub fn run(app: &mut App, arguments: &args::UnarchiveArgs) -> anyhow::Result<Exit> {
    archive::move_threads(app, Direction::Unarchive, &arguments.moving)
}
