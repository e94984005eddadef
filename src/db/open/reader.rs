//! Opens a database for reading, so that nothing of it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags, ffi};
use tempfile::TempDir;

use super::connect::{LONG, OPENING, OpenOptions, PAUSE, connect, find, first_look, in_transaction};
pub(super) use super::snapshot::Access;
use super::snapshot::{self, Snapshot};
use super::trouble::{self, Trouble, explain, explain_io, explain_own, refuse, sqlite_error};

/// After this many attempts, the timeout decides whether there is another.
const ATTEMPTS: u32 = 4;

/// A database that can only be read. Reading changes no byte and no time of it or of the files beside it.
///
/// No lock is held between two reads, so a running Codex is never blocked.
#[derive(Debug)]
pub struct Reader {
    /// The path as the user wrote it, for messages.
    path: PathBuf,
    /// The resolved path, beside which SQLite looks for its other files.
    real: PathBuf,
    options: OpenOptions,
    /// The way in which the last read opened the database.
    access: Access,
    /// A connection without locks, valid as long as the file does not change.
    kept: Option<Kept>,
}

/// A connection to a state of the database that a look identifies.
#[derive(Debug)]
struct Kept {
    access: Access,
    seen: Snapshot,
    // Declared before the folder, so that it is closed before the folder is deleted.
    connection: Connection,
    _copy: Option<TempDir>,
}

/// A failed attempt to read.
enum FailedAttempt {
    /// Try again, in the given way if there is one.
    Again(Option<Access>, anyhow::Error),
    /// Another attempt would fail too.
    Last(anyhow::Error),
}

impl From<anyhow::Error> for FailedAttempt {
    fn from(error: anyhow::Error) -> FailedAttempt {
        FailedAttempt::Last(error)
    }
}

impl Reader {
    /// Opens the database `path` and checks that it is a database.
    ///
    /// # Errors
    /// With path, reason, class ([`Trouble`]) and hint, if it is missing, not a file, empty, not a database, damaged,
    /// locked beyond the timeout, or not readable.
    pub fn open(path: &Path, options: &OpenOptions) -> anyhow::Result<Self> {
        let real = find(path)?;
        let mut reader = Self {
            path: path.to_owned(),
            real,
            options: options.clone(),
            access: Access::Immutable,
            kept: None,
        };
        reader.read_as(OPENING, |connection| Ok(first_look(connection)?))?;
        Ok(reader)
    }

    /// Closes the reader at the end of the program. It leaves to the system what the system releases anyway, but
    /// still removes a private copy. A short listing needs 6 % fewer instructions for it
    /// (benches/results/2026-11-29-instructions.md).
    pub fn end(mut self) {
        if let Some(kept) = self.kept.take()
            && kept.access == Access::Immutable
        {
            // No lock is held, and only one file is open, for reading.
            std::mem::forget(kept);
        }
    }

    /// Returns the path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the options with which this database was opened, to open another in the same way.
    #[must_use]
    pub fn options(&self) -> &OpenOptions {
        &self.options
    }

