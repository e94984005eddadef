//! The options and the report of a backfill, and the database that it writes.

use super::index;
use crate::catalog::absent::AbsentFolder;
use crate::db::facts::DatabaseFacts;
use crate::db::many::{path_cell, path_of};
use crate::db::{Connection, Many, OpenOptions, Reader, Shown, Stored, Writer};
use crate::survey::select::Selected;
use crate::survey::{Context, Database};
use crate::thread::cell::Cell;
use crate::thread::times::Times;
use std::path::{Path, PathBuf};

/// Options of a backfill.
pub struct BackfillOptions<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// Skip files whose row says that they are unchanged.
    pub quick: bool,
    /// The source of `updated_at`.
    pub times: Times,
    /// The facts from another database.
    pub facts: Option<&'a DatabaseFacts>,
    /// How to read the database for a backup before the first change; `None` for no backup.
    pub backup: Option<&'a OpenOptions>,
    /// True to collect the data that [`index::append_names`] needs.
    pub notes_names: bool,
}

impl<'a> BackfillOptions<'a> {
    /// Returns the options of a backfill of a whole home, without a backup of the database.
    #[must_use]
    pub fn new(context: Context<'a>) -> BackfillOptions<'a> {
        BackfillOptions {
            context,
            threads: None,
            quick: false,
            times: Times::Auto,
            facts: None,
            backup: None,
            notes_names: false,
        }
    }
}

/// The database, and whether it is written.
pub enum BackfillTarget<'a> {
    /// Rows are written.
    Write(&'a mut Writer),
    /// Nothing is written; the changes are only counted.
    Preview(&'a mut Reader),
    /// A database that does not exist yet, for a preview of its creation.
    New(&'a Connection),
}

impl BackfillTarget<'_> {
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            BackfillTarget::Write(writer) => Some(writer.path()),
            BackfillTarget::Preview(reader) => Some(reader.path()),
            BackfillTarget::New(_) => None,
        }
    }

    pub(super) fn writes(&self) -> bool {
        matches!(self, BackfillTarget::Write(_))
    }
}

impl Database for BackfillTarget<'_> {
    fn read<T, E: Into<anyhow::Error>>(
        &mut self,
        mut f: impl FnMut(&Connection) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        match self {
            BackfillTarget::Write(writer) => writer.read(f),
            BackfillTarget::Preview(reader) => reader.read(f),
            BackfillTarget::New(connection) => f(connection).map_err(Into::into),
        }
    }
}

/// A file or folder that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its path.
    pub path: PathBuf,
    /// The reason.
    pub error: String,
    /// True if it may succeed another time.
    pub is_passing: bool,
}

impl Stored for Failure {
    fn to_cells(&self) -> Vec<Cell> {
        vec![path_cell(Some(&self.path)), Cell::Text(self.error.clone()), Cell::from(self.is_passing)]
    }

    fn from_cells(cells: Vec<Cell>) -> Option<Failure> {
        match <[Cell; 3]>::try_from(cells).ok()? {
            [path, Cell::Text(error), is_passing] => {
                Some(Failure { path: path_of(path)?, error, is_passing: is_passing == Cell::Integer(1) })
            }
            _ => None,
        }
    }

    fn size(&self) -> usize {
        self.path.as_os_str().len() + self.error.len() + 128
    }

    /// Returns bytes that sort like paths: a folder before all others that begin with its name.
    fn key(&self) -> Vec<u8> {
        let parts: Vec<&[u8]> =
            self.path.components().map(|part| part.as_os_str().as_encoded_bytes()).collect();
        parts.join(&0)
    }
}

/// The result of a backfill, or of its preview.
#[derive(Debug, Default)]
pub struct BackfillReport {
    /// Number of rollout files found; each is counted in exactly one of the next five.
    pub scanned: u64,
    /// Number of rows that were missing.
    pub inserted: u64,
    /// Number of rows that differed.
    pub updated: u64,
    /// Number of rows that agree.
    pub unchanged: u64,
    /// Number of files that were not chosen for their thread.
    pub superseded: u64,
    /// Number of files that could not be read.
    pub failed: u64,
    /// Number of uncompressed bytes read.
    pub bytes_read: u64,
    /// The files that could not be read, and the folders that could not be walked; by path.
    pub failures: Many<Failure>,
    /// The number of them that may succeed another time.
    pub n_passing: u64,
    /// Rollout folders that cannot be read although rows name rollouts in them.
    pub missing_folders: Vec<AbsentFolder>,
    /// Number of files with damaged lines beside their readable ones.
    pub n_damaged_files: u64,
    /// Number of updated rows in which only times differed.
    pub times_alone: u64,
    /// The newest version of Codex that wrote a rollout, as numbers.
    pub newest_version: Option<[u32; 2]>,
    /// The backup made before the first change, unless there is a recent one.
    pub backup: Option<PathBuf>,
    /// Tables and ids that an old row refers to and that could not be restored.
    pub lost_references: Vec<(&'static str, String)>,
    /// Number of threads left to a Codex that is writing them.
    pub left_to_codex: u64,
    /// The counts of Codex's default list before and after.
    pub shown: Shown,
    /// True if every file of the home was visited, and none failed for a reason that may pass.
    pub complete: bool,
    /// True if this run tells Codex that nothing is left to index. In a dry run: true if the real run would.
    pub completes_indexing: bool,
    /// True if the run was stopped before the end.
    pub interrupted: bool,
    /// The data that tells names from titles, if it was requested.
    pub names: index::NotedNames,
}

impl BackfillReport {
    pub(super) fn add_failure(&mut self, failure: Failure) {
        self.n_passing += u64::from(failure.is_passing);
        self.failures.push(failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_come_back_from_a_temporary_file_in_the_order_of_their_paths() {
        let failure = |path: &str, is_passing| Failure {
            path: path.into(),
            error: format!("{path} failed"),
            is_passing,
        };
        let mut expected =
            vec![failure("a", true), failure("a/b", false), failure("a-b/a", true), failure("b", false)];
        for max_bytes in [usize::MAX, 0] {
            let mut failures = Many::with_memory(None, max_bytes);
            expected.iter().rev().for_each(|failure| failures.push(failure.clone()));
            failures.finish().unwrap();
            expected.sort_by(|a, b| a.path.cmp(&b.path));
            assert_eq!(failures.to_vec().unwrap(), expected);
        }
    }
}
