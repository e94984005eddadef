//! Finds which columns and tables a database has. It never assumes a version.

use super::open::{Reader, Trouble};
use super::row::collect;
use crate::error::WithHint as _;
use crate::thread::columns::{Col, ColumnSet, Truth};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};

/// The columns without which a `threads` table cannot be used.
const REQUIRED: [Col; 5] = [Col::Id, Col::RolloutPath, Col::CreatedAt, Col::UpdatedAt, Col::Archived];

/// The parts of a database's schema that matter to this program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// The columns that its `threads` table has.
    pub columns: ColumnSet,
    /// The unknown columns of `threads`, in their order.
    pub unknown_columns: Vec<String>,
    /// Columns that an insert must fill but that this program never writes.
    pub unfillable_columns: Vec<String>,
    /// True if spawn edges can be written.
    pub has_spawn_edges: bool,
    /// True if there is a table of dynamic tools.
    pub has_dynamic_tools: bool,
    /// True if there is a `backfill_state` table of the known shape.
    pub has_backfill_state: bool,
    /// True if there is a ledger of migrations.
    pub has_ledger: bool,
    /// True if a cell that backfill fills from a rollout may refer to a row of another table that must exist.
    pub fills_references: bool,
    /// True if a trigger or table may itself decide about a row that breaks a constraint (`OR IGNORE`, `ON CONFLICT
    /// REPLACE`). A conflict clause in a statement would override that decision.
    pub resolves_conflicts: bool,
}

/// One column as SQLite describes it.
struct ColumnInfo<'a> {
    name: &'a str,
    must_be_filled: bool,
    is_generated: bool,
}

/// The kind of object that a name refers to in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectKind {
    Table,
    /// A view or a virtual table: code that the schema chooses computes its contents.
    Computed,
    Missing,
}

/// The beginning of the statement that makes a virtual table, as SQLite keeps it.
const VIRTUAL: &str = "CREATE VIRTUAL";

/// Returns the kind of object called `name`. Reads only the rows of the schema: asking SQLite about the columns of a
/// virtual table runs its code, and `sqlite3_table_column_metadata` crashes there.
fn kind_of(connection: &Connection, name: &str) -> rusqlite::Result<ObjectKind> {
    let sql = "SELECT type, rootpage, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE";
    let is_table = connection.prepare(sql)?.query_row([name], |row| {
        let (kind, sql) = (row.get_ref(0)?.as_str(), row.get_ref(2)?.as_str());
        let is_virtual =
            |sql: &str| sql.get(..VIRTUAL.len()).is_some_and(|start| start.eq_ignore_ascii_case(VIRTUAL));
        let has_pages = row.get_ref(1)?.as_i64().is_ok_and(|page| page > 0);
        Ok(kind == Ok("table") && has_pages && sql.is_ok_and(|sql| !is_virtual(sql)))
    });
    Ok(match is_table.optional()? {
        None => ObjectKind::Missing,
        Some(true) => ObjectKind::Table,
        Some(false) => ObjectKind::Computed,
    })
}

/// Calls `each` with the columns of a real table, in their order. Returns false, and calls nothing, for anything else.
fn each_column(
    connection: &Connection,
    table: &str,
    mut each: impl FnMut(ColumnInfo<'_>),
) -> rusqlite::Result<bool> {
    if kind_of(connection, table)? != ObjectKind::Table {
        return Ok(false);
    }
    // The table-valued function of the same name takes twice as long, which is noticeable in commands that read
    // twenty rows.
    let sql = format!("PRAGMA table_xinfo(\"{}\")", table.replace('"', "\"\""));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let has_default = row.get_ref(4)? != ValueRef::Null;
        let is_key = row.get::<_, i64>(5)? != 0;
        each(ColumnInfo {
            name: row.get_ref(1)?.as_str()?,
            must_be_filled: row.get::<_, bool>(3)? && !has_default && !is_key,
            is_generated: row.get::<_, i64>(6)? > 1,
        });
    }
    Ok(true)
}

/// Returns the columns of `table` that can be written, in their order; empty if there is no such table.
pub(super) fn writable_columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = Vec::new();
    each_column(connection, table, |column| {
        if !column.is_generated {
            names.push(column.name.to_owned());
        }
    })?;
    Ok(names)
}

