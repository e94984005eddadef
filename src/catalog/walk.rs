//! Finds the rollout files of a home. It opens none of them, and chooses none.

pub use super::rollout_file::{ACTIVE, ARCHIVED, RolloutFile};
use super::rollout_file::{RolloutFolder, is_archived};
use crate::rollout::file_name::{self, RolloutName};
use crate::rollout::fold::Stamp;
use crate::sys;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};
use walkdir::WalkDir;

/// Returns the folder in which Codex puts an active rollout of this name.
#[must_use]
pub fn active_folder(home: &Path, name: RolloutName) -> PathBuf {
    name.date_folders().iter().fold(home.join(ACTIVE), |folder, part| folder.join(part))
}

/// Folders of a home with all links resolved, because a row may have another spelling of the home.
#[derive(Debug)]
pub struct Roots(Vec<PathBuf>);

impl Roots {
    /// Returns those of the two rollout folders that exist.
    #[must_use]
    pub fn of(home: &Path) -> Roots {
        Roots([ACTIVE, ARCHIVED].iter().filter_map(|folder| home.join(folder).canonicalize().ok()).collect())
    }

    /// Returns these and the home itself, because links may lead out of it.
    #[must_use]
    pub fn with_home(home: &Path) -> Roots {
        let mut roots = Roots::of(home);
        roots.0.extend(home.canonicalize().ok());
        roots
    }

    /// Returns true if the file at `path`, which exists, is below one of them.
    #[must_use]
    pub fn contain(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.0.iter().any(|root| path.starts_with(root)))
    }
}

/// A folder or file that the walk could not read.
#[derive(Debug)]
pub struct WalkError {
    /// Its path, as far as it is known.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub struct Walk {
    /// The rollouts, in no particular order: to sort a folder of a million before they are taken over would take
    /// hundreds of megabytes.
    pub files: Vec<RolloutFile>,
    /// The folders and files that could not be read, by path.
    pub errors: Vec<WalkError>,
    /// Those of the two root folders that are missing.
    pub missing_roots: Vec<PathBuf>,
}

impl Walk {
    /// Records what could not be read. What was removed during the walk is not an error.
    fn fail(&mut self, path: PathBuf, error: &io::Error) {
        sys::note_failure(error);
        if error.kind() != io::ErrorKind::NotFound {
            self.errors.push(WalkError { path, reason: error.to_string() });
        }
    }
}

/// Walks both folders of a home. Links are followed only for the two folders themselves.
///
/// `on_file` is called for each file found, for progress.
pub fn walk(home: &Path, mut on_file: impl FnMut()) -> Walk {
    let mut walk = Walk::default();
    let is_one = is_one_folder(home);
    for root in [ARCHIVED, ACTIVE] {
        let root = home.join(root);
        match fs::metadata(&root) {
            Ok(_) if is_one && root.ends_with(ARCHIVED) => {}
            Ok(metadata) if metadata.is_dir() => walk_root(home, &root, &mut walk, &mut on_file),
            Ok(_) => walk.errors.push(WalkError { path: root, reason: "not a folder".to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A dangling link may be an unmounted drive; do not treat it as never created.
                if root.is_symlink() {
                    let reason = "is a link to nothing".to_owned();
                    walk.errors.push(WalkError { path: root.clone(), reason });
                }
                walk.missing_roots.push(root);
            }
            Err(error) => walk.errors.push(WalkError { path: root, reason: error.to_string() }),
        }
    }
    walk.errors.sort_by(|a, b| a.path.cmp(&b.path));
    walk
}

/// Returns true if one rollout folder is a link to the other. Its files are active: with every file in both, Codex takes
/// the active one.
fn is_one_folder(home: &Path) -> bool {
    let target = |root: &str| home.join(root).canonicalize().ok();
    target(ARCHIVED).is_some_and(|archived| Some(archived) == target(ACTIVE))
}

fn walk_root(home: &Path, root: &Path, walk: &mut Walk, on_file: &mut impl FnMut()) {
    let folder_at =
        |path: &Path| RolloutFolder::new(path, is_archived(path.strip_prefix(home).unwrap_or(path)));
    let (mut folder, mut open) = (folder_at(root), sys::OpenFolder::open(root));
    for entry in WalkDir::new(root) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                walk.fail(
                    path,
                    &error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links")),
                );
                continue;
            }
        };
        let Some(named) = file_name::parse(entry.file_name()) else { continue };
        if !entry.file_type().is_file() {
            continue;
        }
        let parent = entry.path().parent().unwrap_or(root);
        if folder.path() != parent {
            (folder, open) = (folder_at(parent), sys::OpenFolder::open(parent));
        }
        match open.look(&entry) {
            Ok((modified, size)) => {
                let stamp = Stamp { modified, size };
                walk.files.push(RolloutFile::new(Arc::clone(&folder), entry.file_name(), named, stamp));
                on_file();
            }
            Err(error) => walk.fail(entry.into_path(), &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rollout_is_found_once_in_any_order() {
        let home = tempfile::tempdir().unwrap();
        let mut expected = [
            "sessions/a/rollout-z.jsonl",
            "sessions/a-b/rollout-a.jsonl",
            "sessions/rollout-b.jsonl",
            "sessions/rollout-b.jsonl.zst",
            "archived_sessions/rollout-c.jsonl",
        ]
        .map(|path| home.path().join(path));
        for path in &expected {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let walk = walk(home.path(), || {});
        let mut paths: Vec<PathBuf> = walk.files.iter().map(RolloutFile::path).collect();
        paths.sort();
        expected.sort();
        assert_eq!(paths, expected);
        assert_eq!(walk.files.iter().filter(|file| file.is_archived()).count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_are_one_are_walked_once() {
        for [folder, link] in [[ACTIVE, ARCHIVED], [ARCHIVED, ACTIVE]] {
            let home = tempfile::tempdir().unwrap();
            fs::create_dir(home.path().join(folder)).unwrap();
            fs::write(home.path().join(folder).join("rollout-a.jsonl"), "x").unwrap();
            std::os::unix::fs::symlink(folder, home.path().join(link)).unwrap();
            let files = walk(home.path(), || {}).files;
            assert_eq!(files.iter().map(RolloutFile::is_archived).collect::<Vec<_>>(), [false], "{link}");
        }
    }
}
