//! Converts cells of the database into values of records and into text for people. The commands choose which are
//! printed.

use crate::cli::output::records::{time, value::Value};
use crate::cli::output::table::{TableCell, TableColumn};
use crate::cli::output::{human, text};
use crate::thread::cell::CellRef;
use crate::thread::columns::{Col, ColumnKind};
use crate::thread::equivalence::read_milliseconds;
use crate::thread::{self, Millis};

/// Converts a cell of a column of some kind for machines. A value of another kind is shown unchanged.
pub fn value(kind: ColumnKind, cell: CellRef<'_>) -> Value<'_> {
    match (kind, cell) {
        (ColumnKind::Seconds | ColumnKind::Milliseconds, CellRef::Integer(_)) => {
            millis(kind, cell).map_or(Value::Null, Value::Time)
        }
        (ColumnKind::Boolean, CellRef::Integer(flag @ (0 | 1))) => Value::Bool(flag == 1),
        (_, CellRef::Null) => Value::Null,
        (_, CellRef::Integer(number)) => Value::Int(number),
        (_, CellRef::Real(number)) => Value::Real(number),
        (_, CellRef::Text(text)) => Value::Text(text.into()),
        (_, CellRef::Blob(bytes)) => Value::Text(String::from_utf8_lossy(bytes)),
    }
}

/// Converts a cell of the column at `position` for machines.
pub fn value_of(col: Col, cell: &thread::cell::Cell) -> Value<'_> {
    value(col.column().kind, CellRef::from(cell))
}

/// Returns a value in one safe line, for people who compare it with another: in full, times to the millisecond, and
/// empty values by a name.
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
pub fn millis(kind: ColumnKind, cell: CellRef<'_>) -> Option<Millis> {
    match kind {
        ColumnKind::Seconds => cell.as_integer().map(|seconds| seconds.saturating_mul(1000)),
        ColumnKind::Milliseconds => cell.as_integer().map(read_milliseconds),
        _ => None,
    }
}

/// Returns the column of a table for people that shows a column of the database.
pub fn table_column(col: Col) -> TableColumn {
    let column = col.column();
    match column.kind {
        _ if [Col::Title, Col::Preview, Col::FirstUserMessage, Col::Name].contains(&col) => {
            TableColumn::title(column.name)
        }
        ColumnKind::Path => TableColumn::path(column.name),
        ColumnKind::Integer => TableColumn::number(column.name),
        _ => TableColumn::text(column.name),
    }
}

/// Converts a cell for people: times as ages, numbers with separators.
pub fn table_cell(kind: ColumnKind, cell: CellRef<'_>, now: Millis) -> TableCell {
    match value(kind, cell) {
        Value::Null => TableCell::new(""),
        Value::Time(millis) => TableCell::new(human::ago(millis, now)),
        Value::Bool(flag) => TableCell::new(if flag { "yes" } else { "no" }),
        Value::Int(number) if kind == ColumnKind::Integer => {
            let sign = if number < 0 { "-" } else { "" };
            TableCell::new(format!("{sign}{}", human::count(number.unsigned_abs())))
        }
        Value::Int(number) => TableCell::new(number.to_string()),
        Value::Real(number) => TableCell::new(number.to_string()),
        Value::Text(text) if kind == ColumnKind::Path || cell.as_text().is_none() => TableCell::exact(text),
        Value::Text(text) => TableCell::new(text),
    }
}