/// Returns true if `table` has the columns `known`, and no other column that must be filled.
pub(super) fn has_shape(connection: &Connection, table: &str, known: &[&str]) -> rusqlite::Result<bool> {
    let (mut n_known, mut n_unfillable) = (0, 0);
    each_column(connection, table, |column| {
        if known.contains(&column.name) {
            n_known += 1;
        } else if column.must_be_filled {
            n_unfillable += 1;
        }
    })?;
    Ok(n_known == known.len() && n_unfillable == 0)
}

/// Returns true if a table or view has the column. SQLite's own function for that crashes on virtual tables.
pub(super) fn has_column(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2)";
    connection.query_row(sql, [table, column], |row| row.get(0))
}

/// Returns true if the schema contains the words "ignore" or "replace" anywhere, in any meaning.
fn resolves_conflicts(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'trigger') \
               AND (sql LIKE '%ignore%' OR sql LIKE '%replace%'))";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Returns true if a foreign key of `threads` uses a column that a backfill without `--facts-from` may fill, if
/// `thread_spawn_edges` has a foreign key, or if any foreign key refers to a column of `threads` other than the id,
/// which never changes.
fn fills_references(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema AS one, pragma_foreign_key_list(one.name) AS key \
               WHERE one.type = 'table' AND one.rootpage > 0 AND lower(key.\"table\") = 'threads' AND lower(key.\"to\") <> 'id')";
    if connection.query_row(sql, [], |row| row.get(0))? {
        return Ok(true);
    }
    let sql = "SELECT \"from\", 1 FROM pragma_foreign_key_list('threads') \
               UNION ALL SELECT \"from\", 0 FROM pragma_foreign_key_list('thread_spawn_edges')";
    let keys: Vec<(String, bool)> = collect(connection, sql, [], |key| Ok(Some((key.get(0)?, key.get(1)?))))?;
    let is_left_alone = |col: Col| col.column().truth == Truth::Database && col != Col::Name;
    let may_fill = |(column, is_of_threads): &(String, bool)| {
        !(*is_of_threads && Col::named(column).is_some_and(is_left_alone))
    };
    Ok(keys.iter().any(may_fill))
}

impl Schema {
    /// Reads the schema of a database.
    ///
    /// # Errors
    /// If there is no `threads` table, or one without the columns that every version of Codex has had.
    pub fn read(connection: &Connection) -> anyhow::Result<Schema> {
        let mut schema = Schema::read_threads(connection)?;
        schema.has_spawn_edges =
            has_shape(connection, "thread_spawn_edges", &["parent_thread_id", "child_thread_id", "status"])?;
        each_column(connection, "thread_dynamic_tools", |column| {
            schema.has_dynamic_tools |= column.name == "thread_id";
        })?;
        schema.has_backfill_state = has_shape(
            connection,
            "backfill_state",
            &["id", "status", "last_watermark", "last_success_at", "updated_at"],
        )?;
        schema.has_ledger = kind_of(connection, "_sqlx_migrations")? == ObjectKind::Table;
        schema.fills_references = fills_references(connection)?;
        schema.resolves_conflicts = resolves_conflicts(connection)?;
        Ok(schema)
    }

    /// Reads only the columns of `threads`, which is cheap and enough to read rows. The other tables then seem
    /// missing.
    ///
    /// # Errors
    /// As [`Schema::read`].
    pub fn read_threads(connection: &Connection) -> anyhow::Result<Schema> {
        let mut schema = Schema::default();
        let is_table = each_column(connection, "threads", |column| {
            let known = Col::named(column.name).filter(|_| !column.is_generated);
            let is_written = known.is_some_and(|col| col.column().truth != Truth::Database);
            if column.must_be_filled && !column.is_generated && !is_written {
                schema.unfillable_columns.push(column.name.to_owned());
            }
            match known {
                Some(col) => schema.columns.insert(col),
                None => schema.unknown_columns.push(column.name.to_owned()),
            }
        })?;
        if !is_table {
            let message = match kind_of(connection, "threads")? {
                ObjectKind::Computed => "`threads` is a view or a virtual table, not a table",
                ObjectKind::Table | ObjectKind::Missing => "the database has no table `threads`",
            };
            return Err(anyhow::anyhow!(message).hint(NO_STATE_DATABASE));
        }
        if let Some(missing) = REQUIRED.iter().find(|&&col| !schema.has(col)) {
            let message = format!("the table `threads` has no column `{}`", missing.name());
            return Err(anyhow::anyhow!(message).hint(NO_STATE_DATABASE));
        }
        Ok(schema)
    }

    /// Reads the schema of a reader's database; an error about an unusable schema names the database.
    ///
    /// # Errors
    /// As [`Schema::read`].
    pub fn of(reader: &mut Reader) -> anyhow::Result<Schema> {
        let path = reader.path().display().to_string();
        reader.read(Schema::read).map_err(|error| {
            // SQLite's own errors name the database already.
            if Trouble::of(&error).is_some() { error } else { error.context(path) }
        })
    }

    /// Checks that rows can be inserted, before any is.
    ///
    /// # Errors
    /// If the table requires a value for a column that this program does not know.
    pub fn check_writable(&self) -> anyhow::Result<()> {
        if let [first, ..] = &self.unfillable_columns[..] {
            let names = self.unfillable_columns.join(", ");
            let error = anyhow::anyhow!(
                "the table `threads` demands a value for {names}, which this version of codex-state does not know"
            );
            return Err(error.hint(format!(
                "this database is of a newer Codex: update codex-state; nothing was changed ({first} is NOT NULL and has no default)"
            )));
        }
        Ok(())
    }

    /// Returns true if the schema has a column.
    #[must_use]
    pub fn has(&self, col: Col) -> bool {
        self.columns.contains(col)
    }

    /// Returns the SQL condition for a thread that a listing shows, apart from the archived flag.
    #[must_use]
    pub fn visible(&self) -> &'static str {
        if self.has(Col::Preview) {
            "preview <> ''"
        } else if self.has(Col::FirstUserMessage) {
            "first_user_message <> ''"
        } else if self.has(Col::HasUserEvent) {
            "has_user_event = 1"
        } else {
            "1"
        }
    }

    /// Returns the highest migration in the ledger, with its description; `None` without a ledger of the known shape.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn last_migration(&self, connection: &Connection) -> anyhow::Result<Option<(i64, String)>> {
        for column in ["version", "description"] {
            if !self.has_ledger || !has_column(connection, "_sqlx_migrations", column)? {
                return Ok(None);
            }
        }
        let sql = "SELECT version, description FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";
        Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }
}

