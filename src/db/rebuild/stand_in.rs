//! Makes a private copy of an old database that SQLite can read, where it cannot read the old files themselves.

use super::condition::{Condition, examine};
use crate::db::backup::Staging;
use crate::db::open::{explain, explain_io, private_copy};
use crate::home::with_suffix;
use crate::sys::{Links, open_regular, open_regular_with, remove_if_there};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

const DOING: &str = "read the old database";
/// Length of the header of a `-wal`. One without more has no pages.
const WAL_HEADER: u64 = 32;
/// A file is not made more than this many times longer, whatever its header says.
const LONGEST: u64 = 64;

/// A readable copy of an old database.
pub(super) struct StandIn {
    // Declared before the folder, so that it is closed before the folder is deleted.
    connection: Connection,
    /// True if the copy lacks the `-wal`, which belongs to another database.
    pub(super) is_without_log: bool,
    _staging: Staging,
}

impl StandIn {
    /// Copies the database `path`, which is damaged, without its `-wal`. Returns the copy if it is sound, with the
    /// problem of the original: then the `-wal` is that of another database, for example of one over which a backup was
    /// copied. SQLite checks that a `-wal` is whole, but not to which file it belongs.
    ///
    /// # Errors
    /// If the copy cannot be made.
    pub(super) fn without_log(path: &Path) -> anyhow::Result<Option<(StandIn, String)>> {
        let log = with_suffix(path, "-wal");
        if fs::metadata(&log).map_or(0, |metadata| metadata.len()) <= WAL_HEADER {
            return Ok(None);
        }
        let staging = folder_for(path)?;
        let copy = private_copy(path, staging.folder())?;
        remove_if_there(&with_suffix(&copy, "-wal")).map_err(|error| explain_io(error, path, DOING))?;
        let Ok(connection) = open(&copy) else { return Ok(None) };
        if !matches!(examine(&connection), Ok(Condition::Sound | Condition::Refused(_))) {
            return Ok(None);
        }
        let problem = "the -wal beside it belongs to another database; without it, it is sound";
        Ok(Some((StandIn { connection, is_without_log: true, _staging: staging }, problem.to_owned())))
    }

    /// Copies the database `path`, which SQLite does not open, if its file is shorter than its header says. The missing
    /// pages are empty in the copy, so that the others can be read. Also returns the problem of the original.
    ///
    /// # Errors
    /// If the copy cannot be made.
    pub(super) fn lengthened(path: &Path) -> anyhow::Result<Option<(StandIn, String)>> {
        let explained = |error| explain_io(error, path, DOING);
        let Some([has, needs]) = cut_short(path).map_err(explained)? else { return Ok(None) };
        let staging = folder_for(path)?;
        let copy = private_copy(path, staging.folder())?;
        open_regular_with(File::options().write(true), &copy, Links::Refuse)
            .and_then(|file| file.set_len(needs))
            .map_err(explained)?;
        let connection = open(&copy).map_err(|error| explain(error, path, DOING))?;
        // It may be damaged beyond that.
        if examine(&connection).is_err() {
            return Ok(None);
        }
        let problem = format!("the file is cut short: {has} of {needs} bytes are there");
        Ok(Some((StandIn { connection, is_without_log: false, _staging: staging }, problem)))
    }

    /// Returns the connection to the copy.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// Creates a folder for the copy, beside the database, where there must be room for a new one anyway.
fn folder_for(path: &Path) -> anyhow::Result<Staging> {
    let folder = path.parent().unwrap_or(Path::new("."));
    Staging::within(folder).map_err(|error| explain_io(error, folder, "copy the old database there"))
}

fn open(copy: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(copy)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // A damaged entry of the schema then hides only itself.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    Ok(connection)
}

/// Returns the length of a database file and the one that its header says, in bytes, if it is shorter.
fn cut_short(path: &Path) -> io::Result<Option<[u64; 2]>> {
    let mut header = Vec::new();
    let file = open_regular(path, Links::Follow)?;
    let has = file.metadata()?.len();
    file.take(100).read_to_end(&mut header)?;
    let number =
        |at: usize| header.get(at..at + 4).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    let size = header.get(16..18).and_then(|bytes| Some(u16::from_be_bytes(bytes.try_into().ok()?)));
    let (Some(size), Some(pages)) = (size, number(28)) else { return Ok(None) };
    let size = if size == 1 { 65_536 } else { u64::from(size) };
    let needs = size * u64::from(pages);
    // The number of pages is valid only if the last program to change the file knew of it.
    let is_valid = number(24) == number(92) && has >= size;
    Ok((is_valid && needs > has && needs / LONGEST <= has).then_some([has, needs]))
}
