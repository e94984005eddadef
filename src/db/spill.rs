//! A sorted list that may be larger than memory: SQLite stores it in a temporary file and sorts it. The file has no
//! name that another program could open. It is deleted when the list is dropped or the process dies.

use crate::db::row;
use crate::thread::cell::Cell;
use rusqlite::{Connection, params, params_from_iter};

/// Records that are first collected and then read in the order of their keys.
#[derive(Debug)]
pub struct Spill {
    connection: Connection,
    /// The number of cells in the row of the record itself; each further cell has its own row.
    width: usize,
}

impl Spill {
    /// Creates an empty list of records that usually have `width` cells.
    ///
    /// # Errors
    /// If there is no folder for temporary files.
    pub fn new(width: usize) -> rusqlite::Result<Spill> {
        // An empty name means a database in a temporary file, which SQLite creates only once its cache is full.
        let connection = Connection::open("")?;
        let columns: String = (0..width).map(|i| format!(", c{i}")).collect();
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -1024;
             CREATE TABLE record (n INTEGER PRIMARY KEY, key BLOB NOT NULL{columns});
             CREATE TABLE more (record INTEGER, place INTEGER, value, PRIMARY KEY (record, place)) WITHOUT ROWID;
             CREATE TABLE sorted (place INTEGER PRIMARY KEY, n INTEGER NOT NULL);
             BEGIN"
        ))?;
        Ok(Spill { connection, width })
    }

    /// Adds a record. Records are sorted by the bytes of their keys.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn push(&mut self, key: &[u8], cells: &[Cell]) -> rusqlite::Result<()> {
        let values = (0..self.width + 1).map(|i| format!(", ?{}", i + 1)).collect::<String>();
        let sql = format!("INSERT INTO record VALUES (NULL{values})");
        let key = Cell::Blob(key.to_vec());
        let fixed = cells.iter().chain(std::iter::repeat(&Cell::Null)).take(self.width);
        self.connection
            .prepare_cached(&sql)?
            .execute(params_from_iter(std::iter::once(&key).chain(fixed)))?;
        let record = self.connection.last_insert_rowid();
        let mut insert = self.connection.prepare_cached("INSERT INTO more VALUES (?1, ?2, ?3)")?;
        for (place, cell) in cells.iter().enumerate().skip(self.width) {
            insert.execute(params![record, i64::try_from(place).unwrap_or(i64::MAX), cell])?;
        }
        Ok(())
    }

    /// Sorts the collected records and keeps the first `limit`, or all if `None`.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn sort(&mut self, limit: Option<usize>) -> rusqlite::Result<()> {
        let limit = limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        self.connection
            .execute("INSERT INTO sorted (n) SELECT n FROM record ORDER BY key, n LIMIT ?1", [limit])
            .map(drop)
    }

    /// Returns the number of sorted records.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn count(&self) -> rusqlite::Result<u64> {
        let n: i64 = self.connection.query_row("SELECT count(*) FROM sorted", [], |row| row.get(0))?;
        Ok(n.unsigned_abs())
    }

    /// Reads at most `n` records after the first `skipped`, in order.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn page(&self, skipped: u64, n: usize) -> rusqlite::Result<Vec<Vec<Cell>>> {
        let mut select = self.connection.prepare_cached(
            "SELECT record.* FROM sorted JOIN record USING (n) WHERE place > ?1 ORDER BY place LIMIT ?2",
        )?;
        let mut more =
            self.connection.prepare_cached("SELECT value FROM more WHERE record = ?1 ORDER BY place")?;
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let mut rows = select.query(params![skipped, i64::try_from(n).unwrap_or(i64::MAX)])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells: Vec<Cell> =
                (2..self.width + 2).map(|i| row.get_ref(i).map(row::to_cell)).collect::<Result<_, _>>()?;
            let mut others = more.query([row.get::<_, i64>(0)?])?;
            while let Some(other) = others.next()? {
                cells.push(row::to_cell(other.get_ref(0)?));
            }
            page.push(cells);
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_whole_and_in_the_order_of_their_keys() {
        let mut spill = Spill::new(2).unwrap();
        let of = |key: u8, n: usize| -> Vec<Cell> {
            (0..n).map(|i| Cell::Integer(i64::from(key) * 10 + i as i64)).collect()
        };
        for (key, n) in [(3, 2), (1, 5), (2, 3)] {
            spill.push(&[key], &of(key, n)).unwrap();
        }
        spill.sort(None).unwrap();
        assert_eq!(spill.count(), Ok(3));
        assert_eq!(spill.page(0, 2), Ok(vec![of(1, 5), of(2, 3)]));
        assert_eq!(spill.page(2, 2), Ok(vec![of(3, 2)]));
        assert_eq!(spill.page(3, 2), Ok(Vec::new()));
    }

    #[test]
    fn of_many_records_the_first_are_kept() {
        let mut spill = Spill::new(1).unwrap();
        for n in (0..5000i64).rev() {
            let text = Cell::Text("x".repeat(1000));
            spill.push(&n.to_be_bytes(), &[Cell::Integer(n), text]).unwrap();
        }
        spill.sort(Some(10)).unwrap();
        assert_eq!(spill.count(), Ok(10));
        let page = spill.page(9, 5).unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!((&page[0][0], page[0].len()), (&Cell::Integer(9), 2));
    }
}
