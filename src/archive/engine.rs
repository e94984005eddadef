//! The options of archive and unarchive, and the state that planning and running share.

use crate::catalog::inventory::Inventory;
use crate::catalog::names::Names;
use crate::db::{Schema, ThreadStatements};
use crate::progress::Progress;
use crate::rollout::reader::Buffer;
use crate::survey::Context;
use crate::survey::comparison::{Comparison, Folders};
use crate::survey::select::Selected;
use std::cell::RefCell;
use std::time::Duration;

/// The direction in which threads are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into `archived_sessions/`.
    Archive,
    /// Back into `sessions/YYYY/MM/DD/`.
    Unarchive,
}

impl Direction {
    /// Returns the name of the command.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Direction::Archive => "archive",
            Direction::Unarchive => "unarchive",
        }
    }

    /// Returns the word for the result.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Direction::Archive => "archived",
            Direction::Unarchive => "unarchived",
        }
    }

    /// Returns the name of the command that undoes it.
    #[must_use]
    pub fn undo(self) -> &'static str {
        match self {
            Direction::Archive => "unarchive",
            Direction::Unarchive => "archive",
        }
    }

    /// Returns true if the threads are archived afterwards.
    pub(super) fn archives(self) -> bool {
        self == Direction::Archive
    }
}

/// Options of archive and unarchive.
pub struct ArchiveOptions<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// The requested threads.
    pub threads: &'a [Selected],
    /// The direction.
    pub direction: Direction,
    /// True to include the threads that they spawned.
    pub recursive: bool,
    /// Maximum time to wait for briefly held locks.
    pub patience: Duration,
}

/// The state that planning and running share.
pub(super) struct Engine<'a> {
    pub(super) options: &'a ArchiveOptions<'a>,
    pub(super) inventory: Inventory,
    pub(super) schema: Schema,
    pub(super) table: ThreadStatements,
    pub(super) comparison: Comparison,
    pub(super) buffer: RefCell<Buffer>,
    pub(super) folders: Folders,
    /// Maximum time to wait for a job of Codex that compresses or migrates.
    pub(super) maintenance_patience: Duration,
}

impl Engine<'_> {
    pub(super) fn load_names(&mut self, needed: bool, progress: &dyn Progress) {
        if needed || self.comparison.compares_names() {
            let home = self.options.context.home;
            self.comparison.names.get_or_insert_with(|| Names::read_or_warn(home, progress));
        }
    }
}
