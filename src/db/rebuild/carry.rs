//! Carries what only the old database knows into a new one: tables beside the threads, columns of threads that this
//! program does not know, and threads whose rollout was not found or cannot be read. Pages that cannot be read are passed over and counted.

use super::shape::{SchemaShape, columns_of};
use crate::db::row::collect;
use crate::db::salvage::{self, count_by_index, insert_into, quoted};
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnKind};
use crate::thread::{HistoryMode, ThreadId};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params_from_iter};
use std::collections::BTreeMap;

/// Tables that a new database already fills itself.
const OWN: [&str; 3] = ["threads", "_sqlx_migrations", "backfill_state"];
const THREADS: &str = "threads";
/// A table that refers to threads without a foreign key.
const EDGES: &str = "thread_spawn_edges";

/// Rows of one table that an old database had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Rows that the new database has from the old one.
    pub rows: u64,
    /// Rows that were read and do not fit: what they refer to is gone, or a cell is broken.
    pub unfit: u64,
    /// Rows on damaged pages; `None` if they could not be counted.
    pub unreadable: Option<u64>,
}

/// Counts of the carried rows, by table.
pub type CarriedTables = BTreeMap<String, Carried>;

/// The group of tables that is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableGroup {
    /// Tables that threads refer to, and tables unrelated to threads.
    Before,
    /// Tables whose rows refer to threads.
    After,
}

/// Returns the tables of a part, ordered so that a table comes after those it refers to.
fn tables(new: &Connection, part: TableGroup) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    for table in SchemaShape::of(new)?.tables.into_keys().filter(|table| !OWN.contains(&table.as_str())) {
        let sql = "SELECT count(*), coalesce(sum(lower(\"table\") = 'threads'), 0) FROM pragma_foreign_key_list(?1)";
        let counts =
            new.query_row(sql, [&table], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let hangs = counts.1 > 0 || table == EDGES;
        if hangs == (part == TableGroup::After) {
            found.push((counts.0, table));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, table)| table).collect())
}

/// Carries the rows of the tables of one part.
pub(super) fn carry_tables(
    old: &Connection,
    new: &Connection,
    part: TableGroup,
    carried: &mut CarriedTables,
) -> rusqlite::Result<()> {
    for table in tables(new, part)? {
        let columns = shared_columns(old, new, &table)?;
        if columns.is_empty() {
            continue;
        }
        let names = names(&columns);
        // Rows that a new database has from its beginning give way to the old ones.
        let mut insert = new.prepare(&insert_into("INSERT OR REPLACE", &table, &names))?;
        let mut edge = if table == EDGES && names.len() == 3 { Some(new.prepare(EDGE)?) } else { None };
        let mut found = Carried::default();
        let salvage = salvage::each_row(old, &table, &names, |_, row| {
            let cells = row.cells()?;
            let fits = columns.iter().zip(&cells).all(|(column, cell)| column.accepts(cell));
            let hangs = match &mut edge {
                Some(edge) => edge.exists(params_from_iter(&cells))?,
                None => true,
            };
            let is_carried = fits && hangs && insert_row(&mut insert, &cells)?;
            *(if is_carried { &mut found.rows } else { &mut found.unfit }) += 1;
            Ok(())
        })?;
        found.unreadable = unreadable(old, &table, salvage);
        if found != (Carried { unreadable: Some(0), ..Carried::default() }) {
            carried.insert(table, found);
        }
    }
    Ok(())
}

/// An SQL condition: at least one of the two threads of an edge exists.
const EDGE: &str = "SELECT 1 FROM threads WHERE id IN (?1, ?2) AND ?3 IS NOT NULL";

/// Counts the rows of the threads that were read, of which `n_threads` are of threads.
pub(super) fn count_threads(old: &Connection, salvage: salvage::Salvage, n_threads: u64) -> Carried {
    let unfit = salvage.read.saturating_sub(n_threads);
    Carried { rows: n_threads, unfit, unreadable: unreadable(old, THREADS, salvage) }
}

/// Returns the counts of the table `threads`.
pub(super) fn threads(carried: &CarriedTables) -> Option<&Carried> {
    carried.get(THREADS)
}

