//! Asks SQLite to check a database file; not whether its rows make sense.

use rusqlite::Connection;

/// Returns what `PRAGMA integrity_check` finds, at most `limit` problems; none in a sound database.
///
/// # Errors
/// If the database cannot be read, which may itself be damage.
pub fn problems(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({limit})"))?;
    let found: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Looks at every page, without comparing indexes with tables: returns at most one problem; `None` if it is sound.
///
/// # Errors
/// If the database cannot be read.
pub fn first_problem(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(Some(found).filter(|found| found != "ok"))
}
