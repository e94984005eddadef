//! Counts the threads of each model provider; never writes.

use super::row::{collect, texts};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Counts the threads of each provider; rows without a provider are not counted.
///
/// # Errors
/// If the database cannot be read.
pub fn count(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let sql = "SELECT model_provider, count(*) FROM threads \
               WHERE typeof(model_provider) = 'text' AND model_provider <> '' GROUP BY model_provider";
    collect(connection, sql, [], |row| {
        let n = row.get::<_, i64>(1)?.unsigned_abs();
        Ok(texts(row)?.map(|[provider]| (provider, n)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{FILLED, Place};

    #[test]
    fn providers_are_counted_by_name() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let n = crate::db::threads::count(&connection).unwrap();
        let sql = "UPDATE threads SET model_provider = 'openai';
                   UPDATE threads SET model_provider = 'other' WHERE id IN (SELECT id FROM threads ORDER BY id LIMIT 2);
                   UPDATE threads SET model_provider = '' WHERE id = (SELECT max(id) FROM threads);";
        connection.execute_batch(sql).unwrap();
        let expected = BTreeMap::from([("openai".to_owned(), n - 3), ("other".to_owned(), 2)]);
        assert_eq!(count(&connection).unwrap(), expected);
    }
}
