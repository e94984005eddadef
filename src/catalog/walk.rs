//! Finds the rollout files of a home. It opens none of them, and chooses none.

pub use super::rollout_file::{ACTIVE, ARCHIVED, RolloutFile};
use super::rollout_file::{RolloutFolder, is_archived};
use crate::rollout::file_name::{self, RolloutName};
use crate::rollout::fold::Stamp;
use crate::sys;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

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
    walk
}

/// Returns true if one rollout folder is a link to the other. Its files are active: with every file in both, Codex takes
/// the active one.
fn is_one_folder(home: &Path) -> bool {
    let target = |root: &str| home.join(root).canonicalize().ok();
    target(ARCHIVED).is_some_and(|archived| Some(archived) == target(ACTIVE))
}

fn walk_root(home: &Path, root: &Path, walk: &mut Walk, on_file: &mut impl FnMut()) {
    let mut found = vec![read_folder(root.to_owned(), home, walk)];
    while let Some(folder) = found.last_mut() {
        match folder.entries.next() {
            None => {
                found.pop();
            }
            Some((name, EntryKind::Folder)) => {
                let path = folder.folder.path().join(name);
                found.push(read_folder(path, home, walk));
            }
            Some((name, EntryKind::Rollout(Ok(stamp)))) => {
                let Some(named) = file_name::parse(&name) else { continue };
                walk.files.push(RolloutFile::new(Arc::clone(&folder.folder), &name, named, stamp));
                on_file();
            }
            Some((name, EntryKind::Rollout(Err(error)) | EntryKind::Unknown(error))) => {
                walk.fail(folder.folder.path().join(name), &error);
            }
        }
    }
}

/// A folder that is being walked.
struct WalkedFolder {
    folder: Arc<RolloutFolder>,
    /// The rollouts and folders in it, in byte order of their paths.
    entries: std::vec::IntoIter<(OsString, EntryKind)>,
}

/// An entry of a folder.
enum EntryKind {
    Folder,
    /// A file with the name of a rollout.
    Rollout(io::Result<Stamp>),
    /// An entry whose type could not be read.
    Unknown(io::Error),
}

/// Reads a folder. It asks for each file's time while the folder is open: then most systems need not look up each folder
/// of the path again.
fn read_folder(path: PathBuf, home: &Path, walk: &mut Walk) -> WalkedFolder {
    let mut entries = Vec::new();
    let result = fs::read_dir(&path).and_then(|folder| {
        for entry in folder {
            let entry = entry?;
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => entries.push((name, EntryKind::Folder)),
                Ok(kind) if kind.is_file() && file_name::is_rollout(&name) => {
                    let stamp = entry.metadata().and_then(|metadata| Stamp::of(&metadata));
                    entries.push((name, EntryKind::Rollout(stamp)));
                }
                Ok(_) => {}
                Err(error) => entries.push((name, EntryKind::Unknown(error))),
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        walk.fail(path.clone(), &error);
    }
    entries.sort_unstable_by(compare_entries);
    let archived = is_archived(path.strip_prefix(home).unwrap_or(&path));
    WalkedFolder { folder: RolloutFolder::new(&path, archived), entries: entries.into_iter() }
}

/// Compares entries of one folder by the byte order of whole paths: a folder sorts as if its name ended with the
/// separator.
fn compare_entries(
    (a, a_kind): &(OsString, EntryKind),
    (b, b_kind): &(OsString, EntryKind),
) -> std::cmp::Ordering {
    let (a, b) = (a.as_encoded_bytes(), b.as_encoded_bytes());
    let common = a.len().min(b.len());
    let next = |name: &[u8], kind: &EntryKind| match name.get(common) {
        None if matches!(kind, EntryKind::Folder) => Some(b'/'),
        next => next.copied(),
    };
    // The names differ, so if one is a prefix of the other, the next byte decides.
    a[..common].cmp(&b[..common]).then_with(|| next(a, a_kind).cmp(&next(b, b_kind)))
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
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let walk = walk(home.path(), || {});
        let paths: Vec<PathBuf> = walk.files.iter().map(RolloutFile::path).collect();
        let mut sorted = paths.clone();
        // As Codex writes them in its watermark, on every system.
        sorted.sort_by_key(|path| path.to_str().unwrap().replace('\\', "/"));
        assert_eq!(paths.len(), 6);
        assert_eq!(paths, sorted);
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_are_one_are_walked_once() {
        for [folder, link] in [[ACTIVE, ARCHIVED], [ARCHIVED, ACTIVE]] {
            let home = tempfile::tempdir().unwrap();
            std::fs::create_dir(home.path().join(folder)).unwrap();
            std::fs::write(home.path().join(folder).join("rollout-a.jsonl"), "x").unwrap();
            std::os::unix::fs::symlink(folder, home.path().join(link)).unwrap();
            let files = walk(home.path(), || {}).files;
            assert_eq!(files.iter().map(RolloutFile::is_archived).collect::<Vec<_>>(), [false], "{link}");
        }
    }
}
