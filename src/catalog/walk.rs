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

/// The depth below `sessions` of the folders that are walked one by one, whichever thread is free: a month each. To find
/// the days first, `walkdir` would open each of them twice.
const PART_DEPTH: usize = 2;
/// There is a thread for each of so many of them.
const PARTS_PER_THREAD: usize = 2;
/// Maximum number of threads. Each has up to five folders open, and more would wait for the same file system.
const MAX_THREADS: usize = 8;
/// The number of files of [`Looks::Some`]. Few in debug builds, so that tests of the program have unseen ones.
const SOME_FILES: usize = if cfg!(debug_assertions) { 2 } else { 8192 };
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

/// The files of which a walk asks for time and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// All files.
    All,
    /// The first few thousand. The others are asked when it must be, for a caller that opens all of them anyway: in a
    /// home of 150,000 that would be two thirds of the walk.
    Some,
}

impl Looks {
    /// Returns the looks of a run: all if it is a quick one, which opens no file.
    #[must_use]
    pub fn of(is_quick: bool) -> Looks {
        if is_quick { Looks::All } else { Looks::Some }
    }
}

/// Walks both folders of a home on this thread. Links are followed only for the two folders themselves.
#[must_use]
pub fn walk(home: &Path) -> Walk {
    walk_in_parallel(home, 1, Looks::All, |_| {})
}

/// Walks both folders of a home as [`walk`] does, on up to `n_threads` threads of which this one is the first.
///
/// `on_files` is called from any of them with the number of further files found, for progress.
pub fn walk_in_parallel(home: &Path, n_threads: usize, looks: Looks, on_files: impl Fn(u64) + Sync) -> Walk {
    let mut walk = Walk::default();
    let mut search = WalkSearch { home, looks, n_files: AtomicUsize::new(0), parts: Vec::new() };
    search.parts = search.share_out(&mut walk);
    on_files(walk.files.len() as u64);
    let n_threads = n_threads.min(MAX_THREADS).min(search.parts.len() / PARTS_PER_THREAD);
    let shared = SharedWalk { search, next: AtomicUsize::new(0), walk: Mutex::new(walk), on_files };
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

/// The rules of a walk, and its progress.
struct WalkSearch<'a> {
    home: &'a Path,
    looks: Looks,
    /// The number of rollouts found so far.
    n_files: AtomicUsize,
    /// The folders that are walked one by one.
    parts: Vec<PathBuf>,
}

impl WalkSearch<'_> {
    /// Finds the folders that are walked one by one, the archive first, because it may be the largest. Adds to `walk`
    /// the files beside them.
    fn share_out(&self, walk: &mut Walk) -> Vec<PathBuf> {
        let mut parts = Vec::new();
        let is_one = is_one_folder(self.home);
        for root in [ARCHIVED, ACTIVE] {
            let is_flat = root == ARCHIVED;
            let root = self.home.join(root);
            match fs::metadata(&root) {
                Ok(_) if is_one && is_flat => {}
                Ok(metadata) if metadata.is_dir() && is_flat => parts.push(root),
                Ok(metadata) if metadata.is_dir() => {
                    let entries = WalkDir::new(&root).max_depth(PART_DEPTH);
                    self.look_at_all(entries, walk, |entry, _| {
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

    /// Adds the files of some folders to `walk`, and calls `each` with each file and folder after it.
    fn look_at_all(&self, entries: WalkDir, walk: &mut Walk, mut each: impl FnMut(DirEntry, &mut Walk)) {
        let mut last: Option<(Arc<RolloutFolder>, Option<sys::OpenFolder>)> = None;
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(self.home).to_owned();
                    let loops = || io::Error::other("a loop of links");
                    walk.fail(path, &error.into_io_error().unwrap_or_else(loops));
                    continue;
                }
            };
            // It is searched for in the whole path each time.
            let name = entry.file_name();
            if entry.file_type().is_file()
                && let Some(named) = file_name::parse(name)
            {
                let parent = entry.path().parent().unwrap_or(self.home);
                let (folder, open) = match last.take().filter(|(folder, _)| folder.path() == parent) {
                    Some(same) => last.insert(same),
                    None => last.insert((self.folder_at(parent), None)),
                };
                let new = match self.looks_at_next() {
                    false => Ok(RolloutFile::unseen(Arc::clone(folder), name, named)),
                    true => sys::OpenFolder::look_in(open, parent, name, &entry).map(|(modified, size)| {
                        let stamp = Stamp { modified, size };
                        RolloutFile::new(Arc::clone(folder), name, named, stamp)
                    }),
                };
                match new {
                    Ok(file) => walk.files.push(file),
                    Err(error) => walk.fail(entry.path().to_owned(), &error),
                }
            }
            each(entry, walk);
        }
    }

    /// Counts a file, and returns true if its time and size are asked for.
    fn looks_at_next(&self) -> bool {
        let n = self.n_files.fetch_add(1, Ordering::Relaxed);
        self.looks == Looks::All || n < SOME_FILES
    }

    fn folder_at(&self, path: &Path) -> Arc<RolloutFolder> {
        RolloutFolder::new(path, is_archived(path.strip_prefix(self.home).unwrap_or(path)))
    }
}

/// A walk that several threads share.
struct SharedWalk<'a, F> {
    search: WalkSearch<'a>,
    /// The place of the next part.
    next: AtomicUsize,
    walk: Mutex<Walk>,
    on_files: F,
}

impl<F: Fn(u64) + Sync> SharedWalk<'_, F> {
    /// Walks one part after the other, until none is left.
    fn walk_parts(&self) {
        let mut found = Walk::default();
        let next = || self.search.parts.get(self.next.fetch_add(1, Ordering::Relaxed));
        while let Some(part) = next() {
            // Of the parts, only the archive may be a link.
            let is_root = part.parent() == Some(self.search.home);
            let entries = WalkDir::new(part).follow_root_links(is_root);
            self.search.look_at_all(entries, &mut found, |_, found| {
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
        let n_days = 28 * MAX_THREADS * PARTS_PER_THREAD;
        for day in 0..n_days {
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
        let walked = |n_threads, looks| {
            let n_told = AtomicU64::new(0);
            let told = |n| {
                n_told.fetch_add(n, Ordering::Relaxed);
            };
            let Walk { files, errors, missing_roots } = walk_in_parallel(home.path(), n_threads, looks, told);
            assert_eq!(files.len() as u64, n_told.into_inner());
            let mut paths: Vec<PathBuf> = files.iter().map(RolloutFile::path).collect();
            paths.sort();
            paths.dedup();
            assert_eq!(paths.len(), files.len(), "no file is found twice");
            (paths, format!("{errors:?}"), missing_roots)
        };
        let alone = walked(1, Looks::All);
        // Root can read the folder that is shut.
        let n_shut = usize::from(alone.1 != "[]");
        assert_eq!(alone.0.len(), n_days + FILES_AT_ONCE + 7 + 2 - n_shut);
        for n_threads in [0, 2, 3, 64] {
            for looks in [Looks::All, Looks::Some] {
                assert_eq!(walked(n_threads, looks), alone, "{n_threads} threads, {looks:?}");
            }
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
