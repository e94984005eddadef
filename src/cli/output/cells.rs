//! Converts cells of the database into values of records and into text for people. The commands choose which are
//! printed.

use crate::cli::output::records::{Value, time};
use crate::cli::output::table::{Cell, Column};
use crate::cli::output::{human, text};
use crate::thread::cell::CellRef;
use crate::thread::columns::{COLUMNS, Kind, index};
use crate::thread::equivalence::read_milliseconds;
use crate::thread::{self, Millis};

/// Converts a cell of a column of some kind for machines. A value of another kind is shown unchanged.
#[must_use]
pub fn value(kind: Kind, cell: CellRef<'_>) -> Value<'_> {
    match (kind, cell) {
        (Kind::Seconds | Kind::Milliseconds, CellRef::Integer(_)) => {
            millis(kind, cell).map_or(Value::Null, Value::Time)
        }
        (Kind::Boolean, CellRef::Integer(flag @ (0 | 1))) => Value::Bool(flag == 1),
        (_, CellRef::Null) => Value::Null,
        (_, CellRef::Integer(number)) => Value::Int(number),
        (_, CellRef::Real(number)) => Value::Real(number),
        (_, CellRef::Text(text)) => Value::Text(text.into()),
        (_, CellRef::Blob(bytes)) => Value::Text(String::from_utf8_lossy(bytes)),
    }
}

/// Converts a cell of the column at `position` for machines.
#[must_use]
pub fn value_of(position: usize, cell: &thread::cell::Cell) -> Value<'_> {
    value(COLUMNS[position].kind, CellRef::from(cell))
}

/// Returns a value in one safe line, for people who compare it with another: in full, times to the millisecond, and
/// empty values by a name.
#[must_use]
pub fn in_words(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Time(millis) => time::rfc3339(*millis),
        Value::Text(text) if text.is_empty() => "(nothing)".to_owned(),
        Value::Text(text) => text::one_line(text).into_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
    }
}

/// Returns the time in a cell of a time column.
#[must_use]
pub fn millis(kind: Kind, cell: CellRef<'_>) -> Option<Millis> {
    match kind {
        Kind::Seconds => cell.as_integer().map(|seconds| seconds.saturating_mul(1000)),
        Kind::Milliseconds => cell.as_integer().map(read_milliseconds),
        _ => None,
    }
}

/// Returns the column of a table for people that shows a column of the database.
#[must_use]
pub fn table_column(position: usize) -> Column {
    let column = &COLUMNS[position];
    match column.kind {
        _ if [index::TITLE, index::PREVIEW, index::FIRST_USER_MESSAGE, index::NAME].contains(&position) => {
            Column::title(column.name)
        }
        Kind::Path => Column::path(column.name),
        Kind::Integer => Column::number(column.name),
        _ => Column::text(column.name),
    }
}

/// Converts a cell for people: times as ages, numbers with separators.
#[must_use]
pub fn table_cell(kind: Kind, cell: CellRef<'_>, now: Millis) -> Cell {
    match (kind, cell) {
        (_, CellRef::Null) => Cell::new(""),
        (Kind::Seconds | Kind::Milliseconds, CellRef::Integer(_)) => {
            Cell::new(millis(kind, cell).map_or_else(String::new, |millis| human::ago(millis, now)))
        }
        (Kind::Boolean, CellRef::Integer(flag @ (0 | 1))) => Cell::new(if flag == 1 { "yes" } else { "no" }),
        (Kind::Integer, CellRef::Integer(number)) => {
            let sign = if number < 0 { "-" } else { "" };
            Cell::new(format!("{sign}{}", human::count(number.unsigned_abs())))
        }
        (_, CellRef::Integer(number)) => Cell::new(number.to_string()),
        (_, CellRef::Real(number)) => Cell::new(number.to_string()),
        (Kind::Path, CellRef::Text(text)) => Cell::exact(text),
        (_, CellRef::Text(text)) => Cell::new(text),
        (_, CellRef::Blob(bytes)) => Cell::exact(String::from_utf8_lossy(bytes)),
    }
}
