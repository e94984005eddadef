//! Describes in SQL the rows with cells that break Codex's listing. It runs nothing.

use super::schema::Schema;
use crate::thread::HistoryMode;
use crate::thread::columns::{Col, ColumnKind};
use crate::thread::equivalence::SECONDS;
use crate::thread::merge::PAGED;

/// Returns the SQL condition for a row with a text or blob in a column of integers, with seconds in a column of
/// milliseconds, or with a history mode that Codex does not know. It looks at no other column, because it is evaluated
/// for every row.
#[must_use]
pub fn condition(schema: &Schema) -> String {
    let broken = schema.columns.iter().filter_map(|col| match (col, col.column().kind) {
        (Col::HistoryMode, _) => {
            let known = HistoryMode::ALL.map(|mode| format!("'{}'", mode.as_str())).join(", ");
            Some(format!("{0} IS NULL OR {0} NOT IN ({known})", col.name()))
        }
        (_, ColumnKind::Text | ColumnKind::JsonText | ColumnKind::Path) => None,
        _ if PAGED.contains(&col) => {
            let (first, last) = (SECONDS.start(), SECONDS.end());
            Some(format!("{0} >= '' OR {0} BETWEEN {first} AND {last}", col.name()))
        }
        // Every text and blob is greater than every number.
        _ => Some(format!("{} >= ''", col.name())),
    });
    broken.collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::row::{collect, thread_id};
    use crate::db::testing::{FILLED, Place};
    use crate::db::threads::ThreadStatements;
    use crate::thread::{ThreadId, diff};

    #[test]
    fn the_rows_found_are_those_with_a_cell_that_codex_cannot_read() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let schema = Schema::read(&connection).unwrap();
        let id = ThreadId::parse("019ced49-a37b-7910-b752-4ac57f041864").unwrap();
        let sql = format!("SELECT id FROM threads WHERE {} LIMIT 3", condition(&schema));
        let find = || -> Vec<ThreadId> { collect(&connection, &sql, [], |row| thread_id(row, 0)).unwrap() };
        assert_eq!(find(), []);
        let table = ThreadStatements::new(&schema);
        let mut n_broken = 0;
        for col in schema.columns.iter().filter(|col| *col != Col::Id) {
            let kind = col.column().kind;
            let is_text = matches!(kind, ColumnKind::Text | ColumnKind::JsonText | ColumnKind::Path);
            for cell in ["NULL", "''", "'words'", "7", "'7'", "x'41'", "1773507450", "1773507450000"] {
                connection.execute_batch("SAVEPOINT before").unwrap();
                let sql = format!("UPDATE threads SET {} = {cell} WHERE id = '{id}'", col.name());
                // A column that is NOT NULL takes no NULL.
                if connection.execute(&sql, []).is_ok() {
                    let row = table.get(&connection, id).unwrap().unwrap();
                    let is_passed = is_text && col != Col::HistoryMode;
                    let is_broken = !is_passed && diff::unreadable_cells(&row).next().is_some();
                    assert_eq!(!find().is_empty(), is_broken, "{sql}");
                    n_broken += usize::from(is_broken);
                }
                connection.execute_batch("ROLLBACK TO before; RELEASE before").unwrap();
            }
        }
        assert!(n_broken > 30, "{n_broken}");
        connection.execute_batch("UPDATE threads SET history_mode = 'odd'").unwrap();
        assert_eq!(find().len(), 3);
    }
}
