//! Connections to a database: how they are set up, and where the file really is; decides nothing about locks.

use super::look::{self, Look, with_suffix};
use super::trouble::{Trouble, explain_io, refuse};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long to sleep before something that changed or was busy is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// After so many steps of SQLite's virtual machine, some ten milliseconds, a statement asks whether it should end. Short
/// ones never ask, so that a command that was interrupted can still end in good order.
pub(super) const LONG: i32 = 100_000;

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

pub(super) const OPENING: &str = "open the database";

/// Where a database really is. On Unix SQLite follows links before it looks for the files beside it, on Windows it
/// does not.
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
pub(super) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

pub(super) fn connect(
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
