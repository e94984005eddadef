//! SQLite's own look at the whole database file; not whether its rows make sense.

use rusqlite::Connection;

/// What `PRAGMA integrity_check` finds, at most `limit` problems; none in a sound database.
///
/// # Errors
/// What SQLite says, which is damage too if it says so.
pub fn problems(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({limit})"))?;
    let found: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}
