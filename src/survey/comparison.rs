//! Compares a rollout with its row. It applies the pure rules of `thread/`, with answers from the file system and the
//! database.

use crate::catalog::names::Names;
use crate::catalog::paths::same_path;
use crate::db::schema::Schema;
use crate::db::{Connection, ledger, threads};
use crate::sys;
use crate::thread::ThreadMetadata;
use crate::thread::columns::{Col, ColumnSet, Row};
use crate::thread::diff::{self, FieldDifference};
use crate::thread::merge::{self, MergeContext, Merged};
use crate::thread::times::Times;
use crate::thread::{facts, folder};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

/// The migration since which Codex itself names guardian threads.
///
/// Source: docs/codex-home.md 4.
const NAMES_GUARDIANS: i64 = 57;

/// Maximum number of remembered folders.
const N_FOLDERS: usize = 4096;

/// Canonical spellings of folders, so that thousands of threads in one folder ask the system only once.
#[derive(Debug)]
pub struct Folders {
    known: RefCell<HashMap<String, Option<String>>>,
    /// Maximum number of remembered folders.
    limit: usize,
}

impl Default for Folders {
    fn default() -> Folders {
        Folders { known: RefCell::default(), limit: N_FOLDERS }
    }
}

impl Folders {
    /// Returns the memory of one of several workers: many of them remember together no more than two.
    #[must_use]
    pub fn part_of(n_workers: usize) -> Folders {
        Folders {
            limit: (2 * N_FOLDERS / n_workers.max(1)).clamp(N_FOLDERS / 64, N_FOLDERS),
            ..Folders::default()
        }
    }

    /// Returns the canonical spelling of a folder, as Codex writes it; `None` if it does not exist.
    pub fn canonical(&self, folder: &str) -> Option<String> {
        let mut folders = self.known.borrow_mut();
        if let Some(known) = folders.get(folder) {
            return known.clone();
        }
        let canonical = sys::canonical_folder(folder);
        if folders.len() >= self.limit {
            folders.clear();
        }
        folders.insert(folder.to_owned(), canonical.clone());
        canonical
    }

    /// Returns true if two spellings name one existing folder.
    pub fn same(&self, a: &str, b: &str) -> bool {
        folder::same_spelling(a, b) || self.canonical(a).is_some_and(|a| Some(a) == self.canonical(b))
    }
}

/// The properties of a database that a comparison needs.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The columns of `threads`.
    pub columns: ColumnSet,
    /// The choice between a file's two times for `updated_at`.
    pub times: Times,
    /// The provider of threads that name none.
    pub default_provider: String,
    /// True if the ledger shows that Codex itself names guardian threads.
    pub names_guardians: bool,
    /// The bound of synthetic milliseconds ([`threads::greatest_running_number`]).
    pub synthetic_limit: i64,
    /// The names in `session_index.jsonl`, once they are needed: when a row is inserted, and if
    /// [`Comparison::compares_names`].
    pub names: Option<Names>,
    /// Folders seen so far.
    pub folders: Folders,
    /// True if the old rows are from the database that this one replaces.
    pub replaces: bool,
}

impl Comparison {
    /// Reads the properties of a database.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn read(
        connection: &Connection,
        schema: &Schema,
        default_provider: &str,
        times: Times,
    ) -> anyhow::Result<Comparison> {
        Ok(Comparison {
            columns: schema.columns,
            times,
            default_provider: default_provider.to_owned(),
            names_guardians: ledger::holds(connection, NAMES_GUARDIANS)?,
            synthetic_limit: threads::greatest_running_number(connection)?,
            ..Comparison::default()
        })
    }

    /// Returns true if existing rows can only be compared with the names. That is so in a schema that keeps names
    /// only in titles and has no first message to tell a name from a title.
    #[must_use]
    pub fn compares_names(&self) -> bool {
        self.columns.contains(Col::Title) && !self.columns.contains(Col::FirstUserMessage)
    }

    fn name(&self, file: &ThreadMetadata) -> Option<String> {
        self.names.as_ref()?.get(file.id)
    }

    /// Calls `f` with the context of an existing row. The name is read from the disk, so only if the row needs it.
    fn with_row<T>(&self, file: &ThreadMetadata, f: impl FnOnce(&MergeContext<'_>) -> T) -> T {
        let name = if self.compares_names() { self.name(file) } else { None };
        self.with(name, f)
    }

    fn with<T>(&self, name: Option<String>, f: impl FnOnce(&MergeContext<'_>) -> T) -> T {
        f(&MergeContext {
            columns: self.columns,
            times: self.times,
            same_path: &|row, file| same_path(Path::new(row), Path::new(file)),
            same_folder: &|row, file| self.folders.same(row, file),
            is_folder: &|folder| self.folders.canonical(folder).is_some(),
            synthetic_limit: self.synthetic_limit,
            default_provider: &self.default_provider,
            names_guardians: self.names_guardians,
            indexed_name: name.as_deref(),
        })
    }

    /// Returns the row to insert for a thread that has none ([`merge::insert`]).
    #[must_use]
    pub fn insert(&self, file: &ThreadMetadata) -> Row {
        self.insert_with(file, None)
    }

    /// Does the same with a row of another database ([`facts::insert`]), or of the database that this one replaces
    /// ([`facts::carry_over`]).
    #[must_use]
    pub fn insert_with(&self, file: &ThreadMetadata, old: Option<&Row>) -> Row {
        self.with(self.name(file), |context| match old {
            Some(old) if self.replaces => facts::carry_over(file, old, context),
            Some(old) => facts::insert(file, old, context),
            None => merge::insert(file, context),
        })
    }

    /// Returns the expected values of an existing row ([`merge::update`]).
    #[must_use]
    pub fn update(&self, file: &ThreadMetadata, row: &Row) -> Merged {
        self.with_row(file, |context| merge::update(file, row, context))
    }

    /// Returns the expected values of an existing row if any differs, with what another database knows about the
    /// thread ([`facts::update`]).
    #[must_use]
    pub fn update_if_different(&self, file: &ThreadMetadata, row: &Row, old: Option<&Row>) -> Option<Merged> {
        let merged = self.with_row(file, |context| match old {
            Some(old) => Some(facts::update(file, row, old, context)),
            None => merge::update_if_different(file, row, context),
        });
        merged.filter(|merged| merged.to_write != ColumnSet::default())
    }

    /// Returns the fields in which an existing row differs even from the thread's older rollouts. `older` is called
    /// only if there are `differences` without them.
    #[must_use]
    pub fn diff_or_older(
        &self,
        file: &ThreadMetadata,
        row: &Row,
        differences: Vec<FieldDifference>,
        older: impl FnOnce() -> Vec<ThreadMetadata>,
    ) -> Vec<FieldDifference> {
        if differences.is_empty() {
            return differences;
        }
        match older() {
            older if older.is_empty() => differences,
            older => self.diff(&ThreadMetadata { older, ..file.clone() }, row),
        }
    }

    /// Returns the fields in which an existing row differs ([`diff::diff`]).
    #[must_use]
    pub fn diff(&self, file: &ThreadMetadata, row: &Row) -> Vec<FieldDifference> {
        self.with_row(file, |context| diff::diff(file, row, context))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_through_a_link_is_the_same_folder() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, home.path().join("link")).unwrap();
        let folders = Folders::default();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        assert!(folders.same(&text(&home.path().join("link")), &text(&real)));
        assert!(!folders.same(&text(&home.path().join("gone")), &text(&real)));
    }
}
