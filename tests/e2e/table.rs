//! Reads rows as maps from column name to value. It reads a private copy of the database, so that reading changes
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

/// One row: values by column name. A blob is `{"blob": hex}`; other values are what they are in JSON.
pub(crate) type Row = BTreeMap<String, Value>;

/// The rows of the `threads` table by id.
pub(crate) type Rows = BTreeMap<String, Row>;

/// Returns the `threads` table of a database.
#[track_caller]
pub(crate) fn threads(database: &Path) -> Rows {
    query(database, "SELECT * FROM threads")
        .into_iter()
        .map(|row| (row["id"].as_str().unwrap_or("(no text)").to_owned(), row))
        .collect()
}

/// Returns the rows of a query, in its order.
#[track_caller]
pub(crate) fn query(database: &Path, sql: &str) -> Vec<Row> {
    let copy = tempfile::tempdir().unwrap();
    let name = database.file_name().unwrap().to_str().unwrap();
    for ending in ["", "-wal"] {
        let from = database.with_file_name(format!("{name}{ending}"));
        if let Ok(bytes) = fs::read(&from) {
            fs::write(copy.path().join(format!("{name}{ending}")), bytes).unwrap();
        } else if ending.is_empty() {
            panic!("no database at {}", database.display());
        }
    }
    let connection = Connection::open(copy.path().join(name)).unwrap();
    let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let mut map = Row::new();
        for (index, column) in columns.iter().enumerate() {
            map.insert(column.clone(), value(row.get_ref(index)?));
        }
        Ok(map)
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Fails unless SQLite's integrity check finds the database sound.
#[track_caller]
pub(crate) fn assert_sound(database: &Path, when: &str) {
    let rows = query(database, "PRAGMA integrity_check");
    assert_eq!(rows[0]["integrity_check"], "ok", "the database must be sound {when}");
}

/// Describes how two tables differ, cell by cell. Returns an empty list if they are equal.
pub(crate) fn difference(expected: &Rows, actual: &Rows) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, row) in expected {
        let Some(found) = actual.get(id) else {
            lines.push(format!("{id}: no row"));
            continue;
        };
        for (column, value) in row {
            if found.get(column) != Some(value) {
                let got = found.get(column).map_or("no such column".to_owned(), short);
                lines.push(format!("{id}.{column}: expected {}, got {got}", short(value)));
            }
        }
        for column in found.keys().filter(|column| !row.contains_key(*column)) {
            lines.push(format!("{id}.{column}: an unexpected column"));
        }
    }
    lines.extend(
        actual.keys().filter(|id| !expected.contains_key(*id)).map(|id| format!("{id}: an unexpected row")),
    );
    lines
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into(),
        ValueRef::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::json!({ "blob": hex })
        }
    }
}
