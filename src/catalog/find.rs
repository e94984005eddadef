//! Finds the rollout of a thread on disk, in either form and in any folder; opens no rollout.

use super::forms::Forms;
use super::inventory::{self, Inventory};
use super::paths;
use super::rollout_file::is_archived;
use crate::home;
use crate::thread::ThreadId;
use std::path::{Path, PathBuf};

/// The folders in which to look for rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Active and archived rollouts.
    Any,
    /// Only archived rollouts.
    Archived,
    /// Only active rollouts.
    Active,
}

/// Returns true if a path is one of the wanted ones. Codex treats any path with a component `archived_sessions` as
/// archived.
#[must_use]
pub fn fits(home: &Path, path: &Path, which: Which) -> bool {
    let relative = path.strip_prefix(home).unwrap_or(path);
    match which {
        Which::Any => true,
        Which::Archived => is_archived(relative),
        Which::Active => !is_archived(relative),
    }
}

/// Returns the rollout of a thread at the path in its row.
#[must_use]
pub fn where_row_says(home: &Path, in_row: &Path, which: Which) -> Option<PathBuf> {
    let path = home::row_path(home, in_row)?;
    Forms::of(&path).existing().filter(|path| fits(home, path, which)).map(Path::to_owned)
}

/// Returns the chosen rollout of a thread among the files of the home.
#[must_use]
pub fn elsewhere(
    home: &Path,
    inventory: &Inventory,
    id: ThreadId,
    in_row: Option<&Path>,
    which: Which,
) -> Option<PathBuf> {
    let files = inventory.files();
    let range = inventory.range_of(id);
    let members: Vec<usize> = range.clone().filter(|&i| fits(home, &files[i].path(), which)).collect();
    let chosen = in_row.and_then(|path| paths::find_in_row(&files[range.clone()], path));
    let chosen = chosen.map(|i| range.start + i).filter(|i| members.contains(i));
    let in_row = chosen.or_else(|| {
        let name = in_row.and_then(Path::file_name)?;
        let named = members.iter().copied().filter(|&i| files[i].is_named(name));
        inventory::choose_copy(files, named, None)
    });
    inventory::choose(files, members, in_row).map(|choice| files[choice.chosen()].path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::walk;
    use std::fs;

    const ID: &str = "019ced47-cebb-79dd-b0aa-a552437621a9";

    fn name(ending: &str) -> String {
        format!("rollout-2026-03-14T16-57-12-{ID}.jsonl{ending}")
    }

    /// Checks which file is found in a home with these files, for a row with this path relative to the home.
    fn check(files: &[&str], in_row: Option<&str>, which: Which, expected: Option<&str>) {
        let home = tempfile::tempdir().unwrap();
        let full = |path: &str| home.path().join(path.replace('*', &name("")));
        for file in files {
            fs::create_dir_all(full(file).parent().unwrap()).unwrap();
            fs::write(full(file), "x").unwrap();
        }
        let in_row = in_row.map(full);
        let (home, in_row) = (home.path(), in_row.as_deref());
        let inventory = Inventory::new(walk::walk(home).files);
        let found = in_row
            .and_then(|path| where_row_says(home, path, which))
            .or_else(|| elsewhere(home, &inventory, ThreadId::parse(ID).unwrap(), in_row, which));
        assert_eq!(found, expected.map(full), "{files:?} {in_row:?} {which:?}");
    }

    #[test]
    fn the_form_that_exists_is_found_and_the_plain_one_before_the_other() {
        let (plain, zst) = ("sessions/2026/03/14/*", "sessions/2026/03/14/*.zst");
        check(&[plain, zst], Some(zst), Which::Any, Some(plain));
        check(&[zst], Some(plain), Which::Any, Some(zst));
        check(&[zst], Some(zst), Which::Any, Some(zst));
        check(&[], Some(plain), Which::Any, None);
    }

    #[test]
    fn a_rollout_that_moved_is_found_elsewhere() {
        let (gone, here) = ("sessions/2026/03/14/*", "archived_sessions/*.zst");
        check(&[here], Some(gone), Which::Any, Some(here));
        check(&[here], None, Which::Any, Some(here));
        check(&[here], None, Which::Active, None);
        check(&[here, gone], Some(gone), Which::Archived, Some(here));
        check(&[here, gone], Some(here), Which::Active, Some(gone));
    }
}
