//! Creates new state databases from `migrations/`; never changes an existing one.
//!
//! A new database has the tables and the ledger rows that Codex would create. So Codex adopts it and runs no
//! migration again (docs/codex-home.md, "A database from nothing that Codex adopts").

use super::backup::Staging;
use super::ledger::migrations;
use super::open::{explain, explain_io};
use crate::error::WithHint as _;
use crate::sys;
use rusqlite::Connection;
use std::path::Path;

/// The statements of migration 1, including its row in the ledger.
const THREADS: &str = include_str!("../../migrations/0001_threads.sql");

/// The level of Codex of August 2026, the lowest level after phase 1 that can be created.
pub const AUGUST: i64 = 50;
/// The highest known level.
pub const NEWEST: i64 = 59;

/// The statements that lead to a level from the previous one in this list. Missing versions change no table (57), or
/// created a table that a later version removes (51).
const STEPS: [(i64, &str); 8] = [
    (AUGUST, include_str!("../../migrations/0050_state_5.sql")),
    (52, include_str!("../../migrations/0052_projects_recency.sql")),
    (53, include_str!("../../migrations/0053_threads_originator.sql")),
    (54, include_str!("../../migrations/0054_threads_daybreak_enabled.sql")),
    (55, include_str!("../../migrations/0055_thread_attachments.sql")),
    (56, include_str!("../../migrations/0056_threads_creator_identity.sql")),
    (58, include_str!("../../migrations/0058_threads_archive_sort_indexes.sql")),
    (59, include_str!("../../migrations/0059_thread_attachment_reverse_lookup.sql")),
];

/// The kind of database to create if none exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewSchema {
    /// The database of Codex 0.93 to 0.95.
    Phase1,
    /// The database of Codex since 0.119, at the level of August 2026.
    State5,
}

impl NewSchema {
    /// Returns the file name under which Codex looks for it.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            NewSchema::Phase1 => crate::home::PHASE_1_DATABASE,
            NewSchema::State5 => "state_5.sqlite",
        }
    }

    /// Returns the last migration in its ledger.
    #[must_use]
    pub fn level(self) -> i64 {
        match self {
            NewSchema::Phase1 => 1,
            NewSchema::State5 => AUGUST,
        }
    }
}

/// Creates an empty database in memory, for previews.
///
/// # Errors
/// If SQLite cannot run the statements.
pub fn in_memory(schema: NewSchema) -> anyhow::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    build(&connection, schema.level())?;
    Ok(connection)
}

/// Checks that nothing is at the `path` of a new database: no folder, and no link that leads nowhere.
///
/// # Errors
/// If something is there.
pub fn check_free(path: &Path) -> anyhow::Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let what = if metadata.is_dir() { "a folder" } else { "something that is not a file" };
    let error = anyhow::anyhow!("{}: cannot create the database: {what} has its name", path.display());
    Err(error.hint("move it away, then run it again"))
}

/// Creates an empty database at `path`, where no file may exist, in WAL mode as in Codex.
///
/// It is built under another name, which an old Codex does not recognise as a state database, and renamed when it is
/// complete. So a crash leaves no half-built database.
///
/// # Errors
/// If there is a file at `path` already, or the log of a lost database ([`move_logs`](super::backup::move_logs)), or the
/// folder cannot be written.
pub fn create(path: &Path, schema: NewSchema) -> anyhow::Result<()> {
    let doing = "create the database";
    for suffix in ["-wal", "-journal"] {
        if crate::home::with_suffix(path, suffix).exists() {
            return Err(anyhow::anyhow!(
                "{}: cannot {doing}: the {suffix} of another lies there",
                path.display()
            ));
        }
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| explain_io(error, folder, doing))?;
    let staging = Staging::within(folder).map_err(|error| explain_io(error, folder, doing))?;
    let temporary = staging.new_copy().map_err(|error| explain_io(error, path, doing))?;
    build_at(&temporary, schema.level()).map_err(|error| explain(error, path, doing))?;
    sys::rename_no_replace(&temporary, path).map_err(|error| explain_io(error, path, doing))?;
    sys::sync_folder(folder).map_err(|error| explain_io(error, folder, doing))?;
    Ok(())
}

