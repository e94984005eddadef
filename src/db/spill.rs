//! A sorted list that may be larger than memory: SQLite stores it in a temporary file and sorts it. The file has no
//! name that another program could open. It is deleted when the list is dropped or the process dies.

use crate::db::{packed, row};
use crate::thread::cell::Cell;
use rusqlite::Connection;

/// Opens a database in a temporary file, which SQLite creates only once its cache is full. It is written once and never
/// rolled back.
pub(super) fn temporary_database() -> rusqlite::Result<Connection> {
    let connection = Connection::open("")?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -1024;",
    )?;
    Ok(connection)
}

/// Records that are first collected and then read in the order of their keys.
#[derive(Debug)]
pub struct Spill {
    connection: Connection,
}

impl Spill {
    /// Creates an empty list.
    ///
    /// # Errors
    /// If there is no folder for temporary files.
    pub fn new() -> rusqlite::Result<Spill> {
        let connection = temporary_database()?;
        connection.execute_batch(
            "CREATE TABLE record (n INTEGER PRIMARY KEY, key BLOB NOT NULL, cells BLOB NOT NULL);
             CREATE TABLE sorted (place INTEGER PRIMARY KEY, n INTEGER NOT NULL);
             BEGIN",
        )?;
        Ok(Spill { connection })
    }

    /// Adds a record. Records are sorted by the bytes of their keys.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn push(&mut self, key: &[u8], cells: &[Cell]) -> rusqlite::Result<()> {
        let mut packed = Vec::new();
        cells.iter().for_each(|cell| packed::push(&mut packed, row::value_of(cell)));
        let sql = "INSERT INTO record (key, cells) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute((key, packed)).map(drop)
    }

    /// Sorts the collected records and keeps the first `limit`, or all if `None`. Returns their number.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn sort(&mut self, limit: Option<usize>) -> rusqlite::Result<usize> {
        let limit = limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        let sql = "INSERT INTO sorted (n) SELECT n FROM record ORDER BY key, n LIMIT ?1";
        self.connection.execute(sql, [limit])
    }

    /// Reads at most `n` records after the first `skipped`, in order.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn page(&self, skipped: u64, n: usize) -> rusqlite::Result<Vec<Vec<Cell>>> {
        let sql = "SELECT cells FROM sorted JOIN record USING (n) WHERE place > ?1 ORDER BY place LIMIT ?2";
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        row::collect(&self.connection, sql, (skipped, i64::try_from(n).unwrap_or(i64::MAX)), |row| {
            let mut packed = row.get_ref(0)?.as_blob().unwrap_or_default();
            Ok(Some(std::iter::from_fn(|| packed::next(&mut packed).map(row::to_cell)).collect()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_whole_and_in_the_order_of_their_keys() {
        let mut spill = Spill::new().unwrap();
        let of = |key: u8, n: usize| -> Vec<Cell> {
            (0..n).map(|i| Cell::Integer(i64::from(key) * 10 + i as i64)).collect()
        };
        for (key, n) in [(3, 2), (1, 5), (2, 3)] {
            spill.push(&[key], &of(key, n)).unwrap();
        }
        assert_eq!(spill.sort(None), Ok(3));
        assert_eq!(spill.page(0, 2), Ok(vec![of(1, 5), of(2, 3)]));
        assert_eq!(spill.page(2, 2), Ok(vec![of(3, 2)]));
        assert_eq!(spill.page(3, 2), Ok(Vec::new()));
    }

    #[test]
    fn of_many_records_the_first_are_kept() {
        let mut spill = Spill::new().unwrap();
        for n in (0..5000i64).rev() {
            let text = Cell::Text("x".repeat(1000));
            spill.push(&n.to_be_bytes(), &[Cell::Integer(n), text]).unwrap();
        }
        assert_eq!(spill.sort(Some(10)), Ok(10));
        let page = spill.page(9, 5).unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!((&page[0][0], page[0].len()), (&Cell::Integer(9), 2));
    }
}
