//! Saves rows that are about to be deleted in a separate database, from which they can be restored, and deletes them.
//! The verb chooses the rows.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params_from_iter};

use super::copy::sync_file;
use super::folder::{cannot_use, create_private, folder_of, named, rename_to_free};
use super::staging::Staging;
use crate::db::open::{explain, explain_io};
use crate::db::packed;
use crate::db::salvage::{insert_into, quoted};
use crate::db::schema::{Schema, writable_columns};
use crate::sys::sync_folder;

/// The prefix of such a database's name; the name of the rows' database and the time follow.
pub(super) const PREFIX: &str = "pruned-";

/// The table that distinguishes such a database from one that Codex could use.
pub(super) const MARK: &str = "codex_state_pruned";

const THREADS: &str = "threads";

const DOING: &str = "save the rows that are to be deleted";

/// A database with deleted rows: `threads` with every column of the original schema, and the related rows of other
/// tables.
///
/// It is built under a temporary name and gets its final name when it is complete ([`SavedRows::publish`]). The next
/// attempt removes what a crash left before that.
#[derive(Debug)]
pub struct SavedRows {
    path: PathBuf,
    connection: Connection,
    tables: Vec<ThreadTable>,
    /// SQLite's number for the state of the rows' database before the first row was saved; `None` if that number does
    /// not tell whether rows changed.
    version: Option<i64>,
    /// The temporary folder; `None` once the database has its final name.
    staging: Option<Staging>,
}

/// A table whose rows belong to threads.
#[derive(Debug)]
struct ThreadTable {
    name: String,
    /// The SQL that created the table.
    sql: String,
    n_columns: usize,
    /// Selects the rows of a thread.
    select: String,
    /// Inserts one row.
    insert: String,
    /// Deletes the rows of a thread; `None` if they may belong to another thread too.
    delete: Option<String>,
    /// Creates indexes by which the saved rows of a thread are found.
    indexes: String,
}

impl ThreadTable {
    fn new(name: &str, sql: String, columns: &[String], keys: &[String]) -> ThreadTable {
        let list = quoted(columns.iter().map(String::as_str));
        let conditions: Vec<String> = keys.iter().map(|key| format!("{} = ?1", quoted([&**key]))).collect();
        let insert = insert_into("INSERT OR REPLACE", name, columns);
        // The key of `threads` is an index already.
        let indexed = keys.iter().filter(|_| name != THREADS);
        let indexes = indexed.map(|key| {
            let index = quoted([&*format!("codex_state_{name}_{key}")]);
            format!("CREATE INDEX {index} ON {}({});", quoted([name]), quoted([&**key]))
        });
        let indexes = indexes.collect();
        let (own_name, name) = (name.to_owned(), quoted([name]));
        ThreadTable {
            name: own_name,
            sql,
            indexes,
            n_columns: columns.len(),
            select: format!("SELECT {list} FROM {name} WHERE {}", conditions.join(" OR ")),
            insert,
            delete: match &conditions[..] {
                [condition] => Some(format!("DELETE FROM {name} WHERE {condition}")),
                _ => None,
            },
        }
    }

    /// Returns the rows of a thread, packed.
    fn rows_of(&self, from: &Connection, id: &str) -> rusqlite::Result<Vec<Vec<u8>>> {
        let mut select = from.prepare_cached(&self.select)?;
        let mut rows = select.query([id])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let mut packed = Vec::new();
            for i in 0..self.n_columns {
                packed::push(&mut packed, row.get_ref(i)?);
            }
            found.push(packed);
        }
        Ok(found)
    }
}

