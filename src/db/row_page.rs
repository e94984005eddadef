//! Reads all rows of `threads` page by page, in the order in which they lie in the file.

use super::row::to_cell;
use crate::thread::cell::Cell;
use crate::thread::columns::{ColumnSet, Row};
use rusqlite::Connection;

/// A page of rows in little memory: it holds only the cells that were read.
#[derive(Debug)]
pub struct RowPage {
    columns: ColumnSet,
    cells: Vec<Cell>,
    /// For each row, the conditions that are true for it, as bits.
    marks: Vec<u8>,
    /// The number of the last row; `None` in the last page.
    last: Option<i64>,
}

impl RowPage {
    /// Reads these columns of the next `n` rows after the row with the number `after`. Only for a table whose rows have
    /// numbers ([`has_rowids`](super::threads::has_rowids)). Rows without an id are left out.
    ///
    /// Reading all rows in this order costs half as much as reading them by id, where each row is looked up. For each
    /// row it also notes which of at most eight SQL conditions are true, so that they need no pass of their own.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn read(
        connection: &Connection,
        columns: ColumnSet,
        conditions: &[String],
        after: i64,
        n: usize,
    ) -> rusqlite::Result<RowPage> {
        let names: String = columns.iter().map(|col| format!("\"{}\", ", col.name())).collect();
        let marks = conditions.iter().enumerate();
        let marks: String =
            marks.map(|(i, condition)| format!("((({condition}) IS TRUE) << {i}) + ")).collect();
        let sql = format!(
            "SELECT {names}rowid, {marks}0 FROM threads WHERE rowid > ?1 AND id IS NOT NULL ORDER BY rowid LIMIT ?2"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((after, i64::try_from(n).unwrap_or(i64::MAX)))?;
        let n_columns = columns.iter().count();
        let mut page = RowPage { columns, cells: Vec::new(), marks: Vec::new(), last: None };
        while let Some(row) = rows.next()? {
            for i in 0..n_columns {
                page.cells.push(to_cell(row.get_ref(i)?));
            }
            page.marks.push(row.get(n_columns + 1)?);
            if page.marks.len() == n {
                page.last = Some(row.get(n_columns)?);
            }
        }
        Ok(page)
    }

    /// Calls `each` with each row and the conditions that are true for it, as bits. Returns the number of the last one;
    /// `None` after the last page.
    pub fn for_each(self, mut each: impl FnMut(&Row, u8)) -> Option<i64> {
        let mut row = Row::empty();
        let mut cells = self.cells.into_iter();
        for marks in self.marks {
            for col in self.columns.iter() {
                row[col] = cells.next();
            }
            each(&row, marks);
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::schema::Schema;
    use crate::db::testing::{FILLED, Place};
    use crate::db::threads::{ThreadStatements, has_rowids};
    use crate::thread::columns::Col;

    #[test]
    fn pages_of_any_size_hold_the_same_rows_as_the_table_by_id() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let schema = Schema::read(&connection).unwrap();
        assert!(has_rowids(&connection));
        let (expected, _) =
            ThreadStatements::new(&schema).rows_behind(&connection, None, usize::MAX).unwrap();
        let conditions = ["archived = 1", "NULL", "id > '019ced5'"].map(str::to_owned);
        for n in [1, 7, expected.len(), expected.len() + 1] {
            let (mut rows, mut after) = (Vec::new(), Some(i64::MIN));
            while let Some(place) = after {
                let page = RowPage::read(&connection, schema.columns, &conditions, place, n).unwrap();
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
