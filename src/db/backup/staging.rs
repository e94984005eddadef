//! A folder in which a copy is made until it is complete. After a crash, the next run recognises and removes its
//! remains.

use crate::sys::{Links, open_regular_with, remove_if_there};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The prefix of the folders' names; random characters follow.
const PREFIX: &str = ".codex-state-partial-";

/// A file held locked by the process that uses the folder, so that no other process treats it as a leftover.
const LOCK: &str = "lock";

/// A private folder on the file system of the target; deleted with its contents when dropped.
///
/// It is a folder rather than a file because SQLite creates a journal beside the copy, and because a lock on the copy
/// itself would disturb SQLite.
#[derive(Debug)]
pub(in crate::db) struct Staging {
    folder: PathBuf,
    /// The locked file; `None` while the folder is being dropped.
    lock: Option<File>,
}

impl Staging {
    /// Creates a folder in `parent`, after removing the leftovers of crashes there.
    pub(in crate::db) fn within(parent: &Path) -> io::Result<Self> {
        clean(parent);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let folder = builder.tempdir_in(parent)?.keep();
            match lock(&folder) {
                Ok(Some(lock)) => return Ok(Self { folder, lock: Some(lock) }),
                // Another process cleaned up before we had the lock.
                Ok(None) if attempts < 10 => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 10 => {}
                Ok(None) => return Err(io::Error::other("another process keeps removing it")),
                Err(error) => {
                    let _ = fs::remove_dir_all(&folder);
                    return Err(error);
                }
            }
        }
    }

    /// Returns the folder.
    pub(in crate::db) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates an empty file for the copy, readable only by this user.
    pub(in crate::db) fn new_copy(&self) -> io::Result<PathBuf> {
        let copy = self.folder.join("copy.sqlite");
        for suffix in std::iter::once("").chain(crate::home::BESIDE_DATABASE) {
            remove_if_there(&crate::home::with_suffix(&copy, suffix))?;
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&copy)?;
        Ok(copy)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            remove(&self.folder, lock);
        }
    }
}

/// Creates and locks the lock file of a new folder; `None` if the folder was removed before we had the lock.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    file.lock()?;
    Ok(path.exists().then_some(file))
}

/// Removes the leftovers of crashed processes in `parent`. Those that cannot be removed are harmless and stay.
fn clean(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let folder = entry.path();
        match open_regular_with(File::options().read(true).write(true), &folder.join(LOCK), Links::Refuse) {
            Ok(lock) if lock.try_lock().is_ok() => remove(&folder, lock),
            // A process works there.
            Ok(_) => {}
            // The process ended before it created the lock, or after removing it; then the folder is empty. (If a
            // process is just creating the folder, it creates another.)
            Err(_) => drop(fs::remove_dir(&folder)),
        }
    }
}

/// Removes the folder, with the lock file last: an interrupted removal is then still recognised.
fn remove(folder: &Path, lock: File) {
    let lock_path = folder.join(LOCK);
    if let Ok(entries) = fs::read_dir(folder) {
        for path in entries.flatten().map(|entry| entry.path()) {
            if path != lock_path {
                let _ = fs::remove_file(path);
            }
        }
    }
    // Unlocked explicitly, because a child process that is being started may also hold the file open. Closed then,
    // because Windows cannot remove an open file.
    let _ = lock.unlock();
    drop(lock);
    let _ = fs::remove_file(lock_path);
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_dropped_folder_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let staging = Staging::within(parent.path()).unwrap();
        let copy = staging.new_copy().unwrap();
        fs::write(&copy, "x").unwrap();
        assert_eq!(fs::read(staging.new_copy().unwrap()).unwrap(), b"", "a second attempt begins anew");
        drop(staging);
        assert_eq!(names(parent.path()), 0);
    }

    #[test]
    fn leftovers_are_removed_but_not_folders_in_use() {
        let parent = tempfile::tempdir().unwrap();
        let busy = Staging::within(parent.path()).unwrap();
        busy.new_copy().unwrap();
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("copy.sqlite"), "half").unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::create_dir(parent.path().join(format!("{PREFIX}unlocked"))).unwrap();
        let mine = parent.path().join(format!("{PREFIX}a file"));
        fs::write(&mine, "x").unwrap();
        let other = parent.path().join("other");
        fs::create_dir(&other).unwrap();

        let staging = Staging::within(parent.path()).unwrap();
        assert!(!left.exists());
        assert!(busy.folder.join("copy.sqlite").exists());
        assert!(mine.exists() && other.exists());
        assert_eq!(names(parent.path()), 4);
        drop((busy, staging));
        assert_eq!(names(parent.path()), 2);
    }
}
