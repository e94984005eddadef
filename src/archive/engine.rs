//! The options of archiving, and what planning and doing share.

use crate::catalog::inventory::Inventory;
use crate::catalog::names;
use crate::db::schema::Schema;
use crate::db::threads::Threads;
use crate::progress::Progress;
use crate::rollout::reader::Buffer;
use crate::survey::Context;
use crate::survey::comparison::{Comparison, Folders};
use crate::survey::select::Selected;
use std::cell::RefCell;
use std::time::Duration;

/// Which way threads go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into `archived_sessions/`.
    Archive,
    /// Back into `sessions/YYYY/MM/DD/`.
    Unarchive,
}

impl Direction {
    /// The command that does this.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Direction::Archive => "archive",
            Direction::Unarchive => "unarchive",
        }
    }

    /// What it has done.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Direction::Archive => "archived",
            Direction::Unarchive => "unarchived",
        }
    }

    /// The command that undoes it.
    #[must_use]
    pub fn reverse(self) -> Direction {
        match self {
            Direction::Archive => Direction::Unarchive,
            Direction::Unarchive => Direction::Archive,
        }
    }

    /// Whether threads that went this way are archived.
    pub(super) fn archives(self) -> bool {
        self == Direction::Archive
    }
}

/// What is to be done.
pub struct Config<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Which threads.
    pub threads: &'a [Selected],
    /// Which way.
    pub direction: Direction,
    /// Whether those that they spawned come along.
    pub recursive: bool,
    /// How long to wait for locks that are held for moments.
    pub patience: Duration,
}

/// What planning and doing share.
pub(super) struct Engine<'a> {
    pub(super) config: &'a Config<'a>,
    pub(super) inventory: Inventory,
    pub(super) schema: Schema,
    pub(super) table: Threads,
    pub(super) comparison: Comparison,
    pub(super) buffer: RefCell<Buffer>,
    pub(super) folders: Folders,
    /// How long to wait for a job of Codex that compresses or migrates.
    pub(super) maintenance_patience: Duration,
}

impl Engine<'_> {
    pub(super) fn load_names(&mut self, needed: bool, progress: &dyn Progress) {
        if needed || self.comparison.compares_names() {
            let home = self.config.context.home;
            self.comparison.names.get_or_insert_with(|| names::read_or_warn(home, progress));
        }
    }
}
