//! All statements that read or write whole rows of `threads`; built from COLUMNS and the schema found.

use super::by_id::{self, ById};
use super::row::{self, set_cell, thread_id, to_cell};
use super::salvage::{insert_into, quoted};
use super::schema::Schema;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnSet, Row};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// The statements for one schema; their text is built once.
#[derive(Debug)]
pub struct ThreadStatements {
    columns: ColumnSet,
    has_spawn_edges: bool,
    /// The SQL clause for a row that breaks a constraint.
    on_conflict: &'static str,
    select: String,
    /// Reads [`AT_ONCE`] rows (`get_many.rs`).
    pub(super) select_many: String,
    inserts: HashMap<ColumnSet, String>,
    updates: HashMap<ColumnSet, String>,
    /// Rows with the cells of these columns, whose memory is free.
    pub(super) spare: RefCell<Vec<Row>>,
}

/// Number of rows that one statement of `get_many.rs` reads.
pub(super) const AT_ONCE: usize = 64;

/// A row that breaks a constraint rolls back the whole transaction, as its caller would do anyway. SQLite then keeps
/// no journal to undo a single row. With Codex's triggers, that journal would copy each page of a dozen indexes for
/// each row: a third of the processor time of a fresh backfill.
const ALL_OR_NOTHING: &str = "OR ROLLBACK";

fn list(columns: ColumnSet) -> String {
    quoted(columns.iter().map(Col::name))
}

impl ThreadStatements {
    /// Prepares the statements for a schema.
    #[must_use]
    pub fn new(schema: &Schema) -> ThreadStatements {
        let columns = list(schema.columns);
        ThreadStatements {
            columns: schema.columns,
            has_spawn_edges: schema.has_spawn_edges,
            on_conflict: if schema.resolves_conflicts { "" } else { ALL_OR_NOTHING },
            select: format!("SELECT {columns} FROM threads WHERE id = ?1"),
            select_many: format!(
                "SELECT {columns} FROM threads WHERE id IN (?{})",
                ", ?".repeat(AT_ONCE - 1)
            ),
            inserts: HashMap::new(),
            updates: HashMap::new(),
            spare: RefCell::default(),
        }
    }

    pub(super) fn read_row(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
        let mut cells = self.spare.borrow_mut().pop().unwrap_or_else(Row::empty);
        for (i, col) in self.columns.iter().enumerate() {
            set_cell(&mut cells[col], row.get_ref(i)?);
        }
        Ok(cells)
    }

