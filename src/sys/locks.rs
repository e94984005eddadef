//! The whole-file locks of Codex, taken in the same way as Codex takes them. Callers decide what to do when one is
//! held.
//!
//! Source of the rules: codex-home.md 7. All are locks of [`File::try_lock`], as in Codex. The system releases them
//! when a process ends, so a crash leaves no lock behind.

use super::open::{Links, if_there, open_regular_with, remove_if_there};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The time that a release may wait for the coordination lock, which Codex holds only briefly.
const RELEASE_PATIENCE: Duration = Duration::from_secs(1);

/// The interval between two attempts to take a held lock.
const POLL: Duration = Duration::from_millis(5);

/// The result of an attempt to take a lock.
#[derive(Debug)]
pub enum LockAttempt<L> {
    /// This process holds the lock until the value is dropped.
    Acquired(L),
    /// Another process holds the lock: do not touch what it protects.
    Held,
    /// The lock's folder is missing (a Codex without such locks): continue without a lock.
    NoFolder,
}

/// A locked file that is explicitly unlocked when dropped. Closing it is not enough: a child process that is being
/// started may have inherited the file for a moment and would keep the lock, and Windows unlocks closed files late.
#[derive(Debug)]
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Tries to lock a file. Returns `None` if another process holds the lock.
fn try_lock(file: File) -> io::Result<Option<Locked>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(Locked(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock of a thread's writer, `thread-writer-locks/<thread id>.lock`. A process that moves or deletes a thread
/// holds it until after the commit.
#[derive(Debug)]
pub struct WriterLock {
    /// The locked file; `None` after the release.
    file: Option<Locked>,
    path: PathBuf,
    coordination: PathBuf,
}

impl WriterLock {
    /// Tries to become the only writer of the thread `id` (a lower-case UUID) in the Codex home `home`.
    ///
    /// Each of these locks is opened, locked, closed and deleted under `.coordination.lock`. This function waits at
    /// most `patience` for that lock, and never for the thread's own lock. It does not create a missing folder.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if the coordination lock stays held; [`io::ErrorKind::InvalidInput`] if `id` is
    /// not a plain file name; otherwise if a lock file cannot be created, opened or locked.
    pub fn try_acquire(home: &Path, id: &str, patience: Duration) -> io::Result<LockAttempt<Self>> {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{id:?} is not a thread id")));
        }
        let folder = home.join("thread-writer-locks");
        if !folder.is_dir() {
            return Ok(LockAttempt::NoFolder);
        }
        let coordination = folder.join(".coordination.lock");
        let path = folder.join(format!("{id}.lock"));
        let Some(_coordination) = if_there(coordinate(&coordination, patience))? else {
            // The folder was removed after the check above.
            return Ok(LockAttempt::NoFolder);
        };
        Ok(match try_lock(open_or_create(&path)?)? {
            Some(file) => LockAttempt::Acquired(Self { file: Some(file), path, coordination }),
            None => LockAttempt::Held,
        })
    }

    /// Returns true if a process holds the lock of the thread `id` now. This creates nothing. It cannot disturb a
    /// Codex, because it asks under the coordination lock, under which Codex takes its own locks.
    ///
    /// # Errors
    /// As [`WriterLock::try_acquire`].
    pub fn is_held(home: &Path, id: &str, patience: Duration) -> io::Result<bool> {
        let folder = home.join("thread-writer-locks");
        let coordination = folder.join(".coordination.lock");
        let path = folder.join(format!("{id}.lock"));
        if !path.is_file() {
            return Ok(false);
        }
        // Without this file no process uses it to coordinate, and asking must not create it.
        let _coordination =
            if coordination.is_file() { Some(coordinate(&coordination, patience)?) } else { None };
        let Some(file) = if_there(open_existing(&path))? else { return Ok(false) };
        Ok(try_lock(file)?.is_none())
    }

    /// Releases the lock and deletes its file.
    fn release(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let coordination = coordinate(&self.coordination, RELEASE_PATIENCE);
        // Closed first, because Windows cannot delete an open file. No other process can take it in between without
        // the coordination lock.
        drop(file);
        // Without the coordination lock the file stays. Unlocked and empty it is harmless; deleting it could delete
        // another process's lock.
        let _coordination = coordination?;
        remove_if_there(&self.path)
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        let _ = self.release();
    }
}

/// The lock of Codex's jobs that compress and migrate rollouts, `.tmp/rollout-maintenance.lock`. A process that moves
/// rollouts holds it too, if the file exists.
#[derive(Debug)]
pub struct MaintenanceLock {
    _file: Locked,
}

impl MaintenanceLock {
    /// Tries to take the lock in the Codex home `home`, without waiting. The file is never created or deleted.
    ///
    /// # Errors
    /// If the file exists and cannot be opened or locked.
    pub fn try_acquire(home: &Path) -> io::Result<LockAttempt<Self>> {
        let path = home.join(".tmp").join("rollout-maintenance.lock");
        let file = match open_existing(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(LockAttempt::NoFolder);
            }
            other => other?,
        };
        Ok(match try_lock(file)? {
            Some(file) => LockAttempt::Acquired(Self { _file: file }),
            None => LockAttempt::Held,
        })
    }
}

