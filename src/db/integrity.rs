//! Asks SQLite to check a database file. It does not check whether the rows make sense.

use super::row::collect;
use rusqlite::Connection;

/// Returns at most `limit` problems that `PRAGMA integrity_check` finds. A sound database has none.
///
/// # Errors
/// If the database cannot be read, which may itself be damage.
pub fn problems(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<String>> {
    let sql = format!("PRAGMA integrity_check({limit})");
    collect(connection, &sql, [], |row| Ok(Some(row.get(0)?).filter(|line| line != "ok")))
}

/// Checks every page, without comparing indexes with tables. Returns at most one problem; `None` for a sound
/// database.
///
/// # Errors
/// If the database cannot be read.
pub fn first_problem(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(Some(found).filter(|found| found != "ok"))
}