    /// Returns true if the database's header says WAL mode. A read-only connection does not show it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn is_wal(&self) -> anyhow::Result<bool> {
        Ok(!self.snapshot()?.is_rollback_mode())
    }

    /// Returns the way in which the last read opened the database.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Runs `f` in one read transaction, so that it sees one state of the database.
    ///
    /// `f` is run again if the database changed during a read without locks, or had to be opened in another way. So
    /// it must have no effects but its result: read a page, return, then print it. It must not begin transactions,
    /// and must not open the same database for writing, because SQLite would then treat that connection as read-only
    /// within this process.
    ///
    /// # Errors
    /// Those of `f`; those of [`Reader::open`] if the database cannot be opened (any more); busy if it changes so
    /// often that no read succeeds within the timeout.
    pub fn read<T, E: Into<anyhow::Error>>(
        &mut self,
        mut f: impl FnMut(&Connection) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        self.read_as("read the database", |connection| f(connection).map_err(Into::into))
    }

    fn read_as<T>(
        &mut self,
        doing: &str,
        mut f: impl FnMut(&Connection) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + self.options.busy_timeout;
        let mut wanted = None;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (way, error, is_final) = match self.attempt(wanted, deadline, &mut f) {
                Ok(value) => return Ok(value),
                Err(FailedAttempt::Last(error)) => (None, error, true),
                Err(FailedAttempt::Again(way, error)) => {
                    let is_late = Instant::now() >= deadline;
                    let is_last = match Trouble::of(&error) {
                        // Waiting for the lock already used up the timeout.
                        Some(Trouble::Busy) if sqlite_error(&error).is_some() => is_late,
                        // A change takes no time, so it gets some attempts whatever the timeout is.
                        Some(Trouble::Busy) => attempts >= ATTEMPTS && is_late,
                        // Waiting does not help here.
                        _ => attempts >= ATTEMPTS,
                    };
                    (way, error, is_last)
                }
            };
            if is_final {
                return Err(explain_own(error, &self.path, doing));
            }
            wanted = way;
            // Longer than the resolution of file times, so that the next change is visible.
            thread::sleep(PAUSE);
        }
    }

    fn attempt<T>(
        &mut self,
        wanted: Option<Access>,
        deadline: Instant,
        f: &mut impl FnMut(&Connection) -> anyhow::Result<T>,
    ) -> Result<T, FailedAttempt> {
        let seen = self.snapshot()?;
        let kept = match self.kept.take() {
            Some(kept) if kept.seen == seen => kept,
            _ => {
                let access = wanted.unwrap_or_else(|| seen.access());
                self.connect(seen, access, deadline)?
            }
        };
        let access = kept.access;
        self.access = access;
        let result = in_transaction(&kept.connection, f);
        match access {
            Access::Immutable => {
                let after = self.snapshot()?;
                if after != kept.seen {
                    // A rollback-journal writer is active: reading under locks creates no file there. For a WAL
                    // database without -wal it would, so look at that one again.
                    let way = after.access();
                    let way = if way == Access::Immutable && after.is_rollback_mode() {
                        Access::Locked
                    } else {
                        way
                    };
                    return Err(FailedAttempt::Again(Some(way), self.unstable()));
                }
                self.kept = Some(kept);
            }
            Access::Copy => self.kept = Some(kept),
            // These hold locks or marks while they are open, and Codex must find none of ours.
            Access::Shared | Access::SharedMarks | Access::Locked => {
                return result.map_err(|error| another_way(access, error));
            }
        }
        Ok(result?)
    }

    fn snapshot(&self) -> anyhow::Result<Snapshot> {
        Snapshot::at(&self.real).map_err(|error| explain_io(error, &self.path, OPENING))
    }

    fn connect(&self, seen: Snapshot, access: Access, deadline: Instant) -> Result<Kept, FailedAttempt> {
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let (path, flags, parameters, copy) = match access {
            Access::Shared => (self.real.clone(), read_only, "mode=ro&readonly_shm=1", None),
            Access::SharedMarks | Access::Locked => (self.real.clone(), read_only, "mode=ro", None),
            Access::Immutable => (self.real.clone(), read_only, "mode=ro&immutable=1", None),
            Access::Copy => {
                let folder = self.private_folder()?;
                let copied = snapshot::copy_all(&self.real, &seen, folder.path());
                if self.snapshot()? != seen {
                    return Err(FailedAttempt::Again(None, self.unstable()));
                }
                let path = copied.map_err(|error| {
                    explain_io(error, folder.path(), "make a private copy of the database there")
                })?;
                (path, OpenFlags::SQLITE_OPEN_READ_WRITE, "mode=rw", Some(folder))
            }
        };
        let opened = connect(&path, flags, parameters, deadline.saturating_duration_since(Instant::now()));
        let connection = opened.and_then(|mut connection| {
            connection.pragma_update(None, "query_only", true)?;
            let interrupted = Arc::clone(&self.options.interrupted);
            connection.progress_handler(LONG, Some(move || interrupted.load(Ordering::Relaxed)))?;
            Ok(connection)
        });
        let connection =
            connection.map_err(|error| another_way(access, explain(error, &self.path, OPENING)))?;
        Ok(Kept { access, seen, connection, _copy: copy })
    }

    fn private_folder(&self) -> anyhow::Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("codex-state-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o700));
        }
        let parent = self.options.temporary_folder.clone().unwrap_or_else(std::env::temp_dir);
        builder.tempdir_in(&parent).map_err(|error| {
            explain_io(error, &parent, &format!("make a private copy of {} there", self.path.display()))
        })
    }

    fn unstable(&self) -> anyhow::Error {
        refuse(Trouble::Busy, "it changes again and again while it is read", &self.path, "read the database")
    }
}

/// Decides whether a failed read may succeed if the database is opened in another way.
fn another_way(access: Access, error: anyhow::Error) -> FailedAttempt {
    let way = match (Trouble::of(&error), access) {
        // A hot journal, which SQLite detects only under the lock.
        (Some(Trouble::ReadOnly), Access::Locked | Access::SharedMarks) => Some(Access::Copy),
        (Some(Trouble::ReadOnly), Access::Shared)
            if sqlite_error(&error).and_then(trouble::extended_code)
                == Some(ffi::SQLITE_READONLY_ROLLBACK) =>
        {
            Some(Access::Copy)
        }
        // The -shm cannot be used in its state without writing marks into it.
        (Some(Trouble::ReadOnly), Access::Shared) => Some(Access::SharedMarks),
        // SQLite waited for a writer to repair the -shm, but no writer exists.
        (Some(Trouble::Busy), Access::Shared) => Some(Access::SharedMarks),
        // A file beside the database was removed while it was opened (Codex ended), or a lock lasted longer than
        // SQLite waits.
        (Some(Trouble::CannotOpen | Trouble::Busy), _) => None,
        _ => return FailedAttempt::Last(error),
    };
    FailedAttempt::Again(way, error)
}
