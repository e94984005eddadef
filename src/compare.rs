//! Puts a file and a row side by side: the pure rules of `thread/` with what only the file system can tell, which is
//! whether two spellings name one file or folder.

use crate::inventory::{self, Inventory};
use crate::rollout::file_name;
use crate::sessions::RolloutFile;
use crate::sys;
use crate::thread::columns::{ColumnSet, Row, index};
use crate::thread::diff::{self, FieldDifference};
use crate::thread::merge::{self, Context, Merged};
use crate::thread::times::Times;
use crate::thread::{ThreadId, ThreadMetadata};
use crate::thread::{facts, folder};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

/// How many folders are remembered.
const N_FOLDERS: usize = 4096;

/// Folders that were made canonical, so that thousands of threads in one folder ask the system once.
#[derive(Debug, Default)]
pub struct Folders(RefCell<HashMap<String, Option<String>>>);

impl Folders {
    /// The canonical spelling of a folder, as Codex writes it; `None` where it does not exist.
    pub fn canonical(&self, folder: &str) -> Option<String> {
        let mut folders = self.0.borrow_mut();
        if let Some(known) = folders.get(folder) {
            return known.clone();
        }
        let canonical = sys::canonical_folder(folder);
        if folders.len() >= N_FOLDERS {
            folders.clear();
        }
        folders.insert(folder.to_owned(), canonical.clone());
        canonical
    }

    /// Whether two spellings name one folder that exists.
    pub fn same(&self, a: &str, b: &str) -> bool {
        folder::same_spelling(a, b) || self.canonical(a).is_some_and(|a| Some(a) == self.canonical(b))
    }
}

/// What comparing needs to know of a database.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The columns that it has.
    pub columns: ColumnSet,
    /// Which of a file's times a row has.
    pub times: Times,
    /// The provider of threads that name none.
    pub default_provider: String,
    /// True if the ledger says that Codex itself names guardian threads.
    pub names_guardians: bool,
    /// The bound of synthetic milliseconds ([`crate::db::threads::greatest_running_number`]).
    pub synthetic_limit: i64,
    /// The names of `session_index.jsonl`, once they are needed: where a row is inserted, and where
    /// [`Comparison::compares_names`].
    pub names: Option<HashMap<ThreadId, String>>,
    /// Folders seen so far.
    pub folders: Folders,
}

impl Comparison {
    /// Whether rows that exist cannot be compared without the names: where titles alone keep them and no first message
    /// tells a name from a title.
    #[must_use]
    pub fn compares_names(&self) -> bool {
        self.columns.contains(index::TITLE) && !self.columns.contains(index::FIRST_USER_MESSAGE)
    }

    fn name(&self, file: &ThreadMetadata) -> Option<&str> {
        self.names.as_ref()?.get(&file.id).map(String::as_str)
    }