/// Creates the tables of a level and their ledger in the empty file `path`.
pub(super) fn build_at(path: &Path, level: i64) -> rusqlite::Result<()> {
    let connection = open(path, level)?;
    connection.execute_batch("BEGIN")?;
    build(&connection, level)?;
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)
}

/// Opens a new, empty file as a database with the settings that Codex uses.
fn open(path: &Path, level: i64) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Set before the first table exists; the WAL mode then writes it into the file's header.
    if level > 1 {
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    Ok(connection)
}

/// Creates the tables of a level (1, or 50 to 59) and their ledger in an empty database.
///
/// # Errors
/// If SQLite cannot run the statements.
pub(super) fn build(connection: &Connection, level: i64) -> rusqlite::Result<()> {
    build_tables(connection, 0, level)?;
    for migration in migrations().filter(|(version, ..)| (2..=level).contains(version)) {
        record(connection, migration)?;
    }
    Ok(())
}

/// Creates the tables of a level in a database that has those of the level `from`; 0 is an empty one.
pub(super) fn build_tables(connection: &Connection, from: i64, level: i64) -> rusqlite::Result<()> {
    let steps = std::iter::once(&(1, THREADS)).chain(&STEPS);
    for (_, statements) in steps.filter(|(step, _)| (from + 1..=level).contains(step)) {
        connection.execute_batch(statements)?;
    }
    Ok(())
}

/// Version, description and checksum (in hexadecimal digits) of a migration.
pub(super) type Migration = (i64, &'static str, &'static str);

/// Writes a migration into the ledger.
pub(super) fn record(connection: &Connection, migration: Migration) -> rusqlite::Result<()> {
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
               VALUES (?1, ?2, 1, unhex(?3), 0)";
    connection.prepare_cached(sql)?.execute(migration).map(drop)
}

