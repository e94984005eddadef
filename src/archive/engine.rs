//! What archiving is told to do and reports, and what planning and doing share.

use crate::catalog::inventory::Inventory;
use crate::catalog::names;
use crate::db::schema::Schema;
use crate::db::tally::Shown;
use crate::db::threads::Threads;
use crate::progress::Progress;
use crate::rollout::reader::Buffer;
use crate::survey::Context;
use crate::survey::comparison::{Comparison, Folders};
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
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

/// A file that went, or would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// From where.
    pub from: PathBuf,
    /// To where.
    pub to: PathBuf,
}

/// What became of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Files and row are as they should be, and were not before.
    Done,
    /// Files and row were as they should be.
    Unchanged,
    /// Refused or failed: files and row are as they were.
    Failed,
}

/// What became of one thread, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The thread; `None` for a file whose name does not say.
    pub id: Option<ThreadId>,
    /// How it ended.
    pub status: Status,
    /// Where the selected rollout was.
    pub from: Option<PathBuf>,
    /// Where it is now.
    pub to: Option<PathBuf>,
    /// All files that went.
    pub files: Vec<Moved>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Outcome {
    pub(super) fn failed(id: Option<ThreadId>, from: Option<PathBuf>, error: String) -> Outcome {
        Outcome { id, status: Status::Failed, from, to: None, files: Vec::new(), error: Some(error) }
    }
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// Each thread, in the order asked for; those that came along after the one that spawned them.
    pub threads: Vec<Outcome>,
    /// What Codex's default list shows before and after.
    pub shown: Shown,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// What made going on impossible; the threads after it were not tried.
    pub stopped: Option<anyhow::Error>,
}

impl Report {
    /// How many threads ended so.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.threads.iter().filter(|outcome| outcome.status == status).count()
    }
}

/// What planning and doing share.
pub(super) struct Engine<'a> {
    pub(super) config: &'a Config<'a>,
    pub(super) inventory: Inventory,
    pub(super) schema: Schema,
    pub(super) table: Threads,
    pub(super) comparison: Comparison,
    /// Where files of this inventory are by now.
    pub(super) moved: HashMap<PathBuf, PathBuf>,
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
