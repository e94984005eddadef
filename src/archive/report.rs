//! What archiving did with each thread. Of many threads most lie in a temporary file.

use crate::db::many::{Many, Stored};
use crate::db::tally::{Shown, Tally};
use crate::sys;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use std::path::{Path, PathBuf};

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

impl Stored for Outcome {
    const WIDTH: usize = 7;

    fn to_cells(&self) -> Vec<Cell> {
        let path = |path: &Path| Cell::Blob(sys::path_to_bytes(path));
        let optional = |place: &Option<PathBuf>| place.as_deref().map_or(Cell::Null, path);
        let mut cells = vec![
            Cell::optional_text(self.id.map(|id| id.to_string()).as_deref()),
            Cell::Integer(self.status as i64),
            optional(&self.from),
            optional(&self.to),
            Cell::optional_text(self.error.as_deref()),
        ];
        cells.extend(self.files.iter().flat_map(|file| [path(&file.from), path(&file.to)]));
        cells
    }

    fn from_cells(cells: Vec<Cell>) -> Option<Outcome> {
        let path = |cell: Cell| match cell {
            Cell::Blob(bytes) => Some(sys::path_from_bytes(bytes)),
            _ => None,
        };
        let mut cells = cells.into_iter();
        let id = cells.next()?.as_text().and_then(ThreadId::parse);
        let status = match cells.next()? {
            Cell::Integer(0) => Status::Done,
            Cell::Integer(1) => Status::Unchanged,
            _ => Status::Failed,
        };
        let (from, to) = (path(cells.next()?), path(cells.next()?));
        let error = cells.next()?.as_text().map(str::to_owned);
        let mut files = Vec::new();
        while let (Some(from), Some(to)) = (cells.next().and_then(path), cells.next().and_then(path)) {
            files.push(Moved { from, to });
        }
        Some(Outcome { id, status, from, to, files, error })
    }

    fn size(&self) -> usize {
        let length = |path: &Path| path.as_os_str().len();
        let files: usize = self.files.iter().map(|file| length(&file.from) + length(&file.to)).sum();
        let ends: usize = [&self.from, &self.to].into_iter().flatten().map(|path| length(path)).sum();
        files + ends + self.error.as_ref().map_or(0, String::len) + 256
    }
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// Each thread, in the order asked for; those that came along after the one that spawned them.
    pub threads: Many<Outcome>,
    /// The number of threads that ended each way; by [`Status`].
    counts: [usize; 3],
    /// The number of files that went, or would go.
    pub n_files: usize,
    /// What Codex's default list shows before and after.
    pub shown: Shown,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// What made going on impossible; the threads after it were not tried.
    pub stopped: Option<anyhow::Error>,
}

impl Report {
    /// Returns the report of a run that was interrupted before it did anything.
    #[must_use]
    pub fn before_any() -> Report {
        Report { interrupted: true, ..Report::default() }
    }

    /// Returns the number of threads that ended so.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.counts[status as usize]
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.counts[outcome.status as usize] += 1;
        self.n_files += outcome.files.len();
        self.threads.push(outcome);
    }

    /// Makes the outcomes readable.
    pub(super) fn end(mut self, tally: Tally) -> Report {
        self.shown = tally.end();
        if let Err(error) = self.threads.finish(None) {
            self.stopped.get_or_insert(error);
        }
        self
    }
}