/// Returns the statement that creates the ledger's table.
pub(super) fn ledger_table() -> rusqlite::Result<String> {
    let connection = Connection::open_in_memory()?;
    build(&connection, 1)?;
    let sql = "SELECT sql FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    connection.query_row(sql, [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::Place;
    use rusqlite::types::Value;

    /// Returns rows as text, for comparison.
    fn rows(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let n_columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells: Vec<Value> = (0..n_columns).map(|i| row.get(i).unwrap()).collect();
            Ok(format!("{cells:?}"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Returns the values of the pragmas and all rows of a new database.
    fn described(connection: &Connection) -> Vec<(&'static str, Vec<String>)> {
        let tables = "(SELECT name AS t FROM sqlite_schema WHERE type = 'table')";
        let indexes = "(SELECT name AS i FROM sqlite_schema WHERE type = 'index')";
        let describe = |what, sql: &str| (what, rows(connection, sql));
        vec![
            describe("names", "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2"),
            describe(
                "indexes in their order",
                "SELECT name FROM sqlite_schema WHERE tbl_name = 'threads' AND type = 'index'",
            ),
            describe("tables", "SELECT name, type, ncol, wr, strict FROM pragma_table_list ORDER BY name"),
            describe(
                "columns",
                &format!("SELECT t, x.* FROM {tables}, pragma_table_xinfo(t) x ORDER BY 1, 2"),
            ),
            describe(
                "foreign keys",
                &format!("SELECT t, x.* FROM {tables}, pragma_foreign_key_list(t) x ORDER BY 1, 2, 3"),
            ),
            describe(
                "index lists",
                &format!("SELECT t, x.* FROM {tables}, pragma_index_list(t) x ORDER BY 1, 2"),
            ),
            describe(
                "index columns",
                &format!("SELECT i, x.* FROM {indexes}, pragma_index_xinfo(i) x ORDER BY 1, 2"),
            ),
            describe("ledger", "SELECT version, description, success, hex(checksum) FROM _sqlx_migrations"),
            describe("sections", "SELECT * FROM thread_sections"),
            describe(
                "backfill state",
                "SELECT id, status, last_watermark, last_success_at FROM backfill_state",
            ),
            describe("vacuum", "SELECT * FROM pragma_auto_vacuum"),
        ]
    }

    /// Returns the condition of each partial index, without spaces.
    fn conditions(connection: &Connection) -> Vec<(String, String)> {
        let sql =
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%where%' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let condition = |sql: String| {
            let at = sql.to_lowercase().find("where").unwrap();
            sql[at..].to_lowercase().split_whitespace().collect::<String>()
        };
        let rows = statement.query_map([], read).unwrap();
        rows.map(|row| row.map(|(name, sql)| (name, condition(sql))).unwrap()).collect()
    }

    /// Returns what the triggers do to rows that are inserted and updated in all ways that matter to them.
    fn triggered(connection: &Connection) -> Vec<String> {
        let insert = "INSERT INTO threads (id, rollout_path, created_at, updated_at, source, model_provider, cwd, title, \
                      sandbox_policy, approval_mode, created_at_ms, updated_at_ms, recency_at, recency_at_ms) \
                      VALUES (?1, '/r', 100, 200, 's', 'p', '/c', 't', 'b', 'a', ?2, ?3, ?4, ?5)";
        let times = [None, Some(0), Some(100), Some(100_500)];
        let mut n_rows = 0;
        for created in times {
            for updated in times {
                for recency in [0, 7] {
                    n_rows += 1;
                    let values = (format!("{n_rows:03}"), created, updated, recency, recency * 1000);
                    connection.execute(insert, values).unwrap();
                }
            }
        }
        let sql = "SELECT id, created_at, updated_at, created_at_ms, updated_at_ms, recency_at, recency_at_ms \
                   FROM threads ORDER BY id";
        let mut found = rows(connection, sql);
        for change in [
            "created_at = created_at + 1",
            "updated_at = updated_at + 1",
            "created_at = created_at + 1, created_at_ms = 5",
            "updated_at = updated_at + 1, updated_at_ms = 5",
            "updated_at = updated_at + 1, updated_at_ms = NULL",
            "updated_at = updated_at",
            "created_at_ms = 9, updated_at_ms = 9",
            "created_at = 50, updated_at = 60, recency_at = 70",
            "recency_at_ms = 0",
            "created_at_ms = NULL",
            "created_at = 51",
        ] {
            connection.execute(&format!("UPDATE threads SET {change}"), []).unwrap();
            found.extend(rows(connection, sql));
        }
        found
    }

    #[track_caller]
    fn compare(ours: &Connection, golden: &Connection) {
        for (ours, golden) in described(ours).into_iter().zip(described(golden)) {
            assert_eq!(ours, golden);
        }
        assert_eq!(conditions(ours), conditions(golden));
        assert_eq!(triggered(ours), triggered(golden));
        for connection in [ours, golden] {
            let error =
                connection.execute("INSERT INTO backfill_state VALUES (2, 'pending', NULL, NULL, 1)", []);
            assert!(error.is_err(), "the state is one row");
        }
    }

    #[test]
    fn state_5_equals_the_database_of_codex_of_august() {
        let golden = Place::with("empty-2026-08.state_5.sqlite");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state_5.sqlite");
        create(&path, NewSchema::State5).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        compare(&Connection::open(&path).unwrap(), &golden.connect());
    }

    #[test]
    fn every_known_level_can_be_created_and_the_last_equals_codex_of_october() {
        for level in AUGUST..=NEWEST {
            let connection = Connection::open_in_memory().unwrap();
            build(&connection, level).unwrap();
            let versions = rows(&connection, "SELECT count(*), max(version) FROM _sqlx_migrations");
            assert_eq!(versions, [format!("[Integer({level}), Integer({level})]")]);
        }
        let golden = Place::with("reconstructed-2026-10.state_5.sqlite");
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("new.db"), NEWEST).unwrap();
        build(&connection, NEWEST).unwrap();
        compare(&connection, &golden.connect());
    }

    #[test]
    fn phase_1_equals_the_database_of_codex_of_january() {
        let golden = Place::with("empty-2026-01.state.sqlite");
        let (ours, golden) = (in_memory(NewSchema::Phase1).unwrap(), golden.connect());
        for sql in [
            "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2",
            "SELECT * FROM pragma_table_xinfo('threads')",
            "SELECT * FROM pragma_table_xinfo('_sqlx_migrations')",
            "SELECT * FROM pragma_index_list('threads') ORDER BY name",
            "SELECT version, description, success, hex(checksum) FROM _sqlx_migrations",
        ] {
            assert_eq!(rows(&ours, sql), rows(&golden, sql), "{sql}");
        }
    }

    #[test]
    fn nothing_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state_5.sqlite");
        std::fs::write(&path, "mine").unwrap();
        create(&path, NewSchema::State5).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