/// Takes the coordination lock, waiting at most `patience`.
fn coordinate(path: &Path, patience: Duration) -> io::Result<Locked> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(locked) = try_lock(open_or_create(path)?)? {
            return Ok(locked);
        }
        if Instant::now() >= deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{}: locked by another process", path.display()),
            ));
        }
        thread::sleep(POLL);
    }
}

fn open_existing(path: &Path) -> io::Result<File> {
    open_regular_with(File::options().read(true).write(true), path, Links::Follow)
}

fn open_or_create(path: &Path) -> io::Result<File> {
    open_regular_with(
        File::options().read(true).write(true).create(true).truncate(false),
        path,
        Links::Follow,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ID: &str = "0198c0de-0000-7000-8000-000000000001";

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("thread-writer-locks")).unwrap();
        home
    }

    fn acquire(home: &Path) -> io::Result<LockAttempt<WriterLock>> {
        WriterLock::try_acquire(home, ID, Duration::from_millis(30))
    }

    #[test]
    fn one_writer_at_a_time_and_no_trace_after() {
        let home = home();
        let path = home.path().join("thread-writer-locks").join(format!("{ID}.lock"));
        let LockAttempt::Acquired(mut lock) = acquire(home.path()).unwrap() else { panic!("not acquired") };
        assert!(path.exists());
        assert!(matches!(acquire(home.path()).unwrap(), LockAttempt::Held));
        assert!(WriterLock::is_held(home.path(), ID, Duration::ZERO).unwrap());
        assert!(path.exists(), "a refused attempt must not delete the holder's file");
        lock.release().unwrap();
        assert!(!WriterLock::is_held(home.path(), ID, Duration::ZERO).unwrap());
        assert!(!path.exists());
        let LockAttempt::Acquired(lock) = acquire(home.path()).unwrap() else { panic!("not acquired again") };
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_of_codex_is_held() {
        let home = home();
        let path = home.path().join("thread-writer-locks").join(format!("{ID}.lock"));
        let codex = File::create(&path).unwrap();
        codex.lock().unwrap();
        assert!(matches!(acquire(home.path()).unwrap(), LockAttempt::Held));
        drop(codex);
        assert!(matches!(acquire(home.path()).unwrap(), LockAttempt::Acquired(_)));
    }

    #[test]
    fn the_coordination_lock_is_waited_for_but_not_forever() {
        let home = home();
        let folder = home.path().join("thread-writer-locks");
        let coordination = File::create(folder.join(".coordination.lock")).unwrap();
        coordination.lock().unwrap();
        assert_eq!(acquire(home.path()).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(!folder.join(format!("{ID}.lock")).exists(), "nothing is opened without coordination");
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(50));
                drop(coordination);
            });
            let attempt = WriterLock::try_acquire(home.path(), ID, Duration::from_secs(20)).unwrap();
            assert!(matches!(attempt, LockAttempt::Acquired(_)));
        });
    }

    #[test]
    fn no_folder_is_created() {
        let home = tempfile::tempdir().unwrap();
        assert!(matches!(acquire(home.path()).unwrap(), LockAttempt::NoFolder));
        assert!(matches!(MaintenanceLock::try_acquire(home.path()).unwrap(), LockAttempt::NoFolder));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        let home = home();
        for id in ["", "../x", "a/b", "a\\b", "."] {
            let error = WriterLock::try_acquire(home.path(), id, Duration::ZERO).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn maintenance_is_taken_only_where_it_exists() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".tmp").join("rollout-maintenance.lock");
        fs::create_dir(home.path().join(".tmp")).unwrap();
        assert!(matches!(MaintenanceLock::try_acquire(home.path()).unwrap(), LockAttempt::NoFolder));
        fs::write(&path, "").unwrap();
        let LockAttempt::Acquired(lock) = MaintenanceLock::try_acquire(home.path()).unwrap() else {
            panic!()
        };
        assert!(matches!(MaintenanceLock::try_acquire(home.path()).unwrap(), LockAttempt::Held));
        drop(lock);
        assert!(path.exists());
        assert!(matches!(MaintenanceLock::try_acquire(home.path()).unwrap(), LockAttempt::Acquired(_)));
    }
}
