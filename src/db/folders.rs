//! The working directories in rows: read page by page, and replaced one by one; no other column is written.

use super::row::{collect, texts};
use rusqlite::Connection;

/// The working directory of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFolder {
    /// The id, whatever text it is.
    pub id: String,
    /// The working directory, unchanged.
    pub cwd: String,
}

/// Returns the next `n` rows behind the id `after` whose ids and working directories are text, by id.
///
/// # Errors
/// If the database cannot be read.
pub fn behind(connection: &Connection, after: &str, n: usize) -> rusqlite::Result<Vec<RowFolder>> {
    let sql = "SELECT id, cwd FROM threads WHERE id > ?1 AND typeof(id) = 'text' AND typeof(cwd) = 'text' \
               ORDER BY id LIMIT ?2";
    // A person cannot name a folder that is not UTF-8.
    collect(connection, sql, (after, i64::try_from(n).unwrap_or(i64::MAX)), |row| {
        Ok(texts(row)?.map(|[id, cwd]| RowFolder { id, cwd }))
    })
}

/// Replaces the working directory of a row if it is still the one that was read. Returns false if it is not.
///
/// # Errors
/// If the database cannot be written.
pub fn replace(connection: &Connection, row: &RowFolder, cwd: &str) -> rusqlite::Result<bool> {
    let mut statement =
        connection.prepare_cached("UPDATE threads SET cwd = ?3 WHERE id = ?1 AND cwd = ?2")?;
    Ok(statement.execute((&row.id, &row.cwd, cwd))? > 0)
}
