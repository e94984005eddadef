//! Makes connections to a database, and finds where the file really is. Locks are decided elsewhere.

use super::snapshot::{self, Snapshot};
use super::trouble::{Trouble, explain_io, refuse};
use crate::home::{BESIDE_DATABASE, with_suffix};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The pause before a database that changed or was busy is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// After this many steps of SQLite's virtual machine, some ten milliseconds, a statement asks whether it must stop.
/// Short statements never ask, so that an interrupted command can still end cleanly.
pub(super) const LONG: i32 = 100_000;

/// Options for opening databases.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Maximum time to wait for another process's lock before failing as busy.
    pub busy_timeout: Duration,
    /// Folder for private copies; `None` for the system's temporary folder.
    pub temporary_folder: Option<PathBuf>,
    /// Set by the caller to stop long reads and copies.
    pub interrupted: Arc<AtomicBool>,
}

impl Default for OpenOptions {
    /// Returns the five seconds of cli.md (and of Codex).
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), temporary_folder: None, interrupted: Arc::default() }
    }
}

pub(super) const OPENING: &str = "open the database";

/// Finds the real path of a database. On Unix SQLite follows links before it looks for the files beside it; on
/// Windows it does not.
pub(super) fn find(path: &Path) -> anyhow::Result<PathBuf> {
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
    // SQLite opens these without checking their type, and would wait forever at a pipe. A pipe that takes the place of a
    // file after this look is still waited for: SQLite opens by name, and to change how it opens takes a VFS, which is
    // unsafe code. The second Ctrl-C ends the program there, and only the owner of the folder can make such a pipe.
    for suffix in BESIDE_DATABASE {
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

/// Copies the database `path` and the files that belong to it, byte by byte, into `folder`, and returns the copy's
/// path. It must not be in use.
///
/// # Errors
/// If it cannot be read, if the copy cannot be written, or if the database changes meanwhile.
pub(in crate::db) fn private_copy(path: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let doing = "make a private copy of the database";
    let real = if cfg!(unix) { fs::canonicalize(path) } else { std::path::absolute(path) };
    let real = real.map_err(|error| explain_io(error, path, doing))?;
    let snapshot = || Snapshot::at(&real).map_err(|error| explain_io(error, path, doing));
    let seen = snapshot()?;
    let copied =
        snapshot::copy_all(&real, &seen, folder).map_err(|error| explain_io(error, folder, doing))?;
    if snapshot()? == seen {
        Ok(copied)
    } else {
        Err(refuse(Trouble::Busy, "it changes while it is read", path, doing))
    }
}

pub(super) fn connect(
    path: &Path,
    flags: OpenFlags,
    parameters: &str,
    timeout: Duration,
) -> rusqlite::Result<Connection> {
    let uri =
        snapshot::uri(path, parameters).map_err(|path| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    // Keep query plans independent of bound values; otherwise SQLite prepares each statement a second time for them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The schema is as untrusted as the rows: its views, triggers and virtual tables cannot call dangerous functions,
    // and no statement can change what SQLite relies on.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.busy_timeout(timeout)?;
    Ok(connection)
}

/// Reads the content for the first time; before that SQLite does not notice what kind of file it is.
pub(super) fn first_look(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

pub(super) fn in_transaction<T>(
    connection: &Connection,
    f: &mut impl FnMut(&Connection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let _transaction = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    f(connection)
}
