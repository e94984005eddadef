//! Opens a database for writing; knows no table and creates none.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use super::connect::{OPENING, OpenOptions, PAUSE, connect, find, first_look, in_transaction};
use super::trouble::{self, Trouble, explain, explain_io, refuse};
use crate::fault;
use crate::sys::{Links, open_regular_with};

/// Size of the page cache: negative is KiB.
const CACHE_KIB: i64 = -8 * 1024;

/// The `-wal` is played back into the database when it has so many pages, each time with two fsyncs.
const CHECKPOINT_PAGES: i64 = 4000;

/// A database that can be written: the one type through which anything changes.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    connection: Connection,
    options: OpenOptions,
}

impl Writer {
    /// Opens the existing database `path` for writing, recovers it if a crash left it so, and leaves its journal mode
    /// as it is.
    ///
    /// `synchronous` is NORMAL in WAL mode, where a power cut may then take the last commits but harms nothing (as
    /// Codex has it), and FULL otherwise. `foreign_keys` is ON, as in Codex: a deleted thread takes its dependent rows
    /// along by the schema's own rules, whatever tables the future brings, and no row is written whose parent is
    /// missing. For upserts it is harmless as long as they are `ON CONFLICT DO UPDATE`: `REPLACE` deletes the old
    /// row first, which would cascade, and must not be used.
    ///
    /// # Errors
    /// As [`Reader::open`](crate::db::open::Reader::open), and when the database can only be read.
    pub fn open(path: &Path, options: &OpenOptions) -> anyhow::Result<Self> {
        let real = find(path)?;
        let opened = || -> rusqlite::Result<(Connection, bool)> {
            let connection =
                connect(&real, OpenFlags::SQLITE_OPEN_READ_WRITE, "mode=rw", options.busy_timeout)?;
            first_look(&connection)?;
            // SQLite opens what it may not write as read-only, without a word.
            let is_read_only = connection.is_readonly(MAIN_DB)?;
            let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            let synchronous = if journal.eq_ignore_ascii_case("wal") { "NORMAL" } else { "FULL" };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // A transaction of hundreds of rows touches most pages of a dozen indexes: in SQLite's default cache of
            // 2 MB they would be written out and read back many times over.
            connection.pragma_update(None, "cache_size", CACHE_KIB)?;
            // A statement that keeps a journal of its own, for it may fail halfway, has a file for it otherwise.
            connection.pragma_update(None, "temp_store", "memory")?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            if let Some(room) = fault::room() {
                let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
                connection.pragma_update(None, "max_page_count", pages + room)?;
            }
            Ok((connection, is_read_only))
        };
        let (connection, is_read_only) =
            retry_busy(options, opened).map_err(|error| why_not(error, &real, path))?;
        if is_read_only {
            return Err(refuse(
                Trouble::ReadOnly,
                "the file cannot be written",
                path,
                "open the database for writing",
            ));
        }
        Ok(Self { path: path.to_owned(), connection, options: options.clone() })
    }

    /// Has SQLite not ask for the parents of new rows, which costs a copy of each page that a row changes. Only for a
    /// writer that fills no cell which names another row ([`Schema::fills_references`]) and deletes nothing.
    ///
    /// [`Schema::fills_references`]: crate::db::schema::Schema::fills_references
    ///
    /// # Errors
    /// What SQLite says.
    pub fn skip_parents(&mut self) -> anyhow::Result<()> {
        let done = self.connection.pragma_update(None, "foreign_keys", false);
        done.map_err(|error| explain(error, &self.path, "set up the database for writing"))
    }

    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, for statements outside a transaction.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The connection for SQLite's backup into it, which nothing else may use meanwhile.
    pub(in crate::db) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Runs `f` in one read transaction, in which it sees one state of the database, and which costs one lock however
    /// many statements it runs.
    ///
    /// # Errors
    /// Those of `f`; busy when the database is locked beyond the timeout.
    pub fn read<T, E: Into<anyhow::Error>>(
        &self,
        mut f: impl FnMut(&Connection) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        let mut f = |connection: &Connection| f(connection).map_err(Into::into);
        in_transaction(&self.connection, &mut f).map_err(|error| match error.downcast::<rusqlite::Error>() {
            Ok(error) => explain(error, &self.path, "read the database"),
            Err(error) => error,
        })
    }

    /// Runs `f` in a transaction that has the write lock from its beginning (`BEGIN IMMEDIATE`), so that it never
    /// fails halfway for another writer; commits if `f` succeeds, rolls back if not.
    ///
    /// # Errors
    /// Those of `f`, SQLite's own explained; busy when the lock could not be had within the timeout; what SQLite says of the commit.
    pub fn transaction_immediate<T>(
        &mut self,
        f: impl FnOnce(&Transaction<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let doing = "write to the database";
        let begin = || Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        let transaction =
            retry_busy(&self.options, begin).map_err(|error| explain(error, &self.path, doing))?;
        let value = f(&transaction).map_err(|error| match error.downcast() {
            Ok(error) => explain(error, &self.path, doing),
            Err(error) => error,
        })?;
        transaction.commit().map_err(|error| explain(error, &self.path, doing))?;
        Ok(value)
    }

    /// Closes the database; the last one to do so takes `-wal` and `-shm` along. Dropping does the same silently.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn close(self) -> anyhow::Result<()> {
        let Self { path, connection, .. } = self;
        connection.close().map_err(|(_, error)| explain(error, &path, "close the database"))
    }
}

/// Why a database cannot be opened for writing. SQLite says of what may not be written, where it needs a file beside it,
/// only that something cannot be opened; the system knows more.
fn why_not(error: rusqlite::Error, real: &Path, path: &Path) -> anyhow::Error {
    if trouble::class(&error) == Trouble::CannotOpen
        && let Err(error) = open_regular_with(File::options().write(true), real, Links::Follow)
    {
        return explain_io(error, path, "open the database for writing");
    }
    explain(error, path, OPENING)
}

/// Tries again what found the database locked, until the timeout: SQLite waits itself, but not in each case.
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
    use rusqlite::ffi;

    #[test]
    fn what_cannot_be_opened_is_explained_by_the_system_where_that_knows_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.sqlite");
        std::fs::write(&file, "").unwrap();
        let said = |code, real: &Path| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = why_not(error, real, &file);
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