/// Returns `threads`, the tables known to belong to it, and those whose rows the schema deletes together with its
/// rows.
fn tables(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<ThreadTable>> {
    let mut keys: Vec<(String, Vec<String>)> = vec![(THREADS.to_owned(), vec!["id".to_owned()])];
    if schema.has_spawn_edges {
        let columns = ["parent_thread_id", "child_thread_id"].map(str::to_owned);
        keys.push(("thread_spawn_edges".to_owned(), columns.to_vec()));
    }
    if schema.has_dynamic_tools {
        keys.push(("thread_dynamic_tools".to_owned(), vec!["thread_id".to_owned()]));
    }
    let sql = "SELECT m.name, f.\"from\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f \
               WHERE m.type = 'table' AND lower(f.\"table\") = 'threads' AND f.on_delete = 'CASCADE' \
               AND coalesce(f.\"to\", 'id') = 'id' ORDER BY m.name, f.id";
    let mut statement = connection.prepare(sql)?;
    let dependent =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for dependent in dependent {
        let (table, column) = dependent?;
        match keys.iter_mut().find(|(name, _)| *name == table) {
            Some((_, columns)) if columns.contains(&column) => {}
            Some((_, columns)) => columns.push(column),
            None => keys.push((table, vec![column])),
        }
    }
    let mut tables = Vec::new();
    for (name, keys) in keys {
        let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
        let sql: String = connection.query_row(sql, [&name], |row| row.get(0))?;
        let columns = writable_columns(connection, &name)?;
        tables.push(ThreadTable::new(&name, sql, &columns, &keys));
    }
    Ok(tables)
}

/// Returns SQLite's number for the state of a database, which changes when another connection commits. `None` if a
/// trigger may change other rows when one is deleted.
fn version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let triggers = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%delete%'";
    let has_triggers = connection.prepare_cached(triggers)?.query_row([], |row| row.get::<_, bool>(0))?;
    let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
    Ok((!has_triggers).then_some(version))
}

impl SavedRows {
    /// Creates an empty database for saved rows beside `database`, to which `connection` is open.
    ///
    /// # Errors
    /// If it cannot be created; then nothing may be deleted.
    pub fn create(
        database: &Path,
        connection: &Connection,
        schema: &Schema,
        now: DateTime<Utc>,
    ) -> anyhow::Result<SavedRows> {
        let folder = folder_of(database);
        create_private(&folder).map_err(|error| cannot_use(error, &folder, DOING))?;
        let explained = |error| explain(error, database, DOING);
        let tables = tables(connection, schema).map_err(explained)?;
        let version = version(connection).map_err(explained)?;
        let staging = Staging::within(&folder).map_err(|error| explain_io(error, &folder, DOING))?;
        let path = staging.new_copy().map_err(|error| explain_io(error, &folder, DOING))?;
        let build = || -> rusqlite::Result<Connection> {
            let new = Connection::open(&path)?;
            // A crash discards this file: until it has its final name there is nothing to protect.
            new.execute_batch(
                "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN",
            )?;
            for table in &tables {
                new.execute_batch(&table.sql)?;
                new.execute_batch(&table.indexes)?;
            }
            new.execute_batch(&format!("CREATE TABLE {MARK} (\"database\" TEXT, pruned_at TEXT)"))?;
            new.execute(
                &format!("INSERT INTO {MARK} VALUES (?1, ?2)"),
                (database.to_string_lossy(), now.to_rfc3339()),
            )?;
            new.execute_batch("COMMIT")?;
            Ok(new)
        };
        let connection = build().map_err(|error| explain(error, &path, DOING))?;
        Ok(SavedRows { path, connection, tables, version, staging: Some(staging) })
    }

