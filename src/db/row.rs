//! Converts between SQLite's values and cells; the only module that knows both.

use crate::thread::cell::Cell;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// Converts a value into a cell. Text that is not UTF-8 becomes bytes, because Rust cannot hold it as text.
#[must_use]
pub fn to_cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Blob(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
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

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(value_of(self)))
    }
}
