//! The working directories in rows: read page by page, and replaced one by one; no other column is written.

use super::by_id::{self, ById};
use super::row::collect;
use rusqlite::{Connection, Row};

/// The working directory of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFolder {
    /// The id, whatever text it is; empty if it is not UTF-8.
    pub id: String,
    /// The working directory, unchanged; empty if it is not UTF-8.
    pub cwd: String,
}

/// Begins a walk over the rows that [`behind`] reads.
#[must_use]
pub fn walk() -> ById<RowFolder> {
    ById::new(|row| &row.id)
}

/// Returns a page of rows behind the id `after` whose ids and working directories are text, by id.
///
/// # Errors
/// If the database cannot be read.
pub fn behind(connection: &Connection, after: &str) -> rusqlite::Result<Vec<RowFolder>> {
    let sql = "SELECT id, cwd FROM threads WHERE id > ?1 AND typeof(id) = 'text' AND typeof(cwd) = 'text' \
               ORDER BY id LIMIT ?2";
    // A person cannot name a folder that is not UTF-8. It is returned as empty, so that the page stays full.
    let text = |row: &Row<'_>, i| row.get_ref(i).map(|value| value.as_str().unwrap_or_default().to_owned());
    collect(connection, sql, (after, by_id::PAGE), |row| {
        Ok(Some(RowFolder { id: text(row, 0)?, cwd: text(row, 1)? }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_text_ends_no_walk() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE threads (id TEXT PRIMARY KEY, cwd TEXT);
                 INSERT INTO threads WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
                     SELECT printf('%05d', i), '/srv' FROM n;
                 UPDATE threads SET cwd = CAST(x'ff' AS TEXT) WHERE id IN ('00010', '01000')",
            )
            .unwrap();
        let (mut rows, mut folders) = (walk(), Vec::new());
        while let Some(row) = rows.next(|after| Ok(behind(&connection, after)?)).unwrap() {
            folders.push(row.cwd);
        }
        assert_eq!(folders.len(), 2500);
        assert_eq!(folders.iter().filter(|folder| *folder == "/srv").count(), 2498);
        assert!(!rows.is_lost());
    }
}