    /// Returns the row of a thread.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(&self, connection: &Connection, id: ThreadId) -> rusqlite::Result<Option<Row>> {
        let mut statement = connection.prepare_cached(&self.select)?;
        statement.query_row([id.encode(&mut [0; 36])], |row| self.read_row(row)).optional()
    }

    /// Returns the row whose id is this cell, of any type.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get_odd(&self, connection: &Connection, id: &Cell) -> rusqlite::Result<Option<Row>> {
        let sql = format!("{} OR id = CAST(?1 AS TEXT)", self.select);
        connection.prepare_cached(&sql)?.query_row([id], |row| self.read_row(row)).optional()
    }

    /// Inserts a row with the cells that it has.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn insert(&mut self, connection: &Connection, row: &Row) -> rusqlite::Result<()> {
        let (filled, on_conflict) = (filled(row), self.on_conflict);
        let sql = self.inserts.entry(filled).or_insert_with(|| {
            let columns: Vec<&str> = filled.iter().map(Col::name).collect();
            insert_into(&format!("INSERT {on_conflict}"), "threads", &columns)
        });
        let values = params_from_iter(filled.iter().filter_map(|i| row.get(i)));
        was_done(connection.prepare_cached(sql)?.execute(values)?)?;
        self.add_spawn_edge(connection, row)
    }

    /// Updates the cells at `changed` to those of `row`.
    ///
    /// A trigger of Codex computes milliseconds from seconds if the seconds change and the milliseconds seem
    /// unchanged. This lets it fire, reads the milliseconds back, and writes those that it overwrote again, alone,
    /// which fires no trigger.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn update(&mut self, connection: &Connection, row: &Row, changed: ColumnSet) -> rusqlite::Result<()> {
        let id = row.get(Col::Id).cloned().unwrap_or(Cell::Null);
        self.set(connection, &id, row, changed)?;
        let mut overwritten = ColumnSet::default();
        for (seconds, milliseconds) in
            [(Col::CreatedAt, Col::CreatedAtMs), (Col::UpdatedAt, Col::UpdatedAtMs)]
        {
            if changed.contains(seconds)
                && self.columns.contains(milliseconds)
                && row.get(milliseconds).is_some()
            {
                let sql = format!("SELECT {} FROM threads WHERE id = ?1", quoted([milliseconds.name()]));
                let now =
                    connection.prepare_cached(&sql)?.query_row([&id], |row| Ok(to_cell(row.get_ref(0)?)))?;
                if row.get(milliseconds) != Some(&now) {
                    overwritten.insert(milliseconds);
                }
            }
        }
        if overwritten != ColumnSet::default() {
            self.set(connection, &id, row, overwritten)?;
        }
        self.add_spawn_edge(connection, row)
    }

    fn set(
        &mut self,
        connection: &Connection,
        id: &Cell,
        row: &Row,
        changed: ColumnSet,
    ) -> rusqlite::Result<()> {
        let on_conflict = self.on_conflict;
        let sql = self.updates.entry(changed).or_insert_with(|| {
            let places: Vec<String> =
                changed.iter().map(|col| format!("{} = ?", quoted([col.name()]))).collect();
            format!("UPDATE {on_conflict} threads SET {} WHERE id = ?", places.join(", "))
        });
        let values = changed.iter().filter_map(|col| row.get(col)).chain([id]);
        let values = params_from_iter(values.map(|cell| cell as &dyn ToSql));
        was_done(connection.prepare_cached(sql)?.execute(values)?)
    }

    /// Adds the edge from the thread that spawned this one, unless the child already has an edge.
    fn add_spawn_edge(&self, connection: &Connection, row: &Row) -> rusqlite::Result<()> {
        if !self.has_spawn_edges {
            return Ok(());
        }
        let Some(parent) = row.text(Col::Source).and_then(spawned_by) else { return Ok(()) };
        let sql = "INSERT INTO thread_spawn_edges (parent_thread_id, child_thread_id, status) SELECT ?1, ?2, 'open' \
                   WHERE NOT EXISTS (SELECT 1 FROM thread_spawn_edges WHERE child_thread_id = ?2)";
        connection.prepare_cached(sql)?.execute((parent.to_string(), row.get(Col::Id)))?;
        Ok(())
    }
}

/// Checks the number of rows that a statement wrote. A trigger may have told SQLite to ignore it.
fn was_done(n_rows: usize) -> rusqlite::Result<()> {
    match n_rows {
        0 => Err(rusqlite::Error::StatementChangedRows(0)),
        _ => Ok(()),
    }
}

fn filled(row: &Row) -> ColumnSet {
    Col::all().filter(|&col| row[col].is_some()).collect()
}

/// Returns the thread that spawned the thread with this source.
#[must_use]
pub fn spawned_by(source: &str) -> Option<ThreadId> {
    #[derive(serde::Deserialize)]
    struct SourceJson {
        subagent: Subagent,
    }
    #[derive(serde::Deserialize)]
    struct Subagent {
        thread_spawn: Spawn,
    }
    #[derive(serde::Deserialize)]
    struct Spawn {
        parent_thread_id: String,
    }
    if !source.starts_with('{') {
        return None;
    }
    let source: SourceJson = serde_json::from_str(source).ok()?;
    ThreadId::parse(&source.subagent.thread_spawn.parent_thread_id)
}

