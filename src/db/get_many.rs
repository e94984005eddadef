//! Reads the rows of many threads with one statement. SQLite then allocates memory for their texts once, and not again
//! for each row, and neither does a row whose memory was used before.

use super::threads::{AT_ONCE, ThreadStatements};
use crate::thread::ThreadId;
use crate::thread::columns::{Col, Row};
use rusqlite::{Connection, params_from_iter};

/// Maximum number of rows whose memory is kept.
const MAX_SPARE: usize = 256;

impl ThreadStatements {
    /// Takes a row of this table that is no longer needed. Its memory is used for a row that is read later, so that a
    /// row like the one before costs no allocation.
    pub fn reuse(&self, row: Option<Row>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < MAX_SPARE {
            spare.extend(row.filter(Row::is_small));
        }
    }

    /// Returns the rows of some threads, in the order of `ids`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get_many(&self, connection: &Connection, ids: &[ThreadId]) -> rusqlite::Result<Vec<Option<Row>>> {
        let mut rows = Vec::with_capacity(ids.len());
        let (chunks, rest) = ids.as_chunks::<AT_ONCE>();
        for chunk in chunks {
            match self.get_chunk(connection, chunk)? {
                Some(chunk) => rows.extend(chunk),
                None => self.get_each(connection, chunk, &mut rows)?,
            }
        }
        self.get_each(connection, rest, &mut rows)?;
        Ok(rows)
    }

    /// Returns those of some threads that have no row, in their order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn without_row(connection: &Connection, ids: &[ThreadId]) -> rusqlite::Result<Vec<ThreadId>> {
        let mut statement = connection.prepare_cached("SELECT 1 FROM threads WHERE id = ?1")?;
        let mut without = Vec::new();
        for id in ids {
            if !statement.exists([id.encode(&mut [0; 36])])? {
                without.push(*id);
            }
        }
        Ok(without)
    }

    fn get_each(
        &self,
        connection: &Connection,
        ids: &[ThreadId],
        rows: &mut Vec<Option<Row>>,
    ) -> rusqlite::Result<()> {
        for id in ids {
            rows.push(self.get(connection, *id)?);
        }
        Ok(())
    }

    /// Returns `None` if a row has another spelling of its id, as an unusual collation allows.
    fn get_chunk(
        &self,
        connection: &Connection,
        ids: &[ThreadId; AT_ONCE],
    ) -> rusqlite::Result<Option<[Option<Row>; AT_ONCE]>> {
        let mut buffers = [[0; 36]; AT_ONCE];
        for (id, buffer) in ids.iter().zip(&mut buffers) {
            id.encode(buffer);
        }
        let texts = buffers.each_ref().map(|buffer| std::str::from_utf8(buffer).unwrap_or_default());
        let mut statement = connection.prepare_cached(&self.select_many)?;
        let mut found = statement.query(params_from_iter(texts))?;
        let mut rows = [const { None }; AT_ONCE];
        let mut next = 0;
        while let Some(row) = found.next()? {
            let row = self.read_row(row)?;
            // SQLite returns them in the order of their ids, in which they were mostly asked for.
            let place = (0..AT_ONCE)
                .map(|i| (next + i) % AT_ONCE)
                .find(|&place| Some(texts[place]) == row.text(Col::Id));
            let Some(place) = place else { return Ok(None) };
            rows[place].get_or_insert(row);
            next = place + 1;
        }
        // SQLite returns the row of an id only once.
        for i in 1..AT_ONCE {
            if rows[i].is_none()
                && let Some(first) = ids[..i].iter().position(|id| *id == ids[i])
            {
                rows[i] = rows[first].clone();
            }
        }
        Ok(Some(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::open::Writer;
    use crate::db::schema::Schema;
    use crate::db::testing::{FILLED, Place, all_rows};
    use crate::thread::cell::Cell;

    #[test]
    fn rows_read_together_are_those_read_one_by_one() {
        let place = Place::with(FILLED);
        let mut writer = Writer::open(&place.database, &place.options()).unwrap();
        let schema = Schema::read(writer.connection()).unwrap();
        let mut table = ThreadStatements::new(&schema);
        let row = all_rows(writer.connection(), &table).remove(0);
        let there: Vec<ThreadId> = (1..200).map(|n| ThreadId::from_u128(7919 * n % 1009)).collect();
        writer
            .transaction_immediate(|transaction| {
                for id in &there {
                    let mut row = row.clone();
                    row[Col::Id] = Some(Cell::Text(id.to_string()));
                    row[Col::Title] = Some(Cell::Text(format!("title of {id}")));
                    table.insert(transaction, &row)?;
                }
                Ok(())
            })
            .unwrap();
        let missing = (2000..2100).map(ThreadId::from_u128);
        let twice = there.iter().copied().step_by(3);
        let asked: Vec<ThreadId> = there.iter().copied().chain(missing).chain(twice).collect();
        for ids in [&asked[..], &asked[100..300], &asked[..63], &[there[5]; 130], &[]] {
            let each = ids.iter().map(|id| table.get(writer.connection(), *id).unwrap()).collect::<Vec<_>>();
            let together = table.get_many(writer.connection(), ids).unwrap();
            assert_eq!(together, each);
            together.into_iter().for_each(|row| table.reuse(row));
        }
    }
}
