//! Counts the desktop app's own catalogue of threads, which its sidebar shows; never writes it.

use super::open::{OpenOptions, Reader};
use super::row::collect;
use super::schema::{Schema, has_column};
use super::shown;
use rusqlite::Connection;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The path of the app's database, below the home.
const FILE: [&str; 2] = ["sqlite", "codex-dev.db"];
const TABLE: &str = "local_thread_catalog";

/// A comparison of the app's catalogue with Codex's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Path of the app's database.
    pub path: PathBuf,
    /// Number of threads that Codex's database lists, of any provider.
    pub listed: u64,
    /// Number of these threads in the catalogue.
    pub held: u64,
}

impl Catalogue {
    /// Returns true if the app shows fewer threads than Codex has.
    #[must_use]
    pub fn lacks_some(&self) -> bool {
        self.held < self.listed
    }

    /// Describes in one sentence where the threads are.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "Codex's database has all {}; the app's catalogue holds {}, so the app's sidebar lacks the others",
            self.listed, self.held
        )
    }
}

/// Counts the threads of the state database that are in the app's catalogue. Returns `None` if the app has no
/// catalogue, or an unreadable one.
///
/// # Errors
/// If the state database cannot be read.
pub fn compare(home: &Path, schema: &Schema, reader: &mut Reader) -> anyhow::Result<Option<Catalogue>> {
    let path = home.join(FILE.iter().collect::<PathBuf>());
    let Some(ids) = ids(&path, reader.options()) else { return Ok(None) };
    let sql = format!("SELECT id FROM threads WHERE {}", shown::with_any_provider(schema));
    let (listed, held) = reader.read(|connection| -> anyhow::Result<_> {
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let (mut listed, mut held) = (0, 0);
        while let Some(row) = rows.next()? {
            listed += 1;
            held += u64::from(row.get_ref(0)?.as_str().is_ok_and(|id| ids.contains(id)));
        }
        Ok((listed, held))
    })?;
    Ok(Some(Catalogue { path, listed, held }))
}

/// Reads the ids in the catalogue, without those that it marks as missing.
fn ids(path: &Path, options: &OpenOptions) -> Option<HashSet<String>> {
    let read = |connection: &Connection| -> rusqlite::Result<_> {
        let has = |column: &str| has_column(connection, TABLE, column);
        if !has("thread_id")? {
            return Ok(None);
        }
        let present = if has("missing_candidate")? { "missing_candidate = 0" } else { "1" };
        let sql = format!("SELECT thread_id FROM {TABLE} WHERE typeof(thread_id) = 'text' AND {present}");
        collect(connection, &sql, [], |row| row.get(0).map(Some)).map(Some)
    };
    Reader::open(path, options).ok()?.read(read).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};
    use std::fs;

    #[test]
    fn the_catalogue_is_compared_with_the_list_and_stays_unchanged() {
        let place = Place::with(FILLED);
        let home = tempfile::tempdir().unwrap();
        let mut reader = Reader::open(&place.database, &place.options()).unwrap();
        let schema = Schema::of(&mut reader).unwrap();
        assert_eq!(compare(home.path(), &schema, &mut reader).unwrap(), None);
        fs::create_dir(home.path().join("sqlite")).unwrap();
        let path = home.path().join("sqlite/codex-dev.db");
        let connection = Connection::open(&path).unwrap();
        let sql = format!(
            "CREATE TABLE {TABLE} (host_id TEXT, thread_id TEXT, missing_candidate INTEGER NOT NULL DEFAULT 0);
             ATTACH '{}' AS state;
             INSERT INTO {TABLE} (host_id, thread_id) SELECT 'local', id FROM state.threads \
               WHERE archived = 0 AND preview <> '' AND source NOT LIKE '{{\"subagent\"%' ORDER BY id LIMIT 3;
             INSERT INTO {TABLE} (host_id, thread_id) VALUES ('local', 'elsewhere');
             UPDATE {TABLE} SET missing_candidate = 1 WHERE thread_id = (SELECT min(thread_id) FROM {TABLE});",
            place.database.display()
        );
        connection.execute_batch(&sql).unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        let catalogue = compare(home.path(), &schema, &mut reader).unwrap().unwrap();
        assert_eq!((catalogue.held, catalogue.lacks_some()), (2, true));
        assert!(catalogue.describe().contains("the app's catalogue holds 2"));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(home.path().join("sqlite")).unwrap().count(), 1);
        fs::write(&path, "garbage").unwrap();
        assert_eq!(compare(home.path(), &schema, &mut reader).unwrap(), None);
    }
}
