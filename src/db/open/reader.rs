//! Opens a database for reading, so that nothing of it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags, ffi};
use tempfile::TempDir;

use super::connect::{LONG, OPENING, OpenOptions, PAUSE, connect, find, first_look, in_transaction};
pub(super) use super::look::Access;
use super::look::{self, Look};
use super::trouble::{self, Trouble, explain, explain_io, refuse, sqlite_error};

/// After so many attempts the timeout decides whether there is another.
const ATTEMPTS: u32 = 4;

/// A database that can only be read, and of which no byte, time or neighbour changes by reading it.
///
/// No lock is held between two reads, so a Codex can do whatever it wants there.
#[derive(Debug)]
pub struct Reader {
    /// As the user knows it, for messages.
    path: PathBuf,
    /// Where it really is, and where SQLite looks for what lies beside it.
    real: PathBuf,
    options: OpenOptions,
    /// How the last read was done.
    access: Access,
    /// A connection without locks, good for as long as the file is as it was.
    kept: Option<Kept>,
}

/// A connection to a state of the database that is known by a look.
#[derive(Debug)]
struct Kept {
    access: Access,
    seen: Look,
    // Before the folder, so that it is closed when the folder goes.
    connection: Connection,
    _copy: Option<TempDir>,
}

/// What an attempt to read came to.
enum Attempt<T> {
    Done(T),
    /// Again, and if given in this way.
    Again(Option<Access>, anyhow::Error),
}

impl Reader {
    /// Opens the database `path` and makes sure that it is one.
    ///
    /// # Errors
    /// With path, reason, class ([`Trouble`]) and hint: missing, no file, empty, not a database, damaged, locked
    /// beyond the timeout, not readable.
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

    /// Closes for a program that ends: what the system takes back as a whole is not given back piece by piece. A private
    /// copy is removed all the same.
    pub fn end(mut self) {
        if let Some(kept) = self.kept.take()
            && kept.access == Access::Immutable
        {
            // No lock is held, and no file but the one open for reading.
            std::mem::forget(kept);
        }
    }

    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how this database was opened, for one that is opened alike.
    #[must_use]
    pub fn options(&self) -> &OpenOptions {
        &self.options
    }

