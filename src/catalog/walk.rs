//! Finds the rollout files of a home. It opens none of them, and chooses none.

pub use super::rollout_file::{ACTIVE, ARCHIVED, RolloutFile};
use super::rollout_file::{RolloutFolder, is_archived};
use crate::rollout::file_name::{self, RolloutName};
use crate::rollout::fold::Stamp;
use crate::sys;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::{DirEntry, WalkDir};

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
    /// The rollouts, in byte order of their paths.
    pub files: Vec<RolloutFile>,
    /// The folders and files that could not be read.
    pub errors: Vec<WalkError>,
    /// Those of the two root folders that are missing.
    pub missing_roots: Vec<PathBuf>,
}

/// Walks both folders of a home. Links are followed only for the two folders themselves.
///
/// `on_file` is called for each file found, for progress.
pub fn walk(home: &Path, mut on_file: impl FnMut()) -> Walk {
    let mut walk = Walk::default();
    for root in [ARCHIVED, ACTIVE] {
        let root = home.join(root);
        match std::fs::metadata(&root) {
            Ok(metadata) if metadata.is_dir() => walk_root(home, &root, &mut walk, &mut on_file),
            Ok(_) => walk.errors.push(WalkError { path: root, reason: "not a folder".to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
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
    walk
}

fn walk_root(home: &Path, root: &Path, walk: &mut Walk, on_file: &mut impl FnMut()) {
    let folder_at =
        |path: &Path| RolloutFolder::new(path, is_archived(path.strip_prefix(home).unwrap_or(path)));
    let mut folder = folder_at(root);
    for entry in WalkDir::new(root).sort_by(compare_entries) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // A folder that was removed during the walk is not an error.
                error.io_error().iter().for_each(|error| sys::note_failure(error));
                if error.io_error().is_none_or(|io| io.kind() != std::io::ErrorKind::NotFound) {
                    let path = error.path().unwrap_or(root).to_owned();
                    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    walk.errors.push(WalkError { path, reason });
                }
                continue;
            }
        };
        let Some(named) = file_name::parse(entry.file_name()) else { continue };
        if !entry.file_type().is_file() {
            continue;
        }
        let stamp = match entry.metadata() {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) if error.io_error().is_some_and(|io| io.kind() == std::io::ErrorKind::NotFound) => {
                continue;
            }
            Err(error) => Err(error.into()),
        };
        let stamp = match stamp {
            Ok(stamp) => stamp,
            Err(error) => {
                walk.errors.push(WalkError { path: entry.path().to_owned(), reason: error.to_string() });
                continue;
            }
        };
        let parent = entry.path().parent().unwrap_or(root);
        if folder.path() != parent {
            folder = folder_at(parent);
        }
        walk.files.push(RolloutFile::new(Arc::clone(&folder), entry.file_name(), named, stamp));
        on_file();
    }
}

/// Compares whole paths in byte order: a folder sorts as if its name ended with the separator.
fn compare_entries(a: &DirEntry, b: &DirEntry) -> std::cmp::Ordering {
    // Entries of one folder share the part before their names; finding that part is more expensive than comparing it.
    fn bytes(entry: &DirEntry) -> &[u8] {
        entry.path().as_os_str().as_encoded_bytes()
    }
    let (a_path, b_path) = (bytes(a), bytes(b));
    let common = a_path.len().min(b_path.len());
    let next = |entry: &DirEntry, path: &[u8]| match path.get(common) {
        None if entry.file_type().is_dir() => Some(b'/'),
        next => next.copied(),
    };
    // The paths differ, so if one is a prefix of the other, the next byte decides.
    a_path[..common].cmp(&b_path[..common]).then_with(|| next(a, a_path).cmp(&next(b, b_path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_goes_in_byte_order_of_whole_paths() {
        let home = tempfile::tempdir().unwrap();
        for path in
            ["sessions/a/rollout-z.jsonl", "sessions/a-b/rollout-a.jsonl", "sessions/a0/rollout-a.jsonl"]
                .into_iter()
                .chain([
                    "sessions/rollout-b.jsonl",
                    "sessions/rollout-b.jsonl.zst",
                    "archived_sessions/rollout-c.jsonl",
                ])
        {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let walk = walk(home.path(), || {});
        let paths: Vec<PathBuf> = walk.files.iter().map(RolloutFile::path).collect();
        let mut sorted = paths.clone();
        // As Codex writes them in its watermark, on every system.
        sorted.sort_by_key(|path| path.to_str().unwrap().replace('\\', "/"));
        assert_eq!(paths.len(), 6);
        assert_eq!(paths, sorted);
    }
}
