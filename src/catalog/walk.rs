//! Finds the rollout files of a home. It opens none of them, and chooses none.

pub use super::rollout_file::{ACTIVE, ARCHIVED, RolloutFile};
use super::rollout_file::{RolloutFolder, is_archived};
use crate::rollout::file_name::{self, RolloutName};
use crate::rollout::fold::Stamp;
use crate::sys;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};
use walkdir::{DirEntry, WalkDir};

/// The depth below `sessions` of the folders that are walked one by one, whichever thread is free: a day each.
const PART_DEPTH: usize = 3;
/// There is a thread for each of so many of them.
const PARTS_PER_THREAD: usize = 16;
/// Maximum number of threads. Each has up to five folders open, and more would wait for the same file system.
const MAX_THREADS: usize = 8;
/// A thread passes on its files when it has this many.
const FILES_AT_ONCE: usize = 1024;

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

/// Walks both folders of a home on this thread. Links are followed only for the two folders themselves.
#[must_use]
pub fn walk(home: &Path) -> Walk {
    walk_in_parallel(home, 1, |_| {})
}

/// Walks both folders of a home as [`walk`] does, on up to `n_threads` threads of which this one is the first.
///
/// `on_files` is called from any of them with the number of further files found, for progress.
pub fn walk_in_parallel(home: &Path, n_threads: usize, on_files: impl Fn(u64) + Sync) -> Walk {
    let mut walk = Walk::default();
    let parts = share_out(home, &mut walk);
    on_files(walk.files.len() as u64);
    let shared = Shared { home, parts: &parts, next: AtomicUsize::new(0), walk: Mutex::new(walk), on_files };
    let n_threads = n_threads.min(MAX_THREADS).min(parts.len() / PARTS_PER_THREAD);
    std::thread::scope(|scope| {
        for _ in 1..n_threads {
            // A user or container may be limited to a few threads. Then fewer do the work.
            if std::thread::Builder::new().spawn_scoped(scope, || shared.walk_parts()).is_err() {
                break;
            }
        }
        shared.walk_parts();
    });
    let mut walk = shared.walk.into_inner().unwrap_or_else(PoisonError::into_inner);
    walk.errors.sort_by(|a, b| a.path.cmp(&b.path));
    walk
}

/// Finds the folders that are walked one by one, the archive first, because it may be the largest. Adds to `walk` the
/// files beside them.
fn share_out(home: &Path, walk: &mut Walk) -> Vec<PathBuf> {
    let mut parts = Vec::new();
    let is_one = is_one_folder(home);
    for root in [ARCHIVED, ACTIVE] {
        let is_flat = root == ARCHIVED;
        let root = home.join(root);
        match fs::metadata(&root) {
            Ok(_) if is_one && is_flat => {}
            Ok(metadata) if metadata.is_dir() && is_flat => parts.push(root),
            Ok(metadata) if metadata.is_dir() => {
                let entries = WalkDir::new(&root).max_depth(PART_DEPTH);
                look_at_all(home, entries, walk, |entry, _| {
                    if entry.depth() == PART_DEPTH && entry.file_type().is_dir() {
                        parts.push(entry.into_path());
                    }
                });
            }
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
    parts
}

/// A walk that several threads share.
struct Shared<'a, F> {
    home: &'a Path,
    /// The folders to walk.
    parts: &'a [PathBuf],
    /// The place of the next one.
    next: AtomicUsize,
    walk: Mutex<Walk>,
    on_files: F,
}

impl<F: Fn(u64) + Sync> Shared<'_, F> {
    /// Walks one part after the other, until none is left.
    fn walk_parts(&self) {
        let mut found = Walk::default();
        while let Some(part) = self.parts.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            // Of the parts, only the archive may be a link.
            let is_root = part.parent() == Some(self.home);
            let entries = WalkDir::new(part).follow_root_links(is_root);
            look_at_all(self.home, entries, &mut found, |_, found| {
                if found.files.len() >= FILES_AT_ONCE {
                    self.take(found);
                }
            });
        }
        self.take(&mut found);
    }

    /// Adds to the result what one thread found.
    fn take(&self, found: &mut Walk) {
        (self.on_files)(found.files.len() as u64);
        let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        walk.files.append(&mut found.files);
        walk.errors.append(&mut found.errors);
    }
}

/// Returns true if one rollout folder is a link to the other. Its files are active: with every file in both, Codex takes
/// the active one.
fn is_one_folder(home: &Path) -> bool {
    let target = |root: &str| home.join(root).canonicalize().ok();
    target(ARCHIVED).is_some_and(|archived| Some(archived) == target(ACTIVE))
}

