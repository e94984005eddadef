//! The results of archive and unarchive for each thread. If there are many, most are in a temporary file.

use crate::db::many::{path_cell, path_of};
use crate::db::{Many, Shown, Stored, Tally};
use crate::survey::change::ChangeStatus;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use std::path::{Path, PathBuf};

/// A file that was moved, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedFile {
    /// Path before.
    pub from: PathBuf,
    /// Path after.
    pub to: PathBuf,
}

/// The result for one thread, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveOutcome {
    /// The thread; `None` for a file whose name does not give one.
    pub id: Option<ThreadId>,
    /// The kind of result.
    pub status: ChangeStatus,
    /// Path of the selected rollout before.
    pub from: Option<PathBuf>,
    /// Path of the selected rollout after.
    pub to: Option<PathBuf>,
    /// All files that were moved.
    pub files: Vec<MovedFile>,
    /// The reason of the failure.
    pub error: Option<String>,
}

impl ArchiveOutcome {
    pub(super) fn failed(id: Option<ThreadId>, from: Option<PathBuf>, error: String) -> ArchiveOutcome {
        ArchiveOutcome {
            id,
            status: ChangeStatus::Failed,
            from,
            to: None,
            files: Vec::new(),
            error: Some(error),
        }
    }
}

impl Stored for ArchiveOutcome {
    fn to_cells(&self) -> Vec<Cell> {
        let mut cells = vec![
            Cell::optional_text(self.id.map(|id| id.to_string()).as_deref()),
            Cell::Integer(self.status as i64),
            path_cell(self.from.as_deref()),
            path_cell(self.to.as_deref()),
            Cell::optional_text(self.error.as_deref()),
        ];
        let ends = self.files.iter().flat_map(|file| [&file.from, &file.to]);
        cells.extend(ends.map(|path| path_cell(Some(path))));
        cells
    }

    fn from_cells(cells: Vec<Cell>) -> Option<ArchiveOutcome> {
        let mut cells = cells.into_iter();
        let id = cells.next()?.as_text().and_then(ThreadId::parse);
        let status = match cells.next()? {
            Cell::Integer(0) => ChangeStatus::Done,
            Cell::Integer(1) => ChangeStatus::Kept,
            _ => ChangeStatus::Failed,
        };
        let (from, to) = (path_of(cells.next()?), path_of(cells.next()?));
        let error = cells.next()?.as_text().map(str::to_owned);
        let mut files = Vec::new();
        while let (Some(from), Some(to)) = (cells.next().and_then(path_of), cells.next().and_then(path_of)) {
            files.push(MovedFile { from, to });
        }
        Some(ArchiveOutcome { id, status, from, to, files, error })
    }

    fn size(&self) -> usize {
        let length = |path: &Path| path.as_os_str().len();
        let files: usize = self.files.iter().map(|file| length(&file.from) + length(&file.to)).sum();
        let ends: usize = [&self.from, &self.to].into_iter().flatten().map(|path| length(path)).sum();
        files + ends + self.error.as_ref().map_or(0, String::len) + 256
    }
}

/// The result of a run, or of its preview.
#[derive(Debug, Default)]
pub struct ArchiveReport {
    /// All threads, in the requested order; spawned threads follow the one that spawned them.
    pub threads: Many<ArchiveOutcome>,
    /// The number of threads with each result, by [`ChangeStatus`].
    counts: [u64; 3],
    /// The number of files that were moved, or would be.
    pub n_files: u64,
    /// The counts of Codex's default list before and after.
    pub shown: Shown,
    /// True if the run was stopped before the end.
    pub interrupted: bool,
    /// The error that ended the run; the threads after it were not tried.
    pub stopped: Option<anyhow::Error>,
}

impl ArchiveReport {
    /// Returns the report of a run that was interrupted before it changed anything.
    #[must_use]
    pub fn before_any() -> ArchiveReport {
        ArchiveReport { interrupted: true, ..ArchiveReport::default() }
    }

    /// Returns the number of threads with this result.
    #[must_use]
    pub fn count(&self, status: ChangeStatus) -> u64 {
        self.counts[status as usize]
    }

    pub(super) fn add(&mut self, outcome: ArchiveOutcome) {
        self.counts[outcome.status as usize] += 1;
        self.n_files += outcome.files.len() as u64;
        self.threads.push(outcome);
    }

    /// Ends the report, so that its outcomes can be read.
    pub(super) fn end(mut self, tally: Tally) -> ArchiveReport {
        self.shown = tally.end();
        if let Err(error) = self.threads.finish() {
            self.stopped.get_or_insert(error);
        }
        self
    }
}