/// The hint for a sound database that is not a state database.
const NO_STATE_DATABASE: &str = "this is not a state database of Codex; name the right one with --db (usually state_5.sqlite in the Codex home); \
                                 if it should be the one of Codex, codex-state rebuild makes a new one in its place";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    #[test]
    fn a_backfill_fills_no_reference_of_august_but_may_fill_one_of_a_future_codex() {
        let fills = |change: &str| {
            let place = Place::with(FILLED);
            let connection = place.connect();
            connection.execute_batch(change).unwrap();
            Schema::read(&connection).unwrap().fills_references
        };
        assert!(!fills(""));
        assert!(!fills("ALTER TABLE threads ADD COLUMN is_pinned_by TEXT"));
        assert!(fills("ALTER TABLE threads ADD COLUMN workspace_id TEXT REFERENCES workspaces(id)"));
        let edges = "DROP TABLE thread_spawn_edges; CREATE TABLE thread_spawn_edges (parent_thread_id TEXT NOT NULL \
                     REFERENCES threads(id), child_thread_id TEXT PRIMARY KEY, status TEXT NOT NULL)";
        assert!(fills(edges));
        let follows = "CREATE UNIQUE INDEX paths ON threads(rollout_path); CREATE TABLE notes (path TEXT REFERENCES \
                       Threads(rollout_path) ON UPDATE CASCADE)";
        assert!(fills(follows));
        assert!(!fills("CREATE TABLE notes (thread TEXT REFERENCES threads ON DELETE CASCADE)"));
    }

    #[test]
    fn no_known_codex_resolves_constraint_conflicts_itself() {
        let resolves = |change: &str| {
            let place = Place::with(FILLED);
            let connection = place.connect();
            connection.execute_batch(change).unwrap();
            Schema::read(&connection).unwrap().resolves_conflicts
        };
        assert!(!resolves(""));
        assert!(resolves("CREATE TABLE notes (id TEXT UNIQUE ON CONFLICT IGNORE)"));
    }
}
