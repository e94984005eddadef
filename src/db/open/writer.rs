//! Opens a database for writing. It knows no tables and creates none.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior, ffi};

use super::checkpoint::Checkpointer;
use super::connect::{OPENING, OpenOptions, PAUSE, connect, find, first_look, in_transaction};
use super::trouble::{self, Trouble, explain, explain_io, explain_own, refuse};
use crate::fault;
use crate::sys::{Links, open_regular_with};

/// Time after which a transaction of many rows is committed, so that a running Codex never waits for long.
pub const MAX_TRANSACTION: Duration = Duration::from_millis(50);

/// Size of the page cache; a negative number is in KiB.
const CACHE_KIB: i64 = -8 * 1024;

/// SQLite moves the `-wal` into the database when it has this many pages, each time with two fsyncs.
const CHECKPOINT_PAGES: i64 = 4000;

/// A database that can be written: the only type through which anything changes.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    /// Ends before the connection, which then removes the `-wal`.
    checkpointer: Option<Checkpointer>,
    connection: Connection,
    options: OpenOptions,
}

impl Writer {
    /// Opens the existing database `path` for writing. Recovers it after a crash, and keeps its journal mode.
    ///
    /// `synchronous` is NORMAL in WAL mode, as in Codex: a power failure may then lose the last commits but damages
    /// nothing. Otherwise it is FULL. `foreign_keys` is ON, as in Codex: the schema's own rules delete the dependent
    /// rows of a deleted thread, in future tables too, and no row is written whose parent is missing. This does not
    /// affect upserts with `ON CONFLICT DO UPDATE`. `REPLACE` must not be used, because it deletes the old row first,
    /// which would cascade.
    ///
    /// # Errors
    /// The same as [`Reader::open`](crate::db::open::Reader::open); also if the database can only be read.
    pub fn open(path: &Path, options: &OpenOptions) -> anyhow::Result<Self> {
        let real = find(path)?;
        let opened = || -> rusqlite::Result<(Connection, bool)> {
            let connection =
                connect(&real, OpenFlags::SQLITE_OPEN_READ_WRITE, "mode=rw", options.busy_timeout)?;
            first_look(&connection)?;
            // SQLite silently opens a file read-only if it may not write it.
            let is_read_only = connection.is_readonly(MAIN_DB)?;
            let synchronous = if is_wal(&connection)? { "NORMAL" } else { "FULL" };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // A transaction of hundreds of rows touches most pages of a dozen indexes. With SQLite's default cache of
            // 2 MB they would be written out and read back many times.
            connection.pragma_update(None, "cache_size", CACHE_KIB)?;
            // A statement that may fail halfway keeps its own journal, which otherwise is a file.
            connection.pragma_update(None, "temp_store", "memory")?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            if let Some(room) = fault::room() {
                let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
                connection.pragma_update(None, "max_page_count", pages + room)?;
            }
            Ok((connection, is_read_only))
        };
        let (connection, is_read_only) =
            retry_busy(options, opened).map_err(|error| explain_unopenable(error, &real, path))?;
        if is_read_only {
            return Err(refuse(
                Trouble::ReadOnly,
                "the file cannot be written",
                path,
                "open the database for writing",
            ));
        }
        Ok(Self { path: path.to_owned(), checkpointer: None, connection, options: options.clone() })
    }

    /// Stops SQLite from checking the parents of new rows, which costs a copy of each page that a row changes. Only
    /// for a writer that deletes nothing and fills no cell that refers to another row ([`Schema::fills_references`]).
    ///
    /// [`Schema::fills_references`]: crate::db::schema::Schema::fills_references
    ///
    /// # Errors
    /// If the setting cannot be changed.
    pub fn skip_parents(&mut self) -> anyhow::Result<()> {
        let done = self.connection.pragma_update(None, "foreign_keys", false);
        done.map_err(|error| explain(error, &self.path, "set up the database for writing"))
    }

    /// Writes without a journal until [`Writer::with_journal`]: after an error or a crash the file is useless. Only for a
    /// new database that no other process uses, and that is discarded after any error.
    ///
    /// # Errors
    /// If the setting cannot be changed.
    pub(in crate::db) fn without_journal(&self) -> rusqlite::Result<()> {
        // SQLite refuses this setting in its defensive mode.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        self.set_journal("OFF")?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        self.connection.pragma_update(None, "synchronous", "OFF")
    }

    /// Puts the database into WAL mode again. Its file is not synced: the caller does that when it is complete.
    ///
    /// # Errors
    /// If the setting cannot be changed.
    pub(in crate::db) fn with_journal(&self) -> rusqlite::Result<()> {
        self.set_journal("WAL")
    }

