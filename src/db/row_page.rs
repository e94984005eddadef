//! Reads all rows of `threads` page by page, in the order in which they lie in the file.

use super::row::to_cell;
use super::threads::has_rowids;
use crate::thread::cell::Cell;
use crate::thread::columns::{ColumnSet, Row};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// A place between two rows, in the order in which all are read.
#[derive(Debug, Clone, PartialEq)]
pub struct WalkPosition {
    /// The column by which the rows are ordered: their number, or in a table without one, their id, of any type.
    key: &'static str,
    /// Its cell in the row before; NULL before the first row.
    after: Cell,
    /// True if SQLite stores the cell as text.
    is_text: bool,
}

impl WalkPosition {
    /// Returns the place before the first row of a database.
    #[must_use]
    pub fn first(connection: &Connection) -> WalkPosition {
        let key = if has_rowids(connection) { "rowid" } else { "id" };
        WalkPosition { key, after: Cell::Null, is_text: false }
    }
}

/// A page of rows in little memory: it holds only the cells that were read.
#[derive(Debug)]
pub struct RowPage {
    columns: ColumnSet,
    cells: Vec<Cell>,
    /// For each row, the conditions that are true for it, as bits.
    marks: Vec<u8>,
    /// The place of the next page; `None` in the last one.
    next: Option<WalkPosition>,
}

impl RowPage {
    /// Reads these columns of the next `n` rows. Rows without an id (SQLite permits them) are left out:
    /// [`count_without_id`](super::threads::count_without_id).
    ///
    /// Reading all rows in the order of their numbers costs half as much as reading them by id, where each row is looked
    /// up. For each row it also notes which of at most eight SQL conditions are true, so that they need no pass of their
    /// own.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn read(
        connection: &Connection,
        columns: ColumnSet,
        conditions: &[String],
        place: &WalkPosition,
        n: usize,
    ) -> rusqlite::Result<RowPage> {
        let names: String = columns.iter().map(|col| format!("\"{}\", ", col.name())).collect();
        let marks = conditions.iter().enumerate();
        let marks: String =
            marks.map(|(i, condition)| format!("((({condition}) IS TRUE) << {i}) + ")).collect();
        let WalkPosition { key, after, is_text } = place;
        let is_behind = match after {
            Cell::Null => "?1 IS NULL".to_owned(),
            // We read text that is not UTF-8 as bytes; it must be cast to text again to be compared with other text.
            _ if *is_text => format!("{key} > CAST(?1 AS TEXT)"),
            _ => format!("{key} > ?1"),
        };
        let sql = format!(
            "SELECT {names}{marks}0, {key} FROM threads \
             WHERE {is_behind} AND id IS NOT NULL ORDER BY {key} LIMIT ?2"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((after, i64::try_from(n).unwrap_or(i64::MAX)))?;
        let n_columns = columns.iter().count();
        let mut page = RowPage { columns, cells: Vec::new(), marks: Vec::new(), next: None };
        while let Some(row) = rows.next()? {
            for i in 0..n_columns {
                page.cells.push(to_cell(row.get_ref(i)?));
            }
            page.marks.push(row.get(n_columns)?);
            if page.marks.len() == n {
                let after = row.get_ref(n_columns + 1)?;
                let is_text = matches!(after, ValueRef::Text(_));
                page.next = Some(WalkPosition { key, after: to_cell(after), is_text });
            }
        }
        Ok(page)
    }

    /// Calls `each` with each row and the conditions that are true for it, as bits. Returns the place of the next
    /// page; `None` after the last one.
    pub fn for_each(self, mut each: impl FnMut(&Row, u8)) -> Option<WalkPosition> {
        let mut row = Row::empty();
        let mut cells = self.cells.into_iter();
        for marks in self.marks {
            for col in self.columns.iter() {
                row[col] = cells.next();
            }
            each(&row, marks);
        }
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::schema::Schema;
    use crate::db::testing::{FILLED, Place, all_rows};
    use crate::db::threads::{self, ThreadStatements};
    use crate::thread::columns::Col;

    #[test]
    fn pages_of_any_size_and_order_hold_the_rows_of_the_table() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let schema = Schema::read(&connection).unwrap();
        let by_number = WalkPosition::first(&connection);
        assert_eq!(by_number.key, "rowid");
        let table = ThreadStatements::new(&schema);
        let expected = all_rows(&connection, &table);
        assert_eq!(expected.len() as u64, threads::count(&connection).unwrap());
        let conditions = ["archived = 1", "NULL", "id > '019ced5'"].map(str::to_owned);
        let by_id = WalkPosition { key: "id", ..by_number.clone() };
        for first in [by_number, by_id] {
            for n in [1, 7, expected.len(), expected.len() + 1] {
                let (mut rows, mut after) = (Vec::new(), Some(first.clone()));
                while let Some(place) = after {
                    let page = RowPage::read(&connection, schema.columns, &conditions, &place, n).unwrap();
                    after = page.for_each(|row, marks| {
                        let is_archived = row.integer(Col::Archived) == Some(1);
                        let is_late = row.text(Col::Id) > Some("019ced5");
                        assert_eq!(marks, u8::from(is_archived) | u8::from(is_late) << 2);
                        rows.push(row.clone());
                    });
                }
                rows.sort_by(|a, b| a.text(Col::Id).cmp(&b.text(Col::Id)));
                assert_eq!(rows, expected, "{n}");
            }
        }
    }
}
