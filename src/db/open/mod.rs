//! Opens a database for reading, so that nothing of it changes, or for writing; knows no table.
//!
//! [`Reader`] and [`Writer`] are types, so that a command that reads cannot write. How a reader opens is the contract
//! of cli.md, "Which database", and is decided anew for each read, for a Codex may start or end in between.

mod exclusive;
mod look;
#[cfg(test)]
mod tests;
mod trouble;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, ffi};
use tempfile::TempDir;

pub use exclusive::Exclusive;
pub use look::Access;
use look::Look;
pub(in crate::db) use look::with_suffix;
pub(crate) use trouble::refuse;
pub use trouble::{Trouble, explain, explain_io, is_busy, sqlite_error};
pub(in crate::db) use trouble::{class, reason};
pub use writer::Writer;

/// How long to sleep before something that changed or was busy is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// After so many attempts the timeout decides whether there is another.
const ATTEMPTS: u32 = 4;

/// After so many steps of SQLite's virtual machine, some ten milliseconds, a statement asks whether it should end. Short
/// ones never ask, so that a command that was interrupted can still end in good order.
const LONG: i32 = 100_000;

/// How databases are opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// How long to wait for somebody else's lock before giving up as busy.
    pub busy_timeout: Duration,
    /// Where private copies go; `None` is the system's temporary folder.
    pub temporary_folder: Option<PathBuf>,
    /// Set from outside to end reads and copies that take long.
    pub interrupted: Arc<AtomicBool>,
}

impl Default for OpenOptions {
    /// The five seconds of cli.md (and of Codex).
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), temporary_folder: None, interrupted: Arc::default() }
    }
}

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

const OPENING: &str = "open the database";

/// Where a database really is. On Unix SQLite follows links before it looks for the files beside it, on Windows it
/// does not.
fn find(path: &Path) -> anyhow::Result<PathBuf> {
    let explained = |error| explain_io(error, path, OPENING);
    let real =
        if cfg!(unix) { fs::canonicalize(path) } else { std::path::absolute(path) }.map_err(explained)?;
    let metadata = fs::metadata(&real).map_err(explained)?;
    if metadata.is_dir() {
        return Err(refuse(Trouble::NoFile, "it is a folder", path, OPENING));
    }
    if !metadata.is_file() {
        return Err(refuse(Trouble::NoFile, "it is not a regular file", path, OPENING));
    }
    // SQLite opens these without looking at what they are, and would wait at a pipe for ever.
    for suffix in ["-wal", "-shm", "-journal"] {
        let beside = with_suffix(&real, suffix);
        if fs::metadata(&beside).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(refuse(Trouble::NoFile, "it is not a regular file", &beside, OPENING));
        }
    }
    if metadata.len() == 0 {
        return Err(refuse(Trouble::Empty, "the file is empty", path, OPENING));
    }
    Ok(real)
}

/// Copies the database `path` and what belongs to it, byte by byte, into `folder`, and returns the copy's path. It must
/// not be in use.
///
/// # Errors
/// If it cannot be read, the copy cannot be written, or the database changes meanwhile.
pub(in crate::db) fn private_copy(path: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let doing = "make a private copy of the database";
    let real = if cfg!(unix) { fs::canonicalize(path) } else { std::path::absolute(path) };
    let real = real.map_err(|error| explain_io(error, path, doing))?;
    let look = || Look::at(&real).map_err(|error| explain_io(error, path, doing));
    let seen = look()?;
    let copied = look::copy_all(&real, &seen, folder).map_err(|error| explain_io(error, folder, doing))?;
    if look()? == seen {
        Ok(copied)
    } else {
        Err(refuse(Trouble::Busy, "it changes while it is read", path, doing))
    }
}

/// Removes a file; one that is missing is removed already.
fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn connect(
    path: &Path,
    flags: OpenFlags,
    parameters: &str,
    timeout: Duration,
) -> rusqlite::Result<Connection> {
    let uri = look::uri(path, parameters).map_err(|path| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    // A plan that does not depend on the values bound: else SQLite prepares each statement a second time for them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The schema is as untrusted as the rows: views, triggers and virtual tables in it call nothing that could do harm,
    // and no statement changes what SQLite relies on.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.busy_timeout(timeout)?;
    Ok(connection)
}

/// The first look at the content, without which SQLite does not notice what it was given.
fn first_look(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn in_transaction<T>(
    connection: &Connection,
    f: &mut impl FnMut(&Connection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let _transaction = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    f(connection)
}