    fn with<T>(&self, name: Option<&str>, f: impl FnOnce(&Context<'_>) -> T) -> T {
        f(&Context {
            columns: self.columns,
            times: self.times,
            same_path: &|row, file| same_path(Path::new(row), Path::new(file)),
            same_folder: &|row, file| self.folders.same(row, file),
            is_folder: &|folder| self.folders.canonical(folder).is_some(),
            synthetic_limit: self.synthetic_limit,
            default_provider: &self.default_provider,
            names_guardians: self.names_guardians,
            indexed_name: name,
        })
    }

    /// The row for a thread that has none ([`merge::insert`]).
    #[must_use]
    pub fn insert(&self, file: &ThreadMetadata) -> Row {
        self.insert_with(file, None)
    }

    /// The same, with what another database knows of the thread ([`facts::insert`]).
    #[must_use]
    pub fn insert_with(&self, file: &ThreadMetadata, old: Option<&Row>) -> Row {
        self.with(self.name(file), |context| match old {
            Some(old) => facts::insert(file, old, context),
            None => merge::insert(file, context),
        })
    }

    /// What an existing row must say ([`merge::update`]).
    #[must_use]
    pub fn update(&self, file: &ThreadMetadata, row: &Row) -> Merged {
        self.update_with(file, row, None)
    }

    /// The same, with what another database knows of the thread ([`facts::update`]).
    #[must_use]
    pub fn update_with(&self, file: &ThreadMetadata, row: &Row, old: Option<&Row>) -> Merged {
        self.with(self.name(file), |context| match old {
            Some(old) => facts::update(file, row, old, context),
            None => merge::update(file, row, context),
        })
    }

    /// Returns where an existing row differs although older rollouts of the thread are asked as well. `older` is called
    /// only where there are `differences` without them.
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

    /// Where an existing row differs ([`diff::diff`]).
    #[must_use]
    pub fn diff(&self, file: &ThreadMetadata, row: &Row) -> Vec<FieldDifference> {
        self.with(self.name(file), |context| diff::diff(file, row, context))
    }
}

/// Whether `path`, as a row spells it, is this file, or the plain form of this compressed one.
#[must_use]
pub fn is_at(file: &RolloutFile, path: &Path) -> bool {
    if file.is_spelled(path) {
        return true;
    }
    // Names survive every other spelling of a path; asking the system is dear.
    let may_be = path.file_name().is_some_and(|name| {
        file.is_named(name)
            || (file.named.compressed
                && file.file_name().as_encoded_bytes().strip_suffix(b".zst") == Some(name.as_encoded_bytes()))
    });
    may_be && same_path(path, &file.path())
}

/// Finds the file that is at `path`, as a row spells it.
#[must_use]
pub fn locate(inventory: &Inventory, path: &Path) -> Option<usize> {
    inventory.named_like(path.file_name()?).find(|&i| is_at(&inventory.files()[i], path))
}

/// Which of a thread's files its row names: the one at the row's path; where none is, one of that rollout, for whatever
/// is moved keeps its name, and the row stays the authority over which rollout of a reverted thread counts.
#[must_use]
pub fn find_in_row(files: &[RolloutFile], path: &Path) -> Option<usize> {
    let exact = files.iter().position(|file| is_at(file, path));
    exact.or_else(|| {
        let named = file_name::parse(path.file_name()?)?.name?;
        let copies: Vec<&RolloutFile> = files
            .iter()
            .filter(|file| file.named.name.is_some_and(|name| name.rollout == named.rollout))
            .collect();
        let best = inventory::choose_copy(&copies, |_| false)?;
        files.iter().position(|file| std::ptr::eq(file, best))
    })
}

/// Whether a row's path is a file's in another spelling, or the plain form of a file that is compressed now.
#[must_use]
pub fn same_path(row: &Path, file: &Path) -> bool {
    if row == file || is_respelled(row, file) {
        return true;
    }
    // To Codex a relative path is one below its current folder: none of a rollout, wherever this program is run.
    if row.is_relative() {
        return false;
    }
    let is_compressed = |path: &Path| path.extension().is_some_and(|extension| extension == "zst");
    if is_compressed(file) && !is_compressed(row) {
        let compressed = inventory::other_form(row);
        return compressed == file || sys::is_same_file(&compressed, file).unwrap_or(false);
    }
    is_compressed(file) == is_compressed(row) && sys::is_same_file(row, file).unwrap_or(false)
}

/// Whether two paths of Windows differ in the prefix of canonical paths alone, as those of a Codex with `CODEX_HOME`
/// and one without do: that needs no asking, which opens both files, for each thread.
#[cfg(windows)]
fn is_respelled(row: &Path, file: &Path) -> bool {
    match (row.to_str(), file.to_str()) {
        (Some(row), Some(file)) => sys::without_verbatim_prefix(row) == sys::without_verbatim_prefix(file),
        _ => false,
    }
}

/// Elsewhere every path has one spelling, but for links.
#[cfg(not(windows))]
fn is_respelled(_row: &Path, _file: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_stands_for_its_compressed_file_but_not_the_other_way_round() {
        assert!(same_path(Path::new("/h/a.jsonl"), Path::new("/h/a.jsonl.zst")));
        assert!(!same_path(Path::new("/h/a.jsonl.zst"), Path::new("/h/a.jsonl")));
        assert!(!same_path(Path::new("/h/a.jsonl"), Path::new("/h/b.jsonl.zst")));
    }

    #[test]
    fn a_row_whose_file_was_moved_still_names_its_rollout() {
        let (thread, head) = ("019ced6b-835b-7475-b762-429694b3a51e", "019ced6b-835b-799d-83c9-31b6374bba33");
        let home = tempfile::tempdir().unwrap();
        let place = |folder: &str, ids: &str| {
            let path = home.path().join(folder).join(format!("rollout-2026-03-14T17-00-00-{ids}.jsonl"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "x").unwrap();
            RolloutFile::at(home.path(), &path).unwrap()
        };
        let reverted = format!("{thread}_{head}");
        let files = [place("sessions", thread), place("archived_sessions", &reverted)];
        let row = |folder: &str, name: &str| find_in_row(&files, &home.path().join(folder).join(name));
        let (base, head) = (files[0].file_name(), files[1].file_name());
        assert_eq!(row("sessions", base.to_str().unwrap()), Some(0));
        assert_eq!(row("sessions", head.to_str().unwrap()), Some(1), "archived by hand");
        assert_eq!(row("sessions", "rollout-odd.jsonl"), None);
    }

    #[cfg(windows)]
    #[test]
    fn the_prefix_of_canonical_paths_is_a_spelling_and_the_other_slash_too() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.jsonl");
        std::fs::write(&file, "x").unwrap();
        let canonical = std::fs::canonicalize(&file).unwrap();
        assert!(canonical.to_str().unwrap().starts_with(r"\\?\"));
        assert!(same_path(&file, &canonical) && same_path(&canonical, &file));
        let slashes = file.to_str().unwrap().replace('\\', "/");
        assert!(same_path(Path::new(&slashes), &canonical));
        let upper = home.path().join("A.JSONL");
        assert!(same_path(&upper, &canonical), "one file, as long as the folder does not tell case");
        assert!(same_path(Path::new(r"C:\gone\b.jsonl"), Path::new(r"\\?\C:\gone\b.jsonl")));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_through_a_link_is_the_same_file() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, home.path().join("link")).unwrap();
        for name in ["a.jsonl", "b.jsonl.zst"] {
            std::fs::write(real.join(name), "x").unwrap();
        }
        assert!(same_path(&home.path().join("link/a.jsonl"), &real.join("a.jsonl")));
        assert!(same_path(&home.path().join("link/b.jsonl"), &real.join("b.jsonl.zst")));
        assert!(!same_path(&home.path().join("link/c.jsonl"), &real.join("a.jsonl")));
        let folders = Folders::default();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        assert!(folders.same(&text(&home.path().join("link")), &text(&real)));
        assert!(!folders.same(&text(&home.path().join("gone")), &text(&real)));
    }
}