/// Counts the rows that could not be read, as far as an index can tell.
fn unreadable(old: &Connection, table: &str, salvage: salvage::Salvage) -> Option<u64> {
    if salvage.is_whole {
        return Some(0);
    }
    count_by_index(old, table).map(|count| count.saturating_sub(salvage.read)).filter(|&count| count > 0)
}

/// Inserts a row. Returns false if it violates a constraint of the table.
fn insert_row(insert: &mut rusqlite::Statement<'_>, cells: &[Cell]) -> rusqlite::Result<bool> {
    match insert.execute(params_from_iter(cells)) {
        Ok(_) => Ok(true),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A column that both databases have.
struct SharedColumn {
    name: String,
    /// The type that Codex reads from it, if known.
    kind: Option<ColumnKind>,
    /// True if it is declared NOT NULL.
    is_required: bool,
}

impl SharedColumn {
    fn accepts(&self, cell: &Cell) -> bool {
        self.kind.is_none_or(|kind| kind.accepts(cell))
            && (self.name != "history_mode" || cell.as_text().and_then(HistoryMode::parse).is_some())
    }

    /// Returns the replacement for a cell that Codex cannot read.
    fn neutral(&self) -> Cell {
        match self.kind {
            _ if self.name == "history_mode" => Cell::from(HistoryMode::Legacy.as_str()),
            _ if !self.is_required => Cell::Null,
            Some(kind) if kind.is_text() => Cell::from(""),
            _ => Cell::Integer(0),
        }
    }
}

/// Returns the columns that both tables have.
fn shared_columns(old: &Connection, new: &Connection, table: &str) -> rusqlite::Result<Vec<SharedColumn>> {
    let theirs = columns_of(old, table)?;
    let sql = "SELECT name, upper(type), \"notnull\" FROM pragma_table_info(?1) ORDER BY cid";
    let ours: Vec<(String, String, bool)> =
        collect(new, sql, [table], |row| Ok(Some((row.get(0)?, row.get(1)?, row.get(2)?))))?;
    let shared = ours.into_iter().filter(|(name, ..)| theirs.contains(name));
    let kind = |name: &str, declared: &str| match Col::named(name) {
        Some(col) if table == THREADS => Some(col.column().kind),
        _ if declared.contains("INT") || declared.contains("BOOL") => Some(ColumnKind::Integer),
        _ if declared.contains("TEXT") => Some(ColumnKind::Text),
        _ => None,
    };
    let column = |(name, declared, is_required): (String, String, bool)| SharedColumn {
        kind: kind(&name, &declared),
        name,
        is_required,
    };
    Ok(shared.map(column).collect())
}

fn names(columns: &[SharedColumn]) -> Vec<&str> {
    columns.iter().map(|column| column.name.as_str()).collect()
}

/// Threads of the old database that have no rollout in the home, by row number.
pub(super) type Left = Vec<i64>;

/// Fills the columns of threads that this program does not know, and finds the threads that are not in the new database.
pub(super) fn carry_columns(old: &Connection, new: &Connection) -> rusqlite::Result<Left> {
    let mut columns = shared_columns(old, new, THREADS)?;
    columns.retain(|column| column.name == "id" || Col::named(&column.name).is_none());
    columns.sort_by_key(|column| column.name != "id");
    let names = names(&columns);
    let sets = (2..=names.len()).map(|i| format!("{0} = coalesce(?{i}, {0})", quoted([names[i - 1]])));
    let sql = format!("UPDATE threads SET {} WHERE id = ?1", sets.collect::<Vec<_>>().join(", "));
    let mut update = if names.len() > 1 { Some(new.prepare(&sql)?) } else { None };
    let mut is_there = new.prepare("SELECT 1 FROM threads WHERE id = ?1")?;
    let mut left = Left::new();
    salvage::each_row(old, THREADS, &names, |number, row| {
        let Some(id) = row.get(0)?.as_str().ok().filter(|id| ThreadId::parse(id).is_some()) else {
            return Ok(());
        };
        if !is_there.exists([id])? {
            left.push(number);
            return Ok(());
        }
        let Some(update) = &mut update else { return Ok(()) };
        let mut cells = row.cells()?;
        for (column, cell) in columns.iter().zip(&mut cells).skip(1) {
            if !column.accepts(cell) {
                *cell = Cell::Null;
            }
        }
        insert_row(update, &cells).map(drop)
    })?;
    Ok(left)
}

fn is_reference(column: &str) -> bool {
    column == "thread_section_id" || column == "project_id"
}

/// Inserts a row, without its references if what they refer to is gone. Returns false if it does not fit at all.
fn insert_left(
    insert: &mut rusqlite::Statement<'_>,
    columns: &[SharedColumn],
    cells: &mut [Cell],
) -> rusqlite::Result<bool> {
    if insert_row(insert, cells)? {
        return Ok(true);
    }
    for (column, cell) in columns.iter().zip(&mut *cells) {
        if is_reference(&column.name) {
            *cell = Cell::Null;
        }
    }
    insert_row(insert, cells)
}

/// Returns the statement that fills, in a row carried from an older schema, the columns that keep the thread in
/// Codex's list; `None` if the old schema has them. It has the effect of Codex's own migrations.
fn listing(old: &Connection, new: &Connection) -> rusqlite::Result<Option<String>> {
    let [theirs, ours] = [columns_of(old, THREADS)?, columns_of(new, THREADS)?];
    let has = |columns: &[String], name: &str| columns.iter().any(|column| column == name);
    let is_new = |name: &str| has(&ours, name) && !has(&theirs, name);
    let first = "CASE WHEN has_user_event = 1 THEN title ELSE '' END";
    let sets = match (is_new("first_user_message"), is_new("preview")) {
        (false, false) => return Ok(None),
        (false, true) => "preview = first_user_message".to_owned(),
        (true, false) => format!("first_user_message = {first}, has_user_event = 0"),
        (true, true) => format!("first_user_message = {first}, preview = {first}, has_user_event = 0"),
    };
    Ok(Some(format!("UPDATE threads SET {sets} WHERE id = ?1")))
}

/// Inserts the rows of threads that no rollout restored. Cells that Codex could not read are replaced. Leaves out a row
/// whose rollout now belongs to another thread. Returns the number of inserted rows.
pub(super) fn carry_left(
    old: &Connection,
    new: &Connection,
    left: &Left,
    carried: &mut CarriedTables,
) -> rusqlite::Result<u64> {
    if left.is_empty() {
        return Ok(0);
    }
    let columns = shared_columns(old, new, THREADS)?;
    let names = names(&columns);
    let mut insert = new.prepare(&insert_into("INSERT", THREADS, &names))?;
    let mut select = old.prepare(&format!("SELECT {} FROM threads WHERE rowid = ?1", quoted(names)))?;
    new.execute_batch(
        "CREATE TEMP TABLE claimed AS SELECT rollout_path FROM main.threads; CREATE INDEX temp.by_path ON claimed(rollout_path);",
    )?;
    let mut is_claimed = new.prepare("SELECT 1 FROM claimed WHERE rollout_path = ?1")?;
    let mut list = listing(old, new)?.map(|sql| new.prepare(&sql)).transpose()?;
    let (mut n_inserted, mut n_unfit) = (0, 0);
    for number in left {
        let read = |row: &rusqlite::Row<'_>| {
            (0..columns.len())
                .map(|i| row.get_ref(i).map(crate::db::row::to_cell))
                .collect::<Result<Vec<_>, _>>()
        };
        let mut cells = match select.query_row([number], read).optional() {
            Ok(Some(cells)) => cells,
            Ok(None) => continue,
            Err(error) if salvage::is_damage(&error) => continue,
            Err(error) => return Err(error),
        };
        for (column, cell) in columns.iter().zip(&mut cells) {
            if !column.accepts(cell) {
                *cell = column.neutral();
            }
        }
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        if is_claimed.exists([place("rollout_path").map(|place| &cells[place])])? {
            n_unfit += 1;
            continue;
        }
        let is_inserted = insert_left(&mut insert, &columns, &mut cells)?;
        if let (true, Some(list), Some(id)) = (is_inserted, &mut list, place("id")) {
            list.execute([&cells[id]])?;
        }
        *(if is_inserted { &mut n_inserted } else { &mut n_unfit }) += 1;
    }
    drop((is_claimed, list));
    new.execute_batch("DROP TABLE temp.claimed")?;
    carried.entry(THREADS.to_owned()).or_default().unfit += n_unfit;
    Ok(n_inserted)
}