/// Looks at all files and folders of a walk, and calls `each` with each of them after it.
fn look_at_all(home: &Path, entries: WalkDir, walk: &mut Walk, mut each: impl FnMut(DirEntry, &mut Walk)) {
    let folder_at =
        |path: &Path| RolloutFolder::new(path, is_archived(path.strip_prefix(home).unwrap_or(path)));
    let mut last: Option<(Arc<RolloutFolder>, sys::OpenFolder)> = None;
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(home).to_owned();
                let loops = || io::Error::other("a loop of links");
                walk.fail(path, &error.into_io_error().unwrap_or_else(loops));
                continue;
            }
        };
        if entry.file_type().is_file()
            && let Some(named) = file_name::parse(entry.file_name())
        {
            let parent = entry.path().parent().unwrap_or(home);
            let (folder, open) = match last.take().filter(|(folder, _)| folder.path() == parent) {
                Some(same) => last.insert(same),
                None => last.insert((folder_at(parent), sys::OpenFolder::open(parent))),
            };
            match open.look(&entry) {
                Ok((modified, size)) => {
                    let stamp = Stamp { modified, size };
                    walk.files.push(RolloutFile::new(Arc::clone(folder), entry.file_name(), named, stamp));
                }
                Err(error) => walk.fail(entry.path().to_owned(), &error),
            }
        }
        each(entry, walk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

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
        let walk = walk(home.path());
        let mut paths: Vec<PathBuf> = walk.files.iter().map(RolloutFile::path).collect();
        paths.sort();
        expected.sort();
        assert_eq!(paths, expected);
        assert_eq!(walk.files.iter().filter(|file| file.is_archived()).count(), 1);
    }

    #[test]
    fn any_number_of_threads_finds_the_same_files_and_errors() {
        let home = tempfile::tempdir().unwrap();
        let write = |path: String| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        for day in 0..8 * PARTS_PER_THREAD {
            write(format!("sessions/2026/{:02}/{:02}/rollout-{day}.jsonl", day / 28, day % 28));
        }
        (0..FILES_AT_ONCE + 7).for_each(|i| write(format!("archived_sessions/rollout-a{i}.jsonl")));
        write("sessions/2026/00/00/deep/er/rollout-deep.jsonl".to_owned());
        write("sessions/2026/00/rollout-in-a-month.jsonl".to_owned());
        let shut = home.path().join("sessions/2026/01/02");
        let permissions = fs::metadata(&shut).unwrap().permissions();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let sessions = home.path().join(ACTIVE);
            std::os::unix::fs::symlink(sessions.join("2026/00/01"), sessions.join("2026/00/link")).unwrap();
            fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        }
        let walked = |n_threads| {
            let n_told = AtomicU64::new(0);
            let told = |n| {
                n_told.fetch_add(n, Ordering::Relaxed);
            };
            let Walk { files, errors, missing_roots } = walk_in_parallel(home.path(), n_threads, told);
            assert_eq!(files.len() as u64, n_told.into_inner());
            let mut paths: Vec<PathBuf> = files.iter().map(RolloutFile::path).collect();
            paths.sort();
            paths.dedup();
            assert_eq!(paths.len(), files.len(), "no file is found twice");
            (paths, format!("{errors:?}"), missing_roots)
        };
        let alone = walked(1);
        // Root can read the folder that is shut.
        let n_shut = usize::from(alone.1 != "[]");
        assert_eq!(alone.0.len(), 8 * PARTS_PER_THREAD + FILES_AT_ONCE + 7 + 2 - n_shut);
        for n_threads in [0, 2, 3, 64] {
            assert_eq!(walked(n_threads), alone, "{n_threads} threads");
        }
        fs::set_permissions(&shut, permissions).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_are_one_are_walked_once() {
        for [folder, link] in [[ACTIVE, ARCHIVED], [ARCHIVED, ACTIVE]] {
            let home = tempfile::tempdir().unwrap();
            fs::create_dir(home.path().join(folder)).unwrap();
            fs::write(home.path().join(folder).join("rollout-a.jsonl"), "x").unwrap();
            std::os::unix::fs::symlink(folder, home.path().join(link)).unwrap();
            let files = walk(home.path()).files;
            assert_eq!(files.iter().map(RolloutFile::is_archived).collect::<Vec<_>>(), [false], "{link}");
        }
    }
}
