//! `codex-state unarchive`: the way back of `archive`, with which it shares everything but the direction.

use crate::archive::Direction;
use crate::cli::commands::app::App;
use crate::cli::commands::archive;
use crate::cli::line::args;
use crate::cli::line::exit::Exit;

/// Runs the command.
///
/// # Errors
/// It could not run.
pub fn run(app: &mut App, arguments: &args::Unarchive) -> anyhow::Result<Exit> {
    archive::move_threads(app, Direction::Unarchive, &arguments.moving)
}