/// Returns the number of rows without an id.
///
/// # Errors
/// If the database cannot be read.
pub fn count_without_id(connection: &Connection) -> rusqlite::Result<u64> {
    row::count(connection, "SELECT count(*) FROM threads WHERE id IS NULL")
}

/// Returns the numbers of active and of archived rows.
///
/// # Errors
/// If the database cannot be read.
pub fn count_by_archived(connection: &Connection) -> rusqlite::Result<[u64; 2]> {
    let sql = "SELECT count(*) - sum(archived IS 1), sum(archived IS 1) FROM threads HAVING count(*) > 0";
    let counts = connection.query_row(sql, [], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?])).optional()?;
    Ok(counts.unwrap_or_default().map(i64::unsigned_abs))
}

/// The part of a row that shows whether its file must be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Thread id, in any spelling.
    pub id: String,
    /// Path of the rollout; empty if the cell is not text.
    pub rollout_path: String,
    /// The archived flag, unchanged.
    pub archived: Option<i64>,
    /// `updated_at`, in seconds.
    pub updated_at: Option<i64>,
    /// `updated_at_ms`, unchanged, if the column exists.
    pub updated_at_ms: Option<i64>,
    /// True if preview and first message are not empty, as far as the columns exist.
    pub has_text: bool,
}

fn summary_sql(schema: &Schema, rest: &str) -> String {
    let milliseconds = if schema.has(Col::UpdatedAtMs) { "updated_at_ms" } else { "NULL" };
    // The length in bytes is known without reading the text.
    let texts = [Col::Preview, Col::FirstUserMessage].into_iter().filter(|col| schema.has(*col));
    let has_text: String = texts.map(|col| format!("octet_length({}) > 0 AND ", col.name())).collect();
    format!(
        "SELECT id, rollout_path, archived, updated_at, {milliseconds}, {has_text}1 FROM threads WHERE {rest}"
    )
}

fn read_summary(row: &rusqlite::Row<'_>) -> rusqlite::Result<Summary> {
    let text =
        |i| Ok::<_, rusqlite::Error>(to_cell(row.get_ref(i)?).as_text().unwrap_or_default().to_owned());
    let integer = |i| Ok::<_, rusqlite::Error>(to_cell(row.get_ref(i)?).as_integer());
    Ok(Summary {
        id: text(0)?,
        rollout_path: text(1)?,
        archived: integer(2)?,
        updated_at: integer(3)?,
        updated_at_ms: integer(4)?,
        has_text: integer(5)? == Some(1),
    })
}

/// Returns the summary of a thread's row.
///
/// # Errors
/// If the database cannot be read.
pub fn summary(connection: &Connection, schema: &Schema, id: ThreadId) -> rusqlite::Result<Option<Summary>> {
    let mut statement = connection.prepare_cached(&summary_sql(schema, "id = ?1"))?;
    statement.query_row([id.to_string()], read_summary).optional()
}

/// Begins a walk over the summaries of all rows, read with [`summaries_after`].
#[must_use]
pub fn summaries() -> ById<Summary> {
    ById::new(|row| &row.id)
}

/// Returns the summaries of a page of rows after the id `after`, by id.
///
/// # Errors
/// If the database cannot be read.
pub fn summaries_after(
    connection: &Connection,
    schema: &Schema,
    after: &str,
) -> rusqlite::Result<Vec<Summary>> {
    let mut statement = connection.prepare_cached(&summary_sql(schema, "id > ?1 ORDER BY id LIMIT ?2"))?;
    statement.query_map((after, by_id::PAGE), read_summary)?.collect()
}

/// Returns the path in a thread's row.
///
/// # Errors
/// If the database cannot be read.
pub fn rollout_path(connection: &Connection, id: ThreadId) -> rusqlite::Result<Option<PathBuf>> {
    let mut statement = connection.prepare_cached("SELECT rollout_path FROM threads WHERE id = ?1")?;
    let read = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_str().ok().map(PathBuf::from));
    Ok(statement.query_row([id.to_string()], read).optional()?.flatten())
}