    fn set_journal(&self, mode: &str) -> rusqlite::Result<()> {
        let set: String =
            self.connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))?;
        if set.eq_ignore_ascii_case(mode) {
            return Ok(());
        }
        let why = format!("the journal mode stays {set}");
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(why)))
    }

    /// Returns the path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the connection, for statements outside a transaction.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the connection for SQLite's backup into it; no other code may use it meanwhile.
    pub(in crate::db) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Runs `f` in one read transaction, in which it sees one state of the database. It takes one lock for all
    /// statements.
    ///
    /// # Errors
    /// Those of `f`; busy if the database is locked beyond the timeout.
    pub fn read<T, E: Into<anyhow::Error>>(
        &self,
        mut f: impl FnMut(&Connection) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        let mut f = |connection: &Connection| f(connection).map_err(Into::into);
        in_transaction(&self.connection, &mut f)
            .map_err(|error| explain_own(error, &self.path, "read the database"))
    }

    /// Runs `f` in a transaction that holds the write lock from its start (`BEGIN IMMEDIATE`), so that another writer
    /// cannot make it fail halfway. Commits if `f` succeeds, otherwise rolls back.
    ///
    /// # Errors
    /// Those of `f`, with SQLite's own explained; busy if the lock is held beyond the timeout; if the commit fails.
    pub fn transaction_immediate<T>(
        &mut self,
        f: impl FnOnce(&Transaction<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let doing = "write to the database";
        let begin = || Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        let transaction =
            retry_busy(&self.options, begin).map_err(|error| explain(error, &self.path, doing))?;
        let value = f(&transaction).map_err(|error| explain_own(error, &self.path, doing))?;
        transaction.commit().map_err(|error| explain(error, &self.path, doing))?;
        Ok(value)
    }

    /// Has what was committed moved from the `-wal` into the database on another thread, so that little is left to move
    /// when the database is closed. For a writer that has other work between its transactions.
    pub fn checkpoint_meanwhile(&mut self) {
        if self.checkpointer.is_none()
            && let (Ok(true), Ok(database)) = (is_wal(&self.connection), find(&self.path))
        {
            self.checkpointer = Some(Checkpointer::start(database));
        }
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.request();
        }
    }

    /// Closes the database; the last connection to close removes `-wal` and `-shm`. Dropping does the same, but
    /// silently.
    ///
    /// # Errors
    /// If SQLite cannot close the database.
    pub fn close(self) -> anyhow::Result<()> {
        let Self { path, checkpointer, connection, .. } = self;
        drop(checkpointer);
        connection.close().map_err(|(_, error)| explain(error, &path, "close the database"))
    }
}

/// Returns true if changes go to the `-wal` first.
fn is_wal(connection: &Connection) -> rusqlite::Result<bool> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(journal.eq_ignore_ascii_case("wal"))
}

/// Explains why a database cannot be opened for writing. If SQLite needs a file beside the database and may not
/// write, it only reports that something cannot be opened; the system knows more.
fn explain_unopenable(error: rusqlite::Error, real: &Path, path: &Path) -> anyhow::Error {
    if trouble::class(&error) == Trouble::CannotOpen
        && let Err(error) = open_regular_with(File::options().write(true), real, Links::Follow)
    {
        return explain_io(error, path, "open the database for writing");
    }
    explain(error, path, OPENING)
}

/// Retries an operation that found the database locked, until the timeout. SQLite waits itself, but not in every
/// case.
fn retry_busy<T>(options: &OpenOptions, mut f: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let deadline = Instant::now() + options.busy_timeout;
    loop {
        match f() {
            Err(error) if trouble::class(&error) == Trouble::Busy && Instant::now() < deadline => {
                thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};
    use std::fs;

    const WRITE: &str = "UPDATE threads SET title = 'moved meanwhile'";

    /// Returns true if the database without its `-wal` has the titles of [`WRITE`].
    fn has_moved(place: &Place) -> bool {
        fs::read(&place.database).unwrap().windows(15).any(|bytes| bytes == b"moved meanwhile")
    }

    #[test]
    fn what_was_committed_is_moved_while_the_writer_does_other_work() {
        let place = Place::with(FILLED);
        let mut writer = Writer::open(&place.database, &place.options()).unwrap();
        writer.transaction_immediate(|transaction| Ok(transaction.execute_batch(WRITE)?)).unwrap();
        assert!(!has_moved(&place));
        writer.checkpoint_meanwhile();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !has_moved(&place) {
            assert!(Instant::now() < deadline, "nothing was moved");
            thread::sleep(PAUSE);
        }
        assert!(place.beside("-wal").exists(), "the writer is still at work");
        // A second transaction and request, and then the end at once.
        writer.transaction_immediate(|transaction| Ok(transaction.execute_batch(WRITE)?)).unwrap();
        writer.checkpoint_meanwhile();
        writer.close().unwrap();
        assert!(!place.beside("-wal").exists(), "the writer was the last to close the database");
        place.assert_no_leftovers();
    }

    #[test]
    fn a_database_without_a_wal_has_nothing_to_move() {
        let place = Place::with(FILLED);
        let mut writer = Writer::open(&place.database, &place.options()).unwrap();
        writer.set_journal("DELETE").unwrap();
        writer.checkpoint_meanwhile();
        assert!(writer.checkpointer.is_none());
    }

    #[test]
    fn the_systems_reason_explains_a_database_that_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        std::fs::write(&file, "").unwrap();
        let said = |code, real: &Path| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = explain_unopenable(error, real, &file);
            (Trouble::of(&error), format!("{error:#}"))
        };
        let (trouble, text) = said(ffi::SQLITE_CANTOPEN, &folder.path().join("gone/state.sqlite"));
        assert_eq!(trouble, Some(Trouble::Missing));
        assert!(text.ends_with("cannot open the database for writing: no such file or folder"), "{text}");
        assert_eq!(
            said(ffi::SQLITE_CANTOPEN, &file).0,
            Some(Trouble::CannotOpen),
            "the file is not to blame"
        );
        assert_eq!(said(ffi::SQLITE_NOTADB, Path::new("gone")).0, Some(Trouble::NotADatabase), "it says why");
    }
}
