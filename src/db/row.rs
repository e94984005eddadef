//! Converts between SQLite's values and cells; the only module that knows both.

use crate::thread::ThreadId;
use crate::thread::cell::{Cell, CellRef};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Params, Row, ToSql};

/// Returns a value as a cell. Text that is not UTF-8 becomes bytes, because Rust cannot hold it as text.
pub(super) fn as_cell(value: ValueRef<'_>) -> CellRef<'_> {
    match value {
        ValueRef::Null => CellRef::Null,
        ValueRef::Integer(number) => CellRef::Integer(number),
        ValueRef::Real(number) => CellRef::Real(number),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or(CellRef::Blob(bytes), CellRef::Text),
        ValueRef::Blob(bytes) => CellRef::Blob(bytes),
    }
}

/// Converts a value into a cell. Text that is not UTF-8 becomes bytes.
#[must_use]
pub fn to_cell(value: ValueRef<'_>) -> Cell {
    as_cell(value).into()
}

/// Sets a cell to a value. A text is written over the text before it.
pub(super) fn set_cell(cell: &mut Option<Cell>, value: ValueRef<'_>) {
    if let (Some(Cell::Text(text)), ValueRef::Text(bytes)) = (&mut *cell, value)
        && let Ok(new) = std::str::from_utf8(bytes)
    {
        text.clear();
        text.push_str(new);
    } else {
        *cell = Some(to_cell(value));
    }
}

/// Returns the value of a cell.
pub(super) fn value_of(cell: &Cell) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(number) => ValueRef::Integer(*number),
        Cell::Real(number) => ValueRef::Real(*number),
        Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        Cell::Blob(bytes) => ValueRef::Blob(bytes),
    }
}

/// Runs a statement, and collects what `read` returns for its rows. A row for which that is `None` is left out.
pub(super) fn collect<T, C: FromIterator<T>>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<C> {
    // Not cached: SQLite keeps no small memory at hand for statements that stay, which commands for twenty rows notice.
    let mut statement = connection.prepare(sql)?;
    statement.query_map(parameters, read)?.filter_map(Result::transpose).collect()
}

/// Runs a statement that counts.
pub(super) fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// Returns the thread id in a cell of a row; `None` if it holds anything else.
pub(super) fn thread_id(row: &Row<'_>, i: usize) -> rusqlite::Result<Option<ThreadId>> {
    Ok(row.get_ref(i)?.as_str().ok().and_then(ThreadId::parse))
}

/// Returns the first `N` cells of a row if all are text.
pub(super) fn texts<const N: usize>(row: &Row<'_>) -> rusqlite::Result<Option<[String; N]>> {
    let mut texts = [const { String::new() }; N];
    for (i, text) in texts.iter_mut().enumerate() {
        let Ok(found) = row.get_ref(i)?.as_str() else { return Ok(None) };
        found.clone_into(text);
    }
    Ok(Some(texts))
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(value_of(self)))
    }
}