    /// Whether the database is in WAL mode, by its header: a connection that may not write does not tell.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_wal(&self) -> anyhow::Result<bool> {
        Ok(!self.look()?.is_rollback_mode())
    }

    /// How the last read was done.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Runs `f` in one read transaction, in which it sees one state of the database.
    ///
    /// `f` is run again when the database changed under a read without locks, or had to be opened in another way: so
    /// it must have no effects but its result. Read a page, return, then print it. It must not begin transactions, nor
    /// open the same database for writing: within one process SQLite would then hold that one to be read-only too.
    ///
    /// # Errors
    /// Those of `f`; as for [`Reader::open`] when the database cannot be opened (any more); busy when it changes so
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
            let attempt = self.attempt(wanted, deadline, &mut f);
            let (way, error, is_final) = match attempt {
                Ok(Attempt::Done(value)) => return Ok(value),
                Ok(Attempt::Again(way, error)) => {
                    let is_late = Instant::now() >= deadline;
                    let is_last = match Trouble::of(&error) {
                        // Being locked out already took the time that there is.
                        Some(Trouble::Busy) if sqlite_error(&error).is_some() => is_late,
                        // A change takes none, so it gets some attempts whatever the timeout.
                        Some(Trouble::Busy) => attempts >= ATTEMPTS && is_late,
                        // Waiting mends nothing.
                        _ => attempts >= ATTEMPTS,
                    };
                    (way, error, is_last)
                }
                Err(error) => (None, error, true),
            };
            if is_final {
                return Err(match error.downcast::<rusqlite::Error>() {
                    Ok(error) => explain(error, &self.path, doing),
                    Err(error) => error,
                });
            }
            wanted = way;
            // Longer than the grain of a file's times, so that what changes next shows.
            thread::sleep(PAUSE);
        }
    }

    fn attempt<T>(
        &mut self,
        wanted: Option<Access>,
        deadline: Instant,
        f: &mut impl FnMut(&Connection) -> anyhow::Result<T>,
    ) -> anyhow::Result<Attempt<T>> {
        let seen = self.look()?;
        let kept = match self.kept.take() {
            Some(kept) if kept.seen == seen => kept,
            _ => {
                let access = wanted.unwrap_or_else(|| seen.access());
                match self.connect(seen, access, deadline)? {
                    Attempt::Done(kept) => kept,
                    Attempt::Again(way, error) => return Ok(Attempt::Again(way, error)),
                }
            }
        };
        let access = kept.access;
        self.access = access;
        let result = in_transaction(&kept.connection, f);
        match access {
            Access::Immutable => {
                let after = self.look()?;
                if after != kept.seen {
                    // A rollback-journal writer is at work: reading under locks creates no file there. For a WAL
                    // database without -wal it would, so that one is looked at again.
                    let way = after.access();
                    let way = if way == Access::Immutable && after.is_rollback_mode() {
                        Access::Locked
                    } else {
                        way
                    };
                    return Ok(Attempt::Again(Some(way), self.restless()));
                }
                self.kept = Some(kept);
            }
            Access::Copy => self.kept = Some(kept),
            // These hold locks or marks while they are open: Codex should find none of ours.
            Access::Shared | Access::SharedMarks | Access::Locked => {
                if let Err(error) = result {
                    return another_way(access, error);
                }
            }
        }
        result.map(Attempt::Done)
    }

    fn look(&self) -> anyhow::Result<Look> {
        Look::at(&self.real).map_err(|error| explain_io(error, &self.path, OPENING))
    }

    fn connect(&self, seen: Look, access: Access, deadline: Instant) -> anyhow::Result<Attempt<Kept>> {
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let (path, flags, parameters, copy) = match access {
            Access::Shared => (self.real.clone(), read_only, "mode=ro&readonly_shm=1", None),
            Access::SharedMarks | Access::Locked => (self.real.clone(), read_only, "mode=ro", None),
            Access::Immutable => (self.real.clone(), read_only, "mode=ro&immutable=1", None),
            Access::Copy => {
                let folder = self.private_folder()?;
                let copied = look::copy_all(&self.real, &seen, folder.path());
                if self.look()? != seen {
                    return Ok(Attempt::Again(None, self.restless()));
                }
                let path = copied.map_err(|error| {
                    explain_io(error, folder.path(), "make a private copy of the database there")
                })?;
                (path, OpenFlags::SQLITE_OPEN_READ_WRITE, "mode=rw", Some(folder))
            }
        };
        let opened = connect(&path, flags, parameters, deadline.saturating_duration_since(Instant::now()));
        let connection = match opened.and_then(|mut connection| {
            connection.pragma_update(None, "query_only", true)?;
            let interrupted = Arc::clone(&self.options.interrupted);
            connection.progress_handler(LONG, Some(move || interrupted.load(Ordering::Relaxed)))?;
            Ok(connection)
        }) {
            Ok(connection) => connection,
            Err(error) => return another_way(access, explain(error, &self.path, OPENING)),
        };
        Ok(Attempt::Done(Kept { access, seen, connection, _copy: copy }))
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

    fn restless(&self) -> anyhow::Error {
        refuse(Trouble::Busy, "it changes again and again while it is read", &self.path, "read the database")
    }
}

/// Whether a read that failed may succeed when the database is opened in another way.
fn another_way<T>(access: Access, error: anyhow::Error) -> anyhow::Result<Attempt<T>> {
    let way = match (Trouble::of(&error), access) {
        // A hot journal, which SQLite finds only under the lock.
        (Some(Trouble::ReadOnly), Access::Locked | Access::SharedMarks) => Some(Access::Copy),
        (Some(Trouble::ReadOnly), Access::Shared)
            if sqlite_error(&error).and_then(trouble::extended_code)
                == Some(ffi::SQLITE_READONLY_ROLLBACK) =>
        {
            Some(Access::Copy)
        }
        // The -shm is not in a state that can be used without writing marks to it.
        (Some(Trouble::ReadOnly), Access::Shared) => Some(Access::SharedMarks),
        // SQLite waited for a writer to put the -shm in order, and there is none.
        (Some(Trouble::Busy), Access::Shared) => Some(Access::SharedMarks),
        // A file beside it went away while it was opened (Codex ended), or a lock outlived SQLite's own patience.
        (Some(Trouble::CannotOpen | Trouble::Busy), _) => None,
        _ => return Err(error),
    };
    Ok(Attempt::Again(way, error))
}