/// Returns the first ids that begin with `prefix` (lower-case hexadecimal), at most `limit`, and their total number.
///
/// # Errors
/// If the database cannot be read.
pub fn ids_beginning(
    connection: &Connection,
    prefix: &str,
    limit: usize,
) -> rusqlite::Result<(Vec<String>, usize)> {
    // Ids are hexadecimal, so every id with this prefix sorts before the prefix followed by `g`.
    let end = format!("{prefix}g");
    let mut statement =
        connection.prepare_cached("SELECT id FROM threads WHERE id >= ?1 AND id < ?2 ORDER BY id")?;
    let mut rows = statement.query([prefix, &end])?;
    let (mut ids, mut n) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        n += 1;
        if ids.len() < limit {
            // An id that is not text cannot be typed.
            ids.extend(row.get::<_, String>(0).ok());
        }
    }
    Ok((ids, n))
}

/// Returns the ids before and after `id`, from which its shortest unique prefix follows.
///
/// # Errors
/// If the database cannot be read.
pub fn neighbours(connection: &Connection, id: &str) -> rusqlite::Result<(Option<String>, Option<String>)> {
    let one = |sql| {
        let read = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_str().ok().map(str::to_owned));
        Ok::<_, rusqlite::Error>(connection.prepare_cached(sql)?.query_row([id], read).optional()?.flatten())
    };
    Ok((
        one("SELECT id FROM threads WHERE id < ?1 ORDER BY id DESC LIMIT 1")?,
        one("SELECT id FROM threads WHERE id > ?1 ORDER BY id LIMIT 1")?,
    ))
}

/// Returns all cells of a row with their columns' names, known and unknown ones, in the table's order.
///
/// # Errors
/// If the database cannot be read.
pub fn whole_row(connection: &Connection, id: ThreadId) -> rusqlite::Result<Option<Vec<(String, Cell)>>> {
    let mut statement = connection.prepare_cached("SELECT * FROM threads WHERE id = ?1")?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([id.to_string()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cell = |(place, name)| Ok((name, to_cell(row.get_ref(place)?)));
    names.into_iter().enumerate().map(cell).collect::<rusqlite::Result<_>>().map(Some)
}

/// Calls `tell` with the id and the path of each row, if both are text.
///
/// # Errors
/// If the database cannot be read.
pub fn each_path(connection: &Connection, mut tell: impl FnMut(&str, &str)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT id, rollout_path FROM threads")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let (Ok(id), Ok(path)) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str()) {
            tell(id, path);
        }
    }
    Ok(())
}

/// Returns the number of rows.
///
/// # Errors
/// If the database cannot be read.
pub fn count(connection: &Connection) -> rusqlite::Result<u64> {
    row::count(connection, "SELECT count(*) FROM threads")
}

/// Returns true if the rows of `threads` have row numbers; those of a `WITHOUT ROWID` table have not.
pub(super) fn has_rowids(connection: &Connection) -> bool {
    connection.prepare("SELECT rowid FROM threads").is_ok()
}

/// Returns the greatest running number in synthetic milliseconds: a few thousand, or the greatest number of rows so
/// far.
///
/// # Errors
/// If the database cannot be read.
pub fn greatest_running_number(connection: &Connection) -> rusqlite::Result<i64> {
    const A_FEW_THOUSAND: i64 = 4999;
    let sql = match has_rowids(connection) {
        true => "SELECT max(rowid) FROM threads",
        false => "SELECT count(*) FROM threads",
    };
    let greatest = connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?;
    Ok(greatest.unwrap_or(0).max(A_FEW_THOUSAND))
}