    /// Syncs the saved rows to the disk and gives the database its final name; after that rows may be deleted. Rows
    /// added later are on the disk before [`SavedRows::add`] returns.
    ///
    /// # Errors
    /// If it cannot be written; then nothing may be deleted.
    pub fn publish(&mut self, database: &Path, now: DateTime<Utc>) -> anyhow::Result<()> {
        let Some(staging) = self.staging.take() else { return Ok(()) };
        let folder = folder_of(database);
        let copy = self.path.clone();
        let nothing = Connection::open_in_memory().map_err(|error| explain(error, &copy, DOING))?;
        let connection = std::mem::replace(&mut self.connection, nothing);
        connection.close().map_err(|(_, error)| explain(error, &copy, DOING))?;
        sync_file(&copy).map_err(|error| explain_io(error, &copy, DOING))?;
        self.path = rename_to_free(&copy, now, |time| named(PREFIX, database, time))
            .map_err(|error| explain_io(error, &folder, DOING))?;
        drop(staging);
        sync_folder(&folder).map_err(|error| explain_io(error, &folder, DOING))?;
        let path = self.path.clone();
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(&path)?;
            connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = EXTRA")?;
            Ok(connection)
        };
        self.connection = open().map_err(|error| explain(error, &path, DOING))?;
        Ok(())
    }

    /// Saves the rows of these threads, and the related rows of other tables.
    ///
    /// # Errors
    /// If they cannot be read or written.
    pub fn add(&mut self, from: &Connection, ids: &[impl AsRef<str>]) -> anyhow::Result<()> {
        let copy = || -> rusqlite::Result<()> {
            let transaction = self.connection.unchecked_transaction()?;
            for id in ids {
                let id = id.as_ref();
                let is_saved =
                    transaction.prepare_cached("SELECT 1 FROM threads WHERE id = ?1")?.exists([id])?;
                for table in &self.tables {
                    // Earlier saved rows of this thread are out of date. A row of two threads is not deleted, because
                    // by now it may be saved for the other thread only; its key prevents duplicates.
                    if let Some(delete) = table.delete.as_ref().filter(|_| is_saved) {
                        transaction.prepare_cached(delete)?.execute([id])?;
                    }
                    let mut select = from.prepare_cached(&table.select)?;
                    let mut rows = select.query([id])?;
                    while let Some(row) = rows.next()? {
                        // Copied unchanged: a non-text value in a text column must not be converted.
                        let cells: Vec<ToSqlOutput<'_>> = (0..table.n_columns)
                            .map(|i| Ok(ToSqlOutput::Borrowed(row.get_ref(i)?)))
                            .collect::<rusqlite::Result<_>>()?;
                        transaction.prepare_cached(&table.insert)?.execute(params_from_iter(cells))?;
                    }
                }
            }
            transaction.commit()
        };
        copy().map_err(|error| explain(error, &self.path, DOING))
    }

    /// Returns true if no other program changed the database since the first row was saved. Then all saved rows are
    /// as they are now, and [`SavedRows::covers`] need not be asked.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn is_unchanged(&self, from: &Connection) -> rusqlite::Result<bool> {
        Ok(self.version.is_some() && version(from)? == self.version)
    }

    /// Returns true if all rows that belong to a thread are saved as they are now.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn covers(&self, from: &Connection, id: &str) -> rusqlite::Result<bool> {
        for table in &self.tables {
            let (saved, now) = (table.rows_of(&self.connection, id)?, table.rows_of(from, id)?);
            // Rows that belong to two threads are deleted with the first one.
            let is_covered = now.iter().all(|row| saved.contains(row));
            let is_gone = table.name == THREADS && now.len() != saved.len();
            if !is_covered || is_gone {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finishes the work. If rows were deleted (`used`), returns the file's path; otherwise deletes the file.
    #[must_use]
    pub fn finish(self, used: bool) -> Option<PathBuf> {
        let SavedRows { path, connection, staging, .. } = self;
        let _ = connection.close();
        if staging.is_some() {
            return None;
        }
        if used {
            return Some(path);
        }
        let _ = fs::remove_file(&path);
        None
    }
}

/// Deletes the row of a thread, the edges to and from it, and its dynamic tools.
///
/// Returns true if such a row existed.
///
/// # Errors
/// If the database cannot be written.
pub fn delete_thread(connection: &Connection, schema: &Schema, id: &str) -> rusqlite::Result<bool> {
    if schema.has_spawn_edges {
        let sql = "DELETE FROM thread_spawn_edges WHERE parent_thread_id = ?1 OR child_thread_id = ?1";
        connection.prepare_cached(sql)?.execute([id])?;
    }
    if schema.has_dynamic_tools {
        connection.prepare_cached("DELETE FROM thread_dynamic_tools WHERE thread_id = ?1")?.execute([id])?;
    }
    let n_deleted = connection.prepare_cached("DELETE FROM threads WHERE id = ?1")?.execute([id])?;
    Ok(n_deleted > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    fn ids(connection: &Connection) -> Vec<String> {
        let mut statement = connection.prepare("SELECT id FROM threads ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn whole_rows_and_related_rows_are_saved_and_then_deleted() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON; ALTER TABLE threads ADD COLUMN mood BLOB; \
                 CREATE TABLE notes (thread TEXT REFERENCES threads(id) ON DELETE CASCADE, note TEXT)",
            )
            .unwrap();
        let all = ids(&connection);
        let (gone, other) = (&all[0], &all[1]);
        connection.execute("UPDATE threads SET mood = x'00ff' WHERE id = ?1", [gone]).unwrap();
        for (parent, child) in [(gone, &all[2]), (&all[3], gone), (other, &all[4])] {
            connection
                .execute("INSERT OR REPLACE INTO thread_spawn_edges VALUES (?1, ?2, 'open')", [parent, child])
                .unwrap();
        }
        connection.execute("INSERT INTO notes VALUES (?1, 'mine')", [gone]).unwrap();
        connection.execute("INSERT INTO notes VALUES (?1, 'not mine')", [other]).unwrap();
        let tool = "INSERT INTO thread_dynamic_tools (thread_id, position, name, description, input_schema) \
                    VALUES (?1, 0, 'n', 'd', '{}')";
        connection.execute(tool, [gone]).unwrap();

        let schema = Schema::read(&connection).unwrap();
        let now = DateTime::from_timestamp(1_788_264_000, 0).unwrap();
        let mut saved = SavedRows::create(&place.database, &connection, &schema, now).unwrap();
        assert!(!saved.covers(&connection, gone).unwrap());
        saved.add(&connection, &[gone]).unwrap();
        assert!(saved.covers(&connection, gone).unwrap());
        connection.execute("UPDATE threads SET mood = x'01ff' WHERE id = ?1", [gone]).unwrap();
        assert!(!saved.covers(&connection, gone).unwrap(), "any column counts");
        saved.add(&connection, &[gone]).unwrap();
        let folder = place.folder.path().join(super::super::FOLDER);
        let n_named = || {
            fs::read_dir(&folder)
                .unwrap()
                .filter(|one| one.as_ref().unwrap().file_name().to_string_lossy().starts_with(PREFIX))
                .count()
        };
        assert_eq!(n_named(), 0, "an incomplete file has no final name");
        saved.publish(&place.database, now).unwrap();
        assert_eq!(n_named(), 1);
        assert!(saved.covers(&connection, gone).unwrap());
        connection.execute("INSERT INTO notes VALUES (?1, 'mine, too')", [gone]).unwrap();
        assert!(!saved.covers(&connection, gone).unwrap());
        saved.add(&connection, &[gone]).unwrap();
        assert!(saved.covers(&connection, gone).unwrap());
        connection.execute("DELETE FROM notes WHERE note = 'mine, too'", []).unwrap();
        saved.add(&connection, &[gone]).unwrap();
        delete_thread(&connection, &schema, gone).unwrap();
        let path = saved.finish(true).unwrap();
        assert_eq!(path, named(PREFIX, &place.database, now));

        assert_eq!(ids(&connection), all[1..]);
        let count = |connection: &Connection, sql: &str| -> i64 {
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let edges = format!(
            "SELECT count(*) FROM thread_spawn_edges WHERE '{gone}' IN (parent_thread_id, child_thread_id)"
        );
        assert_eq!(count(&connection, &edges), 0);
        assert_eq!(count(&connection, "SELECT count(*) FROM thread_dynamic_tools"), 0);
        assert_eq!(count(&connection, "SELECT count(*) FROM notes"), 1);

        let kept = Connection::open(path).unwrap();
        assert_eq!(ids(&kept), all[..1]);
        assert_eq!(count(&kept, &edges), 2);
        assert_eq!(count(&kept, "SELECT count(*) FROM thread_spawn_edges"), 2);
        assert_eq!(count(&kept, "SELECT count(*) FROM thread_dynamic_tools"), 1);
        assert_eq!(count(&kept, "SELECT count(*) FROM notes WHERE note = 'mine'"), 1);
        assert_eq!(count(&kept, "SELECT mood = x'01ff' FROM threads"), 1);
        place.assert_no_leftovers();
    }

    #[test]
    fn no_file_stays_without_a_deletion_and_names_do_not_collide() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let schema = Schema::read(&connection).unwrap();
        let now = DateTime::from_timestamp(1_788_264_000, 0).unwrap();
        let create = || SavedRows::create(&place.database, &connection, &schema, now).unwrap();
        assert_eq!(create().finish(true), None, "it never had its final name");
        let create = || {
            let mut saved = create();
            saved.publish(&place.database, now).unwrap();
            saved
        };
        assert_eq!(create().finish(false), None);
        let folder = place.folder.path().join(super::super::FOLDER);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        assert_ne!(create().finish(true), create().finish(true));
        assert_eq!(super::super::backups_of(&place.database), [], "they are no backups of the database");
    }
}
