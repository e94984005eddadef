//! Claims a thread before it is moved or deleted, by the locks of a running Codex; what is done with it is the verbs'.
//!
//! Source of the rules: codex-home.md 7. That nobody holds a lock is no proof that nobody writes: older versions of
//! Codex take none, so whoever claims a thread looks again at row and files before the commit.

use crate::sys::{LockAttempt, MaintenanceLock, WriterLock};
use crate::thread::ThreadId;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a lock is tried again that is held for moments.
const POLL: Duration = Duration::from_millis(20);

/// Why a thread cannot be claimed.
#[derive(Debug)]
pub enum Unclaimed {
    /// A running Codex writes the thread.
    Writer,
    /// A job of Codex compresses or migrates rollouts.
    Maintenance,
    /// The lock could not be tried.
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

/// Claims the right to move rollouts at all, waiting at most `patience`; `None` where there is no such lock.
///
/// # Errors
/// Somebody else has it.
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

/// Returns true if Codex has a folder for the locks of threads, so that each thread that is claimed takes an open file.
#[must_use]
pub fn exist(home: &Path) -> bool {
    home.join("thread-writer-locks").is_dir()
}

/// Claims one thread, without waiting for its writer; `None` where there are no such locks.
///
/// # Errors
/// Somebody else has it.
pub fn writer(home: &Path, id: ThreadId, patience: Duration) -> Result<Option<WriterLock>, Unclaimed> {
    match WriterLock::try_acquire(home, &id.to_string(), patience).map_err(Unclaimed::Trouble)? {
        LockAttempt::Acquired(lock) => Ok(Some(lock)),
        LockAttempt::NoFolder => Ok(None),
        LockAttempt::Held => Err(Unclaimed::Writer),
    }
}

/// What [`writer`] would say, without creating anything: for plans and previews.
///
/// # Errors
/// Somebody else has it.
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
    let entries = match std::fs::read_dir(home.join("thread-writer-locks")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
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
    fn a_held_lock_is_said_before_and_when_it_is_taken() {
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