/// Returns the time of the last change in the database, in seconds: the greatest `updated_at`; `None` without rows.
///
/// # Errors
/// If the database cannot be read.
pub fn last_update(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    // Only numbers: a cell with text, which sorts after all numbers, must not hide the others.
    let latest = connection
        .query_row(
            "SELECT updated_at FROM threads WHERE updated_at <= ?1 ORDER BY updated_at DESC LIMIT 1",
            [i64::MAX],
            |row| Ok(to_cell(row.get_ref(0)?)),
        )
        .optional()?;
    Ok(latest.and_then(|latest| match latest {
        #[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
        Cell::Real(seconds) => Some(seconds as i64),
        other => other.as_integer(),
    }))
}

/// Reads the ids of all rows.
///
/// # Errors
/// If the database cannot be read.
pub fn all_ids(connection: &Connection) -> rusqlite::Result<BTreeSet<ThreadId>> {
    row::collect(connection, "SELECT id FROM threads", [], |row| thread_id(row, 0))
}

/// Calls `each` with the id of every thread.
///
/// # Errors
/// If the database cannot be read.
pub fn each_id(connection: &Connection, mut each: impl FnMut(ThreadId)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT id FROM threads")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        thread_id(row, 0)?.into_iter().for_each(&mut each);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open::Writer;
    use crate::db::testing::{FILLED, Place, all_rows};

    #[test]
    fn a_future_trigger_that_ignores_existing_rows_still_works() {
        let place = Place::with(FILLED);
        let trigger = "CREATE TABLE seen (provider TEXT PRIMARY KEY);
            INSERT INTO seen SELECT DISTINCT model_provider FROM threads;
            CREATE TRIGGER sees AFTER INSERT ON threads BEGIN INSERT {} INTO seen VALUES (NEW.model_provider); END;
            CREATE TRIGGER sees_again AFTER UPDATE OF model_provider ON threads
            BEGIN INSERT {} INTO seen VALUES (NEW.model_provider); END;";
        place.connect().execute_batch(&trigger.replace("{}", "or ignore")).unwrap();
        let mut writer = Writer::open(&place.database, &place.options()).unwrap();
        let schema = Schema::read(writer.connection()).unwrap();
        let mut table = ThreadStatements::new(&schema);
        let rows = all_rows(writer.connection(), &table);
        let mut row = rows[0].clone();
        row[Col::Id] = Some(ThreadId::from_u128(1).to_string().as_str().into());
        let provider = [Col::ModelProvider].into_iter().collect();
        writer
            .transaction_immediate(|transaction| {
                table.insert(transaction, &row)?;
                Ok(table.update(transaction, &row, provider)?)
            })
            .unwrap();
    }

    #[test]
    fn a_row_that_breaks_a_constraint_rolls_back_the_rows_before_it() {
        let place = Place::with(FILLED);
        place
            .connect()
            .execute_batch("CREATE UNIQUE INDEX one ON threads(model) WHERE model = 'new'")
            .unwrap();
        let mut writer = Writer::open(&place.database, &place.options()).unwrap();
        writer.skip_parents().unwrap();
        let schema = Schema::read(writer.connection()).unwrap();
        let mut table = ThreadStatements::new(&schema);
        let rows = all_rows(writer.connection(), &table);
        let row = |n: u128| {
            let mut row = rows[0].clone();
            row[Col::Id] = Some(ThreadId::from_u128(n).to_string().as_str().into());
            row[Col::Model] = Some("new".into());
            row
        };
        let before = count(writer.connection()).unwrap();
        let error = writer
            .transaction_immediate(|transaction| {
                table.insert(transaction, &row(1))?;
                Ok(table.insert(transaction, &row(2))?)
            })
            .unwrap_err();
        assert!(format!("{error:#}").contains("threads.model"), "{error:#}");
        assert_eq!(count(writer.connection()).unwrap(), before);
        writer.transaction_immediate(|transaction| Ok(table.insert(transaction, &row(3))?)).unwrap();
        assert_eq!(count(writer.connection()).unwrap(), before + 1);
    }
}
