//! Opens a database so that no other process can open it meanwhile. Writes only what a crash left in its log.

use crate::home::with_suffix;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::connect::{OPENING, OpenOptions, PAUSE, connect, find};
use super::trouble::{self, Trouble, explain, explain_io, refuse};
use crate::error::WithHint as _;
use crate::sys::remove_if_there;

/// A database that only this process has open.
///
/// A Codex uses WAL, so it holds a lock on its database as long as it runs; the exclusive lock is then refused. While
/// this lock is held, a Codex that starts waits and then gives up. On Unix, closing any other descriptor of the file
/// in this process releases the lock: no code may open the file while this value lives.
#[derive(Debug)]
pub struct Exclusive {
    path: PathBuf,
    real: PathBuf,
    connection: Connection,
    /// True if opening the database created an empty `-wal`.
    made_wal: bool,
    /// True if the contents of the `-wal` were moved into the database.
    is_settled: bool,
}

impl Exclusive {
    /// Opens the database `path` and takes the exclusive lock. The readable parts of a damaged schema can be used.
    ///
    /// # Errors
    /// [`Trouble::Busy`] if another process has it open; otherwise as [`Writer::open`](crate::db::open::Writer::open).
    pub fn open(path: &Path, options: &OpenOptions) -> anyhow::Result<Self> {
        let real = find(path)?;
        let deadline = Instant::now() + options.busy_timeout;
        let made_wal = !with_suffix(&real, "-wal").exists();
        loop {
            let error = match lock(&real) {
                Ok(connection) => {
                    let ready = connection.busy_timeout(options.busy_timeout);
                    ready.map_err(|error| explain(error, path, OPENING))?;
                    let path = path.to_owned();
                    return Ok(Self { path, real, connection, made_wal, is_settled: false });
                }
                Err(error) => error,
            };
            if trouble::class(&error) != Trouble::Busy {
                return Err(explain(error, path, OPENING));
            }
            if options.interrupted.load(Ordering::Relaxed) {
                let why = "interrupted before anything was replaced";
                return Err(refuse(Trouble::Interrupted, why, path, OPENING));
            }
            if Instant::now() >= deadline {
                return Err(in_use(path));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Refuses a database that another process has open; changes nothing.
    ///
    /// # Errors
    /// [`Trouble::Busy`] if another process has it open.
    pub fn probe(path: &Path, options: &OpenOptions) -> anyhow::Result<()> {
        let real = find(path)?;
        // Every connection to a database in WAL mode has this file. Opening the database would create it.
        if !with_suffix(&real, "-wal").exists() {
            return Ok(());
        }
        match Self::open(path, options) {
            Err(error) if Trouble::of(&error) == Some(Trouble::Busy) => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Moves the contents of the `-wal` into the database and removes `-wal` and `-shm`, so that the file is complete
    /// alone. Returns false if the database is too damaged for that; then the files stay.
    ///
    /// # Errors
    /// If the disk is full, or the system reports an error.
    pub fn settle(&mut self) -> anyhow::Result<bool> {
        let doing = "empty the log of the old database";
        // From here on, another file may have the database's name, with another -wal beside it.
        self.made_wal = false;
        self.is_settled = true;
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        match self.connection.query_row(checkpoint, [], |row| row.get::<_, i64>(0)) {
            Ok(0) => {}
            Ok(_) => return Err(refuse(Trouble::Busy, "its log is in use", &self.path, doing)),
            Err(error) if trouble::class(&error).is_unusable() => return Ok(false),
            Err(error) => return Err(explain(error, &self.path, doing)),
        }
        let has_bytes = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
        if has_bytes(&with_suffix(&self.real, "-wal")) {
            return Ok(false);
        }
        // Windows cannot remove an open file; there SQLite removes the files when this connection closes.
        if cfg!(unix) {
            for suffix in ["-wal", "-shm"] {
                remove_if_there(&with_suffix(&self.real, suffix))
                    .map_err(|error| explain_io(error, &self.path, doing))?;
            }
        }
        Ok(true)
    }
}

impl Exclusive {
    /// Returns true if the database is in WAL mode.
    #[must_use]
    pub fn is_wal(&self) -> bool {
        let mode = self.connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
        mode.is_ok_and(|mode| mode == "wal")
    }

    /// Takes the database out of WAL mode if it can be written, and keeps the lock.
    ///
    /// A process that opened the file and waits for the lock continues with this file when another one has its name.
    /// In WAL mode it would then use the `-wal` beside the new file. Otherwise it can read, and SQLite refuses its
    /// writes because the file was moved.
    pub fn retire(&mut self) {
        // If a database is too damaged for that, other processes cannot use it either.
        let _ = self.connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()));
    }
}

impl Drop for Exclusive {
    /// Releases the database. Files beside it that existed before stay, because they may belong to another database
    /// by now.
    fn drop(&mut self) {
        if self.made_wal && cfg!(unix) {
            let wal = with_suffix(&self.real, "-wal");
            if fs::metadata(&wal).is_ok_and(|metadata| metadata.len() == 0) {
                let _ = remove_if_there(&wal);
            }
        }
        // Windows lets no process replace an open file, so no other database can have this name yet. A log that was
        // only looked at stays as it was.
        if cfg!(windows) && (self.made_wal || self.is_settled) {
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }
}

fn lock(real: &Path) -> rusqlite::Result<Connection> {
    // The caller waits, because SQLite's own waiting does not end at Ctrl-C.
    let connection = connect(real, OpenFlags::SQLITE_OPEN_READ_WRITE, "mode=rw", Duration::ZERO)?;
    if connection.is_readonly("main")? {
        // SQLite opens a file that it cannot write for reading, and then fails with an error of the disk.
        return Err(trouble::read_only());
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")?;
    // A damaged entry of the schema then hides only itself.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    Ok(connection)
}

fn in_use(path: &Path) -> anyhow::Error {
    refuse(Trouble::Busy, "another process has it open", path, "replace the database")
        .hint("close Codex, its desktop app and its extensions in editors, then run the command again")
}
