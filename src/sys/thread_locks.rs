//! Claims a thread with the locks of a running Codex before it is moved or deleted. The verbs do the work.
//!
//! Source of the rules: codex-home.md 7. A free lock does not prove that no process writes, because older versions of
//! Codex take no locks. So a caller that claims a thread checks row and files again before the commit.

use crate::sys::{self, LockAttempt, MaintenanceLock, WriterLock};
use crate::thread::ThreadId;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The interval between two attempts to take a briefly held lock.
const POLL: Duration = Duration::from_millis(20);

/// The reason why a thread cannot be claimed.
#[derive(Debug)]
pub enum Unclaimed {
    /// A running Codex writes the thread.
    Writer,
    /// A job of Codex compresses or migrates rollouts.
    Maintenance,
    /// Trying the lock failed.
    Trouble(io::Error),
}

impl fmt::Display for Unclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unclaimed::Writer => f.write_str("open in a running Codex, which holds its lock"),
            Unclaimed::Maintenance => f.write_str(
                "a running Codex compresses or migrates rollouts and holds .tmp/rollout-maintenance.lock",
            ),
            Unclaimed::Trouble(error) => write!(f, "its lock cannot be taken: {error}"),
        }
    }
}

/// Takes the lock for moving rollouts, waiting at most `patience`. Returns `None` if this home has no such lock.
///
/// # Errors
/// If another process holds the lock, or if it cannot be tried.
pub fn maintenance(home: &Path, patience: Duration) -> Result<Option<MaintenanceLock>, Unclaimed> {
    let deadline = Instant::now() + patience;
    loop {
        match MaintenanceLock::try_acquire(home).map_err(Unclaimed::Trouble)? {
            LockAttempt::Acquired(lock) => return Ok(Some(lock)),
            LockAttempt::NoFolder => return Ok(None),
            LockAttempt::Held if Instant::now() >= deadline => return Err(Unclaimed::Maintenance),
            LockAttempt::Held => std::thread::sleep(POLL),
        }
    }
}

/// Returns true if Codex has a folder for the locks of threads. Then each claimed thread needs an open file.
#[must_use]
pub fn exist(home: &Path) -> bool {
    home.join("thread-writer-locks").is_dir()
}

/// Takes the lock of one thread, without waiting for its writer. Returns `None` if this home has no such locks.
///
/// # Errors
/// If another process holds the lock, or if it cannot be tried.
pub fn writer(home: &Path, id: ThreadId, patience: Duration) -> Result<Option<WriterLock>, Unclaimed> {
    match WriterLock::try_acquire(home, &id.to_string(), patience).map_err(Unclaimed::Trouble)? {
        LockAttempt::Acquired(lock) => Ok(Some(lock)),
        LockAttempt::NoFolder => Ok(None),
        LockAttempt::Held => Err(Unclaimed::Writer),
    }
}

/// Checks whether [`writer`] would succeed, without creating anything; for plans and previews.
///
/// # Errors
/// If another process holds the lock, or if it cannot be tried.
pub fn probe(home: &Path, id: ThreadId, patience: Duration) -> Result<(), Unclaimed> {
    match WriterLock::is_held(home, &id.to_string(), patience).map_err(Unclaimed::Trouble)? {
        true => Err(Unclaimed::Writer),
        false => Ok(()),
    }
}

/// Finds a thread whose lock a running Codex holds.
///
/// # Errors
/// If a lock cannot be tried.
pub fn any_writer(home: &Path, patience: Duration) -> io::Result<Option<String>> {
    let entries = sys::if_there(std::fs::read_dir(home.join("thread-writer-locks")))?;
    let Some(entries) = entries else { return Ok(None) };
    for entry in entries {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".lock")) else { continue };
        if ThreadId::parse(id).is_some() && WriterLock::is_held(home, id, patience)? {
            return Ok(Some(id.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_held_lock_is_reported_by_the_probe_and_on_taking_it() {
        let home = tempfile::tempdir().unwrap();
        let id = ThreadId::from_u128(7);
        probe(home.path(), id, Duration::ZERO).unwrap();
        assert!(writer(home.path(), id, Duration::ZERO).unwrap().is_none());
        assert!(maintenance(home.path(), Duration::ZERO).unwrap().is_none());
        for folder in ["thread-writer-locks", ".tmp"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        fs::write(home.path().join(".tmp/rollout-maintenance.lock"), "").unwrap();
        assert_eq!(any_writer(home.path(), Duration::ZERO).unwrap(), None);
        let lock = writer(home.path(), id, Duration::ZERO).unwrap().unwrap();
        assert_eq!(any_writer(home.path(), Duration::ZERO).unwrap(), Some(id.to_string()));
        assert!(matches!(probe(home.path(), id, Duration::ZERO), Err(Unclaimed::Writer)));
        assert!(matches!(writer(home.path(), id, Duration::ZERO), Err(Unclaimed::Writer)));
        drop(lock);
        probe(home.path(), id, Duration::ZERO).unwrap();
        let lock = maintenance(home.path(), Duration::ZERO).unwrap().unwrap();
        assert!(matches!(maintenance(home.path(), Duration::ZERO), Err(Unclaimed::Maintenance)));
        drop(lock);
        maintenance(home.path(), Duration::ZERO).unwrap().unwrap();
    }
}
